//! Losses of power: an ext4 file system in a loop device is shut down without writing back what it holds in
//! memory, while a child appends to a journal on it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lab1_flow_journal::{Journal, RunId, RunStore, Seq, SledJournal};

use crate::child::{self, Job, Worker, wait};

const CUTS: u32 = 20;
const APPENDS_BEFORE_CUT: u32 = 12;

/// Shuts a file system down as a loss of power would: `EXT4_IOC_SHUTDOWN` with `NOLOGFLUSH`.
const SHUT_DOWN: &str = "
import fcntl, os, struct, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
fcntl.ioctl(fd, 0x8004587D, struct.pack('I', 2))
";

fn run(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A file system of our own that can lose its power.
#[derive(Debug)]
struct Volume {
    image: PathBuf,
    point: PathBuf,
    _dir: tempfile::TempDir,
}

impl Volume {
    /// Makes and mounts the file system; `None` where that is not allowed.
    fn make() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("image");
        let point = dir.path().join("point");
        fs::create_dir(&point).unwrap();
        fs::File::create(&image).unwrap().set_len(512 << 20).unwrap();
        let volume = Self { image, point, _dir: dir };
        let made = run(Command::new("mkfs.ext4").arg("-q").arg(&volume.image)) && volume.mount();
        // A trial cut: the shutdown needs rights of its own.
        (made && volume.cut() && volume.mount()).then_some(volume)
    }

    fn mount(&self) -> bool {
        run(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.point))
    }

    fn cut(&self) -> bool {
        run(Command::new("python3").args(["-c", SHUT_DOWN]).arg(&self.point))
            && run(Command::new("umount").arg(&self.point))
    }

    /// Takes the power away from a working child, and gives it back.
    fn cut_under(&self, worker: Worker) -> Vec<child::Acknowledged> {
        assert!(run(Command::new("python3").args(["-c", SHUT_DOWN]).arg(&self.point)));
        let acknowledged = worker.kill();
        assert!(run(Command::new("umount").arg(&self.point)), "unmount");
        assert!(self.mount(), "mount again");
        acknowledged
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        run(Command::new("umount").arg("-l").arg(&self.point));
    }
}

/// Goes around the harness, which keeps what a passing test prints to itself.
fn say(line: &str) {
    // Nobody to tell is no reason to fail.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Cuts the power again and again under one journal, and calls `check` with what was acknowledged.
fn cut_again_and_again(job: Job, check: impl Fn(&Path, &BTreeMap<RunId, Seq>)) {
    let Some(volume) = Volume::make() else {
        say("[note] power cuts left out: they need root, ext4, a loop device and python3");
        return;
    };
    let mut told = BTreeMap::new();
    let mut appends = 0;
    for cut in 0..CUTS {
        let mut worker = Worker::start(job, &volume.point);
        // The first cut comes as soon as the journal is there.
        let delay_ms = if cut == 0 { 0 } else { u64::from(40 + cut * 37 % 160) };
        let until = Instant::now() + Duration::from_millis(delay_ms);
        let mut note = |(run, seq): child::Acknowledged| {
            appends += 1;
            told.insert(run, seq);
        };
        note(worker.next().expect("the child starts"));
        // A busy machine may need longer for enough of them to be worth a cut.
        let mut before = if cut == 0 { 0 } else { APPENDS_BEFORE_CUT };
        while Instant::now() < until || before > 0 {
            let Some(acknowledged) = worker.next() else { break };
            note(acknowledged);
            before = before.saturating_sub(1);
        }
        volume.cut_under(worker).into_iter().for_each(note);
        check(&volume.point, &told);
    }
    let what = format!("{CUTS} cuts, {appends} acknowledged appends, 0 violations");
    say(&format!("[counts] power cuts, {job:?}: {what}"));
    assert!(appends > CUTS * 10, "the children hardly worked: {appends} appends");
}

#[test]
fn a_run_survives_the_loss_of_power() {
    cut_again_and_again(Job::OneRun, |place, told| {
        let store = RunStore::open(place).unwrap();
        for (run, seq) in told {
            let view = store.view(run).unwrap();
            let last = child::check(&view.history.header, &view.history.records);
            assert!(last >= *seq, "{last} is there, {seq} was acknowledged");
        }
    });
}

#[test]
fn a_journal_of_many_runs_survives_the_loss_of_power() {
    cut_again_and_again(Job::ManyRuns, |place, told| {
        let journal = SledJournal::open(&place.join("shared")).unwrap();
        for (run, seq) in told {
            let history = wait(journal.read(run)).unwrap();
            let last = child::check(&history.header, &history.records);
            assert!(last >= *seq, "{run}: {last} is there, {seq} was acknowledged");
        }
    });
}
