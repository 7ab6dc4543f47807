//! What to do next: durable steps inside your own program.
//!
//! A **run** carries out a **workflow**. People see its **steps**; the engine works with their **actions**: one
//! remote change each, or one look. Before an attempt at a change its *intent* is durable in the journal, after it its
//! *outcome* is. A process that dies in between leaves the attempt **in doubt**, and the next one settles the doubt by
//! looking: what is found with the run's mark is adopted, what is absent is tried again.
//!
//! The same doubt is settled before anything is taken back. So a run can be killed at any instant, and ends
//! either done or with nothing left; this holds for an action whose call was in flight, too.
//!
//! # Writing one
//!
//! ```
//! use lab1_flow_workflow::journal::{MemoryJournal, RunId};
//! use lab1_flow_workflow::{
//!     Action, ActionContext, ActionError, Actions, Compensate, Engine, Handle, NewRun, Profile,
//!     Progress, Reconciled, Step, Wait, Workflow,
//! };
//! use serde::{Deserialize, Serialize};
//! # use std::sync::Arc;
//!
//! /// The change: here, a folder that is named after the run.
//! #[derive(Debug)]
//! struct MakeFolder;
//!
//! impl Action for MakeFolder {
//!     type Input = String;
//!     type Output = String;
//!
//!     async fn execute(&self, _: &ActionContext, path: &String) -> Result<String, ActionError> {
//!         // The name holds the run id, so whatever stands there is ours.
//!         std::fs::create_dir_all(path).map_err(|e| ActionError::ambiguous(e.to_string()))?;
//!         Ok(path.clone())
//!     }
//!
//!     async fn reconcile(
//!         &self,
//!         _: &ActionContext,
//!         path: &String,
//!     ) -> Result<Reconciled<String>, ActionError> {
//!         let there = std::fs::exists(path).map_err(|e| ActionError::transient(e.to_string()))?;
//!         Ok(if there { Reconciled::Adopted(path.clone()) } else { Reconciled::Absent })
//!     }
//! }
//!
//! impl Compensate for MakeFolder {
//!     async fn compensate(
//!         &self,
//!         _: &ActionContext,
//!         _: &String,
//!         path: &String,
//!     ) -> Result<Progress<()>, ActionError> {
//!         match std::fs::remove_dir(path) {
//!             // That it is gone is for the next look to say.
//!             Ok(()) => Ok(Progress::Waiting(Wait::new("the folder is being removed"))),
//!             Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Progress::Done(())),
//!             Err(e) => Err(ActionError::transient(e.to_string())),
//!         }
//!     }
//! }
//!
//! /// The step: data, stored in the run's header.
//! #[derive(Debug, Clone, Serialize, Deserialize)]
//! struct Folder {
//!     path: String,
//! }
//!
//! impl Step for Folder {
//!     const NAME: &'static str = "folder";
//!     const VERSION: u32 = 1;
//!     type Needs = ();
//!     type Offers = Handle<String>;
//!
//!     fn title(&self) -> String {
//!         format!("folder {}", self.path)
//!     }
//!
//!     fn define(&self, (): (), actions: &mut Actions<'_>) -> Handle<String> {
//!         let path = self.path.clone();
//!         actions.change("make-folder", "make it", MakeFolder, (), move |()| path.clone())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let run = RunId::new("first")?;
//! let path = std::env::temp_dir().join(format!("lab1-flow-{run}")).display().to_string();
//! let mut builder = Workflow::builder("example");
//! let folder = builder.step(&Folder { path: path.clone() }, ());
//! let workflow = builder.build()?;
//!
//! let engine = Engine::new(Arc::new(MemoryJournal::new()));
//! // A folder is seen at once, and gone at once: nothing here takes as long as on AWS.
//! let new = NewRun { profile: Profile::scaled(1_000.0), ..NewRun::new(run.clone()) };
//! let report = engine.start(&workflow, new).await?;
//! assert_eq!(report.output(&workflow, folder)?, path);
//!
//! // Another process would need no more than the run's id.
//! engine.roll_back(&workflow, &run, Default::default()).await?;
//! assert!(!std::fs::exists(&path)?);
//! # Ok(())
//! # }
//! ```
//!
//! # Reading the sources
//!
//! | file | what it holds |
//! |---|---|
//! | `action.rs`, `failure.rs`, `step.rs`, `sweep.rs` | what an author writes |
//! | `definition.rs`, `handle.rs`, `knot.rs`, `erased.rs` | how outputs feed inputs; wrong wiring does not compile |
//! | `decide.rs`, `preview.rs` | the planner: a pure function from history to all that may go on now; the same, asked ahead |
//! | `moment.rs`, `frontier.rs` | what this process knows besides the history; the few actions at which a turn of the loop has to look |
//! | `drive.rs` | the loop: decide, write, send, take in what lands |
//! | `flight.rs`, `token.rs`, `land.rs`, `retract.rs`, `search.rs` | one call under way; what its answer means for the run |
//! | `storable.rs`, `stored.rs`, `unstorable.rs`, `texts.rs`, `panics.rs` | what a record can hold, whether it reads, and what an author's code comes to that goes beyond |
//! | `patience.rs`, `retry.rs`, `looks.rs`, `limits.rs`, `profile.rs` | delays, limits, when to look again |
//! | `pace/`, `turns.rs` | how fast the provider may be asked, and whose call is next |
//! | `engine.rs`, `error.rs`, `change.rs`, `presume.rs`, `report.rs` | start, resume, roll back; what may have changed or was lost in between |
//! | `ports.rs`, `clock.rs`, `stop.rs`, `observe.rs` | the seams: nothing else reaches outside |
//! | `testing/` | a small world, its faults and deaths, and what must hold afterwards |
//!
//! The module `guide` has a longer example and a checklist; `docs/guarantees.md` of the repository has the promises.

mod action;
mod change;
mod clock;
mod decide;
mod definition;
mod drive;
mod engine;
mod erased;
mod error;
mod failure;
mod flight;
mod frontier;
#[cfg(all(doc, not(doctest)))]
#[doc = include_str!("../guide.md")]
pub mod guide {}
mod handle;
mod knot;
mod land;
mod limits;
mod looks;
mod moment;
mod observe;
mod pace;
mod panics;
mod patience;
mod ports;
mod presume;
mod preview;
mod profile;
mod report;
mod retract;
mod retry;
mod search;
mod step;
mod stop;
mod storable;
mod stored;
mod sweep;
#[cfg(feature = "testing")]
pub mod testing;
mod texts;
mod token;
mod turns;
mod unstorable;

pub use action::{
    Action, ActionContext, Compensate, Consistency, Look, Payload, Progress, Reconciled, Wait,
};
pub use clock::{Clock, SystemClock};
pub use definition::{Actions, DefinitionError, Outputs, Workflow, WorkflowBuilder};
pub use engine::{Engine, NewRun, Resume};
pub use error::EngineError;
pub use failure::ActionError;
pub use handle::{Handle, Needs, OutputMismatch, Source};
pub use lab1_flow_journal as journal;
pub use limits::Limits;
pub use observe::{Observer, Silent};
pub use pace::{Lane, Pacer};
pub use preview::{Turn, Undoing};
pub use profile::Profile;
pub use report::RunReport;
pub use step::Step;
pub use stop::StopSignal;
pub use sweep::{Leftover, Sweep};
