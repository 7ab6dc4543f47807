//! Goal: a damaged journal gives back exactly what was written, or a typed error, and is left as it is. Method:
//! one change at a time to the files of a run, each opened in a child process with limits on time and memory.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed unwrap is a failed test")]
#![allow(clippy::print_stderr, reason = "a test says what it did and what it left out")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lab1_flow_journal::testing::samples;
use lab1_flow_journal::{
    Entry, History, Journal, JournalError, RunId, RunStore, Seq, Source, Timestamp,
};

/// Seeded flips in the parts that have no structure of ours. A longer search: set the variable.
const FLIPS_VARIABLE: &str = "LAB1_FLOW_DAMAGE_FLIPS";
const FLIPS: u64 = 120;
/// Changes that one child tries: it costs some milliseconds each, and a dead child names its last.
const CHANGES_PER_CHILD: usize = 60;
const CHILD_LIMIT: Duration = Duration::from_mins(2);
const CHILD_MEMORY_KIB: u64 = 2 << 20;
const SEGMENT_BYTES: u64 = 512 << 10;
const SEGMENT_HEADER_BYTES: u64 = 20;

const JOB: &str = "LAB1_FLOW_DAMAGE_JOB";

/// One change to the files of a run.
#[derive(Debug, Clone)]
enum Change {
    Flip {
        file: PathBuf,
        at: u64,
        with: u8,
    },
    Truncate {
        file: PathBuf,
        length: u64,
    },
    Remove {
        file: PathBuf,
    },
    /// Puts a file or folder of another run in the place of this one's.
    Swap {
        file: PathBuf,
    },
    /// A half-written snapshot, as a death leaves it.
    HalfSnapshot,
}

impl Change {
    fn encode(&self) -> String {
        match self {
            Self::Flip { file, at, with } => format!("flip {at} {with} {}", file.display()),
            Self::Truncate { file, length } => format!("truncate {length} 0 {}", file.display()),
            Self::Remove { file } => format!("remove 0 0 {}", file.display()),
            Self::Swap { file } => format!("swap 0 0 {}", file.display()),
            Self::HalfSnapshot => "half-snapshot 0 0 -".into(),
        }
    }

    fn decode(line: &str) -> Self {
        let mut words = line.splitn(4, ' ');
        let mut next = || words.next().unwrap();
        let (kind, one, two, file) = (next(), next(), next(), PathBuf::from(next()));
        match kind {
            "flip" => Self::Flip { file, at: one.parse().unwrap(), with: two.parse().unwrap() },
            "truncate" => Self::Truncate { file, length: one.parse().unwrap() },
            "remove" => Self::Remove { file },
            "swap" => Self::Swap { file },
            "half-snapshot" => Self::HalfSnapshot,
            other => panic!("there is no change {other}"),
        }
    }

    fn apply(&self, run: &Path, other_run: &Path) {
        match self {
            Self::Flip { file, at, with } => {
                let mut bytes = fs::read(run.join(file)).unwrap();
                bytes[usize::try_from(*at).unwrap()] ^= with;
                fs::write(run.join(file), bytes).unwrap();
            }
            Self::Truncate { file, length } => {
                let file = fs::OpenOptions::new().write(true).open(run.join(file)).unwrap();
                file.set_len(*length).unwrap();
            }
            Self::Remove { file } => remove(&run.join(file)),
            Self::Swap { file } => {
                remove(&run.join(file));
                // The name of a snapshot says where it was taken: the other run may have none of this name.
                if other_run.join(file).exists() {
                    copy(&other_run.join(file), &run.join(file));
                }
            }
            Self::HalfSnapshot => {
                fs::write(run.join("journal/snap.00000000000000FF.generating"), b"half").unwrap();
            }
        }
    }
}

fn remove(path: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else {
        fs::remove_file(path).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

/// Everything in a folder, by its path there.
fn content(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
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

/// A pseudo-random sequence that is the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Every place with a structure, seeded others, truncations, removals and swaps.
fn changes(run: &Path, seed: u64) -> Vec<Change> {
    let mut dice = Dice(seed);
    let mut changes = vec![Change::HalfSnapshot];
    let files: Vec<(PathBuf, u64)> = content(run)
        .into_iter()
        .map(|(file, bytes)| (file, u64::try_from(bytes.len()).unwrap()))
        .collect();
    for (file, length) in &files {
        let flip = |at: u64, with: u8| Change::Flip { file: file.clone(), at, with };
        let mut places: Vec<u64> = Vec::new();
        if file == Path::new("witness") {
            places.extend((0..*length).filter(|at| at % 512 < 72));
        } else if file == Path::new("journal/db") {
            let segments = (0..*length).step_by(usize::try_from(SEGMENT_BYTES).unwrap());
            places.extend(
                segments.flat_map(|start| start..(start + SEGMENT_HEADER_BYTES).min(*length)),
            );
        } else if file.starts_with("journal") {
            places.extend(0..(*length).min(48));
        }
        changes.extend(places.into_iter().map(|at| flip(at, 1 << (at % 8))));
        for _ in 0..6 {
            let length = dice.roll((*length).max(1));
            changes.push(Change::Truncate { file: file.clone(), length });
        }
        changes.push(Change::Truncate { file: file.clone(), length: 0 });
        changes.push(Change::Remove { file: file.clone() });
        if file.starts_with("journal") || file == Path::new("witness") {
            changes.push(Change::Swap { file: file.clone() });
        }
    }
    changes.push(Change::Swap { file: "journal".into() });
    changes.push(Change::Remove { file: "journal".into() });
    // The part of the log that is in use, where a flip can do harm.
    let used = fs::read(run.join("journal/db")).unwrap().iter().rposition(|byte| *byte != 0);
    let used = u64::try_from(used.unwrap()).unwrap();
    let flips = std::env::var(FLIPS_VARIABLE).ok().and_then(|text| text.parse().ok());
    for _ in 0..flips.unwrap_or(FLIPS) {
        let with = u8::try_from(1 + dice.roll(255)).unwrap();
        changes.push(Change::Flip { file: "journal/db".into(), at: dice.roll(used), with });
    }
    changes
}

/// Opens a changed run as a person and as an engine would, and says what came of it.
fn outcome(store: &RunStore, wanted: &History) -> Result<&'static str, String> {
    let run = run_id();
    let before = content(&store.dir(&run).join("journal"));
    let seen = store.view(&run);
    let from_mirror = seen.as_ref().is_ok_and(|view| view.source == Source::Mirror);
    let seen = seen.map(|view| view.history);
    let unchanged = content(&store.dir(&run).join("journal")) == before;
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
            if content(&store.dir(&run).join("journal")) == before {
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
