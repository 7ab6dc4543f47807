//! The changes: what may happen to the files of a run, written as a line so that a child can try it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{content, copy};

/// Seeded flips in the parts that have no structure of ours. A longer search: set the variable.
const FLIPS_VARIABLE: &str = "LAB1_FLOW_DAMAGE_FLIPS";
const FLIPS: u64 = 700;
const SEGMENT_BYTES: u64 = 512 << 10;
const SEGMENT_HEADER_BYTES: u64 = 20;
/// The head of an entry in the write-ahead log, and of the batch in it.
const WAL_HEAD_BYTES: u64 = 66 + 19;

/// One change to the files of a run.
#[derive(Debug, Clone)]
pub(crate) enum Change {
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
    pub(crate) fn encode(&self) -> String {
        match self {
            Self::Flip { file, at, with } => format!("flip {at} {with} {}", file.display()),
            Self::Truncate { file, length } => format!("truncate {length} 0 {}", file.display()),
            Self::Remove { file } => format!("remove 0 0 {}", file.display()),
            Self::Swap { file } => format!("swap 0 0 {}", file.display()),
            Self::HalfSnapshot => "half-snapshot 0 0 -".into(),
        }
    }

    pub(crate) fn decode(line: &str) -> Self {
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

    pub(crate) fn apply(&self, run: &Path, other_run: &Path) {
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
pub(crate) fn changes(run: &Path, seed: u64) -> Vec<Change> {
    let mut dice = Dice(seed);
    let mut changes = vec![Change::HalfSnapshot];
    let files: Vec<(PathBuf, u64)> = content(run)
        .into_iter()
        .map(|(file, bytes)| (file, u64::try_from(bytes.len()).unwrap()))
        .collect();
    for (file, length) in &files {
        let flip = |at: u64, with: u8| Change::Flip { file: file.clone(), at, with };
        let places = places_with_a_structure(file, *length);
        changes.extend(places.into_iter().map(|at| flip(at, 1 << (at % 8))));
        for _ in 0..6 {
            let length = dice.roll((*length).max(1));
            changes.push(Change::Truncate { file: file.clone(), length });
        }
        changes.push(Change::Truncate { file: file.clone(), length: 0 });
        changes.push(Change::Remove { file: file.clone() });
        if file.starts_with("journal") || ["witness", "wal"].iter().any(|it| file == Path::new(it))
        {
            changes.push(Change::Swap { file: file.clone() });
        }
    }
    changes.push(Change::Swap { file: "journal".into() });
    changes.push(Change::Remove { file: "journal".into() });
    let flips = std::env::var(FLIPS_VARIABLE).ok().and_then(|text| text.parse().ok());
    for file in ["journal/db", "wal"] {
        // The part that is in use, where a flip can do harm.
        let used = fs::read(run.join(file)).unwrap().iter().rposition(|byte| *byte != 0);
        let Some(used) = used else { continue };
        for _ in 0..flips.unwrap_or(FLIPS) {
            let (at, with) = (dice.roll(used as u64), u8::try_from(1 + dice.roll(255)).unwrap());
            changes.push(Change::Flip { file: file.into(), at, with });
        }
    }
    changes
}

/// Where each byte means something by itself.
fn places_with_a_structure(file: &Path, length: u64) -> Vec<u64> {
    if file == Path::new("witness") {
        (0..length).filter(|at| at % 512 < 72).collect()
    } else if file == Path::new("wal") {
        (0..WAL_HEAD_BYTES.min(length)).collect()
    } else if file == Path::new("journal/db") {
        let segments = (0..length).step_by(usize::try_from(SEGMENT_BYTES).unwrap());
        let header = |start: u64| start..(start + SEGMENT_HEADER_BYTES).min(length);
        segments.flat_map(header).collect()
    } else if file.starts_with("journal") {
        (0..length.min(48)).collect()
    } else {
        Vec::new()
    }
}
