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
//! Read it from the top: first the actions, which are all that an author must get right; then the steps, which
//! join them; then the workflow and the engine.

#![expect(clippy::print_stdout, reason = "a program of its own")]

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use lab1_flow_workflow::journal::{Record, RunId, RunState, SledJournal};
use lab1_flow_workflow::{
    Action, ActionContext, ActionError, Actions, Compensate, Engine, Handle, NewRun, Observer,
    Progress, Reconciled, Resume, RunReport, Step, Wait, Workflow,
};
use serde::{Deserialize, Serialize};

type Failure = Box<dyn std::error::Error>;

// ---------------------------------------------------------------------------------------------------------
// The actions: one change each, made so that it can be looked for.
//
// Whatever a run makes must say which run made it, in the same instant in which it comes to be. A folder
// cannot carry a note while it is made, so it is made under another name, gets its note, and is renamed. The
// name is the natural key: two runs cannot both have it.

/// The file inside a folder that names the run which made it.
const NOTE: &str = ".made-by";

/// Makes a folder with a note.
#[derive(Debug)]
struct MakeFolder;

impl Action for MakeFolder {
    type Input = PathBuf;
    type Output = PathBuf;

    async fn execute(&self, cx: &ActionContext, path: &PathBuf) -> Result<PathBuf, ActionError> {
        // The token is the same for every attempt of this action in this run, so that a death leaves one
        // unfinished folder at most, and the next attempt clears it away.
        let unfinished = path.with_extension(cx.token());
        let prepare = || {
            remove_if_there(fs::remove_dir_all(&unfinished))?;
            fs::create_dir_all(&unfinished)?;
            fs::write(unfinished.join(NOTE), cx.run().as_str())
        };
        // Nothing has happened under the name that counts: safe to try again.
        prepare().map_err(|error| ActionError::transient(error.to_string()))?;
        match fs::rename(&unfinished, path) {
            Ok(()) => Ok(path.clone()),
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {
                Err(ActionError::contended(format!("{} is taken", path.display())))
            }
            // It may have happened: the engine will look before it does anything else.
            Err(error) => Err(ActionError::ambiguous(error.to_string())),
        }
    }

    async fn reconcile(
        &self,
        cx: &ActionContext,
        path: &PathBuf,
    ) -> Result<Reconciled<PathBuf>, ActionError> {
        if !fs::exists(path).map_err(unknown)? {
            return Ok(Reconciled::Absent);
        }
        Ok(match fs::read_to_string(path.join(NOTE)) {
            Ok(note) if note == cx.run().as_str() => Reconciled::Adopted(path.clone()),
            note => foreign(path, &format!("its note says {note:?}")),
        })
    }
}

/// What is not ours is left alone, and a person hears what to do.
fn foreign<T>(path: &Path, why: &str) -> Reconciled<T> {
    Reconciled::Foreign {
        evidence: format!("{} is there, and {why}", path.display()),
        advice: "move it away, or name another folder".to_owned(),
    }
}

impl Compensate for MakeFolder {
    async fn compensate(
        &self,
        cx: &ActionContext,
        input: &PathBuf,
        path: &PathBuf,
    ) -> Result<Progress<()>, ActionError> {
        remove_if_there(fs::remove_dir_all(path.with_extension(cx.token()))).map_err(unknown)?;
        // Prove that it is ours, remove it, and say that a look must confirm it: only an absence is done.
        match self.reconcile(cx, input).await? {
            Reconciled::Absent => Ok(Progress::Done(())),
            Reconciled::Foreign { evidence, .. } => Err(ActionError::permanent(evidence)),
            _ => {
                remove_if_there(fs::remove_file(path.join(NOTE))).map_err(unknown)?;
                // A file that somebody put there is not ours to remove: this fails, and says so.
                fs::remove_dir(path).map_err(unknown)?;
                Ok(Progress::Waiting(removed(path)))
            }
        }
    }
}

/// Writes a file whose last line names the run.
#[derive(Debug)]
struct WriteFile {
    /// Ends the process after the file is there and before anybody knows.
    dies: bool,
}

/// What a file is to be.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct FileInput {
    path: PathBuf,
    text: String,
}

impl FileInput {
    fn marked(&self, cx: &ActionContext) -> String {
        format!("{}\n<!-- made by {} -->\n", self.text, cx.run())
    }
}

impl Action for WriteFile {
    type Input = FileInput;
    type Output = PathBuf;

    async fn execute(&self, cx: &ActionContext, input: &FileInput) -> Result<PathBuf, ActionError> {
        let unfinished = input.path.with_extension(cx.token());
        fs::write(&unfinished, input.marked(cx))
            .map_err(|error| ActionError::transient(error.to_string()))?;
        // A link is refused when the name is taken, and shows the whole content at once.
        let linked = fs::hard_link(&unfinished, &input.path);
        remove_if_there(fs::remove_file(&unfinished))
            .map_err(|error| ActionError::ambiguous(error.to_string()))?;
        if self.dies {
            println!(
                "   ... and the process is killed here: the page is there, and no record says so"
            );
            io::stdout().flush().map_err(unknown)?;
            std::process::abort();
        }
        match linked {
            Ok(()) => Ok(input.path.clone()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(ActionError::contended(format!("{} is taken", input.path.display())))
            }
            Err(error) => Err(ActionError::ambiguous(error.to_string())),
        }
    }

    async fn reconcile(
        &self,
        cx: &ActionContext,
        input: &FileInput,
    ) -> Result<Reconciled<PathBuf>, ActionError> {
        Ok(match fs::read_to_string(&input.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Reconciled::Absent,
            Err(error) => return Err(unknown(error)),
            // The mark alone is not enough: the content must be the one that was asked for.
            Ok(text) if text == input.marked(cx) => Reconciled::Adopted(input.path.clone()),
            Ok(text) if text.ends_with(&format!("<!-- made by {} -->\n", cx.run())) => {
                let difference = "somebody has edited it".to_owned();
                Reconciled::Altered { output: input.path.clone(), difference }
            }
            Ok(_) => foreign(&input.path, "it is not ours"),
        })
    }
}

impl Compensate for WriteFile {
    async fn compensate(
        &self,
        cx: &ActionContext,
        input: &FileInput,
        path: &PathBuf,
    ) -> Result<Progress<()>, ActionError> {
        remove_if_there(fs::remove_file(path.with_extension(cx.token()))).map_err(unknown)?;
        match self.reconcile(cx, input).await? {
            Reconciled::Absent => Ok(Progress::Done(())),
            Reconciled::Foreign { evidence, .. } => Err(ActionError::permanent(evidence)),
            _ => {
                remove_if_there(fs::remove_file(path)).map_err(unknown)?;
                Ok(Progress::Waiting(removed(path)))
            }
        }
    }
}

/// Whether something is there or gone is not known: the engine asks again.
#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn unknown(error: io::Error) -> ActionError {
    ActionError::transient(error.to_string())
}

/// A file system is quick: the look that confirms a removal may follow at once.
fn removed(path: &Path) -> Wait {
    Wait::new(format!("{} was removed", path.display())).check_after(Duration::ZERO)
}

fn remove_if_there(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

// ---------------------------------------------------------------------------------------------------------
// The steps: data. They are stored in the run, so that `resume` and `rollback` need no more than its id.

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Folder {
    path: PathBuf,
}

impl Step for Folder {
    const NAME: &'static str = "folder";
    const VERSION: u32 = 1;
    type Needs = ();
    type Offers = Handle<PathBuf>;

    fn title(&self) -> String {
        format!("make {}", self.path.display())
    }

    fn define(&self, (): (), actions: &mut Actions<'_>) -> Handle<PathBuf> {
        let path = self.path.clone();
        actions.change("make-folder", "make the folder", MakeFolder, (), move |()| path.clone())
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Page {
    text: String,
}

impl Step for Page {
    const NAME: &'static str = "page";
    const VERSION: u32 = 1;
    /// The folder's handle exists only after its step was added: a page before its folder does not compile.
    /// What is not data (here, the wish to die) comes in beside the handles.
    type Needs = (Handle<PathBuf>, bool);
    type Offers = Handle<PathBuf>;

    fn title(&self) -> String {
        "write the page".into()
    }

    fn define(&self, (folder, dies): Self::Needs, actions: &mut Actions<'_>) -> Handle<PathBuf> {
        let text = self.text.clone();
        actions.change("write-page", "write the page", WriteFile { dies }, folder, move |folder| {
            FileInput { path: folder.join("index.html"), text: text.clone() }
        })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Announce {
    path: PathBuf,
}

impl Step for Announce {
    const NAME: &'static str = "announce";
    const VERSION: u32 = 1;
    type Needs = Handle<PathBuf>;
    type Offers = ();

    fn title(&self) -> String {
        format!("announce it in {}", self.path.display())
    }

    fn define(&self, page: Handle<PathBuf>, actions: &mut Actions<'_>) {
        let path = self.path.clone();
        let write = WriteFile { dies: false };
        actions.change("write-notice", "write the notice", write, page, move |page| FileInput {
            path: path.clone(),
            text: format!("new: {}", page.display()),
        });
    }
}

// ---------------------------------------------------------------------------------------------------------
// The workflow and the program.

fn workflow(dir: &Path, dies: bool) -> Result<Workflow, Failure> {
    let mut builder = Workflow::builder("website");
    let folder = builder.step(&Folder { path: dir.join("site") }, ());
    let page = builder.step(&Page { text: "<h1>Hello</h1>".into() }, (folder, dies));
    builder.step(&Announce { path: dir.join("notice.html") }, page);
    Ok(builder.build()?)
}

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
    let (workflow, run) = (workflow(dir, dies)?, RunId::new("website-1")?);
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
    for folder in [dir.to_owned(), dir.join("site")] {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
    }
    names.retain(|name| name != "journal" && name != NOTE);
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
