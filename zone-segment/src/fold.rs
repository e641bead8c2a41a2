//! Letters folded to lower case, eight octets at a time: names are short, and what is set up for longer ones costs more than
//! it saves here.

/// A one in each octet.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The high bit of each octet.
const HIGH_BITS: u64 = 0x80 * ONES;

/// The eight octets with the letters A to Z among them in lower case.
///
/// A length octet is at most 63, below the letters: folding the whole of a name's wire form changes its labels only.
#[inline]
pub(crate) fn fold(octets: u64) -> u64 {
    let low_bits = octets & !HIGH_BITS;
    // In each of these the high bit says that the octet's low bits are at least `A`, or beyond `Z`.
    let from_a = low_bits + (0x80 - u64::from(b'A')) * ONES;
    let beyond_z = low_bits + (0x7f - u64::from(b'Z')) * ONES;
    let is_upper = (from_a ^ beyond_z) & !octets & HIGH_BITS;
    octets | is_upper >> 2
}

/// The eight octets at `at`, zeros for those behind the end.
///
/// The end is met in registers: a word put together in memory would have to wait for its parts to be stored.
#[inline]
pub(crate) fn word_at(octets: &[u8], at: usize) -> u64 {
    if let Some(word) = octets.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        return u64::from_le_bytes(*word);
    }
    match (octets.last_chunk::<8>(), octets.len().saturating_sub(at)) {
        (_, 0) => 0,
        (Some(last), left) => u64::from_le_bytes(*last) >> (64 - 8 * left),
        (None, _) => octets[at..].iter().rev().fold(0, |word, octet| word << 8 | u64::from(*octet)),
    }
}

/// Whether octets, once folded, are those of a folded name.
#[inline]
pub(crate) fn is_folded(octets: &[u8], folded: &[u8]) -> bool {
    if octets.len() != folded.len() {
        return false;
    }
    let (words, _) = octets.as_chunks::<8>();
    let (folded_words, rest) = folded.as_chunks::<8>();
    // Most names are in lower case as they are: folding is for those that are not.
    let is_equal = |word: u64, folded: u64| word == folded || fold(word) == folded;
    let mut pairs = words.iter().zip(folded_words);
    if !pairs.all(|(word, folded)| is_equal(u64::from_le_bytes(*word), u64::from_le_bytes(*folded))) {
        return false;
    }
    // What is left is compared in the last eight octets, of which some were compared before.
    match (octets.last_chunk::<8>(), folded.last_chunk::<8>()) {
        _ if rest.is_empty() => true,
        (Some(last), Some(folded)) => is_equal(u64::from_le_bytes(*last), u64::from_le_bytes(*folded)),
        _ => is_equal(word_at(octets, 0), word_at(folded, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn folding_words_is_folding_octets(octets: [u8; 8]) {
            let folded = fold(u64::from_le_bytes(octets)).to_le_bytes();
            prop_assert_eq!(folded, octets.map(|octet| octet.to_ascii_lowercase()));
        }

        #[test]
        fn words_end_in_zeros(octets in prop::collection::vec(any::<u8>(), 0..20), at in 0usize..24) {
            let mut padded = octets.clone();
            padded.resize(40, 0);
            prop_assert_eq!(word_at(&octets, at).to_le_bytes(), &padded[at..at + 8]);
        }

        #[test]
        fn equality_is_that_of_folded_octets(octets in prop::collection::vec(any::<u8>(), 0..30), change: Option<(u8, u8)>) {
            let mut other = octets.to_ascii_lowercase();
            if let Some((at, value)) = change && !other.is_empty() {
                let at = usize::from(at) % other.len();
                other[at] = value.to_ascii_lowercase();
            }
            prop_assert_eq!(is_folded(&octets, &other), octets.to_ascii_lowercase() == other);
        }
    }
}
