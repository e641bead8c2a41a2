//! One zone of a generation: its state, and lookups in the layers of its stack that it is to be seen in.
//!
//! A layer holds whole zones, so the newest visible one that knows a name is right about it. [`Zone::find`] decides what
//! a name is in the words of RFC 1034, section 4.3.2; it reads flags that the writer computed.

use crate::denial::{self, Nsec3};
use crate::directory::{EntryRef, ZoneState};
use crate::hash::HashKey;
use crate::ids::{GroupId, LayerId, ZoneId};
use crate::index;
use crate::lookup_name::LookupName;
use crate::map::{Mapping, SegmentOctets};
use crate::name::NameRef;
use crate::node::Node;
use crate::order;
use crate::rrset::Target;
use crate::segment::Segment;
use crate::stack::{LAYERS_MAX, Layer};
use crate::tables::{ArchivedZoneRow, ArchivedZonesRoot};

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
    /// The newest visible layer, and its row of this zone.
    newest: Option<(&'a ArchivedZonesRoot, Option<&'a ArchivedZoneRow>)>,
    /// The visible layers behind it, newest first.
    older: &'a [Layer<B>],
    /// The key of the name hash.
    key: HashKey,
}

impl<B> Clone for Zone<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for Zone<'_, B> {}

/// A node, and how deep in the stack it was found.
#[derive(Clone, Copy)]
struct Hit<'a> {
    /// The node.
    node: Node<'a>,
    /// Depth of its layer: links of its are hints that layers above may overrule.
    depth: usize,
}

/// Where in the canonical order a name is or would be; see [`Zone::order_block`].
#[derive(Clone, Copy, Debug)]
pub struct OrderBlock {
    /// The block of each layer.
    blocks: [usize; LAYERS_MAX],
}

impl<'a, B: SegmentOctets> Zone<'a, B> {
    /// A zone of the directory; `layers` are its group's, newest first.
    pub(crate) fn of_entry(entry: EntryRef<'a>, key: HashKey, layers: &'a [Layer<B>]) -> Zone<'a, B> {
        let apex = entry.apex();
        let floor = entry.floor();
        let id = entry.zone();
        let visible = layers.iter().take_while(|layer| layer.id >= floor).count();
        let (newest, older) = match layers[..visible].split_first() {
            Some((newest, older)) => (newest.segment.zones_root(), older),
            None => (None, &[][..]),
        };
        Zone {
            apex,
            apex_labels: apex.label_count(),
            group: entry.group(),
            id,
            state: entry.state(),
            floor,
            newest: newest.map(|root| (root, zone_row(root, id))),
            older,
            key,
        }
    }

    /// A zone of one segment by itself.
    pub(crate) fn of_segment(root: &'a ArchivedZonesRoot, row: &'a ArchivedZoneRow, key: HashKey) -> Zone<'a, B> {
        let apex = Node::at(root, row.start.to_native()).unwrap_or(Node::NOTHING).name();
        Zone {
            apex,
            apex_labels: apex.label_count(),
            group: GroupId(0),
            id: ZoneId(row.zone.to_native()),
            state: ZoneState::Serving,
            floor: LayerId(0),
            newest: Some((root, Some(row))),
            older: &[],
            key,
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
        self.row().map_or(0, |(_, row)| u64::from(row.names.to_native()))
    }

    /// The apex's node; none for a zone without data.
    pub fn apex_node(&self) -> Option<Node<'a>> {
        let (root, row) = self.row()?;
        Node::at(root, row.start.to_native())
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
        match self.wildcard_child(name, hit) {
            Some(source) => Find::Wildcard { source, closest_encloser },
            None => Find::NoName { closest_encloser },
        }
    }

    /// The last node, at or before a name in canonical order, that owns an authoritative NSEC RRset: the one that proves
    /// what is (not) there. None in a zone that is not signed with NSEC.
    pub fn predecessor(&self, name: &LookupName) -> Option<Node<'a>> {
        self.predecessor_in(self.order_block(name), name)
    }

    /// First pass of a batch of [`predecessor`](Zone::predecessor): finds where a name is or would be in the order, and asks the
    /// processor for what the second pass, [`predecessor_in`](Zone::predecessor_in), reads.
    pub fn order_block(&self, name: &LookupName) -> OrderBlock {
        let mut blocks = [0; LAYERS_MAX];
        for (depth, block) in blocks.iter_mut().enumerate().take(self.depths()) {
            if let Some((root, row)) = self.layer(depth) {
                *block = order::block_of(root, row, name, self.apex_labels);
                order::prefetch_block(root, row, *block);
            }
        }
        OrderBlock { blocks }
    }

    /// The [`predecessor`](Zone::predecessor) of a name whose block is known.
    pub fn predecessor_in(&self, block: OrderBlock, name: &LookupName) -> Option<Node<'a>> {
        let found = |(depth, block): (usize, usize)| {
            let (root, row) = self.layer(depth)?;
            order::predecessor(root, row, block, name)
        };
        // Of equal names the newest layer's: a later maximum must be greater to win.
        block.blocks.into_iter().enumerate().take(self.depths()).filter_map(found).reduce(|best, node| {
            match node.name() > best.name() {
                true => node,
                false => best,
            }
        })
    }

    /// What its NSEC3 chain says of a hash: that of the parameters in the first NSEC3PARAM record at the apex with no flags set
    /// (RFC 5155, section 4.1.2). None in a zone that is not signed so.
    pub fn nsec3(&self, hash: &[u8; 20]) -> Option<Nsec3<'a>> {
        let found = |depth| {
            let (root, row) = self.layer(depth)?;
            denial::at_or_before(root, row, hash)
        };
        // The nearest before the hash, counted round the end of the chain; of equal ones the newest layer's.
        let nearest = (0..self.depths()).filter_map(found).reduce(|best, other| {
            let place = |found: &(Node<'_>, [u8; 20])| (found.1 <= *hash, found.1);
            if place(&other) > place(&best) { other } else { best }
        });
        let (node, owner) = nearest?;
        Some(if owner == *hash { Nsec3::Match(node) } else { Nsec3::Cover(node) })
    }

    /// First pass of a batch of lookups: asks the processor for what [`prefetch_node`](Zone::prefetch_node) reads of a name.
    ///
    /// With all names of a batch taken through one pass before the next, and [`find`](Zone::find) last, the memory works on all of
    /// them at once. What was not asked for is found all the same.
    pub fn prefetch_index(&self, name: &LookupName) {
        let hash = name.hash(self.key, name.label_count());
        for root in (0..self.depths()).filter_map(|depth| self.root(depth)) {
            index::prefetch(&root.buckets, hash);
        }
    }

    /// Second pass of a batch of lookups: asks for the record of a name.
    pub fn prefetch_node(&self, name: &LookupName) {
        let hash = name.hash(self.key, name.label_count());
        for root in (0..self.depths()).filter_map(|depth| self.root(depth)) {
            index::find(&root.buckets, hash, |reference| {
                Node::prefetch(root, reference);
                None::<()>
            });
        }
    }

    /// The node of exactly this name, occluded or not: for the addresses of a delegation's name servers.
    pub fn address_node(&self, name: &LookupName) -> Option<Node<'a>> {
        self.probe(name, name.label_count()).map(|hit| hit.node)
    }

    /// The node of a name that an NS RRset speaks of: as [`address_node`](Zone::address_node), without a search where the RRset's
    /// segment says where it is. `owner` is the node that owns the RRset, `room` is used when there is a search.
    pub fn target_node(&self, owner: Node<'a>, target: Target<'a>, room: &mut LookupName) -> Option<Node<'a>> {
        let linked = || {
            let (root, row) = self.newest?;
            let is_here = root.nodes.as_ptr_range().contains(&owner.record().as_ptr());
            let node = Node::at(root, target.node.filter(|node| is_here && is_in(*node, row))?)?;
            // A damaged link is as none.
            (node.name() == target.name).then_some(node)
        };
        linked().or_else(|| {
            // What one layer does not have, another one may.
            if self.older.is_empty() && target.node.is_none() {
                return None;
            }
            room.set(self.key, target.name);
            self.address_node(room)
        })
    }

    /// All of its nodes in canonical order, empty non-terminals and occluded names included.
    pub fn nodes(&self) -> Nodes<'a> {
        Nodes::new(self)
    }

    /// How many layers it is looked for in.
    fn depths(&self) -> usize {
        usize::from(self.newest.is_some()) + self.older.len()
    }

    /// The layer at a depth, newest first.
    fn root(&self, depth: usize) -> Option<&'a ArchivedZonesRoot> {
        match depth.checked_sub(1) {
            None => Some(self.newest?.0),
            Some(older) => self.older.get(older)?.segment.zones_root(),
        }
    }

    /// The layer at a depth and its row of this zone.
    fn layer(&self, depth: usize) -> Option<(&'a ArchivedZonesRoot, &'a ArchivedZoneRow)> {
        if depth == 0 {
            let (root, row) = self.newest?;
            return Some((root, row?));
        }
        let root = self.root(depth)?;
        Some((root, zone_row(root, self.id)?))
    }

    /// The newest row of it, with its layer.
    fn row(&self) -> Option<(&'a ArchivedZonesRoot, &'a ArchivedZoneRow)> {
        (0..self.depths()).find_map(|depth| self.layer(depth))
    }

    /// The node of the last `labels` labels of a name, in the newest layer that has it.
    fn probe(&self, name: &LookupName, labels: usize) -> Option<Hit<'a>> {
        let wire = name.suffix(labels).as_wire();
        self.probe_above(self.depths(), name.hash(self.key, labels), |node| node.is(wire))
    }

    /// The node that `is_it` says yes to, in the newest of the first `depths` layers that has it under a hash.
    fn probe_above(&self, depths: usize, hash: u64, is_it: impl Fn(&Node<'a>) -> bool) -> Option<Hit<'a>> {
        (0..depths).find_map(|depth| {
            let root = self.root(depth)?;
            let node = index::find(&root.buckets, hash, |reference| {
                let node = Node::at(root, reference).filter(&is_it)?;
                // The same name may be in several zones of a segment: a cut in one is the apex of another.
                let (_, row) = self.layer(depth)?;
                is_in(reference, Some(row)).then_some(node)
            })?;
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

    /// The wildcard below the closest encloser of a name.
    fn wildcard_child(&self, name: &LookupName, closest_encloser: Hit<'a>) -> Option<Node<'a>> {
        if !closest_encloser.node.has_wildcard_child() {
            return None;
        }
        let labels = closest_encloser.node.name().label_count();
        let wire = name.suffix(labels).as_wire();
        let hash = name.wildcard_hash(self.key, labels);
        self.probe_above(self.depths(), hash, |node| node.is_wildcard_of(wire)).map(|hit| hit.node)
    }

    /// The node that a node's link leads to, as the newest layer has it.
    fn follow_link(&self, hit: Hit<'a>) -> Option<Hit<'a>> {
        let reference = hit.node.link()?;
        let (root, row) = self.layer(hit.depth)?;
        let target = Node::at(root, reference).filter(|_| is_in(reference, Some(row)))?;
        if hit.depth > 0 {
            let name = LookupName::new(self.key, target.name());
            let wire = name.name().as_wire();
            let hash = name.hash(self.key, name.label_count());
            if let Some(newer) = self.probe_above(hit.depth, hash, |node| node.is(wire)) {
                return Some(newer);
            }
        }
        Some(Hit { node: target, depth: hit.depth })
    }
}

/// The row of a zone in a segment.
fn zone_row(root: &ArchivedZonesRoot, zone: ZoneId) -> Option<&ArchivedZoneRow> {
    let at = root.zones.binary_search_by_key(&zone.0, |row| row.zone.to_native()).ok()?;
    root.zones.get(at)
}

/// Whether a node belongs to the zone of a row.
fn is_in(reference: u32, row: Option<&ArchivedZoneRow>) -> bool {
    row.is_some_and(|row| (row.start.to_native()..row.end.to_native()).contains(&reference))
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
        let rows = self.zones_root().into_iter().flat_map(|root| root.zones.iter().map(move |row| (root, row)));
        rows.map(|(root, row)| Zone::of_segment(root, row, self.key()))
    }

    /// The zone with the longest apex at or above a name, of those in this segment; see [`zones`](Segment::zones).
    pub fn find_zone(&self, name: &LookupName) -> Option<Zone<'_, B>> {
        let root = self.zones_root()?;
        (0..=name.label_count()).rev().find_map(|labels| {
            let wire = name.suffix(labels).as_wire();
            let reference = index::find(&root.buckets, name.hash(self.key(), labels), |reference| {
                Node::at(root, reference).filter(|node| node.is_apex() && node.is(wire)).map(|_| reference)
            })?;
            // The link of an apex is its zone's id.
            let row = zone_row(root, ZoneId(Node::at(root, reference)?.link()?))?;
            (row.start.to_native() == reference).then(|| Zone::of_segment(root, row, self.key()))
        })
    }
}
