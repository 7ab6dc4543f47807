//! What is played on the account: half a deployment, the rest of it, and the way back.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::embedded::Cloud;
use crate::support::flow::{Ended, Flow};
use crate::support::python::Python;
use crate::support::report;

/// Longer than a deployment or a rollback takes on a bad day.
const LIMIT: Duration = Duration::from_mins(45);

/// Keeps the names of this stack apart from those of others.
const STACK: &str = "lab1-test";

/// Where the story is played.
pub(crate) struct Place {
    flow: Flow,
    target: &'static [&'static str],
    variables: Vec<(String, String)>,
    /// Kept when the story ends badly: without its journal a run cannot be rolled back.
    state_dir: PathBuf,
    is_real: bool,
}

impl Place {
    /// The account that the environment leads to.
    pub(crate) fn aws() -> Self {
        let kept = |name: &str| name.starts_with("AWS_") || name == "HOME";
        let variables = std::env::vars().filter(|(name, _)| kept(name)).collect();
        let state_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("aws-state");
        Self { flow: Flow::new(), target: &["--cloud", "aws"], variables, state_dir, is_real: true }
    }

    /// The embedded cloud of a user of its own.
    pub(crate) fn embedded() -> Self {
        let flow = Flow::new();
        let state_dir = flow.state_dir();
        let target = &["--cloud", "local", "--time-scale", "150"];
        Self { flow, target, variables: Vec::new(), state_dir, is_real: false }
    }

    /// Asks the AWS CLI whose account it is.
    pub(crate) fn account(&self, python: &Python) -> String {
        self.ask(python, &["sts", "get-caller-identity"])["Account"].as_str().unwrap().to_owned()
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let mut variables: Vec<(&str, &str)> =
            self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        variables.push(("LAB1_FLOW_STATE_DIR", self.state_dir.to_str().unwrap()));
        self.flow.start_with(arguments, &variables).wait_within(LIMIT)
    }

    /// Asks AWS, or the embedded cloud, with a client that nobody here wrote.
    fn ask(&self, python: &Python, arguments: &[&str]) -> Value {
        let mut command = Command::new(python.interpreter());
        command.args(["-m", "awscli", "--output", "json"]).args(arguments);
        if !self.is_real {
            let cloud = Cloud::look(&self.flow).expect("the cloud runs");
            command
                .env_clear()
                .arg("--endpoint-url")
                .arg(format!("http://127.0.0.1:{}", cloud.port))
                .env("AWS_ACCESS_KEY_ID", cloud.access_key)
                .env("AWS_SECRET_ACCESS_KEY", "any")
                .env("AWS_DEFAULT_REGION", "us-east-1");
        }
        let output = command.output().expect("the AWS CLI runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("the AWS CLI answers JSON")
    }

    /// Counts what carries the mark of a run, by the AWS CLI: groups and instances, templates, security
    /// groups, and what has a name of this stack and no filter for tags.
    fn left(&self, python: &Python, run: &str) -> Vec<(&'static str, usize)> {
        let marked = format!("Name=tag:lab1-flow:run-id,Values={run}");
        let alive = "Name=instance-state-name,Values=pending,running,stopping,stopped";
        let named = format!("[?starts_with(LoadBalancerName, '{STACK}-')]");
        let balancers = format!("LoadBalancers{named}");
        let targets =
            format!("TargetGroups{}", named.replace("LoadBalancerName", "TargetGroupName"));
        let instances = "Reservations[].Instances[]";
        let counted: [(&str, &str, &str, &[&str], &str); 6] = [
            (
                "groups",
                "autoscaling",
                "describe-auto-scaling-groups",
                &["--filters", &marked],
                "AutoScalingGroups",
            ),
            ("instances", "ec2", "describe-instances", &["--filters", &marked, alive], instances),
            (
                "launch templates",
                "ec2",
                "describe-launch-templates",
                &["--filters", &marked],
                "LaunchTemplates",
            ),
            (
                "security groups",
                "ec2",
                "describe-security-groups",
                &["--filters", &marked],
                "SecurityGroups",
            ),
            ("load balancers", "elbv2", "describe-load-balancers", &[], &balancers),
            ("target groups", "elbv2", "describe-target-groups", &[], &targets),
        ];
        let count = |(kind, service, call, filters, query): (_, &str, &str, &[&str], &str)| {
            let answer = self.ask(python, &[&[service, call, "--query", query], filters].concat());
            (kind, answer.as_array().map_or(0, Vec::len))
        };
        counted.into_iter().map(count).collect()
    }
}

impl Drop for Place {
    /// Stops the embedded cloud, which would outlive its user.
    fn drop(&mut self) {
        if !self.is_real {
            self.flow.run(&["cloud", "stop"]);
        }
    }
}

/// Rolls back when the story ends badly, and says what to type when that fails, too.
struct Guard<'a>(&'a Place, String);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let Self(place, run) = self;
        let rolled_back = place.run(&["rollback", run, "--yes"]);
        if rolled_back.code() != Some(0) {
            let state_dir = place.state_dir.display();
            report::note(&rolled_back.words());
            report::note(&format!(
                "something is left: lab1-flow rollback {run} --state-dir {state_dir}"
            ));
        }
    }
}

/// Deploys half of the stack, goes on, looks, and takes everything back.
pub(crate) fn play(place: &Place, python: &Python) {
    let run = ["run", "--json", "--yes", "--stack", STACK, "--until", "4"];
    let half = place.run(&[&run[..], place.target].concat());
    let opened = half.objects_with("run_id");
    let run = opened.first().and_then(|line| line["run_id"].as_str());
    let run = run.unwrap_or_else(|| panic!("no run was opened: {}", half.words())).to_owned();
    let guard = Guard(place, run.clone());
    let half = half.expect_status(0);
    assert!(half.stdout.contains("\"paused\""), "{}", half.words());

    place.run(&["resume", &run]).expect_status(0);
    let there = place.left(python, &run);
    let counts: Vec<usize> = there.iter().map(|(_, count)| *count).collect();
    assert_eq!(counts, [2, 9, 2, 2, 1, 2], "{there:?}");

    place.run(&["rollback", &run, "--yes"]).expect_status(0);
    let left = place.left(python, &run);
    assert!(left.iter().all(|(_, count)| *count == 0), "{left:?}");
    drop(guard);
}
