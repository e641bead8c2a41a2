//! An RRset as octets: as it lies in its owner's record, or once for all who own the same.

use crate::error::WriteError;
use crate::name::NameRef;
use crate::rrset::{TARGET_OCTETS, TARGETS, WIDE};
use crate::source::SourceRecord;
use crate::tables::NO_NODE;

use super::owned::{Gathered, Owned};

/// The most records of an RRset, and the most signatures of it: both are counted in 16 bits.
pub const RRSET_RECORDS_MAX: usize = u16::MAX as usize;

/// How many octets an RRset takes; at least that, of one with more records than an octet counts.
pub(super) fn octets(owned: &Owned<'_>, gathered: &Gathered, has_targets: bool) -> usize {
    let records = owned.records(gathered);
    let targets = if has_targets { TARGET_OCTETS * records.len() } else { 0 };
    6 + targets + records.iter().map(|record| 2 + record.rdata.len()).sum::<usize>()
}

/// Appends an RRset as octets, targets as none.
pub(super) fn encode(
    name: NameRef<'_>,
    owned: &Owned<'_>,
    gathered: &Gathered,
    has_targets: bool,
    body: &mut Vec<u8>,
) -> Result<(), WriteError> {
    let too_large = |what, found: usize| WriteError::OwnerTooLarge {
        owner: name.to_name(),
        what,
        expected_max: RRSET_RECORDS_MAX as u64,
        found: found as u64,
    };
    let (records, signatures) = (owned.records(gathered), owned.signatures(gathered));
    let count = u16::try_from(records.len()).map_err(|_| too_large("records of one type", records.len()))?;
    let signature_count =
        u16::try_from(signatures.len()).map_err(|_| too_large("signatures of one type", signatures.len()))?;
    // That of the signatures where there is nothing else.
    let ttl = records.first().or(signatures.first()).map_or(0, |record| record.ttl);
    body.extend_from_slice(&ttl.to_le_bytes());
    let targets = if has_targets { TARGETS } else { 0 };
    match (u8::try_from(count), u8::try_from(signature_count)) {
        (Ok(count), Ok(signature_count)) if count < WIDE && signature_count < TARGETS => {
            body.extend_from_slice(&[count, signature_count | targets]);
        }
        _ => {
            body.extend_from_slice(&[WIDE, targets]);
            body.extend_from_slice(&count.to_le_bytes());
            body.extend_from_slice(&signature_count.to_le_bytes());
        }
    }
    if has_targets {
        body.extend(records.iter().flat_map(|_| NO_NODE.to_le_bytes()));
    }
    write_rdata(records, body);
    if let Some(first) = signatures.first() {
        body.extend_from_slice(&first.ttl.to_le_bytes());
        write_rdata(signatures, body);
    }
    Ok(())
}

/// Appends RDATA, each with its length.
fn write_rdata(records: &[SourceRecord<'_>], body: &mut Vec<u8>) {
    for record in records {
        // Longer ones were refused.
        body.extend_from_slice(&(record.rdata.len() as u16).to_le_bytes());
        body.extend_from_slice(record.rdata);
    }
}
