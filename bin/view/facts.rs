//! What a run has made: its resources and its address, read from the outputs in its records.

use lab1_flow_journal::{ActionPhase, ActionState, RunState};
use serde::Serialize;
use serde_json::Value;

/// One thing that a run has made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Resource {
    /// The action that made it.
    pub(crate) action: String,
    /// Its name, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// Its id or ARN; its name where the service knows it by nothing else.
    pub(crate) id: String,
}

impl Resource {
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
        Some(Resource { action: stored.name.to_string(), name, id })
    });
    made.collect()
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
        Resource { action: "a".to_owned(), name, id: id.to_owned() }.label()
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
}
