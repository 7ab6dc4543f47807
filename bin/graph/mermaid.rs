//! A graph in the language of Mermaid, as Markdown of many sites shows it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Graph, Node};
use crate::door;

/// The file.
pub(crate) fn text(graph: &Graph, name: &str) -> String {
    let mut text = format!("---\ntitle: {}\n---\nflowchart LR\n", title(name));
    for (number, (cluster, nodes)) in graph.clusters().into_iter().enumerate() {
        let indent = if cluster.is_some() { "    " } else { "  " };
        if let Some(cluster) = cluster {
            let _infallible = writeln!(text, "  subgraph c{number}[{}]", quoted(cluster));
        }
        for node in nodes {
            let label = format!("{}<br/>{}", escaped(&node.label), escaped(&node.second_line()));
            let (id, class) = (id(node), node.class());
            let _infallible = writeln!(text, "{indent}{id}[\"{label}\"]:::{class}");
        }
        if cluster.is_some() {
            text.push_str("  end\n");
        }
    }
    for edge in &graph.edges {
        let (from, to) = (id(&graph.nodes[edge.from]), id(&graph.nodes[edge.to]));
        let arrow = if edge.dashed { "-.->" } else { "-->" };
        let label = if edge.label.is_empty() {
            String::new()
        } else {
            format!("|{}|", quoted(&edge.label))
        };
        let _infallible = writeln!(text, "  {from} {arrow}{label} {to}");
    }
    let classes: BTreeMap<_, _> =
        graph.nodes.iter().map(|node| (node.class(), node.fill())).collect();
    for (class, fill) in classes {
        let _infallible =
            writeln!(text, "  classDef {class} fill:{fill},stroke:#59636e,color:#1f2328");
    }
    text
}

/// Words of the language, such as `end`, are no ids; with a letter before it no name is one.
fn id(node: &Node) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("n_{}", node.name.chars().map(plain).collect::<String>())
}

/// A text of the preamble, which is YAML: there a string of JSON is one.
fn title(text: &str) -> String {
    serde_json::Value::from(door::shown(text)).to_string()
}

/// A text as a label.
fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// A text that may stand in a label: without what shows nothing, and without entities, markup and quotation marks of
/// its own.
fn escaped(text: &str) -> String {
    let text = door::shown(text).replace('#', "#35;").replace('&', "&amp;");
    text.replace('"', "#quot;").replace('`', "#96;").replace('<', "&lt;")
}
