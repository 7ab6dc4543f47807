//! The disk under the state directory: writable, with room, and how its sync behaves.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use lab1_flow_journal::private;
use lab1_flow_steps::{Check, Verdict};

/// A run takes less than a megabyte; sled wants some room to breathe.
const ROOM_NEEDED_MIB: u64 = 16;
const ROOM_GOOD_MIB: u64 = 256;

/// How long the sync is measured, and how often at most: enough for a distribution, and no wait for a person.
const MEASURED_AT_MOST: Duration = Duration::from_millis(700);
const SYNCS_MAX: usize = 200;

/// As much as the journal writes at once, at most.
const BLOCK: [u8; 4096] = [0x5a; 4096];

/// File systems by the number that the kernel gives them, where that says something about keeping data.
const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];
const OVER_A_NETWORK: [u64; 3] = [0x6969, 0xff53_4d42, 0xfe53_4d42];

pub(super) fn writable(dir: &Path, shown: &str) -> Check {
    let written = new_file(dir, "write").and_then(|mut file| {
        file.write_all(&BLOCK)?;
        file.sync_all()
    });
    match written {
        Ok(()) => Check::new("state directory", Verdict::Ok, format!("{shown} is writable")),
        Err(error) => Check::new(
            "state directory",
            Verdict::Problem,
            format!("{shown} cannot be written: {error}"),
        )
        .advice("make room, make it writable, or name another with --state-dir"),
    }
}

fn new_file(dir: &Path, name: &str) -> io::Result<File> {
    private::create_anew(&dir.join(name))
}

/// What kind of file system it is.
pub(super) fn kind(dir: &Path) -> Check {
    let subject = "file system";
    match rustix::fs::statfs(dir) {
        Ok(stat) => judge_kind(u64::try_from(stat.f_type).unwrap_or_default()),
        Err(error) => Check::new(subject, Verdict::Unknown, format!("it cannot be told: {error}")),
    }
}

fn judge_kind(kind: u64) -> Check {
    let subject = "file system";
    if IN_MEMORY.contains(&kind) {
        return Check::new(subject, Verdict::Warning, "it is kept in memory alone")
            .advice("runs are lost with the power: name a directory on a disk with --state-dir");
    }
    if OVER_A_NETWORK.contains(&kind) {
        return Check::new(subject, Verdict::Warning, "it is reached over a network")
            .advice("locks and syncs are a server's word there: a local disk is safer");
    }
    Check::new(subject, Verdict::Ok, "neither in memory nor over a network")
}

/// How much room is left.
pub(super) fn room(dir: &Path) -> Check {
    match rustix::fs::statvfs(dir) {
        Ok(stat) => judge_room(stat.f_bavail.saturating_mul(stat.f_frsize) >> 20),
        Err(error) => {
            Check::new("disk space", Verdict::Unknown, format!("it cannot be told: {error}"))
        }
    }
}

fn judge_room(mib: u64) -> Check {
    let text = format!("{mib} MiB free");
    let advice = "make room, or name another directory with --state-dir";
    match mib {
        0..ROOM_NEEDED_MIB => Check::new("disk space", Verdict::Problem, text).advice(advice),
        ROOM_NEEDED_MIB..ROOM_GOOD_MIB => {
            Check::new("disk space", Verdict::Warning, text).advice(advice)
        }
        _ => Check::new("disk space", Verdict::Ok, text),
    }
}

/// Measures the sync that every acknowledged record waits for.
pub(super) fn sync(dir: &Path) -> Check {
    match measure(dir) {
        Ok(durations) => judge_sync(durations),
        Err(error) => Check::new("sync", Verdict::Problem, format!("a sync has failed: {error}"))
            .advice("do not keep runs on this disk"),
    }
}

/// Appends a block and syncs its data, again and again, as the journal does.
fn measure(dir: &Path) -> io::Result<Vec<Duration>> {
    let mut file = new_file(dir, "sync")?;
    let began = Instant::now();
    let mut durations = Vec::new();
    while durations.len() < SYNCS_MAX && began.elapsed() < MEASURED_AT_MOST {
        file.write_all(&BLOCK)?;
        let asked = Instant::now();
        file.sync_data()?;
        durations.push(asked.elapsed());
    }
    Ok(durations)
}

/// Says what such durations mean. They can betray a sync that reaches no disk; they can never prove one that does.
fn judge_sync(mut durations: Vec<Duration>) -> Check {
    durations.sort_unstable();
    let at = |share: usize| durations.get(durations.len() * share / 100).copied();
    let (Some(half), Some(slow)) = (at(50), at(95)) else {
        return Check::new("sync", Verdict::Unknown, "it could not be measured");
    };
    let measured = format!(
        "{} syncs of 4 KiB: half within {}, 95 of 100 within {}",
        durations.len(),
        shown(half),
        shown(slow)
    );
    let (verdict, meaning) = match half.as_micros() {
        0..25 => (Verdict::Warning, "no disk is as fast: it is not made to wait for one"),
        25..150 => (
            Verdict::Ok,
            "as fast as a disk with a protected cache, or one that answers before it has written",
        ),
        150..5_000 => (Verdict::Ok, "as a solid-state disk that writes before it answers"),
        5_000..60_000 => (Verdict::Ok, "as a rotating disk that writes before it answers"),
        _ => (Verdict::Warning, "slow: each step of a run waits for some of these"),
    };
    let check = Check::new("sync", verdict, format!("{measured}; {meaning}"));
    match (verdict, half.as_micros()) {
        (Verdict::Warning, 0..25) => check.advice(
            "a loss of power may take acknowledged records along: use a state directory on another disk",
        ),
        (Verdict::Warning, _) => check.advice("use a state directory on a faster disk"),
        _ => check,
    }
}

fn shown(duration: Duration) -> String {
    match duration.as_micros() {
        micros @ 0..1_000 => format!("{micros} us"),
        micros => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(micros: u64) -> (Verdict, String) {
        let check = judge_sync(vec![Duration::from_micros(micros); 100]);
        (check.verdict, check.text)
    }

    #[test]
    fn a_sync_is_judged_by_its_median_and_promises_nothing() {
        for (micros, expected, words) in [
            (3, Verdict::Warning, "no disk is as fast"),
            (80, Verdict::Ok, "protected cache"),
            (900, Verdict::Ok, "solid-state"),
            (12_000, Verdict::Ok, "rotating"),
            (90_000, Verdict::Warning, "slow"),
        ] {
            let (verdict, text) = verdict(micros);
            assert_eq!(verdict, expected, "{text}");
            assert!(text.contains(words), "{text}");
        }
        assert_eq!(judge_sync(Vec::new()).verdict, Verdict::Unknown);
    }

    #[test]
    fn the_distribution_is_told() {
        let mut durations = vec![Duration::from_micros(200); 90];
        durations.extend(vec![Duration::from_millis(7); 10]);
        let text = judge_sync(durations).text;
        assert!(
            text.starts_with("100 syncs of 4 KiB: half within 200 us, 95 of 100 within 7.0 ms"),
            "{text}"
        );
    }

    #[test]
    fn room_and_kinds_of_file_systems_are_judged() {
        assert_eq!(judge_room(3).verdict, Verdict::Problem);
        assert_eq!(judge_room(100).verdict, Verdict::Warning);
        assert_eq!(judge_room(5_000).verdict, Verdict::Ok);
        assert_eq!(judge_kind(0xef53).verdict, Verdict::Ok);
        assert_eq!(judge_kind(0x0102_1994).verdict, Verdict::Warning);
        assert_eq!(judge_kind(0x6969).verdict, Verdict::Warning);
    }

    #[test]
    fn a_directory_is_examined_and_one_that_is_not_there_is_a_problem() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(writable(dir.path(), "it").verdict, Verdict::Ok);
        assert!(!measure(dir.path()).unwrap().is_empty());
        assert_ne!(room(dir.path()).verdict, Verdict::Unknown);
        let absent = dir.path().join("absent");
        assert_eq!(writable(&absent, "it").verdict, Verdict::Problem);
        assert_eq!(sync(&absent).verdict, Verdict::Problem);
    }
}
