//! An RRset: its entry in a node's directory, its records and the signatures that cover it.
//!
//! ```text
//! directory entry:  0 u16 type, 2 u32 place: with the top bit a reference in the shared arena, without it an offset in the
//!                   node's record
//! at the place:     0 u32 TTL, 4 u8 records, 5 u8 signatures, its top bit says that there are targets;
//!                   if there are 255 records: u16 records and u16 signatures, which count in place of the two before;
//!                   if there are targets: a u32 for each record, the node of the name that the record speaks of;
//!                   the records, each u16 length and RDATA in wire form;
//!                   if there are signatures: u32 their TTL, then they, each u16 length and RDATA
//! ```
//!
//! What many owners have alike, the name servers of a registrar, lies once in the shared arena.

use std::fmt;

use crate::name::NameRef;
use crate::octets::{from_reference, u8_at, u16_at, u32_at};
use crate::tables::NO_NODE;

/// Octets of an entry of a node's RRset directory.
pub(crate) const DIRECTORY_ENTRY_OCTETS: usize = 6;
/// In a place: it is in the shared arena.
pub(crate) const SHARED: u32 = 1 << 31;
/// Offset of the number of records.
const RECORDS_OFFSET: usize = 4;
/// Offset of the number of signatures.
const SIGNATURES_OFFSET: usize = 5;
/// In the number of signatures: there are targets.
pub(crate) const TARGETS: u8 = 1 << 7;
/// As the number of records: wider numbers follow.
pub(crate) const WIDE: u8 = u8::MAX;
/// Octets before what depends on the numbers.
const BODY_FIXED_OCTETS: usize = 6;
/// Octets of the wider numbers.
const WIDE_OCTETS: usize = 4;
/// Octets of a target.
pub(crate) const TARGET_OCTETS: usize = 4;

/// Records of one owner and type, with the signatures that cover them.
#[derive(Clone, Copy)]
pub struct Rrset<'a> {
    /// What lies at its place, and what follows that.
    body: &'a [u8],
    /// The type.
    rtype: u16,
    /// How many records.
    records: u16,
    /// How many signatures.
    signatures: u16,
    /// Where the targets or, without them, the records begin.
    start: u8,
}

impl<'a> Rrset<'a> {
    /// Reads a directory entry.
    #[inline]
    pub(crate) fn from_entry(record: &'a [u8], shared: &'a [u8], entry: &[u8; DIRECTORY_ENTRY_OCTETS]) -> Rrset<'a> {
        let place = u32_at(entry, 2);
        let body = match place & SHARED {
            0 => record.get(place as usize..).unwrap_or_default(),
            _ => from_reference(shared, place & !SHARED),
        };
        Rrset::of_body(body, u16_at(entry, 0))
    }

    /// An RRset whose octets lie somewhere else.
    #[inline]
    pub(crate) fn of_body(body: &'a [u8], rtype: u16) -> Rrset<'a> {
        let records = u8_at(body, RECORDS_OFFSET);
        let signatures = u8_at(body, SIGNATURES_OFFSET) & !TARGETS;
        if records == WIDE {
            let (records, signatures) = (u16_at(body, BODY_FIXED_OCTETS), u16_at(body, BODY_FIXED_OCTETS + 2));
            return Rrset { body, rtype, records, signatures, start: (BODY_FIXED_OCTETS + WIDE_OCTETS) as u8 };
        }
        let (records, signatures) = (u16::from(records), u16::from(signatures));
        Rrset { body, rtype, records, signatures, start: BODY_FIXED_OCTETS as u8 }
    }

    /// The type.
    pub fn rtype(&self) -> u16 {
        self.rtype
    }

    /// The TTL.
    pub fn ttl(&self) -> u32 {
        u32_at(self.body, 0)
    }

    /// How many records. In a damaged segment there may be fewer.
    pub fn len(&self) -> usize {
        // Each record takes two octets at least: a caller that reserves room by this reserves no more than there are.
        usize::from(self.records).min(self.body.len() / 2)
    }

    /// Whether it has no records: then it only holds signatures that cover nothing here.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// The records' RDATA, uncompressed, in canonical order (RFC 4034, section 6.3, but for the case of names in it).
    #[inline]
    pub fn rdata(&self) -> Rdata<'a> {
        let start = usize::from(self.start) + self.target_octets().len();
        Rdata { rest: self.body.get(start..).unwrap_or_default(), left: self.records }
    }

    /// How many signatures cover it.
    pub fn signature_count(&self) -> usize {
        usize::from(self.signatures)
    }

    /// The RDATA of the RRSIG records that cover it.
    pub fn signatures(&self) -> Rdata<'a> {
        Rdata { rest: self.behind_records().get(4..).unwrap_or_default(), left: self.signatures }
    }

    /// The TTL of the RRSIG records that cover it; that of the RRset without any.
    pub fn signature_ttl(&self) -> u32 {
        match self.signature_count() {
            0 => self.ttl(),
            _ => u32_at(self.behind_records(), 0),
        }
    }

    /// The names that an NS RRset speaks of, each with what its segment says of where that name's node is.
    pub fn targets(self) -> impl Iterator<Item = Target<'a>> + use<'a> {
        let links = self.target_octets();
        self.rdata().enumerate().filter_map(move |(at, rdata)| {
            let name = NameRef::from_wire(rdata).ok()?;
            let link = links.get(at * TARGET_OCTETS..).filter(|link| !link.is_empty());
            Some(Target { name, node: link.map(|link| u32_at(link, 0)).filter(|node| *node != NO_NODE) })
        })
    }

    /// The targets.
    #[inline]
    pub(crate) fn target_octets(&self) -> &'a [u8] {
        match u8_at(self.body, SIGNATURES_OFFSET) & TARGETS {
            0 => &[],
            _ => {
                let start = usize::from(self.start);
                self.body.get(start..start + usize::from(self.records) * TARGET_OCTETS).unwrap_or_default()
            }
        }
    }

    /// Where its targets begin.
    pub(crate) fn target_offset(&self) -> usize {
        usize::from(self.start)
    }

    /// Octets that it takes.
    pub(crate) fn octets(&self) -> usize {
        let rest = match self.signature_count() {
            0 => self.behind_records(),
            _ => {
                let mut signatures = self.signatures();
                while signatures.next().is_some() {}
                signatures.rest
            }
        };
        self.body.len() - rest.len()
    }

    /// What follows the records.
    fn behind_records(&self) -> &'a [u8] {
        let mut rdata = self.rdata();
        while rdata.next().is_some() {}
        rdata.rest
    }
}

impl fmt::Debug for Rrset<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rrset")
            .field("rtype", &self.rtype)
            .field("ttl", &self.ttl())
            .field("records", &self.len())
            .field("signatures", &self.signature_count())
            .finish()
    }
}

/// A name that a record speaks of; see [`Rrset::targets`].
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The name.
    pub name: NameRef<'a>,
    /// Reference of its node in the RRset's own segment; none when it is not in there.
    pub(crate) node: Option<u32>,
}

/// RDATA, one record after the other; see [`Rrset::rdata`].
#[derive(Clone, Debug)]
pub struct Rdata<'a> {
    /// What is left of the octets.
    rest: &'a [u8],
    /// How many records are left.
    left: u16,
}

impl<'a> Iterator for Rdata<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        let (length, rest) = self.rest.split_first_chunk::<2>()?;
        let (rdata, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        self.rest = rest;
        Some(rdata)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(usize::from(self.left)))
    }
}
