//! Goal: a damaged journal gives back exactly what was written, or a typed error, and is left as it is. Method:
//! one change at a time to the files of a run, each opened in a child process with limits on time and memory.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed unwrap is a failed test")]
#![allow(clippy::print_stderr, reason = "a test says what it did and what it left out")]

mod change;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use change::{Change, changes};
use lab1_flow_journal::testing::{copy_folder, samples};
use lab1_flow_journal::{
    Entry, History, Journal, JournalError, RunId, RunStore, Seq, Source, Timestamp,
};

/// Changes that one child tries: it costs some milliseconds each, and a dead child names its last.
const CHANGES_PER_CHILD: usize = 60;
const CHILD_LIMIT: Duration = Duration::from_mins(2);
const CHILD_MEMORY_KIB: u64 = 2 << 20;
const JOB: &str = "LAB1_FLOW_DAMAGE_JOB";

pub(crate) fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        copy_folder(from, to).unwrap();
    } else {
        fs::copy(from, to).unwrap();
    }
}

/// Everything in a folder, by its path there.
pub(crate) fn content(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                found.insert(path.strip_prefix(root).unwrap().to_owned(), bytes);
            }
        }
    }
    found
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn run_id() -> RunId {
    samples::header("victim").run
}

/// Two runs of some hundred records; the first as `end` left it, the second closed.
fn prepare(state: &Path, end: End) {
    let scratch = tempfile::tempdir().unwrap();
    let store = RunStore::open(scratch.path()).unwrap();
    for name in ["victim", "other"] {
        let header = samples::header(name);
        let journal = store.create(&header).unwrap();
        let mut next = Seq::FIRST;
        let mut append = |entries: Vec<Entry>| {
            let records = wait(journal.append(&header.run, next, Timestamp(7), entries)).unwrap();
            next = records.last().unwrap().seq.next();
        };
        for batch in samples::life().into_iter().take(4) {
            append(batch);
        }
        for waited_ms in 0..120 {
            if waited_ms == 60 {
                // The database takes over: the second half is in the write-ahead log alone.
                wait(journal.read(&header.run)).unwrap();
            }
            let reason = "y".repeat(usize::try_from(waited_ms % 7 * 900).unwrap());
            append(vec![Entry::ActionWaiting { action: samples::action("b"), reason, waited_ms }]);
        }
        if name == "victim" && end == End::Killed {
            // What a killed process leaves: its files as they are at this moment.
            copy(&store.dir(&header.run), &state.join("runs").join(name));
        }
        journal.close().unwrap();
        let target = state.join("runs").join(name);
        if !target.exists() {
            copy(&store.dir(&header.run), &target);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Clean,
    Killed,
}

/// Opens a changed run as a person and as an engine would, and says what came of it.
fn outcome(store: &RunStore, wanted: &History) -> Result<&'static str, String> {
    let run = run_id();
    let files = || {
        let mut files = content(&store.dir(&run));
        files.retain(|file, _| file.starts_with("journal") || file == Path::new("wal"));
        files
    };
    let before = files();
    let seen = store.view(&run);
    let from_mirror = seen.as_ref().is_ok_and(|view| view.source == Source::Mirror);
    let seen = seen.map(|view| view.history);
    let unchanged = files() == before;
    if !unchanged {
        return Err("a look changed the journal".into());
    }
    if from_mirror {
        return Err("nobody holds the run, and only its mirror was read".into());
    }
    let opened = store.open_run(&run).and_then(|journal| wait(journal.read(&run)));
    let is_typed = |error: &JournalError| {
        matches!(error, JournalError::Damaged { .. } | JournalError::NewerFormat { .. })
    };
    match (seen, opened) {
        (Ok(seen), Ok(opened)) if seen == *wanted && opened == *wanted => Ok("identical"),
        (Ok(_), Ok(opened)) => Err(format!("{} records, and no error", opened.records.len())),
        (Err(seen), Err(opened)) if is_typed(&seen) && is_typed(&opened) => {
            let mut before = before;
            before.retain(|file, _| file.extension().is_none_or(|end| end != "generating"));
            if files() == before {
                return Ok("refused");
            }
            Err(format!("a refused journal was changed: {opened}"))
        }
        (seen, opened) => Err(format!("looked at: {:?}; opened: {opened:?}", seen.map(drop))),
    }
}

/// The child: reads changes from its input, tries each on a fresh copy, and prints what came of it.
#[test]
fn tries_changes() {
    let Ok(state) = std::env::var(JOB) else { return };
    silence_contained_panics();
    let (state, mut input) = (PathBuf::from(state), String::new());
    std::io::stdin().read_to_string(&mut input).unwrap();
    let wanted = RunStore::open(&state).unwrap().view(&run_id()).unwrap().history;
    for line in input.lines() {
        let scratch = tempfile::tempdir().unwrap();
        copy(&state.join("runs"), &scratch.path().join("runs"));
        let store = RunStore::open(scratch.path()).unwrap();
        let other = store.dir(&samples::header("other").run);
        Change::decode(line).apply(&store.dir(&run_id()), &other);
        let result = match outcome(&store, &wanted) {
            Ok(fine) => fine.to_owned(),
            Err(wrong) => format!("WRONG {wrong}"),
        };
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "outcome {}", result.replace('\n', " ")).unwrap();
        stdout.flush().unwrap();
    }
}

/// What a program can do so that a damaged journal prints one error and no panic: the panics of sled happen in
/// threads with known names, and are caught.
fn silence_contained_panics() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        if !name.starts_with("lab1-flow-journal") && !name.starts_with("sled-io") {
            print(panic);
        }
    }));
}

/// Tries a group of changes in a child with limits; returns what came of each.
fn try_in_child(state: &Path, changes: &[Change]) -> Vec<String> {
    let limited =
        format!("ulimit -v {CHILD_MEMORY_KIB}; exec \"$0\" --exact tries_changes --nocapture");
    let mut child = Command::new("sh")
        .args(["-c", &limited])
        .arg(std::env::current_exe().unwrap())
        .env(JOB, state)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: Vec<String> = changes.iter().map(Change::encode).collect();
    child.stdin.take().unwrap().write_all(lines.join("\n").as_bytes()).unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let mut stderr = child.stderr.take().unwrap();
    let errors = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).map(|_| text)
    });
    let deadline = Instant::now() + CHILD_LIMIT;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let text = reader.join().unwrap().unwrap();
    let errors = errors.join().unwrap().unwrap();
    let outcome = |line: &str| line.split_once("outcome ").map(|(_, outcome)| outcome.to_owned());
    let mut outcomes: Vec<String> = text.lines().filter_map(outcome).collect();
    if !status.is_some_and(|status| status.success()) || errors.contains("panicked") {
        outcomes.push(format!("WRONG the child ended with {status:?}: {errors}"));
    }
    outcomes
}

fn damage_is_seen_or_harmless(end: End) {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path();
    prepare(state, end);
    let changes = changes(&state.join("runs/victim"), 2_026);
    let mut tally: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for group in changes.chunks(CHANGES_PER_CHILD) {
        let outcomes = try_in_child(state, group);
        for (place, outcome) in outcomes.iter().enumerate() {
            match outcome.as_str() {
                "identical" => *tally.entry("identical").or_default() += 1,
                "refused" => *tally.entry("refused").or_default() += 1,
                other => wrong.push(format!("{:?}: {other}", group.get(place))),
            }
        }
    }
    eprintln!("{end:?} end: {} changes, {tally:?}", changes.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), changes.len(), wrong.join("\n"));
    assert_eq!(tally.values().sum::<usize>(), changes.len(), "every change has an outcome");
    assert!(
        tally["refused"] > 50 && tally["identical"] > 50,
        "the changes miss their mark: {tally:?}"
    );
}

#[test]
fn damage_after_a_clean_end_is_seen_or_harmless() {
    damage_is_seen_or_harmless(End::Clean);
}

#[test]
fn damage_after_a_death_is_seen_or_harmless() {
    damage_is_seen_or_harmless(End::Killed);
}
