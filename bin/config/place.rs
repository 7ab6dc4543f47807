//! Where in a TOML text the value of a path stands.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Finds the value that a path such as `groups[0].min` names; the nearest value above it when the text does
/// not say it, and nothing when it says nothing of the kind.
pub(super) fn of(table: &Spanned<DeTable<'_>>, path: &str) -> Option<Range<usize>> {
    let mut parts = parts(path);
    let mut found: &Spanned<DeValue<'_>> = table.get_ref().get(parts.next()?)?;
    for part in parts {
        let below = match part.parse::<usize>() {
            Ok(place) => found.get_ref().as_array().and_then(|array| array.get(place)),
            Err(_) => found.get_ref().as_table().and_then(|table| table.get(part)),
        };
        match below {
            Some(below) => found = below,
            None => break,
        }
    }
    Some(found.span())
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split(['.', '[', ']']).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "stack = \"a\"\n[[groups]]\nmin = 4\n[[groups]]\nmin = 7\nmax = 5\n";

    fn found(path: &str) -> Option<&'static str> {
        of(&DeTable::parse(TEXT).unwrap(), path).map(|span| &TEXT[span])
    }

    #[test]
    fn a_path_leads_to_its_value() {
        assert_eq!(found("stack"), Some("\"a\""));
        assert_eq!(found("groups[1].min"), Some("7"));
        assert_eq!(found("groups[0].min"), Some("4"));
    }

    #[test]
    fn a_default_leads_to_what_stands_above_it() {
        let span = of(&DeTable::parse(TEXT).unwrap(), "groups[1].desired").unwrap();
        assert!(TEXT[..span.start].ends_with("min = 4\n"), "{span:?}");
    }

    #[test]
    fn what_the_text_does_not_say_has_no_place() {
        assert_eq!(found("targets.port"), None);
    }
}
