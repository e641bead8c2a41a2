//! What of a zone only its signer can make, so that an edit has to bring it: signatures, and the digest of the zone.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use dns::types::Rtype;
use zone_segment::{Name, SegmentOctets};

use super::draft::Draft;
use super::error::EditError;
use super::records::{OwnerRecords, RecordSet};
use super::serial;

/// Whether a zone is signed: its SOA record is.
pub(super) fn is_signed(apex: &OwnerRecords) -> bool {
    apex.has_signature_of(Rtype::SOA)
}

/// Checks that what changed is signed where the zone is, and that a digest is of the new serial.
pub(super) fn check<B: SegmentOctets>(draft: &Draft<'_, B>) -> Result<(), EditError> {
    check_digest(draft.apex(), draft.apex_now())?;
    if !is_signed(draft.apex_before()) {
        return Ok(());
    }
    let mut uncovered = BTreeSet::new();
    for (name, touched) in &draft.owners {
        let is_apex = name == draft.apex();
        let hides = |owner: &OwnerRecords| owner.has(Rtype::DNAME) || (!is_apex && owner.has(Rtype::NS));
        // Signatures of records that changed are those alone that lines brought.
        let mut types = touched.now.changed_types(&touched.before);
        if hides(&touched.before) && !hides(&touched.now) {
            // What is at and below it has authority from then on.
            uncovered.insert(name.clone());
            types = touched.now.types();
        }
        check_owner(draft, name, &touched.now, types)?;
    }
    let mut outcome = Ok(());
    if !uncovered.is_empty() {
        draft.view.visit_below(&uncovered, |name| {
            let owner = draft.owner(name);
            outcome = check_owner(draft, name, &owner, owner.types());
            if outcome.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    }
    outcome
}

/// Checks that RRsets of some types have signatures at an owner, those that it has and that are to be signed.
fn check_owner<B: SegmentOctets>(
    draft: &Draft<'_, B>,
    name: &Name,
    owner: &OwnerRecords,
    types: Vec<Rtype>,
) -> Result<(), EditError> {
    let mut unsigned = types.into_iter().filter(|rtype| owner.has(*rtype) && !owner.has_signature_of(*rtype));
    match unsigned.find(|rtype| is_to_be_signed(draft, name, *rtype)) {
        Some(rtype) => Err(EditError::Unsigned { owner: owner.owner.clone(), rtype }),
        None => Ok(()),
    }
}

/// Checks that the digests of an apex, if it has any, are of its serial (RFC 8976, section 4): others would let every verification fail.
pub(super) fn check_digest(name: &Name, apex: &OwnerRecords) -> Result<(), EditError> {
    let soa = apex.soa().and_then(|soa| serial::of_soa(&soa.rdata));
    let digests = apex.rrset(Rtype::ZONEMD).into_iter().flat_map(RecordSet::rdata);
    let mut serials = digests.filter_map(|(rdata, _)| rdata.first_chunk().map(|serial| u32::from_be_bytes(*serial)));
    match serials.find(|serial| Some(*serial) != soa) {
        Some(found) => Err(EditError::Digest { apex: name.clone(), expected: soa.unwrap_or(0), found }),
        None => Ok(()),
    }
}

/// Whether an RRset of a type is signed at a name (RFC 4035, section 2.2): with authority all are, at a cut those alone that are about it.
fn is_to_be_signed<B: SegmentOctets>(draft: &Draft<'_, B>, name: &Name, rtype: Rtype) -> bool {
    let is_cut = |name: &Name, owner: &OwnerRecords| name != draft.apex() && owner.has(Rtype::NS);
    let mut above = name.clone();
    while above != *draft.apex() {
        let Some(parent) = above.parent() else { break };
        let owner = draft.owner(&parent);
        if is_cut(&parent, &owner) || owner.has(Rtype::DNAME) {
            return false;
        }
        above = parent;
    }
    !is_cut(name, &draft.owner(name)) || matches!(rtype, Rtype::DS | Rtype::NSEC)
}
