//! One account in moto with the program in front of it.

use std::time::Duration;

use crate::support::account::Account;
use crate::support::documented;
use crate::support::flow::{Ended, Flow, Running};
use crate::support::moto::Moto;
use crate::support::proxy::{Call, Fate, Proxy, latch};
use crate::support::python::Python;

/// Longer than the program takes to its next call.
const NEXT_CALL: Duration = Duration::from_mins(1);

/// An account that held nothing of ours at first, and a user of the program who works on it.
pub(crate) struct Stage {
    pub(crate) moto: Moto,
    pub(crate) proxy: Proxy,
    pub(crate) flow: Flow,
    before: Account,
    is_older: bool,
}

/// What an older moto does not tell of the instances of a group: the key pair of their template.
pub(crate) const OLDER_LACKS: &str = ".KeyName is null instead of \"vockey\"";

impl Stage {
    /// Starts moto, and a user who reaches it through a proxy.
    pub(crate) fn new(python: &Python) -> Self {
        Self::on(python, Moto::start(python))
    }

    /// The same, for an account that was prepared.
    pub(crate) fn on(python: &Python, moto: Moto) -> Self {
        let proxy = Proxy::before(moto.address);
        let before = Account::read(&moto.aws);
        Self { moto, proxy, flow: Flow::new(), before, is_older: python.has_older_moto() }
    }

    /// Goes back to the beginning: an account and a user without a past.
    pub(crate) fn restart(&mut self) {
        self.proxy.plan(|_| Fate::Pass);
        self.proxy.settle();
        self.moto.reset();
        self.proxy.take_calls();
        self.flow = Flow::new();
        self.before = Account::read(&self.moto.aws);
    }

    /// Starts the deployment. moto has no HTTP through the balancer: healthy targets are its end.
    pub(crate) fn start_run(&self) -> Running {
        self.start_run_with(&[], &[])
    }

    /// Starts the deployment with further flags, and with variables in its environment.
    pub(crate) fn start_run_with(&self, flags: &[&str], variables: &[(&str, &str)]) -> Running {
        let endpoint = self.proxy.url();
        let usual = ["run", "--endpoint-url", &endpoint, "--wait", "targets", "--yes"];
        // What moto has done can be seen at once.
        let window = ["--consistency-window", "1s"];
        self.flow.start_with(&[&usual[..], &window[..], flags].concat(), variables)
    }

    /// Deploys to the end.
    pub(crate) fn run(&self) -> Ended {
        self.start_run().wait()
    }

    /// Takes everything back.
    pub(crate) fn roll_back(&self, run: &str) -> Ended {
        self.flow.run(&["rollback", run, "--yes"])
    }

    /// Kills `running` when its n-th changing call has taken effect and before it knows; returns the
    /// call, or `None` when the command ends without so many changes.
    pub(crate) fn kill_at_change(&self, n: usize, start: impl FnOnce() -> Running) -> Option<Call> {
        let (held, grip) = latch();
        self.proxy.harm_nth_change(n, Fate::HoldReply(held));
        let mut running = start();
        let ended = || running.has_ended();
        let call = grip.wait_unless(NEXT_CALL, ended);
        if call.is_some() {
            assert!(running.kill(), "it waits for an answer that never comes");
        } else {
            running.wait().expect_status(0);
        }
        drop(grip);
        self.proxy.plan(|_| Fate::Pass);
        self.proxy.settle();
        call
    }

    /// Insists on the documented stack, once, with every setting, as the work of `run`.
    #[track_caller]
    pub(crate) fn assert_deployed(&self, run: &str, when: &str) {
        let mut differences = self.differences(run);
        if self.is_older {
            differences.retain(|difference| !difference.ends_with(OLDER_LACKS));
        }
        assert!(differences.is_empty(), "{when}:\n{}", differences.join("\n"));
    }

    /// Says how the account differs from the documented stack.
    pub(crate) fn differences(&self, run: &str) -> Vec<String> {
        let account = Account::read(&self.moto.aws);
        documented::differences(&account, &self.moto.aws, run)
    }

    /// Insists that the account holds what it held at first.
    #[track_caller]
    pub(crate) fn assert_nothing_left(&self, when: &str) {
        let differences = Account::read(&self.moto.aws).differences_from(&self.before);
        assert!(differences.is_empty(), "{when}:\n{}", differences.join("\n"));
    }
}
