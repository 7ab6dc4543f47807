//! A judge of JSON by a schema: the part of JSON Schema that ours is written in, and stricter in one thing. A field that the
//! schema does not name is a mistake, so that neither can go on without the other.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};

/// The schema of all lines.
#[derive(Debug)]
pub(crate) struct Schema {
    root: Value,
}

/// Words that say nothing about what is valid.
const REMARKS: [&str; 4] = ["$schema", "title", "description", "$defs"];

impl Schema {
    pub(crate) fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json-schema/lab1-flow-1.json");
        let text = std::fs::read_to_string(path).expect("the schema is there");
        Self { root: serde_json::from_str(&text).expect("the schema is JSON") }
    }

    /// The kinds of events that it knows.
    pub(crate) fn events(&self) -> BTreeSet<&str> {
        let kinds = self.root["oneOf"].as_array().into_iter().flatten();
        kinds.filter_map(|kind| kind["properties"]["event"]["const"].as_str()).collect()
    }

    /// What is wrong with a line; nothing when it is valid.
    pub(crate) fn judge(&self, line: &Value) -> Result<(), String> {
        // Of the alternatives the one is meant that is of the same event: its complaint is the useful one.
        let kinds = self.root["oneOf"].as_array().expect("alternatives");
        let meant = kinds.iter().find(|kind| kind["properties"]["event"]["const"] == line["event"]);
        let meant = meant.ok_or_else(|| format!("no such event: {}", line["event"]))?;
        self.check(meant, line, "")?;
        self.check(&self.root, line, "")
    }

    fn check(&self, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
        let Value::Object(words) = schema else { return Err(format!("{place}: no schema")) };
        for (word, wanted) in words {
            match word.as_str() {
                "$ref" => self.check(self.defined(wanted), value, place)?,
                "type" => expect(has_type(wanted, value), place, wanted, value)?,
                "const" => expect(wanted == value, place, wanted, value)?,
                "enum" => {
                    let known = wanted.as_array().is_some_and(|known| known.contains(value));
                    expect(known, place, wanted, value)?;
                }
                "pattern" => {
                    let text = value.as_str().unwrap_or_default();
                    let matches = matches_pattern(wanted.as_str().unwrap_or_default(), text);
                    expect(matches, place, wanted, value)?;
                }
                "oneOf" => self.check_alternatives(wanted, value, place)?,
                "items" => {
                    for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(wanted, item, &format!("{place}[{number}]"))?;
                    }
                }
                "properties" => self.check_fields(wanted, value, place)?,
                "required" => {
                    let names = wanted.as_array().into_iter().flatten().filter_map(Value::as_str);
                    for name in names {
                        expect(value.get(name).is_some(), place, &name.into(), value)?;
                    }
                }
                remark if REMARKS.contains(&remark) => {}
                unknown => return Err(format!("{place}: this judge does not know {unknown}")),
            }
        }
        Ok(())
    }

    fn check_alternatives(
        &self,
        schemas: &Value,
        value: &Value,
        place: &str,
    ) -> Result<(), String> {
        let schemas = schemas.as_array().into_iter().flatten();
        let judged: Vec<_> = schemas.map(|one| self.check(one, value, place)).collect();
        match judged.iter().filter(|judged| judged.is_ok()).count() {
            1 => Ok(()),
            count => Err(format!("{place}: {count} alternatives fit {value}: {judged:?}")),
        }
    }

    fn check_fields(&self, fields: &Value, value: &Value, place: &str) -> Result<(), String> {
        let empty = Map::new();
        for (name, field) in value.as_object().unwrap_or(&empty) {
            let place = format!("{place}.{name}");
            match fields.get(name) {
                Some(schema) => self.check(schema, field, &place)?,
                None => return Err(format!("{place} is not in the schema: {field}")),
            }
        }
        Ok(())
    }

    fn defined(&self, reference: &Value) -> &Value {
        let name = reference.as_str().and_then(|text| text.strip_prefix("#/$defs/"));
        name.and_then(|name| self.root["$defs"].get(name)).expect("a reference leads somewhere")
    }
}

fn expect(holds: bool, place: &str, wanted: &Value, found: &Value) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{place}: wanted {wanted}, found {found}")) }
}

fn has_type(wanted: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => false,
    };
    match wanted {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        _ => false,
    }
}

/// The one pattern of the schema: digits stand for digits.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let plain = pattern.trim_start_matches('^').trim_end_matches('$');
    let plain = plain.replace("20[0-9]{2}", "0000").replace("[0-9]{2}", "00");
    shape == plain
}

#[test]
fn the_judge_sees_what_is_missing_unknown_and_of_another_kind() {
    let schema = Schema::read();
    let judged =
        |line| schema.judge(&line).map_err(|mistake| mistake.split(':').next().map(str::to_owned));
    let rests =
        serde_json::json!({ "event": "rests", "run_id": "a", "state": "failed", "next": [] });
    assert_eq!(judged(rests.clone()), Ok(()));
    for (field, value) in [
        ("state", "lost".into()),
        ("run_id", Value::Null),
        ("next", serde_json::json!([{ "purpose": "look" }])),
        ("more", 1.into()),
        ("event", "rest".into()),
    ] {
        let mut line = rests.clone();
        line[field] = value;
        assert!(judged(line.clone()).is_err(), "{line}");
    }
    let mut line = rests;
    line.as_object_mut().expect("an object").remove("state");
    assert!(judged(line).is_err());
    assert!(
        matches_pattern("^20[0-9]{2}-[0-9]{2}$", "2026-11") && !matches_pattern("^[0-9]{2}$", "1")
    );
}
