//! Credentials pass through the program and leave no trace.

use std::fs;
use std::path::Path;

use crate::stack::Stage;
use crate::support::proxy::Fate;
use crate::support::python::Python;
use crate::support::report;

/// Words that are found wherever they are left.
const CREDENTIALS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKIAXQWERTYIDENTIFIER"),
    ("AWS_SECRET_ACCESS_KEY", "secret-xqwertyuiop-that-nobody-may-read"),
    ("AWS_SESSION_TOKEN", "token-xqwertyuiop-that-nobody-may-read"),
];

#[test]
fn no_credential_is_stored_or_printed_not_even_in_an_error() {
    let Some(python) = Python::or_say_skipped("moto, credentials") else { return };
    let stage = Stage::new(&python);
    // A failure in the middle, so that what is said of errors is looked at as well.
    stage.proxy.plan(|call| {
        if call.action == "CreateListener" { Fate::Refuse(403, refusal()) } else { Fate::Pass }
    });
    // All that can be told is told.
    let variables = [&CREDENTIALS[..], &[("LAB1_FLOW_LOG", "trace")]].concat();
    let failed = stage.start_run_with(&["-vv"], &variables).wait();
    assert_ne!(failed.code(), Some(0), "{}", failed.words());
    let run = stage.flow.only_run();
    let rollback = ["rollback", &run, "--yes", "-vv"];
    let rolled_back = stage.flow.start_with(&rollback, &variables).wait().expect_status(0);
    stage.assert_nothing_left("after a failure");

    let said = [failed.words(), rolled_back.words()].concat();
    let mut files = 0;
    for (name, value) in CREDENTIALS {
        assert!(!said.contains(value), "{name} is printed");
        files = assert_in_no_file(&stage.flow.state_dir(), value);
    }
    report::count("moto, credentials", &format!("{files} files searched, 0 violations"));
    assert!(files > 3, "the state directory has files");
    assert!(said.contains("lab1_flow_steps::connection"), "the log is there");
}

/// A refusal that repeats all that it was sent, and more.
fn refusal() -> String {
    let [(_, key), (_, secret), (_, token)] = CREDENTIALS;
    format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User {key} is not \
         authorized to perform this. The Canonical String should have been 'POST\n/\nx-amz-security-token:{token}\n' \
         with Credential={key}/20260101/us-east-1 and {secret}</Message></Error>\
         <RequestId>refused</RequestId></ErrorResponse>"
    )
}

/// Searches every file below a folder; returns how many there were.
fn assert_in_no_file(folder: &Path, value: &str) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += assert_in_no_file(&path, value);
        } else {
            let bytes = fs::read(&path).unwrap_or_default();
            let found = bytes.windows(value.len()).any(|window| window == value.as_bytes());
            assert!(!found, "{} holds {value}", path.display());
            files += 1;
        }
    }
    files
}
