//! What is entered of each part in the tables, part by part in order: here it is settled where nodes lie.

use crate::error::WriteError;
use crate::octets::REFERENCE_UNIT;
use crate::rrset::SHARED;
use crate::tables::{CHANGES, NO_NODE, NSEC_OWNERS, STRUCTURAL, ZoneRow};

use super::encode::Encoded;
use super::index::Hashes;
use super::order::Order;
use super::path::{At, PlacedPath, resolve};
use super::plan::{Part, ZonePlan};
use super::sharing::Shared;

/// The tables of a segment, as far as its parts are placed.
pub(super) struct Tables {
    /// Octets of the arena of nodes.
    pub(super) node_octets: u64,
    /// Hash and reference of each node.
    pub(super) hashes: Hashes,
    /// The tables of canonical order.
    pub(super) order: Order,
    /// The rows of NSEC3 owners.
    pub(super) nsec3_hashes: Vec<u64>,
    /// Their nodes.
    pub(super) nsec3_nodes: Vec<u32>,
    /// The zones so far, in the order in which they were given.
    pub(super) zones: Vec<ZoneRow>,
    /// RRsets outside of records.
    pub(super) shared: Shared,
    /// RRsets in records that have targets: where they begin in the arena, and the number of their zone.
    pub(super) targets: Vec<PartTargets>,
    /// Nodes that get a link to the NSEC3 record that speaks of them.
    pub(super) denials: Vec<PartDenials>,
    /// Nodes that have a wildcard below them in a part behind their own.
    pub(super) wildcard_parents: Vec<u32>,
    /// The path to the last node.
    path: PlacedPath,
    /// The last owner of an authoritative NSEC RRset.
    last_proof: u32,
}

/// RRsets with targets of one part.
pub(super) struct PartTargets {
    /// The number of the zone.
    pub(super) zone: u32,
    /// Where the part begins in the arena of nodes.
    pub(super) base: u64,
    /// Where in the part they begin.
    pub(super) places: Vec<u32>,
}

/// Nodes of one part that get a link to the NSEC3 record that speaks of them.
pub(super) struct PartDenials {
    /// The number of the zone.
    pub(super) zone: u32,
    /// The reference of the part's first node.
    pub(super) base: u32,
    /// Their references, from there on.
    pub(super) nodes: Vec<u32>,
}

/// A part that has its place.
pub(super) struct Placed {
    /// Where in the arena of nodes it begins.
    pub(super) base: u64,
    /// Its octets.
    pub(super) nodes: Vec<u8>,
    /// Where in it a number is to be put.
    pub(super) numbers: Vec<(u32, u32)>,
}

impl Placed {
    /// Adds the part that lies behind it.
    pub(super) fn append(&mut self, next: Placed) {
        // Both are far below 2^32 octets.
        let start = self.nodes.len() as u32;
        self.nodes.extend_from_slice(&next.nodes);
        self.numbers.extend(next.numbers.into_iter().map(|(at, number)| (start + at, number)));
    }

    /// Puts in what was not known when it was written.
    pub(super) fn complete(&mut self) {
        for (at, number) in self.numbers.drain(..) {
            let at = at as usize;
            self.nodes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
    }
}

impl Tables {
    /// Empty tables of a segment with so many names.
    pub(super) fn new(names: usize, shared: Shared) -> Tables {
        Tables {
            node_octets: 0,
            hashes: Hashes::new(names),
            order: Order::default(),
            nsec3_hashes: Vec::new(),
            nsec3_nodes: Vec::new(),
            zones: Vec::new(),
            shared,
            targets: Vec::new(),
            denials: Vec::new(),
            wildcard_parents: Vec::new(),
            path: PlacedPath::new(),
            last_proof: NO_NODE,
        }
    }

    /// Places a part behind those before it.
    pub(super) fn place(&mut self, zone: &ZonePlan<'_>, part: &Part, encoded: Encoded) -> Result<Placed, WriteError> {
        let full = || WriteError::Full { octets: self.node_octets as usize };
        let first = self.node_octets / REFERENCE_UNIT as u64;
        let base = u32::try_from(first).map_err(|_| full())?;
        // The last number means that there is no node.
        let end = u32::try_from(first + (encoded.nodes.len() / REFERENCE_UNIT) as u64);
        let end = end.ok().filter(|end| *end != NO_NODE).ok_or_else(full)?;
        if part.ranks.start == 0 {
            self.start_zone(zone, base, encoded.serial);
        }
        self.enter_names(base, end, &encoded);
        let mut numbers = Vec::with_capacity(encoded.links.len() + encoded.long_places.len());
        for (at, to) in &encoded.links {
            numbers.push((*at, resolve(*to, base, &self.path).unwrap_or(NO_NODE)));
        }
        self.place_long(part, &encoded, &mut numbers)?;
        let parents = encoded.wildcard_parents.iter().map(|labels| At::Before(*labels));
        self.wildcard_parents.extend(parents.filter_map(|parent| resolve(parent, base, &self.path)));
        if !encoded.targets.is_empty() {
            // There are fewer zones than names.
            let zone = part.zone as u32;
            self.targets.push(PartTargets { zone, base: self.node_octets, places: encoded.targets });
        }
        if !encoded.denials.is_empty() {
            self.denials.push(PartDenials { zone: part.zone as u32, base, nodes: encoded.denials });
        }
        let placed = |at| resolve(at, base, &self.path).unwrap_or(NO_NODE);
        self.path = encoded.path.iter().map(|node| (node.labels, placed(node.at))).collect();
        if part.ranks.end == zone.source.len() {
            self.order.complete_zone();
        }
        let base = self.node_octets;
        self.node_octets += encoded.nodes.len() as u64;
        Ok(Placed { base, nodes: encoded.nodes, numbers })
    }

    /// Begins the row of a zone.
    fn start_zone(&mut self, zone: &ZonePlan<'_>, start: u32, serial: Option<u32>) {
        let order_start = self.order.start_zone();
        self.last_proof = NO_NODE;
        self.path.clear();
        let changes = zone.changes.as_ref();
        let structural = if changes.is_some_and(|changes| changes.is_structural) { STRUCTURAL } else { 0 };
        self.zones.push(ZoneRow {
            zone: zone.id.0,
            serial: changes.map(|changes| changes.serial).or(serial).unwrap_or(0),
            start,
            end: start,
            names: 0,
            // There are fewer of them than nodes, which 32 bits can count.
            name_start: order_start.names as u32,
            block_start: order_start.blocks as u32,
            proofs: 0,
            nsec3_start: self.nsec3_hashes.len() as u32,
            nsec3_count: 0,
            flags: changes.map_or(0, |_| CHANGES | structural),
            // A zone has no more names than references.
            zone_names: changes.map_or(0, |changes| u32::try_from(changes.names).unwrap_or(u32::MAX)),
            records: changes.map_or(0, |changes| changes.records),
        });
    }

    /// Enters the names of a part.
    fn enter_names(&mut self, base: u32, end: u32, encoded: &Encoded) {
        let Some(row) = self.zones.last_mut() else { return };
        for name in &encoded.rows {
            let reference = base + name.node;
            self.hashes.push(name.hash, reference);
            self.order.name(name.key, reference, name.octets as usize, self.last_proof);
            if name.owns_nsec {
                row.flags |= NSEC_OWNERS;
            }
            if name.is_proof {
                self.last_proof = reference;
                row.proofs += 1;
            }
        }
        for (hash, node) in &encoded.nsec3 {
            self.nsec3_hashes.push(*hash);
            self.nsec3_nodes.push(base + node);
        }
        // Each node takes a reference, and those are 32 bits wide.
        row.names += encoded.rows.len() as u32;
        row.nsec3_count += encoded.nsec3.len() as u32;
        if row.flags & CHANGES == 0 {
            row.zone_names = row.names;
            row.records += encoded.records;
        }
        row.end = end;
    }

    /// Moves the long RRsets of a part to the shared arena.
    fn place_long(&mut self, part: &Part, encoded: &Encoded, numbers: &mut Vec<(u32, u32)>) -> Result<(), WriteError> {
        if encoded.long.is_empty() {
            return Ok(());
        }
        let base = self.shared.push(&encoded.long)?;
        let last = u64::from(base) + (encoded.long.len() / REFERENCE_UNIT) as u64;
        if last >= u64::from(SHARED) {
            return Err(WriteError::Full { octets: self.shared.octets.len() });
        }
        numbers.extend(encoded.long_places.iter().map(|(at, place)| (*at, SHARED | (base + place))));
        let targets = encoded.long_targets.iter().map(|place| (base + place, part.zone as u32));
        self.shared.with_targets.extend(targets);
        Ok(())
    }
}
