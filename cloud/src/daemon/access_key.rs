//! The access key of one state directory, which every request must carry.

use std::fmt::{self, Write as _};
use std::io;

use blake3::Hash;
use serde::{Deserialize, Serialize};

/// How many random bytes a key has; nobody guesses 128 bits.
const KEY_BYTES: usize = 16;
/// How many hexadecimal digits a challenge has.
const CHALLENGE_DIGITS: usize = 32;
/// Keeps proofs apart from whatever else a key may be hashed for one day.
const PROOF_CONTEXT: &str = "lab1-flow cloud: a daemon proves that it knows its access key";

/// The access key id that the API of one state directory requires.
///
/// Unlike an id of AWS it is a secret: a client that knows it may do everything. The key is random and stored in
/// `endpoint.json`, which only its user can read. It has no `Display`, and its `Debug` hides it. An empty key, as in the
/// endpoint of an older version, admits nobody.
#[derive(Clone, Default, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccessKey(String);

impl AccessKey {
    /// The secret access key for clients. Signatures are not verified, so it is no secret.
    pub const SECRET_ACCESS_KEY: &str = "signatures-are-not-checked-by-this-cloud";

    /// Returns the id: `LAB1` and 32 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Makes a key of a chosen id.
    #[cfg(test)]
    pub(crate) fn of(id: &str) -> Self {
        Self(id.to_owned())
    }

    /// Creates a random key.
    pub(crate) fn random() -> io::Result<Self> {
        Ok(Self(format!("LAB1{}", random_hex()?.to_uppercase())))
    }

    /// Whether there is no key.
    pub(crate) fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares this key with the one of a request, in constant time.
    pub(crate) fn admits(&self, named: &str) -> bool {
        !self.is_none() && digest(&self.0) == digest(named)
    }

    /// Creates a random challenge for a daemon that must prove that it knows the key.
    pub(crate) fn challenge() -> io::Result<String> {
        random_hex()
    }

    /// Computes the answer to a challenge. It covers the port, so that a process on another port cannot relay the proof of
    /// the real daemon. Returns `None` for a malformed challenge.
    pub(crate) fn proof(&self, challenge: &str, port: u16, pid: u32) -> Option<Hash> {
        let is_challenge = challenge.len() == CHALLENGE_DIGITS
            && challenge.bytes().all(|byte| byte.is_ascii_hexdigit());
        let key = blake3::derive_key(PROOF_CONTEXT, self.0.as_bytes());
        let told = format!("{challenge} {port} {pid}");
        (is_challenge && !self.is_none()).then(|| blake3::keyed_hash(&key, told.as_bytes()))
    }
}

/// The digests of two texts are compared in constant time, whatever their lengths.
fn digest(text: &str) -> Hash {
    blake3::hash(text.as_bytes())
}

fn random_hex() -> io::Result<String> {
    let mut bytes = [0_u8; KEY_BYTES];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.iter().fold(String::new(), |mut hex, byte| {
        let _infallible = write!(hex, "{byte:02x}");
        hex
    }))
}

impl PartialEq for AccessKey {
    fn eq(&self, other: &Self) -> bool {
        digest(&self.0) == digest(&other.0)
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_none() { "AccessKey(none)" } else { "AccessKey(..)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_drawn_anew_admits_itself_and_is_not_printed() {
        let (one, other) = (AccessKey::random().unwrap(), AccessKey::random().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.as_str().len(), 36, "as long as tools for AWS take it");
        assert!(one.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert!(one.admits(one.as_str()));
        for wrong in [other.as_str(), "", &one.as_str()[..35], &format!("{}0", one.as_str())] {
            assert!(!one.admits(wrong), "{wrong}");
        }
        assert!(!format!("{one:?}").contains(&one.as_str()[4..]));
    }

    #[test]
    fn no_key_admits_nobody_and_proves_nothing() {
        assert!(!AccessKey::default().admits(""));
        assert_eq!(AccessKey::default().proof(&"0".repeat(CHALLENGE_DIGITS), 1, 1), None);
    }

    #[test]
    fn a_proof_holds_for_its_key_challenge_port_and_process_alone() {
        let (key, challenge) = (AccessKey::random().unwrap(), AccessKey::challenge().unwrap());
        let proof = key.proof(&challenge, 1, 2).unwrap();
        let another = AccessKey::challenge().unwrap();
        for other in [
            AccessKey::random().unwrap().proof(&challenge, 1, 2),
            key.proof(&another, 1, 2),
            key.proof(&challenge, 3, 2),
            key.proof(&challenge, 1, 3),
        ] {
            assert!(other.is_some_and(|other| other != proof));
        }
        for wrong in ["", "0", &"x".repeat(CHALLENGE_DIGITS), &"0".repeat(CHALLENGE_DIGITS + 1)] {
            assert_eq!(key.proof(wrong, 1, 2), None, "{wrong:?}");
        }
    }
}
