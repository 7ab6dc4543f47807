//! What is wrong with a machine, as seen from outside and from inside.

use std::time::Duration;

use crate::machine::Machine;
use crate::support::patience::wait_for;

/// Longer than the script takes on the worst day.
const SCRIPT_LIMIT: Duration = Duration::from_mins(4);
/// Longer than the server takes to come up when nothing is wrong.
const SERVER_LIMIT: Duration = Duration::from_secs(10);

const SCRIPT: &str = "cloud-final.service";
const SERVER: &str = "flask-server.service";

/// The bit of the capability to listen below port 1024, and no other.
const CAP_NET_BIND_SERVICE: &str = "0000000000000400";

/// What was found; nothing on a machine that serves as documented.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    pub(crate) complaints: Vec<String>,
}

/// How the script ended.
enum Script {
    Ended(String),
    /// It waits for a service that is queued behind it.
    Deadlocked,
}

impl Judgement {
    /// Waits for the script to end, and looks at everything.
    pub(crate) fn of(machine: &Machine) -> Self {
        let mut judgement = Self::default();
        match wait_for(SCRIPT_LIMIT, || script(machine)) {
            None => return judgement.complain("the script does not end"),
            Some(Script::Deadlocked) => {
                return judgement.complain("the script waits for the service, which waits for it");
            }
            Some(Script::Ended(status)) if status != "0" => {
                return judgement.complain(&format!("the script ended with status {status}"));
            }
            Some(Script::Ended(_)) => {}
        }
        judgement.ask(machine);
        judgement.look_inside(machine);
        judgement
    }

    /// Asks for what the report documents.
    fn ask(&mut self, machine: &Machine) {
        let responding = format!("Instance {} is responding now!", machine.instance_id);
        for (path, expected) in
            [("/", "Healthy!"), ("/cluster1", &responding), ("/cluster2", &responding)]
        {
            let answer = wait_for(SERVER_LIMIT, || machine.network.get(path));
            let answer = answer.unwrap_or_else(|| "no answer".to_owned());
            if answer != format!("{expected} [200]") {
                self.complaints.push(format!("GET {path} gives {answer}"));
            }
        }
    }

    /// Looks at the unit, and at the process that it keeps.
    fn look_inside(&mut self, machine: &Machine) {
        let unit = format!("/etc/systemd/system/{SERVER}");
        if let Err(complaint) = machine.try_run(&["systemd-analyze", "verify", &unit]) {
            self.complaints.push(complaint);
        }
        let enabled = machine.try_run(&["systemctl", "is-enabled", SERVER]).unwrap_or_default();
        let main = machine.property(SERVER, "MainPID");
        let status = machine.read(&format!("/proc/{main}/status"));
        let field = |name: &str| {
            let mut lines = status.lines().filter_map(|line| line.split_once(":\t"));
            let value = lines.find(|(key, _)| *key == name).map(|(_, value)| value);
            value.unwrap_or_default().split('\t').next().unwrap_or_default().to_owned()
        };
        let ubuntu = machine.try_run(&["id", "-u", "ubuntu"]).unwrap_or_default();
        for (what, found, expected) in [
            ("the service at boot", enabled.trim(), "enabled"),
            ("the user of the server", &field("Uid"), ubuntu.trim()),
            ("the rights of the server", &field("CapEff"), CAP_NET_BIND_SERVICE),
        ] {
            if found != expected {
                self.complaints.push(format!("{what}: {found:?} and not {expected:?}"));
            }
        }
    }

    fn complain(mut self, complaint: &str) -> Self {
        self.complaints.push(complaint.to_owned());
        self
    }
}

/// How the script ended; `None` as long as it works.
fn script(machine: &Machine) -> Option<Script> {
    if waits_for_the_script(&jobs(machine)) {
        return Some(Script::Deadlocked);
    }
    let state = machine.property(SCRIPT, "ActiveState");
    // At a second boot systemd asks whether the script is due, and leaves it.
    let left_out = || {
        let asked = machine.property(SCRIPT, "ConditionTimestampMonotonic");
        asked != "0" && machine.property(SCRIPT, "ConditionResult") == "no"
    };
    let over = matches!(state.as_str(), "active" | "failed") || (state == "inactive" && left_out());
    over.then(|| Script::Ended(machine.property(SCRIPT, "ExecMainStatus")))
}

/// The jobs of systemd, each followed by what it waits for.
fn jobs(machine: &Machine) -> String {
    let ask = ["systemctl", "list-jobs", "--before", "--no-legend", "--plain"];
    machine.try_run(&ask).unwrap_or_default()
}

/// Tells whether the server is queued behind the script, which does not end before the server is up. That a job
/// waits says nothing by itself: each does for a moment before it is begun.
fn waits_for_the_script(jobs: &str) -> bool {
    let reason = |line: &str| line.split_once("waiting for job ").map(|(_, job)| job.to_owned());
    let of_server =
        jobs.lines().skip_while(|line| reason(line).is_some() || !line.contains(SERVER));
    let script = format!("({SCRIPT}/start)");
    of_server.skip(1).map_while(reason).any(|job| job.contains(&script))
}

#[test]
fn a_server_that_is_queued_for_a_moment_is_no_deadlock() {
    let queued = "66 cloud-final.service start running\n82 flask-server.service start waiting\n\
                  2 multi-user.target start waiting\n\
                  \u{2514}\u{2500} waiting for job 66 (cloud-final.service/start) - -\n\
                  \u{2514}\u{2500} waiting for job 82 (flask-server.service/start) - -\n";
    assert!(!waits_for_the_script(queued));
    let behind = "\u{2514}\u{2500} waiting for job 70 (network-online.target/start) - -\n\
                  \u{2514}\u{2500} waiting for job 66 (cloud-final.service/start) - -\n2 multi";
    let deadlock = queued.replace("2 multi", behind);
    assert!(waits_for_the_script(&deadlock), "{deadlock}");
}
