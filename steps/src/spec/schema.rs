//! The specification as a JSON Schema: what editors know of a configuration file, and where its comments come from.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::StackSpec;

/// The JSON Schema of a configuration, made from the specification's own types and comments.
///
/// Draft 7, without references: what every editor reads. It knows names, kinds, and the limits of single
/// numbers; what [`StackSpec::validate`] says beyond them needs the whole file.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<StackSpec>().to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls `visit` with the path and the schema of every value that has no values below it.
    fn visit_leaves(path: &str, schema: &Value, visit: &mut impl FnMut(&str, &Value)) {
        if let Some(properties) = schema["properties"].as_object() {
            for (name, below) in properties {
                let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
                visit_leaves(&path, below, visit);
            }
        } else if schema["items"]["properties"].is_object() {
            visit_leaves(&format!("{path}/0"), &schema["items"], visit);
        } else {
            visit(path, schema);
        }
    }

    /// The default stack with another value at a path such as `groups/0/weight`.
    fn with(path: &str, value: u64) -> StackSpec {
        let mut json = serde_json::to_value(StackSpec::default()).unwrap();
        *json.pointer_mut(&format!("/{path}")).unwrap() = value.into();
        serde_json::from_value(json).unwrap()
    }

    /// What the validation says about the value at a path.
    fn complaints(spec: &StackSpec, path: &str) -> Vec<String> {
        let path = path.replace("groups/0", "groups[0]").replace('/', ".");
        let problems = spec.validate().into_iter().filter(|problem| problem.path == path);
        problems.map(|problem| problem.message).collect()
    }

    #[test]
    fn every_value_is_explained() {
        let mut count = 0;
        visit_leaves("", &schema(), &mut |path, schema| {
            count += 1;
            assert!(schema["description"].is_string(), "{path}: {schema}");
        });
        assert_eq!(count, 39);
    }

    #[test]
    fn the_limits_of_numbers_are_those_of_the_validation() {
        let mut count = 0;
        visit_leaves("", &schema(), &mut |path, schema| {
            for (limit, direction) in [("minimum", -1), ("maximum", 1)] {
                let Some(value) = schema[limit].as_u64() else { continue };
                // No number of these kinds is beyond.
                if value == 0 || value == u64::from(u16::MAX) {
                    continue;
                }
                count += 1;
                let refusal = format!("{value} is not between");
                let at_it = complaints(&with(path, value), path);
                assert!(!at_it.iter().any(|said| said.starts_with(&refusal)), "{path}: {at_it:?}");
                let beyond = value.saturating_add_signed(direction);
                assert!(!complaints(&with(path, beyond), path).is_empty(), "{path} = {beyond}");
            }
        });
        assert_eq!(count, 18);
    }

    #[test]
    fn a_group_may_leave_out_what_it_does_not_change() {
        let schema = schema();
        assert_eq!(schema["properties"]["groups"]["items"]["required"], Value::Null);
        assert_eq!(schema["required"], Value::Null);
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["properties"]["groups"]["items"]["additionalProperties"], false);
    }
}
