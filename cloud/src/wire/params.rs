//! A typed reader of request parameters that remembers what it has read.
//!
//! Whatever is left unread at [`Fields::end`] is refused: a parameter that is silently ignored would
//! look like success, and a client would find out on AWS.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use super::dialect::Service;
use super::refusal::Refusal;
use crate::ids;

/// Holds the parameters of one request.
#[derive(Debug)]
pub(crate) struct Params {
    service: Service,
    values: BTreeMap<String, Value>,
}

#[derive(Debug)]
struct Value {
    text: String,
    read: Cell<bool>,
}

impl Params {
    /// Takes the pairs of a form body. A name that comes twice is refused: which one counts?
    pub(crate) fn new(
        service: Service,
        pairs: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Refusal> {
        let mut values = BTreeMap::new();
        for (name, text) in pairs {
            let value = Value { text, read: Cell::new(false) };
            if values.insert(name.clone(), value).is_some() {
                return Err(Refusal::new(
                    "MalformedQueryString",
                    format!("The parameter {name} was given more than once"),
                ));
            }
        }
        Ok(Self { service, values })
    }

    /// Gives the reader of all parameters.
    pub(crate) fn fields(&self) -> Fields<'_> {
        Fields { params: self, prefix: String::new() }
    }

    fn starting_with<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a String> {
        self.values
            .range(prefix.to_owned()..)
            .map(|(name, _)| name)
            .take_while(move |name| name.starts_with(prefix))
    }
}

/// Reads the parameters below one prefix: those of the request, of a list's item, of a structure.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    params: &'a Params,
    prefix: String,
}

impl<'a> Fields<'a> {
    /// Tells the service that is being called.
    pub(crate) fn service(&self) -> Service {
        self.params.service
    }

    /// Gives the full name of a parameter, as the caller knows it.
    pub(crate) fn full_name(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }

    /// Reads a text, if it is there.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        let value = self.params.values.get(&self.full_name(name))?;
        value.read.set(true);
        Some(&value.text)
    }

    /// Reads a text that must be there and must not be empty.
    pub(crate) fn required(&self, name: &str) -> Result<&'a str, Refusal> {
        self.text(name)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| Refusal::missing(self.service(), &self.full_name(name)))
    }

    /// Reads a text that must be one of `choices`.
    pub(crate) fn one_of(
        &self,
        name: &str,
        choices: &[&'static str],
    ) -> Result<Option<&'static str>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        choices.iter().find(|choice| **choice == text).map(|choice| Some(*choice)).ok_or_else(
            || self.invalid(name, format!("'{text}' is not one of: {}", choices.join(", "))),
        )
    }

    /// Reads a number within `range`, if it is there.
    pub(crate) fn number<T>(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<T>,
    ) -> Result<Option<T>, Refusal>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        let Some(text) = self.text(name) else { return Ok(None) };
        match text.parse::<T>() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(self.invalid(
                name,
                format!("'{text}' is not a number from {} to {}", range.start(), range.end()),
            )),
        }
    }

    /// Reads a number that must be there.
    pub(crate) fn required_number<T>(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<T>,
    ) -> Result<T, Refusal>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        self.number(name, range)?
            .ok_or_else(|| Refusal::missing(self.service(), &self.full_name(name)))
    }

    /// Reads true or false, if it is there.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.text(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(text) => Err(self.invalid(name, format!("'{text}' is not true or false"))),
        }
    }

    /// Reads a list of texts; an absent list is empty.
    pub(crate) fn texts(&self, name: &str) -> Vec<&'a str> {
        self.list_prefixes(name)
            .iter()
            .filter_map(|prefix| {
                let value = self.params.values.get(prefix)?;
                value.read.set(true);
                Some(value.text.as_str())
            })
            .collect()
    }

    /// Reads a list of structures; an absent list is empty.
    pub(crate) fn items(&self, name: &str) -> Vec<Self> {
        self.list_prefixes(name)
            .into_iter()
            .map(|prefix| Fields { params: self.params, prefix })
            .collect()
    }

    /// Reads a structure, if any parameter belongs to it.
    pub(crate) fn child(&self, name: &str) -> Option<Self> {
        let prefix = self.full_name(name);
        let dotted = format!("{prefix}.");
        let present = self.params.starting_with(&dotted).next().is_some();
        present.then_some(Fields { params: self.params, prefix })
    }

    /// Tells whether a parameter of this name, or below it, was sent.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.params.values.contains_key(&self.full_name(name)) || self.child(name).is_some()
    }

    /// Ends the reading, before anything is changed: refuses what was not read, and answers a dry run.
    pub(crate) fn end(&self) -> Result<(), Refusal> {
        let dry_run = self.service() == Service::Ec2
            && (Fields { params: self.params, prefix: String::new() }).flag("DryRun")?
                == Some(true);
        let unread = self.params.values.iter().find(|(_, value)| !value.read.get());
        if let Some((name, _)) = unread {
            return Err(Refusal::unknown_parameter(self.service(), name));
        }
        if dry_run {
            let message = "Request would have succeeded, but DryRun flag is set.";
            return Err(Refusal::new("DryRunOperation", message).with_status(412));
        }
        Ok(())
    }

    /// Digests all parameters but the named ones: what a client token is compared with.
    pub(crate) fn fingerprint(&self, except: &[&str]) -> String {
        let values = self.params.values.iter();
        let counted = values.filter(|(name, _)| !except.contains(&name.as_str()));
        let parts: Vec<&str> =
            counted.flat_map(|(name, value)| [name.as_str(), value.text.as_str()]).collect();
        format!("{:016x}", ids::mix(&parts))
    }

    /// Refuses the value of a parameter.
    pub(crate) fn invalid(&self, name: &str, why: impl std::fmt::Display) -> Refusal {
        Refusal::invalid(self.service(), &self.full_name(name), why)
    }

    /// Finds the items of a list, in the order of their numbers.
    fn list_prefixes(&self, name: &str) -> Vec<String> {
        let list = self.full_name(name);
        // An empty list is sent as its bare name without a value.
        if let Some(value) = self.params.values.get(&list).filter(|value| value.text.is_empty()) {
            value.read.set(true);
        }
        let start = format!("{list}{}", self.service().list_infix());
        let numbers: BTreeSet<usize> = self
            .params
            .starting_with(&start)
            .filter_map(|full| full[start.len()..].split('.').next()?.parse().ok())
            .collect();
        numbers.into_iter().map(|number| self.service().item_prefix(&list, number)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(service: Service, body: &str) -> Params {
        Params::new(service, form_urlencoded::parse(body.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn lists_are_flat_in_ec2_and_have_members_elsewhere() {
        let flat = params(Service::Ec2, "Id.1=a&Id.10=c&Id.2=b");
        assert_eq!(flat.fields().texts("Id"), ["a", "b", "c"]);
        let nested = params(Service::Elb, "Names.member.1=a&Empty=");
        assert_eq!(nested.fields().texts("Names"), ["a"]);
        assert!(nested.fields().texts("Empty").is_empty());
        assert!(nested.fields().end().is_ok());
    }

    #[test]
    fn structures_in_lists_are_read_by_their_own_names() {
        let params = params(Service::Ec2, "Tag.1.Key=k&Tag.1.Value=v&Tag.2.Key=l");
        let tags = params.fields().items("Tag");
        assert_eq!(tags.len(), 2);
        assert_eq!(tags[0].text("Value"), Some("v"));
        assert_eq!(tags[1].text("Value"), None);
    }

    #[test]
    fn what_was_not_read_is_refused_by_its_full_name() {
        let ec2 = params(Service::Ec2, "Filter.1.Name=a&Filter.1.Colour=b");
        ec2.fields().items("Filter")[0].text("Name");
        let refusal = ec2.fields().end().unwrap_err();
        assert_eq!(refusal.code, "UnknownParameter");
        assert!(refusal.message.contains("Filter.1.Colour"));
        let elb = params(Service::Elb, "Bogus=1");
        assert_eq!(elb.fields().end().unwrap_err().code, "ValidationError");
    }

    #[test]
    fn numbers_and_flags_out_of_their_range_are_refused() {
        let params = params(Service::Elb, "Port=70000&Flag=yes&Kind=blue");
        let fields = params.fields();
        assert_eq!(fields.number("Port", 1_u32..=65_535).unwrap_err().code, "ValidationError");
        assert!(fields.flag("Flag").is_err());
        assert!(fields.one_of("Kind", &["red"]).is_err());
        assert!(fields.required("Absent").is_err());
    }

    #[test]
    fn a_dry_run_ends_as_an_error_after_the_parameters_were_checked() {
        let dry = params(Service::Ec2, "DryRun=true");
        let refusal = dry.fields().end().unwrap_err();
        assert_eq!((refusal.status, &*refusal.code), (412, "DryRunOperation"));
        let wrong = params(Service::Ec2, "DryRun=true&Bogus=1");
        assert_eq!(wrong.fields().end().unwrap_err().code, "UnknownParameter");
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        let pairs = [("A", "1"), ("A", "2")].map(|(name, value)| (name.into(), value.into()));
        assert_eq!(Params::new(Service::Ec2, pairs).unwrap_err().code, "MalformedQueryString");
    }
}
