//! NSEC3 chains as stored: which NSEC3 record matches or covers a hash (RFC 5155, section 7.2). No packet logic.
//!
//! The hashes are spread evenly, so that the place of one is known from its value but for a few rows: a search that guesses
//! (Perl, Itai and Avni, "Interpolation search", 1978) takes two or three steps where halving takes twenty.

use crate::node::Node;
use crate::nsec3::{NSEC3_HASH_OCTETS, Nsec3Hash};
use crate::tables::{ArchivedZoneRow, ArchivedZonesRoot};

/// Letters of such a hash in base32hex (RFC 4648, section 7).
const NSEC3_LABEL_OCTETS: usize = 32;

/// Guesses before the search goes on by halving: hashes that are not spread evenly are damage, or made to look for.
const GUESSES_MAX: usize = 8;

/// Hashes with equal rows that are told apart by their owners: two among 2^32 names are luck, more than this are damage.
const EQUAL_ROWS_MAX: usize = 16;

/// What the NSEC3 chain of a zone says of a hash.
#[derive(Clone, Copy, Debug)]
pub enum Nsec3<'a> {
    /// A record has this very hash.
    Match(Node<'a>),
    /// There is no such hash: this is the owner of the record before it, round the end of the chain if need be.
    Cover(Node<'a>),
}

/// The hash in an owner's first label; none when it is not one.
pub(crate) fn hash_of_label(label: &[u8]) -> Option<Nsec3Hash> {
    if label.len() != NSEC3_LABEL_OCTETS {
        return None;
    }
    let mut hash: Nsec3Hash = [0; NSEC3_HASH_OCTETS];
    for (letters, octets) in label.chunks_exact(8).zip(hash.chunks_exact_mut(5)) {
        let mut bits = 0u64;
        for letter in letters {
            bits = bits << 5 | u64::from(value_of(*letter)?);
        }
        octets.copy_from_slice(&bits.to_be_bytes()[3..]);
    }
    Some(hash)
}

/// The five bits of a letter of base32hex.
fn value_of(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'v' => Some(letter - b'a' + 10),
        b'A'..=b'V' => Some(letter - b'A' + 10),
        _ => None,
    }
}

/// What stands in the table for a hash: its first octets.
pub(crate) fn row_of_hash(hash: &Nsec3Hash) -> u64 {
    hash.first_chunk::<8>().map_or(0, |first| u64::from_be_bytes(*first))
}

/// The owner of the last NSEC3 record of a zone at or before a hash; the last of all when it is before the first. With it the
/// full hash in its name, and the number of its row.
pub(crate) fn at_or_before<'a>(
    root: &'a ArchivedZonesRoot,
    zone: &ArchivedZoneRow,
    hash: &Nsec3Hash,
) -> Option<(Node<'a>, Nsec3Hash, u32)> {
    let start = zone.nsec3_start.to_native() as usize;
    let rows = root.nsec3_hashes.get(start..start.saturating_add(zone.nsec3_count.to_native() as usize))?;
    let found = last_up_to(
        rows.len(),
        hash,
        |at| rows[at].to_native(),
        |at| {
            let (node, hash) = owner_of_row(root, zone, at as u32)?;
            // Rows are counted in 32 bits.
            Some(((node, at as u32), hash))
        },
    );
    found.map(|((node, row), hash)| (node, hash, row))
}

/// The owner of a zone's NSEC3 row, and the hash in its name.
pub(crate) fn owner_of_row<'a>(
    root: &'a ArchivedZonesRoot,
    zone: &ArchivedZoneRow,
    row: u32,
) -> Option<(Node<'a>, Nsec3Hash)> {
    let at = (zone.nsec3_start.to_native() as usize).checked_add(row as usize)?;
    let node = Node::at(root, root.nsec3_nodes.get(at)?.to_native())?;
    Some((node, hash_of_label(node.name().labels().next()?)?))
}

/// The owner of the last of `length` rows at or before a hash; of the last row when it is before the first. `owner` gives an owner with its full
/// hash.
pub(crate) fn last_up_to<T>(
    length: usize,
    hash: &Nsec3Hash,
    row_at: impl Fn(usize) -> u64,
    owner: impl Fn(usize) -> Option<(T, Nsec3Hash)>,
) -> Option<(T, Nsec3Hash)> {
    let row = row_of_hash(hash);
    let mut after = count_up_to(length, row, &row_at);
    // Hashes that are equal in their first octets are told apart by their owners.
    for _ in 0..EQUAL_ROWS_MAX {
        let Some(at) = after.checked_sub(1).filter(|at| row_at(*at) == row) else { break };
        let found = owner(at)?;
        if found.1 <= *hash {
            return Some(found);
        }
        after = at;
    }
    owner(after.checked_sub(1).or(length.checked_sub(1))?)
}

/// How many of the first `length` ascending rows are at most `row`.
fn count_up_to(length: usize, row: u64, at: impl Fn(usize) -> u64) -> usize {
    // Rows before `low` are at most `row`, those from `high` on are greater; their values bound what lies between.
    let (mut low, mut high) = (0, length);
    let (mut low_value, mut high_value) = (0, u64::MAX);
    for step in 0.. {
        if low >= high {
            break;
        }
        let guess = match (high_value.checked_sub(low_value), row.checked_sub(low_value)) {
            (Some(span @ 1..), Some(distance)) if step < GUESSES_MAX => {
                low + ((high - low - 1) as u128 * u128::from(distance.min(span)) / u128::from(span)) as usize
            }
            _ => low + (high - low) / 2,
        };
        let value = at(guess);
        if value <= row {
            low = guess + 1;
            low_value = value;
        } else {
            high = guess;
            high_value = value;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn labels_are_read_as_base32hex() {
        let hash = hash_of_label(b"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom").expect("a hash");
        assert_eq!(hash[..4], [0x06, 0x53, 0x68, 0xab]);
        assert_eq!(hash_of_label(b"0P9MHAVEQVM6T7VBL5LOP2U3T2RP3TOM"), Some(hash));
        assert_eq!(hash_of_label(b"0p9mhaveqvm6t7vbl5lop2u3t2rp3tow"), None);
        assert_eq!(hash_of_label(b"0p9mhaveqvm6t7vbl5lop2u3t2rp3to"), None);
    }

    proptest! {
        #[test]
        fn guessing_finds_what_halving_finds(mut rows in prop::collection::vec(any::<u64>(), 0..200), row: u64, near: prop::sample::Index) {
            rows.sort_unstable();
            let row = if rows.is_empty() || row % 3 == 0 { row } else { rows[near.index(rows.len())].wrapping_sub(row % 2) };
            prop_assert_eq!(count_up_to(rows.len(), row, |at| rows[at]), rows.partition_point(|value| *value <= row));
        }

        #[test]
        fn rows_close_together_cost_no_more_than_halving(first: u64, length in 0usize..5000) {
            let rows: Vec<u64> = (0..length as u64).map(|at| (first >> 1) + at).chain([u64::MAX]).collect();
            let steps = std::cell::Cell::new(0);
            let read = |at: usize| { steps.set(steps.get() + 1); rows[at] };
            let row = (first >> 1) + length as u64 / 2;
            prop_assert_eq!(count_up_to(rows.len(), row, read), rows.partition_point(|value| *value <= row));
            prop_assert!(steps.get() <= GUESSES_MAX + 13 + 1);
        }
    }
}
