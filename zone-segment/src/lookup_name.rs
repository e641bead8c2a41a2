//! The key of a lookup: a name folded to lower case, its labels counted, and it and all names above it hashed, once.
//!
//! Preparing one allocates nothing; keep one a query and [`set`](LookupName::set) it again for each alias followed. The
//! octets are folded and hashed in registers on their way in: read back from the stack by wider loads than they were
//! stored with they would stall, and lookups would not overlap.

use std::cmp::Ordering;
use std::fmt;

use crate::fold::{fold, is_folded, word_at};
use crate::hash::{HashKey, Partial, Point};
use crate::name::{LABELS_MAX, LabelStarts, NAME_OCTETS_MAX, NameRef, compare, compare_labels};

/// A prepared name: what every lookup takes.
#[derive(Clone)]
pub struct LookupName {
    /// The wire form in lower case, stored and loaded by whole words; zeros behind its end.
    words: [[u8; 8]; WORDS],
    /// Length of the wire form, the root label included.
    length: u8,
    /// Where its labels start.
    starts: LabelStarts,
    /// The key that it is hashed with.
    key: HashKey,
    /// What that key gives.
    point: Point,
    /// Its hash.
    hash: u64,
    /// The hash of its last 0, 1, 2… labels, before the last step.
    partials: [Partial; LABELS_MAX + 1],
}

/// Room for a name, and two words behind its end.
const WORDS: usize = NAME_OCTETS_MAX / 8 + 3;

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
        let (whole, _) = wire.as_chunks::<8>();
        for (room, word) in self.words.iter_mut().zip(whole) {
            *room = fold(u64::from_le_bytes(*word)).to_le_bytes();
        }
        // Zeros behind its end, and one word of them more: a word of a label may reach there.
        self.words[whole.len()] = fold(word_at(wire, 8 * whole.len())).to_le_bytes();
        self.words[whole.len() + 1] = [0; 8];
        self.starts.set(name);
        let mut partial = Partial::ROOT;
        for labels in 1..=self.starts.count() {
            let start = self.starts.suffix_start(labels);
            partial = self.point.label(partial, wire[start], |at| unaligned(&self.words, start + at));
            self.partials[labels] = partial;
        }
        self.hash = self.point.hash(partial);
    }

    /// The wire form, in lower case.
    #[inline]
    fn wire(&self) -> &[u8] {
        &self.words.as_flattened()[..usize::from(self.length)]
    }

    /// The hash of all of it under a key.
    #[inline]
    pub(crate) fn full_hash(&self, key: HashKey) -> u64 {
        if key == self.key { self.hash } else { self.hash(key, self.label_count()) }
    }

    /// How many labels it has; the root label is not counted.
    pub fn label_count(&self) -> usize {
        self.starts.count()
    }

    /// The whole name, in lower case.
    pub fn name(&self) -> NameRef<'_> {
        NameRef::from_checked(self.wire())
    }

    /// Its last `labels` labels: the root for 0, the whole name for as many as it has or more.
    pub fn suffix(&self, labels: usize) -> NameRef<'_> {
        NameRef::from_checked(&self.wire()[self.starts.suffix_start(labels)..])
    }

    /// The hash of its last `labels` labels under its key: what tells names apart to whom the key is not known.
    pub fn suffix_hash(&self, labels: usize) -> u64 {
        self.hash(self.key, labels)
    }

    /// The leftmost of its last `labels` labels; `labels` is 1 to as many as it has.
    pub(crate) fn label(&self, labels: usize) -> &[u8] {
        let start = self.starts.suffix_start(labels);
        let wire = self.wire();
        &wire[start + 1..start + 1 + usize::from(wire[start])]
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
        self.starts.is_start(start) && is_folded(wire, &self.wire()[start..])
    }

    /// Whether it is behind the name that some octets are, or equal to it, in canonical order. What is not a name is taken for some
    /// name or other.
    ///
    /// Both are below an apex of `apex_octets`: names with one label more, as most in a zone are, are compared by that label alone.
    pub(crate) fn is_at_or_behind(&self, octets: &[u8], apex_octets: usize) -> bool {
        let own = self.wire();
        let first_label = |wire: &'_ [u8]| match wire.first() {
            Some(&length) if 1 + usize::from(length) + apex_octets == wire.len() => Some(1..1 + usize::from(length)),
            _ => None,
        };
        if let (Some(own_label), Some(label)) = (first_label(own), first_label(octets)) {
            return compare_labels(&own[own_label], &octets[label]) != Ordering::Less;
        }
        let Some(starts) = LabelStarts::of_octets(octets) else { return true };
        compare(self.name().as_wire(), &self.starts, octets, &starts) != Ordering::Less
    }
}

/// The eight octets at an octet's place, put together from the two words they are in: words of memory are loaded as they were
/// stored, for others the processor would wait until they have left its store queue.
#[inline]
fn unaligned(words: &[[u8; 8]; WORDS], at: usize) -> u64 {
    let shift = 8 * (at % 8);
    let word = |at: usize| u64::from_le_bytes(words.get(at).copied().unwrap_or_default());
    word(at / 8) >> shift | word(at / 8 + 1) << 1 << (63 - shift)
}

impl Default for LookupName {
    /// The root, under a key of zeros.
    fn default() -> LookupName {
        LookupName {
            words: [[0; 8]; WORDS],
            length: 1,
            starts: LabelStarts::of(NameRef::ROOT),
            key: HashKey::default(),
            point: HashKey::default().point(),
            hash: HashKey::default().point().hash(Partial::ROOT),
            partials: [Partial::ROOT; LABELS_MAX + 1],
        }
    }
}

impl fmt::Debug for LookupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name())
    }
}
