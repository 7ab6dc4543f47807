//! The website: its actions, its steps, its workflow.
//!
//! Read it from the top: first the actions, which are all that an author must get right; then the steps, which
//! join them; then the workflow.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lab1_flow_workflow::journal::RunId;
use lab1_flow_workflow::{
    Action, ActionContext, ActionError, Actions, Compensate, DefinitionError, Handle, Progress,
    Reconciled, Step, Wait, Workflow,
};
use serde::{Deserialize, Serialize};

// ---------------------------------------------------------------------------------------------------------
// The actions: one change each, made so that it can be looked for.
//
// Whatever a run makes must say which run made it, in the same instant in which it comes to be. A folder cannot
// carry a note while it is made, but it can carry a name; a link says where it leads. What would have to be made
// first and marked afterwards (the page) is made inside of something that is marked already.

/// What the name of a folder begins with; the run that made it follows.
const FOLDER: &str = "site-";

/// The only file that we put into a folder.
pub(crate) const PAGE: &str = "index.html";

/// The folder that this run makes.
fn own_folder(cx: &ActionContext, dir: &Path) -> PathBuf {
    dir.join(format!("{FOLDER}{}", cx.run()))
}

/// The run that made a folder, by its name: the mark.
pub(crate) fn maker_of(folder: &Path) -> Option<RunId> {
    RunId::new(folder.file_name()?.to_str()?.strip_prefix(FOLDER)?).ok()
}

fn is_ours(cx: &ActionContext, folder: &Path) -> bool {
    maker_of(folder).is_some_and(|run| run == *cx.run())
}

/// Nothing is built on what was not proven ours.
fn prove_ours(cx: &ActionContext, folder: &Path) -> Result<(), ActionError> {
    if is_ours(cx, folder) {
        return Ok(());
    }
    Err(ActionError::permanent(format!("{} is not ours", folder.display())))
}

/// Makes a folder that is named after the run.
#[derive(Debug)]
struct MakeFolder;

impl Action for MakeFolder {
    /// Where the folder is to be.
    type Input = PathBuf;
    type Output = PathBuf;

    async fn execute(&self, cx: &ActionContext, dir: &PathBuf) -> Result<PathBuf, ActionError> {
        let folder = own_folder(cx, dir);
        match fs::create_dir(&folder) {
            Ok(()) => Ok(folder),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(ActionError::contended(format!("{} is taken", folder.display())))
            }
            // It may have happened: the engine will look before it does anything else.
            Err(error) => Err(ActionError::ambiguous(error.to_string())),
        }
    }

    async fn reconcile(
        &self,
        cx: &ActionContext,
        dir: &PathBuf,
    ) -> Result<Reconciled<PathBuf>, ActionError> {
        let folder = own_folder(cx, dir);
        Ok(if fs::exists(&folder).map_err(unknown)? {
            Reconciled::Adopted(folder)
        } else {
            Reconciled::Absent
        })
    }
}

impl Compensate for MakeFolder {
    async fn compensate(
        &self,
        cx: &ActionContext,
        dir: &PathBuf,
        _: &PathBuf,
    ) -> Result<Progress<()>, ActionError> {
        // Prove that it is ours, remove it, and say that a look must confirm it: only an absence is done.
        let Reconciled::Adopted(folder) = self.reconcile(cx, dir).await? else {
            return Ok(Progress::Done(()));
        };
        remove_if_there(fs::remove_file(folder.join(PAGE))).map_err(unknown)?;
        match fs::remove_dir(&folder) {
            // What somebody else has put there is not ours to remove: a person must decide.
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {
                let what = format!("something in {} is not ours", folder.display());
                Err(ActionError::permanent(what).with_advice("move it away, then roll back again"))
            }
            removed => {
                remove_if_there(removed).map_err(unknown)?;
                Ok(Progress::Waiting(removed_just_now(&folder)))
            }
        }
    }
}

/// Writes the page of a folder. It is a part of the folder, and goes with it.
#[derive(Debug)]
struct WritePage {
    /// Ends the process after the page is there and before anybody knows.
    dies: bool,
}

/// What a page is to be.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct PageInput {
    folder: PathBuf,
    text: String,
}

impl Action for WritePage {
    type Input = PageInput;
    type Output = PathBuf;

    async fn execute(&self, cx: &ActionContext, input: &PageInput) -> Result<PathBuf, ActionError> {
        prove_ours(cx, &input.folder)?;
        let page = input.folder.join(PAGE);
        let mut file = File::create(&page).map_err(in_doubt)?;
        // A process may die at any await, and the sweep lets it die at this one: the page is there, and empty.
        tokio::task::yield_now().await;
        file.write_all(input.text.as_bytes()).map_err(in_doubt)?;
        if self.dies {
            println!(
                "   ... and the process is killed here: the page is there, and no record says so"
            );
            io::stdout().flush().map_err(in_doubt)?;
            std::process::abort();
        }
        Ok(page)
    }

    async fn reconcile(
        &self,
        cx: &ActionContext,
        input: &PageInput,
    ) -> Result<Reconciled<PathBuf>, ActionError> {
        if !is_ours(cx, &input.folder) {
            return Ok(foreign(&input.folder, "its name is another run's"));
        }
        let page = input.folder.join(PAGE);
        Ok(match fs::read_to_string(&page) {
            Err(error) if error.kind() == ErrorKind::NotFound => Reconciled::Absent,
            Err(error) => return Err(unknown(error)),
            // The place alone is not enough: the content must be the one that was asked for.
            Ok(text) if text == input.text => Reconciled::Adopted(page),
            // Half of it is as good as nothing: it is written again.
            Ok(text) if input.text.starts_with(&text) => Reconciled::Absent,
            Ok(_) => {
                let difference = format!("somebody has edited {}", page.display());
                Reconciled::Altered { output: page, difference }
            }
        })
    }
}

/// Makes a link that leads to the folder: from then on the website is this one.
#[derive(Debug)]
struct Publish;

/// What a link is to be.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct LinkInput {
    link: PathBuf,
    folder: PathBuf,
}

impl Action for Publish {
    type Input = LinkInput;
    type Output = PathBuf;

    async fn execute(&self, cx: &ActionContext, input: &LinkInput) -> Result<PathBuf, ActionError> {
        prove_ours(cx, &input.folder)?;
        match std::os::unix::fs::symlink(&input.folder, &input.link) {
            Ok(()) => Ok(input.link.clone()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(ActionError::contended(format!("{} is taken", input.link.display())))
            }
            Err(error) => Err(in_doubt(error)),
        }
    }

    async fn reconcile(
        &self,
        cx: &ActionContext,
        input: &LinkInput,
    ) -> Result<Reconciled<PathBuf>, ActionError> {
        Ok(match fs::read_link(&input.link) {
            Err(error) if error.kind() == ErrorKind::NotFound => Reconciled::Absent,
            Err(_) => foreign(&input.link, "it is no link"),
            Ok(folder) if !is_ours(cx, &folder) => {
                foreign(&input.link, &format!("it leads to {}", folder.display()))
            }
            Ok(folder) if folder == input.folder => Reconciled::Adopted(input.link.clone()),
            Ok(folder) => {
                let difference = format!("somebody lets it lead to {}", folder.display());
                Reconciled::Altered { output: input.link.clone(), difference }
            }
        })
    }
}

impl Compensate for Publish {
    async fn compensate(
        &self,
        cx: &ActionContext,
        input: &LinkInput,
        link: &PathBuf,
    ) -> Result<Progress<()>, ActionError> {
        match self.reconcile(cx, input).await? {
            Reconciled::Absent => Ok(Progress::Done(())),
            Reconciled::Foreign { evidence, .. } => Err(ActionError::permanent(evidence)),
            _ => {
                remove_if_there(fs::remove_file(link)).map_err(unknown)?;
                Ok(Progress::Waiting(removed_just_now(link)))
            }
        }
    }
}

/// What is not ours is left alone, and a person hears what to do.
fn foreign<T>(path: &Path, why: &str) -> Reconciled<T> {
    Reconciled::Foreign {
        evidence: format!("{} is there, and {why}", path.display()),
        advice: "move it away, or name another folder".to_owned(),
    }
}

/// Whether something is there or gone is not known: the engine asks again.
#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn unknown(error: io::Error) -> ActionError {
    ActionError::transient(error.to_string())
}

/// A change may have happened: the engine looks before it does anything else.
#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn in_doubt(error: io::Error) -> ActionError {
    ActionError::ambiguous(error.to_string())
}

/// A file system is quick: the look that confirms a removal may follow at once.
fn removed_just_now(path: &Path) -> Wait {
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
    dir: PathBuf,
}

impl Step for Folder {
    const NAME: &'static str = "folder";
    const VERSION: u32 = 1;
    type Needs = ();
    type Offers = Handle<PathBuf>;

    fn title(&self) -> String {
        format!("make a folder in {}", self.dir.display())
    }

    fn define(&self, (): (), actions: &mut Actions<'_>) -> Handle<PathBuf> {
        let dir = self.dir.clone();
        actions.change("make-folder", "make the folder", MakeFolder, (), move |()| dir.clone())
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
        let (text, write) = (self.text.clone(), WritePage { dies });
        actions.part(folder, "write-page", "write the page", write, folder, move |folder| {
            PageInput { folder, text: text.clone() }
        })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Announce {
    link: PathBuf,
}

impl Step for Announce {
    const NAME: &'static str = "announce";
    const VERSION: u32 = 1;
    /// The page is needed as well, though the link does not say so: nobody shall find an empty website.
    type Needs = (Handle<PathBuf>, Handle<PathBuf>);
    type Offers = ();

    fn title(&self) -> String {
        format!("let {} lead to it", self.link.display())
    }

    fn define(&self, needs: Self::Needs, actions: &mut Actions<'_>) {
        let link = self.link.clone();
        actions.change("publish", "publish it", Publish, needs, move |(folder, _page)| LinkInput {
            link: link.clone(),
            folder,
        });
    }
}

// ---------------------------------------------------------------------------------------------------------
// The workflow.

/// The website in `dir`; with `dies` its process is killed after the page is written.
///
/// # Errors
/// [`DefinitionError`], should two steps have one name.
pub(crate) fn workflow(dir: &Path, dies: bool) -> Result<Workflow, DefinitionError> {
    let mut builder = Workflow::builder("website");
    let folder = builder.step(&Folder { dir: dir.to_owned() }, ());
    let page = builder.step(&Page { text: "<h1>Hello</h1>".into() }, (folder, dies));
    builder.step(&Announce { link: dir.join("current") }, (folder, page));
    builder.build()
}
