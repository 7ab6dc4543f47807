//! Conditions of rules: path patterns, hosts and methods. Others are refused, not ignored.

use serde::{Deserialize, Serialize};

use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// One condition of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Condition {
    pub(crate) field: Field,
    pub(crate) values: Vec<String>,
}

/// What a condition looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Field {
    PathPattern,
    HostHeader,
    Method,
}

/// Values and wildcards that the conditions of one rule may have.
const VALUES_MAX: usize = 5;
const WILDCARDS_MAX: usize = 5;
const VALUE_CHARACTERS_MAX: usize = 128;

impl Field {
    fn read(item: &Fields<'_>) -> Result<Self, Refusal> {
        match item.required("Field")? {
            "path-pattern" => Ok(Self::PathPattern),
            "host-header" => Ok(Self::HostHeader),
            "http-request-method" => Ok(Self::Method),
            other => {
                Err(Refusal::not_modelled(item.service(), format!("The condition field '{other}'")))
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::PathPattern => "path-pattern",
            Self::HostHeader => "host-header",
            Self::Method => "http-request-method",
        }
    }

    fn config(self) -> &'static str {
        match self {
            Self::PathPattern => "PathPatternConfig",
            Self::HostHeader => "HostHeaderConfig",
            Self::Method => "HttpRequestMethodConfig",
        }
    }
}

impl Condition {
    /// Reads the conditions of a rule; an absent list is empty.
    pub(crate) fn read_all(input: &Fields<'_>) -> Result<Vec<Self>, Refusal> {
        let conditions =
            input.items("Conditions").iter().map(Self::read).collect::<Result<Vec<_>, _>>()?;
        for (number, condition) in conditions.iter().enumerate() {
            if conditions[..number].iter().any(|other| other.field == condition.field) {
                let message = format!(
                    "A rule may have only one condition with the field '{}'",
                    condition.field.name()
                );
                return Err(Refusal::new("ValidationError", message));
            }
        }
        let values: Vec<&String> = conditions.iter().flat_map(|it| &it.values).collect();
        let wildcards = values.iter().flat_map(|value| value.matches(['*', '?'])).count();
        if values.len() > VALUES_MAX || wildcards > WILDCARDS_MAX {
            let message = format!(
                "A rule may have at most {VALUES_MAX} condition values and {WILDCARDS_MAX} wildcards"
            );
            return Err(Refusal::new("ValidationError", message));
        }
        Ok(conditions)
    }

    fn read(item: &Fields<'_>) -> Result<Self, Refusal> {
        let field = Field::read(item)?;
        let plain = item.texts("Values");
        let config = item.child(field.config()).map(|config| config.texts("Values"));
        let values = match (plain.is_empty(), config) {
            (true, Some(values)) if !values.is_empty() => values,
            (false, None) if field != Field::Method => plain,
            _ => {
                let message = format!(
                    "A condition value must be specified, either in 'Values' or in '{}'",
                    field.config()
                );
                return Err(Refusal::new("ValidationError", message));
            }
        };
        for value in &values {
            check_value(field, value)?;
        }
        Ok(Self { field, values: values.into_iter().map(str::to_owned).collect() })
    }

    /// Writes the condition, in the newer and in the older form as AWS does.
    pub(crate) fn write(&self, item: &mut Xml) {
        item.text("Field", self.field.name());
        if self.field != Field::Method {
            item.texts("Values", &self.values);
        }
        item.element(self.field.config(), |config| {
            config.texts("Values", &self.values);
        });
    }
}

fn check_value(field: Field, value: &str) -> Result<(), Refusal> {
    let allowed = |c: char| match field {
        Field::PathPattern => c.is_ascii_alphanumeric() || "_-.$/~\"'@:+&*?".contains(c),
        Field::HostHeader => c.is_ascii_alphanumeric() || "-.*?".contains(c),
        Field::Method => c.is_ascii_uppercase() || "-_".contains(c),
    };
    let length = value.chars().count();
    if (1..=VALUE_CHARACTERS_MAX).contains(&length) && value.chars().all(allowed) {
        return Ok(());
    }
    let message = format!("The condition value '{value}' is not valid for '{}'", field.name());
    Err(Refusal::new("ValidationError", message))
}
