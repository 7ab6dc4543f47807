//! Filters of describe calls: all filters must hold, any value of a filter suffices.

use std::collections::BTreeMap;

use super::params::Fields;
use super::refusal::Refusal;

/// What `tag` stands for where filters are known.
const TAG_FILTERS: &str = "tag:KEY, tag-key, tag-value";

/// Holds the filters of one request.
#[derive(Debug)]
pub(crate) struct Filters {
    filters: Vec<(String, Vec<String>)>,
}

impl Filters {
    /// Reads the filters of an EC2 request: `Filter.N.Name`, `Filter.N.Value.N`.
    pub(crate) fn ec2(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Self::read(fields, "Filter", "Value")
    }

    /// Reads the filters of an Auto Scaling request: `Filters.member.N.Name`, `...Values.member.N`.
    pub(crate) fn auto_scaling(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Self::read(fields, "Filters", "Values")
    }

    fn read(fields: &Fields<'_>, list: &str, values: &str) -> Result<Self, Refusal> {
        let mut filters = Vec::new();
        for filter in fields.items(list) {
            let name = filter.required("Name")?.to_owned();
            let values = filter.texts(values).into_iter().map(str::to_owned).collect();
            filters.push((name, values));
        }
        Ok(Self { filters })
    }

    /// Refuses a filter that `known` does not name, so that a misspelt one does not select nothing.
    ///
    /// `tag:KEY`, `tag-key` and `tag-value` are known where `known` holds `tag`. AWS knows more filters
    /// than are modelled; the refusal is worded so that it is true of those and of the misspelt ones.
    pub(crate) fn check(&self, fields: &Fields<'_>, known: &[&str]) -> Result<(), Refusal> {
        for (name, _) in &self.filters {
            let is_tag = name.starts_with("tag:") || name == "tag-key" || name == "tag-value";
            if !(known.contains(&name.as_str()) || is_tag && known.contains(&"tag")) {
                let known =
                    known.iter().map(|name| if *name == "tag" { TAG_FILTERS } else { name });
                let known: Vec<&str> = known.collect();
                let why = format!(
                    "The filter '{name}' is invalid, or not modelled by this endpoint, which \
                     knows: {}",
                    known.join(", ")
                );
                return Err(Refusal::invalid(fields.service(), "Filter", why));
            }
        }
        Ok(())
    }

    /// Tells whether a resource passes. `offer` gives its values for one filter name; tags are looked
    /// up in `tags`.
    pub(crate) fn pass(
        &self,
        tags: &BTreeMap<String, String>,
        offer: impl Fn(&str) -> Vec<String>,
    ) -> bool {
        self.filters.iter().all(|(name, wanted)| {
            let offered = match name.as_str() {
                "tag-key" => tags.keys().cloned().collect(),
                "tag-value" => tags.values().cloned().collect(),
                name => match name.strip_prefix("tag:") {
                    Some(key) => tags.get(key).cloned().into_iter().collect(),
                    None => offer(name),
                },
            };
            offered.iter().any(|value| wanted.iter().any(|pattern| matches(pattern, value)))
        })
    }
}

/// Wraps the one value that a resource offers to a filter.
pub(crate) fn single_value(value: &str) -> Vec<String> {
    vec![value.to_owned()]
}

/// Matches a value against a pattern in which `*` is any text, `?` any one character, and a
/// backslash takes the next character literally.
pub(crate) fn matches(pattern: &str, value: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let value: Vec<char> = value.chars().collect();
    let (mut p, mut v) = (0, 0);
    // Where to go on when the present attempt fails: one character later for the last star.
    let mut retry: Option<(usize, usize)> = None;
    while v < value.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, v));
                p += 1;
                continue;
            }
            Some('?') => Some(1),
            Some('\\') if pattern.get(p + 1) == Some(&value[v]) => Some(2),
            Some(character) if *character == value[v] => Some(1),
            _ => None,
        };
        match (step, retry) {
            (Some(width), _) => {
                p += width;
                v += 1;
            }
            (None, Some((after_star, from))) => {
                p = after_star;
                v = from + 1;
                retry = Some((after_star, from + 1));
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|character| *character == '*')
}

#[cfg(test)]
mod tests {
    use super::super::dialect::Service;
    use super::super::params::Params;
    use super::*;

    #[test]
    fn patterns_have_stars_marks_and_escapes() {
        for (pattern, value, expected) in [
            ("abc", "abc", true),
            ("a*", "abc", true),
            ("*c", "abcbc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a\\*c", "a*c", true),
            ("a\\*c", "abc", false),
            ("*", "", true),
            ("", "a", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*d", "aXbYbZc", false),
        ] {
            assert_eq!(matches(pattern, value), expected, "{pattern} on {value}");
        }
    }

    #[test]
    fn all_filters_must_hold_and_any_value_suffices() {
        let body = "Filter.1.Name=tag:run&Filter.1.Value.1=a&Filter.1.Value.2=b\
                    &Filter.2.Name=vpc-id&Filter.2.Value.1=vpc-1";
        let params =
            Params::new(Service::Ec2, form_urlencoded::parse(body.as_bytes()).into_owned())
                .unwrap();
        let filters = Filters::ec2(&params.fields()).unwrap();
        let tags = BTreeMap::from([("run".to_owned(), "b".to_owned())]);
        let in_vpc = |vpc: &str| {
            let vpc = vpc.to_owned();
            filters.pass(&tags, move |_| vec![vpc.clone()])
        };
        assert!(in_vpc("vpc-1"));
        assert!(!in_vpc("vpc-2"));
        assert!(filters.check(&params.fields(), &["vpc-id", "tag"]).is_ok());
        assert!(filters.check(&params.fields(), &["vpc-id"]).is_err());
    }
}
