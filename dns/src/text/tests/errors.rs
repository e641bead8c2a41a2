//! Each fault of a zone file, with the whole text of its message.

use super::*;
use crate::text::limits::ERRORS_MAX;

/// A snippet and its only error.
const FAULTS: &[(&str, &str)] = &[
    // Entries.
    ("a 1 A (192.0.2.1\nb 1 NS a\n", "x.zone:1:7: error: parenthesis is never closed: `(`"),
    ("a 1 ( A ( 192.0.2.1\nb 1 NS a", "x.zone:1:9: error: parenthesis within parentheses: `(`"),
    (
        "a 1 TXT ( \"b\n; c",
        "x.zone:1:11: error: quoted string does not end on its line: `\"b` (close it with \", or write \\\" for a quote that is meant)",
    ),
    ("a 1 A 192.0.2.1)", "x.zone:1:16: error: closing parenthesis without an opening one: `)`"),
    (
        "a 1 TXT \"b\nc 1 NS a",
        "x.zone:1:9: error: quoted string does not end on its line: `\"b` (close it with \", or write \\\" for a quote that is meant)",
    ),
    ("a 1 TXT b\\\nc 1 NS a", "x.zone:1:10: error: backslash at the end of a line: `\\`"),
    (
        "\u{feff}a 1 NS a",
        "x.zone:1:1: error: the file starts with a byte order mark (save the file as ASCII or UTF-8 without a byte order mark)",
    ),
    // Directives.
    ("$TTL\n", "x.zone:1:1: error: directive is not of the form $TTL TIME: `$TTL`"),
    ("$TTL 1x", "x.zone:1:6: error: expected a time, in seconds or as in 1w2d3h4m5s: `1x`"),
    ("$TTL 4294967296", "x.zone:1:6: error: time too large: it goes up to 4294967295 seconds: `4294967296`"),
    ("$ORIGIN a b", "x.zone:1:1: error: directive is not of the form $ORIGIN NAME: `$ORIGIN`"),
    (
        "$ORIGIN a..b",
        "x.zone:1:9: error: domain name with an empty label: `a..b` (a dot only separates labels and ends an absolute name)",
    ),
    ("$INCLUDE", "x.zone:1:1: error: directive is not of the form $INCLUDE FILE [ORIGIN]: `$INCLUDE`"),
    (
        "$INCLUDE /nonexistent/a.zone",
        "x.zone:1:10: error: cannot read the file: No such file or directory (os error 2): `/nonexistent/a.zone`",
    ),
    ("$INCLUDE src", "x.zone:1:10: error: not a regular file: `src`"),
    ("$FOO bar", "x.zone:1:1: error: unknown directive: `$FOO` (known are $ORIGIN, $TTL, $INCLUDE and $GENERATE)"),
    (
        "$GENERATE 1-2 a$ A",
        "x.zone:1:1: error: directive is not of the form $GENERATE FIRST-LAST[/STEP] NAME [TTL] [CLASS] TYPE RDATA: `$GENERATE`",
    ),
    (
        "$GENERATE 1-2 a$ TXT a b",
        "x.zone:1:1: error: directive is not of the form $GENERATE FIRST-LAST[/STEP] NAME [TTL] [CLASS] TYPE RDATA: `$GENERATE`",
    ),
    (
        "$GENERATE 2-1 a$ 1 A 192.0.2.$",
        "x.zone:1:11: error: expected a range such as 1-10 or 0-30/2, up to 2147483647: `2-1`",
    ),
    (
        "$GENERATE 0-16777216 a$ 1 A 192.0.2.$",
        "x.zone:1:11: error: more than 16777216 records from $GENERATE: `0-16777216`",
    ),
    (
        "$GENERATE 1-2 a${0,q} 1 A 192.0.2.$",
        "x.zone:1:15: error: expected ${OFFSET,WIDTH,BASE} with a base of d, o, x, X, n or N: `a${0,q}`",
    ),
    ("$GENERATE 255-257 a$ 1 A 192.0.2.$", "x.zone:1:26: error: A: expected an IPv4 address: `192.0.2.$`"),
    (
        "$GENERATE 1-2 a..$ 1 A 192.0.2.$",
        "x.zone:1:15: error: domain name with an empty label: `a..$` (a dot only separates labels and ends an absolute name)",
    ),
    (
        "$GENERATE 1-2 a$ 1 TXT \"\\\"$\"",
        "x.zone:1:25: error: quoted string does not end on its line: `\\\"$` (close it with \", or write \\\" for a quote that is meant)",
    ),
    (
        "$GENERATE 1-2 a$ A 192.0.2.$",
        "x.zone:1:18: error: no TTL, and none before it to use: `A` (put a line such as $TTL 3600 before the first record)",
    ),
    // Owner, TTL, class, type.
    (
        " 1 NS a",
        "x.zone:1:2: error: no owner, and no record before it to take one from: `1` (start the line with a name, or with @ for the origin)",
    ),
    (
        ".a 1 NS a",
        "x.zone:1:1: error: domain name with an empty label: `.a` (a dot only separates labels and ends an absolute name)",
    ),
    ("a\\256 1 NS a", "x.zone:1:1: error: escape that is not \\DDD with a value up to 255: `a\\256`"),
    (
        "a NS a",
        "x.zone:1:3: error: no TTL, and none before it to use: `NS` (put a line such as $TTL 3600 before the first record)",
    ),
    ("a 1 CH TXT a", "x.zone:1:5: error: class other than IN: `CH` (only zones of class IN are served)"),
    ("a 1 2 A 192.0.2.1", "x.zone:1:5: error: expected a type: `2`"),
    ("a 1 IN AX 192.0.2.1", "x.zone:1:8: error: expected a type: `AX`"),
    ("a 1 \"A\" 192.0.2.1", "x.zone:1:5: error: expected a type: `A`"),
    ("a 1 IN", "x.zone:1:5: error: record ends before its type: `IN`"),
    ("a", "x.zone:1:1: error: record ends before its type: `a`"),
    ("a 1 AXFR", "x.zone:1:5: error: type that cannot stand in a zone: `AXFR`"),
    ("a 1 OPT \\# 0", "x.zone:1:5: error: type that cannot stand in a zone: `OPT`"),
    // RDATA.
    ("a 1 A 192.0.2.256", "x.zone:1:7: error: A: expected an IPv4 address: `192.0.2.256`"),
    ("a 1 AAAA 192.0.2.1", "x.zone:1:10: error: AAAA: expected an IPv6 address: `192.0.2.1`"),
    (
        "a 1 A 192.0.2.1 192.0.2.2",
        "x.zone:1:17: error: A: more fields than the type has: `192.0.2.2` (text with blanks is written in quotes, a comment starts with ;)",
    ),
    ("a 1 A", "x.zone:1:5: error: A: RDATA ends too early: `A`"),
    ("a 1 MX 10", "x.zone:1:8: error: MX: RDATA ends too early: `10`"),
    ("a 1 MX mail 10", "x.zone:1:8: error: MX: expected a number up to 65535: `mail`"),
    ("a 1 MX 65536 mail", "x.zone:1:8: error: MX: expected a number up to 65535: `65536`"),
    ("a 1 SOA a b (\n 1 2 3 4\n x )", "x.zone:3:2: error: SOA: expected a time, in seconds or as in 1w2d3h4m5s: `x`"),
    (
        "a 1 RRSIG A 8 1 60 20180231000000 20180101000000 1 a AAAA",
        "x.zone:1:20: error: RRSIG: expected a time as YYYYMMDDHHmmSS or in seconds since 1970: `20180231000000`",
    ),
    ("a 1 NSEC b A FOO", "x.zone:1:14: error: NSEC: expected a type: `FOO`"),
    ("a 1 A \\# 3 c00002", "x.zone:1:12: error: A: octets after \\# are not RDATA of the type: `c00002`"),
    ("a 1 NS \\# 2 c00c", "x.zone:1:13: error: NS: octets after \\# are not RDATA of the type: `c00c`"),
    (
        "a 1 TYPE65280 \\# 3 c000",
        "x.zone:1:20: error: TYPE65280: octets after \\# are not as many as their length says: `c000`",
    ),
    ("a 1 TYPE65280 \\#", "x.zone:1:15: error: TYPE65280: RDATA ends too early: `\\#`"),
    (
        "a 1 TYPE65280 abc",
        "x.zone:1:5: error: TYPE65280: type without a known presentation format: `TYPE65280` (write it as \\# LENGTH HEX (RFC 3597))",
    ),
    // The column counts characters, and a quoted string stands where its quote does.
    (
        "a 1 HINFO ü \"x\" \"y z\"",
        "x.zone:1:17: error: HINFO: more fields than the type has: `y z` (text with blanks is written in quotes, a comment starts with ;)",
    ),
];

#[test]
fn each_fault_is_told_with_file_line_column_reason_text_and_remedy() {
    for (source, expected) in FAULTS {
        assert_eq!(errors(source), [*expected], "{source:?}");
    }
}

#[test]
fn b27_reading_goes_on_after_an_error() {
    let zone_file = parse("$TTL 1\na A x\nb NS \"\nc NS c\nd NS )\n\te NS e\ne NS e\nf NS (\ng NS g");
    let places: Vec<(u32, u32)> =
        zone_file.errors.iter().map(|e| e.place.map_or((0, 0), |p| (p.line, p.column))).collect();
    assert_eq!(places, [(2, 5), (3, 6), (5, 6), (6, 2), (8, 6)]);
    let owners: Vec<String> = zone_file.to_records().iter().map(|record| record.owner.to_string()).collect();
    assert_eq!(owners, ["c.example.", "e.example.", "g.example."]);
}

#[test]
fn labels_and_names_have_limits() {
    let label = "a".repeat(63);
    assert_eq!(lines(format!("{label} 1 NS .")).len(), 1);
    assert_eq!(
        errors(format!("{label}a 1 NS ."))[0],
        format!("x.zone:1:1: error: label longer than 63 octets: `{}…`", "a".repeat(60))
    );
    let name = format!("{label}.{label}.{label}.{}.", "a".repeat(61));
    assert_eq!(lines(format!("{name} 1 NS .")).len(), 1);
    let fault = "domain name longer than 255 octets";
    assert!(errors(format!("a.{name} 1 NS ."))[0].contains(fault));
    assert!(errors(format!("{label}.{label}.{label}.{} 1 NS .", "a".repeat(61)))[0].contains(fault));
}

#[test]
fn errors_are_collected_up_to_a_limit() {
    let source = "a 1 A x\n".repeat(ERRORS_MAX * 3);
    let errors = errors(&source);
    assert_eq!(errors.len(), ERRORS_MAX + 1);
    assert_eq!(errors[ERRORS_MAX], "x.zone:101:7: error: more than 100 errors, the rest was not read");
    assert_eq!(parse("a 1 A x\n".repeat(ERRORS_MAX)).errors.len(), ERRORS_MAX);
}

#[test]
fn a_file_of_open_parentheses_is_read_in_bounded_time() {
    assert_eq!(errors("(\n".repeat(200_000)).len(), ERRORS_MAX + 1);
}

#[test]
fn the_text_of_an_error_is_printable_and_short() {
    let error = errors(format!("a 1 A \u{1b}[31m{}", "x".repeat(100_000))).remove(0);
    assert_eq!(error, format!("x.zone:1:7: error: A: expected an IPv4 address: `\u{fffd}[31m{}…`", "x".repeat(55)));
}

#[test]
fn a_character_string_has_a_limit() {
    assert_eq!(lines(format!("a 1 TXT {}", "x".repeat(255))).len(), 1);
    let fault = "character string longer than 255 octets";
    for rtype in ["TXT", "SPF", "HINFO x"] {
        assert!(errors(format!("a 1 {rtype} {}", "x".repeat(256)))[0].contains(fault), "{rtype}");
    }
}

#[test]
fn rdata_has_a_limit() {
    let string = "x".repeat(255);
    for rtype in ["TXT", "SPF"] {
        assert_eq!(lines(format!("a 1 {rtype} {}", format!("{string} ").repeat(255))).len(), 1);
        let fault = errors(format!("a 1 {rtype} {}", format!("{string} ").repeat(257))).remove(0);
        assert!(fault.contains("too long") || fault.contains("longer than 65535"), "{fault}");
    }
}
