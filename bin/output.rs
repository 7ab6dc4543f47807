//! Where text goes: data to stdout, everything else to stderr; a closed end never stops a run.

use std::io;
use std::sync::{Arc, Once, OnceLock};

use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Value, json};

use crate::door::Stream;
use crate::error::CliError;
use crate::paint::Paint;
use crate::view::next::Next;

/// The name of the schema of all JSON lines; a change that breaks readers raises the number.
pub(crate) const SCHEMA: &str = "lab1-flow/1";

/// The greatest number of lines that a message has below its first one.
const MESSAGE_LINES_MAX: usize = 20;

/// The width of text that no terminal shows.
const COLUMNS_USUAL: usize = 100;

/// The first line of every stream of JSON lines.
pub(crate) fn opening_line() -> Value {
    json!({ "schema": SCHEMA, "version": env!("CARGO_PKG_VERSION") })
}

/// How a run is shown while it is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ProgressChoice {
    /// A tree on a terminal, plain lines elsewhere; always plain lines under `CI`, with `TERM=dumb` and with -v
    #[default]
    Auto,
    /// The steps in place, with what each waits for
    Tree,
    /// One line for each change, and one every 30 s while nothing changes
    Plain,
    /// JSON lines on stdout, as with --json
    Json,
}

/// When text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The two streams.
///
/// Whatever goes wrong while writing is kept here: a reader that went away must not stop a run that
/// changes an account. Nothing more is written to a stream that has failed.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    lost: Arc<Lost>,
    /// Set when the line that opens a stream of JSON has been written.
    opened: Arc<Once>,
    /// Whether stdout carries JSON lines.
    pub(crate) json: bool,
    /// Colours for stdout.
    pub(crate) out: Paint,
    /// Colours for stderr.
    pub(crate) err: Paint,
}

/// What went wrong with each stream, once something has.
#[derive(Debug, Default)]
struct Lost {
    out: OnceLock<io::ErrorKind>,
    err: OnceLock<io::ErrorKind>,
}

impl Output {
    /// Decides on colours for each stream by itself.
    pub(crate) fn new(json: bool, color: ColorChoice) -> Self {
        let wanted = |is_terminal: bool| match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                is_terminal
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        };
        Self {
            lost: Arc::default(),
            opened: Arc::new(Once::new()),
            json,
            out: Paint::new(wanted(Stream::Out.is_terminal())),
            err: Paint::new(wanted(Stream::Err.is_terminal())),
        }
    }

    /// Writes data of several lines that are our own; what others have put into them may have no line end.
    pub(crate) fn data(&self, text: &str) {
        keep(&self.lost.out, || Stream::Out.text(text));
    }

    /// Writes JSON of several lines.
    pub(crate) fn json_text(&self, text: &str) {
        keep(&self.lost.out, || Stream::Out.json(text));
    }

    /// Whether data was lost for another reason than a reader that had seen enough.
    pub(crate) fn has_lost_data(&self) -> bool {
        self.lost.out.get().is_some_and(|kind| *kind != io::ErrorKind::BrokenPipe)
    }

    /// How many columns data may take: those of the terminal, and elsewhere as many as a page of text has.
    pub(crate) fn columns() -> usize {
        Self::terminal_columns().unwrap_or(COLUMNS_USUAL)
    }

    /// How many columns the terminal has that shows data, if one does.
    pub(crate) fn terminal_columns() -> Option<usize> {
        Stream::Out.size().map(|(columns, _)| columns)
    }

    /// Writes one line of data.
    pub(crate) fn data_line(&self, line: &str) {
        keep(&self.lost.out, || Stream::Out.line(line));
    }

    /// Writes one JSON object on a line of its own; before the first one of all, the line that names the schema.
    pub(crate) fn json_line(&self, value: &impl Serialize) {
        self.schema_line();
        match serde_json::to_string(value) {
            Ok(line) => self.json_text(&line),
            Err(error) => self.say(&format!("warning: a line of JSON is missing: {error}")),
        }
    }

    /// Opens the stream of JSON lines, unless that is done: also a stream without any further line is told apart
    /// from one that was cut off.
    pub(crate) fn schema_line(&self) {
        self.opened.call_once(|| self.json_text(&opening_line().to_string()));
    }

    /// Tells people something in one line.
    pub(crate) fn say(&self, line: &str) {
        keep(&self.lost.err, || Stream::Err.line(line));
    }

    /// Tells people something of several lines that are our own.
    pub(crate) fn say_text(&self, text: &str) {
        keep(&self.lost.err, || Stream::Err.text(text));
    }

    /// Tells people a line with a command in it, however long that is.
    fn say_command(&self, line: &str) {
        keep(&self.lost.err, || Stream::Err.whole_line(line));
    }

    /// Tells people what to type next.
    pub(crate) fn say_next(&self, next: &[Next]) {
        for Next { purpose, command } in next {
            self.say_command(&format!(
                "  {} {command}",
                self.err.bold(&format!("{:<6}", format!("{purpose}:")))
            ));
        }
    }

    /// Tells in JSON alone why a verb failed.
    pub(crate) fn error_line(&self, error: &CliError) {
        self.json_line(&ErrorLine {
            event: "error",
            outcome: "error",
            exit_status: error.status.code(),
            error: &error.whole(),
            stands: error.stands.as_deref(),
            next: &error.next,
        });
    }

    /// Tells why a verb failed: three parts, and in JSON as well.
    pub(crate) fn error(&self, error: &CliError) {
        if self.json {
            self.error_line(error);
        }
        let paint = self.err;
        // No line of a message begins as one of ours does.
        let mut what = error.what.lines().filter(|line| !line.trim().is_empty());
        self.say(&format!("{} {}", paint.red("error:"), what.next().unwrap_or_default()));
        for line in what.take(MESSAGE_LINES_MAX) {
            self.say(&format!("  | {}", line.trim()));
        }
        for line in error.excerpt.iter().flat_map(|excerpt| excerpt.split('\n')) {
            self.say(line);
        }
        if let Some(stands) = &error.stands {
            self.say(&format!("  {}  {stands}", paint.bold("now:")));
        }
        for line in &error.next {
            self.say_command(&format!("  {} {line}", paint.bold("next:")));
        }
    }
}

/// Writes, unless the stream has failed before, and keeps what goes wrong.
fn keep(lost: &OnceLock<io::ErrorKind>, write: impl FnOnce() -> io::Result<()>) {
    if lost.get().is_some() {
        return;
    }
    if let Err(error) = write() {
        lost.get_or_init(|| error.kind());
    }
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    event: &'static str,
    outcome: &'static str,
    exit_status: u8,
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stands: Option<&'a str>,
    next: &'a [String],
}
