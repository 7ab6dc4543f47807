use lab1_flow_steps::{Stack, StackSpec, Target};

use super::*;
use crate::stored::{action, header};

fn topology() -> Graph {
    let stack = Stack::new(&StackSpec::default(), &Target::local(None));
    Graph::of_topology(&stack.topology(), None)
}

/// Three actions in a row, of which the last also names the first.
fn actions() -> Graph {
    let mut steps = header("stored").steps;
    steps[0].title = "The \"first\" <step>".to_owned();
    steps[0].actions[1].needs = vec![action("group")];
    steps[1].actions[0].needs = vec![action("group"), action("template")];
    let stages =
        [("group", Stage::Done), ("template", Stage::InDoubt), ("balancer", Stage::Pending)];
    let stages = stages.map(|(name, stage)| (name.to_owned(), stage)).into();
    Graph::of_actions(&steps, Some(&stages))
}

#[test]
fn actions_hang_together_by_what_they_wait_for() {
    let graph = actions();
    let edges: Vec<_> = graph.edges.iter().map(|edge| (edge.from, edge.to)).collect();
    assert_eq!(edges, [(0, 1), (1, 2)]);
    assert_eq!(graph.nodes[1].second_line(), "step 1: in doubt");
}

#[test]
fn dot_and_mermaid_say_the_same_and_quote_what_they_must() {
    insta::assert_snapshot!(dot::text(&actions(), "run x"), @r##"
    digraph "run x" {
      rankdir=LR;
      bgcolor=white;
      node [shape=box, style="rounded,filled", fillcolor=white, fontname="Helvetica", fontsize=11];
      edge [fontname="Helvetica", fontsize=9, color=gray40];
      subgraph cluster_0 {
        label="1 The \"first\" <step>";
      "group" [label="group\nstep 1: done", fillcolor="#aceebb"];
      "template" [label="template\nstep 1: in doubt", fillcolor="#ffb77c"];
      }
      subgraph cluster_1 {
        label="2 The second step";
      "balancer" [label="balancer\nstep 2: pending", fillcolor="#f6f8fa"];
      }
      "group" -> "template" [style=solid, label=""];
      "template" -> "balancer" [style=solid, label=""];
    }
    "##);
    insta::assert_snapshot!(mermaid::text(&actions(), "run x"), @r#"
    ---
    title: "run x"
    ---
    flowchart LR
      subgraph c0["1 The #quot;first#quot; &lt;step>"]
        n_group["group<br/>step 1: done"]:::done
        n_template["template<br/>step 1: in doubt"]:::in-doubt
      end
      subgraph c1["2 The second step"]
        n_balancer["balancer<br/>step 2: pending"]:::pending
      end
      n_group --> n_template
      n_template --> n_balancer
      classDef done fill:#aceebb,stroke:#59636e,color:#1f2328
      classDef in-doubt fill:#ffb77c,stroke:#59636e,color:#1f2328
      classDef pending fill:#f6f8fa,stroke:#59636e,color:#1f2328
    "#);
}

#[test]
fn a_reader_of_dot_understands_both_pictures() {
    for graph in [actions(), topology()] {
        let text = dot::text(&graph, "a \"quoted\" name");
        let read = layout::gv::DotParser::new(&text).process();
        assert!(read.is_ok(), "{:?}\n{text}", read.err());
    }
}

/// The boxes of a drawing: left, top, right, bottom.
fn boxes(svg: &str) -> Vec<[f64; 4]> {
    let field = |line: &str, name: &str| -> f64 {
        let rest = line.split(&format!(" {name}=\"")).nth(1).unwrap();
        rest.split('"').next().unwrap().parse().unwrap()
    };
    let rects =
        svg.lines().filter(|line| line.starts_with("<rect class") && !line.contains("page"));
    rects
        .map(|line| {
            let [x, y, width, height] = ["x", "y", "width", "height"].map(|name| field(line, name));
            [x, y, x + width, y + height]
        })
        .collect()
}

#[test]
fn no_box_of_a_drawing_lies_on_another_or_leaves_the_page() {
    for graph in [actions(), topology()] {
        let svg = drawing::svg(&graph, "a heading");
        let boxes = boxes(&svg);
        assert_eq!(boxes.len(), graph.nodes.len());
        assert_eq!(svg.matches("class=\"tip\"").count(), graph.edges.len());
        let page = svg.split("viewBox=\"0 0 ").nth(1).unwrap().split('"').next().unwrap();
        let page: Vec<f64> = page.split(' ').map(|number| number.parse().unwrap()).collect();
        for (number, one) in boxes.iter().enumerate() {
            assert!(
                one[0] > 0.0 && one[1] > 0.0 && one[2] < page[0] && one[3] < page[1],
                "{one:?}"
            );
            for other in &boxes[number + 1..] {
                let apart = one[2] < other[0]
                    || other[2] < one[0]
                    || one[3] < other[1]
                    || other[3] < one[1];
                assert!(apart, "{one:?} {other:?}");
            }
        }
    }
}
