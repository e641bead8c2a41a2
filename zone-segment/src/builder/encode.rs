//! The nodes of one part as octets: written by one thread, before it is known where in the segment they will lie.

use crate::error::WriteError;
use crate::hash::HashKey;
use crate::lookup_name::LookupName;
use crate::name::NameRef;
use crate::node::{self, FIXED_OCTETS};
use crate::octets::REFERENCE_UNIT;
use crate::rrset::{DIRECTORY_ENTRY_OCTETS, SHARED};
use crate::sort_key::SortKey;
use crate::tables::NO_NODE;

use super::body;
use super::error::BuildError;
use super::owned::{Gathered, Owned};
use super::path::{At, PathNode};
use super::plan::{Part, ZonePlan};
use super::sharing::{self, Shared};
use super::{DNAME, NS, NSEC, NSEC3};

/// A part as octets, and what has to be entered in tables.
#[derive(Default)]
pub(super) struct Encoded {
    /// The node records; where they refer to nodes, zeros.
    pub(super) nodes: Vec<u8>,
    /// The names, in canonical order.
    pub(super) rows: Vec<NameRow>,
    /// Where in the nodes a reference is to be put, and to what.
    pub(super) links: Vec<(u32, At)>,
    /// RRsets that are too long for a record.
    pub(super) long: Vec<u8>,
    /// Where in the nodes a directory entry leads to one of them, and its reference among them.
    pub(super) long_places: Vec<(u32, u32)>,
    /// Where in the nodes RRsets with targets begin.
    pub(super) targets: Vec<u32>,
    /// References of those among the long ones.
    pub(super) long_targets: Vec<u32>,
    /// Ancestors in parts before that have a wildcard among the names, by their labels.
    pub(super) wildcard_parents: Vec<usize>,
    /// NSEC3 rows and nodes.
    pub(super) nsec3: Vec<(u64, u32)>,
    /// Nodes that get a link to the NSEC3 record that speaks of them.
    pub(super) denials: Vec<u32>,
    /// The path to the last node.
    pub(super) path: Vec<PathNode>,
    /// How many records.
    pub(super) records: u64,
    /// The serial of the SOA record, of a zone's first part.
    pub(super) serial: Option<u32>,
}

/// Octets of a node, roughly.
const NODE_OCTETS: usize = 96;

impl Encoded {
    /// A part with room for about so many names: most zones are small, and would ask for memory for each doubling.
    fn with_room(names: usize) -> Encoded {
        let nodes = Vec::with_capacity((names + 1) * NODE_OCTETS);
        Encoded { nodes, rows: Vec::with_capacity(names + 1), ..Encoded::default() }
    }
}

/// A name as the tables want it.
pub(super) struct NameRow {
    /// Its hash.
    pub(super) hash: u64,
    /// Its sort key.
    pub(super) key: SortKey,
    /// Its node, from the beginning of the part.
    pub(super) node: u32,
    /// Octets of its node.
    pub(super) octets: u32,
    /// Whether it owns an NSEC RRset with authority.
    pub(super) is_proof: bool,
    /// Whether it owns one at all.
    pub(super) owns_nsec: bool,
}

/// Longer RRsets lie outside of their owner's record, so that a search in canonical order, which reads the records of a block one
/// after the other, does not read them.
const RECORD_OCTETS_MAX: usize = 2048;

/// All RRsets of one owner's record together; what comes behind lies outside.
const RECORD_OCTETS_SUM_MAX: usize = 16 * 1024;

/// The most types an owner may have: their directory has to leave room in the longest record.
pub const RRSETS_MAX: usize = 40_000;

const _: () = assert!(
    RRSETS_MAX * DIRECTORY_ENTRY_OCTETS + RECORD_OCTETS_SUM_MAX + 512 <= u16::MAX as usize * REFERENCE_UNIT,
    "units of a record are counted in 16 bits"
);

/// Writes the nodes of a part.
pub(super) fn encode(
    key: HashKey,
    zones: &[ZonePlan<'_>],
    part: &Part,
    shared: &Shared,
) -> Result<Encoded, BuildError> {
    let zone = &zones[part.zone];
    let mut encoder = Encoder { key, zone, shared, encoded: Encoded::with_room(part.ranks.len()), body: Vec::new() };
    encoder.part(part)?;
    Ok(encoder.encoded)
}

/// A part that is being written.
struct Encoder<'a> {
    /// The key of the name hash.
    key: HashKey,
    /// The zone.
    zone: &'a ZonePlan<'a>,
    /// What lies once for several owners.
    shared: &'a Shared,
    /// The part so far.
    encoded: Encoded,
    /// Octets of the RRset that is being written.
    body: Vec<u8>,
}

/// A name that gets a node.
struct NewNode<'a> {
    /// The name as it was written.
    name: NameRef<'a>,
    /// How many labels it has.
    labels: usize,
    /// Its hash.
    hash: u64,
    /// Its sort key.
    key: SortKey,
}

impl<'a> Encoder<'a> {
    /// Writes owner after owner.
    fn part(&mut self, part: &Part) -> Result<(), BuildError> {
        let zone = self.zone;
        // That of the owner before, once there is one, and that of the owner that is written, by turns.
        let mut lookups = [LookupName::default(), LookupName::default()];
        let mut last: Option<SortKey> = None;
        if zone.changes.is_none()
            && let Some(before) = part.ranks.start.checked_sub(1)
        {
            lookups[0].set(self.key, zone.source.name(before));
            last = Some(SortKey::of(&lookups[0], zone.apex_labels, lookups[0].label_count()));
            self.encoded.path = self.path_before(part.ranks.start)?;
        }
        if part.ranks.is_empty() {
            lookups[0].set(self.key, zone.apex.as_ref());
            let apex = self.new_node(zone.apex.as_ref(), &lookups[0], zone.apex_labels);
            return self.write_node(&apex, &Owned::default()).map_err(|error| BuildError::records(zone, error));
        }
        let mut is_odd = true;
        if let Some(changes) = &zone.changes {
            return zone.visit(part.ranks.clone(), |rank, name, owned| {
                let lookup = &mut lookups[0];
                lookup.set(self.key, name);
                let new = self.new_node(name, lookup, lookup.label_count());
                self.write_change(&new, owned, changes.flags.get(rank).copied().unwrap_or(0))
            });
        }
        zone.visit(part.ranks.clone(), |_, name, owned| {
            let [even, odd] = &mut lookups;
            let (before, lookup) = if is_odd { (even, odd) } else { (odd, even) };
            is_odd = !is_odd;
            lookup.set(self.key, name);
            let sort_key = SortKey::of(lookup, zone.apex_labels, lookup.label_count());
            self.write_owner(name, lookup, sort_key, last.map(|last| (&*before, last)), owned)?;
            last = Some(sort_key);
            Ok(())
        })
    }

    /// The ancestors of the owner at a rank that earlier parts have, as far as they are known from their names.
    fn path_before(&self, rank: usize) -> Result<Vec<PathNode>, BuildError> {
        let (before, name) = (self.zone.source.name(rank - 1), self.zone.source.name(rank));
        let shared = super::survey::shared_labels(before, name);
        let mut path: Vec<PathNode> = Vec::new();
        for labels in self.zone.apex_labels..=shared {
            let mut hides = false;
            if let Some(rank) = self.zone.find(labels_of(name, labels)) {
                self.zone.visit(rank..self.zone.end_of_owner(rank), |_, _, owned| {
                    hides = owned.has(DNAME) || labels > self.zone.apex_labels && owned.has(NS);
                    Ok(())
                })?;
            }
            let hidden_by = path.last().and_then(PathNode::hides_below);
            path.push(PathNode { labels, at: At::Before(labels), hidden_by, hides });
        }
        Ok(path)
    }

    /// Writes an owner's node below the path it belongs to, and the empty non-terminals between.
    fn write_owner(
        &mut self,
        name: NameRef<'_>,
        lookup: &LookupName,
        sort_key: SortKey,
        last: Option<(&LookupName, SortKey)>,
        owned: &Owned<'_>,
    ) -> Result<(), WriteError> {
        let apex_labels = self.zone.apex_labels;
        let labels = lookup.label_count();
        if !lookup.is_at_or_below(self.zone.apex.as_ref()) {
            return Err(WriteError::OutOfZone { apex: self.zone.apex.clone(), owner: name.to_name() });
        }
        let mut shared = 0;
        if let Some((last, last_key)) = last {
            let is_behind = last_key < sort_key || last_key == sort_key && last.name() < lookup.name();
            if !is_behind {
                return Err(WriteError::OutOfOrder { before: last.name().to_name(), owner: name.to_name() });
            }
            let most = labels.min(last.label_count());
            shared = (1..=most).take_while(|labels| last.label(*labels) == lookup.label(*labels)).count();
        }
        while self.encoded.path.last().is_some_and(|node| node.labels > shared) {
            self.encoded.path.pop();
        }
        let first = self.encoded.path.last().map_or(apex_labels, |node| node.labels + 1);
        let nothing = Owned::default();
        for between in first..labels {
            let above = self.new_node(labels_of(name, between), lookup, between);
            self.write_node(&above, &nothing)?;
        }
        if labels == apex_labels {
            self.encoded.serial = owned.serial();
        }
        self.encoded.records += owned.record_count() as u64;
        let new = NewNode { name, labels, hash: lookup.hash(self.key, labels), key: sort_key };
        self.write_node(&new, owned)
    }

    /// The last labels of a name as a node.
    fn new_node<'n>(&self, name: NameRef<'n>, lookup: &LookupName, labels: usize) -> NewNode<'n> {
        let key = SortKey::of(lookup, self.zone.apex_labels, labels);
        NewNode { name, labels, hash: lookup.hash(self.key, labels), key }
    }

    /// Writes a node that changed, by itself: what is above it may be in another segment. `flags` are those that its records do not show.
    fn write_change(&mut self, new: &NewNode<'_>, owned: &Owned<'_>, flags: u16) -> Result<(), WriteError> {
        let start = self.encoded.nodes.len();
        let reference = (start / REFERENCE_UNIT) as u32;
        let is_apex = new.labels == self.zone.apex_labels;
        let flags = match flags & node::TOMBSTONE {
            0 => flags | flags_of(new.name, owned, is_apex, flags & node::OCCLUDED != 0),
            _ => node::TOMBSTONE,
        };
        self.write_record(new.name, owned, flags, None)?;
        self.note_node(new, owned, flags, start, reference);
        Ok(())
    }

    /// Notes what the tables have to know of a node.
    fn note_node(&mut self, new: &NewNode<'_>, owned: &Owned<'_>, flags: u16, start: usize, reference: u32) {
        let octets = (self.encoded.nodes.len() - start) as u32;
        let is_proof = flags & node::PROOF != 0;
        let owns_nsec = owned.has(NSEC);
        self.encoded.rows.push(NameRow { hash: new.hash, key: new.key, node: reference, octets, is_proof, owns_nsec });
        if new.labels == self.zone.apex_labels + 1
            && let Some(row) = self.zone.nsec3.as_ref().and_then(|chain| chain.row_of(new.name, owned))
        {
            self.encoded.nsec3.push((row, reference));
        }
    }

    /// Writes one node and notes what the tables have to know of it.
    fn write_node(&mut self, new: &NewNode<'_>, owned: &Owned<'_>) -> Result<(), WriteError> {
        let start = self.encoded.nodes.len();
        // A part has far fewer octets than 32 bits count.
        let reference = (start / REFERENCE_UNIT) as u32;
        let parent = self.encoded.path.last().copied();
        let hidden_by = parent.and_then(|parent| parent.hides_below());
        let is_apex = parent.is_none();
        let mut flags = flags_of(new.name, owned, is_apex, hidden_by.is_some());
        if self.zone.nsec3.is_some() && hidden_by.is_none() && !owned.has(NSEC3) {
            flags |= node::DENIAL;
            self.encoded.denials.push(reference);
        }
        self.write_record(new.name, owned, flags, hidden_by)?;
        if let Some(parent) = parent.filter(|_| new.name.is_wildcard()) {
            match parent.at {
                At::Part(parent) => {
                    let record = &mut self.encoded.nodes[parent as usize * REFERENCE_UNIT..];
                    record[node::FLAGS_OFFSET] |= node::WILDCARD_CHILD as u8;
                }
                At::Before(labels) => self.encoded.wildcard_parents.push(labels),
            }
        }
        self.note_node(new, owned, flags, start, reference);
        let hides = flags & (node::CUT | node::DNAME) != 0;
        self.encoded.path.push(PathNode { labels: new.labels, at: At::Part(reference), hidden_by, hides });
        Ok(())
    }

    /// Appends a node's record, which is filled up to a reference.
    fn write_record(
        &mut self,
        name: NameRef<'_>,
        owned: &Owned<'_>,
        flags: u16,
        hidden_by: Option<At>,
    ) -> Result<(), WriteError> {
        let nodes = &mut self.encoded.nodes;
        let start = nodes.len();
        let rrsets = owned.rrsets();
        if rrsets.len() > RRSETS_MAX {
            return Err(WriteError::OwnerTooLarge {
                owner: name.to_name(),
                what: "types",
                expected_max: RRSETS_MAX as u64,
                found: rrsets.len() as u64,
            });
        }
        let is_apex = flags & node::APEX != 0;
        let wire = name.as_wire();
        let flags = flags | if is_apex || hidden_by.is_some() { node::LINKED } else { 0 };
        let mut fixed = [0; FIXED_OCTETS];
        fixed[node::FLAGS_OFFSET..node::FLAGS_OFFSET + 2].copy_from_slice(&flags.to_le_bytes());
        // Below 2^16, as was just checked; and a name has at most 255 octets.
        fixed[node::RRSETS_OFFSET..node::RRSETS_OFFSET + 2].copy_from_slice(&(rrsets.len() as u16).to_le_bytes());
        fixed[node::NAME_LENGTH_OFFSET] = wire.len() as u8;
        nodes.extend_from_slice(&fixed);
        nodes.extend_from_slice(wire);
        if is_apex {
            nodes.extend_from_slice(&self.zone.id.0.to_le_bytes());
        } else if let Some(hidden_by) = hidden_by {
            self.encoded.links.push((nodes.len() as u32, hidden_by));
            nodes.extend_from_slice(&[0; node::LINK_OCTETS]);
        }
        if flags & node::DENIAL != 0 {
            nodes.extend_from_slice(&NO_NODE.to_le_bytes());
        }
        let mut entry = nodes.len();
        nodes.resize(entry + rrsets.len() * DIRECTORY_ENTRY_OCTETS, 0);
        for gathered in rrsets {
            let place = self.write_rrset(name, owned, gathered, start, entry + 2)?;
            let nodes = &mut self.encoded.nodes;
            nodes[entry..entry + 2].copy_from_slice(&gathered.rtype.to_le_bytes());
            nodes[entry + 2..entry + DIRECTORY_ENTRY_OCTETS].copy_from_slice(&place.to_le_bytes());
            entry += DIRECTORY_ENTRY_OCTETS;
        }
        let nodes = &mut self.encoded.nodes;
        let length = (nodes.len() - start).next_multiple_of(REFERENCE_UNIT);
        nodes.resize(start + length, 0);
        // The limits of types and of octets in a record keep this below 2^16.
        let units = (length / REFERENCE_UNIT) as u16;
        nodes[start..start + 2].copy_from_slice(&units.to_le_bytes());
        Ok(())
    }

    /// Writes an RRset whose owner's record begins at `start`, and gives its place for the directory entry, which is at `entry`.
    fn write_rrset(
        &mut self,
        name: NameRef<'_>,
        owned: &Owned<'_>,
        gathered: &Gathered,
        start: usize,
        entry: usize,
    ) -> Result<u32, WriteError> {
        let has_targets = owned.has_targets(gathered, self.zone.apex.as_ref());
        let encoded = &mut self.encoded;
        if let Some(hash) = sharing::hash_of(owned, gathered, has_targets, self.zone.id) {
            self.body.clear();
            body::encode(name, owned, gathered, has_targets, &mut self.body)?;
            if let Some(reference) = self.shared.reference(hash, &self.body) {
                return Ok(SHARED | reference);
            }
        }
        let at = encoded.nodes.len();
        body::encode(name, owned, gathered, has_targets, &mut encoded.nodes)?;
        let length = encoded.nodes.len() - at;
        if length > RECORD_OCTETS_MAX || encoded.nodes.len() - start > RECORD_OCTETS_SUM_MAX {
            encoded.long.resize(encoded.long.len().next_multiple_of(REFERENCE_UNIT), 0);
            // In units of a reference: the arena that they go to has no room for more than 32 bits count.
            let place = (encoded.long.len() / REFERENCE_UNIT) as u32;
            encoded.long.extend_from_slice(&encoded.nodes[at..]);
            encoded.nodes.truncate(at);
            encoded.long_places.push((entry as u32, place));
            if has_targets {
                encoded.long_targets.push(place);
            }
            return Ok(0);
        }
        if has_targets {
            encoded.targets.push(at as u32);
        }
        // Far below 2^31: the sum of an owner's RRsets in its record is limited, and so is its directory.
        Ok((at - start) as u32)
    }
}

/// The last labels of a name.
fn labels_of(name: NameRef<'_>, labels: usize) -> NameRef<'_> {
    let mut above = name;
    for _ in labels..name.label_count() {
        above = above.parent().unwrap_or(NameRef::ROOT);
    }
    above
}

/// The flags of a node, as far as they are known when it is written.
fn flags_of(name: NameRef<'_>, owned: &Owned<'_>, is_apex: bool, is_occluded: bool) -> u16 {
    let mut flags = 0;
    let mut set = |flag, is_set| flags |= if is_set { flag } else { 0 };
    set(node::APEX, is_apex);
    set(node::CUT, !is_apex && owned.has(NS));
    set(node::OCCLUDED, is_occluded);
    set(node::DNAME, owned.has(DNAME));
    set(node::WILDCARD, name.is_wildcard());
    set(node::EMPTY, owned.is_empty());
    set(node::PROOF, !is_occluded && owned.has(NSEC));
    flags
}
