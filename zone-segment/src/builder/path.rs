//! The nodes from the apex down to the one written last: what hides a node, and what is above it already.
//!
//! While a part is written nobody knows yet where it will lie, nor where those before it do. So a node is named by its place in the part,
//! or as the ancestor with so many labels that is in a part before.

/// Where a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// In the part: a reference from its beginning.
    Part(u32),
    /// In a part before: the ancestor with so many labels.
    Before(usize),
}

/// A node that may yet get descendants.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathNode {
    /// Labels of its name.
    pub(super) labels: usize,
    /// Where it is.
    pub(super) at: At,
    /// The zone cut or DNAME owner that occludes it.
    pub(super) hidden_by: Option<At>,
    /// Whether it is itself a zone cut or a DNAME owner.
    pub(super) hides: bool,
}

impl PathNode {
    /// What occludes the nodes below it.
    pub(super) fn hides_below(&self) -> Option<At> {
        self.hidden_by.or(self.hides.then_some(self.at))
    }
}

/// The path once it is known where nodes lie: labels and reference of each.
pub(super) type PlacedPath = Vec<(usize, u32)>;

/// The reference of a node of a part that begins at `base`, below the path of the part before.
pub(super) fn resolve(at: At, base: u32, before: &PlacedPath) -> Option<u32> {
    match at {
        At::Part(reference) => Some(base + reference),
        At::Before(labels) => before.iter().find(|node| node.0 == labels).map(|node| node.1),
    }
}
