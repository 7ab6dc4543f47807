//! What of the environment a command of `--notify-cmd` gets.
//!
//! A list of what it may have, and not of what it may not: nobody can list the names under which people keep their
//! tokens.

use std::ffi::OsStr;

/// What a command needs to find programs, the person's home, the desktop and the language.
const PLAIN: [&str; 21] = [
    "CURL_CA_BUNDLE",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "HOME",
    "LAB1_FLOW_STATE_DIR",
    "LANG",
    "LANGUAGE",
    "LOGNAME",
    "NO_COLOR",
    "NO_PROXY",
    "PATH",
    "PWD",
    "SHELL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
    "WAYLAND_DISPLAY",
    "no_proxy",
];

/// Families of the same kind; the last one is for what a person means the command to have.
const FAMILIES: [&str; 3] = ["LC_", "XDG_", "LAB1_FLOW_NOTIFY_"];

/// The way out of this machine, which may hold a password.
const PROXIES: [&str; 6] =
    ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "http_proxy", "https_proxy"];

/// Whether a variable is handed on.
pub(super) fn passes(name: &OsStr, value: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    if PROXIES.contains(&name) {
        // What is no text may hold anything.
        return value.to_str().is_some_and(|value| !value.contains('@') && !value.contains("%40"));
    }
    PLAIN.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handed_on(name: &str, value: &str) -> bool {
        passes(OsStr::new(name), OsStr::new(value))
    }

    #[test]
    fn a_command_gets_what_it_needs() {
        for name in ["PATH", "HOME", "LC_ALL", "XDG_RUNTIME_DIR", "LAB1_FLOW_NOTIFY_CHANNEL"] {
            assert!(handed_on(name, "x"), "{name}");
        }
        assert!(handed_on("HTTPS_PROXY", "http://proxy.example:3128"));
    }

    #[test]
    fn a_command_gets_nothing_under_a_name_that_may_be_that_of_a_credential() {
        for name in [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_SECURITY_TOKEN",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN",
            "AWS_BEARER_TOKEN_BEDROCK",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_ENDPOINT_URL",
            "GITHUB_TOKEN",
            "VAULT_TOKEN",
            "PGPASSWORD",
            "path",
            "",
        ] {
            assert!(!handed_on(name, "x"), "{name}");
        }
        for proxy in ["http://me:secret@proxy.example:3128", "me:secret%40proxy.example"] {
            assert!(!handed_on("https_proxy", proxy), "{proxy}");
        }
    }
}
