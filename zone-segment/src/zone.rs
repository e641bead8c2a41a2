//! One zone of a generation: its state, and lookups in the layers of its stack that it is to be seen in.
//!
//! A layer holds whole zones, so the newest visible one that knows a name is right about it. [`Zone::find`] decides what
//! a name is in the words of RFC 1034, section 4.3.2; it reads flags that the writer computed.

use crate::directory::{EntryRef, ZoneState};
use crate::hash::HashKey;
use crate::ids::{GroupId, LayerId, ZoneId};
use crate::index;
use crate::lookup_name::LookupName;
use crate::map::{Mapping, SegmentOctets};
use crate::name::NameRef;
use crate::node::Node;
use crate::order;
use crate::segment::Segment;
use crate::stack::Layer;
use crate::tables::ArchivedZoneRow;

mod nodes;

pub use nodes::Nodes;

/// A zone, ready for lookups.
pub struct Zone<'a, B = Mapping> {
    /// Its apex.
    apex: NameRef<'a>,
    /// Labels of the apex.
    apex_labels: usize,
    /// Its group.
    group: GroupId,
    /// Its id in the group's segments.
    id: ZoneId,
    /// What is to be done with queries for it.
    state: ZoneState,
    /// Layers below are invisible; they are cut off already.
    floor: LayerId,
    /// Where its data is.
    source: Source<'a, B>,
    /// The key of the name hash.
    key: HashKey,
}

/// The segments a zone is looked up in.
enum Source<'a, B> {
    /// The visible layers of its group's stack, newest first.
    Stack(&'a [Layer<B>]),
    /// One segment by itself.
    Segment(&'a Segment<B>),
}

impl<B> Clone for Zone<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for Zone<'_, B> {}

impl<B> Clone for Source<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for Source<'_, B> {}

impl<'a, B> Source<'a, B> {
    /// How many segments.
    fn len(&self) -> usize {
        match self {
            Source::Stack(layers) => layers.len(),
            Source::Segment(_) => 1,
        }
    }

    /// The segment at a depth, newest first.
    fn get(&self, depth: usize) -> Option<&'a Segment<B>> {
        match self {
            Source::Stack(layers) => layers.get(depth).map(|layer| &*layer.segment),
            Source::Segment(segment) => (depth == 0).then_some(*segment),
        }
    }
}

/// A node, and how deep in the stack it was found.
#[derive(Clone, Copy)]
struct Hit<'a> {
    /// The node.
    node: Node<'a>,
    /// Depth of its layer: links of its are hints that layers above may overrule.
    depth: usize,
}

impl<'a, B: SegmentOctets> Zone<'a, B> {
    /// A zone of the directory; `layers` are its group's, newest first.
    pub(crate) fn of_entry(entry: EntryRef<'a>, key: HashKey, layers: &'a [Layer<B>]) -> Zone<'a, B> {
        let apex = entry.apex();
        let floor = entry.floor();
        let visible = layers.iter().take_while(|layer| layer.id >= floor).count();
        Zone {
            apex,
            apex_labels: apex.label_count(),
            group: entry.group(),
            id: entry.zone(),
            state: entry.state(),
            floor,
            source: Source::Stack(&layers[..visible]),
            key,
        }
    }

    /// A zone of one segment by itself.
    pub(crate) fn of_segment(segment: &'a Segment<B>, row: &ArchivedZoneRow) -> Zone<'a, B> {
        let apex = segment.node_at(row.apex.to_native()).unwrap_or(Node::NOTHING).name();
        Zone {
            apex,
            apex_labels: apex.label_count(),
            group: GroupId(0),
            id: ZoneId(row.zone.to_native()),
            state: ZoneState::Serving,
            floor: LayerId(0),
            source: Source::Segment(segment),
            key: segment.key(),
        }
    }

    /// Its apex.
    pub fn apex(&self) -> NameRef<'a> {
        self.apex
    }

    /// What is to be done with queries for it. Of a zone of a single segment nothing is known: it counts as serving.
    pub fn state(&self) -> ZoneState {
        self.state
    }

    /// Its group; 0 for a zone of a single segment.
    pub fn group(&self) -> GroupId {
        self.group
    }

    /// Its id in the group's segments.
    pub fn id(&self) -> ZoneId {
        self.id
    }

    /// The key that its names are hashed with: what a [`LookupName`] is prepared with.
    pub fn key(&self) -> HashKey {
        self.key
    }

    /// Layers below this one are invisible for it.
    pub fn floor(&self) -> LayerId {
        self.floor
    }

    /// The serial of its SOA record; none for a zone without data.
    pub fn serial(&self) -> Option<u32> {
        Some(self.row()?.1.serial.to_native())
    }

    /// How many records it has, signatures included.
    pub fn record_count(&self) -> u64 {
        self.row().map_or(0, |(_, row)| row.records.to_native())
    }

    /// How many names it has, empty non-terminals included.
    pub fn name_count(&self) -> u64 {
        self.row().map_or(0, |(_, row)| u64::from(row.order_count.to_native()))
    }

    /// The apex's node; none for a zone without data.
    pub fn apex_node(&self) -> Option<Node<'a>> {
        let (segment, row) = self.row()?;
        segment.node_at(row.apex.to_native())
    }

    /// What the zone says about a name (RFC 1034, section 4.3.2, step 3). The name must be at or below the apex.
    ///
    /// In a zone without data, and in a damaged one, the closest encloser may be an empty node with the root's name.
    pub fn find(&self, name: &LookupName) -> Find<'a> {
        if let Some(hit) = self.probe(name, name.label_count()) {
            return self.hidden_by(name, hit).unwrap_or(Find::Name(hit.node));
        }
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
        match self.wildcard_child(hit) {
            Some(source) => Find::Wildcard { source, closest_encloser },
            None => Find::NoName { closest_encloser },
        }
    }

    /// The last node, at or before a name in canonical order, that owns an authoritative NSEC RRset: the one that proves
    /// what is (not) there. None in a zone that is not signed with NSEC.
    pub fn predecessor(&self, name: &LookupName) -> Option<Node<'a>> {
        let found = |depth| {
            let segment = self.source.get(depth)?;
            order::predecessor(segment.zones_root()?, segment.zone_row(self.id)?, name, self.apex_labels)
        };
        // Of equal names the newest layer's: a later maximum must be greater to win.
        (0..self.source.len()).filter_map(found).reduce(|best, node| match node.name() > best.name() {
            true => node,
            false => best,
        })
    }

    /// First pass of a batch of lookups: asks the processor for what [`prefetch_node`](Zone::prefetch_node) reads of a name.
    ///
    /// With all names of a batch taken through one pass before the next, and [`find`](Zone::find) last, the memory works on all of
    /// them at once. What was not asked for is found all the same.
    pub fn prefetch_index(&self, name: &LookupName) {
        let hash = name.hash(self.key, name.label_count());
        for segment in (0..self.source.len()).filter_map(|depth| self.source.get(depth)) {
            segment.prefetch_index(hash);
        }
    }

    /// Second pass of a batch of lookups: asks for the record of a name.
    pub fn prefetch_node(&self, name: &LookupName) {
        let hash = name.hash(self.key, name.label_count());
        for segment in (0..self.source.len()).filter_map(|depth| self.source.get(depth)) {
            segment.prefetch_node(hash);
        }
    }

    /// The node of exactly this name, occluded or not: for the addresses of a delegation's name servers.
    pub fn address_node(&self, name: &LookupName) -> Option<Node<'a>> {
        self.probe(name, name.label_count()).map(|hit| hit.node)
    }

    /// All of its nodes in canonical order, empty non-terminals and occluded names included.
    pub fn nodes(&self) -> Nodes<'a, B> {
        Nodes::new(*self)
    }

    /// The newest row of it, with its segment.
    fn row(&self) -> Option<(&'a Segment<B>, &'a ArchivedZoneRow)> {
        (0..self.source.len()).filter_map(|depth| self.source.get(depth)).find_map(|segment| {
            let row = segment.zone_row(self.id)?;
            Some((segment, row))
        })
    }

    /// The node of the last `labels` labels of a name, in the newest layer that has it.
    fn probe(&self, name: &LookupName, labels: usize) -> Option<Hit<'a>> {
        let wire = name.suffix(labels).as_wire();
        self.probe_above(self.source.len(), name.hash(self.key, labels), wire)
    }

    /// The node of a folded name, in the newest of the first `depths` layers that has it.
    fn probe_above(&self, depths: usize, hash: u64, lowercase_wire: &[u8]) -> Option<Hit<'a>> {
        (0..depths).find_map(|depth| {
            let node = self.source.get(depth)?.node(hash, self.id, lowercase_wire)?;
            Some(Hit { node, depth })
        })
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
        best.or_else(|| self.probe(name, self.apex_labels))
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

    /// The wildcard below a node that is not occluded.
    fn wildcard_child(&self, hit: Hit<'a>) -> Option<Node<'a>> {
        if !hit.node.has_wildcard_child() {
            return None;
        }
        let source = self.follow_link(hit)?.node;
        (source.is_wildcard() && source.name().parent() == Some(hit.node.name())).then_some(source)
    }

    /// The node that a node's link leads to, as the newest layer has it.
    fn follow_link(&self, hit: Hit<'a>) -> Option<Hit<'a>> {
        let (reference, hash) = hit.node.link()?;
        let target = self.source.get(hit.depth)?.node_at(reference)?;
        if hit.depth > 0 {
            let name = LookupName::new(self.key, target.name());
            if let Some(newer) = self.probe_above(hit.depth, hash, name.name().as_wire()) {
                return Some(newer);
            }
        }
        Some(Hit { node: target, depth: hit.depth })
    }
}

impl<B> std::fmt::Debug for Zone<'_, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Zone")
            .field("apex", &self.apex)
            .field("group", &self.group)
            .field("id", &self.id)
            .field("state", &self.state)
            .field("floor", &self.floor)
            .finish_non_exhaustive()
    }
}

/// Whether a node stands above a name.
fn is_above(name: &LookupName, node: Node<'_>) -> bool {
    name.is_at_or_below(node.name())
}

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

impl<B: SegmentOctets> Segment<B> {
    /// The zones it holds, by id; none in a directory. For tools and for building a group anew: queries go through a
    /// [`ZoneSet`](crate::ZoneSet), which knows which zones are to be seen.
    pub fn zones(&self) -> impl Iterator<Item = Zone<'_, B>> {
        self.zones_root().into_iter().flat_map(|root| root.zones.iter()).map(|row| Zone::of_segment(self, row))
    }

    /// The zone with the longest apex at or above a name, of those in this segment; see [`zones`](Segment::zones).
    pub fn find_zone(&self, name: &LookupName) -> Option<Zone<'_, B>> {
        let root = self.zones_root()?;
        (0..=name.label_count()).rev().find_map(|labels| {
            let wire = name.suffix(labels).as_wire();
            index::find(&root.buckets, name.hash(self.key(), labels), |reference| {
                let node = Node::at(&root.nodes, reference)?;
                let is_apex = node.is_apex() && node.is(node.zone(), wire);
                is_apex.then(|| self.zone_row(ZoneId(node.zone()))).flatten()
            })
            .map(|row| Zone::of_segment(self, row))
        })
    }
}
