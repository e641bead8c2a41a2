//! What a delta says of a zone: for some owners what stands of them from then on, and for names that went that they did.
//!
//! Who changes a zone says what some owners own from now on. From that and the zone as it stands follows the rest, so that a reader of the stack
//! finds what it would find in a segment of the whole zone: names that only exist because of others come and go with them, a name above a
//! wildcard knows of it, and what lies below a zone cut or a DNAME record says so. Names that did not change are not written again for the sake
//! of a cut above them: the delta is marked as one of structure, and a reader looks at the names above ([`Zone::find`]).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, Range};

use crate::error::WriteError;
use crate::ids::ZoneId;
use crate::lookup_name::LookupName;
use crate::map::SegmentOctets;
use crate::name::{Name, NameRef};
use crate::node::{self, Node};
use crate::nsec3::Nsec3Parameters;
use crate::segment::Segment;
use crate::source::{OwnedRecord, SourceRecord, Visitor, ZoneSource};
use crate::zone::Zone;

/// The type NS.
const NS: u16 = 2;
/// The type SOA.
const SOA: u16 = 6;
/// The type DNAME.
const DNAME: u16 = 39;
/// The type NSEC.
const NSEC: u16 = 47;
/// The type NSEC3PARAM.
const NSEC3PARAM: u16 = 51;

/// The changes of one zone that a delta holds.
#[derive(Clone, Debug)]
pub struct ZoneChanges {
    /// The apex.
    apex: Name,
    /// What is said, by name; the apex is always among them.
    statements: BTreeMap<Name, Statement>,
    /// How many names the zone has from then on.
    names: u64,
    /// How many records.
    records: u64,
    /// Its serial.
    serial: u32,
    /// RDATA of the NSEC3PARAM record that is used.
    nsec3: Option<Box<[u8]>>,
    /// Whether cuts or DNAME records came or went above names that nothing is said of.
    is_structural: bool,
}

/// What is said of a name.
#[derive(Clone, Debug)]
struct Statement {
    /// Flags that its records do not show: occluded, wildcard child, tombstone.
    flags: u16,
    /// Its records.
    records: Vec<OwnedRecord>,
}

/// What names own from now on; none where the name went.
type Standing = BTreeMap<Name, Option<Vec<OwnedRecord>>>;

impl ZoneChanges {
    /// What a delta above a zone has to say, for some owners to own these records from now on. An owner without records owns nothing any more.
    /// Records of a type are in canonical order, each once, with one TTL.
    ///
    /// # Errors
    ///
    /// An owner that is not at or below the apex.
    pub fn new<B: SegmentOctets>(
        zone: &Zone<'_, B>,
        owners: &BTreeMap<Name, Vec<OwnedRecord>>,
    ) -> Result<ZoneChanges, WriteError> {
        let apex = zone.apex().to_name();
        if let Some(owner) = owners.keys().find(|owner| !owner.is_at_or_below(apex.as_ref())) {
            return Err(WriteError::OutOfZone { apex, owner: owner.clone() });
        }
        let mut after = After { zone, apex: apex.as_ref(), standing: Standing::new() };
        after.set(owners);
        let is_structural = after.follow_structure();
        Ok(after.finish(is_structural))
    }

    /// What one delta says of a zone, to be folded or merged; none where the segment has all of the zone, or nothing.
    pub fn of_segment<B: SegmentOctets>(segment: &Segment<B>, id: ZoneId) -> Option<ZoneChanges> {
        let (zone, row) = segment.changes_of(id)?;
        let apex = zone.apex_node()?;
        let mut changes = ZoneChanges {
            apex: apex.name().to_name(),
            statements: BTreeMap::new(),
            names: zone.name_count(),
            records: zone.record_count(),
            serial: zone.serial().unwrap_or(0),
            nsec3: parameters(apex.records()),
            is_structural: false,
        };
        changes.add(row);
        Some(changes)
    }

    /// Adds what an older delta says, where this one says nothing: both can then be left out of the stack for the one that is written. The older
    /// one must be the next below of those that have changes of the zone.
    pub fn fold<B: SegmentOctets>(&mut self, older: &Segment<B>, id: ZoneId) {
        if let Some((_, changes)) = older.changes_of(id) {
            self.add(changes);
        }
    }

    /// Adds what is said of names that nothing is said of yet.
    fn add(&mut self, (nodes, is_structural): (crate::order::Nodes<'_>, bool)) {
        self.is_structural |= is_structural;
        for node in nodes {
            self.statements
                .entry(node.name().to_name())
                .or_insert_with(|| Statement { flags: node.flags() & KEPT_FLAGS, records: owned(node.records()) });
        }
    }

    /// The apex.
    pub fn apex(&self) -> &Name {
        &self.apex
    }

    /// How many names something is said of.
    pub fn name_count(&self) -> usize {
        self.statements.len()
    }

    /// The zone's serial from then on.
    pub fn serial(&self) -> u32 {
        self.serial
    }

    /// How many records the zone has from then on.
    pub fn record_count(&self) -> u64 {
        self.records
    }

    /// Whether the zone's NSEC3 chain is the one it was. Where it is another, names that did not change stand in other places of it: the zone
    /// is to be written whole.
    pub fn fits<B: SegmentOctets>(&self, zone: &Zone<'_, B>) -> bool {
        let of_zone = zone.apex_node().and_then(|apex| parameters(apex.records()));
        let split = |rdata: &Option<Box<[u8]>>| {
            rdata.as_deref().and_then(Nsec3Parameters::in_use).map(|own| (own.iterations, own.salt.to_vec()))
        };
        split(&of_zone) == split(&self.nsec3)
    }

    /// How many names the zone has from then on.
    pub(crate) fn zone_names(&self) -> u64 {
        self.names
    }

    /// Whether only the names above a name say what hides it.
    pub(crate) fn is_structural(&self) -> bool {
        self.is_structural
    }

    /// RDATA of the NSEC3PARAM record that is used.
    pub(crate) fn nsec3(&self) -> Option<&[u8]> {
        self.nsec3.as_deref()
    }

    /// What is said, ready to be written.
    pub(crate) fn into_source(self) -> ChangesSource {
        ChangesSource { statements: self.statements.into_iter().collect() }
    }
}

/// Flags that a name's records do not show.
const KEPT_FLAGS: u16 = node::OCCLUDED | node::WILDCARD_CHILD | node::TOMBSTONE;

/// A zone as it will be: as it stands, but for some names.
struct After<'z, 'a, B> {
    /// As it stands.
    zone: &'z Zone<'a, B>,
    /// Its apex.
    apex: NameRef<'a>,
    /// Names of which something else is true from now on.
    standing: Standing,
}

impl<'a, B: SegmentOctets> After<'_, 'a, B> {
    /// A name as it stands.
    fn before(&self, name: &Name) -> Option<Node<'a>> {
        self.zone.address_node(&LookupName::new(self.zone.key(), name.as_ref()))
    }

    /// Whether a name exists from now on.
    fn exists(&self, name: &Name) -> bool {
        match self.standing.get(name) {
            Some(standing) => standing.is_some(),
            None => self.before(name).is_some(),
        }
    }

    /// Whether a name owns records of a type from now on.
    fn owns(&self, name: &Name, rtype: u16) -> bool {
        match self.standing.get(name) {
            Some(standing) => standing.iter().flatten().any(|record| record.rtype == rtype),
            None => self.before(name).is_some_and(|node| node.rrset(rtype).is_some()),
        }
    }

    /// Says of a name, of which nothing was said, what is true of it anyway.
    fn repeat(&mut self, name: &Name) {
        if !self.standing.contains_key(name) {
            let node = self.before(name);
            let standing = node.map(|node| owned(node.records()));
            // As it was written.
            let name = node.map_or_else(|| name.clone(), |node| node.name().to_name());
            self.standing.insert(name, standing);
        }
    }

    /// Takes in what owners own from now on, with what comes and goes above them.
    fn set(&mut self, owners: &BTreeMap<Name, Vec<OwnedRecord>>) {
        for (owner, records) in owners {
            let is_there = !records.is_empty() || owner.as_ref() == self.apex;
            self.standing.insert(owner.clone(), is_there.then(|| records.clone()));
        }
        let apex = self.apex.to_name();
        self.repeat(&apex);
        let gone = self.standing.iter().filter(|(_, standing)| standing.is_none());
        let mut unsettled: BTreeSet<Name> = gone.map(|(name, _)| name.clone()).collect();
        // What is below comes behind, and is settled first; what is above is settled once for all that went below it.
        while let Some(name) = unsettled.pop_last() {
            if self.settle(&name)
                && let Some(above) = name.parent()
            {
                unsettled.insert(above);
            }
        }
        let come: Vec<Name> =
            self.standing.iter().filter(|(_, standing)| standing.is_some()).map(|(name, _)| name.clone()).collect();
        for name in come {
            let mut above = name.parent();
            while let Some(name) = above.filter(|name| name.is_at_or_below(self.apex) && !self.exists(name)) {
                above = name.parent();
                self.standing.insert(name, Some(Vec::new()));
            }
        }
        let wildcards: Vec<Name> = self.standing.keys().filter(|name| name.as_ref().is_wildcard()).cloned().collect();
        for wildcard in wildcards {
            if self.before(&wildcard).is_some() != self.exists(&wildcard)
                && let Some(parent) = wildcard.parent().filter(|parent| parent.is_at_or_below(self.apex))
            {
                self.repeat(&parent);
            }
        }
        // Of a name that was not there nothing is to be said when it is not there.
        let none = std::mem::take(&mut self.standing);
        let was_there = |name: &Name| self.before(name).is_some();
        self.standing = none.into_iter().filter(|(name, standing)| standing.is_some() || was_there(name)).collect();
    }

    /// Settles what becomes of a name, if it owns nothing; tells whether it goes.
    fn settle(&mut self, name: &Name) -> bool {
        if name.as_ref() == self.apex || !name.is_at_or_below(self.apex) {
            return false;
        }
        let owns_nothing = match self.standing.get(name) {
            Some(standing) => standing.as_ref().is_none_or(Vec::is_empty),
            None => self.before(name).is_none_or(|node| node.is_empty_non_terminal()),
        };
        if !owns_nothing {
            return false;
        }
        if self.has_descendants(name) {
            if let Some(standing) = self.standing.get_mut(name) {
                *standing = Some(Vec::new());
            }
            return false;
        }
        self.standing.insert(name.clone(), None);
        true
    }

    /// Whether anything below a name owns records from now on.
    fn has_descendants(&self, name: &Name) -> bool {
        let below = self.standing.range((Bound::Excluded(name), Bound::Unbounded));
        let mut below = below.take_while(|(other, _)| other.is_at_or_below(name.as_ref()));
        if below.any(|(_, standing)| standing.as_ref().is_some_and(|records| !records.is_empty())) {
            return true;
        }
        self.unsaid_below(name).any(|node| !node.is_empty_non_terminal())
    }

    /// Names below a name of which nothing is said, as they stand.
    fn unsaid_below(&self, name: &Name) -> impl Iterator<Item = Node<'a>> {
        let nodes = self.zone.nodes_behind(&LookupName::new(self.zone.key(), name.as_ref()));
        let below = nodes.take_while(|node| node.name().is_at_or_below(name.as_ref()));
        below.filter(|node| !self.standing.contains_key(&node.name().to_name()))
    }

    /// Finds where cuts and DNAME records come or go, and says of names below what they do not show; tells whether there are names below of which
    /// nothing is said.
    fn follow_structure(&mut self) -> bool {
        let mut is_structural = false;
        let mut repeated = Vec::new();
        let has_proof = |records: &Vec<OwnedRecord>| records.iter().any(|record| record.rtype == NSEC);
        let is_signed = self.zone.has_nsec_owners() || self.standing.values().flatten().any(has_proof);
        for name in self.standing.keys() {
            let is_apex = name.as_ref() == self.apex;
            let before = self.before(name);
            let hid = (before.is_some_and(|node| node.is_cut()), before.is_some_and(|node| node.owns_dname()));
            if hid == (!is_apex && self.owns(name, NS), self.owns(name, DNAME)) {
                continue;
            }
            let mut below = self.unsaid_below(name);
            if is_signed {
                for node in below {
                    is_structural = true;
                    // Whether it proves anything has to be seen in it.
                    if node.rrset(NSEC).is_some() {
                        repeated.push(node.name().to_name());
                    }
                }
            } else {
                is_structural |= below.next().is_some();
            }
        }
        repeated.iter().for_each(|name| self.repeat(name));
        is_structural
    }

    /// Whether a name is below a cut or a DNAME record from now on.
    fn is_occluded(&self, name: &Name) -> bool {
        let mut above = name.parent();
        while let Some(name) = above.filter(|name| name.is_at_or_below(self.apex)) {
            if self.owns(&name, DNAME) || name.as_ref() != self.apex && self.owns(&name, NS) {
                return true;
            }
            above = name.parent();
        }
        false
    }

    /// The flags of a name that its records do not show.
    fn flags(&self, name: &Name) -> u16 {
        let has_wildcard = name.prepend_label(b"*").is_ok_and(|wildcard| self.exists(&wildcard));
        let flag = |flag, is_set| if is_set { flag } else { 0 };
        flag(node::WILDCARD_CHILD, has_wildcard) | flag(node::OCCLUDED, self.is_occluded(name))
    }

    /// All of it together.
    fn finish(self, is_structural: bool) -> ZoneChanges {
        let (mut names, mut records) = (self.zone.name_count(), self.zone.record_count());
        let mut statements = BTreeMap::new();
        for (name, standing) in &self.standing {
            let before = self.before(name);
            names -= u64::from(before.is_some()).min(names);
            records -= before.map_or(0, |node| node.records().count() as u64).min(records);
            let statement = match standing {
                Some(owned) => {
                    names += 1;
                    records += owned.len() as u64;
                    Statement { flags: self.flags(name), records: owned.clone() }
                }
                None => Statement { flags: node::TOMBSTONE, records: Vec::new() },
            };
            statements.insert(name.clone(), statement);
        }
        let apex = self.apex.to_name();
        let at_apex = statements.get(&apex).map_or(&[][..], |statement| &statement.records);
        let soa = at_apex.iter().find(|record| record.rtype == SOA);
        let serial = soa.and_then(|record| record.rdata.len().checked_sub(20).and_then(|at| record.rdata.get(at..)));
        let serial = serial.and_then(|numbers| numbers.first_chunk()).map_or(0, |serial| u32::from_be_bytes(*serial));
        let nsec3 = parameters(at_apex.iter().map(OwnedRecord::as_source));
        ZoneChanges { apex, statements, names, records, serial, nsec3, is_structural }
    }
}

/// RDATA of the NSEC3PARAM record that is used.
fn parameters<'r>(mut records: impl Iterator<Item = SourceRecord<'r>>) -> Option<Box<[u8]>> {
    let used =
        |record: &SourceRecord<'_>| record.rtype == NSEC3PARAM && Nsec3Parameters::in_use(record.rdata).is_some();
    records.find(used).map(|record| record.rdata.into())
}

/// Records of their own.
fn owned<'r>(records: impl Iterator<Item = SourceRecord<'r>>) -> Vec<OwnedRecord> {
    records.map(|SourceRecord { rtype, ttl, rdata }| OwnedRecord { rtype, ttl, rdata: rdata.into() }).collect()
}

/// The owners of a zone as they will be, for a zone that is written whole: few enough to be held in memory.
pub(crate) fn whole<B: SegmentOctets>(zone: &Zone<'_, B>, owners: &BTreeMap<Name, Vec<OwnedRecord>>) -> ChangesSource {
    let statement = |records| Statement { flags: 0, records };
    let kept = zone.nodes().filter(|node| !node.is_empty_non_terminal());
    let kept = kept.map(|node| (node.name().to_name(), node)).filter(|(name, _)| !owners.contains_key(name));
    let kept = kept.map(|(name, node)| (name, statement(owned(node.records()))));
    let came = owners.iter().filter(|(_, records)| !records.is_empty());
    let came = came.map(|(name, records)| (name.clone(), statement(records.clone())));
    let statements: BTreeMap<Name, Statement> = kept.chain(came).collect();
    ChangesSource { statements: statements.into_iter().collect() }
}

/// What is said, as the builder takes it.
pub(crate) struct ChangesSource {
    /// By name.
    statements: Vec<(Name, Statement)>,
}

impl ChangesSource {
    /// The flags of each name that its records do not show.
    pub(crate) fn flags(&self) -> Vec<u16> {
        self.statements.iter().map(|(_, statement)| statement.flags).collect()
    }
}

impl ZoneSource for ChangesSource {
    fn len(&self) -> usize {
        self.statements.len()
    }

    fn name(&self, rank: usize) -> NameRef<'_> {
        self.statements[rank].0.as_ref()
    }

    fn visit<'a>(&'a self, ranks: Range<usize>, to: &mut Visitor<'_, 'a>) {
        let mut records: Vec<SourceRecord<'a>> = Vec::new();
        for (rank, (name, statement)) in ranks.clone().zip(&self.statements[ranks]) {
            records.clear();
            records.extend(statement.records.iter().map(OwnedRecord::as_source));
            // Those of a type together, and signatures that cover the same type; in a type as they are given.
            records.sort_by_key(|record| (record.rtype, covered(record)));
            if to(rank, name.as_ref(), &records).is_break() {
                break;
            }
        }
    }
}

/// The type that a signature covers; for other types 0.
fn covered(record: &SourceRecord<'_>) -> u16 {
    const RRSIG: u16 = 46;
    match (record.rtype, record.rdata) {
        (RRSIG, [high, low, ..]) => u16::from_be_bytes([*high, *low]),
        _ => 0,
    }
}
