//! Templates by their segments, so that finding one takes as long as the path has segments.

use super::template::{Pattern, Segment};
use http::Method;
use std::cmp::Reverse;
use std::collections::HashMap;

/// The most nodes: 20 for each of the most operations, which share most of theirs.
pub(super) const MAX_NODES: usize = 200_000;

/// A tree of segments. The first node is the root.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

/// What may follow the segments that lead here, as indexes of nodes, and what ends here.
#[derive(Debug, Default)]
struct Node {
    literals: HashMap<String, usize>,
    /// The pattern with the most text first.
    mixed: Vec<(Pattern, usize)>,
    parameter: Option<usize>,
    ends: Vec<End>,
}

/// An operation whose template ends at a node.
#[derive(Debug)]
struct End {
    method: Method,
    slash: bool,
    operation: usize,
}

/// Why a template is not taken in.
pub(super) enum Refusal {
    /// This operation has the same method, and a template for the same paths.
    Ambiguous(usize),
    /// There is no place for more.
    Full,
}

impl Tree {
    pub(super) fn new() -> Self {
        Self {
            nodes: vec![Node::default()],
        }
    }

    /// Takes in an operation by its index.
    pub(super) fn insert<'a>(
        &mut self,
        segments: impl Iterator<Item = &'a Segment>,
        slash: bool,
        method: &Method,
        operation: usize,
    ) -> Result<(), Refusal> {
        let mut at = 0;
        for segment in segments {
            at = self.step(at, segment).ok_or(Refusal::Full)?;
        }
        let node = self.nodes.get_mut(at).ok_or(Refusal::Full)?;
        let same = |end: &&End| end.method == method && end.slash == slash;
        if let Some(end) = node.ends.iter().find(same) {
            return Err(Refusal::Ambiguous(end.operation));
        }
        node.ends.push(End {
            method: method.clone(),
            slash,
            operation,
        });
        Ok(())
    }

    /// The node after this one, which is made if there is none.
    fn step(&mut self, at: usize, segment: &Segment) -> Option<usize> {
        let new = self.nodes.len();
        let node = self.nodes.get_mut(at)?;
        let next = match segment {
            Segment::Literal(text) => *node.literals.entry(text.clone()).or_insert(new),
            Segment::Parameter(_) => *node.parameter.get_or_insert(new),
            Segment::Mixed(pattern) => {
                let known = node.mixed.iter().find(|(known, _)| known == pattern);
                known.map_or(new, |(_, next)| *next)
            }
        };
        if next != new {
            return Some(next);
        }
        if let Segment::Mixed(pattern) = segment {
            node.mixed.push((pattern.clone(), new));
            node.mixed
                .sort_by_cached_key(|(pattern, _)| (Reverse(pattern.weight()), pattern.clone()));
        }
        if new == MAX_NODES {
            return None;
        }
        self.nodes.push(Node::default());
        Some(new)
    }

    /// The operation with this method whose template fits; at each segment, what says more of it goes first.
    pub(super) fn find(&self, method: &Method, segments: &[String], slash: bool) -> Option<usize> {
        self.below(0, segments, &|node| node.end(method, slash))
    }

    /// Each call takes one segment, and a tree is as deep as the longest template, so this ends soon.
    fn below(
        &self,
        at: usize,
        segments: &[String],
        end: &dyn Fn(&Node) -> Option<usize>,
    ) -> Option<usize> {
        let node = self.nodes.get(at)?;
        let Some((first, rest)) = segments.split_first() else {
            return end(node);
        };
        let literal = node.literals.get(first.as_str()).copied();
        let mixed = node.mixed.iter().filter(|(pattern, _)| pattern.fits(first));
        let next = literal
            .into_iter()
            .chain(mixed.map(|(_, next)| *next))
            .chain(node.parameter);
        next.into_iter()
            .find_map(|next| self.below(next, rest, end))
    }
}

impl Node {
    /// The operation that ends here: the one with a slash at its end as wanted, else the other one.
    fn end(&self, method: &Method, slash: bool) -> Option<usize> {
        let ends = || self.ends.iter().filter(|end| end.method == method);
        let end = ends()
            .find(|end| end.slash == slash)
            .or_else(|| ends().next());
        end.map(|end| end.operation)
    }
}
