//! What takes a zone's RRsets: [`Sink`], and the segment's writer as one.

use dns::types::Rtype;
use zone_segment::{NameRef, SegmentWriter, WriteError, ZoneId};

/// Takes the RRsets of zones as they are made.
pub trait Sink {
    /// What can go wrong.
    type Error;

    /// Begins a zone.
    fn start_zone(&mut self, id: ZoneId, apex: NameRef<'_>) -> Result<(), Self::Error>;

    /// Takes an RRset of the zone: owners come in canonical order, signatures as type RRSIG, those of each covered type in a call of
    /// its own with its own TTL.
    fn rrset(&mut self, owner: NameRef<'_>, rtype: Rtype, ttl: u32, rdata: &[&[u8]]) -> Result<(), Self::Error>;
}

impl Sink for SegmentWriter {
    type Error = WriteError;

    fn start_zone(&mut self, id: ZoneId, apex: NameRef<'_>) -> Result<(), WriteError> {
        self.start_zone(id, apex)
    }

    fn rrset(&mut self, owner: NameRef<'_>, rtype: Rtype, ttl: u32, rdata: &[&[u8]]) -> Result<(), WriteError> {
        self.rrset(owner, rtype.0, ttl, rdata)
    }
}
