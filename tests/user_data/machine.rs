//! A machine: a Debian with systemd as its first process, in namespaces of its own.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::command::{mortal, output};
use crate::network::Network;
use crate::root::{Root, folder_of_suite};
use crate::support::patience::wait_for;
use crate::template::Template;

/// How long a machine may take to come up or to go down.
const LIMIT: Duration = Duration::from_mins(1);

/// What the surroundings of a machine are like at its first boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Day {
    /// Everything answers at once.
    Good,
    /// The metadata service is slow, mirrors fail, and somebody else holds apt's locks.
    Bad,
}

/// A running machine; dropping it switches it off and forgets it.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) network: Network,
    pub(crate) instance_id: String,
    system: System,
    disk: Disk,
}

/// The processes of a machine that runs.
#[derive(Debug)]
struct System {
    shell: Child,
    /// The process that is number 1 inside, by the number that it has here.
    init: u32,
}

/// What a machine has written, over what all machines have.
#[derive(Debug)]
struct Disk {
    folder: TempDir,
    lower: PathBuf,
}

impl Machine {
    /// Boots a machine for the first time, with the user data of the template.
    pub(crate) fn boot(root: &Root, template: &Template, day: Day) -> Self {
        let disk = Disk { folder: root.folder_of_machine(), lower: root.path() };
        let part = "var/lib/cloud/scripts/part-001";
        disk.write(part, &template.script, 0o700);
        let mut moods = json!({});
        if day == Day::Bad {
            moods = json!({ "metadata_slow": 2, "apt_fails": 2, "pip_fails": 2 });
            disk.hold_the_locks();
        }
        let id = &template.instance_id;
        let network = Network::start(root, disk.folder.path(), id, &moods);
        let system = System::start(&disk, &network);
        Self { network, instance_id: id.clone(), system, disk }
    }

    /// Shuts the machine down in order, and boots it again; it keeps its disk.
    pub(crate) fn reboot(mut self) -> Self {
        let _ = self.try_run(&["systemctl", "poweroff"]);
        let ended = || self.system.shell.try_wait().unwrap();
        wait_for(LIMIT, ended).expect("the machine goes down");
        self.system = System::start(&self.disk, &self.network);
        self
    }

    /// Runs a command inside that must succeed.
    #[track_caller]
    pub(crate) fn run(&self, command: &[&str]) -> String {
        self.try_run(command).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Runs a command inside.
    pub(crate) fn try_run(&self, command: &[&str]) -> Result<String, String> {
        let init = self.system.init.to_string();
        let mut inside = Command::new("nsenter");
        inside.args(["--all", "-t", &init]).args(command).env_clear();
        output(inside.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"))
    }

    /// Reads a file inside; empty when it is not there.
    pub(crate) fn read(&self, path: &str) -> String {
        self.try_run(&["cat", path]).unwrap_or_default()
    }

    /// Reads what is known of a unit.
    pub(crate) fn property(&self, unit: &str, name: &str) -> String {
        let value = self.try_run(&["systemctl", "show", "--value", "--property", name, unit]);
        value.unwrap_or_default().trim().to_owned()
    }

    /// Kills the server as a crash would; returns when another one runs.
    pub(crate) fn kill_the_server(&self) {
        let main = || self.property("flask-server.service", "MainPID");
        let before = main();
        self.run(&["sh", "-c", &format!("kill -9 {before}")]);
        let another = || Some(main()).filter(|now| *now != before && now != "0");
        wait_for(LIMIT, another).expect("systemd starts another server");
    }

    /// What the script and the server said, for the message of a failed check.
    pub(crate) fn log(&self) -> String {
        let script = self.read("/var/log/lab1-flow-bootstrap.log");
        let journal = self.try_run(&["journalctl", "--no-pager", "-n", "40"]).unwrap_or_default();
        let jobs = self.try_run(&["systemctl", "list-jobs", "--no-pager"]).unwrap_or_default();
        format!("script:\n{script}\njobs:\n{jobs}\njournal:\n{journal}")
    }
}

impl System {
    fn start(disk: &Disk, network: &Network) -> Self {
        let folder = disk.folder.path();
        let console = File::create(folder.join("console.log")).unwrap();
        let mount = format!(
            "mount -t overlay overlay -o lowerdir={},upperdir={},workdir={} {}",
            disk.lower.display(),
            disk.made("upper").display(),
            disk.made("work").display(),
            disk.made("root").display()
        );
        // The mount lives in the machine's own namespace, and goes with it.
        let command = format!("{mount} && exec \"$@\"");
        let shell = mortal("unshare")
            .args(["--mount", "--uts", "--ipc", "--net", "sh", "-c", &command, "sh"])
            .arg(folder_of_suite().join("boot.sh"))
            .arg(disk.made("root"))
            .stdin(Stdio::null())
            .stdout(console.try_clone().unwrap())
            .stderr(console)
            .spawn()
            .expect("the machine starts");
        network_is_apart(shell.id());
        network.join(shell.id());
        let init = wait_for(LIMIT, || init_of(shell.id())).expect("the machine has an init");
        let system = Self { shell, init };
        let up = || system.is_up().then_some(());
        let console = || fs::read_to_string(folder.join("console.log")).unwrap_or_default();
        wait_for(LIMIT, up).unwrap_or_else(|| panic!("the machine comes up: {}", console()));
        system
    }

    /// Tells whether systemd answers.
    fn is_up(&self) -> bool {
        let init = self.init.to_string();
        let mut ask = Command::new("nsenter");
        output(ask.args(["--all", "-t", &init, "systemctl", "show", "--property", "Version"]))
            .is_ok()
    }
}

impl Drop for System {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

impl Disk {
    /// Returns a folder of the machine, which is made when it is not there.
    fn made(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Writes a file before the machine boots.
    fn write(&self, path: &str, text: &str, mode: u32) {
        let file = self.made("upper").join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Lets the updates of the first boot get in the way.
    fn hold_the_locks(&self) {
        self.write("opt/first_boot_updates.py", include_str!("first_boot_updates.py"), 0o644);
        let unit = "[Service]\nType=notify\nExecStart=/usr/bin/python3 /opt/first_boot_updates.py\n\
                    [Install]\nWantedBy=multi-user.target\n";
        self.write("etc/systemd/system/first-boot-updates.service", unit, 0o644);
        let wants = self.made("upper/etc/systemd/system/multi-user.target.wants");
        let link = wants.join("first-boot-updates.service");
        std::os::unix::fs::symlink("../first-boot-updates.service", link).unwrap();
    }
}

/// Waits until a process has left the network of this one.
fn network_is_apart(process: u32) {
    let apart = || lives_apart(process, "net").then_some(());
    wait_for(LIMIT, apart).expect("the machine has a network of its own");
}

/// Returns the first process of the machine: the only child that numbers its processes anew.
fn init_of(shell: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).ok()?;
    let mut children = children.split_whitespace().filter_map(|child| child.parse().ok());
    children.find(|child| lives_apart(*child, "pid"))
}

/// Tells whether a process is in another namespace of this kind than the test.
fn lives_apart(process: u32, kind: &str) -> bool {
    let of =
        |process: &str| fs::read_link(Path::new("/proc").join(process).join("ns").join(kind)).ok();
    let theirs = of(&process.to_string());
    theirs.is_some() && theirs != of("self")
}
