//! Tests of the zone checks: a snippet for each rule, and its sound twin.

use super::*;
use crate::text::zonefile::read_octets;
use std::path::Path;

/// What a sound zone has.
const APEX: &str = "$TTL 60\n@ SOA a b 7 2 3 4 5\n NS a\n";

/// Reads and checks a snippet as the zone `example.` in `x.zone`; it has no error of reading.
fn check(source: &str) -> (CheckReport, Vec<Record>) {
    let apex: Name = "example.".parse().unwrap();
    let file = read_octets(Path::new("x.zone"), source.as_bytes(), &apex);
    assert_eq!(file.errors, []);
    let mut records = file.to_records();
    let report = zone(&apex, &mut records, &file.columns.files);
    (report, records)
}

/// The findings of a snippet below a sound apex, each as it is displayed.
fn findings(source: &str) -> Vec<String> {
    let (report, _) = check(&format!("{APEX}{source}"));
    report.errors.iter().chain(&report.warnings).map(ToString::to_string).collect()
}

#[test]
fn a_sound_zone_has_no_findings() {
    for source in [
        "",
        "a A 192.0.2.1",
        "b CNAME a\nb NSEC c CNAME\nb RRSIG CNAME 8 1 1 1 1 1 a AAAA",
        "b DNAME a\nb A 192.0.2.1",
        "EXAMPLE. A 192.0.2.1",
        "a.b.EXAMPLE. A 192.0.2.1",
        "a TXT a\nA TXT A",
        "a NS B\nb.a NS b",
        "a A 192.0.2.1\na 61 RRSIG A 8 1 1 1 1 1 a AAAA\na 62 RRSIG NSEC 8 1 1 1 1 1 a AAAA",
    ] {
        assert_eq!(findings(source), [""; 0], "{source}");
    }
}

#[test]
fn b27_each_rule_is_told_with_file_and_line() {
    for (source, expected) in [
        ("@ SOA a b 8 2 3 4 5", "x.zone:4:1: error: more than one SOA: `example. SOA` [soa-multiple]"),
        (
            "a SOA a b 8 2 3 4 5",
            "x.zone:4:1: error: SOA at a name that is not the apex: `a.example. SOA` [soa-below-apex]",
        ),
        ("a.other. NS a", "x.zone:4:1: error: owner outside of the zone: `a.other. NS` [out-of-zone]"),
        ("anexample. NS a", "x.zone:4:1: error: owner outside of the zone: `anexample. NS` [out-of-zone]"),
        (". NS a", "x.zone:4:1: error: owner outside of the zone: `. NS` [out-of-zone]"),
        (
            "a CNAME b\nA AAAA ::1",
            "x.zone:5:1: error: CNAME and other data at one name: `A.example. AAAA` [cname-and-other-data]",
        ),
        ("@ CNAME b", "x.zone:3:1: error: CNAME and other data at one name: `example. NS` [cname-and-other-data]"),
        (
            "a CNAME b\na CNAME c",
            "x.zone:5:1: error: more than one CNAME at one name: `a.example. CNAME` [cname-multiple]",
        ),
        (
            "a DNAME b\na DNAME c",
            "x.zone:5:1: error: more than one DNAME at one name: `a.example. DNAME` [dname-multiple]",
        ),
        ("a NS b\nA NS B", "x.zone:5:1: warning: record is there twice, one is dropped: `A.example. NS` [duplicate]"),
        (
            "a 9 NS b\na 8 NS c",
            "x.zone:4:1: warning: TTLs differ in one RRset, the lowest is used: `a.example. NS` [ttl-mismatch]",
        ),
    ] {
        assert_eq!(findings(source), [expected], "{source}");
    }
}

#[test]
fn the_apex_must_have_soa_and_ns() {
    let texts = |source| check(source).0.errors.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (no_soa, no_ns) = (
        "x.zone: error: no SOA at the apex: `example.` [soa-missing]",
        "x.zone: error: no NS at the apex: `example.` [ns-missing]",
    );
    assert_eq!(texts(""), [no_soa, no_ns]);
    assert_eq!(texts("@ 1 NS a"), [no_soa]);
    assert_eq!(texts("@ 1 SOA a b 1 2 3 4 5"), [no_ns]);
}

#[test]
fn findings_come_in_the_order_of_lines_and_have_a_limit() {
    let names: String = (0..FINDINGS_MAX + 50).map(|number| format!("{}.other. NS a\n", 999 - number)).collect();
    let (report, _) = check(&format!("{APEX}{names}"));
    assert_eq!((report.errors.len(), report.left_out), (FINDINGS_MAX, 50));
    assert!(report.errors.is_sorted_by_key(|finding| finding.line));
}

#[test]
fn records_are_left_sorted_without_duplicates_and_with_one_ttl_an_rrset() {
    let (_, records) = check(&format!(
        "{APEX}b 9 NS c\nB 8 ns a\nb 7 NS C\na\\001 NS a\na NS a\na\\000 NS a\n*.a NS a\nb A 192.0.2.1"
    ));
    let line = |r: &Record| crate::text::present::record(r.owner.as_ref(), r.ttl, r.rtype, &r.rdata);
    assert_eq!(
        records.iter().map(line).collect::<Vec<_>>(),
        [
            "example. 60 IN NS a.example.",
            "example. 60 IN SOA a.example. b.example. 7 2 3 4 5",
            "a.example. 60 IN NS a.example.",
            "*.a.example. 60 IN NS a.example.",
            "a\\000.example. 60 IN NS a.example.",
            "a\\001.example. 60 IN NS a.example.",
            "b.example. 60 IN A 192.0.2.1",
            "B.example. 7 IN NS a.example.",
            "b.example. 7 IN NS c.example.",
        ]
    );
    assert_eq!(serial(&"EXAMPLE.".parse().unwrap(), &records), Some(7));
    assert_eq!(serial(&"a.example.".parse().unwrap(), &records), None);
    assert_eq!(serial(&"z.".parse().unwrap(), &[]), None);
}
