//! The TSIG record (RFC 8945, section 4.2): [`find`] it at the end of a message, write it there, [`strip`] it off.

use zone_segment::{Name, NameRef};

use super::digest::Timers;
use crate::message::header::HEADER_OCTETS;
use crate::message::raw::{RawRecord, parse_question, walk_name};
use crate::message::{Fault, Header, Malformed};
use crate::types::{Class, Rcode, Rtype};

/// The TSIG record of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tsig<'m> {
    /// Where in the message it starts: the octets of the message without it.
    pub start: usize,
    /// The name of the key.
    pub key: Name,
    /// The name of the algorithm.
    pub algorithm: Name,
    /// When it was signed, in seconds since 1970.
    pub time_signed: u64,
    /// How far clocks may lie apart, in seconds.
    pub fudge: u16,
    /// The MAC; empty where an error says that nothing is signed.
    pub mac: &'m [u8],
    /// The id that the signer gave the message.
    pub original_id: u16,
    /// What was wrong with the request.
    pub error: Rcode,
    /// Other data: the server's time with BADTIME.
    pub other: &'m [u8],
}

impl Tsig<'_> {
    /// Its timers.
    pub(super) fn timers(&self) -> Timers {
        Timers { time: self.time_signed, fudge: self.fudge }
    }
}

/// Finds the TSIG record of a message, which must be the last of the additional section, and the only one (RFC 8945, section 5.1). All
/// records are walked.
///
/// # Errors
///
/// Where the message is malformed, a TSIG record stands elsewhere, or it is none inside.
pub fn find(message: &[u8]) -> Result<Option<Tsig<'_>>, Malformed> {
    let malformed = |offset, fault| Malformed { offset, fault };
    let header = Header::parse(message).ok_or(malformed(message.len(), Fault::Header))?;
    let [questions, answers, authority, additional] = header.counts.map(usize::from);
    let question = parse_question(message, header);
    if questions > 0 && question.is_none() {
        return Err(malformed(HEADER_OCTETS, Fault::Question));
    }
    let mut position = HEADER_OCTETS + question.map_or(0, |question| question.wire.len());
    let count = answers + authority + additional;
    let mut found = None;
    for index in 0..count {
        let record = RawRecord::parse(message, position).ok_or(malformed(position, Fault::Record))?;
        if record.rtype == Rtype::TSIG {
            let is_in_place = index + 1 == count && additional > 0;
            let tsig = is_in_place.then(|| parse(message, position, &record)).flatten();
            found = Some(tsig.ok_or(malformed(position, Fault::Tsig))?);
        }
        position = record.end;
    }
    if position != message.len() {
        return Err(malformed(position, Fault::Trailing));
    }
    Ok(found)
}

/// Reads the record that starts at `start`. The name of the algorithm is not compressed (section 4.2).
fn parse<'m>(message: &'m [u8], start: usize, record: &RawRecord<'m>) -> Option<Tsig<'m>> {
    if (Class(record.class), record.ttl) != (Class::ANY, 0) {
        return None;
    }
    let mut key = Vec::new();
    walk_name(message, start, |label| key.extend_from_slice(label))?;
    let (algorithm, octets) = NameRef::parse_prefix(record.rdata).ok()?;
    let ([a, b, c, d, e, f, g, h], rest) = record.rdata.get(octets..)?.split_first_chunk()?;
    let (mac, rest) = sized(rest)?;
    let ([i, j, k, l], rest) = rest.split_first_chunk()?;
    let (other, rest) = sized(rest)?;
    rest.is_empty().then_some(Tsig {
        start,
        key: Name::from_wire(&key).ok()?,
        algorithm: algorithm.to_name(),
        time_signed: u64::from_be_bytes([0, 0, *a, *b, *c, *d, *e, *f]),
        fudge: u16::from_be_bytes([*g, *h]),
        mac,
        original_id: u16::from_be_bytes([*i, *j]),
        error: Rcode(u16::from_be_bytes([*k, *l])),
        other,
    })
}

/// Takes octets with their number before them.
fn sized(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = octets.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// Takes the TSIG record off a message, and gives the message the id that its signer gave it, so that it can be passed on under another
/// key (RFC 8945, section 5.5). Says whether there was one.
///
/// # Errors
///
/// As [`find`] has them; the message stays as it is.
pub fn strip(message: &mut Vec<u8>) -> Result<bool, Malformed> {
    let Some(tsig) = find(message)? else { return Ok(false) };
    let (start, original_id) = (tsig.start, tsig.original_id);
    message.truncate(start);
    change_header(message, |header| {
        header.id = original_id;
        let [.., additional] = &mut header.counts;
        *additional = additional.saturating_sub(1);
    });
    Ok(true)
}

/// What a TSIG record is written from.
pub(super) struct Written<'a> {
    /// The name of the key.
    pub(super) key: NameRef<'a>,
    /// The name of the algorithm, in wire form.
    pub(super) algorithm: &'a [u8],
    /// When it is signed.
    pub(super) timers: Timers,
    /// The MAC.
    pub(super) mac: &'a [u8],
    /// What was wrong with the request.
    pub(super) error: Rcode,
    /// Other data.
    pub(super) other: &'a [u8],
}

impl Written<'_> {
    /// Adds the record to a message, whose id becomes the original id.
    pub(super) fn push(&self, message: &mut Vec<u8>) {
        let Some(Header { id, .. }) = Header::parse(message) else { return };
        let rdata = self.algorithm.len() + RDATA_FIXED_OCTETS + self.mac.len() + self.other.len();
        message.extend_from_slice(self.key.as_wire());
        message.extend_from_slice(&Rtype::TSIG.0.to_be_bytes());
        message.extend_from_slice(&Class::ANY.0.to_be_bytes());
        message.extend_from_slice(&0u32.to_be_bytes());
        message.extend_from_slice(&(rdata as u16).to_be_bytes());
        message.extend_from_slice(self.algorithm);
        message.extend_from_slice(&self.timers.to_wire());
        message.extend_from_slice(&(self.mac.len() as u16).to_be_bytes());
        message.extend_from_slice(self.mac);
        message.extend_from_slice(&id.to_be_bytes());
        message.extend_from_slice(&self.error.0.to_be_bytes());
        message.extend_from_slice(&(self.other.len() as u16).to_be_bytes());
        message.extend_from_slice(self.other);
        change_header(message, |header| {
            let [.., additional] = &mut header.counts;
            // A message of 65,535 octets has room for less than 6,000 records.
            *additional = additional.saturating_add(1);
        });
    }
}

/// The octets of a TSIG record: of a key's and an algorithm's name of so many octets, a MAC and other data.
pub(super) const fn octets(key: usize, algorithm: usize, mac: usize, other: usize) -> usize {
    key + RECORD_FIXED_OCTETS + algorithm + RDATA_FIXED_OCTETS + mac + other
}

/// Changes the header of a message.
fn change_header(message: &mut [u8], change: impl FnOnce(&mut Header)) {
    let Some(mut header) = Header::parse(message) else { return };
    change(&mut header);
    if let Some(place) = message.first_chunk_mut() {
        *place = header.to_wire();
    }
}

/// Octets of a record beside its owner and RDATA.
const RECORD_FIXED_OCTETS: usize = 10;

/// Octets of a TSIG record's RDATA beside the algorithm's name, the MAC and other data.
const RDATA_FIXED_OCTETS: usize = 6 + 2 + 2 + 2 + 2 + 2;
