//! A change of one zone, as it is gathered, logged, transferred and built: the one form that zone files, operators' edits, transfers and
//! dynamic updates are brought into.
//!
//! [`ChangeSet`] is what changed, record by record; [`ZoneChange`] has beside it what each owner concerned owns from then on, which is what
//! a delta is built of.

use std::collections::BTreeMap;

use zone_segment::{Name, OwnedRecord};

use crate::types::Rtype;

/// A record that came or went; its class is IN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedRecord {
    /// The owner, in the case it is stored in.
    pub owner: Name,
    /// The type.
    pub rtype: Rtype,
    /// The TTL in seconds.
    pub ttl: u32,
    /// The RDATA: uncompressed wire form.
    pub rdata: Box<[u8]>,
}

/// One difference between two versions of a zone (RFC 1995, section 4): the old SOA record and what went with it, the new SOA record and what
/// came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSet {
    /// The zone.
    pub apex: Name,
    /// The serial before.
    pub from: u32,
    /// The serial after. The same as before only where a source changed data under one serial: no secondary learns of that.
    pub to: u32,
    /// Records that went, the SOA record first.
    pub removed: Vec<ChangedRecord>,
    /// Records that came, the SOA record first.
    pub added: Vec<ChangedRecord>,
}

impl ChangeSet {
    /// Change sets in a row brought together into one, as if nothing had been between them (RFC 1995, section 5): what came and went is in it no
    /// more, and the SOA records are the first and the last. None of an empty row.
    pub fn condensed(sets: Vec<ChangeSet>) -> Option<ChangeSet> {
        let (first, last) = (sets.first()?, sets.last()?);
        let soa_of = |records: &[ChangedRecord]| records.first().filter(|record| record.rtype == Rtype::SOA).cloned();
        let (apex, from, to) = (first.apex.clone(), first.from, last.to);
        let mut removed: Vec<ChangedRecord> = soa_of(&first.removed).into_iter().collect();
        let mut added: Vec<ChangedRecord> = soa_of(&last.added).into_iter().collect();
        // How often each came, less how often it went: at the most once, as of any record of a zone.
        let mut balance: BTreeMap<RecordKey, (i64, Name)> = BTreeMap::new();
        for set in sets {
            let gone = set.removed.into_iter().map(|record| (record, -1));
            for (record, by) in gone.chain(set.added.into_iter().map(|record| (record, 1))) {
                if record.rtype != Rtype::SOA {
                    let key = (record.owner.clone(), record.rtype.0, record.ttl, record.rdata);
                    balance.entry(key).or_insert((0, record.owner)).0 += by;
                }
            }
        }
        for ((_, rtype, ttl, rdata), (count, owner)) in balance {
            let record = ChangedRecord { owner, rtype: Rtype(rtype), ttl, rdata };
            match count {
                0 => {}
                1.. => added.push(record),
                _ => removed.push(record),
            }
        }
        Some(ChangeSet { apex, from, to, removed, added })
    }

    /// Its records, those of both sides.
    pub fn record_count(&self) -> u64 {
        (self.removed.len() + self.added.len()) as u64
    }
}

/// What makes a record another one: owner, type, TTL, RDATA.
type RecordKey = (Name, u16, u32, Box<[u8]>);

/// What each owner concerned owns from now on, signatures included; one that owns nothing is gone.
pub type OwnerChanges = BTreeMap<Name, Vec<OwnedRecord>>;

/// A change, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneChange {
    /// What changed.
    pub set: ChangeSet,
    /// What stands from then on, for each owner that it speaks of.
    pub owners: OwnerChanges,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// A record of one of a few names.
    fn record(owner: u8, ttl: u32) -> ChangedRecord {
        let owner = format!("n{owner}.example.").parse().unwrap();
        ChangedRecord { owner, rtype: Rtype::A, ttl, rdata: [192, 0, 2, 1].into() }
    }

    /// The SOA record of a serial, which is its TTL here.
    fn soa(serial: u32) -> ChangedRecord {
        let owner = "example.".parse().unwrap();
        ChangedRecord { owner, rtype: Rtype::SOA, ttl: serial, rdata: [0; 4].into() }
    }

    #[test]
    fn what_came_and_went_is_in_no_condensed_set() {
        let set = |from, removed: Vec<_>, added: Vec<_>| {
            let with = |serial, records: Vec<_>| [vec![soa(serial)], records].concat();
            let (removed, added) = (with(from, removed), with(from + 1, added));
            ChangeSet { apex: "example.".parse().unwrap(), from, to: from + 1, removed, added }
        };
        let sets = vec![
            set(1, vec![record(1, 60)], vec![record(2, 60)]),
            set(2, vec![record(2, 60)], vec![record(1, 60), record(3, 60)]),
            set(3, vec![record(3, 60)], vec![record(3, 90)]),
        ];
        let condensed = ChangeSet::condensed(sets).unwrap();
        assert_eq!((condensed.from, condensed.to), (1, 4));
        assert_eq!(condensed.removed, [soa(1)]);
        assert_eq!(condensed.added, [soa(4), record(3, 90)]);
        assert_eq!(condensed.record_count(), 3);
        assert_eq!(ChangeSet::condensed(Vec::new()), None);
    }

    proptest! {
        #[test]
        fn condensed_sets_end_where_the_row_of_them_does(
            versions in prop::collection::vec(prop::collection::btree_set((0..6u8, 1..3u32), 0..6), 2..8),
        ) {
            let sets: Vec<ChangeSet> = versions
                .windows(2)
                .zip(1..)
                .map(|(pair, from)| {
                    let only = |serial, of: &BTreeSet<(u8, u32)>, not: &BTreeSet<(u8, u32)>| {
                        let records = of.difference(not).map(|(owner, ttl)| record(*owner, *ttl));
                        [soa(serial)].into_iter().chain(records).collect()
                    };
                    let (removed, added) = (only(from, &pair[0], &pair[1]), only(from + 1, &pair[1], &pair[0]));
                    ChangeSet { apex: "example.".parse().unwrap(), from, to: from + 1, removed, added }
                })
                .collect();
            let to = sets.last().unwrap().to;
            let condensed = ChangeSet::condensed(sets).unwrap();
            prop_assert_eq!((&condensed.removed[0], &condensed.added[0]), (&soa(1), &soa(to)));
            let of = |version: &BTreeSet<(u8, u32)>| version.iter().map(|(owner, ttl)| record(*owner, *ttl)).collect::<Vec<_>>();
            let mut zone = of(&versions[0]);
            for gone in &condensed.removed[1..] {
                let at = zone.iter().position(|record| record == gone);
                zone.remove(at.expect("what goes was there"));
            }
            for new in &condensed.added[1..] {
                prop_assert!(!zone.contains(new));
                zone.push(new.clone());
            }
            let expected = of(versions.last().unwrap());
            prop_assert_eq!(zone.len(), expected.len());
            prop_assert!(expected.iter().all(|record| zone.contains(record)));
        }
    }
}
