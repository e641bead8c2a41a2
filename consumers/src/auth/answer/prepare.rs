//! What is done for all queries of a batch before the first is answered: their names are hashed, and the processor is asked for what the
//! lookups will read, in passes, so that the memory works on all of them at once.
//!
//! Read [`prepare()`]. It is a hint and decides nothing: [`respond`](super::respond) checks every query itself, and answers one that was left out
//! here all the same. Only the zone is not looked for again by [`respond_from`](super::respond_from).

use dns::message::header::{HEADER_OCTETS, Header, QR};
use dns::types::Opcode;
use zone_segment::{NameRef, SegmentOctets, Zone, ZoneSet};

use super::Scratch;

/// The zones of a batch's queries, in their order; `None` where a query was left out, or no zone is served.
pub type Prepared<'z, B> = [Option<Zone<'z, B>>; PREPARED_MAX];

/// Prepares the scratch of each query for its answer from `zones`, and finds its zone; the first [`PREPARED_MAX`] of them.
///
/// What is no query, or has no question, is left out.
pub fn prepare<'q, 'z, B: SegmentOctets>(
    queries: impl IntoIterator<Item = &'q [u8]>,
    zones: &'z ZoneSet<B>,
    scratches: &mut [Scratch],
) -> Prepared<'z, B> {
    let mut found: Prepared<'z, B> = [const { None }; PREPARED_MAX];
    let mut last = None;
    for ((query, scratch), zone) in queries.into_iter().zip(&mut *scratches).zip(&mut found) {
        let Some(name) = question_name(query) else { continue };
        scratch.lookup.set(zones.key(), name);
        last = zones.find_zone_again(&scratch.lookup, last.as_ref());
        if let Some(found) = last {
            found.prefetch_index(&scratch.lookup);
            *zone = Some(found);
        }
    }
    for (scratch, zone) in scratches.iter().zip(&found) {
        if let Some(zone) = zone {
            zone.prefetch_node(&scratch.lookup);
        }
    }
    found
}

/// The name that a message asks for, if it is one that is looked up.
fn question_name(message: &[u8]) -> Option<NameRef<'_>> {
    let header = Header::parse(message)?;
    if header.has(QR) || header.opcode() != Opcode::QUERY || header.counts[0] != 1 {
        return None;
    }
    NameRef::parse_prefix(message.get(HEADER_OCTETS..)?).ok().map(|(name, _)| name)
}

/// The most queries prepared together: the names of so many fit into the processor's nearest cache, with what is read for them.
pub const PREPARED_MAX: usize = 32;
