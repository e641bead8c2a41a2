//! A zone as it came in, record by record or from a segment: one arena of octets, and rows that point into it.

use std::ops::Range;

use crate::ids::ZoneId;
use crate::map::SegmentOctets;
use crate::name::{Name, NameRef};
use crate::source::{SourceRecord, Visitor, ZoneSource};
use crate::zone::Zone;

/// A zone that was gathered.
pub(crate) struct GatheredZone {
    /// Its id.
    pub(crate) id: ZoneId,
    /// Its apex.
    pub(crate) apex: Name,
    /// Names and RDATA.
    octets: Vec<u8>,
    /// The owners, in canonical order.
    owners: Vec<Row>,
    /// The records of all of them.
    records: Vec<RecordRow>,
}

/// An owner.
struct Row {
    /// Where its name is.
    name: Range<usize>,
    /// Its records.
    records: Range<usize>,
}

/// A record.
struct RecordRow {
    /// Its type.
    rtype: u16,
    /// Its TTL.
    ttl: u32,
    /// Where its RDATA is.
    rdata: Range<usize>,
}

impl GatheredZone {
    /// A zone without records.
    pub(crate) fn new(id: ZoneId, apex: Name) -> GatheredZone {
        GatheredZone { id, apex, octets: Vec::new(), owners: Vec::new(), records: Vec::new() }
    }

    /// A zone of a segment as it is.
    pub(crate) fn copy<B: SegmentOctets>(id: ZoneId, zone: &Zone<'_, B>) -> GatheredZone {
        let mut copy = GatheredZone::new(id, zone.apex().to_name());
        for node in zone.nodes() {
            copy.push(node.name(), node.records());
        }
        copy
    }

    /// Adds an owner; one of nothing is left out.
    pub(crate) fn push<'r>(&mut self, owner: NameRef<'_>, records: impl Iterator<Item = SourceRecord<'r>>) {
        let first = self.records.len();
        for SourceRecord { rtype, ttl, rdata } in records {
            let rdata = self.keep(rdata);
            self.records.push(RecordRow { rtype, ttl, rdata });
        }
        if self.records.len() > first {
            let name = self.keep(owner.as_wire());
            self.owners.push(Row { name, records: first..self.records.len() });
        }
    }

    /// The name of the last owner.
    pub(crate) fn last(&self) -> Option<NameRef<'_>> {
        self.owners.last().map(|owner| NameRef::from_checked(&self.octets[owner.name.clone()]))
    }

    /// Keeps octets.
    fn keep(&mut self, octets: &[u8]) -> Range<usize> {
        let start = self.octets.len();
        self.octets.extend_from_slice(octets);
        start..self.octets.len()
    }
}

impl ZoneSource for GatheredZone {
    fn len(&self) -> usize {
        self.owners.len()
    }

    fn name(&self, rank: usize) -> NameRef<'_> {
        NameRef::from_checked(&self.octets[self.owners[rank].name.clone()])
    }

    fn visit<'a>(&'a self, ranks: Range<usize>, to: &mut Visitor<'_, 'a>) {
        let mut records = Vec::new();
        for rank in ranks {
            records.clear();
            records.extend(self.records[self.owners[rank].records.clone()].iter().map(|record| SourceRecord {
                rtype: record.rtype,
                ttl: record.ttl,
                rdata: &self.octets[record.rdata.clone()],
            }));
            if to(rank, self.name(rank), &records).is_break() {
                break;
            }
        }
    }
}
