//! Two pictures of a stack, each as DOT, Mermaid and SVG: what its actions wait for, and what stands where.
//!
//! With a run, every node carries where it stands.

pub(crate) mod dot;
pub(crate) mod drawing;
pub(crate) mod mermaid;
mod reduction;

use std::collections::BTreeMap;

use lab1_flow_journal::{Role, StoredStep};
use lab1_flow_steps::Topology;
use serde::Serialize;

use crate::view::stage::Stage;
use crate::view::steps::StepView;

const ACTIONS_NOTE: &str =
    "An arrow leads to what waits for it; along a dashed one a part goes when its whole goes.";
const TOPOLOGY_NOTE: &str = "Requests go along solid arrows; a dashed one guards, keeps or shapes.";

/// Boxes and arrows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Graph {
    /// What the arrows mean.
    pub(crate) note: &'static str,
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: Vec<Edge>,
}

/// A box.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) detail: String,
    /// The heading under which it stands with others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cluster: Option<String>,
    /// Where it stands, in a run.
    #[serde(rename = "state", skip_serializing_if = "Option::is_none")]
    pub(crate) stage: Option<Stage>,
    /// Whether it is none of ours.
    pub(crate) outside: bool,
}

/// An arrow between two boxes, by their places.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Edge {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) label: String,
    pub(crate) dashed: bool,
}

/// Where the actions of a run stand, by their names.
pub(crate) type Stages = BTreeMap<String, Stage>;

/// Reads the stages out of the view of a run.
pub(crate) fn stages(steps: &[StepView]) -> Stages {
    let actions = steps.iter().flat_map(|step| &step.actions);
    actions.map(|action| (action.name.clone(), action.stage)).collect()
}

impl Graph {
    /// The actions; an arrow leads from each to those that wait for its output, unless another way says so already.
    /// What is a part of another action's effect, and goes with it, hangs on it by a dashed one.
    pub(crate) fn of_actions(steps: &[StoredStep], stages: Option<&Stages>) -> Self {
        let actions = || steps.iter().flat_map(|step| step.actions.iter().map(move |a| (step, a)));
        let places: BTreeMap<_, _> =
            actions().enumerate().map(|(place, (_, action))| (&action.name, place)).collect();
        let nodes =
            actions().map(|(step, action)| Node {
                name: action.name.to_string(),
                label: action.name.to_string(),
                detail: step
                    .number
                    .map_or_else(|| "before step 1".to_owned(), |number| format!("step {number}")),
                cluster: Some(step.number.map_or_else(
                    || step.title.clone(),
                    |number| format!("{number} {}", step.title),
                )),
                stage: stages.and_then(|stages| stages.get(action.name.as_str()).copied()),
                outside: false,
            });
        let edges = actions().enumerate().flat_map(|(to, (_, action))| {
            let is_part_of = |name| matches!(&action.role, Role::Part { of } if of == name);
            let froms = action.needs.iter().filter_map(|name| Some((*places.get(name)?, name)));
            let edge =
                |(from, name)| Edge { from, to, label: String::new(), dashed: is_part_of(name) };
            froms.map(edge).collect::<Vec<_>>()
        });
        let (nodes, edges): (Vec<_>, Vec<_>) = (nodes.collect(), edges.collect());
        let edges = reduction::reduced(nodes.len(), edges);
        Self { note: ACTIONS_NOTE, nodes, edges }
    }

    /// What stands where. Requests go along the solid arrows; a dashed one says what guards or keeps what.
    pub(crate) fn of_topology(topology: &Topology, stages: Option<&Stages>) -> Self {
        let place_of = |name: &str| topology.places.iter().position(|place| place.name == name);
        let nodes = topology.places.iter().map(|place| Node {
            name: place.name.to_owned(),
            label: place.label.clone(),
            detail: place.detail.clone(),
            cluster: None,
            stage: stages.and_then(|stages| stages.get(place.action?).copied()),
            outside: place.action.is_none(),
        });
        let edges = topology.links.iter().filter_map(|link| {
            let (from, to) = (place_of(link.from)?, place_of(link.to)?);
            Some(Edge { from, to, label: link.label.clone(), dashed: !link.carries_requests })
        });
        Self { note: TOPOLOGY_NOTE, nodes: nodes.collect(), edges: edges.collect() }
    }
}

impl Graph {
    /// The nodes under their headings, in the order of the first of each.
    fn clusters(&self) -> Vec<(Option<&str>, Vec<&Node>)> {
        let mut clusters: Vec<(Option<&str>, Vec<&Node>)> = Vec::new();
        for node in &self.nodes {
            let cluster = node.cluster.as_deref();
            match clusters.iter_mut().find(|(known, _)| *known == cluster) {
                Some((_, nodes)) => nodes.push(node),
                None => clusters.push((cluster, vec![node])),
            }
        }
        clusters
    }
}

impl Node {
    /// What stands below the label.
    pub(crate) fn second_line(&self) -> String {
        match self.stage {
            Some(stage) => format!("{}: {}", self.detail, stage.word()),
            None => self.detail.clone(),
        }
    }

    /// The colour behind the text, for languages without style sheets.
    pub(crate) fn fill(&self) -> &'static str {
        match self.stage {
            _ if self.outside => "#ddf4ff",
            None => "#ffffff",
            Some(Stage::Pending | Stage::Gone | Stage::Skipped) => "#f6f8fa",
            Some(Stage::Running | Stage::Undoing) => "#54aeff",
            Some(Stage::Begun | Stage::Waiting) => "#b6e3ff",
            Some(Stage::InDoubt) => "#ffb77c",
            Some(Stage::Done | Stage::Standing) => "#aceebb",
            Some(Stage::Failed | Stage::Stuck) => "#ffcecb",
        }
    }

    /// The class that says how it is drawn.
    pub(crate) fn class(&self) -> String {
        match self.stage {
            _ if self.outside => "outside".to_owned(),
            Some(stage) => stage.word().replace(' ', "-"),
            None => "box".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
