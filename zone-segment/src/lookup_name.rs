//! The key of a lookup: a name folded to lower case, its labels counted, and it and all names above it hashed, once.
//!
//! Preparing one allocates nothing; keep one a query and [`set`](LookupName::set) it again for each alias followed. The
//! octets are folded and hashed in registers on their way in: read back from the stack by wider loads than they were
//! stored with they would stall, and lookups would not overlap.

use std::cmp::Ordering;
use std::fmt;

use crate::fold::{fold, is_folded, word_at};
use crate::hash::{HashKey, Partial, Point};
use crate::name::{LABELS_MAX, LabelStarts, NAME_OCTETS_MAX, NameRef, compare};

/// A prepared name: what every lookup takes.
#[derive(Clone)]
pub struct LookupName {
    /// The wire form in lower case; only the first `length` octets count.
    wire: [u8; WIRE_OCTETS],
    /// Length of the wire form, the root label included.
    length: u8,
    /// Where its labels start.
    starts: LabelStarts,
    /// The key that it is hashed with.
    key: HashKey,
    /// What that key gives.
    point: Point,
    /// The hash of its last 0, 1, 2… labels, before the last step.
    partials: [Partial; LABELS_MAX + 1],
}

/// Room for a name, and to store its end as a whole word.
const WIRE_OCTETS: usize = NAME_OCTETS_MAX.next_multiple_of(8);

impl LookupName {
    /// Prepares `name` for zones whose names are hashed with `key`: [`ZoneSet::key`](crate::ZoneSet::key).
    ///
    /// Under another key it is found all the same, but hashed again for each lookup.
    pub fn new(key: HashKey, name: NameRef<'_>) -> LookupName {
        let mut lookup = LookupName::default();
        lookup.set(key, name);
        lookup
    }

    /// Prepares `name` in place of what was there.
    pub fn set(&mut self, key: HashKey, name: NameRef<'_>) {
        if key != self.key {
            self.key = key;
            self.point = key.point();
        }
        let wire = name.as_wire();
        // A checked name has at most 255 octets.
        self.length = wire.len() as u8;
        let (rooms, _) = self.wire.as_chunks_mut::<8>();
        for (room, at) in rooms.iter_mut().zip((0..wire.len()).step_by(8)) {
            *room = fold(word_at(wire, at)).to_le_bytes();
        }
        self.starts.set(name);
        let count = self.starts.count();
        let mut partial = Partial::ROOT;
        self.partials[0] = partial;
        for labels in 1..=count {
            let start = self.starts.suffix_start(labels);
            partial = self.point.label(partial, wire[start], |at| fold(word_at(wire, start + at)));
            self.partials[labels] = partial;
        }
    }

    /// How many labels it has; the root label is not counted.
    pub fn label_count(&self) -> usize {
        self.starts.count()
    }

    /// The whole name, in lower case.
    pub fn name(&self) -> NameRef<'_> {
        NameRef::from_checked(&self.wire[..usize::from(self.length)])
    }

    /// Its last `labels` labels: the root for 0, the whole name for as many as it has or more.
    pub fn suffix(&self, labels: usize) -> NameRef<'_> {
        NameRef::from_checked(&self.wire[self.starts.suffix_start(labels)..usize::from(self.length)])
    }

    /// The leftmost of its last `labels` labels; `labels` is 1 to as many as it has.
    pub(crate) fn label(&self, labels: usize) -> &[u8] {
        let start = self.starts.suffix_start(labels);
        &self.wire[start + 1..start + 1 + usize::from(self.wire[start])]
    }

    /// The hash of its last `labels` labels under a key.
    pub(crate) fn hash(&self, key: HashKey, labels: usize) -> u64 {
        if key != self.key {
            return LookupName::new(key, self.name()).hash(key, labels);
        }
        self.point.hash(self.partials[labels.min(self.label_count())])
    }

    /// The hash of the wildcard below its last `labels` labels, under a key.
    pub(crate) fn wildcard_hash(&self, key: HashKey, labels: usize) -> u64 {
        if key != self.key {
            return LookupName::new(key, self.name()).wildcard_hash(key, labels);
        }
        let asterisk = u64::from_le_bytes([1, b'*', 0, 0, 0, 0, 0, 0]);
        self.point.hash(self.point.label(self.partials[labels.min(self.label_count())], 1, |_| asterisk))
    }

    /// Whether it is at or below a name.
    pub(crate) fn is_at_or_below(&self, name: NameRef<'_>) -> bool {
        let wire = name.as_wire();
        let Some(start) = usize::from(self.length).checked_sub(wire.len()) else { return false };
        self.starts.is_start(start) && is_folded(wire, &self.wire[start..usize::from(self.length)])
    }

    /// Compares it with `other` in canonical order.
    pub(crate) fn canonical_cmp(&self, other: NameRef<'_>) -> Ordering {
        compare(self.name().as_wire(), &self.starts, other.as_wire(), &LabelStarts::of(other))
    }
}

impl Default for LookupName {
    /// The root, under a key of zeros.
    fn default() -> LookupName {
        LookupName {
            wire: [0; WIRE_OCTETS],
            length: 1,
            starts: LabelStarts::of(NameRef::ROOT),
            key: HashKey::default(),
            point: HashKey::default().point(),
            partials: [Partial::ROOT; LABELS_MAX + 1],
        }
    }
}

impl fmt::Debug for LookupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name())
    }
}
