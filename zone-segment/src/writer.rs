//! Sorted RRsets in, a segment out. The same input gives the same octets.
//!
//! Zone by zone, owner by owner in canonical order. Each owner becomes one record of the arena once it is complete; a
//! path of records from the apex down to it says what hides it and which empty non-terminals are between.

use std::collections::BTreeSet;

use crate::error::WriteError;
use crate::hash::HashKey;
use crate::ids::ZoneId;
use crate::index;
use crate::kind::Kind;
use crate::lookup_name::LookupName;
use crate::map::{SegmentBuffer, SegmentOctets};
use crate::name::{Name, NameRef};
use crate::node;
use crate::octets::next_reference;
use crate::order::{SEPARATED_NAMES, separator};
use crate::seal::seal;
use crate::tables::{NO_NODE, NO_POSITION, ZoneRow, ZonesRoot};
use crate::zone::Zone;

mod owner;

use owner::Owner;

/// The type NS.
const NS: u16 = 2;
/// The type SOA.
const SOA: u16 = 6;
/// The type DNAME.
const DNAME: u16 = 39;
/// The type RRSIG.
const RRSIG: u16 = 46;
/// The type NSEC.
const NSEC: u16 = 47;

/// Collects zones and writes them as a segment. After an error it is of no use but to be dropped.
pub struct SegmentWriter {
    /// The key of the name hash.
    key: HashKey,
    /// The arena of node records.
    arena: Vec<u8>,
    /// Hash and reference of each node.
    hashes: Vec<(u64, u32)>,
    /// References in canonical order.
    order: Vec<u32>,
    /// For each position, that of the last owner of an authoritative NSEC RRset.
    predecessors: Vec<u32>,
    /// The sort keys of each sixteenth name.
    separators: Vec<[u8; 16]>,
    /// The zones that are complete.
    zones: Vec<ZoneRow>,
    /// The ids of all zones.
    ids: BTreeSet<ZoneId>,
    /// The zone that is being written.
    current: Option<CurrentZone>,
    /// The name of the node that is being written, prepared.
    lookup: LookupName,
}

/// The zone that is being written.
struct CurrentZone {
    /// Its id.
    id: ZoneId,
    /// Its apex.
    apex: Name,
    /// Labels of the apex.
    apex_labels: usize,
    /// Its first position in the canonical order.
    order_start: usize,
    /// Its first separator.
    separator_start: usize,
    /// Serial of its SOA record.
    serial: u32,
    /// Its records so far.
    records: u64,
    /// Position of the last owner of an authoritative NSEC RRset.
    last_nsec: u32,
    /// The nodes from the apex down to the last one written.
    path: Vec<PathNode>,
    /// The name of the last node written.
    last: Option<Name>,
    /// The owner whose RRsets are coming in.
    owner: Option<Owner>,
}

/// A node that may yet get descendants.
#[derive(Clone, Copy)]
struct PathNode {
    /// Labels of its name.
    labels: usize,
    /// Its reference.
    reference: u32,
    /// The hash of its name.
    hash: u64,
    /// The zone cut or DNAME owner that occludes it: reference and hash.
    hidden_by: Option<(u32, u64)>,
    /// Whether it is itself a zone cut or a DNAME owner.
    hides: bool,
}

impl PathNode {
    /// What occludes the nodes below it.
    fn hides_below(&self) -> Option<(u32, u64)> {
        self.hidden_by.or(self.hides.then_some((self.reference, self.hash)))
    }
}

impl SegmentWriter {
    /// An empty segment.
    pub fn new(key: HashKey) -> SegmentWriter {
        SegmentWriter {
            key,
            arena: Vec::new(),
            hashes: Vec::new(),
            order: Vec::new(),
            predecessors: Vec::new(),
            separators: Vec::new(),
            zones: Vec::new(),
            ids: BTreeSet::new(),
            current: None,
            lookup: LookupName::default(),
        }
    }

    /// Begins a zone and completes the one before. Zones come in any order, each id once.
    pub fn start_zone(&mut self, id: ZoneId, apex: NameRef<'_>) -> Result<(), WriteError> {
        self.complete_zone()?;
        if !self.ids.insert(id) {
            return Err(WriteError::ZoneTwice { zone: id });
        }
        self.current = Some(CurrentZone {
            id,
            apex: apex.to_name(),
            apex_labels: apex.label_count(),
            order_start: self.order.len(),
            separator_start: self.separators.len(),
            serial: 0,
            records: 0,
            last_nsec: NO_POSITION,
            path: Vec::new(),
            last: None,
            owner: None,
        });
        Ok(())
    }

    /// Adds an RRset. The RRsets of an owner come together, in any order of types; owners in canonical order.
    ///
    /// Signatures come as type 46, of all covered types together or in several calls, and are hung on the RRsets they
    /// cover. `rdata` is in wire form without compression; equal records are kept once.
    pub fn rrset(&mut self, owner: NameRef<'_>, rtype: u16, ttl: u32, rdata: &[&[u8]]) -> Result<(), WriteError> {
        let zone = self.current.as_mut().ok_or_else(|| WriteError::NoZone { owner: owner.to_name() })?;
        let is_same = zone.owner.as_ref().is_some_and(|current| current.name.as_ref() == owner);
        if !is_same {
            if !owner.is_at_or_below(zone.apex.as_ref()) {
                return Err(WriteError::OutOfZone { apex: zone.apex.clone(), owner: owner.to_name() });
            }
            self.complete_owner()?;
            // Borrowed anew: the zone was moved out and in meanwhile.
            let zone = self.current.as_mut().ok_or_else(|| WriteError::NoZone { owner: owner.to_name() })?;
            if let Some(last) = zone.last.as_ref().filter(|last| last.as_ref() >= owner) {
                return Err(WriteError::OutOfOrder { before: last.clone(), owner: owner.to_name() });
            }
            zone.owner = Some(Owner::new(owner.to_name()));
        }
        match self.current.as_mut().and_then(|zone| zone.owner.as_mut()) {
            Some(owner) => owner.add(rtype, ttl, rdata),
            None => Ok(()),
        }
    }

    /// Adds a zone of an open segment as it is: how a group is built anew when only some of its zones changed.
    pub fn copy_zone<B: SegmentOctets>(&mut self, id: ZoneId, zone: &Zone<'_, B>) -> Result<(), WriteError> {
        self.start_zone(id, zone.apex())?;
        for node in zone.nodes() {
            for rrset in node.rrsets() {
                let records: Vec<&[u8]> = rrset.rdata().collect();
                if !records.is_empty() {
                    self.rrset(node.name(), rrset.rtype(), rrset.ttl(), &records)?;
                }
                let signatures: Vec<&[u8]> = rrset.signatures().collect();
                if !signatures.is_empty() {
                    self.rrset(node.name(), RRSIG, rrset.signature_ttl(), &signatures)?;
                }
            }
        }
        Ok(())
    }

    /// The whole file.
    pub fn finish(mut self) -> Result<SegmentBuffer, WriteError> {
        self.complete_zone()?;
        self.zones.sort_by_key(|zone| zone.zone);
        let buckets = index::build(&self.hashes).ok_or(WriteError::Index { names: self.hashes.len() })?;
        self.hashes = Vec::new();
        let root = ZonesRoot {
            buckets,
            nodes: self.arena,
            order: self.order,
            predecessors: self.predecessors,
            separators: self.separators,
            zones: self.zones,
        };
        seal(Kind::Zones, self.key, &root)
    }

    /// Writes what is left of the current zone, and its row.
    fn complete_zone(&mut self) -> Result<(), WriteError> {
        self.complete_owner()?;
        let Some(mut zone) = self.current.take() else {
            return Ok(());
        };
        if zone.path.is_empty() {
            let apex = zone.apex.clone();
            self.write_node(&mut zone, apex.as_ref(), &Owner::new(apex.clone()))?;
        }
        self.zones.push(ZoneRow {
            zone: zone.id.0,
            apex: zone.path[0].reference,
            // Positions are 32 bits wide: `write_node` refuses more.
            order_start: zone.order_start as u32,
            order_count: (self.order.len() - zone.order_start) as u32,
            separator_start: zone.separator_start as u32,
            serial: zone.serial,
            records: zone.records,
        });
        Ok(())
    }

    /// Writes the current owner's node, and the empty non-terminals between it and the names before.
    fn complete_owner(&mut self) -> Result<(), WriteError> {
        let Some(mut zone) = self.current.take() else {
            return Ok(());
        };
        if let Some(owner) = zone.owner.take() {
            self.write_owner(&mut zone, owner)?;
        }
        self.current = Some(zone);
        Ok(())
    }

    /// Writes an owner's node below the path it belongs to.
    fn write_owner(&mut self, zone: &mut CurrentZone, owner: Owner) -> Result<(), WriteError> {
        let name = owner.name.clone();
        let labels = name.label_count();
        let shared = zone.last.as_ref().map_or(0, |last| shared_labels(last.as_ref(), name.as_ref()));
        while zone.path.last().is_some_and(|node| node.labels > shared) {
            zone.path.pop();
        }
        let first = zone.path.last().map_or(zone.apex_labels, |node| node.labels + 1);
        for between in first..labels {
            let ancestor = name.as_ref().labels().skip(labels - between);
            let ancestor = Name::from_labels(ancestor, NameRef::ROOT)?;
            self.write_node(zone, ancestor.as_ref(), &Owner::new(ancestor.clone()))?;
        }
        if let Some(serial) = owner.serial().filter(|_| labels == zone.apex_labels) {
            zone.serial = serial;
        }
        zone.records += owner.record_count();
        self.write_node(zone, name.as_ref(), &owner)?;
        zone.last = Some(name);
        Ok(())
    }

    /// Writes one node and enters it everywhere.
    fn write_node(&mut self, zone: &mut CurrentZone, name: NameRef<'_>, owner: &Owner) -> Result<(), WriteError> {
        self.lookup.set(self.key, name);
        let labels = self.lookup.label_count();
        let hash = self.lookup.hash(self.key, labels);
        let reference = next_reference(&mut self.arena).ok_or(WriteError::Full { octets: self.arena.len() })?;
        let position = u32::try_from(self.order.len())
            .ok()
            .filter(|position| *position != NO_POSITION)
            .ok_or(WriteError::Full { octets: self.arena.len() })?;
        let parent = zone.path.last().copied();
        let hidden_by = parent.and_then(|parent| parent.hides_below());
        let is_apex = parent.is_none();
        let flags = flags_of(name, owner, is_apex, hidden_by.is_some());
        owner.write(&mut self.arena, &NodeFields { zone: zone.id, flags, labels, position, link: hidden_by })?;
        if let Some(parent) = parent.filter(|_| name.is_wildcard()) {
            self.note_wildcard_child(&parent, reference, hash);
        }
        self.hashes.push((hash, reference));
        self.order.push(reference);
        if owner.has(NSEC) && flags & node::OCCLUDED == 0 {
            zone.last_nsec = position;
        }
        self.predecessors.push(zone.last_nsec);
        let in_zone = position as usize - zone.order_start;
        if in_zone > 0 && in_zone.is_multiple_of(SEPARATED_NAMES) {
            self.separators.push(separator(&self.lookup, zone.apex_labels));
        }
        let hides = flags & (node::CUT | node::DNAME) != 0;
        zone.path.push(PathNode { labels, reference, hash, hidden_by, hides });
        Ok(())
    }

    /// Tells a node that is written already of its wildcard child.
    fn note_wildcard_child(&mut self, parent: &PathNode, reference: u32, hash: u64) {
        let start = parent.reference as usize * crate::octets::REFERENCE_UNIT;
        let record = &mut self.arena[start..];
        record[node::FLAGS_OFFSET] |= node::WILDCARD_CHILD as u8;
        if parent.hidden_by.is_none() {
            record[node::LINK_OFFSET..node::LINK_HASH_OFFSET].copy_from_slice(&reference.to_le_bytes());
            record[node::LINK_HASH_OFFSET..node::FIXED_OCTETS].copy_from_slice(&hash.to_le_bytes());
        }
    }
}

/// What a node's record says beside its name and RRsets.
struct NodeFields {
    /// The zone.
    zone: ZoneId,
    /// The flags.
    flags: u16,
    /// Labels of the name.
    labels: usize,
    /// The position in the canonical order.
    position: u32,
    /// The link: reference and hash.
    link: Option<(u32, u64)>,
}

impl NodeFields {
    /// The fixed part of the record, with zeros where the record's and the name's length and the RRsets are counted.
    fn encode(&self) -> [u8; node::FIXED_OCTETS] {
        let mut octets = [0; node::FIXED_OCTETS];
        let (link, hash) = self.link.unwrap_or((NO_NODE, 0));
        octets[node::ZONE_OFFSET..node::FLAGS_OFFSET].copy_from_slice(&self.zone.0.to_le_bytes());
        octets[node::FLAGS_OFFSET..node::NAME_LENGTH_OFFSET].copy_from_slice(&self.flags.to_le_bytes());
        octets[node::LABELS_OFFSET] = self.labels as u8;
        octets[node::POSITION_OFFSET..node::LINK_OFFSET].copy_from_slice(&self.position.to_le_bytes());
        octets[node::LINK_OFFSET..node::LINK_HASH_OFFSET].copy_from_slice(&link.to_le_bytes());
        octets[node::LINK_HASH_OFFSET..].copy_from_slice(&hash.to_le_bytes());
        octets
    }
}

/// The flags of a node, as far as they are known when it is written.
fn flags_of(name: NameRef<'_>, owner: &Owner, is_apex: bool, is_occluded: bool) -> u16 {
    let mut flags = 0;
    let mut set = |flag, is_set| flags |= if is_set { flag } else { 0 };
    set(node::APEX, is_apex);
    set(node::CUT, !is_apex && owner.has(NS));
    set(node::OCCLUDED, is_occluded);
    set(node::DNAME, owner.has(DNAME));
    set(node::WILDCARD, name.is_wildcard());
    set(node::EMPTY, owner.is_empty());
    flags
}

/// How many labels two names share from the right.
fn shared_labels(a: NameRef<'_>, b: NameRef<'_>) -> usize {
    let (a, b) = (LookupName::new(HashKey::default(), a), LookupName::new(HashKey::default(), b));
    let most = a.label_count().min(b.label_count());
    (1..=most).take_while(|&labels| a.suffix(labels) == b.suffix(labels)).last().unwrap_or(0)
}
