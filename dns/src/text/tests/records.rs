//! What entries, owners, TTLs, classes and directives may look like.

use super::*;

#[test]
fn an_entry_has_owner_ttl_class_and_type_in_the_orders_of_rfc_1035() {
    let all = "www.example. 60 IN A 192.0.2.1";
    for entry in [
        "www 60 IN A 192.0.2.1",
        "www IN 60 A 192.0.2.1",
        "www 60 A 192.0.2.1",
        "www.example. 1m a 192.0.2.1",
        "www CLASS1 60 TYPE1 192.0.2.1",
        "www\t60\tin\tA\t192.0.2.1\r",
        "www 60 A 192.0.2.1;comment",
        "w\\119\\w 60 A 192.0.2.1",
        "www ( 60\n IN ; one\n A ; two )\n\n 192.0.2.1 ) ; three",
        "www 60 IN A \\# 4 c0000201",
        "www 60 IN A \\# 4 c0 00 02 01",
    ] {
        assert_eq!(lines(entry), [all], "{entry}");
        assert_eq!(lines(format!("{entry}\n")), [all], "{entry}");
    }
}

#[test]
fn an_entry_that_starts_with_a_blank_has_the_owner_before_it() {
    let source = "$TTL 1\n@ A 192.0.2.1\n\tAAAA ::1\n\n ; nothing\n  NS a\nb.other. NS b\n NS c";
    assert_eq!(
        lines(source),
        [
            "example. 1 IN A 192.0.2.1",
            "example. 1 IN AAAA ::1",
            "example. 1 IN NS a.example.",
            "b.other. 1 IN NS b.example.",
            "b.other. 1 IN NS c.example.",
        ]
    );
}

#[test]
fn an_owner_is_kept_in_its_case_and_with_its_escapes() {
    assert_eq!(lines("wWw\\.X\\032\\@ 1 A 192.0.2.1"), ["wWw\\.X\\032\\@.example. 1 IN A 192.0.2.1"]);
    assert_eq!(lines("*.a 1 A 192.0.2.1"), ["*.a.example. 1 IN A 192.0.2.1"]);
    assert_eq!(lines("\\$ttl 1 A 192.0.2.1"), ["\\$ttl.example. 1 IN A 192.0.2.1"]);
    assert_eq!(lines(". 1 NS ."), [". 1 IN NS ."]);
    // Octets outside of ASCII stand for themselves.
    assert_eq!(lines("ü 1 TXT ü"), ["\\195\\188.example. 1 IN TXT \"\\195\\188\""]);
}

#[test]
fn an_origin_completes_the_names_after_it() {
    let source = "$TTL 1\n$ORIGIN sub\na NS b\n$origin other.\na NS @\n@ NS c";
    assert_eq!(
        lines(source),
        ["a.sub.example. 1 IN NS b.sub.example.", "a.other. 1 IN NS other.", "other. 1 IN NS c.other.",]
    );
}

#[test]
fn a_ttl_is_the_records_own_else_the_defaults_else_the_last() {
    let ttls = |source: &str| parse(source).to_records().iter().map(|record| record.ttl).collect::<Vec<u32>>();
    assert_eq!(ttls("a 5 NS a\na NS b\n$TTL 1h\na NS c\na 7 NS d\na NS e\n$TTL 2\na NS f"), [5, 5, 3600, 7, 3600, 2]);
    assert_eq!(
        ttls("$TTL 1W2d3H4m5s\na NS a\na 30m1h NS b\na 0 NS c\na 2147483647 NS d"),
        [788_645, 5400, 0, 2_147_483_647]
    );
}

#[test]
fn an_soa_without_a_ttl_takes_its_minimum_with_a_warning_and_so_do_the_records_after_it() {
    let zone_file = parse("@ SOA a b 1 2 3 4 5\n@ NS a");
    assert_eq!(zone_file.errors, []);
    assert_eq!(zone_file.to_records().iter().map(|record| record.ttl).collect::<Vec<u32>>(), [5, 5]);
    assert_eq!(
        zone_file.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "x.zone:1:3: warning: SOA without a TTL, its minimum is used: `SOA` (put a line such as $TTL 3600 before the first record)",
        ]
    );
}

#[test]
fn a_record_knows_its_line() {
    let zone_file = parse("\n; c\na 1 TXT ( a\n b )\n TXT \"(\" ; (\nb 1 NS a");
    assert_eq!(zone_file.errors, []);
    assert_eq!(
        zone_file.to_records().iter().map(|record| (record.file, record.line)).collect::<Vec<_>>(),
        [(0, 3), (0, 5), (0, 6)]
    );
}

#[test]
fn an_empty_file_is_no_error_of_reading() {
    for source in ["", "\n", "; nothing", "\r\n\r\n", "()\n", " ( \n ) "] {
        assert_eq!(lines(source), [""; 0], "{source:?}");
    }
}

#[test]
fn a_generate_stands_for_its_records_and_leaves_the_owner() {
    let source = "o 7 A 192.0.2.1\n$GENERATE 1-3/2 a${1,3,d} MX \"$ m$.x\" ; two\n NS b\n$GENERATE 9-10 $ IN 1m TXT \"\\\"a $\\\" \\065$$\"\n A 192.0.2.2";
    assert_eq!(
        lines(source),
        [
            "o.example. 7 IN A 192.0.2.1",
            "a002.example. 7 IN MX 1 m1.x.example.",
            "a004.example. 7 IN MX 3 m3.x.example.",
            "o.example. 7 IN NS b.example.",
            "9.example. 60 IN TXT \"a 9\" \"A$\"",
            "10.example. 60 IN TXT \"a 10\" \"A$\"",
            "o.example. 60 IN A 192.0.2.2",
        ]
    );
    let lines: Vec<u32> = parse(source).to_records().iter().map(|record| record.line).collect();
    assert_eq!(lines, [1, 2, 2, 3, 4, 4, 5]);
}
