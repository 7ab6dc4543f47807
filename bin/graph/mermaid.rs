//! A graph in the language of Mermaid, as Markdown of many sites shows it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Graph, Node};

/// The file.
pub(crate) fn text(graph: &Graph, name: &str) -> String {
    let mut text = format!("---\ntitle: {}\n---\nflowchart LR\n", quoted(name));
    for (number, (cluster, nodes)) in graph.clusters().into_iter().enumerate() {
        let indent = if cluster.is_some() { "    " } else { "  " };
        if let Some(cluster) = cluster {
            let _infallible = writeln!(text, "  subgraph c{number}[{}]", quoted(cluster));
        }
        for node in nodes {
            let label = quoted(&format!("{}\n{}", node.label, node.second_line()));
            let _infallible = writeln!(text, "{indent}{}[{label}]:::{}", id(node), node.class());
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
    format!("n_{}", node.name.replace('-', "_"))
}

/// A text as a label.
fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('&', "&amp;")
            .replace('"', "#quot;")
            .replace('<', "&lt;")
            .replace('\n', "<br/>")
    )
}
