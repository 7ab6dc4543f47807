//! The boot script is checked by the tools that will run it: bash and Python. What this machine lacks is
//! named and left out.

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::*;

fn scripts() -> [String; 2] {
    let spec = StackSpec::default();
    [boot_script(&spec, 0), boot_script(&spec, 1)]
}

/// What stands between the lines of a here-document.
fn document<'a>(script: &'a str, end: &str) -> &'a str {
    let (_, rest) = script.split_once(&format!("<<'{end}'\n")).expect("it begins");
    let (document, _) = rest.split_once(&format!("\n{end}\n")).expect("it ends");
    document
}

fn lacks(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).status();
    let lacks = found.is_err();
    if lacks {
        println!("left out: there is no {program} on this machine");
    }
    lacks
}

#[test]
fn the_scripts_fit_and_begin_with_their_interpreter() {
    for script in scripts() {
        assert!(script.starts_with("#!/bin/bash\n"));
        // A tenth of the limit is documented to be possible; the comments may double that and more.
        assert!(script.len() < USER_DATA_BYTES_MAX / 4, "{} bytes", script.len());
        assert!(script.is_ascii());
    }
}

#[test]
fn every_marker_is_filled_in() {
    for script in scripts() {
        let marker = script.split('@').skip(1).find(|text| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        });
        assert_eq!(marker, None);
    }
}

#[test]
fn the_longest_values_still_fit() {
    let mut spec = StackSpec::default();
    for group in &mut spec.groups {
        group.path = format!("/{}", "\"".repeat(127));
    }
    spec.targets.health_check.path = format!("/{}", "\"".repeat(1023));
    assert!(boot_script(&spec, 0).len() <= USER_DATA_BYTES_MAX);
}

#[test]
fn the_two_clusters_differ_in_their_module_and_their_own_path() {
    let [first, second] = scripts();
    assert!(first.contains("CLUSTER_PATHS = [\"/cluster1\", \"/cluster2\"]"));
    assert!(second.contains("CLUSTER_PATHS = [\"/cluster2\", \"/cluster1\"]"));
    assert!(first.contains("/app_cluster1.py\"") && !first.contains("app_cluster2"));
    assert!(second.contains("/app_cluster2.py\"") && !second.contains("app_cluster1"));
}

#[test]
fn a_health_check_of_another_path_is_answered_as_well() {
    let mut spec = StackSpec::default();
    assert!(boot_script(&spec, 0).contains("HEALTH_PATHS = [\"/\"]\n"));
    spec.targets.health_check.path = "/up?x=1".to_owned();
    assert!(boot_script(&spec, 0).contains("HEALTH_PATHS = [\"/\", \"/up\"]\n"));
}

#[test]
fn a_script_of_ones_own_replaces_the_built_in_one() {
    let mut spec = StackSpec::default();
    spec.groups[1].user_data = Some("#!/bin/sh\ntrue\n".to_owned());
    assert_eq!(boot_script(&spec, 1), "#!/bin/sh\ntrue\n");
    assert_eq!(boot_script(&spec, 0), scripts()[0]);
}

#[test]
fn a_value_that_looks_like_a_marker_stays_as_it_is() {
    assert_eq!(fill("@A@ @B@ @A@", &[("@A@", "@B@"), ("@B@", "x")]), "@B@ x @B@");
}

#[test]
fn bash_accepts_the_scripts() {
    if lacks("bash") {
        return;
    }
    for script in scripts() {
        let mut bash =
            Command::new("bash").args(["-n", "-s"]).stdin(Stdio::piped()).spawn().unwrap();
        bash.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        assert!(bash.wait().unwrap().success());
    }
}

#[test]
fn python_accepts_the_application() {
    if lacks("python3") {
        return;
    }
    for script in scripts() {
        let compile = "import sys; compile(sys.stdin.read(), 'app.py', 'exec')";
        let mut python =
            Command::new("python3").args(["-c", compile]).stdin(Stdio::piped()).spawn().unwrap();
        let app = document(&script, "END_OF_APP");
        python.stdin.take().unwrap().write_all(app.as_bytes()).unwrap();
        assert!(python.wait().unwrap().success());
    }
}

#[test]
fn the_unit_starts_the_module_that_the_script_writes() {
    for (script, module) in scripts().iter().zip(["app_cluster1", "app_cluster2"]) {
        let unit = document(script, "END_OF_UNIT");
        let start = unit.lines().find(|line| line.starts_with("ExecStart=")).unwrap();
        assert!(start.ends_with(&format!("--listen=0.0.0.0:80 {module}:app")), "{start}");
    }
}

/// Runs the application as the unit does, behind waitress in a virtual environment made from the package index.
#[test]
fn the_application_answers_as_documented() {
    if lacks("python3") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    if !make_environment(folder.path()) {
        println!("left out: flask and waitress cannot be installed here");
        return;
    }
    let app = document(&scripts()[0], "END_OF_APP").to_owned();
    std::fs::write(folder.path().join("app_cluster1.py"), app).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Server(
        Command::new(folder.path().join("venv/bin/waitress-serve"))
            .arg(format!("--listen=127.0.0.1:{port}"))
            .arg("app_cluster1:app")
            .current_dir(folder.path())
            .env("INSTANCE_ID", "i-0123456789abcdef0")
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let responding = "Instance i-0123456789abcdef0 is responding now!".to_owned();
    assert_eq!(get_when_up(port, "/"), (200, "Healthy!".to_owned()));
    assert_eq!(get(port, "/cluster1").unwrap(), (200, responding.clone()));
    assert_eq!(get(port, "/cluster2").unwrap(), (200, responding));
    assert_eq!(get(port, "/cluster1/").unwrap().0, 404);
    assert_eq!(get(port, "/other").unwrap().0, 404);
    drop(server);
}

/// A process that ends with the test, however the test ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn make_environment(folder: &Path) -> bool {
    let run = |command: &mut Command| {
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    };
    let pip = folder.join("venv/bin/pip");
    run(Command::new("python3").args(["-m", "venv"]).arg(folder.join("venv")))
        && run(Command::new(pip)
            .args(["install", "--timeout", "15"])
            .args(["flask>=3,<4", "waitress>=3,<4"]))
}

fn get_when_up(port: u16, path: &str) -> (u16, String) {
    let started = Instant::now();
    loop {
        match get(port, path) {
            Some(answer) => return answer,
            None if started.elapsed() > Duration::from_mins(2) => panic!("it never answered"),
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// A GET in the plainest HTTP; `None` while nobody listens.
fn get(port: u16, path: &str) -> Option<(u16, String)> {
    use std::io::Read;
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: x\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}
