//! The RRsets of one owner, gathered in any order of types.

use std::ops::Range;

use crate::error::WriteError;
use crate::name::Name;
use crate::source::SourceRecord;

use super::RRSIG;

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
struct Gathered {
    /// Its type.
    rtype: u16,
    /// The TTL of the records, once there are some.
    ttl: Option<u32>,
    /// The records.
    records: Vec<Range<usize>>,
    /// The TTL of the signatures, once there are some.
    signature_ttl: Option<u32>,
    /// The signatures.
    signatures: Vec<Range<usize>>,
}

impl Owner {
    /// An owner of nothing yet.
    pub(super) fn new(name: Name) -> Owner {
        Owner { name, rrsets: Vec::new(), octets: Vec::new() }
    }

    /// Adds an RRset, or signatures.
    pub(super) fn add(&mut self, rtype: u16, ttl: u32, rdata: &[&[u8]]) -> Result<(), WriteError> {
        if rtype == RRSIG {
            return self.add_signatures(ttl, rdata);
        }
        if rdata.is_empty() {
            return Ok(());
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

    /// Its records by type, then its signatures by the type they cover.
    pub(super) fn records(&self) -> impl Iterator<Item = SourceRecord<'_>> {
        let of = |rtype, ttl: Option<u32>, ranges: &'_ [Range<usize>]| {
            let ttl = ttl.unwrap_or(0);
            ranges.iter().map(move |range| (rtype, ttl, range.clone())).collect::<Vec<_>>()
        };
        let records = self.rrsets.iter().flat_map(move |gathered| of(gathered.rtype, gathered.ttl, &gathered.records));
        let signatures =
            self.rrsets.iter().flat_map(move |gathered| of(RRSIG, gathered.signature_ttl, &gathered.signatures));
        records.chain(signatures).map(|(rtype, ttl, range)| SourceRecord { rtype, ttl, rdata: &self.octets[range] })
    }
}

/// Sorts RDATA and keeps equal ones once.
fn sort(octets: &[u8], rdata: &mut Vec<Range<usize>>) {
    rdata.sort_unstable_by(|a, b| octets[a.clone()].cmp(&octets[b.clone()]));
    rdata.dedup_by(|a, b| octets[a.clone()] == octets[b.clone()]);
}
