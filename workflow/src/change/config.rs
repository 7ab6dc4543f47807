//! What differs between two configurations of a step.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Names every value that differs; none when this program reads the stored configuration as the given one.
///
/// `reread` reads a configuration as the step of this program, and stores it again. So what the stored one lacks and the
/// type fills in is no difference, and neither is a name that the type still accepts. What the type does not read any
/// more is one: what it said would not be kept.
pub(super) fn differences(
    stored: &Value,
    given: &Value,
    reread: impl Fn(&Value) -> Result<Value, serde_json::Error>,
) -> Vec<String> {
    if stored == given {
        return Vec::new();
    }
    let read = match reread(stored) {
        Ok(read) => read,
        Err(error) => {
            let mut found = config_differences("", stored, given);
            found.push(format!("the stored configuration does not read: {error}"));
            return found;
        }
    };
    let mut found = config_differences("", &read, given);
    for path in unread(stored, &read) {
        // Without it the same is read: nobody asks for it.
        let without = reread(&without(stored, &path));
        if without.is_ok_and(|without| without == read) {
            let value = path.iter().try_fold(stored, |value, key| value.get(key));
            let value = value.unwrap_or(&Value::Null);
            found.push(format!("{} was {value}, and is not read any more", path.join(".")));
        }
    }
    found
}

/// The keys of `stored` that are not in what was read of it, and hold something.
fn unread(stored: &Value, read: &Value) -> Vec<Vec<String>> {
    let (Value::Object(stored), Value::Object(read)) = (stored, read) else { return Vec::new() };
    let mut paths = Vec::new();
    for (key, value) in stored {
        match read.get(key) {
            Some(read) => paths.extend(unread(value, read).into_iter().map(|mut path| {
                path.insert(0, key.clone());
                path
            })),
            None if value.is_null() => {}
            None => paths.push(vec![key.clone()]),
        }
    }
    paths
}

fn without(value: &Value, path: &[String]) -> Value {
    let mut value = value.clone();
    if let Some((last, above)) = path.split_last() {
        let holder = above.iter().try_fold(&mut value, |value, key| value.get_mut(key));
        if let Some(Value::Object(holder)) = holder {
            holder.remove(last);
        }
    }
    value
}

/// Names every value that differs, by its path.
fn config_differences(path: &str, stored: &Value, given: &Value) -> Vec<String> {
    if stored == given {
        return Vec::new();
    }
    let inner = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (stored, given) {
        (Value::Object(old), Value::Object(new)) => {
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let at =
                |object: &Map<String, Value>, key| object.get(key).cloned().unwrap_or(Value::Null);
            keys.into_iter()
                .flat_map(|key| config_differences(&inner(key), &at(old, key), &at(new, key)))
                .collect()
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            let pairs = old.iter().zip(new).enumerate();
            pairs
                .flat_map(|(place, (old, new))| {
                    config_differences(&inner(&place.to_string()), old, new)
                })
                .collect()
        }
        (Value::String(old), Value::String(new)) if old.contains('\n') || new.contains('\n') => {
            vec![text_difference(path, old, new)]
        }
        _ => {
            let path = if path.is_empty() { "it" } else { path };
            vec![format!("{path} was {stored}, and is {given}")]
        }
    }
}

/// Names the first line that differs of a text of many, a script for instance.
fn text_difference(path: &str, old: &str, new: &str) -> String {
    let lines = |text: &str| text.lines().map(str::to_owned).chain([String::new()]).collect();
    let (old, new): (Vec<String>, Vec<String>) = (lines(old), lines(new));
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let line = |text: &[String]| text.get(same).cloned().unwrap_or_default();
    format!("{path} in line {}: was {:?}, and is {:?}", same + 1, line(&old), line(&new))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_difference_names_its_path_and_both_values() {
        let stored = json!({"a": {"b": 1, "same": 0}, "list": [1, {"x": 2}], "short": [1]});
        let given = json!({"a": {"b": 2, "same": 0}, "list": [1, {"x": 3}], "short": [], "c": 1});
        assert_eq!(
            config_differences("", &stored, &given),
            [
                "a.b was 1, and is 2",
                "c was null, and is 1",
                "list.1.x was 2, and is 3",
                "short was [1], and is []",
            ]
        );
        assert_eq!(
            config_differences("", &json!({"script": "a\nb\nc\n"}), &json!({"script": "a\nx\n"})),
            ["script in line 2: was \"b\", and is \"x\""]
        );
        let longer = config_differences("s", &json!("a"), &json!("a\nb"));
        assert_eq!(longer, ["s in line 2: was \"\", and is \"b\""]);
    }

    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    struct Now {
        #[serde(alias = "size")]
        length: u32,
        label: Option<String>,
        #[serde(default)]
        inner: Inner,
    }

    #[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
    #[serde(default)]
    struct Inner {
        depth: u32,
        tags: Vec<String>,
    }

    fn found(stored: &Value, given: &Value) -> Vec<String> {
        differences(stored, given, |stored| {
            serde_json::to_value(<Now as serde::Deserialize>::deserialize(stored)?)
        })
    }

    #[test]
    fn what_the_type_fills_in_is_no_difference_and_what_it_does_not_read_is_one() {
        let given = json!({"length": 3, "label": null, "inner": {"depth": 0, "tags": []}});
        for stored in [
            json!({"length": 3}),
            json!({"size": 3, "label": null}),
            json!({"length": 3, "inner": {"depth": 0}}),
            json!({"length": 3, "gone": null}),
        ] {
            assert_eq!(found(&stored, &given), [""; 0], "{stored}");
        }
        let deeper = json!({"length": 3, "inner": {"depth": 1, "color": "red"}, "gone": [1]});
        let wanted = [
            "inner.depth was 1, and is 0",
            "gone was [1], and is not read any more",
            "inner.color was \"red\", and is not read any more",
        ];
        assert_eq!(found(&deeper, &given), wanted);
        assert_eq!(
            found(&json!({"label": "x"}), &given),
            [
                "inner was null, and is {\"depth\":0,\"tags\":[]}",
                "label was \"x\", and is null",
                "length was null, and is 3",
                "the stored configuration does not read: missing field `length`",
            ]
        );
    }
}
