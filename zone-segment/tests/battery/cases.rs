//! Zones and names to ask for: few labels, so that names meet; apexes above one another; cuts, DNAMEs and wildcards often.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use zone_segment::{Name, SegmentWriter};

use crate::model::{DNAME, NS, NSEC};

/// A zone as owners and types; RDATA is made from both.
#[derive(Clone, Debug)]
pub(crate) struct ZoneCase {
    /// The apex.
    pub(crate) apex: Name,
    /// The owners, in canonical order.
    pub(crate) owners: BTreeMap<Name, BTreeSet<u16>>,
}

/// The labels of all names. The long ones share their first octets, so that sort keys cut at sixteen are equal.
const LABELS: [&[u8]; 12] = [
    b"*",
    b"a",
    b"B",
    b"ab",
    b"\x00",
    b"\x01",
    b"\x00\x01",
    b"-",
    b"~",
    b"sixteen-octets-and-more",
    b"sixteen-octets-and-less",
    b"ns",
];

impl ZoneCase {
    /// Writes it.
    pub(crate) fn write(&self, writer: &mut SegmentWriter) {
        for (owner, types) in &self.owners {
            for rtype in types {
                write_rrset(writer, owner, *rtype);
            }
        }
    }

    /// Writes it with the types of each owner from the last to the first.
    pub(crate) fn write_types_reversed(&self, writer: &mut SegmentWriter) {
        for (owner, types) in &self.owners {
            for rtype in types.iter().rev() {
                write_rrset(writer, owner, *rtype);
            }
        }
    }
}

/// Two records and a signature of an owner and type.
fn write_rrset(writer: &mut SegmentWriter, owner: &Name, rtype: u16) {
    let record = [owner.as_wire(), &rtype.to_be_bytes()].concat();
    let signature = [&rtype.to_be_bytes()[..], owner.as_wire()].concat();
    writer.rrset(owner.as_ref(), rtype, 300, &[&record, b"\x00"]).expect("an RRset");
    writer.rrset(owner.as_ref(), 46, 200, &[&signature]).expect("a signature");
}

/// Up to four labels, leftmost first.
fn labels() -> impl Strategy<Value = Vec<&'static [u8]>> {
    vec(prop::sample::select(&LABELS[..]), 0..5)
}

/// Types of an owner: often none that hides anything.
fn types() -> impl Strategy<Value = BTreeSet<u16>> {
    let hiding = prop_oneof![8 => Just(None), 1 => Just(Some(NS)), 1 => Just(Some(DNAME))];
    (btree_set(prop::sample::select(vec![1u16, 16, NSEC]), 1..3), hiding).prop_map(|(mut types, hiding)| {
        types.extend(hiding);
        types
    })
}

/// One zone below an apex.
fn zone(apex: Name) -> impl Strategy<Value = ZoneCase> {
    vec((labels(), types()), 0..60).prop_map(move |owners| {
        let mut zone = ZoneCase { apex: apex.clone(), owners: BTreeMap::new() };
        for (labels, types) in owners {
            let owner = Name::from_labels(labels, apex.as_ref()).expect("a short name");
            zone.owners.entry(owner).or_default().extend(types);
        }
        zone
    })
}

/// One to four zones, often one above the other.
pub(crate) fn zones() -> impl Strategy<Value = Vec<ZoneCase>> {
    let apexes = [".", "a.", "b.a.", "*.a.", "ns.b.a.", "ab."].map(|apex| apex.parse::<Name>().expect("a name"));
    prop::sample::subsequence(apexes.to_vec(), 1..=4)
        .prop_shuffle()
        .prop_flat_map(|apexes| apexes.into_iter().map(zone).collect::<Vec<_>>())
}

/// Zones, and names to ask for beside those that exist.
pub(crate) fn zones_and_names() -> impl Strategy<Value = (Vec<ZoneCase>, Vec<Name>)> {
    let origins = ["a.", "B.A.", ".", "ab.", "nowhere."].map(|origin| origin.parse::<Name>().expect("a name"));
    let asked = (labels(), labels(), prop::sample::select(origins.to_vec())).prop_map(|(left, right, origin)| {
        Name::from_labels(left.into_iter().chain(right), origin.as_ref()).expect("a short name")
    });
    (zones(), vec(asked, 40))
}
