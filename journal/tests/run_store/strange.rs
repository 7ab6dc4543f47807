//! What does not belong into a state directory: links, pipes, devices, endless files.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use lab1_flow_journal::private::{Fault, Unfit};
use lab1_flow_journal::testing::samples;
use lab1_flow_journal::{JournalError, RunId, RunStore, Seq, Source};

use super::{append, names, store, wait};

const FILES: [&str; 6] = ["lock", "witness", "wal", "mirror.jsonl", "journal/db", "journal/conf"];

fn rested(store: &RunStore, name: &str) -> RunId {
    let journal = store.create(&samples::header(name)).unwrap();
    append(&journal, Seq::FIRST, &samples::life());
    let run = journal.run().clone();
    journal.close().unwrap();
    run
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_link_in_a_runs_folder_is_refused_and_what_it_leads_to_stays_as_it_is() {
    let (dir, store) = store();
    let run = rested(&store, "one");
    let home = dir.path().join("home");
    fs::create_dir_all(home.join("bin")).unwrap();
    for path in ["bin/tool", "data"] {
        fs::write(home.join(path), "precious").unwrap();
        fs::set_permissions(home.join(path), Permissions::from_mode(0o755)).unwrap();
    }
    for (name, target) in
        [("journal/blobs", "."), ("journal/more", "data"), ("more", "."), ("stop", "data")]
    {
        let link = store.dir(&run).join(name);
        let there = fs::rename(&link, dir.path().join("aside")).is_ok();
        symlink(home.join(target), &link).unwrap();
        let refused = store.open_run(&run);
        let expected = Unfit { path: link.clone(), fault: Fault::Link };
        assert!(
            matches!(&refused, Err(JournalError::Unfit(unfit)) if *unfit == expected),
            "{name}: {refused:?}"
        );
        fs::remove_file(&link).unwrap();
        if there {
            fs::rename(dir.path().join("aside"), &link).unwrap();
        }
    }
    for path in ["bin/tool", "data"] {
        assert_eq!(mode(&home.join(path)), 0o755);
        assert_eq!(fs::read(home.join(path)).unwrap(), b"precious");
    }
    assert_eq!(mode(&home.join("bin")), mode(&home));
    store.open_run(&run).unwrap().close().unwrap();
}

#[test]
fn no_file_of_a_run_is_read_or_written_through_a_link_a_pipe_or_a_second_name() {
    let (dir, store) = store();
    let run = rested(&store, "one");
    for name in FILES {
        let path = store.dir(&run).join(name);
        let kept = dir.path().join("kept");
        fs::rename(&path, &kept).unwrap();
        let before = fs::read(&kept).unwrap();
        symlink(&kept, &path).unwrap();
        let refused = store.open_run(&run);
        assert!(matches!(refused, Err(JournalError::Unfit(_))), "{name}: {refused:?}");
        // A look never hangs; where it reads something else than what is strange, it may succeed.
        let _seen = store.view(&run);
        fs::remove_file(&path).unwrap();
        pipe(&path);
        let refused = store.open_run(&run);
        assert!(matches!(refused, Err(JournalError::Unfit(_))), "{name}: {refused:?}");
        let _seen = store.view(&run);
        assert_eq!(store.summaries().unwrap().len(), 1);
        fs::remove_file(&path).unwrap();
        fs::hard_link(&kept, &path).unwrap();
        let refused = store.open_run(&run);
        assert!(matches!(refused, Err(JournalError::Unfit(_))), "{name}: {refused:?}");
        store.view(&run).unwrap();
        assert_eq!(fs::read(&kept).unwrap(), before, "{name}");
        fs::remove_file(&kept).unwrap();
    }
    store.open_run(&run).unwrap().close().unwrap();
}

#[test]
fn one_strange_run_never_hides_the_others() {
    let (dir, store) = store();
    let run = rested(&store, "good");
    let runs = store.dir(&run).parent().unwrap().to_owned();
    let elsewhere = dir.path().join("elsewhere");
    lab1_flow_journal::testing::copy_folder(&runs.join("good"), &elsewhere).unwrap();
    symlink(&elsewhere, runs.join("linked")).unwrap();
    pipe(&runs.join("piped"));
    fs::write(runs.join("written"), "no folder").unwrap();
    fs::create_dir(runs.join("empty")).unwrap();
    for name in ["lock", "mirror.jsonl", "wal"] {
        let strange = store.dir(&rested(&store, &format!("strange-{}", name.replace('.', "-"))));
        fs::remove_file(strange.join(name)).unwrap();
        symlink("/dev/zero", strange.join(name)).unwrap();
    }
    let listed = store.summaries().unwrap();
    let (good, bad): (Vec<_>, Vec<_>) = listed.iter().partition(|run| run.is_ok());
    let good: Vec<_> = good.into_iter().map(|run| run.as_ref().unwrap().run.clone()).collect();
    // A list needs the mirror alone, and the journal where there is none.
    assert_eq!(names(&good), ["good", "strange-mirror-jsonl", "strange-wal"]);
    assert_eq!(bad.len(), 5, "{bad:#?}");
    for name in ["linked", "piped", "written"] {
        let run = RunId::new(name).unwrap();
        let refused = store.view(&run);
        assert!(matches!(refused, Err(JournalError::Unfit(_))), "{name}: {refused:?}");
        assert!(store.remove(&run).is_err() && store.set_aside(&run).is_err(), "{name}");
    }
    assert!(elsewhere.join("lock").exists());
}

#[test]
fn an_endless_file_is_read_up_to_a_limit() {
    let (_dir, store) = store();
    let run = rested(&store, "one");
    let grow = |name: &str| {
        let file = File::options().write(true).open(store.dir(&run).join(name)).unwrap();
        file.set_len(1 << 40).unwrap();
    };
    grow("lock");
    drop(store.view(&run).unwrap());
    grow("mirror.jsonl");
    let mut follower = store.follow(&run, Seq::FIRST).unwrap();
    assert!(follower.look().is_err());
    assert_eq!(store.summaries().unwrap().len(), 1);
    drop(store.open_run(&run).unwrap());
    grow("wal");
    let refused = store.open_run(&run);
    assert!(matches!(refused, Err(JournalError::Unfit(_))), "{refused:?}");
    let refused = store.view(&run);
    assert!(matches!(refused, Err(JournalError::Unfit(_))), "{refused:?}");
}

#[test]
fn a_state_directory_that_others_can_write_to_is_refused() {
    let (dir, store) = store();
    rested(&store, "one");
    let state = dir.path().join("deep/state");
    for folder in [state.join("runs"), state.clone(), dir.path().join("deep")] {
        fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
        let refused = RunStore::open(&state);
        let at = folder.clone();
        assert!(
            matches!(&refused, Err(JournalError::Unfit(unfit)) if unfit.path == at),
            "{refused:?}"
        );
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    }
    RunStore::open(&state).unwrap();
    let moved = dir.path().join("moved");
    fs::rename(state.join("runs"), &moved).unwrap();
    symlink(&moved, state.join("runs")).unwrap();
    assert!(matches!(RunStore::open(&state), Err(JournalError::Unfit(_))), "a link inside");
    fs::remove_file(state.join("runs")).unwrap();
    fs::rename(&moved, state.join("runs")).unwrap();
    let link = dir.path().join("named");
    symlink(&state, &link).unwrap();
    let store = RunStore::open(&link).unwrap();
    let journal = store.open_run(&samples::header("one").run).unwrap();
    wait(lab1_flow_journal::Journal::read(&journal, journal.run())).unwrap();
    journal.close().unwrap();
    assert_eq!(store.view(&samples::header("one").run).unwrap().source, Source::Journal);
}
