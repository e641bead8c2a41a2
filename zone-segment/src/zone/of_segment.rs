//! The zones of one segment by itself, without a directory: for tools, and for building a group anew.

use crate::ids::ZoneId;
use crate::index;
use crate::lookup_name::LookupName;
use crate::map::SegmentOctets;
use crate::node::Node;
use crate::segment::Segment;

use super::{Zone, zone_row};

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
