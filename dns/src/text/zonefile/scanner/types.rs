//! The types that the scanner knows, found by their mnemonics: [`Types`].

use super::super::super::field::Field;
use super::super::super::layout::layout;
use super::super::digits;
use crate::types::Rtype;
use std::sync::LazyLock;

/// A type that the scanner knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct TypeEntry {
    /// Its mnemonic, as [`digits::mnemonic`] gives it; 0 in an entry that is none.
    key: u64,
    /// The type.
    pub(super) rtype: Rtype,
    /// Its fields.
    pub(super) fields: &'static [Field],
}

/// Types by their mnemonics: a place for each hash of them.
#[derive(Debug)]
pub(super) struct Types {
    /// What makes hashes that differ.
    factor: u64,
    /// The entries.
    entries: [TypeEntry; TYPES_SLOTS],
}

/// Places for types, so many that a factor is found soon under which no two share one.
const TYPES_SLOTS: usize = 1024;

/// Factors that are tried; should all be of no use, what shares a place with another is for the tokenizer.
const FACTORS_MAX: u64 = 1000;

impl Types {
    /// The place of a mnemonic.
    #[inline(always)]
    fn slot(factor: u64, key: u64) -> usize {
        (key.wrapping_mul(factor) >> (u64::BITS - TYPES_SLOTS.ilog2())) as usize
    }

    /// Looks a mnemonic up.
    #[inline(always)]
    pub(super) fn find(&self, key: u64) -> Option<&TypeEntry> {
        self.entries.get(Self::slot(self.factor, key)).filter(|entry| entry.key == key && key != 0)
    }

    /// The table of these entries under a factor, and whether each has a place of its own.
    fn place(factor: u64, all: &[TypeEntry]) -> (Self, bool) {
        let mut types = Self { factor, entries: [TypeEntry { key: 0, rtype: Rtype(0), fields: &[] }; TYPES_SLOTS] };
        let mut is_whole = true;
        for entry in all {
            let place = &mut types.entries[Self::slot(factor, entry.key)];
            if place.key == 0 {
                *place = *entry;
            } else {
                is_whole = false;
            }
        }
        (types, is_whole)
    }
}

/// Every type with a mnemonic of up to eight octets and a row in the table of fields.
pub(super) static TYPES: LazyLock<Types> = LazyLock::new(|| {
    let all: Vec<TypeEntry> = (1..=u16::MAX)
        .map(Rtype)
        .filter(|rtype| !rtype.is_meta())
        .filter_map(|rtype| {
            let key = rtype.mnemonic().and_then(digits::number_of)?;
            Some(TypeEntry { key, rtype, fields: layout(rtype)? })
        })
        .collect();
    let factor = |index: u64| 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(2 * index + 1);
    let is_of_use = |index: &u64| Types::place(factor(*index), &all).1;
    Types::place(factor((0..FACTORS_MAX).find(is_of_use).unwrap_or(0)), &all).0
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_place() {
        for rtype in (1..=u16::MAX).map(Rtype).filter(|rtype| layout(*rtype).is_some()) {
            let Some(key) = rtype.mnemonic().and_then(digits::number_of) else { continue };
            assert_eq!(TYPES.find(key).map(|entry| entry.rtype), Some(rtype));
        }
    }
}
