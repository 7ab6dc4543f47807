//! What the steps can send, as their sources tell.
//!
//! Each call names its action where it is classified, and sets its parameters one by one; that is how it is
//! written in this repository, and what is written otherwise fails here instead of being overlooked.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The names of the clients of the services.
const CLIENTS: [&str; 4] = [".ec2()", ".load_balancing()", ".auto_scaling()", ".sts()"];

/// Returns the actions that the steps call.
pub(crate) fn actions() -> BTreeSet<String> {
    let mut actions = BTreeSet::new();
    for source in sources() {
        for place in ["Call::reading(", "Call::changing("] {
            for after in source.split(place).skip(1) {
                let argument = after.split(',').nth(1).unwrap_or_default().trim();
                let action = match argument {
                    "Self::CALL" => constant(&source),
                    _ => argument.trim_matches('"'),
                };
                let is_name = action.chars().all(|c| c.is_ascii_alphanumeric());
                assert!(is_name && !action.is_empty(), "a call without a name: {place}{after:.80}");
                actions.insert(action.to_owned());
            }
        }
    }
    assert!(actions.len() > 20, "calls are found: {actions:?}");
    actions
}

/// Returns the value of the one constant `CALL` of a file.
fn constant(source: &str) -> &str {
    let mut values = source.split("const CALL: &'static str = \"").skip(1);
    let value = values.next().and_then(|after| after.split('"').next());
    assert!(values.next().is_none(), "a file has one kind of action");
    value.expect("the constant is in the file that uses it")
}

/// Returns what is called on each request before it is sent, with the name of the action: the parameters,
/// and methods that are none.
pub(crate) fn setters() -> BTreeSet<(String, String)> {
    let mut setters = BTreeSet::new();
    for source in sources() {
        for client in CLIENTS {
            for after in source.split(client).skip(1) {
                let request = after.split(".send()").next().unwrap_or_default();
                let mut methods = methods(request);
                let Some(action) = methods.next() else { continue };
                let action = plain(&action);
                setters.extend(methods.map(|method| {
                    (action.clone(), plain(method.strip_prefix("set_").unwrap_or(&method)))
                }));
            }
        }
    }
    setters
}

/// Returns the names that stand between a dot and a parenthesis.
fn methods(text: &str) -> impl Iterator<Item = String> {
    let candidates = text.split('.').skip(1).filter_map(|after| after.split_once('('));
    let is_name =
        |name: &&str| name.chars().all(|c| c.is_ascii_lowercase() || "_0123456789".contains(c));
    candidates.map(|(name, _)| name).filter(is_name).map(str::to_owned)
}

/// Takes out what the models and the SDK spell differently.
pub(crate) fn plain(name: &str) -> String {
    name.replace('_', "").to_ascii_lowercase()
}

/// Returns the sources of the steps without their tests.
fn sources() -> Vec<String> {
    let mut found = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("steps/src"), &mut found);
    assert!(found.len() > 30, "sources are found");
    found
}

fn collect(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if ["tests", "trial"].contains(&name) {
            continue;
        }
        if path.is_dir() {
            collect(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        found.push(text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned());
    }
}
