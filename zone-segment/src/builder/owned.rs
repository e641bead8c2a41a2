//! The RRsets of one owner, as a source hands over its records: signatures beside what they cover.

use std::ops::Range;

use crate::error::WriteError;
use crate::name::NameRef;
use crate::source::SourceRecord;

use super::{NS, RRSIG, SOA};

/// The most octets of RDATA (RFC 1035, section 3.2.1).
const RDATA_OCTETS_MAX: usize = u16::MAX as usize;

/// The records of one owner. One is used again for the next, so that nothing is allocated for each.
#[derive(Default)]
pub(super) struct Owned<'a> {
    /// As the source has them.
    records: Vec<SourceRecord<'a>>,
    /// By type.
    rrsets: Vec<Gathered>,
}

/// One RRset, as ranges of its owner's records.
#[derive(Clone)]
pub(super) struct Gathered {
    /// The type.
    pub(super) rtype: u16,
    /// The records.
    records: Range<usize>,
    /// The signatures that cover them.
    signatures: Range<usize>,
}

impl<'a> Owned<'a> {
    /// Takes in an owner.
    pub(super) fn set(&mut self, owner: NameRef<'_>, records: &[SourceRecord<'a>]) -> Result<(), WriteError> {
        self.records.clear();
        self.records.extend_from_slice(records);
        self.gather(owner)
    }

    /// Finds the RRsets of an owner.
    fn gather(&mut self, owner: NameRef<'_>) -> Result<(), WriteError> {
        self.rrsets.clear();
        let mut start = 0;
        while let Some(first) = self.records.get(start) {
            let belongs_to = checked(owner, first)?;
            let mut end = start + 1;
            while let Some(next) = self.records.get(end).filter(|next| next.rtype == first.rtype) {
                if checked(owner, next)? != belongs_to {
                    break;
                }
                end += 1;
            }
            let rtype = first.rtype;
            let gathered = self.gathered(belongs_to);
            let range = if rtype == RRSIG { &mut gathered.signatures } else { &mut gathered.records };
            if range.end > range.start {
                return Err(WriteError::RrsetTwice { owner: owner.to_name(), rtype });
            }
            *range = start..end;
            start = end;
        }
        Ok(())
    }

    /// The RRset of a type, made if need be.
    fn gathered(&mut self, rtype: u16) -> &mut Gathered {
        let at = match self.rrsets.last() {
            Some(last) if last.rtype >= rtype => self.rrsets.binary_search_by_key(&rtype, |gathered| gathered.rtype),
            _ => Err(self.rrsets.len()),
        };
        let at = at.unwrap_or_else(|at| {
            self.rrsets.insert(at, Gathered { rtype, records: 0..0, signatures: 0..0 });
            at
        });
        &mut self.rrsets[at]
    }

    /// Its RRsets by type.
    pub(super) fn rrsets(&self) -> &[Gathered] {
        &self.rrsets
    }

    /// The records of an RRset.
    pub(super) fn records(&self, gathered: &Gathered) -> &[SourceRecord<'a>] {
        &self.records[gathered.records.clone()]
    }

    /// The signatures of an RRset.
    pub(super) fn signatures(&self, gathered: &Gathered) -> &[SourceRecord<'a>] {
        &self.records[gathered.signatures.clone()]
    }

    /// The records of a type.
    pub(super) fn of_type(&self, rtype: u16) -> &[SourceRecord<'a>] {
        match self.rrsets.binary_search_by_key(&rtype, |gathered| gathered.rtype) {
            Ok(at) => self.records(&self.rrsets[at]),
            Err(_) => &[],
        }
    }

    /// Whether it owns records of a type.
    pub(super) fn has(&self, rtype: u16) -> bool {
        !self.of_type(rtype).is_empty()
    }

    /// Whether it owns nothing, not even a signature.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How many records it owns, signatures included.
    pub(super) fn record_count(&self) -> usize {
        self.records.len()
    }

    /// The serial of its SOA record.
    pub(super) fn serial(&self) -> Option<u32> {
        soa_serial(self.of_type(SOA).first()?.rdata)
    }

    /// Whether an RRset names servers that are in a zone: then their nodes are linked.
    pub(super) fn has_targets(&self, gathered: &Gathered, apex: NameRef<'_>) -> bool {
        let is_in_zone = |record: &SourceRecord<'_>| {
            // What does not end as the apex does is not below it, and most name servers do not.
            let (rdata, apex_wire) = (record.rdata, apex.as_wire());
            rdata.len() >= apex_wire.len()
                && rdata[rdata.len() - apex_wire.len()..].eq_ignore_ascii_case(apex_wire)
                && NameRef::from_wire(rdata).is_ok_and(|name| name.is_at_or_below(apex))
        };
        gathered.rtype == NS && self.records(gathered).iter().any(is_in_zone)
    }
}

/// The type that a record of an owner belongs to, if it can be written: of a signature, the type that it covers.
fn checked(owner: NameRef<'_>, record: &SourceRecord<'_>) -> Result<u16, WriteError> {
    let (rtype, found) = (record.rtype, record.rdata.len());
    if found > RDATA_OCTETS_MAX {
        return Err(WriteError::RdataTooLong { owner: owner.to_name(), rtype, expected_max: RDATA_OCTETS_MAX, found });
    }
    match (rtype, record.rdata) {
        (RRSIG, [high, low, ..]) => Ok(u16::from_be_bytes([*high, *low])),
        (RRSIG, _) => Err(WriteError::MalformedSignature { owner: owner.to_name(), found }),
        (SOA, rdata) if soa_serial(rdata).is_none() => Err(WriteError::MalformedSoa { owner: owner.to_name() }),
        _ => Ok(rtype),
    }
}

/// The serial of a SOA record's RDATA; none when it is malformed.
fn soa_serial(rdata: &[u8]) -> Option<u32> {
    let (_, mname) = NameRef::parse_prefix(rdata).ok()?;
    let (_, rname) = NameRef::parse_prefix(rdata.get(mname..)?).ok()?;
    let numbers: &[u8; 20] = rdata.get(mname + rname..)?.try_into().ok()?;
    numbers.first_chunk::<4>().map(|serial| u32::from_be_bytes(*serial))
}
