//! Name compression (RFC 1035, section 4.1.4): a small table of the names already in a message, and the search in it.
//!
//! Most names of most answers are the one asked for, or one above it: [`suffix_of_question`] finds these without the table, which is made
//! only once another name comes. Of any name the labels that it shares with the question stand there; each label more is looked for in the
//! table under where the labels behind it stand, and compared with the message. So the work for a name is one comparison and a few
//! probes a label.
//!
//! The table may forget: a label for which no place is free near its own is not remembered, and costs octets, not correctness.

use zone_segment::{LABELS_MAX, NameRef};

use super::header::HEADER_OCTETS;

/// Room for what a builder remembers of the names in its message. It takes nothing until something is to be remembered.
#[derive(Debug, Default)]
pub struct NameRoom(pub(super) Option<NameTable>);

/// Where the names written so far stand.
#[derive(Debug)]
pub(super) struct NameTable {
    /// A label stands at the place its hash says, or within [`PROBES`] behind it.
    places: [Place; PLACES],
    /// The labels of the question's name.
    question: LabelStarts,
    /// Octets of the question's name.
    question_octets: usize,
}

/// One remembered label.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Its offset in the message, 0 for an empty place: no name stands in the header.
    offset: u16,
    /// The offset of the label behind it, [`ROOT`] for the root.
    parent: u16,
}

/// How a name is to be written: its first `literal` octets as they are, then a pointer, if there is one; the rest of the name is there.
#[derive(Debug)]
pub(super) struct Plan {
    /// Octets to copy; the whole name where there is no pointer.
    pub(super) literal: usize,
    /// The offset to point at.
    pub(super) pointer: Option<u16>,
    /// Labels among the literal octets.
    labels: usize,
}

impl NameTable {
    /// A table for a message with this question's name behind the header.
    pub(super) fn of_question(question: &[u8]) -> Self {
        let name = NameRef::from_wire(question).unwrap_or(NameRef::ROOT);
        let octets = name.as_wire().len();
        Self { places: [Place::default(); PLACES], question: LabelStarts::of(name), question_octets: octets }
    }

    /// Finds the longest suffix of `name` that stands in `message`, up from its last label.
    ///
    /// Who wrote a suffix wrote, and remembered, all shorter ones too, so the search ends at the first that is not there.
    pub(super) fn plan(&self, name: NameRef<'_>, starts: &LabelStarts, message: &[u8]) -> Plan {
        let wire = name.as_wire();
        let shared = self.shared_with_question(wire, starts, message);
        let mut labels = starts.count - shared;
        let mut parent = match shared {
            0 => ROOT,
            _ => (HEADER_OCTETS + self.question.start(self.question.count - shared)) as u16,
        };
        while let Some(before) = labels.checked_sub(1) {
            let Some(offset) = self.find(parent, starts.label(wire, before), message) else { break };
            (labels, parent) = (before, offset);
        }
        match parent {
            ROOT => Plan { literal: wire.len(), pointer: None, labels },
            _ if labels == starts.count => Plan { literal: wire.len(), pointer: None, labels },
            offset => Plan { literal: starts.start(labels), pointer: Some(offset), labels },
        }
    }

    /// Remembers the labels of the literal part of a name written at `position`.
    pub(super) fn remember(&mut self, name: NameRef<'_>, starts: &LabelStarts, plan: &Plan, position: usize) {
        let mut parent = plan.pointer.unwrap_or(ROOT);
        for label in (0..plan.labels).rev() {
            let offset = position + starts.start(label);
            let mut near = probes(parent, starts.label(name.as_wire(), label));
            let free = near.find(|index| self.places.get(*index).is_some_and(Place::is_empty));
            let place = free.and_then(|index| self.places.get_mut(index)).filter(|_| offset < POINTER_LIMIT);
            // What comes before it would be looked for under it.
            let Some(place) = place else { return };
            *place = Place { offset: offset as u16, parent };
            parent = offset as u16;
        }
    }

    /// Forgets what stands at `position` or behind.
    pub(super) fn forget_from(&mut self, position: usize) {
        for place in &mut self.places {
            if usize::from(place.offset) >= position {
                *place = Place::default();
            }
        }
    }

    /// How many labels, from the last on, a name has in common with the question's.
    fn shared_with_question(&self, wire: &[u8], starts: &LabelStarts, message: &[u8]) -> usize {
        let question = message.get(HEADER_OCTETS..HEADER_OCTETS + self.question_octets).unwrap_or_default();
        let most = starts.count.min(self.question.count);
        let is_shared = |behind: &usize| {
            let own = starts.label(wire, starts.count - behind);
            is_same(own, self.question.label(question, self.question.count - behind))
        };
        (1..=most).take_while(is_shared).count()
    }

    /// Where a label stands before the one at `parent`.
    fn find(&self, parent: u16, label: &[u8], message: &[u8]) -> Option<u16> {
        let near =
            probes(parent, label).filter_map(|index| self.places.get(index)).take_while(|place| !place.is_empty());
        let stands_there = |place: &&Place| {
            let start = usize::from(place.offset);
            place.parent == parent && message.get(start..start + label.len()).is_some_and(|there| is_same(there, label))
        };
        near.into_iter().find(stands_there).map(|place| place.offset)
    }
}

/// Whether two labels are the same in any case. Most that are have the same case.
#[inline]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && (one == other || one.eq_ignore_ascii_case(other))
}

/// Where in the question's name `question`, which stands behind the header, a name begins that is it or above it, in any case.
#[inline]
pub(super) fn suffix_of_question(question: &[u8], name: NameRef<'_>) -> Option<u16> {
    let wire = name.as_wire();
    // The root alone takes no more octets than a pointer.
    let start = question.len().checked_sub(wire.len()).filter(|_| wire.len() > 1)?;
    let mut at = 0;
    while at < start {
        at += 1 + usize::from(*question.get(at)?);
    }
    let is_there = at == start && is_same(question.get(start..)?, wire);
    // A question's name has at most 255 octets.
    is_there.then_some((HEADER_OCTETS + start) as u16)
}

impl Place {
    /// Whether nothing is remembered here.
    fn is_empty(&self) -> bool {
        self.offset == 0
    }
}

/// Where the labels of a name start.
#[derive(Debug)]
pub(super) struct LabelStarts {
    /// Offsets of the length octets; a name of 255 octets has offsets that fit.
    starts: [u8; LABELS_MAX],
    /// How many labels there are, without the root.
    count: usize,
}

impl LabelStarts {
    /// Finds them.
    pub(super) fn of(name: NameRef<'_>) -> Self {
        let mut found = Self { starts: [0; LABELS_MAX], count: 0 };
        let mut at = 0;
        for (start, label) in found.starts.iter_mut().zip(name.labels()) {
            *start = at as u8;
            at += 1 + label.len();
            found.count += 1;
        }
        found
    }

    /// Where a label starts.
    fn start(&self, label: usize) -> usize {
        self.starts.get(label).copied().map_or(0, usize::from)
    }

    /// A label, its length octet included.
    fn label<'w>(&self, wire: &'w [u8], label: usize) -> &'w [u8] {
        let start = self.start(label);
        let length = wire.get(start).copied().map_or(0, usize::from);
        wire.get(start..start + 1 + length).unwrap_or_default()
    }
}

/// Whether the name at `offset` of a message is `wire`, in any case. The message is our own, yet the walk is bounded whatever it says:
/// pointers must go backwards.
pub(super) fn stands_at(message: &[u8], offset: u16, wire: &[u8]) -> bool {
    let mut at = usize::from(offset);
    let mut rest = wire;
    loop {
        let Some(&length) = message.get(at) else { return false };
        if length >= POINTER_FIRST {
            let Some(&low) = message.get(at + 1) else { return false };
            let target = usize::from(u16::from_be_bytes([length & !POINTER_FIRST, low]));
            if target >= at {
                return false;
            }
            at = target;
            continue;
        }
        let octets = 1 + usize::from(length);
        let (Some(here), Some((wanted, behind))) = (message.get(at..at + octets), rest.split_at_checked(octets)) else {
            return false;
        };
        if !here.eq_ignore_ascii_case(wanted) {
            return false;
        }
        if length == 0 {
            return behind.is_empty();
        }
        at += octets;
        rest = behind;
    }
}

/// The places where a label may stand before the one at `parent`: by a hash of both, eight octets at a time, in any case, since a bit that tells
/// letters' cases apart is set in every octet. Not keyed: who finds names that share a place gains longer answers to himself.
fn probes(parent: u16, label: &[u8]) -> impl Iterator<Item = usize> {
    let mix = |hash: u64, word: [u8; 8]| {
        let product = (hash ^ (u64::from_le_bytes(word) | CASE_BITS)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        product ^ product >> 32
    };
    let (words, rest) = label.as_chunks::<8>();
    let hash = words.iter().fold(u64::from(parent), |hash, word| mix(hash, *word));
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(place, octet)| *place = *octet);
    let first = mix(hash, last) as usize % PLACES;
    (first..first + PROBES).map(|index| index % PLACES)
}

/// The bit of each octet by which upper case differs from lower case.
const CASE_BITS: u64 = 0x2020_2020_2020_2020;

/// The first octet of a pointer to offset 0.
pub(super) const POINTER_FIRST: u8 = 0xc0;

/// Offsets from here on can't be pointed at: a pointer has 14 bits.
pub(super) const POINTER_LIMIT: usize = 0x4000;

/// Labels remembered at most; a referral of the root zone has about 30.
const PLACES: usize = 128;

/// Places looked at for one label: all of these are taken only where many names have been written.
const PROBES: usize = 8;

/// Stands for the root where the offset of a label is meant: no label stands in the header.
const ROOT: u16 = 0;
