//! A user with an embedded cloud of their own.

use std::time::Duration;

use crate::support::embedded::{self, Cloud};
use crate::support::flow::{Flow, Running};

/// AWS seconds in one second: a deployment lasts about two seconds.
pub(crate) const TIME_SCALE: &str = "150";

/// A user, and the cloud that their commands start.
pub(crate) struct Stage {
    pub(crate) flow: Flow,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self { flow: Flow::new() }
    }

    /// Starts a deployment of the documented stack.
    pub(crate) fn start_run(&self) -> Running {
        self.flow.start(&["run", "--time-scale", TIME_SCALE])
    }

    /// Starts a deployment under a stack's name.
    pub(crate) fn start_run_of(&self, stack: &str) -> Running {
        self.flow.start(&["run", "--time-scale", TIME_SCALE, "--stack", stack])
    }

    /// Measures a clean deployment and its rollback.
    pub(crate) fn measure() -> (Duration, Duration) {
        let stage = Self::new();
        let deployment = stage.start_run().wait().expect_status(0);
        let run = stage.flow.only_run();
        stage.assert_one_of_each(&run, "a clean deployment");
        let rollback = stage.flow.run(&["rollback", &run]).expect_status(0);
        stage.assert_nothing_left("a clean rollback");
        (deployment.took, rollback.took)
    }

    /// Returns the number of entries in a run's journal.
    pub(crate) fn entries(&self, run: &str) -> usize {
        self.flow.run(&["journal", run, "--json"]).expect_status(0).objects_with("seq").len()
    }

    /// Looks at the cloud, which must be there.
    #[track_caller]
    pub(crate) fn cloud(&self) -> Cloud {
        Cloud::look(&self.flow).expect("the cloud runs")
    }

    /// Insists on the documented stack, once, as the work of `run`, and on nothing else.
    #[track_caller]
    pub(crate) fn assert_one_of_each(&self, run: &str, when: &str) {
        let cloud = self.cloud();
        let differences = embedded::differences(&cloud, run, "");
        assert!(differences.is_empty(), "{when}:\n{}", differences.join("\n"));
        let made = cloud.made();
        // Volumes and interfaces are marked by what made them, not always by the run.
        let parts = ["volume", "network-interface"];
        let strange = |kind: &str| !parts.contains(&kind);
        let others: Vec<_> =
            made.iter().filter(|it| strange(&it.kind) && it.run() != Some(run)).collect();
        assert!(others.is_empty(), "{when}: {others:?}");
    }

    /// Insists that nothing is left that a caller has made.
    #[track_caller]
    pub(crate) fn assert_nothing_left(&self, when: &str) {
        // A run that died before it reached its cloud has left nothing there.
        let Some(cloud) = Cloud::look(&self.flow) else { return };
        let made = cloud.made();
        assert!(made.is_empty(), "{when}: {made:#?}");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // The cloud is a daemon: nobody else would end it.
        let _ = self.flow.start(&["cloud", "stop"]).wait();
    }
}
