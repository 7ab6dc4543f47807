//! The actions of a step, and what each builds its input from.

use std::collections::BTreeSet;
use std::sync::Arc;

use lab1_flow_journal::{ActionName, Role, StoredAction};

use super::{BuildInput, DefinitionError, InputError, Node, WorkflowBuilder};
use crate::erased::{Change, ErasedAction, Looking};
use crate::handle::Source;
use crate::storable::stored;
use crate::{Action, Compensate, Handle, Look, Needs, Payload};

/// Declares the actions of one step.
#[derive(Debug)]
pub struct Actions<'a> {
    builder: &'a mut WorkflowBuilder,
    step: usize,
}

impl<'a> Actions<'a> {
    pub(super) fn of(builder: &'a mut WorkflowBuilder, step: usize) -> Self {
        Self { builder, step }
    }
}

impl Actions<'_> {
    /// Declares a change that is compensated by itself.
    pub fn change<A, N, F>(
        &mut self,
        name: &str,
        title: impl Into<String>,
        action: A,
        needs: N,
        input: F,
    ) -> Handle<A::Output>
    where
        A: Compensate,
        N: Needs,
        F: Fn(N::Outputs) -> A::Input + Send + Sync + 'static,
    {
        self.add(name, title.into(), Role::Change, Arc::new(Change::undoable(action)), needs, input)
    }

    /// Declares a change of a part of what `whole` made: it goes when that goes, and is not taken back by
    /// itself. Its input must be built from the whole's output.
    pub fn part<W, A, N, F>(
        &mut self,
        whole: Handle<W>,
        name: &str,
        title: impl Into<String>,
        action: A,
        needs: N,
        input: F,
    ) -> Handle<A::Output>
    where
        A: Action,
        N: Needs,
        F: Fn(N::Outputs) -> A::Input + Send + Sync + 'static,
    {
        let holder = self.builder.workflow.node(whole.source());
        let role = holder.map(|node| Role::Part { of: node.name.clone() });
        if role.is_none()
            && let Ok(name) = ActionName::new(name)
        {
            // Of another builder, or after a name was refused: `build` reports what was first.
            self.builder.fail(DefinitionError::Foreign(name));
        }
        let role = role.unwrap_or(Role::Change);
        self.add(name, title.into(), role, Arc::new(Change::part(action)), needs, input)
    }

    /// Declares a look or a wait.
    pub fn look<L, N, F>(
        &mut self,
        name: &str,
        title: impl Into<String>,
        look: L,
        needs: N,
        input: F,
    ) -> Handle<L::Output>
    where
        L: Look,
        N: Needs,
        F: Fn(N::Outputs) -> L::Input + Send + Sync + 'static,
    {
        self.add(name, title.into(), Role::Look, Arc::new(Looking(look)), needs, input)
    }

    fn add<I, O, N, F>(
        &mut self,
        name: &str,
        title: String,
        role: Role,
        action: Arc<dyn ErasedAction>,
        needs: N,
        input: F,
    ) -> Handle<O>
    where
        I: Payload,
        N: Needs,
        F: Fn(N::Outputs) -> I + Send + Sync + 'static,
    {
        let workflow = &mut self.builder.workflow;
        let handle = Handle::new(Source { builder: workflow.builder, index: workflow.nodes.len() });
        let name = match ActionName::new(name) {
            Ok(name) => name,
            Err(error) => {
                self.builder.fail(error.into());
                return handle;
            }
        };
        let sources: BTreeSet<Source> = needs.sources().into_iter().collect();
        let known: Vec<Source> =
            sources.iter().copied().filter(|source| workflow.node(*source).is_some()).collect();
        if known.len() < sources.len() {
            self.builder.fail(DefinitionError::Foreign(name.clone()));
        }
        let workflow = &mut self.builder.workflow;
        let needed = known.iter().filter_map(|source| workflow.node(*source));
        let needed = needed.map(|node| node.name.clone()).collect();
        let indices = known.iter().map(|source| source.index).collect();
        let declared =
            StoredAction { name: name.clone(), title, role: role.clone(), needs: needed };
        if let Some(step) = workflow.steps.get_mut(self.step) {
            step.actions.push(declared);
        }
        let build_input: BuildInput = Arc::new(move |outputs| {
            stored(&input(needs.read(outputs)?)).map_err(InputError::Store)
        });
        workflow.nodes.push(Node {
            name,
            step: self.step,
            role,
            needs: indices,
            action,
            by_mark: None,
            build_input,
        });
        handle
    }
}
