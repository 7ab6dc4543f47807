//! One application as a process, and its end.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::watch;

use super::boot_script::Application;
use crate::private;

/// What runs the application, and ends when its standard input closes.
const WRAPPER: &str = include_str!("guest.py");

/// A process that serves an application on a loopback port.
///
/// It ends when this is dropped, and when this process ends: it reads a pipe of which only this process
/// holds the other end.
#[derive(Debug)]
pub(super) struct GuestProcess {
    child: Child,
    port: watch::Receiver<Option<u16>>,
}

impl GuestProcess {
    /// Writes the application's files to `folder` and starts it there.
    ///
    /// It gets the variables of its unit and nothing of this process's environment but the search path.
    pub(super) fn start(
        interpreter: &Path,
        folder: &Path,
        application: &Application,
    ) -> io::Result<Self> {
        private::make_folder(folder)?;
        for (name, content) in &application.files {
            private::create_anew(&folder.join(name))?.write_all(content.as_bytes())?;
        }
        let log = private::open_to_append(&folder.join("log"))?;
        let mut child = Command::new(interpreter)
            .args(["-c", WRAPPER, &application.entry])
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs(application.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let (tell, port) = watch::channel(None);
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(hear(stdout, tell));
        }
        Ok(Self { child, port })
    }

    /// Tells the port on which it listens, once it does.
    pub(super) fn port(&self) -> Option<u16> {
        *self.port.borrow()
    }

    /// Tells how it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<String> {
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(status.to_string()),
            Err(error) => Some(error.to_string()),
        }
    }

    /// Ends it and waits until it is gone.
    pub(super) async fn end(mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "an application could not be ended");
        }
    }
}

/// Hears the port, and whatever the application prints after it, so that it never waits for a reader.
async fn hear(stdout: ChildStdout, tell: watch::Sender<Option<u16>>) {
    let mut stdout = BufReader::new(stdout);
    let mut line = String::new();
    if stdout.read_line(&mut line).await.is_ok() {
        tell.send_replace(line.trim().parse().ok());
    }
    let mut unheard = [0; 4096];
    while stdout.read(&mut unheard).await.is_ok_and(|read| read > 0) {}
}
