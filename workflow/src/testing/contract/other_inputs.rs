//! Inputs that differ in one place: whoever adopts what was not asked for has not compared it.

use serde_json::Value;

/// Every input that differs from this one in one value, with the place of that value as a JSON pointer.
pub(super) fn other_inputs(input: &Value) -> Vec<(String, Value)> {
    let mut places = Vec::new();
    collect(input, String::new(), &mut places);
    let changed = |place: String| {
        let mut other = input.clone();
        let value = other.pointer_mut(&place)?;
        *value = another(value)?;
        Some((place, other))
    };
    places.into_iter().filter_map(changed).collect()
}

fn collect(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                collect(item, format!("{place}/{number}"), places);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect(field, format!("{place}/{name}"), places);
            }
        }
        _ => places.push(place),
    }
}

/// Another value of the same type; none for what is not there.
fn another(value: &Value) -> Option<Value> {
    Some(match value {
        Value::Bool(value) => (!value).into(),
        Value::Number(value) => match value.as_u64() {
            Some(value) => (value + 1).into(),
            None => (value.as_f64()? + 1.0).into(),
        },
        Value::String(value) => format!("{value}x").into(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_value_is_changed_once_and_alone() {
        let input = json!({ "a/b": [1, { "c": "d" }], "e": true, "nothing": null });
        let others: Vec<(String, Value)> = other_inputs(&input);
        let wanted = [
            ("/a~1b/0", json!({ "a/b": [2, { "c": "d" }], "e": true, "nothing": null })),
            ("/a~1b/1/c", json!({ "a/b": [1, { "c": "dx" }], "e": true, "nothing": null })),
            ("/e", json!({ "a/b": [1, { "c": "d" }], "e": false, "nothing": null })),
        ];
        assert_eq!(others, wanted.map(|(place, input)| (place.to_owned(), input)));
        assert_eq!(other_inputs(&json!("x")), [(String::new(), json!("xx"))]);
    }
}
