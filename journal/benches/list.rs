//! What a list of a thousand runs costs.
//!
//! ```sh
//! cargo bench -p lab1-flow-journal --bench list
//! ```

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use lab1_flow_journal::{
    ActionName, Entry, Journal, OnFailure, Provenance, Rest, Role, RunHeader, RunId, RunStore, Seq,
    StepName, StoredAction, StoredStep, Timestamp,
};
use serde_json::json;

const RUNS: usize = 1_000;
const ROUNDS: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let store = RunStore::open(dir.path())?;
    let template = write_run(&store)?;
    let text = fs::read_to_string(store.dir(&template).join("mirror.jsonl"))?;
    for number in 1..RUNS {
        copy_run(&store, &template, &text, &RunId::from_random(number as u64))?;
    }
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let listed = store.summaries()?;
        times.push(began.elapsed());
        assert_eq!(listed.iter().filter(|run| run.is_ok()).count(), RUNS);
    }
    times.sort();
    report(&times, text.len());
    Ok(())
}

#[expect(clippy::print_stdout, reason = "an example prints its figures")]
fn report(times: &[Duration], bytes: usize) {
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    println!("runs {RUNS}, mirror of each {bytes} bytes, rounds {ROUNDS}");
    println!("list_ms median {:.1}", millis(times[ROUNDS / 2]));
    println!("list_ms max    {:.1}", millis(times[ROUNDS - 1]));
}

/// A run of the size of the documented stack: nine steps, twenty-one actions, some records each.
fn write_run(store: &RunStore) -> Result<RunId, Box<dyn Error>> {
    let run = RunId::from_random(0);
    let names: Vec<_> = (0..21).map(|number| format!("action-{number}")).collect();
    let steps = names.chunks(3).zip(1..).map(|(names, number)| step(number, names));
    let header = RunHeader {
        run: run.clone(),
        workflow: "figures".to_owned(),
        created_at: Timestamp(1_790_000_000_000),
        seed: 7,
        on_failure: OnFailure::Stop,
        until: None,
        steps: steps.collect::<Result<_, _>>()?,
        profile: json!({}),
        context: json!({ "stack": "default", "target": { "cloud": "local" }, "owner": "me@here" }),
    };
    let journal = store.create(&header)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut next = Seq::FIRST;
    let lives = names
        .iter()
        .map(|name| life(name))
        .chain([Ok(vec![Entry::RunRested { rest: Rest::Completed }])]);
    for entries in lives {
        let records = journal.append(&run, next, Timestamp(1_790_000_001_000), entries?);
        next = runtime.block_on(records)?.last().map_or(next, |record| record.seq.next());
    }
    journal.close()?;
    Ok(run)
}

fn step(number: u32, names: &[String]) -> Result<StoredStep, Box<dyn Error>> {
    let actions = names.iter().map(|name| {
        Ok(StoredAction {
            name: ActionName::new(name)?,
            title: format!("make the thing of {name}"),
            role: Role::Change,
            needs: Vec::new(),
        })
    });
    Ok(StoredStep {
        name: StepName::new(&format!("step-{number}"))?,
        number: Some(number),
        title: format!("The step with the number {number}"),
        version: 1,
        config: json!({ "size": 5, "names": names }),
        actions: actions.collect::<Result<_, Box<dyn Error>>>()?,
    })
}

fn life(name: &str) -> Result<Vec<Entry>, Box<dyn Error>> {
    let action = || ActionName::new(name);
    let wait = |waited_ms| -> Result<Entry, Box<dyn Error>> {
        Ok(Entry::ActionWaiting {
            action: action()?,
            reason: "it takes its time".into(),
            waited_ms,
        })
    };
    let input = Some(json!({ "name": name, "tags": { "a": 1 }, "text": "x".repeat(300) }));
    Ok(vec![
        Entry::AttemptStarted { action: action()?, attempt: 1, input, token: "t".repeat(32) },
        wait(1_000)?,
        wait(2_000)?,
        Entry::ActionCompleted {
            action: action()?,
            output: json!({ "arn": format!("arn:of:{name}"), "name": name }),
            provenance: Provenance::Executed,
        },
    ])
}

/// The same run under another id, as far as a list looks at it.
fn copy_run(store: &RunStore, from: &RunId, text: &str, to: &RunId) -> Result<(), Box<dyn Error>> {
    let dir = store.dir(to);
    fs::create_dir(&dir)?;
    fs::write(dir.join("mirror.jsonl"), text.replace(from.as_str(), to.as_str()))?;
    copy_lock(&store.dir(from), &dir)?;
    Ok(())
}

fn copy_lock(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    fs::copy(from.join("lock"), to.join("lock"))?;
    Ok(())
}
