//! Whether a workflow can be taken back at all.

use std::collections::BTreeSet;

use lab1_flow_journal::{ActionName, Role};

use crate::Workflow;

/// The actions that would wait for one another in a rollback; none in a sound workflow.
///
/// Data alone has no circles. A part closes one when it needs something that was itself built on its whole:
/// the whole may not go before that, and that not before the part, which goes with the whole.
pub(crate) fn knotted(workflow: &Workflow) -> Vec<ActionName> {
    let nodes = &workflow.nodes;
    if !nodes.iter().any(|node| matches!(node.role, Role::Part { .. })) {
        return Vec::new();
    }
    let mut gone: Vec<bool> = nodes.iter().map(|node| node.role == Role::Look).collect();
    let mut moved = true;
    while moved {
        moved = false;
        for place in (0..nodes.len()).rev() {
            if !gone[place] && may_go(workflow, place, &gone) {
                gone[place] = true;
                moved = true;
            }
        }
    }
    let stays = nodes.iter().zip(gone).filter(|(_, gone)| !gone);
    stays.map(|(node, _)| node.name.clone()).collect()
}

fn may_go(workflow: &Workflow, place: usize, gone: &[bool]) -> bool {
    let node = &workflow.nodes[place];
    if let Role::Part { of } = &node.role {
        return workflow.place(of).is_none_or(|whole| gone[whole]);
    }
    let own_part = Role::Part { of: node.name.clone() };
    let mut seen = BTreeSet::from([place]);
    let mut open: Vec<usize> = workflow.dependents(place).collect();
    while let Some(dependent) = open.pop() {
        if seen.insert(dependent) {
            if workflow.nodes[dependent].role != own_part && !gone[dependent] {
                return false;
            }
            open.extend(workflow.dependents(dependent));
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use crate::testing::{Blueprint, Habits, PausedClock, World};
    use crate::{DefinitionError, Limits};

    fn build(blueprint: &Blueprint) -> Result<(), DefinitionError> {
        let world = World::new(std::sync::Arc::new(PausedClock::new()), Habits::default());
        blueprint.workflow(&world, Limits::default()).map(drop)
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_may_not_need_what_was_built_on_its_whole() {
        let mut knot = Blueprint::default().thing("whole", &[]).thing("on-it", &[0]).part("p", 0);
        knot.actions[2].needs.push(1);
        let error = build(&knot).unwrap_err().to_string();
        assert!(error.contains("whole") && error.contains("on-it"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_may_need_other_parts_and_looks_at_its_whole() {
        let sound = Blueprint::default().thing("whole", &[]).part("one", 0).watch("ready", 0);
        let mut sound = sound.thing("other", &[]).part("two", 0);
        sound.actions[4].needs.extend([1, 2, 3]);
        assert!(build(&sound).is_ok());
        assert!(build(&Blueprint::diamond()).is_ok());
    }
}
