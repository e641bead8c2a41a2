//! Messages that ask: [`question`] writes what a secondary asks its primary, and the notification to a secondary; [`forwarded`] makes
//! of an update one that goes on to the primary.

use zone_segment::NameRef;

use super::header::{self, HEADER_OCTETS, Header};
use super::raw::parse_question;
use super::records::Malformed;
use crate::tsig;
use crate::types::{Class, Opcode, Rtype};

/// What is asked about a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// Its SOA record, to see whether it has changed (RFC 1034, section 4.3.5).
    Soa,
    /// All of it (RFC 5936).
    Axfr,
    /// What changed since a version (RFC 1995, section 3).
    Ixfr {
        /// The RDATA of that version's SOA record.
        soa: &'a [u8],
    },
    /// Nothing: it has changed (RFC 1996).
    Notify {
        /// TTL and RDATA of its SOA record, as a hint.
        soa: Option<(u32, &'a [u8])>,
    },
}

/// A message that asks about a zone of class IN. Without recursion, EDNS and signature; the latter is for
/// [`sign_request`](crate::tsig::sign_request) to add.
pub fn question(id: u16, zone: NameRef<'_>, asked: Asked<'_>) -> Vec<u8> {
    let (rtype, opcode, flags) = match asked {
        Asked::Soa => (Rtype::SOA, Opcode::QUERY, 0),
        Asked::Axfr => (Rtype::AXFR, Opcode::QUERY, 0),
        Asked::Ixfr { .. } => (Rtype::IXFR, Opcode::QUERY, 0),
        // As in the example of RFC 1996, section 5.
        Asked::Notify { .. } => (Rtype::SOA, Opcode::NOTIFY, header::AA),
    };
    let (counts, soa) = match asked {
        Asked::Soa | Asked::Axfr | Asked::Notify { soa: None } => ([1, 0, 0, 0], None),
        Asked::Ixfr { soa } => ([1, 0, 1, 0], Some((0, soa))),
        Asked::Notify { soa: Some(soa) } => ([1, 1, 0, 0], Some(soa)),
    };
    let header = Header { id, flags: header::flags_of(opcode) | flags, counts };
    let mut message =
        Vec::with_capacity(HEADER_OCTETS + zone.as_wire().len() + 16 + soa.map_or(0, |(_, soa)| soa.len()));
    message.extend_from_slice(&header.to_wire());
    message.extend_from_slice(zone.as_wire());
    message.extend_from_slice(&rtype.0.to_be_bytes());
    message.extend_from_slice(&Class::IN.0.to_be_bytes());
    if let Some((ttl, soa)) = soa {
        message.extend_from_slice(&POINTER_TO_QUESTION);
        message.extend_from_slice(&Rtype::SOA.0.to_be_bytes());
        message.extend_from_slice(&Class::IN.0.to_be_bytes());
        message.extend_from_slice(&ttl.to_be_bytes());
        // An SOA record's has at most 530 octets.
        message.extend_from_slice(&(soa.len() as u16).to_be_bytes());
        message.extend_from_slice(soa);
    }
    message
}

/// An update as it goes on to the primary (RFC 2136, section 6): under an id of our own, its signature taken off, for another to be put
/// there.
///
/// # Errors
///
/// Where the message is malformed.
pub fn forwarded(update: &[u8], id: u16) -> Result<Vec<u8>, Malformed> {
    let mut message = update.to_vec();
    tsig::strip(&mut message)?;
    set_id(&mut message, id);
    Ok(message)
}

/// Gives a message another id.
pub fn set_id(message: &mut [u8], id: u16) {
    if let Some(place) = message.first_chunk_mut() {
        *place = id.to_be_bytes();
    }
}

/// Whether a message is the answer to what was asked: a response with its id and opcode, and its question, in any case. One without a
/// question is too: servers leave it out of errors, and of the later messages of a transfer.
pub fn is_answer_to(asked: &[u8], answer: &[u8]) -> bool {
    let (Some(asked_header), Some(header)) = (Header::parse(asked), Header::parse(answer)) else { return false };
    let is_response = header.has(header::QR) && header.id == asked_header.id;
    if !is_response || header.opcode() != asked_header.opcode() {
        return false;
    }
    let [questions, ..] = header.counts;
    if questions == 0 {
        return true;
    }
    let parts = |message, header| parse_question(message, header).map(|found| (found.name, found.rtype, found.class));
    let (expected, found) = (parts(asked, asked_header), parts(answer, header));
    expected.is_some() && expected == found
}

/// A pointer to the name behind the header.
const POINTER_TO_QUESTION: [u8; 2] = [0xc0, HEADER_OCTETS as u8];
