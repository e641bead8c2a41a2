//! The cases that have names in the RFCs, one by one, so that a failure says which rule it is.

use zone_segment::{Find, LookupName, Name, SegmentWriter, WriteError, ZoneId};

use crate::model::compare::answer_of;
use crate::model::{Answer, soa};
use crate::{KEY, Set, entry, open};

/// A name in presentation format.
pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A generation of one zone, of owners and types.
fn set_of(apex: &str, owners: &[(&str, u16)]) -> Set {
    let mut writer = SegmentWriter::new(KEY);
    writer.start_zone(ZoneId(0), name(apex).as_ref()).expect("a zone");
    writer.rrset(name(apex).as_ref(), 6, 300, &[&soa(2018)]).expect("a SOA");
    let mut owners: Vec<_> = owners.iter().map(|(owner, rtype)| (name(owner), *rtype)).collect();
    owners.sort();
    for (owner, rtype) in owners {
        writer.rrset(owner.as_ref(), rtype, 300, &[b"\x00"]).expect("an RRset");
    }
    let layer = |segment| zone_segment::Layer { id: zone_segment::LayerId(1), segment };
    let base = zone_segment::Stack::new(vec![layer(open(writer.finish().expect("a segment")))]);
    let directory = layer(crate::directory(vec![entry(0, &name(apex))]));
    Set::new(1, vec![directory], vec![(zone_segment::GroupId(1), base)]).expect("a generation")
}

/// What the zone of a set says about a name.
fn ask(set: &Set, asked: &str) -> Answer {
    let lookup = LookupName::new(KEY, name(asked).as_ref());
    answer_of(set.find_zone(&lookup).expect("served").find(&lookup))
}

#[test]
fn wildcards_as_in_rfc_4592_section_2_2_1() {
    let set = set_of(
        "example.",
        &[
            ("example.", 2),
            ("*.example.", 16),
            ("*.example.", 15),
            ("sub.*.example.", 16),
            ("host1.example.", 1),
            ("_ssh._tcp.host1.example.", 33),
            ("_ssh._tcp.host2.example.", 33),
            ("subdel.example.", 2),
        ],
    );
    let wildcard = Answer::Wildcard(name("*.example."), name("example."));
    assert_eq!(ask(&set, "host3.example."), wildcard);
    assert_eq!(ask(&set, "foo.bar.example."), wildcard);
    assert_eq!(ask(&set, "host1.example."), Answer::Name(name("host1.example.")));
    assert_eq!(ask(&set, "sub.*.example."), Answer::Name(name("sub.*.example.")));
    assert_eq!(ask(&set, "_telnet._tcp.host1.example."), Answer::NoName(name("_tcp.host1.example.")));
    assert_eq!(ask(&set, "host.subdel.example."), Answer::Cut(name("subdel.example.")));
    assert_eq!(ask(&set, "ghost.*.example."), Answer::NoName(name("*.example.")));
    // An empty non-terminal exists, and blocks the wildcard.
    assert_eq!(ask(&set, "host2.example."), Answer::Name(name("host2.example.")));
    assert_eq!(ask(&set, "x.host2.example."), Answer::NoName(name("host2.example.")));
}

#[test]
fn a_wildcard_may_be_an_empty_non_terminal() {
    let set = set_of("example.", &[("below.*.example.", 1)]);
    let lookup = LookupName::new(KEY, name("any.example.").as_ref());
    match set.find_zone(&lookup).expect("served").find(&lookup) {
        Find::Wildcard { source, .. } => assert!(source.is_empty_non_terminal()),
        other => panic!("expected a wildcard, found {other:?}"),
    }
}

#[test]
fn cuts_occlude_and_the_topmost_counts() {
    let set = set_of(
        "example.",
        &[("a.example.", 2), ("ns.a.example.", 1), ("b.a.example.", 2), ("*.a.example.", 1), ("c.example.", 39)],
    );
    for asked in ["a.example.", "ns.a.example.", "x.ns.a.example.", "b.a.example.", "x.b.a.example.", "y.a.example."] {
        assert_eq!(ask(&set, asked), Answer::Cut(name("a.example.")), "{asked}");
    }
    let glue = LookupName::new(KEY, name("NS.a.example.").as_ref());
    let node = set.find_zone(&glue).expect("served").address_node(&glue).expect("glue");
    assert!(node.is_occluded() && node.rrset(1).is_some());
    assert_eq!(ask(&set, "c.example."), Answer::Name(name("c.example.")));
    assert_eq!(ask(&set, "x.y.c.example."), Answer::Dname(name("c.example.")));
}

#[test]
fn the_root_zone_has_no_labels() {
    let set = set_of(".", &[(".", 47), ("com.", 2), ("com.", 47), ("a.gtld-servers.net.", 1), ("net.", 2)]);
    assert_eq!(ask(&set, "."), Answer::Name(Name::root()));
    assert_eq!(ask(&set, "www.example.com."), Answer::Cut(name("com.")));
    assert_eq!(ask(&set, "nosuchtld."), Answer::NoName(Name::root()));
    let lookup = LookupName::new(KEY, name("aaa.").as_ref());
    let zone = set.find_zone(&lookup).expect("served");
    assert_eq!(zone.predecessor(&lookup).expect("signed").name().to_name(), Name::root());
    let lookup = LookupName::new(KEY, name("zzz.").as_ref());
    assert_eq!(zone.predecessor(&lookup).expect("signed").name().to_name(), name("com."));
    assert!(set.find_zone_above(&LookupName::default()).is_none());
    assert_eq!((zone.serial(), zone.record_count(), zone.name_count()), (Some(2018), 6, 5));
}

#[test]
fn signatures_hang_on_what_they_cover() {
    let mut writer = SegmentWriter::new(KEY);
    let apex = name("example.");
    let signature = |covered: u16, end: &[u8]| [&covered.to_be_bytes()[..], end].concat();
    writer.start_zone(ZoneId(7), apex.as_ref()).expect("a zone");
    let signatures = [signature(1, b"one"), signature(1, b"two"), signature(99, b"orphan")];
    writer.rrset(apex.as_ref(), 46, 60, &[&signatures[0], &signatures[2]]).expect("signatures");
    writer.rrset(apex.as_ref(), 1, 300, &[&[192, 0, 2, 2], &[192, 0, 2, 1], &[192, 0, 2, 2]]).expect("addresses");
    writer.rrset(apex.as_ref(), 46, 50, &[&signatures[1]]).expect("a signature");
    let segment = open(writer.finish().expect("a segment"));
    let zone = segment.zones().next().expect("a zone");
    let node = zone.apex_node().expect("an apex");
    assert!(node.rrset(46).is_none() && node.rrset(99).is_none(), "no records of these types");
    let addresses = node.rrset(1).expect("addresses");
    assert_eq!((addresses.ttl(), addresses.len(), addresses.signature_ttl()), (300, 2, 50));
    assert_eq!(addresses.rdata().collect::<Vec<_>>(), [[192, 0, 2, 1], [192, 0, 2, 2]]);
    assert_eq!(addresses.signatures().collect::<Vec<_>>(), [&signatures[0], &signatures[1]]);
    let orphan = node.rrsets().find(|rrset| rrset.rtype() == 99).expect("kept");
    assert!(orphan.is_empty());
    assert_eq!((orphan.signature_ttl(), orphan.signature_count()), (60, 1));
    assert_eq!(orphan.signatures().collect::<Vec<_>>(), [&signatures[2]]);
    assert_eq!(zone.record_count(), 5);
}

#[test]
fn the_case_of_owners_is_kept_and_ignored() {
    let set = set_of("Example.", &[("WwW.eXample.", 1)]);
    let lookup = LookupName::new(KEY, name("wWw.exaMPLE.").as_ref());
    match set.find_zone(&lookup).expect("served").find(&lookup) {
        Find::Name(node) => assert_eq!(node.name().to_string(), "WwW.eXample."),
        other => panic!("expected the name, found {other:?}"),
    }
}

#[test]
fn what_a_writer_is_given_wrong_is_an_error_that_says_what() {
    let (apex, below, other) = (name("example."), name("b.example."), name("a.test."));
    let mut writer = SegmentWriter::new(KEY);
    let no_zone = writer.rrset(apex.as_ref(), 1, 0, &[b"\x00"]);
    assert!(matches!(no_zone, Err(WriteError::NoZone { .. })));
    let started = || {
        let mut writer = SegmentWriter::new(KEY);
        writer.start_zone(ZoneId(1), apex.as_ref()).expect("a zone");
        writer.rrset(below.as_ref(), 1, 0, &[b"\x00"]).expect("an RRset");
        writer
    };
    let error = started().rrset(other.as_ref(), 1, 0, &[b"\x00"]).expect_err("out of zone");
    assert_eq!(error.to_string(), "out of zone: expected names at or below example., found a.test.");
    let mut writer = started();
    writer.rrset(name("c.example.").as_ref(), 1, 0, &[b"\x00"]).expect("an RRset");
    let error = writer.rrset(below.as_ref(), 2, 0, &[b"\x00"]).expect_err("out of order");
    assert_eq!(error.to_string(), "out of order: expected a name after c.example., found b.example.");
    let error = started().rrset(below.as_ref(), 1, 0, &[b"\x01"]).expect_err("twice");
    assert_eq!(error.to_string(), "b.example. TYPE1: expected the whole RRset at once, found a second part");
    let told = |rtype, rdata: &[u8]| {
        let mut writer = started();
        writer.rrset(below.as_ref(), rtype, 0, &[rdata]).and_then(|()| writer.finish().map(drop)).expect_err("refused")
    };
    let error = told(6, b"\x01");
    assert!(matches!(error, WriteError::MalformedSoa { .. }));
    let error = told(46, b"\x01");
    assert!(matches!(error, WriteError::MalformedSignature { found: 1, .. }));
    let error = told(99, &[0; 65_536]);
    assert!(matches!(error, WriteError::RdataTooLong { expected_max: 65_535, found: 65_536, .. }));
    assert!(matches!(started().start_zone(ZoneId(1), apex.as_ref()), Err(WriteError::ZoneTwice { .. })));
}

#[test]
fn a_changed_octet_of_the_format_needs_a_new_version() {
    let mut writer = SegmentWriter::new(KEY);
    writer.start_zone(ZoneId(3), name("example.").as_ref()).expect("a zone");
    writer.rrset(name("example.").as_ref(), 6, 3600, &[&soa(1)]).expect("a SOA");
    writer.rrset(name("*.cut.example.").as_ref(), 1, 60, &[&[192, 0, 2, 1]]).expect("an address");
    for number in 1_000..1_130 {
        // More than one block of names.
        writer.rrset(name(&format!("n{number}.example.")).as_ref(), 47, 60, &[b"\x00"]).expect("an NSEC record");
    }
    let zones = open(writer.finish().expect("a segment"));
    let directory = crate::directory(vec![entry(3, &name("example."))]);
    // Whoever has to change these numbers raises FORMAT_VERSION with them.
    assert_eq!(zone_segment::FORMAT_VERSION, 4);
    assert_eq!(format!("{:032x}", zones.content_hash()), "2af385b70dbc7074da66b5ad1b7a9856");
    assert_eq!(format!("{:032x}", directory.content_hash()), "afd8b8d14344d8ff689373e9082b1839");
}
