//! By which change one zone becomes another: [`difference()`], for a rollback and for comparing generations.

use std::cmp::Ordering;

use dns::change::{ChangeSet, OwnerChanges, ZoneChange};
use dns::types::Rtype;
use zone_segment::{Node, Rrset, SegmentOctets, Zone};

use super::error::EditError;
use super::records::{OwnerRecords, canonical};
use super::serial::{self, SerialPolicy};
use super::signed;

/// The serial that a zone has once it is as another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewSerial {
    /// That of the other zone, be it older.
    Keep,
    /// One that follows its own, at a time in seconds since 1970.
    Raise(SerialPolicy, u64),
}

/// The change by which `old` becomes as `new` is; none where it is already, whatever the serials, unless that of `new` is to be kept.
///
/// Goes through both zones once, and keeps in memory what differs.
///
/// # Errors
///
/// [`EditError::NoData`] where one of them has none. With a serial that is raised, [`EditError::Unsigned`] where `new` is signed and
/// [`EditError::Digest`] where it has a digest, since either would have to be made anew.
pub fn difference<A: SegmentOctets, B: SegmentOctets>(
    old: &Zone<'_, A>,
    new: &Zone<'_, B>,
    serial: NewSerial,
) -> Result<Option<ZoneChange>, EditError> {
    let mut changes = Changes::new(apex_of(old)?, apex_of(new)?, serial)?;
    let has_records = |node: &Node<'_>| node.rrsets().next().is_some();
    let mut olds = old.nodes().filter(has_records).peekable();
    let mut news = new.nodes().filter(has_records).peekable();
    loop {
        let order = match (olds.peek(), news.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.name().canonical_cmp(new.name()),
        };
        let before = olds.next_if(|_| order != Ordering::Greater);
        let now = news.next_if(|_| order != Ordering::Less);
        match (before, now) {
            (Some(before), Some(now)) if before.is_apex() || now.is_apex() || is_same(before, now) => {}
            (Some(before), Some(now)) => changes.push(&OwnerRecords::of_node(before), OwnerRecords::of_node(now)),
            (Some(before), None) => changes.push(&OwnerRecords::of_node(before), gone(before)),
            (None, Some(now)) => changes.push(&gone(now), OwnerRecords::of_node(now)),
            (None, None) => {}
        }
    }
    Ok(changes.finish())
}

/// What an owner owns where it is gone.
fn gone(node: Node<'_>) -> OwnerRecords {
    OwnerRecords::new(node.name().to_name())
}

/// The apex of a zone that has data.
fn apex_of<B: SegmentOctets>(zone: &Zone<'_, B>) -> Result<OwnerRecords, EditError> {
    let apex = zone.apex_node().map(OwnerRecords::of_node);
    let has_serial = |apex: &OwnerRecords| apex.soa().and_then(|soa| serial::of_soa(&soa.rdata)).is_some();
    apex.filter(has_serial).ok_or_else(|| EditError::NoData { apex: zone.apex().to_name() })
}

/// Whether two nodes of one name own the same, octet by octet.
fn is_same(a: Node<'_>, b: Node<'_>) -> bool {
    let is_same_rrset = |(a, b): (Rrset<'_>, Rrset<'_>)| {
        (a.rtype(), a.ttl(), a.signature_ttl()) == (b.rtype(), b.ttl(), b.signature_ttl())
            && a.rdata().eq(b.rdata())
            && a.signatures().eq(b.signatures())
    };
    a.name().as_wire() == b.name().as_wire()
        && a.rrsets().count() == b.rrsets().count()
        && a.rrsets().zip(b.rrsets()).all(is_same_rrset)
}

/// What differs so far.
struct Changes {
    /// The apex as it was.
    before: OwnerRecords,
    /// The apex as it is to be.
    now: OwnerRecords,
    /// Whether a change of the SOA record alone is one.
    is_serial_kept: bool,
    /// The differences, SOA records left out.
    set: ChangeSet,
    /// What the other owners that differ own.
    owners: OwnerChanges,
}

impl Changes {
    /// No difference but that of the apexes.
    fn new(before: OwnerRecords, mut now: OwnerRecords, serial: NewSerial) -> Result<Self, EditError> {
        let serial_of = |apex: &OwnerRecords| apex.soa().and_then(|soa| serial::of_soa(&soa.rdata)).unwrap_or(0);
        let from = serial_of(&before);
        if let (NewSerial::Raise(policy, time), Some(soa)) = (serial, now.soa()) {
            if signed::is_signed(&now) {
                return Err(EditError::Unsigned { owner: now.owner, rtype: Rtype::SOA });
            }
            now.remove(Rtype::SOA, &soa.rdata);
            now.add(Rtype::SOA, soa.ttl, &serial::with_serial(&soa.rdata, policy.after(from, time)), 0);
            signed::check_digest(&now.owner, &now)?;
        }
        let to = serial_of(&now);
        let set = ChangeSet { apex: now.owner.clone(), from, to, removed: Vec::new(), added: Vec::new() };
        let is_serial_kept = serial == NewSerial::Keep;
        Ok(Self { before, now, is_serial_kept, set, owners: OwnerChanges::new() })
    }

    /// Takes an owner that differs.
    fn push(&mut self, before: &OwnerRecords, now: OwnerRecords) {
        before.push_added(&now, &mut self.set.removed);
        now.push_added(before, &mut self.set.added);
        let records = now.to_owned_records();
        self.owners.insert(now.owner, records);
    }

    /// The change, if there is any.
    fn finish(mut self) -> Option<ZoneChange> {
        let (mut removed, mut added) = (Vec::new(), Vec::new());
        self.before.push_added(&self.now, &mut removed);
        self.now.push_added(&self.before, &mut added);
        let (old, new) = (self.before.soa()?, self.now.soa()?);
        let content = |rdata: &[u8]| canonical(Rtype::SOA, &serial::with_serial(rdata, 0));
        let is_soa_same = match self.is_serial_kept {
            true => old == new,
            false => old.ttl == new.ttl && content(&old.rdata) == content(&new.rdata),
        };
        if is_soa_same && removed.is_empty() && added.is_empty() && self.owners.is_empty() {
            return None;
        }
        self.set.removed.splice(0..0, [old].into_iter().chain(removed));
        self.set.added.splice(0..0, [new].into_iter().chain(added));
        let records = self.now.to_owned_records();
        self.owners.insert(self.now.owner, records);
        Some(ZoneChange { set: self.set, owners: self.owners })
    }
}
