//! The RRsets of one owner, gathered in any order of types.

use std::ops::Range;

use crate::error::WriteError;
use crate::name::{Name, NameRef};

use super::{NS, RRSIG, SOA};

/// An owner and its RRsets.
pub(super) struct Owner {
    /// Its name.
    pub(super) name: Name,
    /// By type; signatures under the type they cover.
    rrsets: Vec<Gathered>,
    /// The RDATA of all of them.
    octets: Vec<u8>,
}

/// One RRset: RDATA as ranges of the owner's octets, sorted as octets (RFC 4034, section 6.3), equal ones once (RFC 2181, section 5).
pub(super) struct Gathered {
    /// Its type.
    pub(super) rtype: u16,
    /// The TTL of the records, once there are some.
    ttl: Option<u32>,
    /// The records.
    pub(super) records: Vec<Range<usize>>,
    /// The TTL of the signatures, once there are some.
    pub(super) signature_ttl: Option<u32>,
    /// The signatures.
    pub(super) signatures: Vec<Range<usize>>,
}

impl Gathered {
    /// The TTL to write: that of the signatures where there is nothing else.
    pub(super) fn ttl(&self) -> u32 {
        self.ttl.or(self.signature_ttl).unwrap_or(0)
    }
}

impl Owner {
    /// An owner of nothing yet.
    pub(super) fn new(name: Name) -> Owner {
        Owner { name, rrsets: Vec::new(), octets: Vec::new() }
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
            return self.add_signatures(ttl, rdata);
        }
        if rdata.is_empty() {
            return Ok(());
        }
        if rtype == SOA && rdata.iter().any(|rdata| soa_serial(rdata).is_none()) {
            return Err(WriteError::MalformedSoa { owner: self.name.clone() });
        }
        let at = self.gathered(rtype);
        if self.rrsets[at].ttl.is_some() {
            return Err(WriteError::RrsetTwice { owner: self.name.clone(), rtype });
        }
        self.rrsets[at].ttl = Some(ttl);
        let records: Vec<Range<usize>> = rdata.iter().map(|rdata| self.keep(rdata)).collect();
        self.rrsets[at].records = records;
        sort(&self.octets, &mut self.rrsets[at].records);
        Ok(())
    }

    /// Adds signatures to the RRsets they cover.
    fn add_signatures(&mut self, ttl: u32, signatures: &[&[u8]]) -> Result<(), WriteError> {
        let mut covered =
            signatures.iter().map(|signature| self.add_signature(ttl, signature)).collect::<Result<Vec<u16>, _>>()?;
        // Sorted once a call, not once a signature: there may be as many as a zone file has lines.
        covered.sort_unstable();
        covered.dedup();
        for rtype in covered {
            let at = self.gathered(rtype);
            sort(&self.octets, &mut self.rrsets[at].signatures);
        }
        Ok(())
    }

    /// Adds one signature to the RRset it covers, behind the others, and gives that one's type. Signatures of one RRset with different TTLs get the least of them.
    fn add_signature(&mut self, ttl: u32, signature: &[u8]) -> Result<u16, WriteError> {
        let Some(covered) = signature.first_chunk::<2>() else {
            return Err(WriteError::MalformedSignature { owner: self.name.clone(), found: signature.len() });
        };
        let rtype = u16::from_be_bytes(*covered);
        let at = self.gathered(rtype);
        let range = self.keep(signature);
        let gathered = &mut self.rrsets[at];
        gathered.signature_ttl = Some(gathered.signature_ttl.map_or(ttl, |other| other.min(ttl)));
        gathered.signatures.push(range);
        Ok(rtype)
    }

    /// The place of the RRset of a type, made if need be.
    fn gathered(&mut self, rtype: u16) -> usize {
        self.rrsets.binary_search_by_key(&rtype, |gathered| gathered.rtype).unwrap_or_else(|at| {
            let gathered =
                Gathered { rtype, ttl: None, records: Vec::new(), signature_ttl: None, signatures: Vec::new() };
            self.rrsets.insert(at, gathered);
            at
        })
    }

    /// Keeps RDATA.
    fn keep(&mut self, rdata: &[u8]) -> Range<usize> {
        let start = self.octets.len();
        self.octets.extend_from_slice(rdata);
        start..self.octets.len()
    }

    /// Its RRsets by type.
    pub(super) fn rrsets(&self) -> &[Gathered] {
        &self.rrsets
    }

    /// RDATA by its range.
    pub(super) fn rdata(&self, range: &Range<usize>) -> &[u8] {
        &self.octets[range.clone()]
    }

    /// The first record of a type.
    pub(super) fn first(&self, rtype: u16) -> Option<&[u8]> {
        let at = self.rrsets.binary_search_by_key(&rtype, |gathered| gathered.rtype).ok()?;
        Some(self.rdata(self.rrsets[at].records.first()?))
    }

    /// Whether it owns records of a type.
    pub(super) fn has(&self, rtype: u16) -> bool {
        self.first(rtype).is_some()
    }

    /// Whether it owns nothing, not even a signature.
    pub(super) fn is_empty(&self) -> bool {
        self.rrsets.is_empty()
    }

    /// How many records it owns, signatures included.
    pub(super) fn record_count(&self) -> u64 {
        self.rrsets.iter().map(|gathered| (gathered.records.len() + gathered.signatures.len()) as u64).sum()
    }

    /// The serial of its SOA record.
    pub(super) fn serial(&self) -> Option<u32> {
        soa_serial(self.first(SOA)?)
    }

    /// Whether an RRset names servers that are in a zone: then their nodes are linked.
    pub(super) fn has_targets(&self, gathered: &Gathered, apex: NameRef<'_>) -> bool {
        let is_in_zone = |range| NameRef::from_wire(self.rdata(range)).is_ok_and(|name| name.is_at_or_below(apex));
        gathered.rtype == NS && gathered.records.iter().any(is_in_zone)
    }
}

/// Sorts RDATA and keeps equal ones once.
fn sort(octets: &[u8], rdata: &mut Vec<Range<usize>>) {
    rdata.sort_unstable_by(|a, b| octets[a.clone()].cmp(&octets[b.clone()]));
    rdata.dedup_by(|a, b| octets[a.clone()] == octets[b.clone()]);
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
