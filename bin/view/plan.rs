//! What a run would do, or has still to do, as people see it.

use lab1_flow_journal::{ActionPhase, ActionState, Role, RunState, StoredStep};
use lab1_flow_steps::{Cost, Network, StackSpec};
use serde::Serialize;

use crate::paint::{Paint, Tone};
use crate::view::table::{Cell, Table};

/// What becomes of one action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Effect {
    /// It makes something.
    Create,
    /// What it made is deleted.
    Delete,
    /// It may have made something: that is looked for first.
    Settle,
    /// It is waited for.
    Wait,
    /// Nothing is to be done any more.
    Nothing,
}

/// One action of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PlannedAction {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) effect: Effect,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PlannedStep {
    pub(crate) number: Option<u32>,
    pub(crate) name: String,
    pub(crate) title: String,
    /// The values of the configuration that its title does not say.
    pub(crate) settings: Vec<String>,
    pub(crate) actions: Vec<PlannedAction>,
}

/// How much is to be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Sum {
    create: usize,
    change: usize,
    delete: usize,
    #[serde(skip_serializing_if = "is_zero")]
    settle: usize,
    #[serde(skip_serializing_if = "is_zero")]
    wait: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// What a new run would do.
pub(crate) fn of_new(steps: &[StoredStep]) -> Vec<PlannedStep> {
    let effect = |role: &Role| if *role == Role::Look { Effect::Wait } else { Effect::Create };
    let numbered = steps.iter().filter(|step| step.number.is_some());
    numbered.map(|step| planned(step, |action| effect(&action.role))).collect()
}

/// What a run has still to do, in the direction it is going.
pub(crate) fn of_run(state: &RunState) -> Vec<PlannedStep> {
    let effect = |action: &lab1_flow_journal::StoredAction| {
        let action = state.action(&action.name);
        action.map_or(Effect::Nothing, |action| left_of(action, state.is_rolling_back()))
    };
    let numbered = state.steps().iter().filter(|step| step.number.is_some());
    numbered.map(|step| planned(step, effect)).collect()
}

fn planned(
    step: &StoredStep,
    effect: impl Fn(&lab1_flow_journal::StoredAction) -> Effect,
) -> PlannedStep {
    let actions = step.actions.iter().map(|action| PlannedAction {
        name: action.name.to_string(),
        title: action.title.clone(),
        effect: effect(action),
    });
    PlannedStep {
        number: step.number,
        name: step.name.to_string(),
        title: step.title.clone(),
        settings: Vec::new(),
        actions: actions.collect(),
    }
}

/// What is left to do of one action.
fn left_of(action: &ActionState, rolling_back: bool) -> Effect {
    let is_look = action.role == Role::Look;
    match (&action.phase, rolling_back) {
        (ActionPhase::Compensated { .. } | ActionPhase::Skipped { .. }, _)
        | (ActionPhase::Completed, false) => Effect::Nothing,
        (_, true) if is_look => Effect::Nothing,
        (_, false) if is_look => Effect::Wait,
        (ActionPhase::Started | ActionPhase::InDoubt { .. }, _) => Effect::Settle,
        (
            ActionPhase::Pending | ActionPhase::Waiting { .. } | ActionPhase::Failed { .. },
            rolling_back,
        ) => {
            if rolling_back {
                Effect::Nothing
            } else {
                Effect::Create
            }
        }
        (
            ActionPhase::Completed | ActionPhase::Compensating { .. } | ActionPhase::GaveUp { .. },
            _,
        ) => Effect::Delete,
    }
}

impl Sum {
    pub(crate) fn of(steps: &[PlannedStep]) -> Self {
        let mut sum = Self::default();
        for action in steps.iter().flat_map(|step| &step.actions) {
            match action.effect {
                Effect::Create => sum.create += 1,
                Effect::Delete => sum.delete += 1,
                Effect::Settle => sum.settle += 1,
                Effect::Wait => sum.wait += 1,
                Effect::Nothing => {}
            }
        }
        sum
    }

    /// Whether nothing is to be done.
    pub(crate) fn is_nothing(self) -> bool {
        self == Self::default()
    }

    /// The sum in one line.
    pub(crate) fn sentence(self) -> String {
        let Self { create, change, delete, settle, .. } = self;
        let settle = match settle {
            0 => String::new(),
            count => format!(", {count} to be looked for first"),
        };
        format!("Plan: {create} to create, {change} to change, {delete} to delete{settle}.")
    }
}

/// Each step with what it does; those with nothing to do are left out.
pub(crate) fn lines(steps: &[PlannedStep], paint: Paint) -> Vec<String> {
    let busy =
        |step: &&PlannedStep| step.actions.iter().any(|action| action.effect != Effect::Nothing);
    steps.iter().filter(busy).flat_map(|step| step_lines(step, paint)).collect()
}

fn step_lines(step: &PlannedStep, paint: Paint) -> Vec<String> {
    let number = step.number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let mut lines = vec![format!("{number:>2}  {}", paint.bold(&step.title))];
    for action in &step.actions {
        let (sign, tone) = match action.effect {
            Effect::Create => ("+", Tone::Green),
            Effect::Delete => ("-", Tone::Red),
            Effect::Settle => ("?", Tone::Yellow),
            Effect::Wait => (".", Tone::Dim),
            Effect::Nothing => continue,
        };
        let wait = if action.effect == Effect::Wait { "wait: " } else { "" };
        lines.push(format!("    {} {wait}{}", paint.tone(tone, sign), action.title));
    }
    let settings = step.settings.iter();
    lines.extend(settings.map(|text| format!("      {}", paint.tone(Tone::Dim, text))));
    lines
}

/// Adds to the steps what their titles do not say.
pub(crate) fn add_settings(steps: &mut [PlannedStep], spec: &StackSpec, network: Option<&Network>) {
    for step in steps {
        step.settings = settings(&step.name, spec, network);
    }
}

fn settings(step: &str, spec: &StackSpec, network: Option<&Network>) -> Vec<String> {
    match step {
        "launch-templates" => {
            let key = &spec.instances.key_name;
            let key =
                if key.is_empty() { "no key pair".to_owned() } else { format!("key pair {key}") };
            vec![format!("image {}, {key}", spec.instances.image_id)]
        }
        "target-groups" => {
            let check = &spec.targets.health_check;
            vec![format!(
                "health check {} every {} s, timeout {} s, healthy after {}, unhealthy after {}, codes {}",
                check.path,
                check.interval_s,
                check.timeout_s,
                check.healthy_threshold,
                check.unhealthy_threshold,
                check.success_codes
            )]
        }
        "load-balancer" => {
            let places = places(spec, network);
            vec![format!("in {} and {}", places[0], places[1])]
        }
        "rules" => {
            let rule = |group: &lab1_flow_steps::GroupSpec| {
                let target_group = spec.full_name(&group.target_group_name);
                format!("{} leads to {target_group}", group.path)
            };
            spec.groups.iter().map(rule).collect()
        }
        "auto-scaling-groups" => {
            let places = places(spec, network);
            let group = |(group, place): (&lab1_flow_steps::GroupSpec, &String)| {
                format!(
                    "{}: {} to {} instances in {place}",
                    spec.full_name(&group.name),
                    group.min,
                    group.max
                )
            };
            spec.groups.iter().zip(&places).map(group).collect()
        }
        _ => Vec::new(),
    }
}

/// The zones, with their subnets where those are known.
fn places(spec: &StackSpec, network: Option<&Network>) -> [String; 2] {
    match network {
        Some(network) => {
            network.subnets.each_ref().map(|subnet| format!("{} ({})", subnet.zone, subnet.id))
        }
        None => spec.network.zones.clone(),
    }
}

/// The cost as a table, with what it rests on.
pub(crate) fn cost_lines(cost: Option<&Cost>, region: &str, paint: Paint) -> Vec<String> {
    let Some(cost) = cost else {
        return vec![format!(
            "Cost: no prices are known here for region {region}, and none is guessed"
        )];
    };
    let mut table = Table::new(["COST", "COUNT", "AN HOUR", "A DAY"]).numbers_from(1);
    for item in &cost.items {
        table.add([
            Cell::from(&item.what),
            Cell::from(item.count),
            Cell::from(format!("{:.4}", item.per_hour)),
            Cell::from(format!("{:.2}", 24.0 * item.per_hour)),
        ]);
    }
    table.add([
        Cell::from("all of it"),
        Cell::from(""),
        Cell::from(format!("{:.4}", cost.per_hour)),
        Cell::from(format!("{:.2}", cost.per_day)),
    ]);
    let mut lines = table.lines(paint);
    lines.push(format!("{} on demand in {region}, prices of {}", cost.currency, cost.as_of));
    lines.extend(cost.not_counted.iter().map(|text| format!("not counted: {text}")));
    lines
}
