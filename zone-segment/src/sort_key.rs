//! The beginning of a name as a number: comparing two of them compares the names in canonical order (RFC 4034, section 6.1), as far
//! as the beginning goes.
//!
//! The letters below the apex from the right, each label ended by the least of all letters, are the digits. Letters, digits,
//! hyphen, underscore and asterisk have a digit each; of what else may stand in a label several octets have one digit together, and
//! nothing is said of what comes behind it. So the numbers of a zone's names lie close to each other: in base 256 most of the
//! space between two of them would be of names that nobody has.

use crate::lookup_name::LookupName;

/// Digits of a key: as many as two numbers of 64 bits hold.
const DIGITS: usize = 2 * HALF_DIGITS;

/// Digits of half a key.
const HALF_DIGITS: usize = 11;

/// The base: one more than the largest digit.
const BASE: u64 = 46;

/// What the upper half of a key counts for.
pub(crate) const HALF: u128 = (BASE as u128).pow(HALF_DIGITS as u32);

const _: () = assert!(HALF <= u64::MAX as u128, "half a key has 64 bits");

/// The beginning of a name as a number, in two halves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SortKey {
    /// The first eleven digits.
    pub(crate) upper: u64,
    /// The second eleven.
    pub(crate) lower: u64,
}

impl SortKey {
    /// The sort key of the last `labels` labels of a name: of those below the apex.
    pub(crate) fn of(name: &LookupName, apex_labels: usize, labels: usize) -> SortKey {
        let mut digits = [0; DIGITS];
        let mut places = digits.iter_mut();
        'labels: for labels in apex_labels + 1..=labels {
            for (octet, place) in name.label(labels).iter().zip(&mut places) {
                let digit = DIGIT_OF[usize::from(*octet)];
                *place = digit & !SEVERAL;
                if digit & SEVERAL != 0 {
                    break 'labels;
                }
            }
            // The end of a label is a zero, which is there already.
            if places.next().is_none() {
                break;
            }
        }
        let number = |digits: &[u8]| digits.iter().fold(0, |number, digit| number * BASE + u64::from(*digit));
        let (upper, lower) = digits.split_at(HALF_DIGITS);
        SortKey { upper: number(upper), lower: number(lower) }
    }

    /// The number.
    pub(crate) fn whole(self) -> u128 {
        u128::from(self.upper) * HALF + u128::from(self.lower)
    }
}

/// With a digit: several octets have it.
const SEVERAL: u8 = 1 << 7;

/// The digit of each octet; upper-case letters are folded before. No octet has the least digit, which ends a label.
static DIGIT_OF: [u8; 256] = {
    let mut digits = [0; 256];
    let mut octet = 0;
    let mut digit = 0;
    let mut was_alone = true;
    while octet < digits.len() {
        let is_alone = matches!(octet as u8, b'*' | b'-' | b'0'..=b'9' | b'_' | b'a'..=b'z');
        if is_alone || was_alone {
            digit += 1;
        }
        digits[octet] = if is_alone { digit } else { digit | SEVERAL };
        was_alone = is_alone;
        octet += 1;
    }
    assert!(digit as u64 + 1 == BASE, "the base is one more than the largest digit");
    digits
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::HashKey;
    use crate::name::Name;
    use proptest::prelude::*;

    /// The key of a name below the root.
    fn key(name: &Name) -> SortKey {
        SortKey::of(&LookupName::new(HashKey::default(), name.as_ref()), 0, name.label_count())
    }

    /// The key of a name in presentation format.
    fn key_of(name: &str) -> SortKey {
        key(&name.parse().expect("a name"))
    }

    #[test]
    fn wholes_order_as_halves_do() {
        let names = [".", "-.example.", "0.example.", "a.long-label-one.example.", "a.long-label-two.example."];
        let keys = names.map(key_of);
        assert!(keys.is_sorted_by(|a, b| a < b && a.whole() < b.whole()), "{keys:?}");
        assert_eq!(keys[0].whole(), 0);
    }

    #[test]
    fn names_that_differ_in_their_letters_have_keys_that_differ() {
        let names = ["a.", "a.a.", "b.a.", "*.b.", "-.b.", "0.b.", "9.b.", "_.b.", "a.b.", "z.b.", "c."];
        assert!(names.map(key_of).is_sorted_by(|a, b| a < b));
    }

    proptest! {
        #[test]
        fn keys_order_as_names_do(
            a in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..12), 0..4),
            b in prop::collection::vec(prop::collection::vec(prop_oneof![any::<u8>(), b'a'..=b'c'], 1..3), 0..6),
            keep in 0usize..4,
        ) {
            let name = |labels: &[Vec<u8>]| Name::from_labels(labels.iter().map(Vec::as_slice), Name::root().as_ref()).expect("a name");
            // Some labels in common, from the right.
            let b: Vec<Vec<u8>> = b.into_iter().chain(a.iter().skip(keep).cloned()).collect();
            let (a, b) = (name(&a), name(&b));
            prop_assert!(key(&a).cmp(&key(&b)) == a.cmp(&b) || key(&a) == key(&b), "{} and {}", a, b);
        }
    }
}
