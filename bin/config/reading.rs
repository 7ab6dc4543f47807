//! Reads a text piece by piece, so that one piece that does not read hides no other.

use std::ops::Range;

use lab1_flow_steps::StackSpec;
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{Mistake, shortened};
use super::{MISTAKES_MAX, suggestion};

/// The specification that a text says, and what in it does not read; a default stands in for that.
///
/// Each mistake takes its piece out of the table, and the rest is read again: there are as many rounds as there are
/// mistakes, and one more. After [`MISTAKES_MAX`] nothing further is read.
pub(super) fn read(text: &str) -> (StackSpec, Vec<Mistake>) {
    let (mut table, broken) = DeTable::parse_recoverable(text);
    if !broken.is_empty() {
        let broken = broken.iter().take(MISTAKES_MAX);
        let mistakes = broken.map(|error| mistake(error, String::new())).collect();
        return (StackSpec::default(), mistakes);
    }
    let mut mistakes = Vec::new();
    loop {
        let error = match StackSpec::deserialize(toml::Deserializer::from(table.clone())) {
            Ok(spec) => return (spec, mistakes),
            Err(error) => error,
        };
        let taken = error.span().and_then(|span| take_out(table.get_mut(), &span, ""));
        let is_last = taken.is_none() || mistakes.len() + 1 == MISTAKES_MAX;
        mistakes.push(mistake(&error, taken.unwrap_or_default()));
        if is_last {
            return (StackSpec::default(), mistakes);
        }
    }
}

fn mistake(error: &toml::de::Error, path: String) -> Mistake {
    let message = suggestion::in_plain_words(&suggestion::without_long_list(error.message()));
    let suggestion = suggestion::for_message(error.message());
    let (path, message) = (shortened(path), shortened(message));
    Mistake { path, message, suggestion, span: error.span() }
}

/// Takes the innermost entry out that the place lies in, and says its path; nothing when there is none.
fn take_out(table: &mut DeTable<'_>, place: &Range<usize>, above: &str) -> Option<String> {
    let found =
        table.iter().find(|(key, value)| lies_in(place, &key.span()) || holds(value, place));
    let (key, _) = found?;
    let (name, is_at_key) = (key.get_ref().to_string(), lies_in(place, &key.span()));
    let path = format!("{above}{name}");
    let value = table.get_mut(name.as_str())?;
    let deeper = if is_at_key { None } else { take_out_below(value.get_mut(), place, &path) };
    deeper.or_else(|| {
        table.remove(name.as_str());
        Some(path)
    })
}

/// Of an array only tables have entries that can be left out.
fn take_out_below(value: &mut DeValue<'_>, place: &Range<usize>, path: &str) -> Option<String> {
    match value {
        DeValue::Table(table) => take_out(table, place, &format!("{path}.")),
        DeValue::Array(array) => array.iter_mut().enumerate().find_map(|(number, item)| {
            take_out_below(item.get_mut(), place, &format!("{path}[{number}]"))
        }),
        _ => None,
    }
}

/// Whether a value lies around the place. A table that is written under a heading has its entries elsewhere.
fn holds(value: &Spanned<DeValue<'_>>, place: &Range<usize>) -> bool {
    let below = match value.get_ref() {
        DeValue::Table(table) => {
            table.iter().any(|(key, value)| lies_in(place, &key.span()) || holds(value, place))
        }
        DeValue::Array(array) => array.iter().any(|item| holds(item, place)),
        _ => false,
    };
    below || lies_in(place, &value.span())
}

fn lies_in(place: &Range<usize>, span: &Range<usize>) -> bool {
    span.start <= place.start && place.end <= span.end
}
