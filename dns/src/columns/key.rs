//! The beginning of a name as a number: where two names' numbers differ, they compare as the names do in canonical order (RFC 4034,
//! section 6.1). Most comparisons of a sort need no more.

use std::cmp::Ordering;
use zone_segment::{LABELS_MAX, NameRef};

/// The first sixteen octets of a name's key.
pub(super) type Head = [u64; 2];

/// The head of a name: its labels below an apex from the right, in lower case, each with a zero octet at its end. `None` for a name that
/// is not at or below the apex.
///
/// So that a zero in a label compares as more than its end, and less than a one, both are written in two octets.
#[inline]
pub(super) fn head(name: NameRef<'_>, apex: NameRef<'_>) -> Option<Head> {
    let (wire, apex) = (name.as_wire(), apex.as_wire());
    let below = wire.len().checked_sub(apex.len())?;
    if !wire[below..].eq_ignore_ascii_case(apex) {
        return None;
    }
    let mut starts = [0_u8; LABELS_MAX];
    let (mut count, mut at) = (0, 0);
    while at < below {
        // A name has at most 255 octets and half as many labels.
        starts[count] = at as u8;
        count += 1;
        at += 1 + usize::from(wire[at]);
    }
    if at != below {
        return None;
    }
    let mut head = [0_u8; 16];
    let mut room = head.iter_mut();
    'labels: for start in starts[..count].iter().rev() {
        let start = usize::from(*start);
        for octet in &wire[start + 1..start + 1 + usize::from(wire[start])] {
            let Some(place) = room.next() else { break 'labels };
            match octet.to_ascii_lowercase() {
                low @ 0..=1 => {
                    *place = 1;
                    let Some(place) = room.next() else { break 'labels };
                    *place = low + 1;
                }
                octet => *place = octet,
            }
        }
        // The end of the label is a zero, which is there already.
        if room.next().is_none() {
            break;
        }
    }
    let (words, _) = head.as_chunks::<8>();
    Some([u64::from_be_bytes(words[0]), u64::from_be_bytes(words[1])])
}

/// Compares two names of which the heads are known.
#[inline]
pub(super) fn compare(a: (Head, NameRef<'_>), b: (Head, NameRef<'_>)) -> Ordering {
    a.0.cmp(&b.0).then_with(|| a.1.canonical_cmp(b.1))
}
