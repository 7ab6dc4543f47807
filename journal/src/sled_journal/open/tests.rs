use super::*;
use crate::codec::Chain;
use crate::sled_journal::SledJournal;
use crate::sled_journal::commit::Commit;
use crate::sled_journal::wal::Logged;
use crate::testing::samples;
use crate::{Journal, Seq, Timestamp};

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn sealed(layout: &Layout) -> bool {
    let sighting = Witness::look(&layout.witness()).unwrap();
    is_sealed(&layout.database(), sighting).unwrap()
}

#[test]
fn a_journal_is_sealed_while_it_is_closed_and_only_then() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::new(&dir.path().join("shared"));
    let journal = SledJournal::create(layout.dir()).unwrap();
    assert!(!sealed(&layout), "open");
    wait(journal.create(&samples::header("one"))).unwrap();
    assert!(!sealed(&layout), "open, and written");
    journal.close().unwrap();
    assert!(sealed(&layout), "closed");
    drop(SledJournal::open(layout.dir()).unwrap());
    assert!(sealed(&layout), "opened and dropped");
    // One byte in a part of the log that holds nothing: still not what was closed.
    let log = layout.database().join("db");
    let mut bytes = fs::read(&log).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&log, bytes).unwrap();
    assert!(!sealed(&layout), "touched");
    SledJournal::open(layout.dir()).unwrap().close().unwrap();
    assert!(sealed(&layout), "verified and closed");
}

/// Counts commits by the number that the witness saw.
#[test]
fn appends_that_wait_together_share_a_commit_and_others_have_one_each() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::new(&dir.path().join("shared"));
    let journal = SledJournal::create(layout.dir()).unwrap();
    let commits = || Witness::look(&layout.witness()).unwrap().unwrap().mark.commit;
    let headers: Vec<_> = (0..60).map(|run| samples::header(&format!("run-{run}"))).collect();
    for header in &headers {
        wait(journal.create(header)).unwrap();
    }
    assert_eq!(commits(), 60, "one after the other: a commit each");
    let entries = || vec![samples::started("a", 1), samples::started("b", 1)];
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let journal = std::sync::Arc::new(journal);
    runtime.block_on(async {
        let append = |run: RunId| {
            let journal = std::sync::Arc::clone(&journal);
            let entries = entries();
            tokio::spawn(async move {
                journal.append(&run, Seq::FIRST, Timestamp(5), entries).await.map(drop)
            })
        };
        let tasks: Vec<_> = headers.iter().map(|header| append(header.run.clone())).collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
    });
    let shared = commits() - 60;
    assert!(shared <= 10, "60 appends that waited together took {shared} commits");
}

#[test]
fn what_was_not_closed_is_checked_whole_before_it_is_believed() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::new(&dir.path().join("shared"));
    SledJournal::create(layout.dir()).unwrap().close().unwrap();
    let store = Store::open(&layout.database()).unwrap();
    let mark = CommitMark { commit: 1, ends: Chain::hash(&[b"of a run that is not there"]) };
    store.take_over(&[Logged { commit: Commit::default(), mark }]).unwrap();
    store.close().unwrap();
    let error = SledJournal::open(layout.dir()).unwrap_err();
    assert!(error.to_string().contains("records are missing"), "{error}");
}

#[test]
fn a_log_that_is_missing_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::new(&dir.path().join("shared"));
    SledJournal::create(layout.dir()).unwrap().close().unwrap();
    fs::remove_file(layout.wal()).unwrap();
    let error = SledJournal::open(layout.dir()).unwrap_err().to_string();
    assert!(error.contains(&layout.wal().display().to_string()), "{error}");
}

#[test]
fn only_a_snapshot_that_is_half_written_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["snap.1", "snap.2.generating", "other.generating"] {
        fs::write(dir.path().join(name), "").unwrap();
    }
    remove_half_snapshots(dir.path()).unwrap();
    let mut names: Vec<_> = files::list(dir.path()).unwrap();
    names.sort();
    assert_eq!(names, ["other.generating", "snap.1"].map(|name| dir.path().join(name)));
}

#[test]
fn damage_of_a_copy_is_told_as_that_of_the_original() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::new(&dir.path().join("shared"));
    SledJournal::create(layout.dir()).unwrap().close().unwrap();
    let copy = dir.path().join("copy");
    let place = |at: &Path| {
        let at = at.display().to_string();
        let damaged = move |_: &Store| Err::<(), _>(JournalError::damaged(at, "so"));
        let error = open_copy(&layout, &copy, None, damaged).unwrap_err();
        crate::tree::remove(&copy).unwrap();
        error.to_string()
    };
    let told = place(&copy);
    assert!(told.contains(&layout.database().display().to_string()), "{told}");
    let told = place(Path::new("record 5"));
    assert!(told.contains("at record 5:"), "{told}");
}

#[test]
fn what_is_behind_or_beside_its_witness_is_damaged() {
    let mark = |commit, ends: &[u8]| CommitMark { commit, ends: Chain::hash(&[ends]) };
    let seen = Some(Sighting::open(mark(5, b"these")));
    compare(mark(5, b"these"), seen).unwrap();
    compare(mark(6, b"others"), seen).unwrap();
    compare(mark(1, b"any"), None).unwrap();
    for lost in [mark(4, b"these"), mark(5, b"others")] {
        assert!(compare(lost, seen).is_err(), "{lost:?}");
    }
}

#[test]
fn a_panic_becomes_damage() {
    let result: Result<(), _> = contained(|| panic!("as sled does"));
    let text = result.unwrap_err().to_string();
    assert!(text.contains("sled panicked: as sled does"), "{text}");
}
