//! The keyed hash of names. The key is drawn once a state directory and stands in every segment, so that nobody who
//! does not know it can choose names that share a bucket.
//!
//! A polynomial over the field of 2^61 - 1 elements, evaluated at a secret point (Carter and Wegman, "Universal classes of hash
//! functions", 1979): two names of up to 255 octets collide for at most one in 2^52 keys, whoever chose them. It runs from
//! the root to the left, so that the hashes of a name and of all names above it cost one pass over its octets: a lookup
//! needs several of them, and a hash that begins at the left would have to be made anew for each.

use std::fmt;

/// The 128-bit key of the name hash: an input of the writers, equal in all segments of a generation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashKey(pub [u8; 16]);

impl HashKey {
    /// What the hash of names takes of the key.
    pub(crate) fn point(self) -> Point {
        let number = u128::from_le_bytes(self.0);
        // Keys may be chosen by hand, all zeros in tools: mixed, each gives a point as good as any other.
        let (low, high) =
            (mix(number as u64 ^ 0x9e37_79b9_7f4a_7c15), mix((number >> 64) as u64 ^ 0xd1b5_4a32_d192_ed03));
        Point { factor: (mix(low ^ high.rotate_left(17)) & FACTOR_MAX).max(2), blind: mix(high ^ low.rotate_left(41)) }
    }
}

impl Default for HashKey {
    /// All zeros: for tools; a server draws its own.
    fn default() -> HashKey {
        HashKey([0; 16])
    }
}

impl fmt::Debug for HashKey {
    /// Shows nothing of the key but that it is one: logs are read by more people than segments.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(…)")
    }
}

/// Where the polynomial is evaluated, and what hides its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Point {
    /// The point: below 2^60, which keeps sums in 64 bits without a reduction in full after each step.
    factor: u64,
    /// Mixed into the value at the end.
    blind: u64,
}

/// The polynomial's value so far: of the labels from the root to some label. Below 2^63.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Partial(u64);

impl Partial {
    /// That of the root. Not zero, so that the number of words counts.
    pub(crate) const ROOT: Partial = Partial(1);
}

/// Octets of a word: as many as stay below 2^61 - 1.
pub(crate) const WORD_OCTETS: usize = 7;

/// The octets of a word in the lower part of eight.
const WORD_MASK: u64 = (1 << (8 * WORD_OCTETS)) - 1;

impl Point {
    /// Goes on by a label: its length octet and its folded octets, as words of seven octets, the last one filled up with zeros.
    ///
    /// `word` gives the eight folded octets at a distance from the length octet; what follows the label in them is cut off. The
    /// length octet tells how many words a label has, so no two names have the same words.
    #[inline]
    pub(crate) fn label(&self, partial: Partial, length: u8, word: impl Fn(usize) -> u64) -> Partial {
        let octets = 1 + usize::from(length);
        let mut value = partial.0;
        let mut at = 0;
        while at + WORD_OCTETS < octets {
            value = self.step(value, word(at) & WORD_MASK);
            at += WORD_OCTETS;
        }
        // One to seven octets are left.
        let mask = WORD_MASK >> (8 * (WORD_OCTETS + at - octets));
        Partial(self.step(value, word(at) & mask))
    }

    /// Adds a word and multiplies by the point, modulo 2^61 - 1.
    #[inline]
    fn step(&self, value: u64, word: u64) -> u64 {
        let product = u128::from(value + word) * u128::from(self.factor);
        // The value is below 2^63 and the factor below 2^60, so the upper part is below 2^62 + 2^55 and the sum below 2^63.
        (product as u64 & PRIME) + (product >> PRIME_BITS) as u64
    }

    /// The hash of the name so far: all of its bits are as good as each other.
    #[inline]
    pub(crate) fn hash(&self, partial: Partial) -> u64 {
        let value = (partial.0 & PRIME) + (partial.0 >> PRIME_BITS);
        let value = if value >= PRIME { value - PRIME } else { value };
        mix(value ^ self.blind)
    }
}

/// A permutation of 64 bits after which each bit depends on all before it (the finaliser of SplitMix64).
fn mix(value: u64) -> u64 {
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

/// Bits of the prime.
const PRIME_BITS: u32 = 61;
/// The prime 2^61 - 1.
const PRIME: u64 = (1 << PRIME_BITS) - 1;
/// The largest factor.
const FACTOR_MAX: u64 = (1 << 60) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    /// The hash of a label below the root, by the definition.
    fn by_definition(point: Point, label: &[u8]) -> u64 {
        let mut octets = vec![label.len() as u8];
        octets.extend_from_slice(label);
        let value = octets.chunks(WORD_OCTETS).fold(1u128, |value, word| {
            let word = word.iter().rev().fold(0u128, |word, octet| word << 8 | u128::from(*octet));
            (value + word) * u128::from(point.factor) % u128::from(PRIME)
        });
        mix(value as u64 ^ point.blind)
    }

    #[test]
    fn the_steps_are_the_polynomial() {
        for key in [[0; 16], *b"sixteen octets!!", [0xff; 16]] {
            let point = HashKey(key).point();
            for length in 1..=63 {
                let label = vec![0xff; length];
                let mut octets = vec![length as u8];
                octets.extend_from_slice(&label);
                let partial = point.label(Partial::ROOT, length as u8, |at| crate::fold::word_at(&octets, at));
                assert_eq!(point.hash(partial), by_definition(point, &label), "{length} octets");
            }
        }
    }

    #[test]
    fn keys_give_points_that_differ() {
        let points: Vec<Point> = (0..=255).map(|octet| HashKey([octet; 16]).point()).collect();
        for (at, point) in points.iter().enumerate() {
            assert!(point.factor <= FACTOR_MAX && point.factor > 1);
            assert!(!points[..at].contains(point));
        }
    }
}
