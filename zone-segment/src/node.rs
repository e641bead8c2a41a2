//! An owner name as it lies in a segment: one contiguous record with its flags, its name and its RRsets, so that a
//! common answer touches these cache lines and no others.
//!
//! ```text
//!  0 u16 length of the record, in units of four octets
//!  2 u16 flags
//!  4 u16 RRsets
//!  6 u8  length of the name
//!  7 the name, then if the node is linked a u32, a node reference, and if it has a denial another one,
//!    then the RRset directory, 6 octets each (see rrset.rs), then the RRsets, then zeros up to a multiple of four
//! ```
//!
//! The link of an occluded node leads to the zone cut or DNAME owner that hides it; that of an apex is no reference but its
//! zone's id. A denial leads to the NSEC3 record that speaks of the name: its own, or the one that covers its hash. The records of a zone follow each other
//! in canonical order. A damaged record reads as an empty node or a wrong name: every access is checked.

use std::fmt;

use crate::fold::is_folded;
use crate::name::NameRef;
use crate::octets::{REFERENCE_UNIT, from_reference, u8_at, u16_at, u32_at};
use crate::prefetch::prefetch_two;
use crate::rrset::{DIRECTORY_ENTRY_OCTETS, Rrset, SHARED};
use crate::source::SourceRecord;
use crate::tables::ArchivedZonesRoot;

/// Octets before the name.
pub(crate) const FIXED_OCTETS: usize = 7;
/// Offset of the flags.
pub(crate) const FLAGS_OFFSET: usize = 2;
/// Offset of the number of RRsets.
pub(crate) const RRSETS_OFFSET: usize = 4;
/// Offset of the name's length.
pub(crate) const NAME_LENGTH_OFFSET: usize = 6;
/// Octets of a link.
pub(crate) const LINK_OCTETS: usize = 4;

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
/// Has a link.
pub(crate) const LINKED: u16 = 128;
/// Owns an NSEC RRset with authority.
pub(crate) const PROOF: u16 = 256;

/// Has a link to the NSEC3 record that speaks of it.
pub(crate) const DENIAL: u16 = 512;
/// That record is not its own, but covers its hash.
pub(crate) const COVERED: u16 = 1024;

/// The type RRSIG.
const RRSIG: u16 = 46;

/// The record of [`Node::NOTHING`]: the root, empty, linked to nothing.
static NOTHING: [u8; 8] = [2, 0, EMPTY as u8, 0, 0, 0, 1, 0];

/// The name went: it hides what layers below have of it. Owns nothing.
pub(crate) const TOMBSTONE: u16 = 2048;

/// An owner name and what it owns.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    /// The record, at least as long as its fixed part.
    record: &'a [u8],
    /// The arena of RRsets that lie outside of records.
    shared: &'a [u8],
}

impl<'a> Node<'a> {
    /// What stands for a node that damage took away: the root, owning nothing.
    pub(crate) const NOTHING: Node<'static> = Node { record: &NOTHING, shared: &[] };

    /// The node at a reference; none when it is not wholly inside the arena.
    #[inline]
    pub(crate) fn at(root: &'a ArchivedZonesRoot, reference: u32) -> Option<Node<'a>> {
        let rest = from_reference(&root.nodes, reference);
        let record = rest.get(..usize::from(u16_at(rest, 0)) * REFERENCE_UNIT)?;
        (record.len() >= FIXED_OCTETS).then_some(Node { record, shared: &root.shared })
    }

    /// Asks the processor for the node at a reference: for 64 octets, which most nodes of a registry's zone have at most. More would be
    /// fetched for nothing, less one line behind the other.
    #[inline]
    pub(crate) fn prefetch(root: &ArchivedZonesRoot, reference: u32) {
        prefetch_two(from_reference(&root.nodes, reference));
    }

    /// Its reference; none where it lies in another segment.
    pub(crate) fn reference_in(&self, root: &ArchivedZonesRoot) -> Option<u32> {
        let octets = (self.record.as_ptr() as usize).checked_sub(root.nodes.as_ptr() as usize)?;
        // An arena has no more than 32 bits can say.
        (octets < root.nodes.len()).then_some((octets / REFERENCE_UNIT) as u32)
    }

    /// How many references further on the next record begins; at least one.
    pub(crate) fn units(&self) -> u32 {
        (self.record.len() / REFERENCE_UNIT) as u32
    }

    /// Where its record lies.
    pub(crate) fn record(&self) -> &'a [u8] {
        self.record
    }

    /// Its owner name, in the case it was loaded with.
    pub fn name(&self) -> NameRef<'a> {
        NameRef::from_wire(self.name_octets()).unwrap_or(NameRef::ROOT)
    }

    /// The octets where the name should be.
    #[inline]
    pub(crate) fn name_octets(&self) -> &'a [u8] {
        let length = usize::from(u8_at(self.record, NAME_LENGTH_OFFSET));
        self.record.get(FIXED_OCTETS..FIXED_OCTETS + length).unwrap_or_default()
    }

    /// Whether it has this name; `lowercase_wire` is folded.
    #[inline]
    pub(crate) fn is(&self, lowercase_wire: &[u8]) -> bool {
        is_folded(self.name_octets(), lowercase_wire)
    }

    /// Whether it is the wildcard below this name; `lowercase_wire` is folded.
    pub(crate) fn is_wildcard_of(&self, lowercase_wire: &[u8]) -> bool {
        self.name_octets().strip_prefix(b"\x01*").is_some_and(|parent| is_folded(parent, lowercase_wire))
    }

    /// Its link: where it leads, or of an apex the zone's id.
    pub(crate) fn link(&self) -> Option<u32> {
        self.has(LINKED).then(|| u32_at(self.record, self.name_end()))
    }

    /// Where the link leads to the NSEC3 record that speaks of it; and whether that is its own record.
    pub(crate) fn denial(&self) -> Option<(u32, bool)> {
        let link = if self.has(LINKED) { LINK_OCTETS } else { 0 };
        self.has(DENIAL).then(|| (u32_at(self.record, self.name_end() + link), !self.has(COVERED)))
    }

    /// Octets of its links.
    #[inline]
    pub(crate) fn link_octets(&self) -> usize {
        let flags = u16_at(self.record, FLAGS_OFFSET);
        (flags & (LINKED | DENIAL)).count_ones() as usize * LINK_OCTETS
    }

    /// Whether a flag is set.
    #[inline]
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

    /// Whether it is a zone cut, or below one or a DNAME owner: if not, the zone has authority for it.
    pub(crate) fn is_cut_or_occluded(&self) -> bool {
        self.has(CUT | OCCLUDED)
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

    /// Whether it only says that the name went. Lookups in a zone give no such node.
    pub fn is_tombstone(&self) -> bool {
        self.has(TOMBSTONE)
    }

    /// Its flags.
    pub(crate) fn flags(&self) -> u16 {
        u16_at(self.record, FLAGS_OFFSET)
    }

    /// Whether it owns an NSEC RRset with authority.
    pub(crate) fn is_proof(&self) -> bool {
        self.has(PROOF)
    }

    /// Its RRset of a type. None for RRSIG (signatures hang on the RRset they cover), nor for signatures without records.
    #[inline]
    pub fn rrset(&self, rtype: u16) -> Option<Rrset<'a>> {
        let directory = self.directory();
        let entry =
            directory.iter().take_while(|entry| u16_at(*entry, 0) <= rtype).find(|entry| u16_at(*entry, 0) == rtype)?;
        Some(Rrset::from_entry(self.record, self.shared, entry)).filter(|rrset| !rrset.is_empty())
    }

    /// Each of its records, RRset by RRset, signatures behind what they cover.
    pub fn records(&self) -> impl Iterator<Item = SourceRecord<'a>> + use<'a> {
        self.rrsets().flat_map(|rrset| {
            let (rtype, ttl, signature_ttl) = (rrset.rtype(), rrset.ttl(), rrset.signature_ttl());
            let records = rrset.rdata().map(move |rdata| SourceRecord { rtype, ttl, rdata });
            let signature = move |rdata| SourceRecord { rtype: RRSIG, ttl: signature_ttl, rdata };
            records.chain(rrset.signatures().map(signature))
        })
    }

    /// All of its RRsets by type. One without records holds signatures that cover nothing here.
    pub fn rrsets(&self) -> Rrsets<'a> {
        Rrsets { record: self.record, shared: self.shared, entries: self.directory() }
    }

    /// What lies in the shared arena at the places of its RRsets that are there.
    #[inline]
    pub(crate) fn shared_rrsets(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let shared = self.shared;
        let places = self.directory().iter().map(|entry| u32_at(entry, 2)).filter(|place| place & SHARED != 0);
        places.map(move |place| from_reference(shared, place & !SHARED))
    }

    /// Its RRset directory.
    #[inline]
    pub(crate) fn directory(&self) -> &'a [[u8; DIRECTORY_ENTRY_OCTETS]] {
        let rest = self.record.get(self.name_end() + self.link_octets()..).unwrap_or_default();
        let (entries, _) = rest.as_chunks();
        entries.get(..usize::from(u16_at(self.record, RRSETS_OFFSET))).unwrap_or_default()
    }

    /// The offset behind its name.
    #[inline]
    fn name_end(&self) -> usize {
        FIXED_OCTETS + usize::from(u8_at(self.record, NAME_LENGTH_OFFSET))
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
    /// The arena of RRsets that lie outside of records.
    shared: &'a [u8],
    /// What is left of the directory.
    entries: &'a [[u8; DIRECTORY_ENTRY_OCTETS]],
}

impl<'a> Iterator for Rrsets<'a> {
    type Item = Rrset<'a>;

    fn next(&mut self) -> Option<Rrset<'a>> {
        let (entry, rest) = self.entries.split_first()?;
        self.entries = rest;
        Some(Rrset::from_entry(self.record, self.shared, entry))
    }
}
