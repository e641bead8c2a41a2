//! An RRset in a node's record: its directory entry, its records and the signatures that cover it.
//!
//! ```text
//! directory entry:  0 u16 type, 2 u16 signatures, 4 u32 records, 8 u32 TTL, 12 u32 offset in the node's record
//! at the offset:    the records, each u16 length and RDATA in wire form;
//!                   if there are signatures: u32 their TTL, then they, each u16 length and RDATA
//! ```

use std::fmt;

use crate::octets::{u16_at, u32_at};

/// Octets of an entry of a node's RRset directory.
pub(crate) const DIRECTORY_ENTRY_OCTETS: usize = 16;

/// Records of one owner and type, with the signatures that cover them.
#[derive(Clone, Copy)]
pub struct Rrset<'a> {
    /// The node's record.
    record: &'a [u8],
    /// The type.
    rtype: u16,
    /// How many signatures.
    signatures: u16,
    /// How many records.
    count: u32,
    /// The TTL.
    ttl: u32,
    /// Where the records begin, in the node's record.
    offset: u32,
}

impl<'a> Rrset<'a> {
    /// Reads a directory entry.
    pub(crate) fn from_entry(record: &'a [u8], entry: &[u8]) -> Rrset<'a> {
        Rrset {
            record,
            rtype: u16_at(entry, 0),
            signatures: u16_at(entry, 2),
            count: u32_at(entry, 4),
            ttl: u32_at(entry, 8),
            offset: u32_at(entry, 12),
        }
    }

    /// The type.
    pub fn rtype(&self) -> u16 {
        self.rtype
    }

    /// The TTL.
    pub fn ttl(&self) -> u32 {
        self.ttl
    }

    /// How many records. In a damaged segment there may be fewer.
    pub fn len(&self) -> usize {
        // Each record takes two octets at least: a caller that reserves room by this reserves no more than a record's.
        (self.count as usize).min(self.record.len() / 2)
    }

    /// Whether it has no records: then it only holds signatures that cover nothing here.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The records' RDATA, uncompressed, in canonical order (RFC 4034, section 6.3, but for the case of names in it).
    pub fn rdata(&self) -> Rdata<'a> {
        Rdata { rest: self.record.get(self.offset as usize..).unwrap_or_default(), left: self.count }
    }

    /// How many signatures cover it.
    pub fn signature_count(&self) -> usize {
        usize::from(self.signatures)
    }

    /// The RDATA of the RRSIG records that cover it.
    pub fn signatures(&self) -> Rdata<'a> {
        Rdata { rest: self.behind_records().get(4..).unwrap_or_default(), left: u32::from(self.signatures) }
    }

    /// The TTL of the RRSIG records that cover it; that of the RRset without any.
    pub fn signature_ttl(&self) -> u32 {
        match self.signatures {
            0 => self.ttl,
            _ => u32_at(self.behind_records(), 0),
        }
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
            .field("ttl", &self.ttl)
            .field("records", &self.count)
            .field("signatures", &self.signatures)
            .finish()
    }
}

/// RDATA, one record after the other; see [`Rrset::rdata`].
#[derive(Clone, Debug)]
pub struct Rdata<'a> {
    /// What is left of the node's record.
    rest: &'a [u8],
    /// How many records are left.
    left: u32,
}

impl<'a> Iterator for Rdata<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        let (length, rest) = self.rest.split_first_chunk::<2>()?;
        let (rdata, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        self.rest = rest;
        Some(rdata)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left as usize))
    }
}
