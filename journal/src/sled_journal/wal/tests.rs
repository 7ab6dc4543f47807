use std::fs;

use super::*;
use crate::sled_journal::SledJournal;
use crate::testing::samples;
use crate::{Entry, Journal, RunHeader, RunId, Seq, Timestamp};

/// Commits with payloads of these sizes, each on top of the one before.
fn commits(sizes: &[usize]) -> Vec<Logged> {
    let run = RunId::new("one").unwrap();
    let mut mark = CommitMark::none();
    let follow = |(place, size): (usize, &usize)| {
        let end = Chain::hash(&[&place.to_be_bytes()]);
        mark = CommitMark { commit: mark.commit + 1, ends: mark.ends.with_end(None, end) };
        let mut commit = Commit::default();
        commit.put_batch(&run, Seq(place as u64), vec![7; *size]);
        Logged { commit, mark }
    };
    sizes.iter().enumerate().map(follow).collect()
}

/// The log of some of these commits, in a file.
fn log_of(path: &Path, commits: &[Logged], range: std::ops::Range<usize>) -> Wal {
    let mut wal = Wal::open(path).unwrap();
    append(&mut wal, commits, range);
    wal
}

fn append(wal: &mut Wal, commits: &[Logged], range: std::ops::Range<usize>) {
    for place in range {
        let before = place.checked_sub(1).map_or_else(CommitMark::none, |at| commits[at].mark);
        let Logged { commit, mark } = commits[place].clone();
        wal.append(commit, before, mark).unwrap();
    }
}

fn read(path: &Path) -> Vec<Logged> {
    Log::read(path).unwrap().unwrap().commits
}

#[test]
fn what_is_written_reads_back_and_a_missing_file_is_told_from_an_empty_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("wal");
    assert_eq!(Log::read(&path).unwrap(), None);
    assert!(Log::read(dir.path()).is_err(), "a folder is no log");
    let commits = commits(&[300, 0, 200_000, 5]);
    let mut wal = log_of(&path, &commits, 0..0);
    assert_eq!(read(&path), []);
    append(&mut wal, &commits, 0..4);
    assert_eq!((read(&path).as_slice(), wal.pending()), (commits.as_slice(), commits.as_slice()));
    assert_eq!(fs::metadata(&path).unwrap().len() % ZEROS.len() as u64, 0, "zeros lie ahead");
    wal.clear().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
    append(&mut wal, &commits, 0..1);
    assert_eq!(read(&path), commits[..1]);
}

#[test]
fn a_log_that_somebody_has_removed_takes_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("wal");
    let commits = commits(&[5, 5]);
    let mut wal = log_of(&path, &commits, 0..1);
    fs::remove_file(&path).unwrap();
    let Logged { commit, mark } = commits[1].clone();
    let error = wal.append(commit, commits[0].mark, mark).unwrap_err();
    assert!(
        matches!(&error, JournalError::Storage { source, .. } if source.kind() == io::ErrorKind::NotFound)
    );
}

#[test]
fn a_log_is_long_when_it_is_beyond_its_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = usize::try_from(CHECKPOINT_BYTES).unwrap();
    let overhead = {
        let one = commits(&[0]);
        usize::try_from(log_of(&dir.path().join("empty"), &one, 0..1).end).unwrap()
    };
    for (size, long) in [(checkpoint - overhead, false), (checkpoint - overhead + 1, true)] {
        let mut wal = log_of(&dir.path().join(size.to_string()), &commits(&[size]), 0..1);
        assert_eq!(wal.is_long(), long, "{}", wal.end);
        wal.restart().unwrap();
        assert!(!wal.is_long());
    }
}

#[test]
fn a_file_that_grew_out_of_measure_is_emptied_and_another_one_keeps_its_room() {
    let dir = tempfile::tempdir().unwrap();
    let room = 2 * usize::try_from(CHECKPOINT_BYTES).unwrap();
    for (size, left) in [(room - 1_000, room as u64), (room, 0), (3 * room, 0)] {
        let path = dir.path().join(size.to_string());
        let mut wal = log_of(&path, &commits(&[size]), 0..1);
        wal.restart().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), left, "after a commit of {size} bytes");
    }
}

#[test]
fn a_write_that_fails_names_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("wal");
    fs::write(&path, "").unwrap();
    let file = File::open(&path).unwrap();
    let mut wal = Wal { file, path: path.clone(), end: 0, length: 0, pending: Vec::new() };
    let Logged { commit, mark } = commits(&[1])[0].clone();
    let error = wal.append(commit, CommitMark::none(), mark).unwrap_err().to_string();
    assert!(error.contains(&format!("write to {}", path.display())), "{error}");
}

#[test]
fn a_flip_or_a_cut_leaves_the_commits_before_it_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("wal");
    let commits = commits(&[40, 90, 1]);
    let wal = log_of(&path, &commits, 0..3);
    let whole = fs::read(&path).unwrap()[..usize::try_from(wal.end).unwrap()].to_vec();
    let ends: Vec<usize> = (0..3)
        .map(|last| encode(&commits[last].commit, CommitMark::none(), commits[last].mark).len())
        .scan(0, |end, length| {
            *end += length;
            Some(*end)
        })
        .collect();
    assert_eq!(ends.last(), Some(&whole.len()));
    let before = |at: usize| ends.iter().filter(|end| **end <= at).count();
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(&path, flipped).unwrap();
        assert_eq!(read(&path), commits[..before(at)], "byte {at}");
        fs::write(&path, &whole[..at]).unwrap();
        assert_eq!(read(&path), commits[..before(at)], "cut to {at}");
    }
}

/// Entries of one size, so that an old one begins where a new one ends.
#[test]
fn what_was_taken_over_is_no_continuation_of_what_is_written_later() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("wal");
    let commits = commits(&[50; 9]);
    let mut wal = log_of(&path, &commits, 0..6);
    wal.restart().unwrap();
    assert!(wal.pending().is_empty());
    assert_eq!(read(&path), commits[..6], "nothing is overwritten before the next commit");
    for next in 6..9 {
        append(&mut wal, &commits, next..next + 1);
        assert_eq!(read(&path), commits[6..=next]);
    }
}

#[test]
fn a_database_gets_what_it_lacks_and_another_one_nothing() {
    let commits = commits(&[1; 6]);
    let log = |range: std::ops::Range<usize>| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("wal");
        log_of(&path, &commits, range);
        Log::read(&path).unwrap().unwrap()
    };
    let behind = |range, mark: CommitMark| log(range).behind(mark);
    assert_eq!(behind(0..6, CommitMark::none()).unwrap(), commits);
    assert_eq!(behind(3..6, commits[2].mark).unwrap(), commits[3..]);
    for stands_at in 2..=5 {
        let lacks = behind(2..6, commits[stands_at].mark).unwrap();
        assert_eq!(lacks, commits[stands_at + 1..], "after commit {}", stands_at + 1);
    }
    assert_eq!(behind(1..3, commits[5].mark).unwrap(), [], "all of it was taken over");
    assert_eq!(behind(0..0, commits[5].mark).unwrap(), [], "it is empty");
    let other = |commit| CommitMark { commit, ends: Chain::hash(&[b"another journal"]) };
    for (range, mark) in
        [(3..6, commits[1].mark), (3..6, other(3)), (3..6, other(5)), (0..6, other(6))]
    {
        let refused = behind(range, mark);
        assert!(matches!(refused, Err(JournalError::Damaged { .. })), "{mark:?}: {refused:?}");
    }
    let gap = behind(3..6, commits[1].mark).unwrap_err().to_string();
    assert!(gap.contains("begins with commit 4, and the database ends with commit 2"), "{gap}");
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("wal");
    let mut entry = encode(&Commit::default(), CommitMark::none(), commits(&[1])[0].mark);
    entry[5] = 3;
    let checksum = checksum(&entry);
    entry[CHECKSUM_AT..BODY_AT].copy_from_slice(checksum.as_bytes());
    fs::write(&path, entry).unwrap();
    let refused = Log::read(&path);
    assert!(matches!(refused, Err(JournalError::NewerFormat { found: 3, .. })), "{refused:?}");
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Appends some 30 KiB.
fn append_to(journal: &SledJournal, header: &RunHeader, next: &mut Seq) {
    let reason = format!("{next}-").repeat(30_000 / (next.to_string().len() + 1));
    let entry = Entry::ActionWaiting { action: samples::action("a"), reason, waited_ms: next.0 };
    wait(journal.append(&header.run, *next, Timestamp(5), vec![entry])).unwrap();
    *next = next.next();
}

/// Each copy is what a death leaves at that commit: before, at, and after the database took over.
#[test]
fn a_copy_taken_at_any_commit_reads_back_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("shared");
    let log = place.join("wal");
    let journal = SledJournal::create(&place).unwrap();
    let header = samples::header("long");
    wait(journal.create(&header)).unwrap();
    let (mut next, mut checkpoints, mut copies, mut first) = (Seq::FIRST, 0, vec![], None);
    while checkpoints < 3 {
        append_to(&journal, &header, &mut next);
        let begins = Log::read(&log).unwrap().unwrap().before;
        let begun_anew = first.replace(begins).is_some_and(|first| first != begins);
        checkpoints += usize::from(begun_anew);
        if begun_anew || next.0 % 9 == 0 {
            let copy = dir.path().join(format!("copy-{next}"));
            crate::tree::copy(&place, &copy).unwrap();
            copies.push((copy, next));
        }
    }
    for (copy, next) in &copies {
        let journal = SledJournal::open(copy).unwrap();
        let last = |journal: &SledJournal| {
            let found = wait(journal.read(&header.run)).unwrap();
            found.records.last().unwrap().seq.next()
        };
        assert_eq!(last(&journal), *next);
        let mut next = *next;
        (0..40).for_each(|_| append_to(&journal, &header, &mut next));
        assert_eq!(last(&journal), next);
    }
    println!("[counts] {} deaths around {checkpoints} checkpoints", copies.len());
}
