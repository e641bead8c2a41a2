//! The sound segments that damage is done to, each with what it holds. All have one key, and the zone `example.` as
//! number 1, so that any two of them make a stack.

use std::sync::{Arc, OnceLock};

use zone_segment::{
    DirectoryEntry, DirectoryWriter, GroupId, HashKey, LayerId, LookupName, Name, OwnedRecord, Segment, SegmentBuffer,
    SegmentBuilder, SegmentWriter, ZoneChanges, ZoneId, ZoneState,
};

use super::model::{ModelZone, NS, NSEC, NSEC3, NSEC3PARAM, SOA, label_of, soa};

/// The key of every segment here.
pub(crate) const KEY: HashKey = HashKey(*b"hostile contents");

/// The group of all zones.
pub(crate) const GROUP: GroupId = GroupId(1);

/// The upper layer of a stack of two; the lower one is 2.
pub(crate) const UPPER: LayerId = LayerId(5);

/// A segment in memory, as layers share it.
pub(crate) type Shared = Arc<Segment<SegmentBuffer>>;

/// A sound segment.
pub(crate) struct Sample {
    /// It, opened.
    pub(crate) segment: Shared,
    /// Its octets.
    pub(crate) octets: SegmentBuffer,
    /// Its zones; none in a directory.
    pub(crate) zones: Vec<(ZoneId, ModelZone)>,
    /// Its entries, in canonical order; none in a segment of zones.
    pub(crate) entries: Vec<DirectoryEntry>,
}

impl Sample {
    /// A segment as a writer gave it, and what it holds.
    fn new(octets: SegmentBuffer, zones: Vec<(ZoneId, ModelZone)>, entries: Vec<DirectoryEntry>) -> Sample {
        let segment = Arc::new(Segment::open(octets.clone()).expect("a sound segment"));
        Sample { segment, octets, zones, entries }
    }
}

/// All samples, built once: segments of zones first, the directory last.
pub(crate) fn samples() -> &'static [Sample] {
    static SAMPLES: OnceLock<Vec<Sample>> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let first = |zone| vec![(ZoneId(1), zone)];
        let all = [first(tiny()), first(signed()), first(hashed()), small_zones(), first(odd()), first(wide())];
        all.into_iter().map(of_zones).chain([of_entries(entries())]).collect()
    })
}

/// The directory among the samples.
pub(crate) fn directory() -> &'static Sample {
    &samples()[samples().len() - 1]
}

/// The sample of the least octets, with a bit of everything.
pub(crate) fn smallest() -> &'static Sample {
    &samples()[0]
}

/// A zone of two blocks of names, for damage to what stands for canonical order; not among the samples that the fuzz target picks from.
pub(crate) fn ordered() -> &'static Sample {
    static ORDERED: OnceLock<Sample> = OnceLock::new();
    ORDERED.get_or_init(|| {
        let mut zone = ModelZone::new(&name("example."));
        for number in 0..66 {
            zone.records(&name(&format!("{number}.example.")), NSEC, 60, &[b"\x00"]);
        }
        of_zones(vec![(ZoneId(1), zone)])
    })
}

/// Changes of the second sample's zone, to lie above it: names that came, went and changed, cuts above names, signed names among them; not
/// among the samples that the fuzz target picks from.
pub(crate) fn changes() -> &'static Sample {
    static CHANGES: OnceLock<Sample> = OnceLock::new();
    CHANGES.get_or_init(|| {
        let base = &samples()[1];
        let zone = base.segment.zones().next().expect("one zone");
        let record = |rtype: u16, rdata: &[u8]| OwnedRecord { rtype, ttl: 60, rdata: rdata.into() };
        let nsec = || record(NSEC, b"\x00\x00\x01\x02");
        let owners = [
            ("www.example.", vec![record(1, &[1; 4]), nsec()]),
            ("h3.example.", vec![]),
            ("h4.example.", vec![]),
            ("new.ent.example.", vec![record(1, &[2; 4]), nsec()]),
            ("*.ent.example.", vec![record(16, b"\x01x")]),
            ("b.c.d.e.example.", vec![record(NS, b"\x02ns\x07example\x00")]),
            ("cut.example.", vec![]),
            ("text.example.", vec![record(39, b"\x04test\x00")]),
        ];
        let owners = owners.into_iter().map(|(owner, records)| (name(owner), records)).collect();
        let changes = ZoneChanges::new(&zone, &owners).expect("in the zone");
        let mut builder = SegmentBuilder::new(KEY);
        builder.changes(ZoneId(1), changes).expect("one zone");
        Sample::new(builder.into_buffer().expect("a segment"), base.zones.clone(), Vec::new())
    })
}

/// Prepares a name for lookups in segments of a key.
pub(crate) fn lookup(key: HashKey, name: &Name) -> LookupName {
    LookupName::new(key, name.as_ref())
}

/// A name in presentation format.
pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A segment of zones.
fn of_zones(zones: Vec<(ZoneId, ModelZone)>) -> Sample {
    let mut writer = SegmentWriter::new(KEY);
    for (id, zone) in &zones {
        zone.write(&mut writer, *id);
    }
    Sample::new(writer.finish().expect("a segment"), zones, Vec::new())
}

/// A directory.
fn of_entries(mut entries: Vec<DirectoryEntry>) -> Sample {
    let mut writer = DirectoryWriter::new(KEY);
    entries.iter().for_each(|entry| writer.entry(entry.clone()));
    entries.sort_by(|a, b| a.apex.cmp(&b.apex));
    Sample::new(writer.finish().expect("a directory"), Vec::new(), entries)
}

/// The zone `example.` with its SOA and NS records.
fn example() -> ModelZone {
    let apex = name("example.");
    let mut zone = ModelZone::new(&apex);
    zone.records(&apex, SOA, 3600, &[&soa(2018)]);
    zone.records(&apex, NS, 3600, &[b"\x02ns\x07example\x00", b"\x03ns2\x07example\x00"]);
    zone
}

/// Adds one record of a type to names relative to the apex.
fn add(zone: &mut ModelZone, rtype: u16, owners: &[&str]) {
    for owner in owners {
        let owner = Name::from_labels(owner.split('.').map(str::as_bytes), zone.apex.as_ref()).expect("short");
        zone.records(&owner, rtype, 300, &[owner.as_wire()]);
    }
}

/// Signs every name that owns something with authority, and the delegations' DS, and links them by NSEC.
fn sign(zone: &mut ModelZone) {
    let signed: Vec<Name> = zone
        .nodes()
        .filter(|node| !node.rrsets.is_empty() && !zone.is_occluded(&node.name))
        .map(|node| node.name.clone())
        .collect();
    for (at, owner) in signed.iter().enumerate() {
        let next = &signed[(at + 1) % signed.len()];
        zone.records(owner, NSEC, 60, &[&[next.as_wire(), b"\x00\x06\x62\x01\x80\x08\x00\x03"].concat()]);
        let node = zone.node(owner).expect("there");
        let is_cut = *owner != zone.apex && node.owns(NS);
        let covered: Vec<u16> = node.rrsets.keys().copied().filter(|rtype| !(is_cut && *rtype == NS)).collect();
        for rtype in covered {
            zone.signature(owner, rtype, 60, &[&[8, 2][..], zone.apex.clone().as_wire(), &[0x5a; 16]].concat());
        }
    }
}

/// A bit of everything in the fewest octets: for damage to each of them.
fn tiny() -> ModelZone {
    let mut zone = ModelZone::new(&name("example."));
    zone.records(&name("example."), SOA, 60, &[&soa(7)]);
    add(&mut zone, 16, &["*"]);
    add(&mut zone, NS, &["cut"]);
    add(&mut zone, 1, &["ns.cut", "x.ent"]);
    add(&mut zone, 39, &["dname"]);
    sign(&mut zone);
    zone
}

/// Signed with NSEC: wildcards, delegations with and without DS, glue, a DNAME, empty non-terminals.
fn signed() -> ModelZone {
    let mut zone = example();
    add(&mut zone, 1, &["ns", "ns2", "www", "A.b.c.d.e", "*.wild", "sub.*.wild", "host.wild"]);
    add(&mut zone, 16, &["*", "www", "TeXt"]);
    add(&mut zone, NS, &["cut", "secure", "sub.cut", "far"]);
    add(&mut zone, 43, &["secure"]);
    add(&mut zone, 1, &["ns.cut", "ns.secure", "deep.ns.cut"]);
    add(&mut zone, 28, &["ns.cut", "www"]);
    add(&mut zone, 39, &["dname"]);
    add(&mut zone, 1, &["below.dname"]);
    add(&mut zone, 5, &["alias"]);
    for number in 0..24 {
        add(&mut zone, 1, &[&format!("h{number}")]);
    }
    sign(&mut zone);
    zone
}

/// Signed with NSEC3, with opt-out of some delegations.
fn hashed() -> ModelZone {
    let mut zone = example();
    let apex = zone.apex.clone();
    add(&mut zone, 1, &["ns", "ns2", "www", "x.ent", "*.wild"]);
    add(&mut zone, NS, &["cut", "secure"]);
    add(&mut zone, 43, &["secure"]);
    add(&mut zone, 1, &["ns.cut"]);
    zone.records(&apex, NSEC3PARAM, 0, &[b"\x01\x00\x00\x05\x00", b"\x01\x01\x00\x00\x00"]);
    for number in 0..20u8 {
        // Spread as hashes are, but for a few whose first octets are the same.
        let first = if number % 7 == 0 { 0x35 } else { number.wrapping_mul(13) };
        let hash: [u8; 20] = std::array::from_fn(|at| if at < 9 { first } else { number.wrapping_mul(at as u8) });
        let owner = name(&format!("{}.example.", label_of(&hash)));
        let next = [&b"\x01\x01\x00\x05\x00\x14"[..], &[number; 20], b"\x00\x01\x40"].concat();
        zone.records(&owner, NSEC3, 60, &[&next]);
        zone.signature(&owner, NSEC3, 60, &[0x5a; 20]);
    }
    zone
}

/// Many zones of a few names: apexes above one another, one name in two zones, the root.
fn small_zones() -> Vec<(ZoneId, ModelZone)> {
    let mut zones = vec![(ZoneId(1), example())];
    add(&mut zones[0].1, NS, &["z1", "z2", "below.z3"]);
    add(&mut zones[0].1, 1, &["www.z1", "www"]);
    for number in 1..30 {
        let apex = match number % 4 {
            0 => name(&format!("z{number}.test.")),
            1 => name(&format!("a.z{number}.example.")),
            _ => name(&format!("z{number}.example.")),
        };
        let mut zone = ModelZone::new(&apex);
        zone.records(&apex, SOA, 60, &[&soa(number)]);
        zone.records(&apex, NS, 60, &[b"\x02ns\x04test\x00"]);
        add(&mut zone, 1, &["www", "*"]);
        zones.push((ZoneId(number * 3), zone));
    }
    zones.push((ZoneId(400), ModelZone::new(&Name::root())));
    add(&mut zones[30].1, NS, &["com"]);
    zones
}

/// Names and RRsets at the limits: 255 octets, 127 labels, octets that are not letters, many types, large and shared
/// RDATA, signatures of nothing; no SOA.
fn odd() -> ModelZone {
    let apex = name("example.");
    let mut zone = ModelZone::new(&apex);
    let deep = Name::from_labels([&b"d"[..]; 123], apex.as_ref()).expect("255 octets, 124 labels");
    let long = Name::from_labels([&[b'L'; 63][..], &[b'l'; 63], &[0; 63], &[b'.'; 53]], apex.as_ref());
    let long = long.expect("255 octets");
    zone.records(&deep, 1, 1, &[b"deep"]);
    zone.records(&long, 1, 1, &[b"long"]);
    for label in [&b"\x00"[..], b"\x01", b"\x00\x01", b"a.b", b"\xff\xfe", b" ", b"MiXeD", b"sixteen-octets-and-more"] {
        let owner = apex.prepend_label(label).expect("short");
        zone.records(&owner, 1, 1, &[b"shared by all of them, and long enough to be worth it"]);
    }
    for rtype in 100..260 {
        zone.records(&name("types.example."), rtype, u32::from(rtype), &[&rtype.to_be_bytes()]);
    }
    let records: Vec<Vec<u8>> = (0..40u8).map(|number| vec![number; usize::from(number) * 5]).collect();
    zone.records(&name("large.example."), 16, 1, &records.iter().map(Vec::as_slice).collect::<Vec<_>>());
    zone.signature(&name("orphan.example."), 1, 1, b"covers nothing");
    zone.signature(&name("orphan.example."), 65_535, 2, b"");
    zone
}

/// Enough names for several separators and overflowing buckets; name servers that many delegations share.
fn wide() -> ModelZone {
    let mut zone = example();
    for number in 0..260 {
        let owner = name(&format!("d{}.example.", number * 37 % 997));
        let server = name(&format!("ns{}.registrar.test.", number % 3));
        zone.records(&owner, NS, 86_400, &[server.as_wire(), b"\x02ns\x05other\x04test\x00"]);
        if number % 5 == 0 {
            zone.records(&name(&format!("ns.{owner}")), 1, 60, &[&[192, 0, 2, (number % 256) as u8]]);
        }
        if number % 3 == 0 {
            zone.records(&owner, 43, 60, &[&[(number % 256) as u8; 24]]);
        }
    }
    sign(&mut zone);
    zone
}

/// Entries for zones of the samples and for some that are nowhere, in every state, seen from several layers.
fn entries() -> Vec<DirectoryEntry> {
    let entry = |apex: &str, zone, state, floor| DirectoryEntry {
        apex: name(apex),
        group: GROUP,
        zone: ZoneId(zone),
        state,
        floor: LayerId(floor),
    };
    let mut entries = vec![
        entry("eXample.", 1, ZoneState::Serving, 1),
        entry("z2.example.", 6, ZoneState::Serving, 1),
        entry("z3.example.", 9, ZoneState::Serving, 5),
        entry("a.z1.example.", 3, ZoneState::Expired, 1),
        entry("z6.example.", 18, ZoneState::Broken, 1),
        entry("z7.example.", 21, ZoneState::Removed, 1),
        entry("above.", 1, ZoneState::Serving, u64::MAX),
        entry("nowhere.", 999, ZoneState::Serving, 0),
    ];
    entries.push(DirectoryEntry { group: GroupId(77), ..entry("group.", 1, ZoneState::Serving, 0) });
    entries.extend((0..30).map(|number| entry(&format!("m{number}.many."), number, ZoneState::Serving, 1)));
    entries
}
