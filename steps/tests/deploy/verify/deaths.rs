//! A look right after a death: what is only not seen yet is no difference, and no doubt is left out.

use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use lab1_flow_cloud::Lag;
use lab1_flow_steps::Finding;
use tokio::sync::Notify;

use super::*;

/// How late everything is seen, and how long what was deleted is still seen: less than every window.
const LATE_S: u32 = 100;

/// When it is looked, in seconds after the death: at once, on the way, when all is seen, and when no window is open.
const LOOKS_S: [u64; 5] = [0, 1, 60, 110, 400];

/// More than a run makes that change something.
const CALLS_MAX: usize = 60;

fn late() -> CloudOptions {
    CloudOptions { lag: Lag { exact_s: Some(LATE_S), ..Lag::on() }, ..CloudOptions::plain() }
}

/// Lets the process die at a call that changes something, by its number; whether the call is carried out is said.
fn kill_at(scene: &Scene, number: usize, carried: bool) -> Arc<Notify> {
    let (death, made) = (Arc::new(Notify::new()), AtomicUsize::new(0));
    let struck = Arc::clone(&death);
    scene.meddle(move |action, carry| {
        let changes = ["Create", "Delete", "Authorize", "Modify"];
        if !changes.iter().any(|verb| action.starts_with(verb))
            || made.fetch_add(1, Ordering::SeqCst) + 1 != number
        {
            return Ok(carry());
        }
        if carried {
            carry();
        }
        struck.notify_one();
        Err(TransportFault::Dropped)
    });
    death
}

/// Lets a process work until its death; false when it came to its end before.
fn lives_shortly<'a, T>(
    death: &'a Notify,
    life: impl Future<Output = T> + 'a,
) -> Pin<Box<dyn Future<Output = bool> + 'a>> {
    Box::pin(async move {
        tokio::select! {
            biased;
            () = death.notified() => true,
            _ = life => false,
        }
    })
}

fn in_doubt(verification: &Verification) -> Vec<&Finding> {
    let findings = verification.findings.iter();
    findings.filter(|finding| finding.condition == Condition::InDoubt).collect()
}

/// Looks several times, and insists that nothing differs and that every doubt of the journal is told, once.
async fn look_again_and_again(scene: &Scene, case: &str) {
    let mut since_death = 0;
    for at in LOOKS_S {
        sleep(Duration::from_secs(at - since_death)).await;
        since_death = at;
        let state = scene.state("run-1").await;
        let doubts = state.actions().filter(|(_, action)| action.is_in_doubt());
        let doubts: BTreeSet<&str> = doubts.map(|(name, _)| name.as_str()).collect();
        let verification = scene.verify("run-1", false).await.unwrap();
        let case = format!("{case}, {at} s later");
        assert!(!verification.differs(), "{case}: {:?}", found(&verification));
        let told = in_doubt(&verification);
        let told: Vec<&str> = told.iter().map(|finding| finding.action.as_str()).collect();
        assert_eq!(told.len(), doubts.len(), "{case}: {told:?}, and in doubt are {doubts:?}");
        assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), doubts, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn right_after_a_death_nothing_differs_and_every_doubt_is_told() {
    let mut deaths = 0;
    for carried in [true, false] {
        for number in 1..CALLS_MAX {
            let scene = Scene::new(late());
            let death = kill_at(&scene, number, carried);
            let spec = StackSpec::default();
            if !lives_shortly(&death, scene.deploy("run-1", &spec)).await {
                break;
            }
            scene.leave_alone();
            deaths += 1;
            look_again_and_again(&scene, &format!("call {number}, carried out: {carried}")).await;
        }
    }
    let _ = writeln!(std::io::stderr(), "[counts] verify after a death: {deaths} deaths");
    assert!(deaths >= 2 * 16, "{deaths} deaths");
}

#[tokio::test(start_paused = true)]
async fn right_after_a_death_in_a_rollback_nothing_differs() {
    let mut deaths = 0;
    for carried in [true, false] {
        for number in 1..CALLS_MAX {
            let scene = Scene::new(late());
            scene.deploy("run-1", &StackSpec::default()).await;
            let death = kill_at(&scene, number, carried);
            if !lives_shortly(&death, scene.roll_back("run-1")).await {
                break;
            }
            scene.leave_alone();
            deaths += 1;
            look_again_and_again(&scene, &format!("removal {number}, carried out: {carried}"))
                .await;
        }
    }
    assert!(deaths >= 2 * 9, "{deaths} deaths");
}

/// Whether its age is unknown or the window has passed decides, and not whether the thing is there.
#[tokio::test(start_paused = true)]
async fn a_clock_that_was_set_back_makes_no_difference() {
    let scene = deployed().await;
    remove_balancer(&scene);
    assert!(scene.verify("run-1", false).await.unwrap().differs());
    scene.set_wall_by_hours(-1);
    let verification = scene.verify("run-1", false).await.unwrap();
    assert!(!verification.differs() && !verification.is_settled(), "{:?}", found(&verification));
    assert!(found(&verification).contains(&"load-balancer not-visible-yet".to_owned()));
    scene.set_wall_by_hours(2);
    assert!(scene.verify("run-1", false).await.unwrap().differs());
}

/// A run that died with a rule on its way, long after its listener was made: no window excuses anything here.
async fn with_a_rule_on_its_way() -> Scene {
    let scene = Scene::new(CloudOptions::plain());
    let death = Arc::new(Notify::new());
    let struck = Arc::clone(&death);
    scene.meddle(move |action, carry| {
        let answer = carry();
        if action != "CreateRule" {
            return Ok(answer);
        }
        struck.notify_one();
        Err(TransportFault::Dropped)
    });
    let spec = StackSpec::default();
    assert!(lives_shortly(&death, scene.deploy("run-1", &spec)).await);
    scene.leave_alone();
    sleep(Duration::from_mins(10)).await;
    scene
}

#[tokio::test(start_paused = true)]
async fn a_rule_of_ours_that_is_not_recorded_is_seen_as_such_and_one_of_others_is_named() {
    let scene = with_a_rule_on_its_way().await;
    let verification = scene.verify("run-1", false).await.unwrap();
    assert!(!verification.differs(), "{:?}", found(&verification));
    let doubts = in_doubt(&verification);
    let rule = doubts.iter().find(|it| it.action.starts_with("rule-") && !it.seen.is_empty());
    assert!(rule.is_some_and(|it| it.seen[0].contains("priority")), "{doubts:?}");

    // Its tags may be seen later than the rule itself.
    scene.meddle(|action, carry| {
        let answer = carry();
        let body = String::from_utf8_lossy(answer.body()).into_owned();
        let rules = action == "DescribeTags" && body.contains("listener-rule/");
        if rules { Ok(crate::faults::refused(action, 400, "RuleNotFound")) } else { Ok(answer) }
    });
    let verification = scene.verify("run-1", false).await.unwrap();
    assert!(!verification.differs(), "{:?}", found(&verification));
    scene.leave_alone();

    let listener = arn_of(&scene, "listener", |_| true);
    let condition = "Conditions.member.1.Field=path-pattern\
                     &Conditions.member.1.PathPatternConfig.Values.member.1=%2Ftheirs";
    let fixed = "Actions.member.1.Type=fixed-response\
                 &Actions.member.1.FixedResponseConfig.StatusCode=404";
    scene.somebody(&format!(
        "Action=CreateRule&{ELB}&ListenerArn={listener}&Priority=77&{condition}&{fixed}"
    ));
    let verification = scene.verify("run-1", false).await.unwrap();
    assert!(verification.differs());
    let listener = verification.findings.iter().find(|it| it.action == "listener").unwrap();
    assert_eq!(listener.differences[0].found, "priority 77", "{:?}", listener.differences);
}

#[tokio::test(start_paused = true)]
async fn what_was_recorded_as_gone_a_moment_ago_may_be_seen_still_and_later_it_is_left() {
    let scene = deployed().await;
    scene.roll_back("run-1").await;
    // As a read shows it that is behind the one which has proven it gone.
    let tag = |number, key, value| {
        let tag = format!("&TagSpecification.1.Tag.{number}");
        format!("{tag}.Key=lab1-flow%3A{key}{tag}.Value={value}")
    };
    let tags = [tag(1, "run-id", "run-1"), tag(2, "action", "balancer-security-group")].concat();
    scene.somebody(&format!(
        "Action=CreateSecurityGroup&{EC2}&GroupName=seen&GroupDescription=x\
         &TagSpecification.1.ResourceType=security-group{tags}"
    ));
    let verification = scene.verify("run-1", false).await.unwrap();
    let stale = ["balancer-security-group still-visible"];
    assert_eq!(
        (found(&verification), verification.differs()),
        (stale.map(str::to_owned).into(), false)
    );
    sleep(Duration::from_mins(6)).await;
    let verification = scene.verify("run-1", false).await.unwrap();
    assert_eq!(found(&verification), ["balancer-security-group left"]);
    assert!(verification.differs());
}
