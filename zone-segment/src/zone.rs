//! One zone of a generation: its state, and lookups in the layers of its stack that it is to be seen in.
//!
//! The newest visible layer that has all of the zone is its base; layers above may have changes, and the newest of them that says anything of
//! a name is right about it (`overlay`). Here is how a node is found; `find` says what a name is, `denial` what proves it, `nodes` goes through all of them, `of_segment` takes a segment by itself.

use crate::directory::{EntryRef, ZoneState};
use crate::hash::HashKey;
use crate::ids::{GroupId, LayerId, ZoneId};
use crate::lookup_name::LookupName;
use crate::map::{Mapping, SegmentOctets};
use crate::name::NameRef;
use crate::node::Node;
use crate::overlay::{Overlay, node_in};
use crate::rrset::Target;
use crate::stack::Stack;
use crate::tables::{ArchivedZoneRow, ArchivedZonesRoot, CHANGES};

mod denial;
mod find;
mod marks;
mod nodes;
mod of_segment;

pub use denial::OrderPlace;
pub use find::Find;
pub use marks::{Marks, Piece};
use nodes::Changed;
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
    /// The newest visible layer that has all of it, and its row there.
    base: Option<(&'a ArchivedZonesRoot, &'a ArchivedZoneRow)>,
    /// What changed of it since, in the layers above.
    overlay: Option<&'a Overlay<B>>,
    /// The key of the name hash.
    key: HashKey,
}

impl<B> Clone for Zone<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for Zone<'_, B> {}

/// A node, and where it was found.
#[derive(Clone, Copy)]
struct Hit<'a> {
    /// The node.
    node: Node<'a>,
    /// Whether it is in the base: then its links lead to nodes there, as far as no delta says otherwise.
    is_in_base: bool,
}

impl<'a, B: SegmentOctets> Zone<'a, B> {
    /// A zone of the directory, in the stack of its group.
    pub(crate) fn of_entry(entry: EntryRef<'a>, key: HashKey, stack: Option<&'a Stack<B>>) -> Zone<'a, B> {
        let apex = entry.apex();
        let (floor, id) = (entry.floor(), entry.zone());
        let overlay = stack.and_then(|stack| stack.overlay(id));
        let layers = stack.map_or(&[][..], Stack::layers).iter().take_while(|layer| layer.id >= floor);
        let (base, overlay) = match overlay {
            // Changes of what is not to be seen are not to be seen.
            Some(overlay) => match overlay.base().filter(|base| base.id() >= floor) {
                Some(base) => (base.tables(), Some(overlay)),
                None => (None, None),
            },
            None => (layers.filter_map(|layer| layer.segment.zones_root()).find_map(|root| whole_row(root, id)), None),
        };
        let apex_labels = entry.labels(apex);
        Zone { apex, apex_labels, group: entry.group(), id, state: entry.state(), floor, base, overlay, key }
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
            base: Some((root, row)),
            overlay: None,
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
        self.row().map_or(0, |(_, row)| u64::from(row.zone_names.to_native()))
    }

    /// The apex's node; none for a zone without data.
    pub fn apex_node(&self) -> Option<Node<'a>> {
        // Deltas have it too: with each change there is another serial.
        let (root, row) = self.row()?;
        // Damage may call another zone's row its own.
        Node::at(root, row.start.to_native()).filter(|node| node.name() == self.apex)
    }

    /// Whether another zone, of whatever generation, has the same data for certain: that of the same layers.
    pub fn is_same_data(&self, other: &Zone<'_, B>) -> bool {
        let rows =
            |zone: &Zone<'_, B>| zone.layers().map(|(_, row)| std::ptr::from_ref(row).addr()).collect::<Vec<_>>();
        rows(self) == rows(other)
    }

    /// Whether there are changes of it above its base.
    pub fn has_changes(&self) -> bool {
        self.overlay.is_some()
    }

    /// The node of exactly this name, occluded or not: for the addresses of a delegation's name servers.
    pub fn address_node(&self, name: &LookupName) -> Option<Node<'a>> {
        self.probe_whole(name).map(|hit| hit.node)
    }

    /// Whether there may be a node of a name that an NS RRset speaks of. Of most names of other zones the RRset's segment knows better, and nothing
    /// is searched for or compared.
    #[inline]
    pub fn may_have(&self, target: Target<'a>) -> bool {
        target.node.is_some() || self.overlay.is_some()
    }

    /// The node of a name that an NS RRset speaks of: as [`address_node`](Zone::address_node), without a search where the RRset's
    /// segment says where it is. `owner` is the node that owns the RRset, `room` is used when there is a search.
    pub fn target_node(&self, owner: Node<'a>, target: Target<'a>, room: &mut LookupName) -> Option<Node<'a>> {
        let linked = || {
            let (root, row) = self.base?;
            let is_here = owner.reference_in(root).is_some();
            let node = Node::at(root, target.node.filter(|node| is_here && is_in(*node, row))?)?;
            // A damaged link is as none.
            (node.name() == target.name).then_some(node)
        };
        let linked = linked();
        if self.overlay.is_none() {
            // What its segment says nothing of is not there.
            return linked.or_else(|| {
                target.node?;
                room.set(self.key, target.name);
                self.address_node(room)
            });
        }
        room.set(self.key, target.name);
        match linked {
            // What no delta may know needs no search.
            Some(node) if !self.overlay.is_some_and(|overlay| overlay.may_have(room.full_hash(self.key))) => Some(node),
            _ => self.address_node(room),
        }
    }

    /// All of its nodes in canonical order, empty non-terminals and occluded names included.
    pub fn nodes(&self) -> Nodes<'a> {
        Nodes::new(self)
    }

    /// Its nodes behind a name in canonical order; the name is at or below the apex and need not exist.
    pub fn nodes_behind(&self, name: &LookupName) -> Nodes<'a> {
        Nodes::behind(self, name)
    }

    /// The tables of the layer that has all of it, and its row there.
    pub(crate) fn base_tables(&self) -> Option<(&'a ArchivedZonesRoot, &'a ArchivedZoneRow)> {
        self.base
    }

    /// The names that changed since, tombstones included, in canonical order.
    pub(crate) fn changed_nodes(&self) -> impl Iterator<Item = Node<'a>> + use<'a, B> {
        Changed::new(self)
    }

    /// Each layer that has something of it, newest first, and its row there; the last one has all of it.
    fn layers(&self) -> impl Iterator<Item = (&'a ArchivedZonesRoot, &'a ArchivedZoneRow)> + use<'a, B> {
        let deltas = self.overlay.map_or(&[][..], Overlay::deltas);
        deltas.iter().filter_map(|part| part.tables()).chain(self.base)
    }

    /// The row that says how it stands as a whole, with its segment's tables.
    #[inline]
    fn row(&self) -> Option<(&'a ArchivedZonesRoot, &'a ArchivedZoneRow)> {
        match self.overlay {
            Some(overlay) => overlay.newest(),
            None => self.base,
        }
    }

    /// The node of a name, in the newest layer that says anything of it.
    #[inline(always)]
    fn probe_whole(&self, name: &LookupName) -> Option<Hit<'a>> {
        let wire = name.name().as_wire();
        self.probe_hash(name.full_hash(self.key), |node| node.is(wire))
    }

    /// The node of the last `labels` labels of a name, in the newest layer that says anything of it.
    fn probe(&self, name: &LookupName, labels: usize) -> Option<Hit<'a>> {
        let wire = name.suffix(labels).as_wire();
        self.probe_hash(name.hash(self.key, labels), |node| node.is(wire))
    }

    /// The node that `is_it` says yes to, in the newest layer that says anything of it under a hash.
    #[inline(always)]
    fn probe_hash(&self, hash: u64, is_it: impl Fn(&Node<'a>) -> bool) -> Option<Hit<'a>> {
        // Most zones have no changes most of the time, and most names of the others did not change.
        if let Some(overlay) = self.overlay.filter(|overlay| overlay.may_have(hash))
            && let Some(node) = overlay.find(hash, &is_it)
        {
            return (!node.is_tombstone()).then_some(Hit { node, is_in_base: false });
        }
        let (root, row) = self.base?;
        node_in(root, row, hash, is_it).map(|node| Hit { node, is_in_base: true })
    }
}

/// The row of a zone in a segment that has all of it.
fn whole_row(root: &ArchivedZonesRoot, zone: ZoneId) -> Option<(&ArchivedZonesRoot, &ArchivedZoneRow)> {
    zone_row(root, zone).filter(|row| row.flags.to_native() & CHANGES == 0).map(|row| (root, row))
}

/// The row of a zone in a segment.
fn zone_row(root: &ArchivedZonesRoot, zone: ZoneId) -> Option<&ArchivedZoneRow> {
    let at = root.zones.binary_search_by_key(&zone.0, |row| row.zone.to_native()).ok()?;
    root.zones.get(at)
}

/// Whether a node belongs to the zone of a row.
#[inline]
fn is_in(reference: u32, row: &ArchivedZoneRow) -> bool {
    (row.start.to_native()..row.end.to_native()).contains(&reference)
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
