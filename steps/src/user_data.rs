//! The boot script of the instances, put together from the files in `user-data/`.
//!
//! The files can be read and tested by themselves; here only values are filled in.

use crate::spec::{StackSpec, USER_DATA_BYTES_MAX};

const BOOTSTRAP: &str = include_str!("../user-data/bootstrap.sh");
const APP: &str = include_str!("../user-data/app.py");
const UNIT: &str = include_str!("../user-data/flask-server.service");

/// The boot script of the instances of the group at this place, as cloud-init will run it.
///
/// At most 16 KiB long: the values that go in have limits of their own.
pub fn boot_script(spec: &StackSpec, place: usize) -> String {
    let (own, other) = if place == 0 { (0, 1) } else { (1, 0) };
    let [own, other] = [own, other].map(|place| &spec.groups[place]);
    if let Some(script) = &own.user_data {
        return script.clone();
    }
    let module = format!("app_cluster{}", place + 1);
    let health = match spec.targets.health_check.path.split('?').next() {
        None | Some("/") => vec!["/"],
        Some(path) => vec!["/", path],
    };
    let app = fill(
        APP,
        &[
            ("@MODULE@", &module),
            ("@HEALTH_PATHS@", &list(&health)),
            ("@CLUSTER_PATHS@", &list(&[&own.path, &other.path])),
        ],
    );
    let port = spec.targets.port.to_string();
    let unit = fill(UNIT, &[("@MODULE@", &module), ("@PORT@", &port)]);
    let script = fill(
        BOOTSTRAP,
        &[("@MODULE@", &module), ("@APP@", app.trim_end()), ("@UNIT@", unit.trim_end())],
    );
    debug_assert!(script.len() <= USER_DATA_BYTES_MAX, "the boot script has {}", script.len());
    script
}

/// Texts as a list of Python: for ASCII the notation of JSON is one.
fn list(texts: &[&str]) -> String {
    let quoted: Vec<String> =
        texts.iter().map(|text| serde_json::Value::from(*text).to_string()).collect();
    format!("[{}]", quoted.join(", "))
}

/// Replaces each marker by its value, in one pass: a value that looks like a marker stays as it is.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len() + 64);
    let mut rest = template;
    let next = |rest: &str| {
        let places = values.iter().filter_map(|(marker, value)| {
            rest.find(marker).map(|place| (place, marker.len(), *value))
        });
        places.min_by_key(|(place, _, _)| *place)
    };
    while let Some((place, length, value)) = next(rest) {
        filled.push_str(&rest[..place]);
        filled.push_str(value);
        rest = &rest[place + length..];
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests;
