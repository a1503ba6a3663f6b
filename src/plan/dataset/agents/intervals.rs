//! Which requests of a recording a request waited for, by when they were sent and when they ended.
//!
//! A recording is a tree: the calls of an agent, and the agents that it started, which have calls of their own. Within a
//! node of the tree, one of its parts follows another if it began after the other had ended and nothing lies between
//! them. Where an agent follows, its first calls wait; where it is followed, its last calls are waited for. Calls of two
//! agents that ran side by side do not wait for each other, whatever their times.

use std::{cmp::Reverse, collections::BinaryHeap, rc::Rc};

/// Links between requests that a recording may have. A million requests that fork and join have fewer.
pub(super) const MOST_LINKS: usize = 10_000_000;

/// A call, or something that has calls.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    pub(super) parent: Option<usize>,
    /// Start and end of its own call, in nanoseconds.
    pub(super) call: Option<(u64, u64)>,
    /// When it began for the parts of its parent, if that is later than its first call.
    pub(super) begun: u64,
}

/// Why no order was found.
#[derive(Debug, PartialEq)]
pub(super) enum NoOrder {
    /// These nodes are their own ancestors, or come from such.
    Circle(Vec<usize>),
    /// There are more than [`MOST_LINKS`].
    TooMany,
}

/// A part of a node: a call, or a node with calls.
#[derive(Clone)]
struct Part {
    start: u64,
    end: u64,
    /// Calls that nothing in the part comes before.
    first: Rc<[usize]>,
    /// Calls that nothing in the part comes after.
    last: Rc<[usize]>,
}

/// For each node with a call, the nodes whose calls it waits for. `links` is how many more may be made.
pub(super) fn precedence(nodes: &[Node], links: &mut usize) -> Result<Vec<Vec<usize>>, NoOrder> {
    let order = downwards(nodes)?;
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    let mut parts: Vec<Vec<Part>> = vec![Vec::new(); nodes.len() + 1];
    let above = nodes.len();
    for node in order.into_iter().rev() {
        let mut own = std::mem::take(&mut parts[node]);
        if let Some((start, end)) = nodes[node].call {
            let call: Rc<[usize]> = Rc::from([node]);
            own.push(Part {
                start,
                end: end.max(start.saturating_add(1)),
                first: call.clone(),
                last: call,
            });
        }
        if let Some(mut part) = joined(own, &mut after, links)? {
            part.start = part.start.max(nodes[node].begun);
            part.end = part.end.max(part.start.saturating_add(1));
            parts[nodes[node].parent.unwrap_or(above)].push(part);
        }
    }
    joined(std::mem::take(&mut parts[above]), &mut after, links)?;
    Ok(after)
}

/// Calls in an order in which none stands before one that it waits for, else by their starts.
pub(super) fn sequence(starts: &[u64], after: &[Vec<usize>]) -> Vec<usize> {
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); starts.len()];
    let mut awaits: Vec<usize> = after.iter().map(Vec::len).collect();
    for (call, before) in after.iter().enumerate() {
        for before in before {
            followers[*before].push(call);
        }
    }
    let ready = (0..starts.len()).filter(|call| awaits[*call] == 0);
    let mut ready: BinaryHeap<Reverse<(u64, usize)>> =
        ready.map(|call| Reverse((starts[call], call))).collect();
    let mut order = Vec::with_capacity(starts.len());
    while let Some(Reverse((_, call))) = ready.pop() {
        order.push(call);
        for follower in std::mem::take(&mut followers[call]) {
            awaits[follower] -= 1;
            if awaits[follower] == 0 {
                ready.push(Reverse((starts[follower], follower)));
            }
        }
    }
    order
}

/// All nodes, each behind its parent.
fn downwards(nodes: &[Node]) -> Result<Vec<usize>, NoOrder> {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    let mut order = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        match node.parent {
            Some(parent) => children[parent].push(index),
            None => order.push(index),
        }
    }
    let mut next = 0;
    while let Some(node) = order.get(next) {
        order.extend(std::mem::take(&mut children[*node]));
        next += 1;
    }
    if order.len() == nodes.len() {
        return Ok(order);
    }
    let mut reached = vec![false; nodes.len()];
    for node in order {
        reached[node] = true;
    }
    let circle = (0..nodes.len()).filter(|node| !reached[*node]);
    Err(NoOrder::Circle(circle.collect()))
}

/// Links the parts of a node, and makes them one.
fn joined(
    mut parts: Vec<Part>,
    after: &mut [Vec<usize>],
    links: &mut usize,
) -> Result<Option<Part>, NoOrder> {
    if parts.len() < 2 {
        return Ok(parts.pop());
    }
    parts.sort_by_key(|part| part.end);
    // The latest start among those that have ended.
    let mut latest = 0;
    let starts: Vec<u64> = parts
        .iter()
        .map(|part| {
            latest = part.start.max(latest);
            latest
        })
        .collect();
    let ended = |by: u64| parts.partition_point(|part| part.end <= by);
    let mut spend = |count: usize| {
        *links = links.checked_sub(count).ok_or(NoOrder::TooMany)?;
        Ok(())
    };
    let mut followed = vec![false; parts.len()];
    let mut first = Vec::new();
    for part in &parts {
        let until = ended(part.start);
        let Some(latest) = until.checked_sub(1).map(|last| starts[last]) else {
            spend(part.first.len())?;
            first.extend_from_slice(&part.first);
            continue;
        };
        // What ended before one of them began was waited for by that one.
        for (before, followed) in parts[..until].iter().zip(&mut followed).skip(ended(latest)) {
            *followed = true;
            spend(before.last.len().saturating_mul(part.first.len()))?;
            for call in part.first.iter() {
                after[*call].extend_from_slice(&before.last);
            }
        }
    }
    let mut last = Vec::new();
    for (part, _) in parts
        .iter()
        .zip(&followed)
        .filter(|(_, followed)| !**followed)
    {
        spend(part.last.len())?;
        last.extend_from_slice(&part.last);
    }
    let start = parts.iter().map(|part| part.start).min();
    let end = parts.iter().map(|part| part.end).max();
    Ok(Some(Part {
        start: start.unwrap_or_default(),
        end: end.unwrap_or_default(),
        first: first.into(),
        last: last.into(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn calls(spans: &[(u64, u64)]) -> Vec<Node> {
        let node = |call: &(u64, u64)| Node {
            parent: None,
            call: Some(*call),
            begun: 0,
        };
        spans.iter().map(node).collect()
    }

    #[rstest]
    #[case::a_chain(&[(0, 5), (5, 9), (20, 21)], "[[], [0], [1]]")]
    #[case::a_fork_and_a_join(&[(0, 5), (6, 9), (7, 20), (21, 22)], "[[], [0], [0], [1, 2]]")]
    #[case::two_by_two(&[(0, 5), (1, 4), (6, 9), (7, 8)], "[[], [], [1, 0], [1, 0]]")]
    #[case::in_any_order(&[(20, 21), (0, 5)], "[[1], []]")]
    #[case::no_length(&[(3, 3), (3, 3), (4, 4)], "[[], [], [1, 0]]")]
    #[case::a_long_one_on_the_side(&[(0, 100), (1, 2), (3, 4), (101, 102)], "[[], [], [1], [2, 0]]")]
    fn a_call_waits_for_what_had_ended(#[case] spans: &[(u64, u64)], #[case] expected: &str) {
        let after = precedence(&calls(spans), &mut 100).unwrap();
        assert_eq!(format!("{after:?}"), expected);
    }

    /// Two agents side by side, of two calls each: by time alone, the second of one would wait for the first of the other.
    #[test]
    fn agents_side_by_side_do_not_wait_for_each_other() {
        let node = |parent, call| Node {
            parent,
            call,
            begun: 0,
        };
        let nodes = [
            node(None, Some((0, 10))),
            node(None, None),
            node(None, None),
            node(Some(1), Some((11, 20))),
            node(Some(1), Some((30, 40))),
            node(Some(2), Some((12, 25))),
            node(Some(2), Some((26, 50))),
            node(None, Some((60, 70))),
        ];
        let after = precedence(&nodes, &mut 100).unwrap();
        let expected: [&[usize]; 8] = [&[], &[], &[], &[0], &[3], &[0], &[5], &[4, 6]];
        assert_eq!(after, expected);
    }

    #[test]
    fn a_circle_is_named() {
        let node = |parent| Node {
            parent,
            ..Node::default()
        };
        let nodes = [node(None), node(Some(2)), node(Some(1)), node(Some(0))];
        let error = precedence(&nodes, &mut 100).unwrap_err();
        assert_eq!(error, NoOrder::Circle(vec![1, 2]));
    }

    #[test]
    fn links_have_a_limit() {
        let both: Vec<(u64, u64)> = (0..200)
            .map(|index| (index / 100 * 10, index / 100 * 10 + 5))
            .collect();
        let mut links = 9_000;
        assert_eq!(precedence(&calls(&both), &mut links), Err(NoOrder::TooMany));
        assert!(precedence(&calls(&both), &mut 11_000).is_ok());
    }

    #[test]
    fn a_deep_tree_needs_no_stack() {
        let depth = 200_000;
        let nodes: Vec<Node> = (0..depth)
            .map(|index: usize| Node {
                parent: index.checked_sub(1),
                call: (index + 1 == depth).then_some((1, 2)),
                begun: 0,
            })
            .collect();
        assert!(precedence(&nodes, &mut 100).is_ok());
    }

    proptest! {
        /// Through its links, a call waits for all that had ended before it began, and for nothing else.
        #[test]
        fn links_are_the_order_of_the_recording(spans in prop::collection::vec((0_u64..40, 1_u64..15), 1..25)) {
            let spans: Vec<(u64, u64)> = spans.into_iter().map(|(start, took)| (start, start + took)).collect();
            let after = precedence(&calls(&spans), &mut 100_000).unwrap();
            for (index, (start, _)) in spans.iter().enumerate() {
                let mut waits = vec![false; spans.len()];
                let mut open = after[index].clone();
                while let Some(before) = open.pop() {
                    if !std::mem::replace(&mut waits[before], true) {
                        open.extend(&after[before]);
                    }
                }
                let expected: Vec<bool> = spans.iter().map(|(_, end)| end <= start).collect();
                prop_assert_eq!(waits, expected);
            }
        }
    }
}
