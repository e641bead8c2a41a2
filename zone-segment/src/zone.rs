//! One zone of a generation: its state, and lookups in the layers of its stack that it is to be seen in.
//!
//! A layer holds whole zones, so the newest visible one that knows a name is right about it. Here is how a node is found; `find`
//! says what a name is, `denial` what proves it, `nodes` goes through all of them, `of_segment` takes a segment by itself.

use crate::directory::{EntryRef, ZoneState};
use crate::hash::HashKey;
use crate::ids::{GroupId, LayerId, ZoneId};
use crate::index;
use crate::lookup_name::LookupName;
use crate::map::{Mapping, SegmentOctets};
use crate::name::NameRef;
use crate::node::Node;
use crate::rrset::Target;
use crate::stack::Layer;
use crate::tables::{ArchivedZoneRow, ArchivedZonesRoot};

mod denial;
mod find;
mod marks;
mod nodes;
mod of_segment;

pub use denial::OrderPlace;
pub use find::Find;
pub use marks::{Marks, Piece};
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
            apex_labels: entry.labels(apex),
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

    /// How many labels its apex has; the root label is not counted.
    pub fn apex_label_count(&self) -> usize {
        self.apex_labels
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
        // Damage may call another zone's row its own.
        Node::at(root, row.start.to_native()).filter(|node| node.name() == self.apex)
    }

    /// The node of exactly this name, occluded or not: for the addresses of a delegation's name servers.
    pub fn address_node(&self, name: &LookupName) -> Option<Node<'a>> {
        self.probe_whole(name).map(|hit| hit.node)
    }

    /// Whether there may be a node of a name that an NS RRset speaks of. Of most names of other zones the RRset's segment knows better, and nothing
    /// is searched for or compared.
    #[inline]
    pub fn may_have(&self, target: Target<'a>) -> bool {
        target.node.is_some() || !self.older.is_empty()
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

    /// The layers it is looked for in, newest first.
    #[inline]
    fn roots(&self) -> impl Iterator<Item = &'a ArchivedZonesRoot> + use<'a, B> {
        let older = self.older.iter().filter_map(|layer| layer.segment.zones_root());
        self.newest.map(|(root, _)| root).into_iter().chain(older)
    }

    /// How many layers it is looked for in.
    #[inline]
    fn depths(&self) -> usize {
        usize::from(self.newest.is_some()) + self.older.len()
    }

    /// The layer at a depth, newest first.
    #[inline]
    fn root(&self, depth: usize) -> Option<&'a ArchivedZonesRoot> {
        match depth.checked_sub(1) {
            None => Some(self.newest?.0),
            Some(older) => self.older.get(older)?.segment.zones_root(),
        }
    }

    /// The layer at a depth and its row of this zone.
    #[inline]
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

    /// The node of a name, in the newest layer that has it.
    #[inline(always)]
    fn probe_whole(&self, name: &LookupName) -> Option<Hit<'a>> {
        let wire = name.name().as_wire();
        self.probe_above(self.depths(), name.full_hash(self.key), |node| node.is(wire))
    }

    /// The node of the last `labels` labels of a name, in the newest layer that has it.
    fn probe(&self, name: &LookupName, labels: usize) -> Option<Hit<'a>> {
        let wire = name.suffix(labels).as_wire();
        self.probe_above(self.depths(), name.hash(self.key, labels), |node| node.is(wire))
    }

    /// The node that `is_it` says yes to, in the newest of the first `depths` layers that has it under a hash.
    #[inline(always)]
    fn probe_above(&self, depths: usize, hash: u64, is_it: impl Fn(&Node<'a>) -> bool) -> Option<Hit<'a>> {
        if depths == 0 {
            return None;
        }
        let (root, row) = self.newest?;
        if let Some(node) = node_in(root, row, hash, &is_it) {
            return Some(Hit { node, depth: 0 });
        }
        // Most groups have one layer most of the time.
        (1..depths).find_map(|depth| {
            let root = self.root(depth)?;
            let node = node_in(root, zone_row(root, self.id), hash, &is_it)?;
            Some(Hit { node, depth })
        })
    }
}

/// The node of a zone in one segment that has a hash and that `is_it` says yes to.
#[inline(always)]
fn node_in<'a>(
    root: &'a ArchivedZonesRoot,
    row: Option<&ArchivedZoneRow>,
    hash: u64,
    is_it: impl Fn(&Node<'a>) -> bool,
) -> Option<Node<'a>> {
    // The same name may be in several zones of a segment: a cut in one is the apex of another.
    let row = row?;
    let of_zone = row.start.to_native()..row.end.to_native();
    index::find(&root.buckets, hash, |reference| {
        // The record may begin at the end of a line: both lines at once, not one behind the other.
        Node::prefetch(root, reference);
        Node::at(root, reference).filter(|node| of_zone.contains(&reference) && is_it(node))
    })
}

/// The row of a zone in a segment.
fn zone_row(root: &ArchivedZonesRoot, zone: ZoneId) -> Option<&ArchivedZoneRow> {
    let at = root.zones.binary_search_by_key(&zone.0, |row| row.zone.to_native()).ok()?;
    root.zones.get(at)
}

/// Whether a node belongs to the zone of a row.
#[inline]
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
