//! The key of a lookup: a name folded to lower case, its labels counted once, on the stack.
//!
//! Preparing one allocates nothing; keep one a query and [`set`](LookupName::set) it again for each alias followed.

use std::cmp::Ordering;
use std::fmt;

use crate::name::{LabelStarts, NAME_OCTETS_MAX, NameRef, compare};

/// A prepared name: what every lookup takes.
#[derive(Clone)]
pub struct LookupName {
    /// The wire form in lower case; only the first `length` octets count.
    wire: [u8; NAME_OCTETS_MAX],
    /// Length of the wire form, the root label included.
    length: u8,
    /// Where its labels start.
    starts: LabelStarts,
}

impl LookupName {
    /// Prepares `name`.
    pub fn new(name: NameRef<'_>) -> LookupName {
        let mut lookup = LookupName::default();
        lookup.set(name);
        lookup
    }

    /// Prepares `name` in place of what was there.
    pub fn set(&mut self, name: NameRef<'_>) {
        let wire = name.as_wire();
        let room = &mut self.wire[..wire.len()];
        room.copy_from_slice(wire);
        room.make_ascii_lowercase();
        // A checked name has at most 255 octets.
        self.length = wire.len() as u8;
        self.starts = LabelStarts::of(name);
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

    /// Compares it with `other` in canonical order.
    pub(crate) fn canonical_cmp(&self, other: NameRef<'_>) -> Ordering {
        compare(self.name().as_wire(), &self.starts, other.as_wire(), &LabelStarts::of(other))
    }
}

impl Default for LookupName {
    /// The root.
    fn default() -> LookupName {
        LookupName { wire: [0; NAME_OCTETS_MAX], length: 1, starts: LabelStarts::of(NameRef::ROOT) }
    }
}

impl From<NameRef<'_>> for LookupName {
    fn from(name: NameRef<'_>) -> LookupName {
        LookupName::new(name)
    }
}

impl fmt::Debug for LookupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name())
    }
}
