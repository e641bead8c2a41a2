//! Change files: what lines mean, and each fault with the whole text of its message.

use super::present;
use crate::text::changes::{ChangeFile, Request, read};
use crate::text::limits::ERRORS_MAX;
use proptest::prelude::*;
use std::path::Path;

/// Reads a change file for `example.`.
fn parse(source: impl AsRef<[u8]>) -> ChangeFile {
    read(Path::new("c.txt"), source.as_ref(), &"example.".parse().unwrap())
}

/// The lines of a file without errors, each as it is understood.
fn lines(source: impl AsRef<[u8]>) -> Vec<String> {
    let file = parse(source);
    assert_eq!(file.errors, [], "{}", file.errors[0]);
    let line = |request: &Request| match request {
        Request::Add(record) => {
            format!("add {}", present::record(record.owner.as_ref(), record.ttl, record.rtype, &record.rdata))
        }
        Request::Delete { owner, rtype, rdata } => {
            format!("delete {owner} {rtype} {}", present::rdata(*rtype, rdata))
        }
        Request::DeleteRrset { owner, rtype } => format!("delete {owner} {rtype}"),
        Request::DeleteOwner { owner } => format!("delete {owner}"),
    };
    file.lines.iter().map(|found| format!("{} {}", found.place.line, line(&found.request))).collect()
}

#[test]
fn lines_mean_what_they_say() {
    let source = "\
; a comment

add www 300 A 192.0.2.1 ; another
  ADD www.example. IN 300 AAAA 2001:db8::1
add @ 300 TXT ( \"a b\"
    c )
delete www 300 A 192.0.2.1\r
delete www IN A 192.0.2.1
delete old A
delete old IN A
delete older
$ORIGIN sub
$TTL 1h
add a MX 10 mail
delete @ TYPE65280 \\# 1 00
add b 60 CNAME @";
    let expected = [
        "3 add www.example. 300 IN A 192.0.2.1",
        "4 add www.example. 300 IN AAAA 2001:db8::1",
        "5 add example. 300 IN TXT \"a b\" \"c\"",
        "7 delete www.example. A 192.0.2.1",
        "8 delete www.example. A 192.0.2.1",
        "9 delete old.example. A",
        "10 delete old.example. A",
        "11 delete older.example.",
        "14 add a.sub.example. 3600 IN MX 10 mail.sub.example.",
        "15 delete sub.example. TYPE65280 \\# 1 00",
        "16 add b.sub.example. 60 IN CNAME sub.example.",
    ];
    assert_eq!(lines(source), expected);
    assert_eq!(parse(source).lines[1].place.column, 3);
    assert_eq!(lines(""), [""; 0]);
}

#[test]
fn each_fault_is_told_with_its_place() {
    let faults = [
        ("remove a 1 A 192.0.2.1", "c.txt:1:1: error: expected add, delete, $ORIGIN or $TTL: `remove`"),
        ("\"add\" a 1 A 192.0.2.1", "c.txt:1:1: error: expected add, delete, $ORIGIN or $TTL: `add`"),
        ("$INCLUDE a", "c.txt:1:1: error: expected add, delete, $ORIGIN or $TTL: `$INCLUDE`"),
        ("$ORIGIN", "c.txt:1:1: error: directive is not of the form $ORIGIN NAME: `$ORIGIN`"),
        ("\nadd", "c.txt:2:1: error: expected the name whose records change: `add`"),
        ("delete", "c.txt:1:1: error: expected the name whose records change: `delete`"),
        (
            "add a A 192.0.2.1",
            "c.txt:1:7: error: no TTL, and none before it to use: `A` (put a line such as $TTL 3600 before the first record)",
        ),
        ("add a 1", "c.txt:1:7: error: record ends before its type: `1`"),
        ("add a", "c.txt:1:5: error: record ends before its type: `a`"),
        ("add a 1 A", "c.txt:1:9: error: A: RDATA ends too early: `A`"),
        ("add a 1 A 192.0.2.300", "c.txt:1:11: error: A: expected an IPv4 address: `192.0.2.300`"),
        ("add a 1 CH A 192.0.2.1", "c.txt:1:9: error: class other than IN: `CH` (only zones of class IN are served)"),
        ("delete a AXFR", "c.txt:1:10: error: type that cannot stand in a zone: `AXFR`"),
        (
            "add a..b 1 A 192.0.2.1",
            "c.txt:1:5: error: domain name with an empty label: `a..b` (a dot only separates labels and ends an absolute name)",
        ),
        (
            "add a.test. 1 A 192.0.2.1",
            "c.txt:1:5: error: owner outside of the zone: `a.test.` (a name without a final dot is completed with the zone's)",
        ),
        ("add a 1 TXT ( b", "c.txt:1:13: error: parenthesis is never closed: `(`"),
    ];
    for (source, message) in faults {
        let file = parse(source);
        let errors: Vec<String> = file.errors.iter().map(ToString::to_string).collect();
        assert_eq!((errors, file.lines.len()), (vec![message.to_owned()], 0), "{source}");
    }
}

#[test]
fn all_errors_are_told_up_to_their_limit() {
    let file = parse("add\nadd a 1 A 192.0.2.1\ndelete\n");
    assert_eq!((file.errors.len(), file.lines.len()), (2, 1));
    let many = parse("add\n".repeat(ERRORS_MAX + 10));
    assert_eq!(many.errors.len(), ERRORS_MAX + 1);
    assert_eq!(
        many.errors.last().unwrap().to_string(),
        "c.txt:101:1: error: more than 100 errors, the rest was not read"
    );
    let warned = parse("add a 4294967295 A 192.0.2.1");
    assert_eq!((warned.errors.len(), warned.warnings.len(), warned.lines.len()), (0, 1, 1));
}

proptest! {
    #[test]
    fn no_text_is_more_than_lines_and_errors(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "add", "delete", "$ORIGIN", "$TTL", "a", "@", "b.example.", "x.test.", "300", "IN", "A", "192.0.2.1", "TXT", "\"", "(", ")", ";", "\\", "\\#",
                " ", " ", " ", "\t", "\n", "\n", "\r\n", "\u{feff}", "\u{0}",
            ]),
            0..40,
        ),
    ) {
        let file = parse(pieces.concat());
        prop_assert!(file.errors.len() <= ERRORS_MAX + 1);
        for line in &file.lines {
            prop_assert!(line.request.owner().is_at_or_below("example.".parse::<zone_segment::Name>().unwrap().as_ref()));
            prop_assert!(line.place.line > 0 && line.place.column > 0);
        }
    }
}
