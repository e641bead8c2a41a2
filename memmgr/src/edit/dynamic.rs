//! Dynamic updates (RFC 2136) on a zone as it stands: prerequisites, then the records of the update section, in one step or not at all.
//!
//! [`update()`] is the pseudocode of sections 3.2 and 3.4, and what follows is what follows for an operator's lines too: zone checks, the serial, signatures.
//! What a message looks like, who may send one and how it is answered is in [`crate::update`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use dns::change::{ChangedRecord, OwnerChanges};
use dns::text::{TTL_MAX, is_rdata_of};
use dns::types::{Class, Rcode, Rtype};
use zone_segment::{Name, SegmentOctets, Zone};

use super::draft::{Draft, Touched};
use super::error::EditError;
use super::records::{OwnerRecords, RecordSet, canonical};
use super::serial::{self, SerialPolicy, is_forward};
use super::view::View;
use super::{Resolution, conclude};

/// What an update message asks of one zone. Sections have their records in the message's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The zone.
    pub apex: Name,
    /// What has to be so (RFC 2136, section 2.4).
    pub prerequisites: Vec<UpdateRecord>,
    /// What is to be changed (section 2.5).
    pub records: Vec<UpdateRecord>,
    /// How the serial is raised where no record brings it.
    pub serial: SerialPolicy,
}

/// A record of an update message, whose class says what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateRecord {
    /// The owner.
    pub owner: Name,
    /// The type.
    pub rtype: Rtype,
    /// The class: the zone's, ANY or NONE.
    pub class: Class,
    /// The TTL.
    pub ttl: u32,
    /// The RDATA in uncompressed wire form.
    pub rdata: Box<[u8]>,
}

/// Why nothing of an update was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateRefused {
    /// What the asker is told.
    pub rcode: Rcode,
    /// The reason in words, empty where the code says it all.
    pub reason: String,
}

impl UpdateRefused {
    /// A code and its reason.
    pub(super) fn new(rcode: Rcode, reason: impl Into<String>) -> Self {
        Self { rcode, reason: reason.into() }
    }
}

/// Carries an update out on a zone as it stands with what is gathered: all of its records, in their order, or none.
///
/// `now` is the time in seconds since 1970, for serials that come from it.
///
/// # Errors
///
/// [`UpdateRefused`]: a prerequisite does not hold, a record is none that an update may have, or the outcome is refused as that of an operator's lines
/// would be.
pub fn update<B: SegmentOctets>(
    zone: &Zone<'_, B>,
    gathered: Option<&OwnerChanges>,
    update: &Update,
    now: u64,
) -> Result<Resolution, UpdateRefused> {
    let mut draft = Draft::new(View { zone, gathered }).map_err(|error| refused(&error))?;
    check_prerequisites(&draft, &update.prerequisites)?;
    prescan(draft.apex(), &update.records)?;
    for (line, record) in (1..).zip(&update.records) {
        apply(&mut draft, record, line);
    }
    draft.drop_old_signatures();
    conclude(draft, Path::new(PATH), update.serial, now).map_err(|error| refused(&error))
}

/// What zone checks call the file of a record; its line is its number in the update section.
const PATH: &str = "update";

/// What an outcome that can't be taken is answered with: nothing is wrong with the message.
fn refused(error: &EditError) -> UpdateRefused {
    let rcode = match error {
        EditError::NoData { .. } => Rcode::SERVFAIL,
        _ => Rcode::REFUSED,
    };
    UpdateRefused::new(rcode, error.to_string())
}

/// Checks prerequisites in their order (RFC 2136, section 3.2.5).
fn check_prerequisites<B: SegmentOctets>(
    draft: &Draft<'_, B>,
    prerequisites: &[UpdateRecord],
) -> Result<(), UpdateRefused> {
    let mut rrsets: BTreeMap<(&Name, Rtype), BTreeSet<Box<[u8]>>> = BTreeMap::new();
    for (number, record) in (1..).zip(prerequisites) {
        let UpdateRecord { owner, rtype, class, ttl, rdata } = record;
        let fault = |rcode| UpdateRefused::new(rcode, format!("prerequisite {number}: {owner} {class} {rtype}"));
        if *ttl != 0 {
            return Err(fault(Rcode::FORMERR));
        }
        if !owner.is_at_or_below(draft.apex().as_ref()) {
            return Err(fault(Rcode::NOTZONE));
        }
        let failed = match *class {
            Class::ANY | Class::NONE if !rdata.is_empty() => Some(Rcode::FORMERR),
            Class::ANY if *rtype == Rtype::ANY => draft.owner(owner).is_empty().then_some(Rcode::NXDOMAIN),
            Class::ANY => (!has(&draft.owner(owner), *rtype)).then_some(Rcode::NXRRSET),
            Class::NONE if *rtype == Rtype::ANY => (!draft.owner(owner).is_empty()).then_some(Rcode::YXDOMAIN),
            Class::NONE => has(&draft.owner(owner), *rtype).then_some(Rcode::YXRRSET),
            // No zone has such a record to compare with.
            Class::IN if rtype.is_meta() || !is_rdata_of(*rtype, rdata) => Some(Rcode::FORMERR),
            Class::IN => {
                rrsets.entry((owner, *rtype)).or_default().insert(canonical(*rtype, rdata));
                None
            }
            _ => Some(Rcode::FORMERR),
        };
        if let Some(rcode) = failed {
            return Err(fault(rcode));
        }
    }
    for ((owner, rtype), expected) in rrsets {
        let found = draft.owner(owner);
        if !found.canonical_of(rtype).into_iter().eq(expected.iter().map(|rdata| &**rdata)) {
            return Err(UpdateRefused::new(Rcode::NXRRSET, format!("prerequisite: {owner} {rtype} of these records")));
        }
    }
    Ok(())
}

/// Whether an owner has records of a type.
fn has(owner: &OwnerRecords, rtype: Rtype) -> bool {
    owner.rrsets().any(|((other, _), _)| other == rtype)
}

/// Checks that records are such as an update may have (RFC 2136, section 3.4.1.3).
fn prescan(apex: &Name, records: &[UpdateRecord]) -> Result<(), UpdateRefused> {
    for (number, UpdateRecord { owner, rtype, class, ttl, rdata }) in (1..).zip(records) {
        let fault = |rcode| Err(UpdateRefused::new(rcode, format!("update {number}: {owner} {class} {rtype}")));
        if !owner.is_at_or_below(apex.as_ref()) {
            return fault(Rcode::NOTZONE);
        }
        let is_sound = match *class {
            Class::IN => !rtype.is_meta() && is_rdata_of(*rtype, rdata),
            Class::ANY => *ttl == 0 && rdata.is_empty() && (*rtype == Rtype::ANY || !rtype.is_meta()),
            Class::NONE => *ttl == 0 && !rtype.is_meta() && is_rdata_of(*rtype, rdata),
            _ => false,
        };
        if !is_sound {
            return fault(Rcode::FORMERR);
        }
    }
    Ok(())
}

/// Carries one record out (RFC 2136, section 3.4.2.7).
fn apply<B: SegmentOctets>(draft: &mut Draft<'_, B>, record: &UpdateRecord, line: u32) {
    let is_apex = record.owner == *draft.apex();
    let touched = draft.touch(record.owner.clone(), line);
    let now = &mut touched.now;
    // That there is nothing to delete is as good.
    let _ = match (record.class, record.rtype) {
        (Class::IN, _) => add(touched, record, line),
        (Class::ANY, Rtype::ANY) if is_apex => now.keep_types(APEX_TYPES),
        (Class::ANY, Rtype::ANY) => now.clear(),
        (Class::ANY, rtype) if is_apex && APEX_TYPES.contains(&rtype) => false,
        (Class::ANY, rtype) => now.remove_type(rtype),
        (_, Rtype::SOA) => false,
        (_, Rtype::NS) if is_apex && is_last(now, record) => false,
        (_, rtype) => now.remove(rtype, &record.rdata),
    };
}

/// What an apex has for as long as there is a zone.
const APEX_TYPES: &[Rtype] = &[Rtype::SOA, Rtype::NS];

/// Whether a record is the only one of its type.
fn is_last(owner: &OwnerRecords, record: &UpdateRecord) -> bool {
    owner.canonical_of(record.rtype).into_iter().eq([&*canonical(record.rtype, &record.rdata)])
}

/// Adds a record, unless what is there does not go with it (RFC 2136, section 3.4.2.2): then it is passed over. Whether it was added.
fn add(touched: &mut Touched, record: &UpdateRecord, line: u32) -> bool {
    let UpdateRecord { owner, rtype, ttl, rdata, .. } = record;
    let now = &mut touched.now;
    let keeps_out = match *rtype {
        Rtype::CNAME => now.types().into_iter().any(|other| other != Rtype::CNAME && !other.is_allowed_beside_cname()),
        other => now.has(Rtype::CNAME) && !other.is_allowed_beside_cname(),
    };
    if keeps_out || (*rtype == Rtype::SOA && !is_newer(now.soa().as_ref(), rdata)) {
        return false;
    }
    // Of other types an RRset may be long, and is not gone through for each record.
    let set = now.rrset(*rtype).filter(|_| matches!(*rtype, Rtype::CNAME | Rtype::DNAME | Rtype::SOA | Rtype::WKS));
    let replaced = set.into_iter().flat_map(RecordSet::rdata).filter(|(old, _)| replaces(*rtype, rdata, old));
    let replaced: Vec<Box<[u8]>> = replaced.map(|(old, _)| old.into()).collect();
    for old in replaced {
        now.remove(*rtype, &old);
    }
    // One with its highest bit set is 0 (RFC 2181, section 8).
    let ttl = Some(*ttl).filter(|ttl| *ttl <= TTL_MAX).unwrap_or(0);
    let added = ChangedRecord { owner: owner.clone(), rtype: *rtype, ttl, rdata: rdata.clone() };
    touched.add(&added, line);
    true
}

/// Whether an SOA record is newer than that of the zone, which has to have one.
fn is_newer(old: Option<&ChangedRecord>, new: &[u8]) -> bool {
    let serials = old.and_then(|old| serial::of_soa(&old.rdata)).zip(serial::of_soa(new));
    serials.is_some_and(|(old, new)| is_forward(old, new))
}

/// Whether a record takes the place of another of its type, which is one of those of which there is one at a name (RFC 2136, section 1.1.5; RFC 6672,
/// section 5.2), or WKS, of which there is one for each address and protocol.
fn replaces(rtype: Rtype, new: &[u8], old: &[u8]) -> bool {
    /// Octets of address and protocol in WKS.
    const WKS_KEY: usize = 5;
    rtype != Rtype::WKS || new.get(..WKS_KEY) == old.get(..WKS_KEY)
}

#[cfg(test)]
mod tests;
