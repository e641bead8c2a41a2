//! An owner name as it lies in a segment: one contiguous record with its flags, its name and all of its RRsets, so that a
//! common answer touches these cache lines and no others.
//!
//! ```text
//!  0 u32 length of the record   16 u32 position in the canonical order
//!  4 u32 zone                   20 u32 link: a node reference
//!  8 u16 flags                  24 u64 link: the hash of that node's name
//! 10 u8  length of the name     32 the name, then zeros up to a multiple of 4,
//! 11 u8  labels                    then the RRset directory, 16 octets each (see rrset.rs),
//! 12 u16 RRsets                    then the RRsets
//! 14 u16 zero
//! ```
//!
//! The link of an occluded node leads to the zone cut or DNAME owner that hides it; that of any other to its wildcard
//! child. A damaged record reads as an empty node or a wrong name: every access is checked.

use std::fmt;

use crate::fold::is_folded;
use crate::name::NameRef;
use crate::octets::{REFERENCE_UNIT, record_at, u8_at, u16_at, u32_at, u64_at};
use crate::prefetch::prefetch;
use crate::rrset::{DIRECTORY_ENTRY_OCTETS, Rrset};
use crate::tables::NO_NODE;

/// Octets before the name.
pub(crate) const FIXED_OCTETS: usize = 32;
/// Offset of the zone's id.
pub(crate) const ZONE_OFFSET: usize = 4;
/// Offset of the flags.
pub(crate) const FLAGS_OFFSET: usize = 8;
/// Offset of the name's length.
pub(crate) const NAME_LENGTH_OFFSET: usize = 10;
/// Offset of the number of labels.
pub(crate) const LABELS_OFFSET: usize = 11;
/// Offset of the number of RRsets.
pub(crate) const RRSETS_OFFSET: usize = 12;
/// Offset of the position in the canonical order.
pub(crate) const POSITION_OFFSET: usize = 16;
/// Offset of the link's node reference.
pub(crate) const LINK_OFFSET: usize = 20;
/// Offset of the link's name hash.
pub(crate) const LINK_HASH_OFFSET: usize = 24;

/// The zone's apex.
pub(crate) const APEX: u16 = 1;
/// Owns NS records and is not the apex.
pub(crate) const CUT: u16 = 2;
/// Below a zone cut or a DNAME owner: glue, or data nobody may be given.
pub(crate) const OCCLUDED: u16 = 4;
/// Owns a DNAME record.
pub(crate) const DNAME: u16 = 8;
/// Its leftmost label is the asterisk label.
pub(crate) const WILDCARD: u16 = 16;
/// Has a child whose leftmost label is the asterisk label.
pub(crate) const WILDCARD_CHILD: u16 = 32;
/// Owns nothing: it is there because of its descendants, or an apex without records.
pub(crate) const EMPTY: u16 = 64;

/// Octets of a node to ask for: more than most nodes have, less than what is not read of those with many records.
const PREFETCHED_OCTETS: usize = 128;

/// The record of [`Node::NOTHING`]: the root, empty, linked to nothing.
static NOTHING: [u8; 40] = {
    let mut record = [0; 40];
    record[0] = 40;
    record[FLAGS_OFFSET] = EMPTY as u8;
    record[NAME_LENGTH_OFFSET] = 1;
    let mut at = LINK_OFFSET;
    while at < LINK_HASH_OFFSET {
        record[at] = 0xff;
        at += 1;
    }
    record
};

/// An owner name and what it owns.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    /// The record, at least as long as its fixed part.
    record: &'a [u8],
}

impl<'a> Node<'a> {
    /// What stands for a node that damage took away: the root, owning nothing.
    pub(crate) const NOTHING: Node<'static> = Node { record: &NOTHING };

    /// The node at a reference; none when it is not wholly inside the arena.
    pub(crate) fn at(arena: &'a [u8], reference: u32) -> Option<Node<'a>> {
        record_at(arena, reference, FIXED_OCTETS).map(|record| Node { record })
    }

    /// Asks the processor for the node at a reference.
    pub(crate) fn prefetch(arena: &[u8], reference: u32) {
        let start = (reference as usize).saturating_mul(REFERENCE_UNIT);
        if let Some(record) = arena.get(start..) {
            prefetch(&record[..record.len().min(PREFETCHED_OCTETS)]);
        }
    }

    /// Its owner name, in the case it was loaded with.
    pub fn name(&self) -> NameRef<'a> {
        NameRef::from_wire(self.name_octets()).unwrap_or(NameRef::ROOT)
    }

    /// The octets where the name should be.
    pub(crate) fn name_octets(&self) -> &'a [u8] {
        let length = usize::from(u8_at(self.record, NAME_LENGTH_OFFSET));
        self.record.get(FIXED_OCTETS..FIXED_OCTETS + length).unwrap_or_default()
    }

    /// Whether it is this name of this zone; `lowercase_wire` is folded.
    pub(crate) fn is(&self, zone: u32, lowercase_wire: &[u8]) -> bool {
        self.zone() == zone && is_folded(self.name_octets(), lowercase_wire)
    }

    /// The id of the zone it belongs to.
    pub(crate) fn zone(&self) -> u32 {
        u32_at(self.record, ZONE_OFFSET)
    }

    /// Where its link leads: a node reference and that node's name hash.
    pub(crate) fn link(&self) -> Option<(u32, u64)> {
        let reference = u32_at(self.record, LINK_OFFSET);
        (reference != NO_NODE).then(|| (reference, u64_at(self.record, LINK_HASH_OFFSET)))
    }

    /// Whether a flag is set.
    fn has(&self, flag: u16) -> bool {
        u16_at(self.record, FLAGS_OFFSET) & flag != 0
    }

    /// Whether it is the apex of its zone.
    pub fn is_apex(&self) -> bool {
        self.has(APEX)
    }

    /// Whether it is a zone cut: it owns NS records and is not the apex. A cut below another one counts too.
    pub fn is_cut(&self) -> bool {
        self.has(CUT)
    }

    /// Whether it lies below a zone cut or a DNAME owner of its zone.
    pub fn is_occluded(&self) -> bool {
        self.has(OCCLUDED)
    }

    /// Whether it owns a DNAME record.
    pub fn owns_dname(&self) -> bool {
        self.has(DNAME)
    }

    /// Whether its leftmost label is the asterisk label.
    pub fn is_wildcard(&self) -> bool {
        self.has(WILDCARD)
    }

    /// Whether it has a wildcard as a child.
    pub fn has_wildcard_child(&self) -> bool {
        self.has(WILDCARD_CHILD)
    }

    /// Whether it owns nothing and exists because of its descendants (RFC 9499, section 7).
    pub fn is_empty_non_terminal(&self) -> bool {
        self.has(EMPTY)
    }

    /// Its RRset of a type. None for RRSIG (signatures hang on the RRset they cover), nor for signatures without records.
    pub fn rrset(&self, rtype: u16) -> Option<Rrset<'a>> {
        self.rrsets()
            .take_while(|rrset| rrset.rtype() <= rtype)
            .find(|rrset| rrset.rtype() == rtype && !rrset.is_empty())
    }

    /// All of its RRsets by type. One without records holds signatures that cover nothing here.
    pub fn rrsets(&self) -> Rrsets<'a> {
        let name_end = FIXED_OCTETS + usize::from(u8_at(self.record, NAME_LENGTH_OFFSET));
        Rrsets { record: self.record, at: name_end.next_multiple_of(4), left: u16_at(self.record, RRSETS_OFFSET) }
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("name", &self.name())
            .field("flags", &u16_at(self.record, FLAGS_OFFSET))
            .field("rrsets", &self.rrsets().map(|rrset| rrset.rtype()).collect::<Vec<_>>())
            .finish()
    }
}

/// The RRsets of a node; see [`Node::rrsets`].
#[derive(Clone)]
pub struct Rrsets<'a> {
    /// The node's record.
    record: &'a [u8],
    /// Offset of the next directory entry.
    at: usize,
    /// How many are left.
    left: u16,
}

impl<'a> Iterator for Rrsets<'a> {
    type Item = Rrset<'a>;

    fn next(&mut self) -> Option<Rrset<'a>> {
        self.left = self.left.checked_sub(1)?;
        let entry = self.record.get(self.at..self.at + DIRECTORY_ENTRY_OCTETS)?;
        self.at += DIRECTORY_ENTRY_OCTETS;
        Some(Rrset::from_entry(self.record, entry))
    }
}
