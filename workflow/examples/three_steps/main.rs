//! A small website in three steps: a folder, a page in it, and a link that makes it the current one.
//!
//! ```text
//! cargo run -p lab1-flow-workflow --example three_steps
//! ```
//!
//! Without arguments it shows a whole story, each part in a process of its own: a run that dies in the middle
//! of its second step, its `resume`, and its `rollback`. Each part can be asked for by itself:
//!
//! ```text
//! three_steps run     --dir DIR [--die-after page]
//! three_steps resume  --dir DIR
//! three_steps rollback --dir DIR
//! ```
//!
//! `website.rs` has the steps, and is all that another program of this kind would write anew; here they meet the
//! engine. `tests/example` lets them die everywhere.

#![expect(clippy::print_stdout, reason = "a program of its own")]

mod website;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use lab1_flow_workflow::journal::{Record, RunId, RunState, SledJournal};
use lab1_flow_workflow::{Engine, NewRun, Observer, Resume, RunReport};

type Failure = Box<dyn std::error::Error>;

/// Prints every record as soon as it is durable.
#[derive(Debug)]
struct Printer;

impl Observer for Printer {
    fn recorded(&self, records: &[Record], _: &RunState) {
        for record in records {
            println!("   {:>2}  {}", record.seq, kind_of(record));
        }
    }

    fn waiting(&self, action: &lab1_flow_workflow::journal::ActionName, reason: &str, _: Duration) {
        println!("       {action} waits: {reason}");
    }
}

fn kind_of(record: &Record) -> String {
    let entry = serde_json::to_value(&record.entry).unwrap_or_default();
    let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    format!("{} {}", text("type"), text("action"))
}

async fn carry_out(verb: &str, dir: &Path, dies: bool) -> Result<RunReport, Failure> {
    fs::create_dir_all(dir)?;
    let journal = Arc::new(SledJournal::open_or_create(&dir.join("journal"))?);
    let engine = Engine::new(journal).with_observer(Arc::new(Printer));
    let (workflow, run) = (website::workflow(dir, dies)?, RunId::new("website-1")?);
    Ok(match verb {
        "run" => engine.start(&workflow, NewRun::new(run)).await?,
        "resume" => engine.resume(&workflow, &run, Resume::default()).await?,
        "rollback" => engine.roll_back(&workflow, &run, Resume::default()).await?,
        other => return Err(format!("there is no verb {other}").into()),
    })
}

/// The whole story, each part in a process of its own.
fn tell(dir: &Path) -> Result<(), Failure> {
    let parts = [("run", &["--die-after", "page"][..]), ("resume", &[]), ("rollback", &[])];
    for (verb, flags) in parts {
        println!("\n$ three_steps {verb} {}", flags.join(" "));
        io::stdout().flush()?;
        let mut process = Command::new(std::env::current_exe()?);
        process.arg(verb).arg("--dir").arg(dir).args(flags).status()?;
        println!("   on disk: {:?}", listing(dir)?);
    }
    Ok(())
}

/// What the steps have made, without the journal.
fn listing(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if fs::exists(entry.path().join(website::PAGE))? {
            names.push(format!("{name}/{}", website::PAGE));
        } else if name != "journal" {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |flag: &str| {
        let place = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(place + 1).cloned()
    };
    let Some(verb) = arguments.first().filter(|argument| !argument.starts_with('-')) else {
        let dir = std::env::temp_dir().join(format!("three-steps-{}", std::process::id()));
        let dir = value("--dir").map_or(dir, PathBuf::from);
        tell(&dir)?;
        fs::remove_dir_all(&dir)?;
        return Ok(ExitCode::SUCCESS);
    };
    let dir = PathBuf::from(value("--dir").ok_or("--dir DIR is missing")?);
    let dies = value("--die-after").as_deref() == Some("page");
    let report = carry_out(verb, &dir, dies).await?;
    println!("   rests: {:?}", report.rest());
    Ok(ExitCode::SUCCESS)
}
