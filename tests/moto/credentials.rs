//! Credentials pass through the program and leave no trace.

use std::fs;
use std::path::Path;

use crate::stack::Stage;
use crate::support::proxy::Fate;
use crate::support::python::Python;
use crate::support::report;

/// Words that are found wherever they are left. The first is no secret: it names a key, and a log of
/// every signed request shows it; but it is nothing to be stored.
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
    let failed = stage.start_run_with(&["-vv"], &CREDENTIALS).wait();
    assert_ne!(failed.code(), Some(0), "{}", failed.words());
    let run = stage.flow.only_run();
    let rollback = ["rollback", &run, "--yes", "-vv"];
    let rolled_back = stage.flow.start_with(&rollback, &CREDENTIALS).wait().expect_status(0);
    stage.assert_nothing_left("after a failure");

    let said = [failed.words(), rolled_back.words()].concat();
    let mut files = 0;
    for (name, value) in CREDENTIALS {
        let may_be_said = name == "AWS_ACCESS_KEY_ID";
        assert!(may_be_said || !said.contains(value), "{name} is printed");
        files = assert_in_no_file(&stage.flow.state_dir(), value);
    }
    report::count("moto, credentials", &format!("{files} files searched, 0 violations"));
    assert!(files > 3, "the state directory has files");
}

/// Words the refusal as AWS does, with the caller in it.
fn refusal() -> String {
    "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: \
     arn:aws:iam::123456789012:user/somebody is not authorized to perform this</Message></Error>\
     <RequestId>refused</RequestId></ErrorResponse>"
        .to_owned()
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
