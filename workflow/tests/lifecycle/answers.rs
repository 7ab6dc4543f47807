//! What a provider says besides yes and no: its codes, and its own word on when to come back.

use std::collections::VecDeque;
use std::sync::Mutex;

use lab1_flow_workflow::{
    Action, ActionContext, ActionError, Actions, Compensate, Look, Progress, Reconciled, Step, Wait,
};
use serde::{Deserialize, Serialize};

use super::*;

/// Answers with these errors, one after another, and then well; its removal takes these waits.
#[derive(Debug, Clone)]
struct Errors {
    errors: Arc<Mutex<VecDeque<ActionError>>>,
    removal: Waits,
}

impl Action for Errors {
    type Input = ();
    type Output = ();

    async fn execute(&self, _: &ActionContext, (): &()) -> Result<(), ActionError> {
        self.errors.lock().unwrap().pop_front().map_or(Ok(()), Err)
    }

    async fn reconcile(&self, _: &ActionContext, (): &()) -> Result<Reconciled<()>, ActionError> {
        Ok(Reconciled::Absent)
    }
}

impl Compensate for Errors {
    async fn compensate(
        &self,
        _: &ActionContext,
        (): &(),
        (): &(),
    ) -> Result<Progress<()>, ActionError> {
        Ok(self.removal.next())
    }
}

/// Says these waits, one after another, and then that it has what it waited for.
#[derive(Debug, Clone)]
struct Waits(Arc<Mutex<VecDeque<Wait>>>);

impl Waits {
    fn of(waits: Vec<Wait>) -> Self {
        Self(Arc::new(Mutex::new(waits.into())))
    }

    fn next(&self) -> Progress<()> {
        self.0.lock().unwrap().pop_front().map_or(Progress::Done(()), Progress::Waiting)
    }
}

impl Look for Waits {
    type Input = ();
    type Output = ();

    async fn look(&self, _: &ActionContext, (): &()) -> Result<Progress<()>, ActionError> {
        Ok(self.next())
    }
}

/// A change that answers with errors, then a look that waits.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Answers;

impl Step for Answers {
    const NAME: &'static str = "answers";
    const VERSION: u32 = 1;
    type Needs = (Errors, Waits);
    type Offers = ();

    fn title(&self) -> String {
        "answers".into()
    }

    fn define(&self, (errors, waits): (Errors, Waits), actions: &mut Actions<'_>) {
        let change = actions.change("change", "change", errors, (), |()| ());
        actions.look("look", "look", waits, change, |()| ());
    }
}

fn rig(errors: Vec<ActionError>, waits: Vec<Wait>) -> Rig {
    rig_with_removal(errors, waits, Vec::new())
}

fn rig_with_removal(errors: Vec<ActionError>, waits: Vec<Wait>, removal: Vec<Wait>) -> Rig {
    let mut rig = Rig::new(&Blueprint::default());
    let mut builder = Workflow::builder("answers");
    let errors = Arc::new(Mutex::new(errors.into()));
    let errors = Errors { errors, removal: Waits::of(removal) };
    builder.step(&Answers, (errors, Waits::of(waits)));
    rig.workflow = builder.build().unwrap();
    rig
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_does_not_accept_us_suspends_the_run_at_once() {
    let refusal = ActionError::unreachable("the key is unknown")
        .with_code("InvalidClientTokenId")
        .with_request_id("request-1")
        .with_advice("log in again");
    let rig = rig(vec![refusal.clone()], Vec::new());
    assert_eq!(rig.start().await, Rest::Suspended { failure: refusal.into_failure() });
    assert!(rig.clock.elapsed() < millis(500), "nothing was waited for");
}

#[tokio::test(start_paused = true)]
async fn a_lost_network_is_waited_for() {
    let lost = ActionError::unreachable("no route");
    let rig = rig(vec![lost.clone(), lost], Vec::new());
    assert_eq!(rig.start().await, Rest::Completed);
}

#[tokio::test(start_paused = true)]
async fn the_providers_word_on_when_to_come_back_counts_within_our_longest_delay() {
    let longest = millis(Profile::default().delay_max_ms);
    for (asked, waited) in [(millis(5_000), millis(5_000)), (Duration::from_hours(1), longest)] {
        let error = ActionError::throttled("slow down").with_retry_after(asked);
        let rig = rig(vec![error], Vec::new());
        assert_eq!(rig.start().await, Rest::Completed);
        assert_eq!(rig.clock.elapsed(), waited, "asked for {asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_providers_word_on_when_to_look_again_counts() {
    let rig = rig(Vec::new(), vec![Wait::new("boots").check_after(millis(7_000))]);
    assert_eq!(rig.start().await, Rest::Completed);
    assert_eq!(rig.clock.elapsed(), millis(7_000));
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_recorded_when_its_reason_changes_and_every_half_minute() {
    let boots = || Wait::new("boots").check_after(millis(10_000));
    let waits = vec![boots(), boots(), Wait::new("starts").check_after(millis(10_000))];
    let rig = rig(Vec::new(), waits.into_iter().chain((0..7).map(|_| boots())).collect());
    assert_eq!(rig.start().await, Rest::Completed);
    let recorded: Vec<_> = rig
        .history()
        .await
        .records
        .into_iter()
        .filter_map(|record| match record.entry {
            Entry::ActionWaiting { reason, waited_ms, .. } => Some((reason, waited_ms)),
            _ => None,
        })
        .collect();
    let wanted = [("boots", 0), ("starts", 20_000), ("boots", 30_000), ("boots", 60_000)];
    let last = ("boots", 90_000);
    let wanted: Vec<_> =
        wanted.into_iter().chain([last]).map(|(r, ms)| (r.to_owned(), ms)).collect();
    assert_eq!(recorded, wanted);
}

/// As long as an action may wait, a little more, and a last word.
fn whole_patience_and(beyond: &[&str]) -> Vec<Wait> {
    let whole = Wait::new("boots").check_after(Limits::default().waited_max);
    let little = Wait::new("boots").check_after(millis(500));
    [whole, little].into_iter().chain(beyond.iter().copied().map(Wait::new)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_look_has_the_patience_of_its_action_and_no_more() {
    let just = rig(Vec::new(), whole_patience_and(&[]));
    assert_eq!(just.start().await, Rest::Completed, "the end of the patience is part of it");
    let long = rig(Vec::new(), whole_patience_and(&["boots"]));
    assert_eq!(long.start().await, Rest::Failed);
    let report = long.engine().resume(&long.workflow, &long.new.run, Resume::default()).await;
    assert_eq!(report.unwrap().rest(), &Rest::Completed, "a person who asks opens a new budget");
}

#[tokio::test(start_paused = true)]
async fn a_removal_has_the_patience_of_its_action_and_no_more() {
    for (beyond, ends) in [(&[][..], true), (&["boots"], false)] {
        let rig = rig_with_removal(Vec::new(), Vec::new(), whole_patience_and(beyond));
        assert_eq!(rig.start().await, Rest::Completed);
        let rest = rig.roll_back().await;
        assert_eq!(rest == Rest::RolledBack, ends, "{beyond:?}: {rest:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_is_asked_for_as_long_as_that_may_take_and_no_longer() {
    let limit = Limits::default().contended_max;
    let longest = millis(Profile::default().delay_max_ms);
    let times = limit.as_millis() / longest.as_millis();
    assert_eq!(longest * u32::try_from(times).unwrap(), limit);
    let taken = || ActionError::contended("taken").with_retry_after(longest);
    for (more, rest) in [(0, Rest::Completed), (1, Rest::Failed)] {
        let rig = rig((0..times + more).map(|_| taken()).collect(), Vec::new());
        assert_eq!(rig.start().await, rest, "{more} beyond the limit");
    }
}
