//! Disks that take no more.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use lab1_flow_journal::testing::samples;
use lab1_flow_journal::{Journal, JournalError, RunJournal, RunStore, Seq, Timestamp};

use crate::child::{self, wait};

/// A file system in memory of a few megabytes.
#[derive(Debug)]
struct SmallDisk {
    point: PathBuf,
    _dir: tempfile::TempDir,
}

impl SmallDisk {
    fn make(size: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let point = dir.path().join("point");
        fs::create_dir(&point).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(&point);
        let mounted = mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        mounted.then_some(Self { point, _dir: dir })
    }

    fn fill(&self) {
        // It ends with an error when the disk is full, which is the purpose.
        let _ = fs::write(self.point.join("ballast"), vec![1; 64 << 20]);
    }

    fn make_room(&self) {
        fs::remove_file(self.point.join("ballast")).unwrap();
    }

    fn remount(&self, options: &str) {
        let status = Command::new("mount")
            .args(["-o", &format!("remount,{options}")])
            .arg(&self.point)
            .status();
        assert!(status.unwrap().success(), "remount {options}");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.point).status();
    }
}

/// Gives the work a state directory on a small disk, and a minute: a store that hangs on a full disk would hang
/// the test.
fn on_a_disk_of(size: &str, work: impl FnOnce(&SmallDisk, &RunStore) + Send + 'static) {
    let Some(disk) = SmallDisk::make(size) else {
        eprintln!("left out: a disk that takes no more needs root and tmpfs");
        return;
    };
    let (done, finished) = std::sync::mpsc::channel();
    let worker = std::thread::spawn(move || {
        work(&disk, &RunStore::open(disk.point.join("state")).unwrap());
        let _ = done.send(());
    });
    match finished.recv_timeout(Duration::from_mins(1)) {
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        _ => worker.join().unwrap(),
    }
}

#[test]
fn a_full_disk_fails_the_append_and_every_later_one_and_loses_nothing() {
    on_a_disk_of("6m", |disk, store| {
        let header = samples::header("one");
        let journal = store.create(&header).unwrap();
        let append =
            |next: Seq| wait(journal.append(&header.run, next, Timestamp(7), child::batch(next)));
        let mut next = Seq::FIRST;
        for _ in 0..20 {
            next = append(next).unwrap().last().unwrap().seq.next();
        }
        disk.fill();
        let failed = loop {
            match append(next) {
                Ok(records) => next = records.last().unwrap().seq.next(),
                Err(error) => break error,
            }
        };
        assert!(matches!(failed, JournalError::Storage { .. }), "{failed:?}");
        // The run can still be looked at, and there is still no room.
        drop(store.view(&header.run).unwrap());
        // Room again does not make a failed journal good again.
        disk.make_room();
        for _ in 0..3 {
            assert!(matches!(append(next), Err(JournalError::Storage { .. })));
        }
        assert!(matches!(journal.close(), Err(JournalError::Storage { .. })));
        let view = store.view(&header.run).unwrap();
        let last = child::check(&view.history.header, &view.history.records);
        assert!(last.next() >= next, "{last} is there, and the run stood at {next}");
        let journal = store.open_run(&header.run).unwrap();
        let next = last.next();
        wait(journal.append(&header.run, next, Timestamp(7), child::batch(next))).unwrap();
        journal.close().unwrap();
    });
}

/// Large batches take another way through sled: one that does not wake its waiters when a write fails.
#[test]
fn a_full_disk_fails_a_large_append_too() {
    on_a_disk_of("6m", |disk, store| {
        let header = samples::header("one");
        let journal = store.create(&header).unwrap();
        disk.fill();
        let entries = vec![samples::started("a", 1), samples::large("a", 2 << 20)];
        let failed = wait(journal.append(&header.run, Seq::FIRST, Timestamp(7), entries));
        assert!(matches!(failed, Err(JournalError::Storage { .. })), "{failed:?}");
        assert!(matches!(journal.close(), Err(JournalError::Storage { .. })));
        disk.make_room();
        let journal = store.open_run(&header.run).unwrap();
        let history = wait(journal.read(&header.run)).unwrap();
        assert_eq!(history.records, [], "a batch that does not fit is not there in part");
    });
}

/// All is durable in the write-ahead log, and the database has no room for it: the close fails.
#[test]
fn a_disk_that_is_full_when_the_database_takes_over_loses_nothing() {
    on_a_disk_of("6m", |disk, store| {
        let header = samples::header("one");
        let journal = store.create(&header).unwrap();
        let append = |journal: &RunJournal, next: Seq| {
            let appended = journal.append(&header.run, next, Timestamp(7), child::batch(next));
            wait(appended).unwrap().last().unwrap().seq.next()
        };
        // More than the segment holds that sled has already, and less than would make it take over now.
        let next = (0..100).fold(Seq::FIRST, |next, _| append(&journal, next));
        disk.fill();
        let failed = journal.close();
        assert!(matches!(failed, Err(JournalError::Storage { .. })), "{failed:?}");
        disk.make_room();
        let journal = store.open_run(&header.run).unwrap();
        let history = wait(journal.read(&header.run)).unwrap();
        assert_eq!(child::check(&header, &history.records).next(), next);
        append(&journal, next);
        journal.close().unwrap();
    });
}

#[test]
fn a_full_disk_refuses_a_new_run_and_leaves_nothing_of_it() {
    on_a_disk_of("3m", |disk, store| {
        disk.fill();
        let refused = store.create(&samples::header("one"));
        assert!(matches!(refused, Err(JournalError::Storage { .. })), "{refused:?}");
        assert_eq!(store.ids().unwrap(), []);
        disk.make_room();
        store.create(&samples::header("one")).unwrap().close().unwrap();
    });
}

#[test]
fn a_disk_that_turns_read_only_fails_with_a_typed_error() {
    on_a_disk_of("16m", |disk, store| {
        let header = samples::header("one");
        store.create(&header).unwrap().close().unwrap();
        disk.remount("ro");
        let refused = store.open_run(&header.run);
        assert!(matches!(refused, Err(JournalError::Storage { .. })), "{refused:?}");
        let refused = store.create(&samples::header("two"));
        assert!(matches!(refused, Err(JournalError::Storage { .. })), "{refused:?}");
        assert_eq!(store.view(&header.run).unwrap().history.header, header, "looking still works");
        disk.remount("rw");
        store.open_run(&header.run).unwrap().close().unwrap();
    });
}

#[test]
fn everything_in_a_state_directory_is_private() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let store = RunStore::open(&state).unwrap();
    let header = samples::header("one");
    let journal = store.create(&header).unwrap();
    wait(journal.append(&header.run, Seq::FIRST, Timestamp(7), child::batch(Seq::FIRST))).unwrap();
    journal.close().unwrap();
    drop(store.open_run(&header.run).unwrap());
    let mut folders = vec![state];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        assert_eq!(fs::metadata(&folder).unwrap().permissions(), mode(0o40700), "{folder:?}");
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                seen += 1;
                assert_eq!(fs::metadata(&path).unwrap().permissions(), mode(0o100_600), "{path:?}");
            }
        }
    }
    assert!(seen >= 6, "database, witness, lock, mirror: only {seen} files");
}

fn mode(mode: u32) -> Permissions {
    Permissions::from_mode(mode)
}
