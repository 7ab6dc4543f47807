//! A stack and its runs as pictures.

use lab1_flow_journal::Rest;

use crate::assert_transcript;
use crate::common::stored::{completed, rested, started, throttled, write};
use crate::common::{Sandbox, text};

/// A run that was stopped while it was throttled, and nothing else.
fn sandbox_with_a_run() -> Sandbox {
    let sandbox = Sandbox::new();
    let entries =
        vec![started("group"), completed("group"), started("template"), throttled("template")];
    let entries = entries.into_iter().chain([rested(Rest::Stopped)]).collect();
    write(&sandbox.state_dir(), "aaa111bbb222", entries);
    sandbox
}

#[test]
fn the_plan_is_drawn_without_any_run_and_without_a_call() {
    let sandbox = Sandbox::new();
    for of in ["actions", "topology"] {
        let dot = sandbox.succeed(&["graph", "--of", of]).stdout;
        assert!(dot.starts_with("digraph \"stack default as it would be made\" {"), "{dot}");
        let mermaid = sandbox.succeed(&["graph", "--of", of, "--format", "mermaid"]).stdout;
        assert!(mermaid.contains("\nflowchart LR\n"), "{mermaid}");
        let svg = sandbox.succeed(&["graph", "--of", of, "--format", "svg"]).stdout;
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
    }
    assert!(sandbox.succeed(&["cloud", "status", "--json"]).stdout.contains("false"));
}

#[test]
fn the_names_of_the_configuration_stand_in_the_topology() {
    let sandbox = Sandbox::new();
    sandbox.file("stack.toml", "[[groups]]\npath = \"/one\"\n");
    let arguments = ["graph", "--of", "topology", "--config", "stack.toml", "--stack", "blue"];
    let dot = sandbox.succeed(&arguments).stdout;
    assert!(dot.contains("/one") && dot.contains("blue-lab1-load-balancer"), "{dot}");
}

#[test]
fn a_run_is_drawn_with_where_it_stands() {
    let sandbox = sandbox_with_a_run();
    assert_transcript!(sandbox.run(&["graph", "aaa1", "--format", "mermaid"]), @r#"
    exit status: 0
    -- stdout
    ---
    title: "run [run] of stack default: stopped"
    ---
    flowchart LR
      subgraph c0["1 The first step"]
        n_group["group<br/>step 1: done"]:::done
        n_template["template<br/>step 1: waiting"]:::waiting
      end
      subgraph c1["2 The second step"]
        n_balancer["balancer<br/>step 2: pending"]:::pending
      end
      classDef done fill:#aceebb,stroke:#59636e,color:#1f2328
      classDef pending fill:#f6f8fa,stroke:#59636e,color:#1f2328
      classDef waiting fill:#b6e3ff,stroke:#59636e,color:#1f2328
    "#);
    let graph = &sandbox.succeed(&["graph", "aaa1", "--json"]).json()[0];
    assert_eq!(text(&graph["event"]), "graph");
    assert_eq!(text(&graph["graph"]["nodes"][1]["state"]), "waiting");
}

#[test]
fn a_run_is_drawn_over_time() {
    let sandbox = sandbox_with_a_run();
    assert_transcript!(sandbox.run(&["timeline", "aaa1"]), @r"
    exit status: 0
    -- stdout
    run [run] of stack default: stopped

                [span]
      group     #                                                                                    [span]
    * template  #                                                                                    [span]

      # working  ~ before a retry  * critical path

    worked on for [span]
    critical path of the way forward: [span], [span] of it waiting (0 %): template
    ");
    let timeline = &sandbox.succeed(&["timeline", "aaa1", "--json"]).json()[0];
    assert_eq!(text(&timeline["timeline"]["rows"][1]["bars"][1]["kind"]), "delayed");
}

#[test]
fn a_picture_is_written_to_a_file_and_drawn_again_over_it() {
    let sandbox = sandbox_with_a_run();
    for _ in 0..2 {
        let arguments = ["timeline", "aaa1", "--format", "svg", "--output", "run.svg"];
        assert_eq!(sandbox.succeed(&arguments).stdout, "");
    }
    assert!(sandbox.read("run.svg").starts_with("<svg "));
    let transcript = sandbox.run(&["graph", "--output", "no/such/folder.dot"]);
    transcript.expect_status(74);
}

#[test]
fn a_run_that_is_not_there_is_answered_with_those_that_are() {
    for verb in ["graph", "timeline"] {
        sandbox_with_a_run().run(&[verb, "zzz"]).expect_status(2);
    }
    // The steps of this run are not those of a stack: their topology is known to another version.
    sandbox_with_a_run().run(&["graph", "aaa1", "--of", "topology"]).expect_status(6);
}
