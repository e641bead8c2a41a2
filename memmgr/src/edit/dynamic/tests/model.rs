//! A zone as a plain list of records, and the pseudocode of RFC 2136, sections 3.2.5, 3.4.1.3 and 3.4.2.7, line by line. Where the text and the pseudocode
//! differ it follows the text, as servers do: an SOA of the same serial is passed over, and only the apex keeps its last NS record.

use dns::change::OwnerChanges;
use dns::types::{Class, Rcode, Rtype};
use zone_segment::{SegmentBuffer, Zone};

use crate::edit::dynamic::UpdateRecord;
use crate::edit::records::canonical;
use crate::edit::tests::apex;

/// A record: owner in lower case, type, TTL, RDATA in canonical form.
type Record = (String, Rtype, u32, Box<[u8]>);

/// The records of an RRset that prerequisites speak of: owner, type, RDATA of each.
type TempRrset = (String, Rtype, Vec<Box<[u8]>>);

/// A zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Model(Vec<Record>);

impl Model {
    /// The zone of a segment.
    pub(super) fn of(zone: &Zone<'_, SegmentBuffer>) -> Self {
        let mut records = Vec::new();
        for node in zone.nodes() {
            let owner = node.name().to_name().to_string().to_lowercase();
            for rrset in node.rrsets() {
                let rtype = Rtype(rrset.rtype());
                records.extend(rrset.rdata().map(|rdata| (owner.clone(), rtype, rrset.ttl(), canonical(rtype, rdata))));
            }
        }
        Self(records).sorted()
    }

    /// The same with its records in order.
    fn sorted(mut self) -> Self {
        self.0.sort();
        self
    }

    /// Takes owners as a change leaves them.
    pub(super) fn take(&mut self, owners: OwnerChanges) {
        for (owner, records) in owners {
            let owner = owner.to_string().to_lowercase();
            self.0.retain(|(other, ..)| *other != owner);
            let records = records.into_iter().map(|record| {
                let rtype = Rtype(record.rtype);
                (owner.clone(), rtype, record.ttl, canonical(rtype, &record.rdata))
            });
            self.0.extend(records);
        }
        self.0.sort();
    }

    /// The RDATA of an RRset.
    fn rrset(&self, owner: &str, rtype: Rtype) -> Vec<Box<[u8]>> {
        let of_rrset = self.0.iter().filter(|(other, kind, ..)| other == owner && *kind == rtype);
        of_rrset.map(|(.., rdata)| rdata.clone()).collect()
    }

    /// Whether a name owns anything.
    fn has_name(&self, owner: &str) -> bool {
        self.0.iter().any(|(other, ..)| other == owner)
    }

    /// Carries an update out, all of it or nothing.
    pub(super) fn update(&mut self, prerequisites: &[UpdateRecord], updates: &[UpdateRecord]) -> Result<(), Rcode> {
        self.prerequisites(prerequisites)?;
        prescan(updates)?;
        let before = self.clone();
        let mut has_soa = false;
        for update in updates {
            self.apply(update, &mut has_soa);
        }
        self.0.sort();
        if *self != before && !has_soa {
            let (.., rdata) = self.0.iter_mut().find(|(_, rtype, ..)| *rtype == Rtype::SOA).unwrap();
            let serial = serial_of(rdata).wrapping_add(1).to_be_bytes();
            let at = rdata.len() - 20;
            rdata[at..at + 4].copy_from_slice(&serial);
            self.0.sort();
        }
        Ok(())
    }

    /// Section 3.2.5.
    fn prerequisites(&self, prerequisites: &[UpdateRecord]) -> Result<(), Rcode> {
        let mut temp: Vec<TempRrset> = Vec::new();
        for rr in prerequisites {
            let owner = rr.owner.to_string().to_lowercase();
            if rr.ttl != 0 {
                return Err(Rcode::FORMERR);
            }
            if !in_zone(&owner) {
                return Err(Rcode::NOTZONE);
            }
            if rr.class == Class::ANY {
                if !rr.rdata.is_empty() {
                    return Err(Rcode::FORMERR);
                }
                if rr.rtype == Rtype::ANY {
                    if !self.has_name(&owner) {
                        return Err(Rcode::NXDOMAIN);
                    }
                } else if self.rrset(&owner, rr.rtype).is_empty() {
                    return Err(Rcode::NXRRSET);
                }
            } else if rr.class == Class::NONE {
                if !rr.rdata.is_empty() {
                    return Err(Rcode::FORMERR);
                }
                if rr.rtype == Rtype::ANY {
                    if self.has_name(&owner) {
                        return Err(Rcode::YXDOMAIN);
                    }
                } else if !self.rrset(&owner, rr.rtype).is_empty() {
                    return Err(Rcode::YXRRSET);
                }
            } else if rr.class == Class::IN && !rr.rdata.is_empty() {
                let rdata = canonical(rr.rtype, &rr.rdata);
                match temp.iter_mut().find(|(other, rtype, _)| *other == owner && *rtype == rr.rtype) {
                    Some((.., rrset)) => rrset.push(rdata),
                    None => temp.push((owner, rr.rtype, vec![rdata])),
                }
            } else {
                return Err(Rcode::FORMERR);
            }
        }
        for (owner, rtype, mut wanted) in temp {
            wanted.sort();
            wanted.dedup();
            let mut found = self.rrset(&owner, rtype);
            found.sort();
            if found != wanted {
                return Err(Rcode::NXRRSET);
            }
        }
        Ok(())
    }

    /// Section 3.4.2.7, for one record.
    fn apply(&mut self, rr: &UpdateRecord, has_soa: &mut bool) {
        let owner = rr.owner.to_string().to_lowercase();
        let is_apex = owner == apex().to_string();
        let rdata = canonical(rr.rtype, &rr.rdata);
        if rr.class == Class::IN {
            let goes_with_cname = |rtype: Rtype| rtype == Rtype::CNAME || rtype == Rtype::KEY;
            if rr.rtype == Rtype::CNAME {
                if self.0.iter().any(|(other, rtype, ..)| *other == owner && !goes_with_cname(*rtype)) {
                    return;
                }
            } else if rr.rtype != Rtype::KEY && !self.rrset(&owner, Rtype::CNAME).is_empty() {
                return;
            }
            if rr.rtype == Rtype::SOA {
                let Some(soa) = self.rrset(&owner, Rtype::SOA).pop() else { return };
                if serial_of(&soa) >= serial_of(&rdata) {
                    return;
                }
                *has_soa = true;
            }
            let replaces = |zrr: &[u8]| match rr.rtype {
                Rtype::CNAME | Rtype::SOA => true,
                Rtype::WKS => zrr[..5] == rdata[..5],
                _ => *zrr == *rdata,
            };
            self.0.retain(|(other, rtype, _, zrr)| !(*other == owner && *rtype == rr.rtype && replaces(zrr)));
            // The TTL is one of the whole RRset (RFC 2181, section 5.2).
            let rrset = self.0.iter_mut().filter(|(other, rtype, ..)| *other == owner && *rtype == rr.rtype);
            rrset.for_each(|(_, _, ttl, _)| *ttl = rr.ttl);
            self.0.push((owner, rr.rtype, rr.ttl, rdata));
        } else if rr.class == Class::ANY {
            let is_kept = |rtype: Rtype| is_apex && (rtype == Rtype::SOA || rtype == Rtype::NS);
            let is_meant = |rtype: Rtype| (rr.rtype == Rtype::ANY || rtype == rr.rtype) && !is_kept(rtype);
            self.0.retain(|(other, rtype, ..)| *other != owner || !is_meant(*rtype));
        } else if rr.rtype != Rtype::SOA {
            if is_apex && rr.rtype == Rtype::NS && self.rrset(&owner, Rtype::NS) == [rdata.clone()] {
                return;
            }
            self.0.retain(|(other, rtype, _, zrr)| !(*other == owner && *rtype == rr.rtype && *zrr == rdata));
        }
    }
}

/// Section 3.4.1.3.
fn prescan(updates: &[UpdateRecord]) -> Result<(), Rcode> {
    let is_meta = |rtype: Rtype| matches!(rtype, Rtype::AXFR | Rtype::MAILA | Rtype::MAILB);
    for rr in updates {
        if !in_zone(&rr.owner.to_string().to_lowercase()) {
            return Err(Rcode::NOTZONE);
        }
        let is_malformed = match rr.class {
            Class::IN => rr.rtype == Rtype::ANY || is_meta(rr.rtype) || rr.rdata.is_empty(),
            Class::ANY => rr.ttl != 0 || !rr.rdata.is_empty() || is_meta(rr.rtype),
            Class::NONE => rr.ttl != 0 || rr.rtype == Rtype::ANY || is_meta(rr.rtype) || rr.rdata.is_empty(),
            _ => true,
        };
        if is_malformed {
            return Err(Rcode::FORMERR);
        }
    }
    Ok(())
}

/// Whether a name is in the zone.
fn in_zone(owner: &str) -> bool {
    owner == apex().to_string() || owner.ends_with(&format!(".{}", apex()))
}

/// The serial of an SOA record.
fn serial_of(rdata: &[u8]) -> u32 {
    let at = rdata.len() - 20;
    u32::from_be_bytes(rdata[at..at + 4].try_into().unwrap())
}
