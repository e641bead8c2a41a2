//! Tests of the zone checks: a snippet for each rule, and its sound twin.

use super::*;
use crate::Columns;
use crate::text::zonefile::read_octets;
use crate::types::Rtype;
use std::ops::ControlFlow;
use std::path::Path;
use zone_segment::Name;

mod signed;

/// What a sound zone has.
const APEX: &str = "$TTL 60\n@ SOA a b 7 2 3 4 5\n NS ns.other.\n";

/// Reads a snippet as the zone `example.` in `x.zone`; it has no error of reading.
fn read(source: &str) -> SortedZone {
    let apex: Name = "example.".parse().unwrap();
    let file = read_octets(Path::new("x.zone"), source.as_bytes(), &apex);
    assert_eq!(file.errors, []);
    SortedZone::new(apex, file.columns)
}

/// All findings of a report, each as it is displayed.
fn texts(report: &CheckReport) -> Vec<String> {
    report.errors.iter().chain(&report.warnings).map(ToString::to_string).collect()
}

/// The findings of a load of a snippet below a sound apex.
fn findings(source: &str) -> Vec<String> {
    texts(&zone(&read(&format!("{APEX}{source}"))))
}

/// Everything that is asked for, but ZONEMD.
const ALL: Options = Options { at: Some(1_000_000_000), zonemd: false, findings_max: usize::MAX };

/// The rules that a zone breaks, with the text of each finding.
fn broken(source: &str, options: &Options) -> Vec<String> {
    let report = all(&read(source), options);
    let text = |finding: &Finding| format!("{} {}", finding.rule, finding.text);
    report.errors.iter().chain(&report.warnings).map(text).collect()
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
        "a DNAME other.\nab A 192.0.2.1",
        "a DS 1 8 99 00\na DS 1 8 2 0000000000000000000000000000000000000000000000000000000000000000\na NS ns.other.",
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
        (
            "a.other. NS a",
            "x.zone:4:1: warning: owner outside of the zone, left out: `a.other. NS` [out-of-zone] \
             (a name without a final dot is completed with the origin)",
        ),
        (
            "anexample. NS a\n. NS a\nx A 192.0.2.1",
            "x.zone:4:1: warning: owner outside of the zone, left out: `anexample. NS` [out-of-zone] \
             (a name without a final dot is completed with the origin)\n\
             x.zone:5:1: warning: owner outside of the zone, left out: `. NS` [out-of-zone] \
             (a name without a final dot is completed with the origin)",
        ),
        (
            "a CNAME b\nA AAAA ::1",
            "x.zone:5:1: error: CNAME and other data at one name: `a.example. AAAA` [cname-and-other-data]",
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
        ("a NS b\nA NS B", "x.zone:5:1: warning: record is there twice, one is dropped: `a.example. NS` [duplicate]"),
        (
            "a 9 NS b\na 8 NS c",
            "x.zone:5:1: warning: TTLs differ in one RRset, the lowest is used: `a.example. NS` [ttl-mismatch]",
        ),
        (
            "a DNAME b\nb.c.a A 192.0.2.1\nd.a A 192.0.2.1",
            "x.zone:5:1: error: owner below a DNAME: `b.c.a.example. A` [below-dname]",
        ),
        (
            "a DS 1 8 2 00",
            "x.zone:4:1: error: digest that is not as long as its type says: `a.example. DS` [digest-length]",
        ),
        ("a MD b", "x.zone:4:1: warning: obsolete type: `a.example. MD` [type-obsolete] (use MX)"),
        (
            "@ NS ns",
            "x.zone:4:1: error: name server of the zone without an address in it: `example. NS ns.example.` \
             [ns-without-address] (give it an A or AAAA record, or end its name with a dot if it is elsewhere)",
        ),
        (
            "@ NS ns\nns CNAME ns.other.",
            "x.zone:4:1: error: name server of the zone is an alias: `example. NS ns.example.` [ns-to-cname] \
             (name the target of the alias)",
        ),
    ] {
        assert_eq!(findings(source).join("\n"), expected, "{source}");
    }
}

#[test]
fn name_servers_of_the_zone_are_found_where_a_query_finds_them() {
    for source in ["@ NS ns\n* A 192.0.2.1", "@ NS ns.sub\nsub NS ns.other.", "@ NS NS.a\nns.A AAAA ::1"] {
        assert_eq!(findings(source), [""; 0], "{source}");
    }
    for source in ["@ NS ns\n* TXT a", "@ NS a.b\n* A 192.0.2.1\nc.a.b A 192.0.2.1", "@ NS a.ns\nns DNAME other."] {
        assert_eq!(findings(source).len(), 1, "{source}");
    }
}

#[test]
fn the_apex_must_have_soa_and_ns() {
    let texts = |source| texts(&zone(&read(source)));
    let (no_soa, no_ns) = (
        "x.zone: error: no SOA at the apex: `example.` [soa-missing]",
        "x.zone: error: no NS at the apex: `example.` [ns-missing]",
    );
    assert_eq!(texts(""), [no_soa, no_ns]);
    assert_eq!(texts("@ 1 NS a.other."), [no_soa]);
    assert_eq!(texts("@ 1 SOA a b 1 2 3 4 5"), [no_ns]);
}

#[test]
fn findings_come_in_the_order_of_lines_and_have_a_limit() {
    let names: String = (0..FINDINGS_MAX + 50).map(|number| format!("{}.other. NS a\n", 999 - number)).collect();
    let report = zone(&read(&format!("{APEX}{names}")));
    assert_eq!((report.warnings.len(), report.left_out), (FINDINGS_MAX, 50));
    assert!(report.warnings.is_sorted_by_key(|finding| finding.line));
    assert_eq!(broken(&format!("{APEX}{names}"), &ALL).len(), FINDINGS_MAX + 50);
}

#[test]
fn a_sorted_zone_shows_records_without_duplicates_and_with_one_ttl_an_rrset() {
    let apex: Name = "example.".parse().unwrap();
    let source =
        "b 9 NS c\nB 8 ns a\nb 7 NS C\na\\001 NS a\na NS a\na\\000 NS a\n*.a NS a\nb A 192.0.2.1\nother. A 192.0.2.1";
    let file = read_octets(Path::new("x.zone"), format!("{APEX}{source}").as_bytes(), &apex);
    let zone = SortedZone::new(apex, file.columns);
    let mut lines = Vec::new();
    zone.visit(0..zone.len(), &mut |_, owner, records| {
        lines.extend(records.iter().map(|r| crate::text::present::record(owner, r.ttl, Rtype(r.rtype), r.rdata)));
        ControlFlow::Continue(())
    });
    assert_eq!(
        lines,
        [
            "example. 60 IN NS ns.other.",
            "example. 60 IN SOA a.example. b.example. 7 2 3 4 5",
            "a.example. 60 IN NS a.example.",
            "*.a.example. 60 IN NS a.example.",
            "a\\000.example. 60 IN NS a.example.",
            "a\\001.example. 60 IN NS a.example.",
            "b.example. 60 IN A 192.0.2.1",
            "b.example. 7 IN NS a.example.",
            "b.example. 7 IN NS c.example.",
        ]
    );
    assert_eq!(zone_serial(&zone), Some(7));
    assert_eq!(zone_serial(&SortedZone::new("z.".parse().unwrap(), Columns::default())), None);
}

#[test]
fn delegations_and_aliases_are_checked_where_all_is() {
    for (source, expected) in [
        ("a NS ns.a\nns.a A 192.0.2.1", &[][..]),
        ("a NS a\na A 192.0.2.1\na AAAA ::1", &[]),
        ("a NS ns.b\nb NS ns.b\nns.b A 192.0.2.1\nc NS ns.other.", &[]),
        ("a NS ns.b\nb NS ns.other.", &[]),
        ("a NS ns\n* A 192.0.2.1", &[]),
        ("a NS ns.a", &["glue-missing a.example. NS ns.a.example."]),
        ("a NS ns.b.a\nb.a NS x.other.", &["glue-missing a.example. NS ns.b.a.example.", "below-cut b.a.example. NS"]),
        ("a NS x.other.\nA.a A 192.0.2.1", &["glue-superfluous A.a.example. A"]),
        ("a NS x.other.\na A 192.0.2.1", &["glue-superfluous a.example. A"]),
        ("a NS x.other.\na MX 1 x.other.\na TXT a", &["below-cut a.example. MX"]),
        ("a NS x.other.\nb.a TXT a\nc.b.a TXT b", &["below-cut b.a.example. TXT", "below-cut c.b.a.example. TXT"]),
        ("* NS x.other.", &["ns-at-wildcard *.example. NS"]),
        ("*.a DNAME x.other.", &["dname-at-wildcard *.a.example. DNAME"]),
        ("a NS b", &["delegation-to-nothing a.example. NS b.example."]),
        ("a NS b\nb TXT c", &["delegation-to-nothing a.example. NS b.example."]),
        ("a NS b\nb CNAME c", &["delegation-to-cname a.example. NS b.example."]),
        ("a NS b\n* CNAME c", &["delegation-to-cname a.example. NS b.example."]),
        ("a DS 1 8 99 00", &["ds-without-ns a.example. DS"]),
        ("@ DS 1 8 99 00", &["ds-without-ns example. DS"]),
        ("a MX 1 b\nb CNAME c", &["mx-to-cname a.example. MX b.example."]),
        ("a MX 1 b", &[]),
        ("a SRV 1 1 1 b\nb CNAME c", &["srv-to-cname a.example. SRV b.example."]),
    ] {
        assert_eq!(broken(&format!("{APEX}{source}\n"), &ALL), expected, "{source}");
    }
}

#[test]
fn ranges_of_a_large_zone_agree_with_the_whole() {
    // A cut whose records go over several ranges, and names that come back.
    let below: String = (0..3 * RANGE_RANKS).map(|number| format!("h{number}.sub A 192.0.2.1\n")).collect();
    let after: String = (0..RANGE_RANKS).map(|number| format!("z{number} A 192.0.2.1\n")).collect();
    let found = broken(&format!("{APEX}sub NS h1.sub\n{below}{after}z0 A 192.0.2.2\n"), &ALL);
    assert_eq!(found.len(), 3 * RANGE_RANKS - 1);
    assert!(found.iter().all(|text| text.starts_with("glue-superfluous h")));
}

#[test]
fn names_of_rules_are_their_own() {
    let mut names: Vec<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Rule::ALL.len());
}

#[test]
fn the_table_of_rules_in_the_documentation_is_that_of_the_code() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/zone-file-format.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, checks) = page.split_once("\n## Checks\n").unwrap();
    let (checks, _) = checks.split_once("\n## ").unwrap();
    let mut documented = Vec::new();
    for line in checks.lines().filter(|line| line.starts_with("| `")) {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let (names, severity) = (cells.next().unwrap(), cells.next().unwrap());
        documented.extend(names.split(", ").map(|name| (name.trim_matches('`').to_owned(), severity.to_owned())));
    }
    let known: Vec<(String, String)> =
        Rule::ALL.iter().map(|rule| (rule.name().to_owned(), rule.severity().to_string())).collect();
    assert_eq!(documented, known);
}

/// So many lines, each of them with its number, below a sound apex.
fn many(count: usize, line: impl Fn(usize) -> String) -> Vec<String> {
    let source: String = (0..count).map(|number| line(number) + "\n").collect();
    texts(&zone(&read(&format!("{APEX}{source}")))).into_iter().take(3).collect()
}

#[test]
fn more_than_a_segment_counts_is_an_error_of_the_zone() {
    let address = |number: usize| format!("a A 10.{}.{}.{}", number >> 16, number >> 8 & 255, number & 255);
    let signature = |number: usize| {
        format!("a RRSIG A 8 1 1 1 1 {} a {}", number & 65_535, if number < 65_536 { "AAAA" } else { "AAAB" })
    };
    // TA and DLV, 32768 and the next, may not be empty.
    let typed = |number: usize| format!("a TYPE{} \\# 0", number + if number < 31_768 { 1000 } else { 1002 });
    let text = |line: usize, rtype: &str| {
        format!(
            "x.zone:{line}:1: error: more than 65535 records or signatures of one type, or more than 40000 types, at one name: \
             `a.example. {rtype}` [rrset-too-large]"
        )
    };
    assert_eq!(many(65_535, address), [""; 0]);
    assert_eq!(many(65_536, address), [text(65_539, "A")]);
    assert_eq!(many(65_535, signature), [""; 0]);
    assert_eq!(many(65_536, signature), [text(65_539, "RRSIG")]);
    assert_eq!(many(40_000, typed), [""; 0]);
    assert_eq!(many(40_001, typed), [text(40_004, "TYPE41002")]);
    // A type with signatures alone is one too, and a record that is there twice is one.
    let signed = |number| if number < 40_000 { typed(number) } else { signature(0) };
    assert_eq!(many(40_001, signed), [text(40_003, "TYPE41001")]);
    assert_eq!(many(65_537, |number| address(number % 65_535)).iter().filter(|text| text.contains("error")).count(), 0);
}
