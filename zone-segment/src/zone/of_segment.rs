//! The zones of one segment by itself, without a directory: for tools, and for building a group anew.

use crate::ids::ZoneId;
use crate::index;
use crate::lookup_name::LookupName;
use crate::map::SegmentOctets;
use crate::node::Node;
use crate::order;
use crate::segment::Segment;
use crate::tables::{CHANGES, STRUCTURAL};

use super::{Zone, zone_row};

impl<B: SegmentOctets> Segment<B> {
    /// The zones it holds, by id; none in a directory. For tools and for building a group anew: queries go through a
    /// [`ZoneSet`](crate::ZoneSet), which knows which zones are to be seen.
    pub fn zones(&self) -> impl Iterator<Item = Zone<'_, B>> {
        let rows = self.zones_root().into_iter().flat_map(|root| root.zones.iter().map(move |row| (root, row)));
        rows.map(|(root, row)| Zone::of_segment(root, row, self.key()))
    }

    /// What it says of a zone of which it has changes: the numbers of the zone as a whole, the nodes, and whether only names above a name say
    /// what hides it.
    pub(crate) fn changes_of(&self, id: ZoneId) -> Option<(Zone<'_, B>, (order::Nodes<'_>, bool))> {
        let root = self.zones_root()?;
        let row = zone_row(root, id)?;
        let flags = row.flags.to_native();
        let nodes = order::Nodes::of_zone(root, row);
        (flags & CHANGES != 0).then(|| (Zone::of_segment(root, row, self.key()), (nodes, flags & STRUCTURAL != 0)))
    }

    /// The ids of zones of which it has changes alone.
    pub fn changed_zones(&self) -> impl Iterator<Item = ZoneId> {
        let rows = self.zones_root().into_iter().flat_map(|root| root.zones.iter());
        rows.filter(|row| row.flags.to_native() & CHANGES != 0).map(|row| ZoneId(row.zone.to_native()))
    }

    /// Octets of its nodes: what it is about, without what every segment has.
    pub fn node_octets(&self) -> u64 {
        self.zones_root().map_or(0, |root| root.nodes.len() as u64)
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
