//! Leaves out arrows that say nothing new.

use std::collections::BTreeSet;

use super::Edge;

/// The edges without those whose ends are also joined by a longer way. A dashed one stays: it says something else.
pub(super) fn reduced(nodes: usize, edges: Vec<Edge>) -> Vec<Edge> {
    let mut after = vec![BTreeSet::new(); nodes];
    for edge in &edges {
        after[edge.from].insert(edge.to);
    }
    let said_already = |edge: &Edge| {
        let others = after[edge.from].iter().filter(|other| **other != edge.to);
        reaches(&after, others.copied().collect(), edge.to)
    };
    edges.into_iter().filter(|edge| edge.dashed || !said_already(edge)).collect()
}

fn reaches(after: &[BTreeSet<usize>], from: Vec<usize>, to: usize) -> bool {
    let (mut open, mut seen) = (from, BTreeSet::new());
    while let Some(place) = open.pop() {
        if place == to {
            return true;
        }
        if seen.insert(place) {
            open.extend(&after[place]);
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(from: usize, to: usize, dashed: bool) -> Edge {
        Edge { from, to, label: String::new(), dashed }
    }

    #[test]
    fn an_arrow_beside_a_longer_way_is_left_out_unless_it_says_something_else() {
        let all = vec![
            edge(0, 1, false),
            edge(1, 2, false),
            edge(0, 2, false),
            edge(0, 3, true),
            edge(1, 3, false),
        ];
        let left: Vec<_> = reduced(4, all).iter().map(|edge| (edge.from, edge.to)).collect();
        assert_eq!(left, [(0, 1), (1, 2), (0, 3), (1, 3)]);
    }
}
