//! What an owner owns: [`OwnerRecords`], RRset by RRset, each record once, found by its canonical form.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use dns::change::ChangedRecord;
use dns::types::{Rtype, canonical_names};
use zone_segment::{Name, NameRef, Node, OwnedRecord};

/// An RRset of an owner: its type, and for signatures the type that they cover, since those of each are an RRset of their own; 0 for others.
pub(super) type RecordKey = (Rtype, Rtype);

/// An owner and its records.
#[derive(Clone, Debug)]
pub(super) struct OwnerRecords {
    /// The name, as it is spelled.
    pub(super) owner: Name,
    /// The RRsets; none of them is empty.
    rrsets: BTreeMap<RecordKey, RecordSet>,
}

/// The records of an RRset.
#[derive(Clone, Debug)]
pub(super) struct RecordSet {
    /// Their TTL.
    pub(super) ttl: u32,
    /// Their RDATA by its canonical form, in whose order they are.
    records: BTreeMap<Box<[u8]>, Stored>,
}

/// A record's RDATA.
#[derive(Clone, Debug)]
struct Stored {
    /// As it was written.
    rdata: Box<[u8]>,
    /// The line of the edit that brought it; 0 where it was there.
    line: u32,
}

impl RecordSet {
    /// Each RDATA, and the line that brought it.
    pub(super) fn rdata(&self) -> impl Iterator<Item = (&[u8], u32)> {
        self.records.values().map(|stored| (&*stored.rdata, stored.line))
    }

    /// Whether another has the same records, octet by octet, and TTL.
    fn is_same(&self, other: &Self) -> bool {
        self.ttl == other.ttl && self.rdata().map(|(rdata, _)| rdata).eq(other.rdata().map(|(rdata, _)| rdata))
    }
}

impl OwnerRecords {
    /// A name that owns nothing.
    pub(super) fn new(owner: Name) -> Self {
        Self { owner, rrsets: BTreeMap::new() }
    }

    /// What a node owns.
    pub(super) fn of_node(node: Node<'_>) -> Self {
        let mut records = Self::new(node.name().to_name());
        for rrset in node.rrsets() {
            let rtype = Rtype(rrset.rtype());
            rrset.rdata().for_each(|rdata| records.add(rtype, rrset.ttl(), rdata, 0));
            rrset.signatures().for_each(|rdata| records.add(Rtype::RRSIG, rrset.signature_ttl(), rdata, 0));
        }
        records
    }

    /// What a change says that a name owns.
    pub(super) fn of_change(owner: &Name, owned: &[OwnedRecord]) -> Self {
        let mut records = Self::new(owner.clone());
        for record in owned {
            records.add(Rtype(record.rtype), record.ttl, &record.rdata, 0);
        }
        records
    }

    /// Whether it owns nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.rrsets.is_empty()
    }

    /// Whether it owns records of a type.
    pub(super) fn has(&self, rtype: Rtype) -> bool {
        self.rrset(rtype).is_some()
    }

    /// The RRset of a type other than RRSIG.
    pub(super) fn rrset(&self, rtype: Rtype) -> Option<&RecordSet> {
        self.rrsets.get(&(rtype, NO_TYPE))
    }

    /// Whether a type's RRset has signatures here.
    pub(super) fn has_signature_of(&self, rtype: Rtype) -> bool {
        self.rrsets.contains_key(&(Rtype::RRSIG, rtype))
    }

    /// All RRsets, by type.
    pub(super) fn rrsets(&self) -> impl Iterator<Item = (RecordKey, &RecordSet)> {
        self.rrsets.iter().map(|(key, set)| (*key, set))
    }

    /// Adds a record that comes with a line, unless it is there. Its RRset has its TTL from then on (RFC 2181, section 5.2).
    pub(super) fn add(&mut self, rtype: Rtype, ttl: u32, rdata: &[u8], line: u32) {
        let new = || RecordSet { ttl, records: BTreeMap::new() };
        let set = self.rrsets.entry(key_of(rtype, rdata)).or_insert_with(new);
        set.ttl = ttl;
        set.records.entry(canonical(rtype, rdata)).or_insert_with(|| Stored { rdata: rdata.into(), line });
    }

    /// Whether it owns a record, whatever its TTL.
    pub(super) fn has_record(&self, rtype: Rtype, rdata: &[u8]) -> bool {
        let set = self.rrsets.get(&key_of(rtype, rdata));
        set.is_some_and(|set| set.records.contains_key(&canonical(rtype, rdata)))
    }

    /// Takes a record away, whatever its TTL. Whether it was there.
    pub(super) fn remove(&mut self, rtype: Rtype, rdata: &[u8]) -> bool {
        let key = key_of(rtype, rdata);
        let Some(set) = self.rrsets.get_mut(&key) else { return false };
        let is_there = set.records.remove(&canonical(rtype, rdata)).is_some();
        if set.records.is_empty() {
            self.rrsets.remove(&key);
        }
        is_there
    }

    /// Takes all records of a type away. Whether there were any.
    pub(super) fn remove_type(&mut self, rtype: Rtype) -> bool {
        let before = self.rrsets.len();
        self.rrsets.retain(|(other, _), _| *other != rtype);
        self.rrsets.len() < before
    }

    /// Takes all records away but those of some types, and their signatures. Whether there were others.
    pub(super) fn keep_types(&mut self, types: &[Rtype]) -> bool {
        let before = self.rrsets.len();
        self.rrsets.retain(|(rtype, covered), _| types.contains(rtype) || types.contains(covered));
        self.rrsets.len() < before
    }

    /// The records of a type in canonical form, signatures of every type together.
    pub(super) fn canonical_of(&self, rtype: Rtype) -> BTreeSet<&[u8]> {
        let of_type = self.rrsets.iter().filter(|((other, _), _)| *other == rtype);
        of_type.flat_map(|(_, set)| set.records.keys().map(|canonical| &**canonical)).collect()
    }

    /// Takes everything away. Whether there was anything.
    pub(super) fn clear(&mut self) -> bool {
        !std::mem::take(&mut self.rrsets).is_empty()
    }

    /// Keeps those signatures of a type's RRset that `is_kept` says yes to.
    pub(super) fn retain_signatures(&mut self, rtype: Rtype, is_kept: impl Fn(&[u8]) -> bool) {
        let key = (Rtype::RRSIG, rtype);
        let Some(set) = self.rrsets.get_mut(&key) else { return };
        set.records.retain(|canonical, _| is_kept(canonical));
        if set.records.is_empty() {
            self.rrsets.remove(&key);
        }
    }

    /// Whether another owns the same under this spelling of the name, octet by octet.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.is_empty() || self.owner.as_wire() == other.owner.as_wire())
            && self.rrsets.len() == other.rrsets.len()
            && self.rrsets().zip(other.rrsets()).all(|((a, set), (b, other))| a == b && set.is_same(other))
    }

    /// The types of its RRsets, RRSIG left out, ascending.
    pub(super) fn types(&self) -> Vec<Rtype> {
        self.rrsets.keys().map(|(rtype, _)| *rtype).filter(|rtype| *rtype != Rtype::RRSIG).collect()
    }

    /// The types, RRSIG left out, whose RRsets differ from those of another, ascending.
    pub(super) fn changed_types(&self, other: &Self) -> Vec<Rtype> {
        let is_same = |rtype| match (self.rrset(rtype), other.rrset(rtype)) {
            (Some(set), Some(other)) => set.is_same(other),
            (None, None) => true,
            _ => false,
        };
        let mut types = [self.types(), other.types()].concat();
        types.sort_unstable();
        types.dedup();
        types.retain(|rtype| !is_same(*rtype));
        types
    }

    /// Appends the records that another, older one does not have to `to`, the SOA record left out.
    pub(super) fn push_added(&self, older: &Self, to: &mut Vec<ChangedRecord>) {
        let is_spelled_alike = self.owner.as_wire() == older.owner.as_wire();
        for (key @ (rtype, _), set) in self.rrsets().filter(|((rtype, _), _)| *rtype != Rtype::SOA) {
            let old = older.rrsets.get(&key).filter(|old| is_spelled_alike && old.ttl == set.ttl);
            for (canonical, stored) in &set.records {
                let is_there =
                    old.and_then(|old| old.records.get(canonical)).is_some_and(|old| old.rdata == stored.rdata);
                if !is_there {
                    to.push(self.changed(rtype, set.ttl, &stored.rdata));
                }
            }
        }
    }

    /// Its SOA record as one that changes.
    pub(super) fn soa(&self) -> Option<ChangedRecord> {
        let set = self.rrset(Rtype::SOA)?;
        let (rdata, _) = set.rdata().next()?;
        Some(self.changed(Rtype::SOA, set.ttl, rdata))
    }

    /// A record of it as one that changes.
    fn changed(&self, rtype: Rtype, ttl: u32, rdata: &[u8]) -> ChangedRecord {
        ChangedRecord { owner: self.owner.clone(), rtype, ttl, rdata: rdata.into() }
    }

    /// The records in canonical order, as a builder takes them.
    pub(super) fn to_owned_records(&self) -> Vec<OwnedRecord> {
        let of_set = |(key, set): (&RecordKey, &RecordSet)| {
            let (rtype, ttl) = (key.0.0, set.ttl);
            let one = |stored: &Stored| OwnedRecord { rtype, ttl, rdata: stored.rdata.clone() };
            set.records.values().map(one).collect::<Vec<_>>()
        };
        self.rrsets.iter().flat_map(of_set).collect()
    }

    /// The names of a type's records that are nothing but a name, such as those of NS.
    pub(super) fn targets(&self, rtype: Rtype) -> impl Iterator<Item = NameRef<'_>> {
        let rdata = self.rrset(rtype).into_iter().flat_map(RecordSet::rdata);
        rdata.filter_map(|(rdata, _)| NameRef::from_wire(rdata).ok())
    }
}

/// In the place of a covered type, of records that cover none.
const NO_TYPE: Rtype = Rtype(0);

/// The RRset that a record belongs to.
pub(super) fn key_of(rtype: Rtype, rdata: &[u8]) -> RecordKey {
    match rdata {
        [high, low, ..] if rtype == Rtype::RRSIG => (rtype, Rtype(u16::from_be_bytes([*high, *low]))),
        _ => (rtype, NO_TYPE),
    }
}

/// RDATA with the letters of some types' names in lower case (RFC 4034, section 6.2): equal are those that are the same record.
pub(super) fn canonical(rtype: Rtype, rdata: &[u8]) -> Box<[u8]> {
    let mut canonical: Box<[u8]> = rdata.into();
    if let Some(names) = canonical_names(rtype) {
        let ranges: Vec<Range<usize>> = names.ranges(rdata).collect();
        for range in ranges {
            canonical[range].make_ascii_lowercase();
        }
    }
    canonical
}
