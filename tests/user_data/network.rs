//! A network with nothing on it but a metadata service and a package mirror.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::command::{mortal, output, run};
use crate::root::{Root, folder_of_suite};
use crate::support::patience::wait_for;

/// The address of a machine on its network.
const MACHINE: &str = "10.77.0.10";

/// A network namespace with the services in it; dropping it ends them.
#[derive(Debug)]
pub(crate) struct Network {
    services: Child,
    log: PathBuf,
}

impl Network {
    /// Starts the services; `moods` says what they do wrong at first.
    pub(crate) fn start(root: &Root, folder: &Path, instance_id: &str, moods: &Value) -> Self {
        let log = folder.join("network.log");
        // The addresses must be there before anybody listens on them.
        let command = "ip link set lo up; ip addr add 169.254.169.254/32 dev lo; \
                       ip addr add 10.77.0.1/32 dev lo; exec python3 \"$@\"";
        let services = mortal("unshare")
            .args(["--net", "sh", "-c", command, "sh"])
            .arg(folder_of_suite().join("network.py"))
            .arg(root.mirror())
            .args([instance_id, &moods.to_string()])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(File::create(&log).unwrap())
            .spawn()
            .expect("the services start");
        let network = Self { services, log };
        let ready = || (network.count("ready") == 1).then_some(());
        wait_for(Duration::from_secs(30), ready).expect("the services come up");
        network
    }

    /// Joins the machine in the namespace of a process to this network, as its only way out.
    pub(crate) fn join(&self, machine: u32) {
        let (here, there) = (self.services.id().to_string(), machine.to_string());
        run(
            "nsenter",
            &[
                "--net", "-t", &here, "ip", "link", "add", "machine", "type", "veth", "peer",
                "name", "eth0", "netns", &there,
            ],
        );
        let network = ["ip link set machine up", "ip route add 10.77.0.10/32 dev machine"];
        for command in network {
            in_network(&here, command);
        }
        let address = format!("ip addr add {MACHINE}/24 dev eth0");
        let machine = [
            "ip link set lo up",
            &address,
            "ip link set eth0 up",
            "ip route add default via 10.77.0.1",
        ];
        for command in machine {
            in_network(&there, command);
        }
    }

    /// Asks the machine over the network; `None` when nobody answers.
    pub(crate) fn get(&self, path: &str) -> Option<String> {
        let here = self.services.id().to_string();
        let url = format!("http://{MACHINE}{path}");
        let curl = ["curl", "-sS", "-m", "5", "-w", " [%{http_code}]", &url];
        output(Command::new("nsenter").args(["--net", "-t", &here]).args(curl)).ok()
    }

    /// Counts the lines of the services' log that have this in them.
    pub(crate) fn count(&self, text: &str) -> usize {
        let mut log = String::new();
        File::open(&self.log).unwrap().read_to_string(&mut log).unwrap();
        log.lines().filter(|line| line.contains(text)).count()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.services.kill();
        let _ = self.services.wait();
    }
}

/// Runs a command in the network namespace of a process.
#[track_caller]
fn in_network(process: &str, command: &str) {
    let words: Vec<&str> = ["--net", "-t", process].into_iter().chain(command.split(' ')).collect();
    run("nsenter", &words);
}
