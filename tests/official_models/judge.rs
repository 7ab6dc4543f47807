//! The judge: a script with the official models, asked once for everything.

use std::collections::BTreeSet;
use std::io::{Seek, Write};
use std::process::Stdio;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::broken::{self, Broken};
use crate::exchange::Exchange;
use crate::stories;
use crate::support::python::Python;

/// Everything that was said, judged; `None` without Python, which has been reported then.
pub(crate) static JUDGED: LazyLock<Option<Judged>> = LazyLock::new(|| {
    let python = Python::or_say_skipped("official models")?;
    Some(Judged::by(&python, stories::play()))
});

/// What the judge says of one exchange.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verdict {
    pub(crate) service: String,
    pub(crate) action: String,
    /// What is wrong with the request.
    pub(crate) request: Vec<String>,
    /// What is wrong with the answer.
    pub(crate) answer: Vec<String>,
    /// The paths of the members that are sent.
    pub(crate) sent: Vec<String>,
    /// The paths of the elements that are answered.
    pub(crate) answered: Vec<String>,
    /// The parameters that the action has in the model.
    pub(crate) members: Vec<String>,
}

impl Verdict {
    /// Words problems with the action that has them.
    pub(crate) fn complaints(&self, problems: &[String]) -> impl Iterator<Item = String> {
        problems.iter().map(move |problem| format!("{} {}: {problem}", self.service, self.action))
    }

    fn with_action(&self, path: &str) -> String {
        format!("{} {} {path}", self.service, self.action)
    }
}

/// All exchanges with their verdicts.
#[derive(Debug)]
pub(crate) struct Judged {
    exchanges: Vec<Exchange>,
    /// One for each exchange.
    pub(crate) verdicts: Vec<Verdict>,
    /// What was broken on purpose.
    pub(crate) broken: Vec<(Broken, Verdict)>,
}

impl Judged {
    fn by(python: &Python, exchanges: Vec<Exchange>) -> Self {
        let broken = broken::all(&exchanges);
        let mut verdicts =
            ask(python, exchanges.iter().chain(broken.iter().map(|it| &it.exchange)));
        assert_eq!(verdicts.len(), exchanges.len() + broken.len(), "one verdict for each");
        let of_broken = verdicts.split_off(exchanges.len());
        Self { exchanges, verdicts, broken: broken.into_iter().zip(of_broken).collect() }
    }

    /// Returns everything that was said.
    pub(crate) fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// Returns the exchanges that the embedded cloud answered.
    pub(crate) fn answers(&self) -> impl Iterator<Item = &Exchange> {
        self.exchanges.iter().filter(|exchange| exchange.answer.is_some())
    }

    /// Returns every member that is sent, with its service and action.
    pub(crate) fn sent(&self) -> BTreeSet<String> {
        let verdicts = self.verdicts.iter();
        verdicts.flat_map(|it| it.sent.iter().map(|path| it.with_action(path))).collect()
    }

    /// Returns every element that is answered, with its service and action.
    pub(crate) fn elements(&self) -> BTreeSet<String> {
        let verdicts = self.verdicts.iter();
        verdicts.flat_map(|it| it.answered.iter().map(|path| it.with_action(path))).collect()
    }
}

/// Gives all exchanges to one process: it reads the models once.
fn ask<'a>(python: &Python, exchanges: impl Iterator<Item = &'a Exchange>) -> Vec<Verdict> {
    let mut lines = tempfile::tempfile().unwrap();
    let mut text = String::new();
    for exchange in exchanges {
        text.push_str(&serde_json::to_string(exchange).unwrap());
        text.push('\n');
    }
    lines.write_all(text.as_bytes()).unwrap();
    lines.rewind().unwrap();
    let output = python
        .script("official_models.py")
        .stdin(Stdio::from(lines))
        .output()
        .expect("the script can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let verdicts = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    verdicts.map(|line| serde_json::from_slice(line).expect("a verdict is JSON")).collect()
}
