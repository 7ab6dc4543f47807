//! The daemon as commands meet it: real processes, real signals, one per state directory.
//!
//! The test program is its own daemon: the ignored tests at the end are entry points of processes
//! that the others start. They run in their state directory and find there what to do.

#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up has failed")]

mod directory;
mod strangers;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use lab1_flow_cloud::daemon::{
    DaemonError, Endpoint, Launch, ServeOptions, detach, reset, serve, start, status, stop,
    stop_signal,
};
use rustix::process::{Signal, WaitOptions, getsid, waitpid};

use directory::{Directory, MARK, answers, becomes, call, launch, pid, signal, try_call};

#[test]
fn it_is_started_once_found_again_and_stopped() {
    let directory = Directory::new();
    assert_eq!(status(directory.path()).unwrap(), None);
    let first = directory.start();
    assert!(first.fresh && answers(&first.endpoint));
    let second = directory.start();
    assert!(!second.fresh);
    assert_eq!(second.endpoint, first.endpoint);
    assert_eq!(status(directory.path()).unwrap().unwrap().endpoint, first.endpoint);

    assert!(stop(directory.path()).unwrap());
    assert!(!stop(directory.path()).unwrap());
    assert_eq!(status(directory.path()).unwrap(), None);
    assert!(TcpStream::connect(("127.0.0.1", first.endpoint.port)).is_err());
}

#[test]
fn commands_that_start_it_at_once_get_one_daemon() {
    let directory = Directory::new();
    let commands: Vec<_> = (0..6)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--ignored", "--exact", "entry_of_a_command"])
                .current_dir(directory.path())
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut command in commands {
        assert!(command.wait().unwrap().success());
    }
    #[cfg(target_os = "linux")]
    assert_eq!(processes_in(directory.path()), 1, "a process that was not needed lives on");
    let told: Vec<String> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "told"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    assert_eq!(told.len(), 6);
    let endpoint = directory.start().endpoint;
    for told in told {
        assert_eq!(serde_json::from_str::<Endpoint>(&told).unwrap(), endpoint);
    }
}

/// Counts the processes that run in a directory.
#[cfg(target_os = "linux")]
fn processes_in(directory: &Path) -> usize {
    let directory = directory.canonicalize().unwrap();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|it| fs::read_link(it.path().join("cwd")).is_ok_and(|d| d == directory))
        .count()
}

#[test]
fn killed_without_warning_it_comes_back_on_the_same_port() {
    let directory = Directory::new();
    let mut former = directory.start().endpoint;
    for _ in 0..3 {
        // A connection that is open when the process dies lingers on the port.
        let _lingering = TcpStream::connect(("127.0.0.1", former.port)).unwrap();
        directory.kill(&former);
        assert_eq!(status(directory.path()).unwrap(), None);
        let next = directory.start();
        assert!(next.fresh && next.endpoint.pid != former.pid);
        assert_eq!(next.endpoint.port, former.port);
        assert!(answers(&next.endpoint));
        former = next.endpoint;
    }
}

#[test]
fn a_port_that_was_taken_meanwhile_is_left_to_its_holder() {
    let directory = Directory::new();
    let former = directory.start().endpoint;
    assert!(stop(directory.path()).unwrap());
    // It accepts, as any server would, and never answers.
    let holder = TcpListener::bind(("127.0.0.1", former.port)).unwrap();
    let next = directory.start().endpoint;
    assert_ne!(next.port, former.port);
    assert!(answers(&next));
    drop(holder);
}

#[test]
fn its_account_is_emptied_whether_it_runs_or_not() {
    let directory = Directory::new();
    let make = "Action=CreateSecurityGroup&Version=2016-11-15&GroupName=web&GroupDescription=web";
    let list = "Action=DescribeSecurityGroups&Version=2016-11-15&Filter.1.Name=group-name\
                &Filter.1.Value.1=web";
    let is_there = |endpoint: &Endpoint| call(endpoint, list).contains("<groupName>web<");

    let running = directory.start().endpoint;
    call(&running, make);
    becomes(|| is_there(&running));
    reset(directory.path()).unwrap();
    assert!(!is_there(&running));

    call(&running, make);
    becomes(|| is_there(&running));
    assert!(stop(directory.path()).unwrap());
    reset(directory.path()).unwrap();
    assert!(!is_there(&directory.start().endpoint));
}

#[test]
fn a_damaged_account_is_named_in_the_log_and_emptied_on_request() {
    let directory = Directory::new();
    fs::write(directory.path().join("cloud-state"), b"{ damaged").unwrap();
    let error = start(directory.path(), &launch()).unwrap_err();
    assert!(matches!(&error, DaemonError::Ended { log_tail } if log_tail.contains("cloud-state")));
    reset(directory.path()).unwrap();
    assert!(answers(&directory.start().endpoint));
}

/// How many clients write at once.
const WRITERS: u32 = 4;

/// After how many answers the daemon is killed, in each life.
const LIVES: [usize; 6] = [0, 1, 3, 7, 15, 31];

/// Calls one after the other, as fast as it goes, until the connection breaks, and counts the answers for all writers;
/// returns the names of the templates whose creation was answered.
fn create_until_it_dies(endpoint: &Endpoint, writer: &str, answers: &AtomicUsize) -> Vec<String> {
    let create = |number: u32| -> std::io::Result<Option<String>> {
        let name = format!("template-{writer}-{number}");
        let form = format!(
            "Action=CreateLaunchTemplate&Version=2016-11-15&LaunchTemplateName={name}\
             &LaunchTemplateData.InstanceType=t2.large"
        );
        let answer = try_call(endpoint, &form)?;
        answers.fetch_add(1, Ordering::Relaxed);
        Ok(answer.contains("<launchTemplateId>lt-").then_some(name))
    };
    (0..).map(create).map_while(Result::ok).flatten().collect()
}

#[test]
fn what_it_has_answered_survives_its_death_at_any_time() {
    let directory = Directory::new();
    let mut answered = Vec::new();
    for (round, life) in LIVES.into_iter().enumerate() {
        let endpoint = &directory.start().endpoint;
        let answers = &AtomicUsize::new(0);
        let of_round = std::thread::scope(|scope| {
            let write = |writer| {
                let writer = format!("{round}-{writer}");
                scope.spawn(move || create_until_it_dies(endpoint, &writer, answers))
            };
            let writers: Vec<_> = (0..WRITERS).map(write).collect();
            becomes(|| answers.load(Ordering::Relaxed) >= life);
            directory.kill(endpoint);
            writers.into_iter().flat_map(|it| it.join().unwrap()).collect::<Vec<_>>()
        });
        answered.extend(of_round);
    }
    assert!(answered.len() > LIVES.len(), "{answered:?}: most calls were refused");
    let endpoint = directory.start().endpoint;
    becomes(|| {
        let page = call(&endpoint, "Action=DescribeLaunchTemplates&Version=2016-11-15");
        let listed = all_pages(&endpoint, page);
        answered.iter().all(|name| listed.contains(&format!("<launchTemplateName>{name}<")))
    });
}

/// Joins the pages of a list of launch templates, of which the first is at hand.
fn all_pages(endpoint: &Endpoint, mut page: String) -> String {
    let mut joined = String::new();
    loop {
        let next = page.split_once("<nextToken>").and_then(|(_, rest)| rest.split_once('<'));
        let next = next.map(|(token, _)| token.to_owned());
        joined.push_str(&page);
        let Some(token) = next.filter(|token| !token.is_empty()) else { return joined };
        page = call(
            endpoint,
            &format!("Action=DescribeLaunchTemplates&Version=2016-11-15&NextToken={token}"),
        );
    }
}

#[test]
fn it_ends_on_sigterm_with_its_lock_free() {
    let directory = Directory::new();
    let endpoint = directory.start().endpoint;
    signal(&endpoint, Signal::TERM);
    becomes(|| status(directory.path()).is_ok_and(|s| s.is_none()));
}

#[test]
fn one_that_hangs_is_named_and_then_killed() {
    let directory = Directory::new();
    let endpoint = directory.start().endpoint;
    signal(&endpoint, Signal::STOP);
    // The signal is on its way until the kernel says that the process has stopped.
    waitpid(Some(pid(&endpoint)), WaitOptions::UNTRACED).unwrap();
    let error = status(directory.path()).unwrap_err();
    assert!(
        matches!(error, DaemonError::Unresponsive { pid } if pid == Some(endpoint.pid)),
        "{error}"
    );
    assert!(stop(directory.path()).unwrap());
    assert!(answers(&directory.start().endpoint));
}

#[test]
fn one_that_cannot_start_shows_the_end_of_its_log() {
    let directory = Directory::new();
    let launch = Launch::of_this_program(["--ignored", "--exact", "entry_that_fails"]).unwrap();
    let error = start(directory.path(), &launch).unwrap_err();
    assert!(
        matches!(&error, DaemonError::Ended { log_tail } if log_tail.contains("no such thing"))
    );
    let nowhere = Launch { program: "/nonexistent/program".into(), arguments: Vec::new() };
    let error = start(directory.path(), &nowhere).unwrap_err();
    assert!(matches!(error, DaemonError::Spawn { .. }), "{error}");
}

#[test]
fn a_second_one_on_the_same_directory_is_refused_with_the_holder() {
    let directory = Directory::new();
    let endpoint = directory.start().endpoint;
    let second = run(ServeOptions::new(directory.path()));
    let error = second.unwrap_err();
    assert!(matches!(error, DaemonError::Held { pid, .. } if pid == Some(endpoint.pid)), "{error}");
}

#[test]
fn a_wanted_port_that_is_taken_is_an_error() {
    let directory = Directory::new();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let options = ServeOptions { port: Some(port), ..ServeOptions::new(directory.path()) };
    let error = run(options).unwrap_err();
    assert!(matches!(error, DaemonError::Port { port: named, .. } if named == port), "{error}");
}

/// Nobody on another machine can reach it, whatever interfaces this one has.
#[cfg(target_os = "linux")]
#[test]
fn it_listens_on_loopback_only() {
    let directory = Directory::new();
    let endpoint = directory.start().endpoint;
    // Each socket of the process is a link to `socket:[INODE]`.
    let descriptors = fs::read_dir(format!("/proc/{}/fd", endpoint.pid)).unwrap().flatten();
    let sockets: Vec<String> = descriptors
        .filter_map(|it| fs::read_link(it.path()).ok()?.to_str().map(str::to_owned))
        .filter_map(|link| Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let mut listening = Vec::new();
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let table = fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
        for line in table.lines().skip(1) {
            let columns: Vec<&str> = line.split_whitespace().collect();
            // Ten columns in all that matter: the local address is the second, the inode the tenth.
            if sockets.iter().any(|inode| columns.get(9) == Some(&inode.as_str())) {
                listening.push(columns[1].to_owned());
            }
        }
    }
    let own = format!("0100007F:{:04X}", endpoint.port);
    assert!(listening.contains(&own), "{listening:?}");
    assert!(listening.iter().all(|address| address.starts_with("0100007F:")), "{listening:?}");
}

#[test]
fn it_leads_its_own_session() {
    let directory = Directory::new();
    let endpoint = directory.start().endpoint;
    assert_eq!(getsid(Some(pid(&endpoint))).unwrap(), pid(&endpoint));
}

/// A script may hold a lock or a pipe on a descriptor that every program it calls inherits; it must
/// not be held for ever because one of them started the daemon.
#[cfg(target_os = "linux")]
#[test]
fn it_inherits_nothing_but_the_log() {
    let directory = Directory::new();
    let of_a_script = directory.path().join("lock-of-a-script");
    let script = fs::File::create(&of_a_script).unwrap();
    rustix::io::fcntl_setfd(&script, rustix::io::FdFlags::empty()).unwrap();
    let endpoint = directory.start().endpoint;

    let of_process = |number: &str| {
        fs::read_link(format!("/proc/{}/fd/{number}", endpoint.pid)).unwrap_or_default()
    };
    assert_eq!(of_process("0"), Path::new("/dev/null"));
    let log = directory.path().canonicalize().unwrap().join("cloud.log");
    assert_eq!((of_process("1"), of_process("2")), (log.clone(), log));
    for entry in fs::read_dir(format!("/proc/{}/fd", endpoint.pid)).unwrap() {
        let held = fs::read_link(entry.unwrap().path()).unwrap_or_default();
        assert!(!held.ends_with("lock-of-a-script"), "the daemon holds a descriptor of the script");
    }
    drop(script);
}

#[cfg(target_os = "linux")]
#[test]
fn it_gets_no_aws_variable() {
    let directory = Directory::new();
    let started = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "entry_of_a_command"])
        .current_dir(directory.path())
        .env("AWS_SECRET_ACCESS_KEY", "a secret")
        .env("LAB1_FLOW_TEST", "not a secret")
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(started.success());
    let endpoint = directory.start().endpoint;
    let environment = fs::read(format!("/proc/{}/environ", endpoint.pid)).unwrap();
    let environment = String::from_utf8_lossy(&environment);
    assert!(environment.contains("LAB1_FLOW_TEST=") && !environment.contains("AWS_"));
}

/// Serves in this process until a signal.
fn run(options: ServeOptions) -> Result<(), DaemonError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(serve(options, stop_signal(), |_| {}))
}

/// Returns the directory in which an entry point was started, if a test here started it.
fn started_in() -> Option<std::path::PathBuf> {
    let directory = std::env::current_dir().unwrap();
    directory.join(MARK).exists().then_some(directory)
}

#[test]
#[ignore = "the daemon's process, started by the other tests"]
fn entry_of_the_daemon() {
    let Some(directory) = started_in() else { return };
    detach();
    run(ServeOptions::new(directory)).unwrap();
}

#[test]
#[ignore = "the process of a command that needs the daemon, started by the other tests"]
fn entry_of_a_command() {
    let Some(directory) = started_in() else { return };
    let started = start(&directory, &launch()).unwrap();
    let told = directory.join(format!("{}.told", std::process::id()));
    fs::write(told, serde_json::to_vec(&started.endpoint).unwrap()).unwrap();
}

#[test]
#[ignore = "the process of a daemon that cannot start, started by another test"]
fn entry_that_fails() {
    assert!(started_in().is_none(), "no such thing as a reason");
}
