//! Keeps credentials out of all that is told of a call: providers repeat what was sent to them in their refusals, and
//! helpers that fetch credentials print them when they fail.

use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use aws_credential_types::Credentials;
use regex_lite::Regex;

/// What stands in place of a secret.
const HIDDEN: &str = "[hidden]";

/// The shortest value that is looked for as it is: the shortest access key id of AWS. Emulators take keys such as `test`,
/// which is also a word.
const VALUE_MIN: usize = 16;

/// How many values are remembered; a renewed session brings three.
const VALUES_MAX: usize = 24;

/// What is known by its form: key ids by the prefixes that AWS documents, tokens by the words that all of them begin with,
/// and anything else by what stands before it. The first group of each, where there is one, stays.
static FORMS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let forms = [
        "(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{8,}",
        "(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz|AQoDYXdz)[A-Za-z0-9+/=_%-]+",
        "(?i)(credential(?:=|%3D))[^/%&,;\\s\"']+",
        "(?i)((?:security|session|access|authorization)[-_]?token[\"']?\\s*(?:[:=]|%3D)\\s*[\"']?)[^&,;<>\\s\"']+",
        "(?i)(secret[-_]?(?:access[-_]?)?key[\"']?\\s*(?:[:=]|%3D)\\s*[\"']?)[^&,;<>\\s\"']+",
        "(?i)((?:signature|password|passwd)[\"']?\\s*(?:[:=]|%3D)\\s*[\"']?)[^&,;<>\\s\"']+",
        "(?i)(\\b(?:bearer|basic)\\s+)[A-Za-z0-9+/=._~-]{16,}",
        "(://)[^/\\s@]*@",
    ];
    forms.into_iter().filter_map(|form| Regex::new(form).ok()).collect()
});

/// The credentials that this process has signed with. They stay in memory.
#[derive(Clone, Default)]
pub(super) struct Secrets(Arc<Mutex<Vec<String>>>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// Remembers what must not be told.
    pub(super) fn remember(&self, credentials: &Credentials) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let token = credentials.session_token().unwrap_or_default();
        for value in [credentials.access_key_id(), credentials.secret_access_key(), token] {
            if value.len() >= VALUE_MIN && !known.iter().any(|one| one == value) {
                known.push(value.to_owned());
            }
        }
        let surplus = known.len().saturating_sub(VALUES_MAX);
        known.drain(..surplus);
    }

    /// The text without any of it, nor anything that has the form of a secret.
    pub(super) fn hide_in(&self, text: &str) -> String {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = known.iter().fold(text.to_owned(), |text, value| text.replace(value, HIDDEN));
        hide_forms_in(&text)
    }
}

/// The text without what has the form of a secret.
pub(super) fn hide_forms_in(text: &str) -> String {
    FORMS.iter().fold(text.to_owned(), |text, form| {
        form.replace_all(&text, |found: &regex_lite::Captures<'_>| {
            let kept = found.get(1).map_or("", |kept| kept.as_str());
            let end = if kept == "://" { "@" } else { "" };
            format!("{kept}{HIDDEN}{end}")
        })
        .into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_repeats_of_the_credentials_is_hidden() {
        let words = "The request signature we calculated does not match the signature you provided. The Canonical \
                     String for this request should have been\n'POST\n/\n\nhost:ec2\nx-amz-date:20260101T000000Z\n\
                     x-amz-security-token:IQoJsomething/else+QQ==\n\nhost;x-amz-date\n'";
        let hidden = hide_forms_in(words);
        assert!(!hidden.contains("something"), "{hidden}");
        assert!(hidden.contains("x-amz-date:20260101T000000Z"), "{hidden}");
    }

    #[test]
    fn each_form_is_hidden_and_what_stands_around_it_stays() {
        for (text, hidden) in [
            ("key AKIAIOSFODNN7EXAMPLE is not known", "key [hidden] is not known"),
            ("%2FASIAIOSFODNN7EXAMPLE%2F", "%2F[hidden]%2F"),
            ("'Credential=lab1/20260101/us-east-1'", "'Credential=[hidden]/20260101/us-east-1'"),
            ("Signature=fe5f80, a", "Signature=[hidden], a"),
            (
                "{\"SecretAccessKey\":\"wJal/rX\",\"x\":1}",
                "{\"SecretAccessKey\":\"[hidden]\",\"x\":1}",
            ),
            ("aws_session_token = FwoG/x", "aws_session_token = [hidden]"),
            ("token FwoGZXIvYXdzEBYaD==.", "token [hidden]."),
            ("Authorization: Bearer abcdefghijklmnop", "Authorization: Bearer [hidden]"),
            ("http://me:word@host:1/x", "http://[hidden]@host:1/x"),
        ] {
            assert_eq!(hide_forms_in(text), hidden);
        }
    }

    #[test]
    fn ordinary_words_stay_as_they_are() {
        for text in [
            "The security token included in the request is invalid.",
            "Signature expired: it is too old",
            "The requested configuration is not supported: ASIA is no region",
            "User: arn:aws:iam::123456789012:user/a is not authorized to perform: ec2:RunInstances",
            "http://127.0.0.1:5000/a is not reached; write to a@b.example",
            "there are no credentials: the profile lab says nothing",
        ] {
            assert_eq!(hide_forms_in(text), text);
        }
    }

    #[test]
    fn credentials_that_were_used_are_hidden_whatever_their_form() {
        let secrets = Secrets::default();
        let token = Some("a token that has no form at all".to_owned());
        secrets.remember(&Credentials::new("key-of-somebody-else", "short", token, None, "test"));
        let text = "key-of-somebody-else; a token that has no form at all; short";
        assert_eq!(secrets.hide_in(text), "[hidden]; [hidden]; short");
        assert_eq!(format!("{secrets:?}"), "Secrets");
    }
}
