//! What a run has made: its resources and its address, read from the outputs in its records.

use lab1_flow_journal::{ActionPhase, ActionState, Role, RunState};
use serde::Serialize;
use serde_json::Value;

/// One thing that a run has made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Resource {
    /// Its kind, for people.
    pub(crate) kind: &'static str,
    /// The action that made it.
    pub(crate) action: String,
    /// Its name, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// Its id or ARN; its name where the service knows it by nothing else.
    pub(crate) id: String,
}

impl Resource {
    pub(crate) fn new(action: String, name: Option<String>, id: String) -> Self {
        Self { kind: kind_of(&id), action, name, id }
    }

    /// The action that made it, and what people call it, in columns.
    pub(crate) fn line(&self) -> String {
        format!("{:<28} {}", self.action, self.label())
    }

    /// What people call it: its name, with a short id beside it; of an ARN the part that names the thing.
    pub(crate) fn label(&self) -> String {
        let id = self.id.splitn(6, ':').nth(5).unwrap_or(&self.id);
        match &self.name {
            Some(name) if self.id.starts_with("arn:") || *name == self.id => name.clone(),
            Some(name) => format!("{name} ({id})"),
            None => id.to_owned(),
        }
    }
}

/// What the run has made and not taken back, in the order of display.
pub(crate) fn standing_resources(state: &RunState) -> Vec<Resource> {
    resources(state, ActionState::standing_thing)
}

/// What the run had made and is proven gone.
pub(crate) fn gone_resources(state: &RunState) -> Vec<Resource> {
    resources(state, ActionState::gone_thing)
}

fn resources(state: &RunState, thing: fn(&ActionState) -> Option<&str>) -> Vec<Resource> {
    let actions = state.steps().iter().flat_map(|step| &step.actions);
    let made = actions.filter_map(|stored| {
        let action = state.action(&stored.name)?;
        let id = thing(action)?.to_owned();
        let name = text(action.output.as_ref()?, "name");
        Some(Resource::new(stored.name.to_string(), name, id))
    });
    made.collect()
}

/// What a person has left in place, with the reason, one line each.
pub(crate) fn skipped(state: &RunState) -> Vec<String> {
    let resources = standing_resources(state);
    let stored = state.steps().iter().flat_map(|step| &step.actions);
    let changes = stored.filter(|stored| stored.role == Role::Change);
    let left = changes.filter_map(|stored| match &state.action(&stored.name)?.phase {
        ActionPhase::Skipped { reason } => {
            let resource = resources.iter().find(|it| it.action == stored.name.as_str());
            let label =
                resource.map_or_else(|| "what it may have made".to_owned(), Resource::label);
            let name = stored.name.as_str();
            let what = if label == name { label } else { format!("{name}: {label}") };
            Some(format!("{what} is left on request: {reason}"))
        }
        _ => None,
    });
    left.collect()
}

/// How many resources of each kind there are, in the order of the list.
pub(crate) fn count_by_kind(resources: &[Resource]) -> Vec<(&'static str, usize)> {
    let mut counts: Vec<(&'static str, usize)> = Vec::new();
    for resource in resources {
        match counts.iter_mut().find(|(kind, _)| *kind == resource.kind) {
            Some((_, count)) => *count += 1,
            None => counts.push((resource.kind, 1)),
        }
    }
    counts
}

/// The kind of what has this id: an ARN names it, EC2 has prefixes, and groups are known by their name alone.
fn kind_of(id: &str) -> &'static str {
    let kinds = [
        ("sg-", "security group"),
        ("lt-", "launch template"),
        (":targetgroup/", "target group"),
        (":loadbalancer/", "load balancer"),
        (":listener/", "listener"),
        (":listener-rule/", "rule"),
    ];
    let is =
        |mark: &str| if mark.starts_with(':') { id.contains(mark) } else { id.starts_with(mark) };
    let known = kinds.into_iter().find(|(mark, _)| is(mark));
    known.map_or("Auto Scaling group", |(_, kind)| kind)
}

/// The address under which the stack answers, once its listener stands.
pub(crate) fn url(state: &RunState) -> Option<String> {
    let standing = |name: &str| {
        let action = state.actions().find(|(action, _)| action.as_str() == name)?.1;
        action.output.as_ref().filter(|_| action.phase == ActionPhase::Completed)
    };
    let host = text(standing("load-balancer")?, "dns_name")?;
    let port = standing("listener")?.get("port").and_then(Value::as_u64)?;
    Some(address(&host, port))
}

/// The embedded cloud gives each balancer an address of its own, with the port in it.
fn address(host: &str, port: u64) -> String {
    if port == 80 || host.contains(':') {
        format!("http://{host}")
    } else {
        format!("http://{host}:{port}")
    }
}

/// The account and the region in which the run's first look found itself.
pub(crate) fn place(state: &RunState) -> (Option<String>, Option<String>) {
    let outputs = || state.actions().filter_map(|(_, action)| action.output.as_ref());
    let network = outputs().find(|output| output.get("vpc_id").is_some());
    let field = |name| network.and_then(|network| text(network, name));
    (field("account"), field("region"))
}

fn text(output: &Value, field: &str) -> Option<String> {
    output.get(field).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(name: Option<&str>, id: &str) -> String {
        let name = name.map(str::to_owned);
        Resource::new("a".to_owned(), name, id.to_owned()).label()
    }

    #[test]
    fn an_address_names_its_port_where_it_is_not_the_usual_one() {
        assert_eq!(address("lb.example.com", 80), "http://lb.example.com");
        assert_eq!(address("lb.example.com", 8080), "http://lb.example.com:8080");
        assert_eq!(address("127.0.0.1:4711", 80), "http://127.0.0.1:4711");
    }

    #[test]
    fn people_see_names_and_short_ids() {
        assert_eq!(label(Some("web"), "sg-1"), "web (sg-1)");
        assert_eq!(label(Some("group1"), "group1"), "group1");
        let arn = "arn:aws:elasticloadbalancing:us-east-1:000000000000:listener/app/lb/1/2";
        assert_eq!(label(Some("lb"), arn), "lb");
        assert_eq!(label(None, arn), "listener/app/lb/1/2");
    }
    #[test]
    fn a_resource_is_counted_by_what_its_id_says() {
        let arn = |rest: &str| format!("arn:aws:elasticloadbalancing:us-east-1:1:{rest}");
        for (id, kind) in [
            ("sg-1".to_owned(), "security group"),
            ("lt-1".to_owned(), "launch template"),
            (arn("targetgroup/t/1"), "target group"),
            (arn("loadbalancer/app/l/1"), "load balancer"),
            (arn("listener/app/l/1/2"), "listener"),
            (arn("listener-rule/app/l/1/2/3"), "rule"),
            ("group1".to_owned(), "Auto Scaling group"),
        ] {
            assert_eq!(kind_of(&id), kind, "{id}");
        }
    }
}
