//! One run at a time for each stack of an account and region, on this machine.
//!
//! Two runs under the same names cannot both succeed: in the cloud the claim decides (the balancer's security
//! group). Here the second one is refused before it has sent anything, with the name of the first.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::time::{Duration, Instant};

use lab1_flow_journal::RunId;
use lab1_flow_journal::private::{self, Unfit};
use lab1_flow_steps::{CloudKind, Target};

use crate::app::App;
use crate::error::{CliError, held};
use crate::exit_status::ExitStatus;

/// Pause between two tries of somebody who waits for the lock.
const PAUSE: Duration = Duration::from_millis(50);

/// A run id and a process id, with some room.
const NOTE_BYTES_MAX: u64 = 256;

/// The lock of a stack. The kernel frees it when it is dropped, or when the process dies.
#[derive(Debug)]
pub(crate) struct StackLock {
    _locked: File,
}

impl StackLock {
    /// Takes the lock for a run, waiting up to `patience`.
    ///
    /// The lock decides; the run that stands in the file informs.
    pub(crate) fn acquire(
        app: &App,
        target: &Target,
        stack: &str,
        run: &RunId,
        patience: Duration,
    ) -> Result<Self, CliError> {
        let path = app.state_dir()?.make("stacks")?.join(file_name(target, stack));
        let failed = |error: std::io::Error| {
            CliError::new(ExitStatus::Storage, format!("cannot lock {}: {error}", path.display()))
                .stands("nothing was sent")
        };
        let mut file =
            private::open_or_create(&path).map_err(|error| match error.downcast::<Unfit>() {
                Ok(unfit) => CliError::of_unfit(&unfit),
                Err(error) => failed(error),
            })?;
        let patience_ends = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < patience_ends => {
                    std::thread::sleep(PAUSE);
                }
                Err(TryLockError::WouldBlock) => return Err(taken(app, &mut file, stack)),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        let note = format!("{run} {}\n", std::process::id());
        let written = file.set_len(0).and_then(|()| file.rewind());
        written.and_then(|()| file.write_all(note.as_bytes())).map_err(failed)?;
        Ok(Self { _locked: file })
    }
}

fn taken(app: &App, file: &mut File, stack: &str) -> CliError {
    let mut note = String::new();
    let start = file.rewind();
    let _empty_then = start.and_then(|()| file.take(NOTE_BYTES_MAX).read_to_string(&mut note));
    let mut words = note.split_whitespace();
    let holder = words.next().and_then(|word| RunId::new(word).ok());
    let pid = words.next().and_then(|word| word.parse().ok());
    let mut error = held(holder.as_ref(), pid, &app.program);
    error.what = match &holder {
        Some(run) => format!(
            "stack {stack} is in the hands of run {run}, which another process carries out{}",
            pid.map_or_else(String::new, |pid| format!(" (pid {pid})"))
        ),
        None => format!("stack {stack} is in the hands of another process"),
    };
    error.stands = Some("nothing was created".to_owned());
    error.next("wait for its end, or deploy under other names with --stack")
}

/// One name for each cloud, account, region and stack. Names of stacks need no escape; addresses do.
fn file_name(target: &Target, stack: &str) -> String {
    let cloud = match target.cloud {
        CloudKind::Local => "local".to_owned(),
        CloudKind::Aws => "aws".to_owned(),
        CloudKind::Endpoint => escaped(target.endpoint_url.as_deref().unwrap_or_default()),
    };
    let account = target.account.as_deref().unwrap_or("any");
    let region = target.region.as_deref().unwrap_or("any");
    format!("{cloud}.{account}.{region}.{stack}.lock")
}

/// Keeps letters and digits; everything else becomes its number.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut name, byte| {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            name.push(char::from(byte));
        } else {
            name.extend(['_', hex_digit(byte >> 4), hex_digit(byte & 15)]);
        }
        name
    })
}

fn hex_digit(value: u8) -> char {
    char::from_digit(value.into(), 16).unwrap_or('?')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cloud_account_region_and_stack_has_a_file_of_its_own() {
        let mut first = Target::endpoint("http://127.0.0.1:5000").in_region("us-east-1");
        first.account = Some("123456789012".to_owned());
        let second = Target::endpoint("http://127.0.0.1:5001").in_region("us-east-1");
        let names = [
            file_name(&first, "default"),
            file_name(&first, "blue"),
            file_name(&second, "default"),
            file_name(&Target::local(None), "default"),
        ];
        assert_eq!(
            names[0],
            "http_3a_2f_2f127_2e0_2e0_2e1_3a5000.123456789012.us-east-1.default.lock"
        );
        let distinct: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
    }
}
