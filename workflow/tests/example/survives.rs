//! What an author writes to have the steps of the example tried: a place for them, and a way to list what is there.

use std::fs;
use std::path::Path;

use lab1_flow_workflow::Workflow;
use lab1_flow_workflow::journal::{ActionName, RunId};
use lab1_flow_workflow::testing::{
    CrashSweep, Holding, Holdings, Life, PausedClock, Scene, check_contract,
};
use tempfile::TempDir;

use crate::website::{self, PAGE, maker_of};

/// The website in a folder of its own.
#[derive(Debug)]
struct Website;

impl Scene for Website {
    type World = TempDir; // what survives the deaths of the processes

    fn world(&self, _: &PausedClock) -> TempDir {
        tempfile::tempdir().unwrap()
    }

    fn workflow(&self, dir: &TempDir, _: &Life) -> Workflow {
        website::workflow(dir.path(), false).unwrap()
    }

    async fn holdings(&self, dir: &TempDir) -> Holdings {
        list_everything(dir.path())
    }
}

#[tokio::test(start_paused = true)]
async fn the_website_survives_any_two_deaths() {
    let tally = CrashSweep::new(Website).at_every_await().run().await;
    tally.assert_clean();
    assert_eq!(tally.boundaries, 20); // so that it cannot shrink unseen
}

#[tokio::test(start_paused = true)]
async fn every_action_of_the_website_keeps_its_contract() {
    let answers = check_contract(Website).await;
    answers.assert_clean();
    assert_eq!(answers.changes, 3);
}

/// All that stands in a folder, with the run and the action that made it.
fn list_everything(dir: &Path) -> Holdings {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.display().to_string(), holding(&path))).collect()
}

fn holding(path: &Path) -> Holding {
    let leads_to = fs::read_link(path).ok();
    let (folder, maker) = match &leads_to {
        Some(folder) => (folder.as_path(), "publish"),
        None => (path, "make-folder"),
    };
    let mark = maker_of(folder).as_ref().map(RunId::to_string);
    let maker = mark.as_ref().map(|_| ActionName::new(maker).unwrap());
    let content = serde_json::json!({ "page": fs::read_to_string(path.join(PAGE)).ok() });
    Holding { mark, maker, token: None, content }
}
