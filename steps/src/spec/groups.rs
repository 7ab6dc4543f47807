//! The two groups of instances, each behind its own path.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use super::defaults::{first_group, second_group};

/// One group of instances, with all that leads to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct GroupSpec {
    /// The name of the Auto Scaling group.
    pub name: String,
    /// The type of its instances.
    pub instance_type: String,
    /// The fewest instances.
    pub min: u32,
    /// How many instances there should be.
    pub desired: u32,
    /// The most instances.
    pub max: u32,
    /// The name of its launch template.
    pub launch_template_name: String,
    /// The name of its target group.
    pub target_group_name: String,
    /// The path that is routed to it.
    pub path: String,
    /// The priority of that rule; the lower number comes first.
    #[schemars(range(min = 1, max = 50_000))]
    pub priority: u32,
    /// Its share of the requests that fit no rule.
    #[schemars(range(max = 999))]
    pub weight: u32,
    /// A boot script that replaces the built-in one.
    #[schemars(with = "String", example = "#!/bin/bash\n")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_data: Option<String>,
}

/// What a file may say about a group.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct GroupPatch {
    name: Option<String>,
    instance_type: Option<String>,
    min: Option<u32>,
    desired: Option<u32>,
    max: Option<u32>,
    launch_template_name: Option<String>,
    target_group_name: Option<String>,
    path: Option<String>,
    priority: Option<u32>,
    weight: Option<u32>,
    user_data: Option<String>,
}

impl GroupPatch {
    fn over(self, group: GroupSpec) -> GroupSpec {
        GroupSpec {
            name: self.name.unwrap_or(group.name),
            instance_type: self.instance_type.unwrap_or(group.instance_type),
            min: self.min.unwrap_or(group.min),
            desired: self.desired.unwrap_or(group.desired),
            max: self.max.unwrap_or(group.max),
            launch_template_name: self.launch_template_name.unwrap_or(group.launch_template_name),
            target_group_name: self.target_group_name.unwrap_or(group.target_group_name),
            path: self.path.unwrap_or(group.path),
            priority: self.priority.unwrap_or(group.priority),
            weight: self.weight.unwrap_or(group.weight),
            user_data: self.user_data.or(group.user_data),
        }
    }
}

/// Reads at most two groups, each over the default of its place.
pub(super) fn over_defaults<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<[GroupSpec; 2], D::Error> {
    let patches = Vec::<GroupPatch>::deserialize(deserializer)?;
    if patches.len() > 2 {
        return Err(serde::de::Error::invalid_length(patches.len(), &"at most two groups"));
    }
    let mut patches = patches.into_iter();
    Ok([first_group(), second_group()].map(|group| patches.next().unwrap_or_default().over(group)))
}

/// At most two groups, of which each may leave out whatever it does not change.
pub(super) fn schema(generator: &mut SchemaGenerator) -> Schema {
    let mut group = GroupSpec::json_schema(generator);
    group.remove("required");
    json_schema!({ "type": "array", "maxItems": 2, "items": group })
}

#[cfg(test)]
mod tests {
    use crate::spec::StackSpec;

    #[test]
    fn an_entry_changes_only_what_it_says_of_the_group_of_its_place() {
        let text = r#"{"groups": [{}, {"desired": 3, "min": 2}]}"#;
        let spec: StackSpec = serde_json::from_str(text).unwrap();
        let mut expected = StackSpec::default();
        expected.groups[1].desired = 3;
        expected.groups[1].min = 2;
        assert_eq!(spec, expected);
    }

    #[test]
    fn a_third_group_is_refused() {
        let error = serde_json::from_str::<StackSpec>(r#"{"groups": [{}, {}, {}]}"#).unwrap_err();
        assert!(error.to_string().contains("at most two groups"), "{error}");
    }
}
