//! Canonical order of records: by owner (RFC 4034, section 6.1), then type, then RDATA (RFC 4034, section 6.3).
//!
//! Sorting makes one key of octets for each owner, whose plain comparison is canonical order: a million names are compared a few
//! tens of millions of times, and labels read from the right each time would be most of the work.

use crate::record::Record;
use crate::types::{Rtype, canonical_names};
use std::cmp::Ordering;
use std::ops::Range;
use zone_segment::NameRef;

#[cfg(test)]
mod tests;

/// Sorts records into canonical order; records that are equal in it stay in the order they came in.
pub fn sort(records: &mut Vec<Record>) {
    if is_sorted(records) {
        return;
    }
    let mut keys = Keys::of(records);
    let Keys { octets, keys: order } = &mut keys;
    order.sort_unstable_by(|a, b| {
        a.head
            .cmp(&b.head)
            .then_with(|| octets[a.owner.clone()].cmp(&octets[b.owner.clone()]))
            .then_with(|| a.rtype.cmp(&b.rtype))
            .then_with(|| canonical_rdata_cmp(a.rtype, &records[a.index].rdata, &records[b.index].rdata))
            .then_with(|| a.index.cmp(&b.index))
    });
    let mut unsorted: Vec<Option<Record>> = std::mem::take(records).into_iter().map(Some).collect();
    records.extend(order.iter().filter_map(|key| unsorted[key.index].take()));
}

/// Whether records are in canonical order.
fn is_sorted(records: &[Record]) -> bool {
    let (mut key, mut last_key) = (Vec::new(), Vec::new());
    let mut last: Option<&Record> = None;
    records.iter().all(|record| {
        let is_same_owner = last.is_some_and(|last| last.owner.as_wire() == record.owner.as_wire());
        if !is_same_owner {
            std::mem::swap(&mut key, &mut last_key);
            key.clear();
            push_owner_key(record.owner.as_ref(), &mut key);
        }
        let order = last.map_or(Ordering::Less, |last| {
            let owners = if is_same_owner { Ordering::Equal } else { last_key.cmp(&key) };
            owners
                .then(last.rtype.cmp(&record.rtype))
                .then_with(|| canonical_rdata_cmp(record.rtype, &last.rdata, &record.rdata))
        });
        last = Some(record);
        order.is_le()
    })
}

/// Compares two RDATA of a type in canonical order: as octets, with the letters of some types' names in lower case (RFC 4034,
/// sections 6.2 and 6.3). Equal are those that are the same record.
pub fn canonical_rdata_cmp(rtype: Rtype, a: &[u8], b: &[u8]) -> Ordering {
    let Some(names) = canonical_names(rtype) else { return a.cmp(b) };
    let Some(first) = a.iter().zip(b).position(|(a, b)| a != b) else { return a.len().cmp(&b.len()) };
    if !a[first].is_ascii_uppercase() && !b[first].is_ascii_uppercase() {
        // Folding would change neither, wherever the names are.
        return a[first].cmp(&b[first]);
    }
    let in_names = |rdata: &[u8]| names.ranges(rdata).collect::<Vec<Range<usize>>>();
    let (a_names, b_names) = (in_names(a), in_names(b));
    let fold = |names: &[Range<usize>], at: usize, octet: &u8| {
        if names.iter().any(|name| name.contains(&at)) { octet.to_ascii_lowercase() } else { *octet }
    };
    for (at, (a, b)) in a.iter().zip(b).enumerate().skip(first) {
        let order = fold(&a_names, at, a).cmp(&fold(&b_names, at, b));
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

/// What one record is sorted by.
struct Key {
    /// The first eight octets in which the owners' keys may differ: most comparisons need no more.
    head: u64,
    /// The owner's key, in the common store.
    owner: Range<usize>,
    /// The type.
    rtype: Rtype,
    /// Where the record stands.
    index: usize,
}

/// The keys of all records, the owners' octets in one allocation.
struct Keys {
    /// The owners' keys one after the other.
    octets: Vec<u8>,
    /// A key for each record.
    keys: Vec<Key>,
}

impl Keys {
    /// Makes the keys; neighbours of the same owner share its octets.
    fn of(records: &[Record]) -> Self {
        let mut octets = Vec::new();
        let mut keys: Vec<Key> = Vec::with_capacity(records.len());
        let mut last: Option<(&Record, Range<usize>)> = None;
        for (index, record) in records.iter().enumerate() {
            let owner = match last {
                Some((before, owner)) if before.owner.as_wire() == record.owner.as_wire() => owner,
                _ => {
                    let start = octets.len();
                    push_owner_key(record.owner.as_ref(), &mut octets);
                    start..octets.len()
                }
            };
            keys.push(Key { head: 0, owner: owner.clone(), rtype: record.rtype, index });
            last = Some((record, owner));
        }
        let shared = shared_octets(&octets, &keys);
        for key in &mut keys {
            key.head = head(&octets[key.owner.start + shared..key.owner.end]);
        }
        Self { octets, keys }
    }
}

/// How many octets all owners' keys begin with alike: those of the apex, which would leave nothing to tell in the heads.
fn shared_octets(octets: &[u8], keys: &[Key]) -> usize {
    let Some(first) = keys.first().map(|key| &octets[key.owner.clone()]) else { return 0 };
    keys.iter().fold(first.len(), |shared, key| {
        let other = &octets[key.owner.clone()];
        first[..shared].iter().zip(other).take_while(|(a, b)| a == b).count()
    })
}

/// The first eight octets as a number that compares as they do.
fn head(octets: &[u8]) -> u64 {
    let mut head = [0; 8];
    let length = octets.len().min(head.len());
    head[..length].copy_from_slice(&octets[..length]);
    u64::from_be_bytes(head)
}

/// Appends the key of an owner: its labels from the right, in lower case, each with a zero octet at its end.
///
/// So that a zero in a label compares as more than its end, and less than a one, both are written in two octets.
fn push_owner_key(owner: NameRef<'_>, out: &mut Vec<u8>) {
    let mut labels: [&[u8]; zone_segment::LABELS_MAX] = [&[]; zone_segment::LABELS_MAX];
    let mut count = 0;
    for (slot, label) in labels.iter_mut().zip(owner.labels()) {
        *slot = label;
        count += 1;
    }
    for label in labels[..count].iter().rev() {
        for octet in *label {
            match octet.to_ascii_lowercase() {
                low @ 0..=1 => out.extend_from_slice(&[1, low + 1]),
                octet => out.push(octet),
            }
        }
        out.push(0);
    }
}
