//! What can be stored: it reads back as what it was, and has room in a record.

mod finite;

use lab1_flow_journal::unstorable;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::ser::Error as _;
use serde_json::{Error, Value};

use self::finite::Finite;

/// Turns a value into what is stored of it.
///
/// # Errors
/// Why it would not read back as what it is, or has no room: a number that is not finite, a map whose keys are no text,
/// a type that does not read what it writes, more than a record may hold.
pub(crate) fn stored<T: Serialize + DeserializeOwned>(value: &T) -> Result<Value, Error> {
    value.serialize(Finite)?;
    let stored = serde_json::to_value(value)?;
    if let Some(why) = unstorable(&stored) {
        return Err(Error::custom(why));
    }
    match T::deserialize(&stored) {
        Ok(_) => Ok(stored),
        Err(error) => Err(Error::custom(format!("it would not read back: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Serialize, Deserialize)]
    struct Lossy {
        #[serde(skip_serializing_if = "String::is_empty")]
        name: String,
        share: Option<f64>,
    }

    fn refusal<T: Serialize + DeserializeOwned>(value: &T) -> String {
        stored(value).unwrap_err().to_string()
    }

    #[test]
    fn what_would_not_come_back_as_it_is_is_refused() {
        let whole = |share| Lossy { name: "x".into(), share };
        assert!(stored(&whole(Some(0.5))).is_ok() && stored(&whole(None)).is_ok());
        assert!(refusal(&f64::NAN).contains("NaN"));
        assert!(refusal(&vec![(1, f32::INFINITY)]).contains("inf"));
        // It would come back as none.
        assert!(refusal(&whole(Some(f64::NEG_INFINITY))).contains("-inf"));
        assert!(refusal(&BTreeMap::from([((1, 2), 3)])).contains("key must be a string"));
        assert_eq!(stored(&BTreeMap::from([(1, 2)])).unwrap(), serde_json::json!({ "1": 2 }));
        let unnamed = refusal(&Lossy { name: String::new(), share: None });
        assert!(unnamed.contains("would not read back: missing field `name`"), "{unnamed}");
        assert!(refusal(&"x".repeat(17 << 20)).contains("bytes"));
        let deep = (0..120).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
        assert!(refusal(&deep).contains("nests 120 deep"));
    }
}
