//! A terminal with a program in it: a real pseudo-terminal, read by an emulator.

use std::cell::Cell;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pty_process::blocking::{Command, Pty};
use rustix::process::Pid;

use crate::common::{Sandbox, wait_until};

/// Longer than anything takes here, on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(2);

/// What a drawing stands between: terminals that know how show it when all of it is there.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// Lines that have left the screen and are kept.
const SCROLLBACK: usize = 1_000;

/// A terminal. The program in it is the leader of its session.
pub(crate) struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    seen: Arc<Mutex<Seen>>,
    closing: Arc<AtomicBool>,
    reader: JoinHandle<()>,
    /// The screens before this one were waited for.
    looked_at: Cell<usize>,
}

/// What has come from the program.
struct Seen {
    emulator: vt100::Parser,
    raw: Vec<u8>,
    /// How much of it the emulator has got.
    shown: usize,
    drawings: usize,
    /// The screen after each drawing, and after each part of what came between them.
    screens: Vec<String>,
}

/// How a program in a terminal has ended, and what it has left there.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) status: Option<i32>,
    /// Every line, those that have left the screen included.
    pub(crate) text: String,
    pub(crate) raw: String,
    /// What the screen showed in the course of time.
    pub(crate) screens: Vec<String>,
    pub(crate) cursor_is_hidden: bool,
    pub(crate) cursor_column: u16,
}

impl Terminal {
    /// Starts the program in a terminal of this size, with these changes of its environment.
    pub(crate) fn start(
        sandbox: &Sandbox,
        arguments: &[&str],
        (columns, rows): (u16, u16),
        environment: &[(&str, &str)],
    ) -> Self {
        let (pty, pts) = pty_process::blocking::open().expect("a pseudo-terminal");
        pty.resize(pty_process::Size::new(rows, columns)).expect("a size");
        let command = Command::new(env!("CARGO_BIN_EXE_lab1-flow"))
            .args(arguments)
            .current_dir(sandbox.home())
            .env_clear()
            .envs(sandbox.environment())
            // The emulator cuts lines off, as xterm does.
            .envs([("TERM", "xterm-256color"), ("XTERM_VERSION", "XTerm(390)")])
            .envs(environment.iter().copied());
        let child = command.spawn(pts).expect("the binary starts");
        let emulator = vt100::Parser::new(size(rows), size(columns), SCROLLBACK);
        let seen = Seen { emulator, raw: Vec::new(), shown: 0, drawings: 0, screens: Vec::new() };
        let (pty, seen) = (Arc::new(pty), Arc::new(Mutex::new(seen)));
        let closing = Arc::new(AtomicBool::new(false));
        let (from, to, stop) = (pty.clone(), seen.clone(), closing.clone());
        let reader = thread::spawn(move || read(&from, &to, &stop));
        Self { pty, child, seen, closing, reader, looked_at: Cell::new(0) }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("the emulator")
    }

    /// Waits until the screen is like this, or was so after the one that was waited for last, and returns it: nothing is
    /// missed, however late somebody looks.
    pub(crate) fn wait_for(&self, what: &str, shows: impl Fn(&str) -> bool) -> String {
        let patience_ends = Instant::now() + PATIENCE;
        let mut next = self.looked_at.get();
        loop {
            let seen = self.seen();
            if let Some(at) = seen.screens[next..].iter().position(|screen| shows(screen)) {
                self.looked_at.set(next + at);
                return seen.screens[next + at].clone();
            }
            next = seen.screens.len();
            let screen = seen.emulator.screen().contents();
            drop(seen);
            assert!(Instant::now() < patience_ends, "never seen: {what}\n{screen}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Types something: `\u{3}` is Ctrl-C, `\u{4}` is Ctrl-D.
    pub(crate) fn type_in(&self, text: &str) {
        (&*self.pty).write_all(text.as_bytes()).expect("a terminal that takes input");
    }

    /// The program's process.
    pub(crate) fn process(&self) -> Pid {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id")
    }

    /// Shows what another program writes on the same terminal.
    pub(crate) fn show_others(&self, text: &str) {
        self.seen().emulator.process(text.as_bytes());
    }

    /// Gives the window another size.
    ///
    /// The emulator knows no way to cut off lines that are too long, which terminals do while a view is drawn. So it
    /// becomes narrower only when nothing is on its way any more that was drawn for the wider one.
    pub(crate) fn resize(&self, (columns, rows): (u16, u16)) {
        let resize_program =
            || self.pty.resize(pty_process::Size::new(rows, columns)).expect("a size");
        let narrower = size(columns) < self.seen().emulator.screen().size().1;
        if narrower {
            let before = self.seen().drawings;
            resize_program();
            wait_until("two more drawings", || self.seen().drawings > before + 1);
        }
        self.seen().emulator.set_size(size(rows), size(columns));
        if !narrower {
            resize_program();
        }
    }

    /// Whether the emulator had to break a line that has these words in it.
    pub(crate) fn is_broken(&self, words: &str) -> bool {
        let seen = self.seen();
        let screen = seen.emulator.screen();
        let (_, columns) = screen.size();
        let rows = screen.rows(0, columns.get());
        rows.zip(0..).any(|(row, number)| row.contains(words) && screen.row_wrapped(number))
    }

    /// Waits for the end of the program.
    pub(crate) fn finish(mut self) -> Left {
        let status = self.child.wait().expect("its end");
        self.reader.join().expect("all that it wrote");
        let mut seen = self.seen.lock().expect("the emulator");
        seen.show_the_rest();
        let text = everything(&mut seen.emulator);
        let screen = seen.emulator.screen();
        Left {
            status: status.code(),
            text,
            raw: String::from_utf8_lossy(&seen.raw).into_owned(),
            screens: seen.screens.clone(),
            cursor_is_hidden: screen.hide_cursor(),
            cursor_column: screen.cursor_position().1,
        }
    }

    /// Closes the window, as a person does who goes home, and leaves the program.
    pub(crate) fn close(self) -> Child {
        let Self { pty, child, closing, reader, .. } = self;
        closing.store(true, Ordering::Relaxed);
        reader.join().expect("the reader ends with the next part");
        drop(pty);
        child
    }
}

impl Left {
    /// The lines that are like this.
    pub(crate) fn count(&self, is_like: impl Fn(&str) -> bool) -> usize {
        self.text.lines().filter(|line| is_like(line)).count()
    }
}

fn size(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("a terminal has a size")
}

fn read(mut from: &Pty, to: &Mutex<Seen>, closing: &AtomicBool) {
    let mut part = [0; 4096];
    while !closing.load(Ordering::Relaxed) {
        // The end of the program is an error on this side.
        let Ok(length @ 1..) = from.read(&mut part) else { return };
        to.lock().expect("the emulator").take(&part[..length]);
    }
}

impl Seen {
    /// Shows what has come, one drawing after the other; one that is not all there has to wait.
    fn take(&mut self, part: &[u8]) {
        self.raw.extend_from_slice(part);
        loop {
            let rest = &self.raw[self.shown..];
            let length = match position(rest, BEGIN) {
                Some(0) => position(rest, END).map_or(0, |end| end + END.len()),
                Some(begin) => begin,
                None => rest.len() - begun(rest),
            };
            if length == 0 {
                return;
            }
            self.show(length);
        }
    }

    /// Shows what was left in the middle of a drawing.
    fn show_the_rest(&mut self) {
        self.show(self.raw.len() - self.shown);
    }

    fn show(&mut self, length: usize) {
        let part = &self.raw[self.shown..self.shown + length];
        self.drawings += usize::from(part.ends_with(END));
        self.emulator.process(part);
        self.shown += length;
        self.screens.push(self.emulator.screen().contents());
    }
}

fn position(text: &[u8], mark: &[u8]) -> Option<usize> {
    text.windows(mark.len()).position(|window| window == mark)
}

/// How many bytes at the end may be the beginning of a drawing's mark.
fn begun(text: &[u8]) -> usize {
    (1..BEGIN.len()).rev().find(|length| text.ends_with(&BEGIN[..*length])).unwrap_or(0)
}

/// What has left the screen, and the screen.
fn everything(emulator: &mut vt100::Parser) -> String {
    let screen = emulator.screen_mut();
    let (_, columns) = screen.size();
    let mut lines = Vec::new();
    for offset in (1..=screen.scrollback_len()).rev() {
        screen.set_scrollback(offset);
        lines.extend(screen.rows(0, columns.get()).next());
    }
    screen.set_scrollback(0);
    lines.extend(screen.rows(0, columns.get()));
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}
