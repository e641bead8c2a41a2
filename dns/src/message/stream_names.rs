//! Name compression for messages full of records (RFC 1035, section 4.1.4): [`StreamNames`] knows where names stand in the message that a
//! [`MessageStream`](super::MessageStream) fills.
//!
//! Records come in canonical order, so most owners are the one before, or a sibling or child of it: those need a search for one label at
//! most. Any other name is looked for label by label, from its last one on, each under where the labels behind it stand, in a table that is
//! large enough for the labels of the 16 KiB that can be pointed at. A label is found in its own case alone, so that the case of no name
//! changes on the way.
//! The table may forget: then a name costs octets.

use zone_segment::{LABEL_OCTETS_MAX, LABELS_MAX, NAME_OCTETS_MAX, NameRef};

use super::names::{POINTER_FIRST, POINTER_LIMIT};
use crate::types::NameFields;

/// Where the names of the message under way stand.
pub(super) struct StreamNames {
    /// A label stands at the place its hash says, or within [`PROBES`] behind it.
    places: Box<[Place; PLACES]>,
    /// What counts of the places: those of the message under way.
    epoch: u16,
    /// The owner before.
    owner: Owner,
    /// Where the labels of the name under way start.
    starts: [u8; LABELS_MAX],
}

/// One remembered label.
#[derive(Clone, Copy, Default)]
struct Place {
    /// The message it belongs to; 0 for none.
    epoch: u16,
    /// Its offset in the message.
    offset: u16,
    /// The offset of the label behind it, [`ROOT`] for the root.
    parent: u16,
}

/// The owner before.
struct Owner {
    /// The name, as far as `length` says; 0 for none.
    wire: [u8; NAME_OCTETS_MAX],
    /// Its octets.
    length: usize,
    /// How it is written again, as far as `again_length` says.
    again: [u8; NAME_OCTETS_MAX + 2],
    /// Octets of that.
    again_length: usize,
    /// Where it stands; [`ROOT`] where it can't be pointed at.
    offset: u16,
    /// Where the name above it stands; [`ROOT`] where that can't be pointed at.
    parent: u16,
}

impl Default for StreamNames {
    fn default() -> Self {
        let owner = Owner {
            wire: [0; NAME_OCTETS_MAX],
            length: 0,
            again: [0; NAME_OCTETS_MAX + 2],
            again_length: 0,
            offset: ROOT,
            parent: ROOT,
        };
        Self { places: Box::new([Place::default(); PLACES]), epoch: 0, owner, starts: [0; LABELS_MAX] }
    }
}

impl std::fmt::Debug for StreamNames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamNames").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

impl StreamNames {
    /// Forgets all names: another message begins.
    pub(super) fn begin(&mut self) {
        self.owner.length = 0;
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.places.fill(Place::default());
            self.epoch = 1;
        }
    }

    /// Remembers a name that stands whole at an offset of a message that has no other.
    pub(super) fn remember_name(&mut self, wire: &[u8], offset: usize) {
        if let Some((labels, _)) = self.parse(wire) {
            self.remember(wire, labels, ROOT, offset);
        }
    }

    /// Writes an owner's name, as short as the names before it allow.
    #[inline]
    pub(super) fn put_owner(&mut self, name: NameRef<'_>, message: &mut Vec<u8>) {
        let wire = name.as_wire();
        let owner = &self.owner;
        let before = owner.wire.get(..owner.length).unwrap_or_default();
        if wire == before {
            message.extend_from_slice(owner.again.get(..owner.again_length).unwrap_or_default());
            return;
        }
        let above = behind_first_label(wire);
        let parent = match () {
            () if above.len() <= 1 => ROOT,
            () if above == behind_first_label(before) => owner.parent,
            () if above == before => owner.offset,
            () => ROOT,
        };
        let start = message.len();
        let parent = match parent {
            ROOT => self.put_name(wire, message),
            parent => {
                let first = wire.get(..wire.len() - above.len()).unwrap_or_default();
                // Glue was the target of an NS record before.
                if let Some(offset) = self.find(first, parent, message) {
                    message.extend_from_slice(&pointer_to(offset));
                } else {
                    message.extend_from_slice(first);
                    message.extend_from_slice(&pointer_to(parent));
                    if start < POINTER_LIMIT {
                        self.insert(first, start, parent);
                    }
                }
                parent
            }
        };
        self.set_owner(wire, message, start, parent);
    }

    /// Writes RDATA, its names as short as those before them allow. RDATA that is no such type's in truth goes out as it is.
    #[inline]
    pub(super) fn put_rdata(&mut self, fields: NameFields, rdata: &[u8], message: &mut Vec<u8>) {
        let mut at = fields.first(rdata).unwrap_or(rdata.len());
        message.extend_from_slice(rdata.get(..at).unwrap_or_default());
        for _ in 0..fields.count {
            let rest = rdata.get(at..).unwrap_or_default();
            let Some((labels, octets)) = self.parse(rest) else { break };
            self.put_parsed(rest.get(..octets).unwrap_or_default(), labels, message);
            at += octets;
        }
        message.extend_from_slice(rdata.get(at..).unwrap_or_default());
    }

    /// Notes the owner that was written at `start`, with the name above it at `parent`.
    fn set_owner(&mut self, wire: &[u8], message: &[u8], start: usize, parent: u16) {
        let owner = &mut self.owner;
        let written = message.get(start..).unwrap_or_default();
        if let Some(place) = owner.wire.get_mut(..wire.len()) {
            place.copy_from_slice(wire);
            owner.length = wire.len();
        }
        owner.parent = parent;
        // The root takes fewer octets than a pointer. What is a pointer already leads to what can be pointed at.
        let is_pointer = written.first().is_some_and(|first| *first >= POINTER_FIRST);
        owner.offset = match written {
            [0] => ROOT,
            [high, low] if is_pointer => u16::from_be_bytes([high & !POINTER_FIRST, *low]),
            _ if start < POINTER_LIMIT => start as u16,
            _ => ROOT,
        };
        let pointer = pointer_to(owner.offset);
        let again = if owner.offset == ROOT { written } else { &pointer };
        if let Some(place) = owner.again.get_mut(..again.len()) {
            place.copy_from_slice(again);
            owner.again_length = again.len();
        }
    }

    /// Writes a name that was not looked at before, and gives where the name above it stands, if that can be pointed at.
    fn put_name(&mut self, wire: &[u8], message: &mut Vec<u8>) -> u16 {
        let labels = self.parse(wire).map_or(0, |(labels, _)| labels);
        self.put_parsed(wire, labels, message)
    }

    /// Finds where the labels of the name start that octets begin with; gives how many there are, and the octets of the name. `None`
    /// where it is no name.
    #[inline]
    fn parse(&mut self, octets: &[u8]) -> Option<(usize, usize)> {
        let mut at = 0;
        let mut labels = 0;
        loop {
            let length = usize::from(*octets.get(at)?);
            if length == 0 {
                return Some((labels, at + 1));
            }
            // A name of 255 octets has no label that starts at 254, and its starts fit an octet.
            if length > LABEL_OCTETS_MAX || at + 1 + length >= NAME_OCTETS_MAX {
                return None;
            }
            *self.starts.get_mut(labels)? = at as u8;
            labels += 1;
            at += 1 + length;
        }
    }

    /// Writes a name with so many labels, whose starts are known; gives where the name above it stands.
    #[inline]
    fn put_parsed(&mut self, wire: &[u8], labels: usize, message: &mut Vec<u8>) -> u16 {
        let start = message.len();
        let mut literal = labels;
        let mut parent = ROOT;
        let mut above = ROOT;
        while let Some(before) = literal.checked_sub(1) {
            let Some(offset) = self.find(self.label(wire, before), parent, message) else { break };
            (literal, above, parent) = (before, parent, offset);
        }
        if parent == ROOT {
            message.extend_from_slice(wire);
        } else {
            message.extend_from_slice(wire.get(..self.start(wire, literal, labels)).unwrap_or_default());
            message.extend_from_slice(&pointer_to(parent));
        }
        match literal {
            0 => above,
            1 => {
                self.remember(wire, literal, parent, start);
                parent
            }
            _ => {
                self.remember(wire, literal, parent, start);
                let second = start + self.start(wire, 1, labels);
                if second < POINTER_LIMIT { second as u16 } else { ROOT }
            }
        }
    }

    /// Remembers the first labels of a name written at `position`, before the label at `parent`.
    fn remember(&mut self, wire: &[u8], literal: usize, parent: u16, position: usize) {
        let mut parent = parent;
        for label in (0..literal).rev() {
            let offset = position + self.starts.get(label).copied().map_or(0, usize::from);
            // What comes before one that is not remembered would be looked for under it.
            if offset >= POINTER_LIMIT || !self.insert(self.label(wire, label), offset, parent) {
                return;
            }
            parent = offset as u16;
        }
    }

    /// Remembers a label, its length octet included, at an offset that can be pointed at. Says whether there was a place for it.
    #[inline]
    fn insert(&mut self, label: &[u8], offset: usize, parent: u16) -> bool {
        let epoch = self.epoch;
        for index in probes(parent, label) {
            if let Some(place) = self.places.get_mut(index).filter(|place| place.epoch != epoch) {
                *place = Place { epoch, offset: offset as u16, parent };
                return true;
            }
        }
        false
    }

    /// Where a label stands before the one at `parent`.
    #[inline]
    fn find(&self, label: &[u8], parent: u16, message: &[u8]) -> Option<u16> {
        for index in probes(parent, label) {
            let place = self.places.get(index).filter(|place| place.epoch == self.epoch)?;
            let start = usize::from(place.offset);
            if place.parent == parent && message.get(start..start + label.len()) == Some(label) {
                return Some(place.offset);
            }
        }
        None
    }

    /// Where a label starts: the root's at the end.
    fn start(&self, wire: &[u8], label: usize, labels: usize) -> usize {
        if label == labels { wire.len() - 1 } else { self.starts.get(label).copied().map_or(0, usize::from) }
    }

    /// A label, its length octet included.
    #[inline]
    fn label<'w>(&self, wire: &'w [u8], label: usize) -> &'w [u8] {
        let start = self.starts.get(label).copied().map_or(0, usize::from);
        let length = wire.get(start).copied().map_or(0, usize::from);
        wire.get(start..start + 1 + length).unwrap_or_default()
    }
}

/// A name in wire form without its first label; nothing of nothing, and of the root.
fn behind_first_label(wire: &[u8]) -> &[u8] {
    let length = wire.first().copied().map_or(0, usize::from);
    wire.get(1 + length..).unwrap_or_default()
}

/// A pointer to an offset.
fn pointer_to(offset: u16) -> [u8; 2] {
    let [high, low] = offset.to_be_bytes();
    [high | POINTER_FIRST, low]
}

/// The places where a label may stand before the one at `parent`: by a hash of both. Not keyed: who finds names that share a place gains
/// longer messages.
#[inline]
fn probes(parent: u16, label: &[u8]) -> impl Iterator<Item = usize> {
    let mix = |hash: u64, word: u64| {
        let product = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        product ^ product >> 29
    };
    let mut hash = u64::from(parent) << 48;
    if let Some(last) = label.last_chunk::<8>() {
        let (words, _) = label.as_chunks::<8>();
        hash = words.iter().fold(hash, |hash, word| mix(hash, u64::from_le_bytes(*word)));
        hash = mix(hash, u64::from_le_bytes(*last));
    } else {
        let word = label.iter().fold(0, |word, octet| word << 8 | u64::from(*octet));
        hash = mix(hash, word);
    }
    let first = (hash >> 20) as usize;
    (first..first + PROBES).map(|index| index % PLACES)
}

/// Labels remembered at most. In the 16 KiB that can be pointed at stand some hundred records, each with a label or two of its own.
const PLACES: usize = 2048;

/// Places looked at for one label.
const PROBES: usize = 8;

/// Stands for the root, and for what can't be pointed at: no label stands in the header.
const ROOT: u16 = 0;
