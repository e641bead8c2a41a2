//! What a zone says about a name, decided from flags that the writer computed; and the passes that come before in a batch.

use crate::index;
use crate::lookup_name::LookupName;
use crate::map::SegmentOctets;
use crate::node::Node;

use super::{Hit, Zone, is_in};

/// What a zone says about a name.
#[derive(Clone, Copy, Debug)]
pub enum Find<'a> {
    /// The name exists here with authority. It may be an empty non-terminal, or own a CNAME.
    Name(Node<'a>),
    /// The name is at or below this zone cut.
    Cut(Node<'a>),
    /// The name is below this owner of a DNAME record.
    Dname(Node<'a>),
    /// The name does not exist, but is covered by a wildcard.
    Wildcard {
        /// The source of synthesis (RFC 4592, section 3.3.1).
        source: Node<'a>,
        /// The closest encloser.
        closest_encloser: Node<'a>,
    },
    /// The name does not exist.
    NoName {
        /// The closest encloser.
        closest_encloser: Node<'a>,
    },
}

impl<'a, B: SegmentOctets> Zone<'a, B> {
    /// What the zone says about a name (RFC 1034, section 4.3.2, step 3). The name must be at or below the apex.
    ///
    /// In a zone without data, and in a damaged one, the closest encloser may be an empty node with the root's name.
    pub fn find(&self, name: &LookupName) -> Find<'a> {
        if self.overlay.is_some_and(|overlay| overlay.is_structural()) {
            return self.find_from_apex(name);
        }
        if let (Some((root, _)), Some(middle)) = (self.base, self.first_middle(name.label_count())) {
            // Below a zone cut the next name is needed as well: it comes while the first one is waited for.
            index::prefetch(&root.buckets, name.hash(self.key, middle));
        }
        match self.probe_whole(name) {
            Some(hit) if !hit.node.is_cut_or_occluded() => Find::Name(hit.node),
            Some(hit) => self.hidden_by(name, hit).unwrap_or(Find::Name(hit.node)),
            None => self.find_above(name),
        }
    }

    /// The same where flags do not say what hides a name: cuts or DNAME records came or went above names that were there before. So the
    /// names above are looked at from the apex on.
    fn find_from_apex(&self, name: &LookupName) -> Find<'a> {
        let Some(apex) = self.apex_node() else { return Find::NoName { closest_encloser: Node::NOTHING } };
        let mut closest_encloser = apex;
        for labels in self.apex_labels + 1..=name.label_count() {
            if closest_encloser.owns_dname() {
                return Find::Dname(closest_encloser);
            }
            let Some(hit) = self.probe(name, labels) else {
                let source = self.wildcard_child(name, closest_encloser);
                return match source {
                    Some(source) => Find::Wildcard { source, closest_encloser },
                    None => Find::NoName { closest_encloser },
                };
            };
            if hit.node.is_cut() {
                return Find::Cut(hit.node);
            }
            closest_encloser = hit.node;
        }
        Find::Name(closest_encloser)
    }

    /// What the zone says about a name that does not exist.
    fn find_above(&self, name: &LookupName) -> Find<'a> {
        let Some(hit) = self.closest_encloser(name) else {
            return Find::NoName { closest_encloser: self.apex_node().unwrap_or(Node::NOTHING) };
        };
        if let Some(hidden) = self.hidden_by(name, hit) {
            return hidden;
        }
        let closest_encloser = hit.node;
        if closest_encloser.owns_dname() {
            return Find::Dname(closest_encloser);
        }
        match self.wildcard_child(name, closest_encloser) {
            Some(source) => Find::Wildcard { source, closest_encloser },
            None => Find::NoName { closest_encloser },
        }
    }

    /// First pass of a batch of lookups: asks the processor for what [`prefetch_node`](Zone::prefetch_node) reads of a name.
    ///
    /// With all names of a batch taken through one pass before the next, and [`find`](Zone::find) last, the memory works on all of
    /// them at once. What was not asked for is found all the same.
    pub fn prefetch_index(&self, name: &LookupName) {
        let Some((root, _)) = self.base else { return };
        let hash = name.full_hash(self.key);
        index::prefetch(&root.buckets, hash);
        if let Some(overlay) = self.overlay {
            overlay.prefetch(hash);
        }
        if let Some(middle) = self.first_middle(name.label_count()) {
            index::prefetch(&root.buckets, name.hash(self.key, middle));
        }
    }

    /// Second pass of a batch of lookups: asks for the record of a name.
    pub fn prefetch_node(&self, name: &LookupName) {
        let Some((root, _)) = self.base else { return };
        let prefetch = |hash| {
            index::find(&root.buckets, hash, |reference| {
                Node::prefetch(root, reference);
                Some(())
            })
        };
        if prefetch(name.full_hash(self.key)).is_none()
            && let Some(middle) = self.first_middle(name.label_count())
        {
            prefetch(name.hash(self.key, middle));
        }
    }

    /// How many labels the first name has that is looked for when one of `labels` labels does not exist; none when that is the apex.
    #[inline]
    fn first_middle(&self, labels: usize) -> Option<usize> {
        let between = labels.checked_sub(self.apex_labels)?;
        (between > 1).then(|| self.apex_labels + between / 2)
    }

    /// The longest existing name above one that does not exist: names are closed under parents, so halving works.
    fn closest_encloser(&self, name: &LookupName) -> Option<Hit<'a>> {
        let mut exists = self.apex_labels;
        let mut missing = name.label_count();
        let mut best = None;
        while missing.saturating_sub(exists) > 1 {
            let middle = exists + (missing - exists) / 2;
            match self.probe(name, middle) {
                Some(hit) => {
                    exists = middle;
                    best = Some(hit);
                }
                None => missing = middle,
            }
        }
        best.or_else(|| {
            // The apex is where the zone begins: there is nothing to search for.
            Some(Hit { node: self.apex_node()?, is_in_base: self.overlay.is_none() })
        })
    }

    /// The zone cut or DNAME owner in whose realm a name is, if `hit` is the name or its closest encloser.
    fn hidden_by(&self, name: &LookupName, hit: Hit<'a>) -> Option<Find<'a>> {
        if !hit.node.is_occluded() {
            return hit.node.is_cut().then_some(Find::Cut(hit.node));
        }
        let linked = self.follow_link(hit).map(|link| link.node).filter(|node| is_above(name, *node));
        let hides = |node: Node<'a>| match (node.is_cut(), node.owns_dname()) {
            (true, _) => Some(Find::Cut(node)),
            (false, true) => Some(Find::Dname(node)),
            (false, false) => None,
        };
        linked.and_then(hides).or_else(|| {
            // A link that a newer layer or damage made useless: look at each name above.
            (self.apex_labels..name.label_count()).find_map(|labels| hides(self.probe(name, labels)?.node))
        })
    }

    /// The wildcard below the closest encloser of a name.
    fn wildcard_child(&self, name: &LookupName, closest_encloser: Node<'a>) -> Option<Node<'a>> {
        if !closest_encloser.has_wildcard_child() {
            return None;
        }
        let labels = closest_encloser.name().label_count();
        let wire = name.suffix(labels).as_wire();
        let hash = name.wildcard_hash(self.key, labels);
        self.probe_hash(hash, |node| node.is_wildcard_of(wire)).map(|hit| hit.node)
    }

    /// The node that a node's link leads to, as the newest layer has it.
    fn follow_link(&self, hit: Hit<'a>) -> Option<Hit<'a>> {
        if !hit.is_in_base {
            // Nodes of deltas have none: what hides them may lie in another layer.
            return None;
        }
        let reference = hit.node.link()?;
        let (root, row) = self.base?;
        let target = Node::at(root, reference).filter(|_| is_in(reference, row))?;
        if self.overlay.is_none() {
            return Some(Hit { node: target, is_in_base: true });
        }
        let name = LookupName::new(self.key, target.name());
        self.probe_whole(&name)
    }
}

/// Whether a node stands above a name.
fn is_above(name: &LookupName, node: Node<'_>) -> bool {
    name.is_at_or_below(node.name())
}
