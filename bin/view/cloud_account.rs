//! The account of the embedded cloud as text.

use std::collections::BTreeMap;

use lab1_flow_steps::RUN_ID_TAG;
use serde_json::Value;

/// The kinds that have a line for each, in the order in which a deployment makes them.
const KINDS: [&str; 9] = [
    "key-pair",
    "security-group",
    "launch-template",
    "target-group",
    "load-balancer",
    "listener",
    "listener-rule",
    "auto-scaling-group",
    "instance",
];

/// Words the account: for each region a line for each thing that was made there, with its owner, and
/// how many things there are that come with others.
pub(crate) fn lines(account: &Value) -> Vec<String> {
    let resources = account["resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut regions: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for resource in resources {
        regions.entry(text(&resource["region"])).or_default().push(resource);
    }
    let mut lines = Vec::new();
    if account["locked"] == true {
        lines.push("locked by the lab: every call is refused".to_owned());
    }
    for (region, resources) in &regions {
        lines.push(format!("{region}, where it is {}", text(&account["time"])));
        lines.extend(table(resources).into_iter().map(|line| format!("  {line}")));
        lines.extend(rest(resources).into_iter().map(|line| format!("  {line}")));
    }
    lines
}

/// Whether anything stands in it that somebody made: what every account has, and records of what is gone, do not count.
pub(crate) fn holds_anything(account: &Value) -> bool {
    let resources = account["resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    resources.iter().any(|it| it["seeded"] != true && !is_record(it))
}

/// Gives the lines of what was made, in columns.
fn table(resources: &[&Value]) -> Vec<String> {
    let mut made: Vec<(usize, &Value)> = resources
        .iter()
        .filter(|it| it["seeded"] != true && !is_record(it))
        .filter_map(|it| Some((KINDS.iter().position(|kind| it["kind"] == *kind)?, *it)))
        .collect();
    made.sort_by_key(|(kind, it)| (*kind, text(&it["name"]), text(&it["id"])));
    let rows: Vec<[String; 5]> = made.into_iter().map(|(_, it)| row(it)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    let line = |row: &[String; 5]| {
        let [kind, name, state, facts, owner] = row;
        let [of_kind, of_name, of_state, of_facts] = widths;
        format!(
            "{kind:<of_kind$}  {name:<of_name$}  {state:<of_state$}  {facts:<of_facts$}  {owner}"
        )
        .trim_end()
        .to_owned()
    };
    rows.iter().map(line).collect()
}

fn row(resource: &Value) -> [String; 5] {
    let kind = text(&resource["kind"]);
    // The ids of listeners and rules are longer than a line, and say nothing.
    let name = match (text(&resource["name"]), kind) {
        ("", "listener" | "listener-rule") => "",
        ("", _) => text(&resource["id"]),
        (name, _) => name,
    };
    let owner = match text(&resource["tags"][RUN_ID_TAG]) {
        "" => "of no run".to_owned(),
        run => format!("run {run}"),
    };
    [kind.to_owned(), name.to_owned(), text(&resource["state"]).to_owned(), facts(resource), owner]
}

/// Says what else is worth knowing of a thing.
fn facts(resource: &Value) -> String {
    let detail = |name: &str| text(&resource["details"][name]);
    match text(&resource["kind"]) {
        "security-group" => format!("{} rules", detail("rules")),
        "launch-template" => format!("version {}", detail("latest_version")),
        "target-group" => format!("{} of {} targets healthy", detail("healthy"), detail("targets")),
        "load-balancer" => format!("http://{}/", detail("host")),
        "listener" => format!("port {}", detail("port")),
        "listener-rule" => format!("priority {}", detail("priority")),
        "auto-scaling-group" => format!("{} of {} instances", detail("members"), detail("desired")),
        "instance" => instance(resource),
        _ => String::new(),
    }
}

fn instance(resource: &Value) -> String {
    let detail = |name: &str| text(&resource["details"][name]);
    let answers = match (detail("problem"), detail("answers")) {
        ("", "true") => "answers",
        ("", _) => "does not answer",
        (problem, _) => problem,
    };
    let group = match detail("group") {
        "" => String::new(),
        group => format!("{group}, "),
    };
    format!("{group}{}, {}, {answers}", detail("type"), detail("zone"))
}

/// Counts what comes with other things, what is only listed still, and what every account has.
fn rest(resources: &[&Value]) -> Vec<String> {
    let made = |it: &&&Value| it["seeded"] != true;
    let count = |kind: &str| resources.iter().filter(made).filter(|it| it["kind"] == kind).count();
    let terminated = resources.iter().filter(|it| is_record(it)).count();
    let seeded = resources.iter().filter(|it| it["seeded"] == true).count();
    [
        (count("network-interface"), "network interface", ""),
        (count("volume"), "volume", ""),
        (terminated, "terminated instance", ", still listed for an hour"),
        (seeded, "thing", " that every account has"),
    ]
    .into_iter()
    .filter(|(count, _, _)| *count > 0)
    .map(|(count, what, more)| format!("and {}{more}", counted(count, what)))
    .collect()
}

/// Words a number of things.
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn is_record(resource: &Value) -> bool {
    resource["kind"] == "instance" && resource["state"] == "terminated"
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_account_is_told_with_states_facts_and_owners_in_columns() {
        let resource = |kind: &str, name: &str, state: &str, details: Value| {
            json!({
                "region": "us-east-1", "kind": kind, "id": "an-id", "name": name, "state": state,
                "seeded": false, "tags": { RUN_ID_TAG: "0199-1" }, "details": details,
            })
        };
        let mut by_hand = resource("key-pair", "mine", "", json!({}));
        by_hand["tags"] = json!({});
        let mut seeded = resource("vpc", "default", "", json!({}));
        seeded["seeded"] = json!(true);
        let account = json!({ "time": "2026-01-01T00:00:00.000Z", "locked": false, "resources": [
            seeded,
            resource("instance", "", "terminated", json!({})),
            resource("instance", "", "running", json!({
                "type": "t2.large", "zone": "us-east-1b", "answers": "true", "group": "group2",
            })),
            resource("listener", "", "", json!({ "port": "80" })),
            resource("target-group", "tg", "", json!({ "healthy": "4", "targets": "5" })),
            resource("volume", "", "", json!({})),
            by_hand,
        ]});
        let expected = "
us-east-1, where it is 2026-01-01T00:00:00.000Z
  key-pair      mine                                                  of no run
  target-group  tg              4 of 5 targets healthy                run 0199-1
  listener                      port 80                               run 0199-1
  instance      an-id  running  group2, t2.large, us-east-1b, answers  run 0199-1
  and 1 volume
  and 1 terminated instance, still listed for an hour
  and 1 thing that every account has";
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let told = lines(&account);
        let expected: Vec<_> = expected.trim().lines().map(squeezed).collect();
        assert_eq!(told.iter().map(|line| squeezed(line)).collect::<Vec<_>>(), expected);
        let column = |line: &str| line.find("run 0199").or_else(|| line.find("of no run"));
        let columns: Vec<_> = told.iter().filter_map(|line| column(line)).collect();
        assert_eq!(columns, [columns[0]; 4], "{told:#?}");
    }

    #[test]
    fn what_every_account_has_and_what_is_gone_does_not_stand() {
        let seeded = json!({ "kind": "vpc", "seeded": true, "state": "" });
        let gone = json!({ "kind": "instance", "seeded": false, "state": "terminated" });
        let made = json!({ "kind": "key-pair", "seeded": false, "state": "" });
        assert!(!holds_anything(&json!({ "resources": [seeded, gone] })));
        assert!(holds_anything(&json!({ "resources": [seeded, made] })));
    }
}
