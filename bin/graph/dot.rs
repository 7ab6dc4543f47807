//! A graph in the language of Graphviz.

use std::fmt::Write as _;

use super::{Graph, Node};
use crate::door;

/// The file.
pub(crate) fn text(graph: &Graph, name: &str) -> String {
    let mut text = format!(
        "digraph {} {{\n  rankdir=LR;\n  bgcolor=white;\n  node [shape=box, style=\"rounded,filled\", \
         fillcolor=white, fontname=\"Helvetica\", fontsize=11];\n  edge [fontname=\"Helvetica\", fontsize=9, color=gray40];\n",
        quoted(name)
    );
    for (number, (cluster, nodes)) in graph.clusters().into_iter().enumerate() {
        if let Some(cluster) = cluster {
            let _infallible =
                writeln!(text, "  subgraph cluster_{number} {{\n    label={};", quoted(cluster));
        }
        for node in nodes {
            let _infallible = writeln!(text, "  {}", declared(node));
        }
        text.push_str(if cluster.is_some() { "  }\n" } else { "" });
    }
    for edge in &graph.edges {
        let (from, to) = (&graph.nodes[edge.from].name, &graph.nodes[edge.to].name);
        let style = if edge.dashed { "dashed" } else { "solid" };
        let label = quoted(&edge.label);
        let _infallible =
            writeln!(text, "  {} -> {} [style={style}, label={label}];", quoted(from), quoted(to));
    }
    text.push_str("}\n");
    text
}

fn declared(node: &Node) -> String {
    let label = format!("{}\\n{}", escaped(&node.label), escaped(&node.second_line()));
    format!("{} [label=\"{label}\", fillcolor=\"{}\"];", quoted(&node.name), node.fill())
}

/// A text as a word of the language.
fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// A text that may stand between quotation marks: without what shows nothing, and without escapes and entities of its
/// own.
fn escaped(text: &str) -> String {
    let text = door::shown(text).replace('&', "&amp;");
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
