//! A configuration file with every value, its default and what it means: made from the specification's own
//! defaults and comments, so that it says nothing else than they do.

use lab1_flow_steps::{StackSpec, schema};
use serde_json::Value;
use toml::Table;

use crate::error::CliError;

/// Longer comments go on in the next line.
const COMMENT_WIDTH: usize = 100;

/// The file.
///
/// # Errors
/// None that the defaults can cause; a test guards it.
pub(crate) fn documented() -> Result<String, CliError> {
    let defaults = Table::try_from(StackSpec::default());
    let defaults = defaults.map_err(|error| CliError::bug(error.to_string()))?;
    let mut template = Template { text: String::new() };
    template.line("#:schema lab1-flow.schema.json");
    for line in HEAD {
        template.line(&format!("# {line}"));
    }
    template.line("");
    template.table("", &defaults, &schema());
    Ok(template.text)
}

/// What stands above the values.
const HEAD: [&str; 5] = [
    "The stack that lab1-flow deploys: every value with its default, which is the documented one.",
    "What is left out keeps its default. Use the file with `lab1-flow run --config FILE`, check it with",
    "`lab1-flow config check FILE`. Editors that read the first line complete and check while one types,",
    "once the schema stands beside the file:",
    "    lab1-flow config schema > lab1-flow.schema.json",
];

struct Template {
    text: String,
}

impl Template {
    /// Writes the values of a table, what has no default as a comment, and then the tables below it.
    fn table(&mut self, path: &str, table: &Table, schema: &Value) {
        for (key, value) in table.iter().filter(|(_, value)| !is_section(value)) {
            let about = &schema["properties"][key];
            self.comment(about);
            self.line(&format!("{key} = {value}"));
        }
        for (key, about) in unset(table, schema) {
            self.comment(about);
            for line in example(key, about).lines() {
                self.line(format!("# {line}").trim_end());
            }
        }
        for (key, value) in table.iter().filter(|(_, value)| is_section(value)) {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let about = &schema["properties"][key];
            match value {
                toml::Value::Table(below) => {
                    self.section(&format!("[{path}]"), Some(about));
                    self.table(&path, below, about);
                }
                toml::Value::Array(items) => {
                    for (number, item) in items.iter().filter_map(toml::Value::as_table).enumerate()
                    {
                        let about_all = Some(about).filter(|_| number == 0);
                        self.section(&format!("[[{path}]]"), about_all);
                        self.table(&path, item, &about["items"]);
                    }
                }
                _ => {}
            }
        }
    }

    fn section(&mut self, heading: &str, about: Option<&Value>) {
        self.line("");
        if let Some(about) = about {
            self.comment(about);
        }
        self.line(heading);
    }

    fn comment(&mut self, about: &Value) {
        let mut line = String::from("#");
        for word in explained(about).split_whitespace() {
            if line.len() + 1 + word.len() > COMMENT_WIDTH {
                self.line(&line);
                "#".clone_into(&mut line);
            }
            line.push(' ');
            line.push_str(word);
        }
        if line.len() > 1 {
            self.line(&line);
        }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }
}

fn is_section(value: &toml::Value) -> bool {
    let of_tables = |items: &Vec<toml::Value>| items.first().is_some_and(toml::Value::is_table);
    value.is_table() || value.as_array().is_some_and(of_tables)
}

/// The values that the schema knows and the defaults do not set.
fn unset<'a>(table: &Table, schema: &'a Value) -> Vec<(&'a String, &'a Value)> {
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties.filter(|(key, _)| !table.contains_key(*key)).collect()
}

/// How a value without a default would be set.
fn example(key: &str, about: &Value) -> String {
    let example = toml::Value::try_from(&about["examples"][0]);
    example.map_or_else(|_| format!("{key} ="), |value| format!("{key} = {value}"))
}

/// What the schema says about a value: its comment, its choices, its limits.
fn explained(about: &Value) -> String {
    let comment = about["description"].as_str().unwrap_or_default().replace('\n', " ");
    let choices = about["oneOf"].as_array().into_iter().flatten().map(|choice| {
        let meaning = choice["description"].as_str().unwrap_or_default();
        format!(" {}: {meaning}", choice["const"])
    });
    // Every unsigned number has the minimum of its kind; only a maximum besides makes it a limit.
    let limits = match (about["minimum"].as_u64(), about["maximum"].as_u64()) {
        (Some(min), Some(max)) => format!(" From {min} to {max}."),
        _ => String::new(),
    };
    comment + &choices.collect::<String>() + &limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_file_says_exactly_the_defaults() {
        let text = documented().unwrap();
        assert_eq!(toml::from_str::<StackSpec>(&text).unwrap(), StackSpec::default());
    }

    #[test]
    fn every_value_stands_in_it_with_a_comment() {
        let text = documented().unwrap();
        let mut above = "";
        for line in text.lines() {
            let is_value = line.contains(" = ") && !line.starts_with('#');
            assert!(!is_value || above.starts_with("# "), "{line} has no comment");
            above = line;
        }
        for key in ["vpc_id", "subnet_ids", "account_max", "user_data"] {
            assert!(
                text.contains(&format!("\n# {key} = ")),
                "{key} is shown as a comment:\n{text}"
            );
        }
    }

    #[test]
    fn what_is_only_shown_reads_when_it_is_taken_in() {
        let shown = |line: &str| {
            line.starts_with("# vpc_id")
                || line.starts_with("# subnet_ids")
                || line.starts_with("# account_max")
        };
        let text: Vec<String> = documented()
            .unwrap()
            .lines()
            .map(|line| if shown(line) { line[2..].to_owned() } else { line.to_owned() })
            .collect();
        let spec: StackSpec = toml::from_str(&text.join("\n")).unwrap();
        assert!(spec.network.vpc_id.is_some() && spec.network.subnet_ids.is_some());
        assert_eq!(spec.instances.account_max, Some(9));
        assert_eq!(spec.validate(), []);
    }
}
