//! A journal that is behind the world: an older copy was put back, and the run had gone on.

use lab1_flow_workflow::testing::{Op, Order, SweepWorld};

use super::*;

impl Rig {
    /// Puts back the copy that was made when the run had so many records. It is an hour old.
    async fn put_back(&mut self, records: usize) {
        let history = self.history().await;
        self.journal = Arc::new(MemoryJournal::new());
        self.journal.create(&history.header).await.unwrap();
        for record in history.records.into_iter().take(records) {
            let run = &self.new.run;
            self.journal.append(run, record.seq, record.at, vec![record.entry]).await.unwrap();
        }
        self.clock.sleep(Duration::from_hours(1)).await;
    }

    /// The history from the first line of the rollback on.
    async fn way_back(&self) -> Vec<String> {
        let lines = self.lines().await;
        let turn = lines.iter().position(|line| line == "rolling back").unwrap();
        lines[turn..].to_vec()
    }
}

/// Trap: the template of a living group can be deleted; whatever the copy knows must wait for what it does not know.
#[tokio::test(start_paused = true)]
async fn what_an_older_copy_does_not_know_is_taken_back_first() {
    let mut rig = Rig::new(&Blueprint::chain());
    assert_eq!(rig.start().await, Rest::Completed);
    rig.put_back(2).await;
    assert_eq!(rig.lines().await, ["a begun 1", "a made"]);
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    let mut way = rig.way_back().await;
    // Both were found by one search, and are looked for side by side.
    way[1..5].sort();
    let found = ["b adopted", "b found by its mark", "c adopted", "c found by its mark"];
    assert_eq!(way[..5], [&["rolling back"][..], &found].concat());
    let leaves: Vec<&String> = way.iter().filter(|line| line.ends_with("leaves")).collect();
    assert_eq!(leaves, ["c leaves", "b leaves", "a leaves"]);
    assert_eq!(rig.names(), [""; 0]);
}

/// Trap: a copy of a rollback says of something that it is gone, and it stands.
#[tokio::test(start_paused = true)]
async fn what_is_recorded_as_gone_and_stands_is_taken_back_again_in_its_order() {
    let mut rig = Rig::new(&Blueprint::chain());
    rig.start().await;
    rig.roll_back().await;
    let gone = rig.lines().await.iter().position(|line| line == "c gone").unwrap();
    rig.put_back(gone + 1).await;
    let order = |name: &str, below: Vec<String>| Order {
        name: name.into(),
        content: "plain".into(),
        stands_on: below,
        mark: "story".into(),
        maker: action(name),
        token: "token".into(),
    };
    let b = rig.world.put(order("b", Vec::new()));
    rig.world.put(order("c", vec![b]));
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    assert_eq!(rig.names(), [""; 0], "{:?}", rig.lines().await);
    let lines = rig.lines().await;
    assert_eq!(lines.iter().filter(|line| *line == "c found by its mark").count(), 1, "{lines:?}");
}

/// Trap: it appears when the first search is over.
#[tokio::test(start_paused = true)]
async fn what_appears_after_the_first_search_is_taken_back_and_not_only_named() {
    let mut rig = Rig::new(&Blueprint::chain());
    rig.start().await;
    rig.put_back(2).await;
    rig.world.destroy("b");
    rig.world.destroy("c");
    // The last search is held up, and the thing comes in the meantime.
    rig.world.order_fault(Op::Remove, "a", refused(FailureClass::Throttled));
    let rollback = rig.roll_back();
    let late = async {
        rig.clock.sleep(millis(500)).await;
        rig.world.plant("b", "plain", Some("story"));
    };
    // Its maker is not an action of the run, so that it is named; a thing of an action is taken back.
    let (rest, ()) = tokio::join!(rollback, late);
    assert!(matches!(rest, Rest::Stuck { .. }), "{rest:?}");
    rig.world.destroy("b");
    rig.world.put(Order {
        name: "b".into(),
        content: "plain".into(),
        stands_on: Vec::new(),
        mark: "story".into(),
        maker: action("b"),
        token: "token".into(),
    });
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    assert_eq!(rig.names(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_removed_before_the_world_was_searched() {
    let mut rig = Rig::new(&Blueprint::chain());
    rig.start().await;
    rig.put_back(2).await;
    rig.world.order_fault(Op::List, "story", refused(FailureClass::Permanent));
    assert_eq!(suspended_by(&rig.roll_back().await), Some(FailureClass::Permanent));
    assert_eq!(rig.names(), ["a", "b", "c"]);
    assert_eq!(rig.resume().await, Rest::RolledBack);
    assert_eq!(rig.names(), [""; 0]);
}

/// An action that cannot say how it is found by its mark is never guessed at: what it made is named.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_found_by_its_mark_is_named() {
    let mut rig = Rig::new(&Blueprint::chain());
    let mut builder = Workflow::builder("blueprint");
    builder.step(&Blueprint::chain(), (rig.world.clone(), Limits::default()));
    builder.sweep(SweepWorld(rig.world.clone()));
    rig.workflow = builder.build().unwrap();
    rig.start().await;
    rig.put_back(2).await;
    // `a` cannot go while something unknown stands on it.
    let Rest::Stuck { left } = rig.roll_back().await else { panic!("not stuck") };
    assert_eq!(left, ["a: b stands on a-0001", "b", "c"]);
    assert_eq!(rig.names(), ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_stuck_names_what_else_it_has_found() {
    let rig = Rig::new(&Blueprint::chain());
    rig.start().await;
    rig.world.plant("stray", "plain", Some("story"));
    rig.world.order_fault(Op::Remove, "b", refused(FailureClass::Permanent));
    let Rest::Stuck { left } = rig.roll_back().await else { panic!("not stuck") };
    assert_eq!(left, ["b: Permanent on b", "a: waits until nothing is left of b", "stray"]);
}

/// What is recorded whole cannot be behind: its rollback searches once, at its end.
#[tokio::test(start_paused = true)]
async fn the_rollback_of_what_is_recorded_whole_makes_no_search_before_its_last() {
    let rig = Rig::new(&Blueprint::chain());
    rig.start().await;
    rig.world.order_fault(Op::List, "story", refused(FailureClass::Permanent));
    rig.roll_back().await;
    assert_eq!(rig.names(), [""; 0], "all is gone before the first search");
}
