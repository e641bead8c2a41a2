//! The RRsets of one owner, gathered and then written as one record.

use std::collections::BTreeMap;

use crate::name::{Name, NameRef};
use crate::node;
use crate::rrset::DIRECTORY_ENTRY_OCTETS;

use super::{NodeFields, RRSIG, SOA};
use crate::error::WriteError;

/// An owner and its RRsets.
pub(super) struct Owner {
    /// Its name.
    pub(super) name: Name,
    /// By type; signatures under the type they cover.
    rrsets: BTreeMap<u16, Gathered>,
}

/// One RRset.
#[derive(Default)]
struct Gathered {
    /// The TTL of the records, once there are some.
    ttl: Option<u32>,
    /// The records.
    records: Vec<Box<[u8]>>,
    /// The TTL of the signatures, once there are some.
    signature_ttl: Option<u32>,
    /// The signatures.
    signatures: Vec<Box<[u8]>>,
}

impl Owner {
    /// An owner of nothing yet.
    pub(super) fn new(name: Name) -> Owner {
        Owner { name, rrsets: BTreeMap::new() }
    }

    /// Adds an RRset, or signatures.
    pub(super) fn add(&mut self, rtype: u16, ttl: u32, rdata: &[&[u8]]) -> Result<(), WriteError> {
        if let Some(long) = rdata.iter().find(|rdata| rdata.len() > RDATA_OCTETS_MAX) {
            return Err(WriteError::RdataTooLong {
                owner: self.name.clone(),
                rtype,
                expected_max: RDATA_OCTETS_MAX,
                found: long.len(),
            });
        }
        if rtype == RRSIG {
            return rdata.iter().try_for_each(|signature| self.add_signature(ttl, signature));
        }
        if rdata.is_empty() {
            return Ok(());
        }
        if rtype == SOA && rdata.iter().any(|rdata| soa_serial(rdata).is_none()) {
            return Err(WriteError::MalformedSoa { owner: self.name.clone() });
        }
        let gathered = self.rrsets.entry(rtype).or_default();
        if gathered.ttl.is_some() {
            return Err(WriteError::RrsetTwice { owner: self.name.clone(), rtype });
        }
        gathered.ttl = Some(ttl);
        gathered.records = rdata.iter().map(|rdata| Box::from(*rdata)).collect();
        sort(&mut gathered.records);
        Ok(())
    }

    /// Adds one signature to the RRset it covers. Signatures of one RRset with different TTLs get the least of them.
    fn add_signature(&mut self, ttl: u32, signature: &[u8]) -> Result<(), WriteError> {
        let Some(covered) = signature.first_chunk::<2>() else {
            return Err(WriteError::MalformedSignature { owner: self.name.clone(), found: signature.len() });
        };
        let gathered = self.rrsets.entry(u16::from_be_bytes(*covered)).or_default();
        gathered.signature_ttl = Some(gathered.signature_ttl.map_or(ttl, |other| other.min(ttl)));
        gathered.signatures.push(signature.into());
        sort(&mut gathered.signatures);
        Ok(())
    }

    /// Whether it owns records of a type.
    pub(super) fn has(&self, rtype: u16) -> bool {
        self.rrsets.get(&rtype).is_some_and(|gathered| !gathered.records.is_empty())
    }

    /// Whether it owns nothing, not even a signature.
    pub(super) fn is_empty(&self) -> bool {
        self.rrsets.is_empty()
    }

    /// How many records it owns, signatures included.
    pub(super) fn record_count(&self) -> u64 {
        self.rrsets.values().map(|gathered| (gathered.records.len() + gathered.signatures.len()) as u64).sum()
    }

    /// The serial of its SOA record.
    pub(super) fn serial(&self) -> Option<u32> {
        soa_serial(self.rrsets.get(&SOA)?.records.first()?)
    }

    /// Appends its record to the arena, which is filled up to a reference.
    pub(super) fn write(&self, arena: &mut Vec<u8>, fields: &NodeFields) -> Result<(), WriteError> {
        let start = arena.len();
        let name = self.name.as_wire();
        let types = u16::try_from(self.rrsets.len())
            .map_err(|_| self.too_large("types", u64::from(u16::MAX), self.rrsets.len()))?;
        arena.extend_from_slice(&fields.encode());
        // A name has at most 255 octets.
        arena[start + node::NAME_LENGTH_OFFSET] = name.len() as u8;
        arena[start + node::RRSETS_OFFSET..start + node::RRSETS_OFFSET + 2].copy_from_slice(&types.to_le_bytes());
        arena.extend_from_slice(name);
        arena.resize(start + (arena.len() - start).next_multiple_of(4), 0);
        let mut entry = arena.len();
        arena.resize(entry + self.rrsets.len() * DIRECTORY_ENTRY_OCTETS, 0);
        for (&rtype, gathered) in &self.rrsets {
            let octets = self.directory_entry(rtype, gathered, arena.len() - start)?;
            arena[entry..entry + DIRECTORY_ENTRY_OCTETS].copy_from_slice(&octets);
            entry += DIRECTORY_ENTRY_OCTETS;
            gathered.write(arena);
        }
        arena.resize(start + (arena.len() - start).next_multiple_of(8), 0);
        let length = arena.len() - start;
        let length = u32::try_from(length).map_err(|_| self.too_large("octets", u64::from(u32::MAX), length))?;
        arena[start..start + 4].copy_from_slice(&length.to_le_bytes());
        Ok(())
    }

    /// The directory entry of an RRset at an offset in the record.
    fn directory_entry(
        &self,
        rtype: u16,
        gathered: &Gathered,
        offset: usize,
    ) -> Result<[u8; DIRECTORY_ENTRY_OCTETS], WriteError> {
        let signatures = u16::try_from(gathered.signatures.len())
            .map_err(|_| self.too_large("signatures", u64::from(u16::MAX), gathered.signatures.len()))?;
        let count = u32::try_from(gathered.records.len())
            .map_err(|_| self.too_large("records", u64::from(u32::MAX), gathered.records.len()))?;
        let offset = u32::try_from(offset).map_err(|_| self.too_large("octets", u64::from(u32::MAX), offset))?;
        let ttl = gathered.ttl.or(gathered.signature_ttl).unwrap_or(0);
        let mut octets = [0; DIRECTORY_ENTRY_OCTETS];
        octets[0..2].copy_from_slice(&rtype.to_le_bytes());
        octets[2..4].copy_from_slice(&signatures.to_le_bytes());
        octets[4..8].copy_from_slice(&count.to_le_bytes());
        octets[8..12].copy_from_slice(&ttl.to_le_bytes());
        octets[12..16].copy_from_slice(&offset.to_le_bytes());
        Ok(octets)
    }

    /// The error of an owner that a record cannot hold.
    fn too_large(&self, what: &'static str, expected_max: u64, found: usize) -> WriteError {
        WriteError::OwnerTooLarge { owner: self.name.clone(), what, expected_max, found: found as u64 }
    }
}

impl Gathered {
    /// Appends the records and signatures.
    fn write(&self, arena: &mut Vec<u8>) {
        write_rdata(arena, &self.records);
        if let Some(ttl) = self.signature_ttl {
            arena.extend_from_slice(&ttl.to_le_bytes());
            write_rdata(arena, &self.signatures);
        }
    }
}

/// Appends RDATA, each with its length.
fn write_rdata(arena: &mut Vec<u8>, rdata: &[Box<[u8]>]) {
    for rdata in rdata {
        // `add` refuses longer ones.
        arena.extend_from_slice(&(rdata.len() as u16).to_le_bytes());
        arena.extend_from_slice(rdata);
    }
}

/// Sorts RDATA as octets (RFC 4034, section 6.3) and keeps equal ones once (RFC 2181, section 5).
fn sort(rdata: &mut Vec<Box<[u8]>>) {
    rdata.sort_unstable();
    rdata.dedup();
}

/// The serial of a SOA record's RDATA; none when it is malformed.
fn soa_serial(rdata: &[u8]) -> Option<u32> {
    let (_, mname) = NameRef::parse_prefix(rdata).ok()?;
    let (_, rname) = NameRef::parse_prefix(rdata.get(mname..)?).ok()?;
    let numbers: &[u8; 20] = rdata.get(mname + rname..)?.try_into().ok()?;
    numbers.first_chunk::<4>().map(|serial| u32::from_be_bytes(*serial))
}

/// The most octets of RDATA (RFC 1035, section 3.2.1).
const RDATA_OCTETS_MAX: usize = u16::MAX as usize;
