//! The Merkle tree of RFC 6962, section 2.1, kept as the roots of its full subtrees.

use crate::hash::Hash;

/// The hash of a leaf.
pub(crate) fn leaf_hash(payload: &[u8]) -> Hash {
    Hash::of_parts(&[&[0], payload])
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash::of_parts(&[&[1], &left.0, &right.0])
}

/// A tree that only grows. It holds one hash per bit of its size.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    size: u64,
    /// Roots of the full subtrees, largest first.
    peaks: Vec<Hash>,
}

impl Tree {
    /// How many leaves it has.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf by its [`leaf_hash`].
    pub(crate) fn push(&mut self, leaf: Hash) {
        let mut carried = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                carried = node_hash(&left, &carried);
            }
        }
        self.peaks.push(carried);
        self.size += 1;
    }

    /// The root over all leaves.
    pub(crate) fn root(&self) -> Hash {
        self.peaks
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| node_hash(&left, &right))
            .unwrap_or_else(|| Hash::of(b""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, word for word.
    fn root_by_definition(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => Hash::of(b""),
            [one] => leaf_hash(one),
            more => {
                let mut split = 1;
                while split * 2 < more.len() {
                    split *= 2;
                }
                node_hash(
                    &root_by_definition(&more[..split]),
                    &root_by_definition(&more[split..]),
                )
            }
        }
    }

    #[test]
    fn roots_are_those_of_the_definition() {
        let mut tree = Tree::default();
        let mut leaves = Vec::new();
        for i in 0..200_u8 {
            assert_eq!(tree.root(), root_by_definition(&leaves), "{i} leaves");
            leaves.push(vec![i; usize::from(i % 7)]);
            tree.push(leaf_hash(leaves.last().unwrap()));
            assert_eq!(tree.size(), leaves.len() as u64);
        }
    }

    #[test]
    fn roots_are_those_that_other_logs_compute() {
        // The eight leaves that certificate transparency logs test themselves with.
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let mut tree = Tree::default();
        for leaf in leaves {
            tree.push(leaf_hash(leaf));
        }
        let hex: String = tree.root().0.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(
            hex,
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
        );
    }
}
