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
use crate::node::{self, FIXED_OCTETS};
use crate::octets::{REFERENCE_UNIT, next_reference};
use crate::rrset::DIRECTORY_ENTRY_OCTETS;
use crate::seal::seal;
use crate::sort_key::SortKey;
use crate::tables::{NO_NODE, ZoneRow, ZonesRoot};
use crate::zone::Zone;

mod body;
mod nsec3;
mod order;
mod owner;
mod targets;

use body::{Arenas, RRSETS_MAX};
use nsec3::Parameters;
use order::{Order, OrderStart};
use owner::Owner;
use targets::Targets;

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
    /// Node records and RRsets.
    arenas: Arenas,
    /// RRsets whose targets are not filled in yet.
    targets: Targets,
    /// Hash and reference of each node.
    hashes: Vec<(u64, u32)>,
    /// The tables of canonical order.
    order: Order,
    /// The rows of NSEC3 owners.
    nsec3_hashes: Vec<u64>,
    /// Their nodes.
    nsec3_nodes: Vec<u32>,
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
    /// Reference of its first node, once there is one.
    start: Option<u32>,
    /// How many nodes it has.
    names: u32,
    /// Where its names begin in the tables of canonical order.
    order_start: OrderStart,
    /// How many of its names own an NSEC RRset with authority.
    proofs: u32,
    /// Its first row of NSEC3 owners.
    nsec3_start: usize,
    /// Its NSEC3 chain.
    nsec3: Option<Parameters>,
    /// Serial of its SOA record.
    serial: u32,
    /// Its records so far.
    records: u64,
    /// The last owner of an authoritative NSEC RRset.
    last_proof: u32,
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
    /// The zone cut or DNAME owner that occludes it.
    hidden_by: Option<u32>,
    /// Whether it is itself a zone cut or a DNAME owner.
    hides: bool,
}

impl PathNode {
    /// What occludes the nodes below it.
    fn hides_below(&self) -> Option<u32> {
        self.hidden_by.or(self.hides.then_some(self.reference))
    }
}

impl SegmentWriter {
    /// An empty segment.
    pub fn new(key: HashKey) -> SegmentWriter {
        SegmentWriter {
            key,
            arenas: Arenas::default(),
            targets: Targets::default(),
            hashes: Vec::new(),
            order: Order::default(),
            nsec3_hashes: Vec::new(),
            nsec3_nodes: Vec::new(),
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
            start: None,
            names: 0,
            order_start: self.order.start_zone(),
            proofs: 0,
            nsec3_start: self.nsec3_hashes.len(),
            nsec3: None,
            serial: 0,
            records: 0,
            last_proof: NO_NODE,
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
        let buckets = index::build(&self.hashes).ok_or(WriteError::Index { names: self.hashes.len() })?;
        self.hashes = Vec::new();
        self.targets.fill_in(self.key, &mut self.arenas, &buckets, &self.zones);
        self.zones.sort_by_key(|zone| zone.zone);
        let order = self.order.finish();
        let root = ZonesRoot {
            buckets,
            order: order.octets,
            nodes: self.arenas.nodes,
            shared: self.arenas.shared,
            upper_separators: order.upper_separators,
            lower_separators: order.lower_separators,
            blocks: order.blocks,
            nsec3_hashes: self.nsec3_hashes,
            nsec3_nodes: self.nsec3_nodes,
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
        self.order.complete_zone();
        let full = WriteError::Full { octets: self.arenas.nodes.len() };
        let end = next_reference(&mut self.arenas.nodes).ok_or(full)?;
        self.zones.push(ZoneRow {
            zone: zone.id.0,
            serial: zone.serial,
            start: zone.start.unwrap_or(end),
            end,
            names: zone.names,
            // There are fewer of them than nodes, which 32 bits can count.
            name_start: zone.order_start.names as u32,
            block_start: zone.order_start.blocks as u32,
            proofs: zone.proofs,
            nsec3_start: zone.nsec3_start as u32,
            nsec3_count: (self.nsec3_hashes.len() - zone.nsec3_start) as u32,
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
        let full = WriteError::Full { octets: self.arenas.nodes.len() };
        let reference = next_reference(&mut self.arenas.nodes).ok_or(full)?;
        let parent = zone.path.last().copied();
        let hidden_by = parent.and_then(|parent| parent.hides_below());
        let is_apex = parent.is_none();
        let flags = flags_of(name, owner, is_apex, hidden_by.is_some());
        let link = if is_apex { Some(zone.id.0) } else { hidden_by };
        self.write_record(zone, owner, flags, link)?;
        if let Some(parent) = parent.filter(|_| name.is_wildcard()) {
            let record = &mut self.arenas.nodes[parent.reference as usize * REFERENCE_UNIT..];
            record[node::FLAGS_OFFSET] |= node::WILDCARD_CHILD as u8;
        }
        self.hashes.push((hash, reference));
        let key = SortKey::of(&self.lookup, zone.apex_labels);
        let length = self.arenas.nodes.len() - reference as usize * REFERENCE_UNIT;
        self.order.name(key, reference, length, zone.last_proof);
        if is_apex {
            zone.start = Some(reference);
            zone.nsec3 = Parameters::of_apex(owner);
        } else if labels == zone.apex_labels + 1
            && let Some(row) = zone.nsec3.as_ref().and_then(|chain| chain.row_of(owner))
        {
            self.nsec3_hashes.push(row);
            self.nsec3_nodes.push(reference);
        }
        if flags & node::PROOF != 0 {
            zone.last_proof = reference;
            zone.proofs += 1;
        }
        // Each node takes a reference, and those are 32 bits wide.
        zone.names += 1;
        let hides = flags & (node::CUT | node::DNAME) != 0;
        zone.path.push(PathNode { labels, reference, hidden_by, hides });
        Ok(())
    }

    /// Appends a node's record to the arena, which is filled up to a reference.
    fn write_record(
        &mut self,
        zone: &CurrentZone,
        owner: &Owner,
        flags: u16,
        link: Option<u32>,
    ) -> Result<(), WriteError> {
        let start = self.arenas.nodes.len();
        let rrsets = owner.rrsets();
        if rrsets.len() > RRSETS_MAX {
            return Err(WriteError::OwnerTooLarge {
                owner: owner.name.clone(),
                what: "types",
                expected_max: RRSETS_MAX as u64,
                found: rrsets.len() as u64,
            });
        }
        let name = owner.name.as_wire();
        let flags = flags | if link.is_some() { node::LINKED } else { 0 };
        let mut fixed = [0; FIXED_OCTETS];
        fixed[node::FLAGS_OFFSET..node::FLAGS_OFFSET + 2].copy_from_slice(&flags.to_le_bytes());
        // Below 2^16, as was just checked; and a name has at most 255 octets.
        fixed[node::RRSETS_OFFSET..node::RRSETS_OFFSET + 2].copy_from_slice(&(rrsets.len() as u16).to_le_bytes());
        fixed[node::NAME_LENGTH_OFFSET] = name.len() as u8;
        self.arenas.nodes.extend_from_slice(&fixed);
        self.arenas.nodes.extend_from_slice(name);
        self.arenas.nodes.extend(link.iter().flat_map(|link| link.to_le_bytes()));
        let mut entry = self.arenas.nodes.len();
        self.arenas.nodes.resize(entry + rrsets.len() * DIRECTORY_ENTRY_OCTETS, 0);
        for gathered in rrsets {
            let has_targets = owner.has_targets(gathered, zone.apex.as_ref());
            let (place, targets) = self.arenas.write(start, zone.id, owner, gathered, has_targets)?;
            self.arenas.nodes[entry..entry + 2].copy_from_slice(&gathered.rtype.to_le_bytes());
            self.arenas.nodes[entry + 2..entry + DIRECTORY_ENTRY_OCTETS].copy_from_slice(&place.to_le_bytes());
            entry += DIRECTORY_ENTRY_OCTETS;
            if let Some(targets) = targets {
                self.targets.note(targets, self.zones.len());
            }
        }
        let length = (self.arenas.nodes.len() - start).next_multiple_of(REFERENCE_UNIT);
        self.arenas.nodes.resize(start + length, 0);
        // The limits of types and of octets in a record keep this below 2^16.
        let units = (length / REFERENCE_UNIT) as u16;
        self.arenas.nodes[start..start + 2].copy_from_slice(&units.to_le_bytes());
        Ok(())
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
    set(node::PROOF, !is_occluded && owner.has(NSEC));
    flags
}

/// How many labels two names share from the right.
fn shared_labels(a: NameRef<'_>, b: NameRef<'_>) -> usize {
    let (a, b) = (LookupName::new(HashKey::default(), a), LookupName::new(HashKey::default(), b));
    let most = a.label_count().min(b.label_count());
    (1..=most).take_while(|&labels| a.suffix(labels) == b.suffix(labels)).last().unwrap_or(0)
}
