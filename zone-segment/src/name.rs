//! Names in uncompressed wire form: owned, borrowed, compared and ordered as RFC 4034, section 6.1, says.
//!
//! Names keep the case they came with and compare without it. The key of a lookup, which is folded and has its labels
//! counted, is [`LookupName`](crate::LookupName), not here. Read [`NameRef`] first: [`Name`] only owns its octets.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use crate::fold::{fold, word_at};

mod text;

#[cfg(test)]
mod tests;

/// The most octets of a name in wire form, root label included (RFC 1035, section 2.3.4).
pub const NAME_OCTETS_MAX: usize = 255;

/// The most octets of one label (RFC 1035, section 2.3.4). Length octets above it are compression pointers and refused.
pub const LABEL_OCTETS_MAX: usize = 63;

/// The most labels of a name, the root label not counted: each takes two octets at least, and the root one.
pub const LABELS_MAX: usize = (NAME_OCTETS_MAX - 1) / 2;

/// A borrowed name: octets that were checked to be one uncompressed name in wire form.
#[derive(Clone, Copy)]
pub struct NameRef<'a> {
    /// Checked: labels of 1 to 63 octets, then the root label, 255 octets at most.
    wire: &'a [u8],
}

impl<'a> NameRef<'a> {
    /// The root.
    pub const ROOT: NameRef<'static> = NameRef { wire: &[0] };

    /// Takes the whole of `octets` as one name.
    pub fn from_wire(octets: &'a [u8]) -> Result<NameRef<'a>, NameError> {
        let (name, length) = NameRef::parse_prefix(octets)?;
        if length != octets.len() {
            return Err(NameError::TrailingOctets { expected: length, found: octets.len() });
        }
        Ok(name)
    }

    /// Takes the name that `octets` begin with; also gives its length.
    pub fn parse_prefix(octets: &'a [u8]) -> Result<(NameRef<'a>, usize), NameError> {
        let mut at = 0;
        loop {
            let Some(&octet) = octets.get(at) else {
                return Err(NameError::Truncated { expected: at + 1, found: octets.len() });
            };
            let length = usize::from(octet);
            if length > LABEL_OCTETS_MAX {
                return Err(NameError::LabelType { offset: at, found: octet });
            }
            at += 1 + length;
            if at > NAME_OCTETS_MAX {
                return Err(NameError::NameTooLong { expected_max: NAME_OCTETS_MAX, found: at });
            }
            if length == 0 {
                return Ok((NameRef { wire: &octets[..at] }, at));
            }
        }
    }

    /// Wraps octets that are known to be a name: cut from a checked one at a label's start.
    pub(crate) fn from_checked(wire: &'a [u8]) -> NameRef<'a> {
        debug_assert!(NameRef::from_wire(wire).is_ok(), "not a name: {wire:?}");
        NameRef { wire }
    }

    /// The octets in wire form, the root label included.
    pub fn as_wire(&self) -> &'a [u8] {
        self.wire
    }

    /// How many labels it has; the root label is not counted.
    pub fn label_count(&self) -> usize {
        self.labels().count()
    }

    /// Its labels, leftmost first, without the root label.
    pub fn labels(&self) -> Labels<'a> {
        Labels { rest: self.wire }
    }

    /// The name without its leftmost label; none for the root.
    pub fn parent(&self) -> Option<NameRef<'a>> {
        match usize::from(self.wire[0]) {
            0 => None,
            length => Some(NameRef { wire: &self.wire[1 + length..] }),
        }
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.wire.len() == 1
    }

    /// Whether its leftmost label is the asterisk label (RFC 4592, section 2.1.1).
    pub fn is_wildcard(&self) -> bool {
        self.wire.starts_with(b"\x01*")
    }

    /// Whether it is `other` or a descendant of it.
    pub fn is_at_or_below(&self, other: NameRef<'_>) -> bool {
        let mut rest = *self;
        while rest.wire.len() > other.wire.len() {
            match rest.parent() {
                Some(parent) => rest = parent,
                None => return false,
            }
        }
        rest.wire.eq_ignore_ascii_case(other.wire)
    }

    /// Compares in canonical order: by labels from the root on, each as lower-cased octets (RFC 4034, section 6.1).
    pub fn canonical_cmp(&self, other: NameRef<'_>) -> Ordering {
        if let (Some(own_starts), Some(starts)) = (FewStarts::of(self.wire), FewStarts::of(other.wire)) {
            return compare(self.wire, &own_starts, other.wire, &starts);
        }
        compare(self.wire, &LabelStarts::of(*self), other.wire, &LabelStarts::of(other))
    }

    /// An owned copy.
    pub fn to_name(&self) -> Name {
        Name { wire: self.wire.into() }
    }
}

impl PartialEq for NameRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.wire.eq_ignore_ascii_case(other.wire)
    }
}

impl Eq for NameRef<'_> {}

impl PartialOrd for NameRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for NameRef<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.canonical_cmp(*other)
    }
}

impl Hash for NameRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for octet in self.wire {
            state.write_u8(octet.to_ascii_lowercase());
        }
    }
}

/// An owned name. Equality, order and hash ignore case; the case it came with is kept.
#[derive(Clone)]
pub struct Name {
    /// Checked as in [`NameRef`].
    wire: Box<[u8]>,
}

impl Name {
    /// The root.
    pub fn root() -> Name {
        NameRef::ROOT.to_name()
    }

    /// Takes the whole of `octets` as one name.
    pub fn from_wire(octets: &[u8]) -> Result<Name, NameError> {
        NameRef::from_wire(octets).map(|name| name.to_name())
    }

    /// The name made of `labels`, leftmost first, below `origin`.
    pub fn from_labels<'l>(labels: impl IntoIterator<Item = &'l [u8]>, origin: NameRef<'_>) -> Result<Name, NameError> {
        let mut wire = Vec::with_capacity(64);
        for label in labels {
            wire.push(label_length(label)?);
            wire.extend_from_slice(label);
        }
        wire.extend_from_slice(origin.wire);
        if wire.len() > NAME_OCTETS_MAX {
            return Err(NameError::NameTooLong { expected_max: NAME_OCTETS_MAX, found: wire.len() });
        }
        Ok(Name { wire: wire.into() })
    }

    /// Borrows it.
    pub fn as_ref(&self) -> NameRef<'_> {
        NameRef { wire: &self.wire }
    }

    /// The octets in wire form, the root label included.
    pub fn as_wire(&self) -> &[u8] {
        &self.wire
    }

    /// How many labels it has; the root label is not counted.
    pub fn label_count(&self) -> usize {
        self.as_ref().label_count()
    }

    /// The name without its leftmost label; none for the root.
    pub fn parent(&self) -> Option<Name> {
        self.as_ref().parent().map(|parent| parent.to_name())
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.as_ref().is_root()
    }

    /// Whether it is `other` or a descendant of it.
    pub fn is_at_or_below(&self, other: NameRef<'_>) -> bool {
        self.as_ref().is_at_or_below(other)
    }

    /// A copy in lower case.
    pub fn to_lowercase(&self) -> Name {
        // A length octet is at most 63, below the letters: folding the whole of the wire form changes labels only.
        Name { wire: self.wire.to_ascii_lowercase().into() }
    }

    /// The name with one more label on its left.
    pub fn prepend_label(&self, label: &[u8]) -> Result<Name, NameError> {
        Name::from_labels([label], self.as_ref())
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_ref().cmp(&other.as_ref())
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_ref().hash(state);
    }
}

impl<'a> From<&'a Name> for NameRef<'a> {
    fn from(name: &'a Name) -> NameRef<'a> {
        name.as_ref()
    }
}

impl From<NameRef<'_>> for Name {
    fn from(name: NameRef<'_>) -> Name {
        name.to_name()
    }
}

/// The labels of a name, leftmost first; see [`NameRef::labels`].
#[derive(Clone, Debug)]
pub struct Labels<'a> {
    /// What is left of the wire form.
    rest: &'a [u8],
}

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (&length, rest) = self.rest.split_first()?;
        let (label, rest) = rest.split_at_checked(usize::from(length))?;
        if label.is_empty() {
            return None;
        }
        self.rest = rest;
        Some(label)
    }
}

/// Where the labels of a name start, for walks from the right.
#[derive(Clone)]
pub(crate) struct LabelStarts {
    /// Offset of each label's length octet, leftmost first; after the last, the offset of the root label.
    starts: [u8; LABELS_MAX + 1],
    /// How many labels, without the root label.
    count: u8,
}

impl LabelStarts {
    /// Counts the labels of `name`.
    pub(crate) fn of(name: NameRef<'_>) -> LabelStarts {
        let mut starts = LabelStarts { starts: [0; LABELS_MAX + 1], count: 0 };
        starts.set(name);
        starts
    }

    /// Counts the labels of `name` in place of what was there.
    pub(crate) fn set(&mut self, name: NameRef<'_>) {
        let wire = name.as_wire();
        self.count = 0;
        let mut at = 0;
        // A checked name has at most 255 octets and 127 labels, and ends in the root label.
        while let Some(&length @ 1..) = wire.get(at) {
            self.count += 1;
            at += 1 + usize::from(length);
            self.starts[usize::from(self.count)] = at as u8;
        }
    }

    /// Counts the labels of octets that may not be a name; none when they are not.
    pub(crate) fn of_octets(octets: &[u8]) -> Option<LabelStarts> {
        let mut starts = LabelStarts { starts: [0; LABELS_MAX + 1], count: 0 };
        let octets = octets.get(..NAME_OCTETS_MAX).unwrap_or(octets);
        let mut at = 0;
        loop {
            let length = usize::from(*octets.get(at)?);
            if length > LABEL_OCTETS_MAX {
                return None;
            }
            at += 1 + length;
            if length == 0 {
                return (at == octets.len()).then_some(starts);
            }
            starts.count += 1;
            // At most 255 octets and 127 labels: both fit.
            *starts.starts.get_mut(usize::from(starts.count))? = at as u8;
        }
    }

    /// Whether a label starts at an offset, the root label included.
    pub(crate) fn is_start(&self, offset: usize) -> bool {
        self.starts[..=self.count()].iter().any(|start| usize::from(*start) == offset)
    }

    /// How many labels, without the root label.
    pub(crate) fn count(&self) -> usize {
        usize::from(self.count)
    }

    /// The offset at which the last `labels` labels begin; the whole name when it has fewer.
    pub(crate) fn suffix_start(&self, labels: usize) -> usize {
        usize::from(self.starts[self.count().saturating_sub(labels)])
    }
}

/// Where labels start, for [`compare`].
pub(crate) trait Starts {
    /// How many labels, without the root label.
    fn count(&self) -> usize;

    /// The offset at which the last `labels` labels begin, of as many as there are.
    fn suffix_start(&self, labels: usize) -> usize;
}

impl Starts for LabelStarts {
    fn count(&self) -> usize {
        LabelStarts::count(self)
    }

    fn suffix_start(&self, labels: usize) -> usize {
        LabelStarts::suffix_start(self, labels)
    }
}

/// Where the labels of a name start that has few, as most have: to make room for 127 costs more than to compare two such names.
struct FewStarts {
    /// Offset of each label's length octet, leftmost first.
    starts: [u8; FEW_LABELS],
    /// How many labels, without the root label.
    count: u8,
}

/// Labels that few are.
const FEW_LABELS: usize = 8;

impl FewStarts {
    /// Counts the labels of a checked name; none if there are more.
    #[inline]
    fn of(wire: &[u8]) -> Option<FewStarts> {
        let mut few = FewStarts { starts: [0; FEW_LABELS], count: 0 };
        let mut at = 0;
        while let Some(&length @ 1..) = wire.get(at) {
            *few.starts.get_mut(usize::from(few.count))? = at as u8;
            few.count += 1;
            at += 1 + usize::from(length);
        }
        Some(few)
    }
}

impl Starts for FewStarts {
    #[inline]
    fn count(&self) -> usize {
        usize::from(self.count)
    }

    #[inline]
    fn suffix_start(&self, labels: usize) -> usize {
        usize::from(self.starts[self.count().saturating_sub(labels)])
    }
}

/// Compares two names in canonical order, their labels already counted.
#[inline]
pub(crate) fn compare(a: &[u8], a_starts: &impl Starts, b: &[u8], b_starts: &impl Starts) -> Ordering {
    let shared = a_starts.count().min(b_starts.count());
    for labels in 1..=shared {
        let order =
            compare_labels(label_at(a, a_starts.suffix_start(labels)), label_at(b, b_starts.suffix_start(labels)));
        if order != Ordering::Equal {
            return order;
        }
    }
    a_starts.count().cmp(&b_starts.count())
}

/// Compares two labels as lower-cased octets, a missing octet first.
pub(crate) fn compare_labels(a: &[u8], b: &[u8]) -> Ordering {
    for at in (0..a.len().min(b.len())).step_by(8) {
        // Zeros stand for what is missing: where they are taken for octets that are zero, the lengths differ.
        let (a, b) = (fold(word_at(a, at)).swap_bytes(), fold(word_at(b, at)).swap_bytes());
        if a != b {
            return a.cmp(&b);
        }
    }
    a.len().cmp(&b.len())
}

/// The label whose length octet stands at `at`.
fn label_at(wire: &[u8], at: usize) -> &[u8] {
    &wire[at + 1..at + 1 + usize::from(wire[at])]
}

/// The length octet of a label.
fn label_length(label: &[u8]) -> Result<u8, NameError> {
    match label.len() {
        0 => Err(NameError::EmptyLabel),
        length @ 1..=LABEL_OCTETS_MAX => Ok(length as u8),
        length => Err(NameError::LabelTooLong { expected_max: LABEL_OCTETS_MAX, found: length }),
    }
}

/// Why octets or a text are not a name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// The octets end before the root label.
    Truncated {
        /// Octets needed to go on.
        expected: usize,
        /// Octets there are.
        found: usize,
    },
    /// Octets follow the root label.
    TrailingOctets {
        /// Length of the name.
        expected: usize,
        /// Length of the octets given.
        found: usize,
    },
    /// A length octet above 63: a compression pointer or a label type that is not defined.
    LabelType {
        /// Where it stands.
        offset: usize,
        /// The octet.
        found: u8,
    },
    /// A label over 63 octets.
    LabelTooLong {
        /// The limit.
        expected_max: usize,
        /// Its length.
        found: usize,
    },
    /// A name over 255 octets.
    NameTooLong {
        /// The limit.
        expected_max: usize,
        /// Its length, as far as it was read.
        found: usize,
    },
    /// Two dots side by side, a dot at the start, or no text at all.
    EmptyLabel,
    /// A backslash that neither a character nor three digits up to 255 follow.
    Escape {
        /// Where the backslash stands in the text.
        offset: usize,
    },
}

impl std::error::Error for NameError {}

impl std::fmt::Display for NameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NameError::Truncated { expected, found } => {
                write!(f, "the name is cut short: expected {expected} octets or more, found {found}")
            }
            NameError::TrailingOctets { expected, found } => {
                write!(f, "octets follow the name: expected {expected}, found {found}")
            }
            NameError::LabelType { offset, found } => {
                write!(f, "octet {offset} of the name: expected a label length up to 63, found {found}")
            }
            NameError::LabelTooLong { expected_max, found } => {
                write!(f, "a label is too long: expected up to {expected_max} octets, found {found}")
            }
            NameError::NameTooLong { expected_max, found } => {
                write!(f, "the name is too long: expected up to {expected_max} octets, found {found}")
            }
            NameError::EmptyLabel => write!(f, "a label is empty: expected 1 to 63 octets, found none"),
            NameError::Escape { offset } => write!(
                f,
                "character {offset} of the name: expected a character or three digits up to 255 after the backslash"
            ),
        }
    }
}
