//! The cloud dies instead of the program.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::stage::Stage;
use crate::support::embedded::Cloud;
use crate::support::patience::wait_for;
use crate::support::report;
use crate::support::seed::Draws;

/// How often the cloud is killed; more often, where it died after its run each time.
const KILLS: usize = 6;
const KILLS_MAX: usize = 4 * KILLS;

#[test]
fn a_cloud_killed_in_mid_run_suspends_the_run_and_forgets_nothing() {
    let (mut deployment, _) = Stage::measure();
    let mut draws = Draws::announced("kill, the cloud");
    let (mut kills, mut suspended) = (0, 0);
    while kills < KILLS || (suspended == 0 && kills < KILLS_MAX) {
        let kill = kills;
        kills += 1;
        let stage = Stage::new();
        let running = stage.start_run();
        let cloud = wait_for(Duration::from_secs(30), || Cloud::look(&stage.flow));
        let cloud = cloud.expect("the run starts its cloud");
        std::thread::sleep(draws.within(deployment, 0.8));
        let pid = i32::try_from(cloud.pid).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, Signal::KILL).expect("the cloud lives");

        let ended = running.wait();
        assert!(matches!(ended.code(), Some(0 | 75)), "kill {kill}: {}", ended.words());
        if ended.code() == Some(75) {
            suspended += 1;
        } else {
            // The machine may have become less busy since.
            deployment = deployment.min(ended.took);
        }
        let run = stage.flow.only_run();
        stage.flow.run(&["resume", &run]).expect_status(0);
        // A run that had ended before the kill asks nothing of the cloud: start it to look.
        stage.flow.run(&["cloud", "start"]).expect_status(0);
        stage.assert_one_of_each(&run, &format!("kill {kill}"));
        stage.flow.run(&["rollback", &run]).expect_status(0);
        stage.assert_nothing_left(&format!("kill {kill}"));
    }
    report::count("kill, the cloud itself", &format!("{kills} kills, {suspended} runs suspended"));
    assert!(suspended > 0, "the cloud died under a run at least once");
}
