//! A workflow: steps, their actions, and how outputs feed inputs.

mod actions;
mod outputs;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lab1_flow_journal::{ActionName, InvalidName, Role, StepName, StoredStep};
use serde_json::Value;

use crate::erased::{Change, ErasedAction};
use crate::handle::{OutputMismatch, Source};
use crate::knot::knotted;
use crate::storable::stored;
use crate::sweep::{ErasedSweep, Sweep};
use crate::{Compensate, Step};

pub use actions::Actions;
pub use outputs::Outputs;

/// Why a workflow cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DefinitionError {
    /// A name breaks the grammar of names.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// An action builds on a handle that another builder gave.
    #[error(
        "action {0} builds on a handle of another workflow: a handle is good for the builder that gave it"
    )]
    Foreign(ActionName),
    /// Two steps or two actions have one name.
    #[error("the name {0} is used twice")]
    Duplicate(String),
    /// It is said how something is found by its mark, and no change of this name makes it.
    #[error("there is no change {0} that could be found by its mark")]
    NoChange(String),
    /// A part needs something that was built on its whole: in a rollback none of them could go first.
    #[error("nothing of {0:?} could be taken back first: a part needs what was built on its whole")]
    Knot(Vec<ActionName>),
    /// A step's configuration cannot be stored, or would not read back.
    #[error("the configuration of step {step} cannot be stored")]
    Config {
        /// The step.
        step: StepName,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

type BuildInput = Arc<dyn Fn(&Outputs<'_>) -> Result<Value, InputError> + Send + Sync>;

/// Why the input of an action cannot be built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    #[error(transparent)]
    Output(#[from] OutputMismatch),
    #[error("the input cannot be stored")]
    Store(#[source] serde_json::Error),
}

/// One declared action.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) name: ActionName,
    pub(crate) step: usize,
    pub(crate) role: Role,
    /// The places of the actions whose outputs it needs.
    pub(crate) needs: Vec<usize>,
    pub(crate) action: Arc<dyn ErasedAction>,
    /// Finds and takes back by the run's mark alone what the action made, when no record tells of it.
    pub(crate) by_mark: Option<Arc<dyn ErasedAction>>,
    pub(crate) build_input: BuildInput,
}

/// The places of the actions that hang on one.
#[derive(Debug, Clone, Default)]
struct Neighbours {
    /// Those that need its output.
    dependents: Vec<usize>,
    /// Those that change a part of what it makes.
    parts: Vec<usize>,
}

/// A workflow: what to do, and in which order the data allows it.
///
/// It is built from steps, holds no state of any run, and can be used for any number of runs.
#[derive(Clone)]
pub struct Workflow {
    name: String,
    /// Tells its handles from those of others.
    builder: u64,
    pub(crate) nodes: Vec<Node>,
    /// The places of the actions in the order of their names.
    places_by_name: Vec<usize>,
    neighbours: Vec<Neighbours>,
    pub(crate) steps: Vec<StoredStep>,
    rereads: BTreeMap<StepName, Reread>,
    pub(crate) sweep: Option<Arc<dyn ErasedSweep>>,
}

/// Reads a stored configuration as a step of this program, and stores it again.
type Reread = fn(&Value) -> Result<Value, serde_json::Error>;

/// The number of the next builder of this process.
static BUILDERS: AtomicU64 = AtomicU64::new(0);

impl std::fmt::Debug for Workflow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workflow")
            .field("name", &self.name)
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}

impl Workflow {
    /// Begins a workflow of this name.
    pub fn builder(name: impl Into<String>) -> WorkflowBuilder {
        let workflow = Self {
            name: name.into(),
            builder: BUILDERS.fetch_add(1, Ordering::Relaxed),
            nodes: Vec::new(),
            places_by_name: Vec::new(),
            neighbours: Vec::new(),
            steps: Vec::new(),
            rereads: BTreeMap::new(),
            sweep: None,
        };
        WorkflowBuilder { workflow, error: None }
    }

    /// The workflow's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The steps as they are stored in a header.
    pub fn steps(&self) -> &[StoredStep] {
        &self.steps
    }

    /// Reads a stored configuration as the step of this name, and stores it again.
    pub(crate) fn reread(
        &self,
        step: &StepName,
        stored: &Value,
    ) -> Result<Value, serde_json::Error> {
        self.rereads.get(step).map_or_else(|| Ok(stored.clone()), |reread| reread(stored))
    }

    /// The action that a handle is of, unless that is of another builder.
    pub(crate) fn node(&self, source: Source) -> Option<&Node> {
        self.nodes.get(source.index).filter(|_| source.builder == self.builder)
    }

    /// Puts the steps in the order of display: those without a number first.
    fn order_steps(&mut self) {
        let mut order: Vec<usize> = (0..self.steps.len()).collect();
        order.sort_by_key(|place| self.steps[*place].number);
        self.steps = order.iter().map(|place| self.steps[*place].clone()).collect();
        for node in &mut self.nodes {
            node.step = order.iter().position(|place| *place == node.step).unwrap_or(node.step);
        }
    }

    /// Notes who hangs on whom: in a long run it is asked for at every turn.
    pub(crate) fn index(&mut self) {
        self.places_by_name = (0..self.nodes.len()).collect();
        self.places_by_name
            .sort_by(|one, other| self.nodes[*one].name.cmp(&self.nodes[*other].name));
        self.neighbours = vec![Neighbours::default(); self.nodes.len()];
        for (place, node) in self.nodes.iter().enumerate() {
            for need in &node.needs {
                self.neighbours[*need].dependents.push(place);
            }
            if let Role::Part { of } = &node.role
                && let Some(whole) = self.place(of)
            {
                self.neighbours[whole].parts.push(place);
            }
        }
    }

    /// The place of an action.
    pub(crate) fn place(&self, name: &ActionName) -> Option<usize> {
        let found = self.places_by_name.binary_search_by(|place| self.nodes[*place].name.cmp(name));
        found.ok().map(|at| self.places_by_name[at])
    }

    /// The places of the actions that need the output of the one at `place`.
    pub(crate) fn dependents(&self, place: usize) -> impl Iterator<Item = usize> + '_ {
        self.neighbours[place].dependents.iter().copied()
    }

    /// The places of the parts of what the action at `place` makes.
    pub(crate) fn parts(&self, place: usize) -> impl Iterator<Item = usize> + '_ {
        self.neighbours[place].parts.iter().copied()
    }
}

/// Declares the steps of a workflow, in the order of display.
#[derive(Debug)]
pub struct WorkflowBuilder {
    workflow: Workflow,
    error: Option<DefinitionError>,
}

impl WorkflowBuilder {
    /// Adds what is done before the first documented step; it has no number.
    pub fn prelude<S: Step>(&mut self, step: &S, needs: S::Needs) -> S::Offers {
        self.add(None, step, needs)
    }

    /// Adds the next documented step and gives it the number after the highest.
    pub fn step<S: Step>(&mut self, step: &S, needs: S::Needs) -> S::Offers {
        let highest = self.workflow.steps.iter().filter_map(|step| step.number).max();
        self.numbered_step(highest.unwrap_or(0).saturating_add(1), step, needs)
    }

    /// Adds a documented step under its own number: the order of display, when the data comes in another.
    pub fn numbered_step<S: Step>(&mut self, number: u32, step: &S, needs: S::Needs) -> S::Offers {
        if self.workflow.steps.iter().any(|step| step.number == Some(number)) {
            self.fail(DefinitionError::Duplicate(format!("step {number}")));
        }
        self.add(Some(number), step, needs)
    }

    /// Says how what a change has made is found, and taken back, by the run's mark alone: a rollback does so with what
    /// its search shows, and the records do not know of. Without it such a thing can only be named as left.
    ///
    /// Only [`reconcile`](crate::Action::reconcile) and [`compensate`](Compensate::compensate) of it are called.
    pub fn by_mark(&mut self, change: &str, finder: impl Compensate<Input = ()>) {
        let nodes = &mut self.workflow.nodes;
        let is_meant = |node: &&mut Node| node.name.as_str() == change && node.role == Role::Change;
        match nodes.iter_mut().find(is_meant) {
            Some(node) => node.by_mark = Some(Arc::new(Change::undoable(finder))),
            None => self.fail(DefinitionError::NoChange(change.to_owned())),
        }
    }

    /// Sets the search by the run's mark, which begins and ends a rollback.
    pub fn sweep(&mut self, sweep: impl Sweep) {
        self.workflow.sweep = Some(Arc::new(sweep));
    }

    fn add<S: Step>(&mut self, number: Option<u32>, step: &S, needs: S::Needs) -> S::Offers {
        let place = self.workflow.steps.len();
        match stored_step(number, step) {
            Ok(stored) => {
                self.workflow.rereads.insert(stored.name.clone(), reread::<S>);
                self.workflow.steps.push(stored);
            }
            Err(error) => self.fail(error),
        }
        step.define(needs, &mut Actions::of(self, place))
    }

    fn fail(&mut self, error: DefinitionError) {
        self.error.get_or_insert(error);
    }

    /// Ends the declaration.
    ///
    /// # Errors
    /// The first mistake that was made in it.
    pub fn build(self) -> Result<Workflow, DefinitionError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let steps = self.workflow.steps.iter().map(|step| step.name.as_str());
        let actions = self.workflow.nodes.iter().map(|node| node.name.as_str());
        refuse_twins(steps)?;
        refuse_twins(actions)?;
        let mut workflow = self.workflow;
        workflow.order_steps();
        workflow.index();
        match knotted(&workflow) {
            knot if knot.is_empty() => Ok(workflow),
            knot => Err(DefinitionError::Knot(knot)),
        }
    }
}

fn stored_step<S: Step>(number: Option<u32>, step: &S) -> Result<StoredStep, DefinitionError> {
    let name = StepName::new(S::NAME)?;
    let config =
        stored(step).map_err(|source| DefinitionError::Config { step: name.clone(), source })?;
    let title = step.title();
    Ok(StoredStep { name, number, title, version: S::VERSION, config, actions: Vec::new() })
}

fn reread<S: Step>(config: &Value) -> Result<Value, serde_json::Error> {
    serde_json::to_value(S::deserialize(config)?)
}

fn refuse_twins<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), DefinitionError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(DefinitionError::Duplicate(name.to_owned()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
