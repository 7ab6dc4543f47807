//! The example is run as its readers run it, each verb in a process of its own, and one of them is killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The example as cargo has built it beside this test.
fn example() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.join("examples/three_steps")
}

fn three_steps(arguments: &[&str], dir: &Path) -> Output {
    let mut command = Command::new(example());
    command.args(arguments).arg("--dir").arg(dir);
    command.output().expect("the example is built by `cargo test`, or `cargo build --examples`")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_killed_run_is_resumed_without_doing_anything_twice_and_rolled_back_to_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let killed = three_steps(&["run", "--die-after", "page"], dir.path());
    assert!(!killed.status.success(), "{killed:?}");
    let page = dir.path().join("site-website-1/index.html");
    assert!(page.exists(), "the effect is there, and no record of it");
    let written = fs::metadata(&page).unwrap().modified().unwrap();

    let resumed = three_steps(&["resume"], dir.path());
    assert!(text(&resumed).contains("rests: Completed"), "{resumed:?}");
    assert_eq!(fs::metadata(&page).unwrap().modified().unwrap(), written, "adopted, not rewritten");
    assert!(dir.path().join("current/index.html").exists(), "the link leads to the page");

    let again = three_steps(&["resume"], dir.path());
    assert_eq!(text(&again).trim(), "rests: Completed", "no record is written");

    let rolled_back = three_steps(&["rollback"], dir.path());
    assert!(text(&rolled_back).contains("rests: RolledBack"), "{rolled_back:?}");
    let left: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, ["journal"]);
}

#[test]
fn a_link_of_somebody_else_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let current = dir.path().join("current");
    std::os::unix::fs::symlink("theirs", &current).unwrap();
    let refused = three_steps(&["run"], dir.path());
    assert!(text(&refused).contains("rests: Failed"), "{refused:?}");
    let rolled_back = three_steps(&["rollback"], dir.path());
    assert!(text(&rolled_back).contains("rests: RolledBack"), "{rolled_back:?}");
    assert_eq!(fs::read_link(current).unwrap(), Path::new("theirs"));
    assert!(!dir.path().join("site-website-1").exists());
}

#[test]
fn a_file_of_somebody_else_in_our_folder_is_left_and_named() {
    let dir = tempfile::tempdir().unwrap();
    three_steps(&["run"], dir.path());
    let theirs = dir.path().join("site-website-1/theirs.txt");
    fs::write(&theirs, "theirs").unwrap();
    let rolled_back = three_steps(&["rollback"], dir.path());
    assert!(text(&rolled_back).contains("Stuck"), "{rolled_back:?}");
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs");
    fs::remove_file(theirs).unwrap();
    let again = three_steps(&["rollback"], dir.path());
    assert!(text(&again).contains("rests: RolledBack"), "{again:?}");
}

#[test]
fn without_arguments_it_tells_the_whole_story() {
    let dir = tempfile::tempdir().unwrap();
    let told = three_steps(&[], &dir.path().join("story"));
    assert!(told.status.success(), "{told:?}");
    let story = text(&told);
    for line in
        ["the process is killed here", "rests: Completed", "rests: RolledBack", "on disk: []"]
    {
        assert!(story.contains(line), "{line:?} is missing in:\n{story}");
    }
}
