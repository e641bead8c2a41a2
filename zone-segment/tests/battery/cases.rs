//! Zones and names to ask for: few labels, so that names meet; apexes above one another; cuts, DNAMEs and wildcards often;
//! names at the limits, RDATA that many own alike, signatures of nothing, both kinds of chains, zones with and without a SOA.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use zone_segment::{NAME_OCTETS_MAX, NSEC3_SHA1, Name, Nsec3Parameters};

use crate::model::{DNAME, ModelZone, NS, NSEC, NSEC3, NSEC3PARAM, SOA, label_of, soa};

/// The labels of all names. The long ones share their first octets, so that sort keys cut at sixteen are equal.
const LABELS: [&[u8]; 16] = [
    b"*",
    b"a",
    b"B",
    b"ab",
    b"\x00",
    b"\x01",
    b"\x00\x01",
    b"-",
    b"~",
    b"a.b",
    b"[",
    b"\xc1",
    b"sixteen-octets-and-more",
    b"sixteen-octets-and-less",
    b"Sixteen-octets-AND-63-of-them-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    b"ns",
];

/// Names that NS records speak of: some exist, some are in the zone and don't, some are elsewhere.
const SERVERS: [&str; 6] = ["ns.a.", "a.", "ns.b.a.", "NS.ab.a.", "ns.nowhere.", "ab."];

/// RDATA that many owners have alike: short, long, and too long for an owner's record.
const SHARED: [&[u8]; 4] = [b"", b"short", &[0x55; 300], &[0x66; 2_100]];

/// What is put at an owner.
#[derive(Clone, Debug)]
enum Content {
    /// Records of a type that speak of the owner.
    Own(u16),
    /// Records that many owners have alike.
    Shared(u16, usize),
    /// Name servers.
    Servers(Vec<usize>),
    /// A signature of a type that is not there, unless something else puts it there.
    Orphan(u16),
    /// As many types as this, one short record each.
    Types(u16),
}

/// Something put at an owner, and the TTL of a signature, if it is signed.
type Signed = (Content, Option<u32>);

/// Up to four labels, leftmost first.
fn labels() -> impl Strategy<Value = Vec<&'static [u8]>> {
    vec(prop::sample::select(&LABELS[..]), 0..5)
}

/// A name of as many of these labels as there is room for below an origin; now and then made as long as a name can be, by
/// labels of so many octets.
fn name_below(labels: &[&[u8]], origin: &Name, stretch: Option<usize>) -> Name {
    let mut name = labels.iter().rev().fold(origin.clone(), |name, label| name.prepend_label(label).unwrap_or(name));
    let Some(octets) = stretch else { return name };
    while NAME_OCTETS_MAX - name.as_wire().len() >= 2 {
        let room = (NAME_OCTETS_MAX - name.as_wire().len() - 1).min(octets);
        name = name.prepend_label(&b"d".repeat(room)).expect("there is room");
    }
    name
}

/// How names are stretched: seldom.
fn stretch() -> impl Strategy<Value = Option<usize>> {
    weighted(0.01, prop::sample::select(vec![1usize, 9, 63]))
}

/// What an owner has: often nothing that hides anything.
fn contents() -> impl Strategy<Value = Vec<Signed>> {
    let content = prop_oneof![
        8 => prop::sample::select(vec![1u16, 16, 28, NSEC]).prop_map(Content::Own),
        4 => (prop::sample::select(vec![15u16, 16, 99]), 0..SHARED.len()).prop_map(|(rtype, of)| Content::Shared(rtype, of)),
        2 => vec(0..SERVERS.len(), 1..4).prop_map(Content::Servers),
        1 => Just(Content::Own(DNAME)),
        1 => prop::sample::select(vec![1u16, NSEC, 65_535]).prop_map(Content::Orphan),
    ];
    let many = (1u16..400).prop_map(Content::Types);
    let content = prop_oneof![200 => content, 1 => many];
    vec((content, weighted(0.5, 0u32..3)), 1..4)
}

/// Puts something at an owner. What is there of a type already stays as it is.
fn put(zone: &mut ModelZone, owner: &Name, (content, signed): Signed) {
    let mut add = |rtype: u16, rdata: &[&[u8]]| {
        if zone.node(owner).is_none_or(|node| !node.owns(rtype)) {
            zone.records(owner, rtype, 300 + u32::from(rtype), rdata);
        }
        if let Some(ttl) = signed {
            zone.signature(owner, rtype, ttl, owner.as_wire());
        }
    };
    match content {
        Content::Own(rtype) => add(rtype, &[&[owner.as_wire(), &rtype.to_be_bytes()].concat(), b"\x00"]),
        Content::Shared(rtype, of) => add(rtype, &[SHARED[of], b"and another"]),
        Content::Servers(of) => {
            let servers = of.into_iter().map(|server| SERVERS[server].parse::<Name>().expect("a name"));
            let servers: Vec<Name> = servers.collect();
            add(NS, &servers.iter().map(Name::as_wire).collect::<Vec<_>>());
        }
        Content::Types(count) => (0..count).for_each(|at| add(1_000 + at, &[&at.to_be_bytes()])),
        Content::Orphan(rtype) => zone.signature(owner, rtype, signed.unwrap_or(7), b"covers nothing"),
    }
}

/// An NSEC3 chain: hashes, of which some share their first octets, and the iterations of each.
fn chain() -> impl Strategy<Value = Vec<([u8; 20], u8)>> {
    let hash = prop_oneof![
        any::<[u8; 20]>(),
        any::<[u8; 2]>().prop_map(|last| std::array::from_fn(|at| if at < 18 { 0x77 } else { last[at - 18] })),
    ];
    prop_oneof![3 => Just(Vec::new()), 1 => vec((hash, 0u8..2), 0..20)]
}

/// One zone below an apex.
fn zone(apex: Name) -> impl Strategy<Value = ModelZone> {
    zone_of(apex, 60, 0.01)
}

/// One zone below an apex, of fewer owners than this, so many of which have names as long as can be.
pub(crate) fn zone_of(apex: Name, owners: usize, stretched: f64) -> impl Strategy<Value = ModelZone> {
    let stretch = weighted(stretched, prop::sample::select(vec![1usize, 9, 63]));
    let owners = vec((labels(), stretch, contents()), 0..owners);
    (owners, any::<bool>(), chain()).prop_map(move |(owners, has_soa, chain)| {
        let mut zone = ModelZone::new(&apex);
        if has_soa {
            zone.records(&apex, SOA, 60, &[&soa(apex.as_wire().len() as u32)]);
        }
        for (labels, stretch, contents) in owners {
            let owner = name_below(&labels, &apex, stretch);
            contents.into_iter().for_each(|content| put(&mut zone, &owner, content));
        }
        if !chain.is_empty() {
            // With flags, without, and of another chain.
            zone.records(&apex, NSEC3PARAM, 0, &[b"\x01\x00\x00\x01\x00", b"\x01\x80\x00\x00\x00"]);
        }
        // Some names have a record of their own, others are covered.
        let parameters = Nsec3Parameters { algorithm: NSEC3_SHA1, iterations: 1, salt: &[] };
        let own = zone.nodes().map(|node| (parameters.hash(node.name.as_ref()), 1)).step_by(2);
        let own: Vec<_> = own.take(if chain.is_empty() { 0 } else { usize::MAX }).collect();
        for (hash, iterations) in chain.into_iter().chain(own) {
            let owner = apex.prepend_label(label_of(&hash).as_bytes()).expect("short");
            if zone.node(&owner).is_none() {
                zone.records(&owner, NSEC3, 60, &[&[1, 1, 0, iterations, 0, 0]]);
            }
        }
        zone
    })
}

/// One to four zones, often one above the other.
pub(crate) fn zones() -> impl Strategy<Value = Vec<ModelZone>> {
    let apexes = [".", "a.", "b.A.", "*.a.", "ns.b.a.", "ab."].map(|apex| apex.parse::<Name>().expect("a name"));
    prop::sample::subsequence(apexes.to_vec(), 1..=4)
        .prop_shuffle()
        .prop_flat_map(|apexes| apexes.into_iter().map(zone).collect::<Vec<_>>())
}

/// Zones, and names to ask for beside those that exist.
pub(crate) fn zones_and_names() -> impl Strategy<Value = (Vec<ModelZone>, Vec<Name>)> {
    let origins = ["a.", "B.A.", ".", "ab.", "nowhere."].map(|origin| origin.parse::<Name>().expect("a name"));
    let asked = (labels(), labels(), prop::sample::select(origins.to_vec()), stretch());
    let asked = asked.prop_map(|(left, right, origin, stretch)| name_below(&[left, right].concat(), &origin, stretch));
    (zones(), vec(asked, 40))
}

/// Names at or below an apex to ask for beside those that exist.
pub(crate) fn names(apex: Name) -> impl Strategy<Value = Vec<Name>> {
    let asked = (labels(), labels(), stretch());
    let asked = asked.prop_map(move |(left, right, stretch)| name_below(&[left, right].concat(), &apex, stretch));
    vec(asked, 40)
}
