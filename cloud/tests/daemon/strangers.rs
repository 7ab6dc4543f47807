//! Other users of the machine: they have no key, and must not learn it.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use lab1_flow_cloud::daemon::{AccessKey, DaemonError, Endpoint, find, start, status, stop};

use super::directory::{Directory, answers, becomes, call, launch};

fn stored(directory: &Directory) -> serde_json::Value {
    serde_json::from_slice(&fs::read(directory.path().join("endpoint.json")).unwrap()).unwrap()
}

#[test]
fn each_directory_has_a_key_of_its_own_that_outlives_its_daemon() {
    let (one, other) = (Directory::new(), Directory::new());
    let (first, second) = (one.start().endpoint, other.start().endpoint);
    assert_eq!(stored(&one)["access_key_id"], first.access_key_id.as_str());
    assert_ne!(first.access_key_id, second.access_key_id);
    let mixed = Endpoint { access_key_id: second.access_key_id, ..first.clone() };
    assert!(!answers(&mixed), "the key of another directory opens nothing");
    one.kill(&first);
    let next = one.start().endpoint;
    assert_eq!(next.access_key_id, first.access_key_id);
    assert_eq!(find(one.path()).unwrap().unwrap().access_key_id, first.access_key_id);
    assert!(answers(&next));
}

#[test]
fn a_copied_directory_does_not_open_the_original() {
    let (original, copy) = (Directory::new(), Directory::new());
    let first = original.start().endpoint;
    for entry in fs::read_dir(original.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let second = copy.start();
    assert!(second.fresh, "it has a daemon of its own");
    assert_ne!(second.endpoint.access_key_id, first.access_key_id);
    assert!(answers(&first) && answers(&second.endpoint));
}

/// Requires that only its user can read a file.
fn assert_private(path: &Path) {
    let metadata = fs::symlink_metadata(path).unwrap();
    let mode = metadata.permissions().mode() & 0o777;
    let wanted = if metadata.is_dir() { 0o700 } else { 0o600 };
    assert_eq!(format!("{mode:o}"), format!("{wanted:o}"), "{}", path.display());
    assert_eq!(metadata.uid(), rustix::process::geteuid().as_raw());
}

#[test]
fn another_user_cannot_read_the_key() {
    let directory = Directory::new();
    directory.start();
    let file = directory.path().join("endpoint.json");
    assert_private(&file);
    if !rustix::process::geteuid().is_root() {
        eprintln!("[skipped] reading the key as another user: only root can become one");
        return;
    }
    // The folder is let open, so that the file stands for itself.
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"];
    let as_nobody = |command: &[&str]| {
        Command::new("setpriv").args(nobody).args(command).arg(&file).output().unwrap()
    };
    assert!(as_nobody(&["stat"]).status.success(), "it reaches the file");
    let read = as_nobody(&["cat"]);
    assert!(!read.status.success() && read.stdout.is_empty(), "{read:?}");
}

#[test]
fn a_process_on_the_port_of_a_dead_daemon_does_not_receive_the_key() {
    let directory = Directory::new();
    let former = directory.start().endpoint;
    directory.kill(&former);
    let thief = TcpListener::bind(("127.0.0.1", former.port)).unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = heard.clone();
    std::thread::spawn(move || {
        for stream in thief.incoming() {
            let mut stream: TcpStream = stream.unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap_or(0);
            kept.lock().unwrap().extend_from_slice(&request[..length]);
            let proof = format!("{{\"proof\":\"{}\"}}", "0".repeat(64));
            let _gone = write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{proof}");
        }
    });
    // A daemon that holds the directory and has not written its endpoint yet.
    let lock = fs::File::options().write(true).open(directory.path().join("cloud.lock")).unwrap();
    lock.lock().unwrap();
    let error = status(directory.path()).unwrap_err();
    assert!(matches!(error, DaemonError::Unresponsive { .. }), "{error}");
    drop(lock);
    let next = directory.start().endpoint;
    assert!(next.port != former.port && answers(&next));
    assert!(stop(directory.path()).unwrap());
    let heard = String::from_utf8_lossy(&heard.lock().unwrap()).into_owned();
    assert!(
        heard.contains("GET /_lab1_flow/ready?challenge="),
        "it was asked for a proof: {heard}"
    );
    assert!(!heard.contains(former.access_key_id.as_str()), "{heard}");
}

#[test]
fn a_keyless_daemon_of_an_older_version_is_reported_and_can_be_stopped() {
    let directory = Directory::new();
    let endpoint = directory.start().endpoint;
    let mut old = stored(&directory);
    old.as_object_mut().unwrap().remove("access_key_id").unwrap();
    fs::write(directory.path().join("endpoint.json"), old.to_string()).unwrap();
    let error = start(directory.path(), &launch()).unwrap_err();
    assert!(matches!(error, DaemonError::Keyless { pid } if pid == Some(endpoint.pid)), "{error}");
    assert!(stop(directory.path()).unwrap());
    let next = directory.start().endpoint;
    assert_ne!(next.access_key_id, endpoint.access_key_id);
    assert!(answers(&next), "its account goes on with a key");
}

#[test]
fn requests_without_the_key_cannot_stop_or_reset_the_daemon() {
    let directory = Directory::new();
    let endpoint = directory.start().endpoint;
    let port = endpoint.port;
    for verb in ["stop", "reset", "hurry"] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        write!(
            stream,
            "POST /_lab1_flow/{verb} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }
    let stranger = Endpoint { access_key_id: AccessKey::default(), ..endpoint.clone() };
    assert!(
        call(&stranger, "Action=GetCallerIdentity&Version=2011-06-15").starts_with("HTTP/1.1 403 ")
    );
    becomes(|| answers(&endpoint));
}
