//! Dynamic updates on zones in memory: each rule of RFC 2136 by itself, then any update beside a plain model that is the RFC's pseudocode.

use std::path::Path;

use dns::text::zonefile;
use proptest::prelude::*;

use super::*;
use crate::edit::Gathered;
use crate::edit::tests::{NOW, SIGNED, ZONE, apex, lines_of, segment, zone};

mod model;

/// A record of an update as text, such as `www 0 ANY A`: owner, TTL, class, type, and RDATA where there is one.
fn record(text: &str) -> UpdateRecord {
    let mut fields = text.splitn(5, ' ');
    let mut field = || fields.next().unwrap_or_default();
    let (owner, ttl, class, rtype, rdata) = (field(), field(), field(), field(), field());
    let entry = |data: &str| {
        let file = zonefile::read_octets(Path::new("x"), format!("{owner} 0 {data}\n").as_bytes(), &apex());
        assert_eq!(file.errors, [], "{text}");
        file.columns.to_records().swap_remove(0)
    };
    let rtype: Rtype = rtype.parse().unwrap();
    let rdata = if rdata.is_empty() { Box::default() } else { entry(&format!("{rtype} {rdata}")).rdata };
    UpdateRecord {
        owner: entry("A 192.0.2.1").owner,
        rtype,
        class: class.parse().unwrap(),
        ttl: ttl.parse().unwrap(),
        rdata,
    }
}

/// An update as text, a record a line.
fn update_of(prerequisites: &str, records: &str) -> Update {
    let all = |text: &str| text.lines().map(record).collect();
    Update { apex: apex(), prerequisites: all(prerequisites), records: all(records), serial: SerialPolicy::Increment }
}

/// What becomes of an update.
fn on(text: &str, prerequisites: &str, records: &str) -> Result<Resolution, UpdateRefused> {
    update(&zone(&segment(text)), None, &update_of(prerequisites, records), NOW)
}

/// What prerequisites alone are answered with.
fn prerequisite(lines: &str) -> Rcode {
    on(ZONE, lines, "").map_or_else(|refused| refused.rcode, |_| Rcode::NOERROR)
}

/// The changes that records make, SOA records left out; those have to go from 7 to 8.
fn changes(records: &str) -> Vec<String> {
    let Some(change) = on(ZONE, "", records).unwrap().change else { return Vec::new() };
    assert_eq!((change.set.from, change.set.to), (7, 8), "{records}");
    lines_of(&change.set).into_iter().filter(|line| !line.contains(" SOA ")).collect()
}

#[test]
fn prerequisites_are_answered_as_section_3_2_says() {
    let cases = [
        // RRset exists (value independent).
        ("www 0 ANY A", Rcode::NOERROR),
        ("WWW 0 ANY AAAA", Rcode::NOERROR),
        ("www 0 ANY MX", Rcode::NXRRSET),
        ("nothing 0 ANY A", Rcode::NXRRSET),
        // RRset exists (value dependent): all of its records, in any order, whatever their TTL.
        ("www 0 IN A 192.0.2.3\nwww 0 IN A 192.0.2.2", Rcode::NOERROR),
        ("www 0 IN A 192.0.2.2", Rcode::NXRRSET),
        ("www 0 IN A 192.0.2.2\nwww 0 IN A 192.0.2.3\nwww 0 IN A 192.0.2.4", Rcode::NXRRSET),
        ("mixed 0 IN MX 10 mail.EXAMPLE.", Rcode::NOERROR),
        ("mixed 0 IN MX 11 mail.example.", Rcode::NXRRSET),
        ("nothing 0 IN A 192.0.2.2", Rcode::NXRRSET),
        // RRset does not exist.
        ("www 0 NONE MX", Rcode::NOERROR),
        ("nothing 0 NONE MX", Rcode::NOERROR),
        ("www 0 NONE A", Rcode::YXRRSET),
        // Name is in use: an empty non-terminal is not.
        ("www 0 ANY ANY", Rcode::NOERROR),
        ("nothing 0 ANY ANY", Rcode::NXDOMAIN),
        ("b.c 0 ANY ANY", Rcode::NXDOMAIN),
        // Name is not in use.
        ("nothing 0 NONE ANY", Rcode::NOERROR),
        ("b.c 0 NONE ANY", Rcode::NOERROR),
        ("alias 0 NONE ANY", Rcode::YXDOMAIN),
        // What is no prerequisite.
        ("www 1 ANY A", Rcode::FORMERR),
        ("www 1 IN A 192.0.2.2", Rcode::FORMERR),
        ("www 0 ANY A 192.0.2.2", Rcode::FORMERR),
        ("www 0 NONE A 192.0.2.2", Rcode::FORMERR),
        ("www 0 CH A", Rcode::FORMERR),
        ("www 0 IN ANY", Rcode::FORMERR),
        ("www.elsewhere. 0 ANY A", Rcode::NOTZONE),
        ("www.elsewhere. 0 NONE ANY", Rcode::NOTZONE),
        // The first that does not hold decides, those with values come last.
        ("nothing 0 ANY ANY\nwww 0 NONE A", Rcode::NXDOMAIN),
        ("www 0 IN A 192.0.2.9\nwww 0 NONE A", Rcode::YXRRSET),
        ("www 0 IN A 192.0.2.9\nwww 1 NONE A", Rcode::FORMERR),
    ];
    for (lines, expected) in cases {
        assert_eq!(prerequisite(lines), expected, "{lines}");
    }
    let signature = "@ 0 ANY RRSIG";
    assert!(on(SIGNED, signature, "").is_ok());
    assert_eq!(on(ZONE, signature, "").unwrap_err().rcode, Rcode::NXRRSET);
}

#[test]
fn a_prerequisite_that_fails_changes_nothing() {
    let refused = on(ZONE, "www 0 NONE A", "new 1 IN A 192.0.2.1").unwrap_err();
    assert_eq!((refused.rcode, refused.reason.as_str()), (Rcode::YXRRSET, "prerequisite 1: www.example. NONE A"));
    assert!(on(ZONE, "www 0 ANY A", "new 1 IN A 192.0.2.1").unwrap().change.is_some());
}

#[test]
fn records_that_no_update_has_are_refused_before_any_is_carried_out() {
    let cases = [
        ("new.elsewhere. 1 IN A 192.0.2.1", Rcode::NOTZONE),
        ("new 1 IN ANY", Rcode::FORMERR),
        ("new 1 IN AXFR", Rcode::FORMERR),
        ("new 1 IN A", Rcode::FORMERR),
        ("www 1 ANY A", Rcode::FORMERR),
        ("www 0 ANY A 192.0.2.2", Rcode::FORMERR),
        ("www 0 ANY AXFR", Rcode::FORMERR),
        ("www 1 NONE A 192.0.2.2", Rcode::FORMERR),
        ("www 0 NONE ANY", Rcode::FORMERR),
        ("www 0 NONE A", Rcode::FORMERR),
        ("www 0 CH A 192.0.2.2", Rcode::FORMERR),
    ];
    for (line, expected) in cases {
        let lines = format!("new 1 IN A 192.0.2.1\n{line}");
        assert_eq!(on(ZONE, "", &lines).unwrap_err().rcode, expected, "{line}");
    }
}

#[test]
fn records_are_carried_out_as_section_3_4_2_says() {
    let cases: &[(&str, &[&str])] = &[
        ("new 60 IN A 192.0.2.9", &["+new.example. 60 A 192.0.2.9"]),
        // The RRset has the TTL that came last.
        ("www 61 IN AAAA 2001:db8::2", &["-www.example. 60 AAAA 2001:db8::2", "+www.example. 61 AAAA 2001:db8::2"]),
        // A CNAME and other data keep each other out; a CNAME takes the place of another, as DNAME does.
        ("www 300 IN CNAME a", &[]),
        ("alias 300 IN A 192.0.2.1", &[]),
        ("alias 300 IN CNAME b", &["-alias.example. 300 CNAME www.example.", "+alias.example. 300 CNAME b.example."]),
        ("d 300 IN DNAME x.", &["-d.example. 300 DNAME elsewhere.test.", "+d.example. 300 DNAME x."]),
        (
            "alias 0 ANY CNAME\nalias 1 IN TXT a",
            &["-alias.example. 300 CNAME www.example.", "+alias.example. 1 TXT \"a\""],
        ),
        // In their order.
        ("new 1 IN TXT a\nnew 1 IN CNAME b", &["+new.example. 1 TXT \"a\""]),
        ("new 1 IN CNAME b\nnew 1 IN TXT a", &["+new.example. 1 CNAME b.example."]),
        ("new 1 IN TXT a\nnew 0 ANY ANY", &[]),
        // Of WKS one for each address and protocol.
        ("w 1 IN WKS 192.0.2.1 TCP 25\nw 1 IN WKS 192.0.2.1 TCP 53", &["+w.example. 1 WKS 192.0.2.1 6 53"]),
        // Deletions: of an RRset, of a name, of a record; what is not there is as good as gone.
        ("www 0 ANY A", &["-www.example. 300 A 192.0.2.2", "-www.example. 300 A 192.0.2.3"]),
        (
            "www 0 ANY ANY",
            &["-www.example. 300 A 192.0.2.2", "-www.example. 300 A 192.0.2.3", "-www.example. 60 AAAA 2001:db8::2"],
        ),
        ("WWW 0 NONE A 192.0.2.2", &["-www.example. 300 A 192.0.2.2"]),
        ("mixed 0 NONE MX 10 mail.example.", &["-Mixed.example. 300 MX 10 Mail.Example."]),
        ("www 0 NONE A 192.0.2.9\nnothing 0 ANY ANY\nnothing 0 ANY A", &[]),
        // The apex keeps its SOA and NS records, and one NS record at least.
        ("@ 0 ANY SOA\n@ 0 ANY NS\n@ 0 ANY ANY", &[]),
        ("@ 1 IN TXT a\n@ 0 ANY ANY", &[]),
        ("@ 0 NONE SOA ns hostmaster 7 1 1 1 1", &[]),
        ("@ 0 NONE NS ns\n@ 0 NONE NS ns.elsewhere.test.", &["-example. 3600 NS ns.example."]),
        ("cut 0 NONE NS ns.cut", &["-cut.example. 300 NS ns.cut.example."]),
        // An SOA of no newer serial, or of another name, is passed over.
        ("@ 1 IN SOA a b 7 2 2 2 2\n@ 1 IN SOA a b 6 2 2 2 2\nwww 1 IN SOA a b 9 2 2 2 2", &[]),
    ];
    for (lines, expected) in cases {
        assert_eq!(changes(lines), *expected, "{lines}");
    }
}

#[test]
fn the_serial_goes_forward_with_each_change() {
    let serials = |lines: &str| {
        let change = on(ZONE, "", lines).unwrap().change;
        change.map(|change| (change.set.from, change.set.to))
    };
    assert_eq!(serials("new 1 IN A 192.0.2.1"), Some((7, 8)));
    assert_eq!(serials("www 300 IN A 192.0.2.2"), None);
    assert_eq!(serials("@ 1 IN SOA a b 99 2 2 2 2"), Some((7, 99)));
    assert_eq!(serials("@ 1 IN SOA a b 99 2 2 2 2\nnew 1 IN A 192.0.2.1"), Some((7, 99)));
    assert_eq!(serials("@ 1 IN SOA a b 6 2 2 2 2\nnew 1 IN A 192.0.2.1"), Some((7, 8)));
    // Half of all numbers away is neither newer nor older.
    assert_eq!(serials("@ 1 IN SOA a b 2147483655 2 2 2 2"), None);
}

#[test]
fn an_outcome_that_breaks_a_rule_is_refused_in_words() {
    let refused = on(ZONE, "", "a 1 IN TXT x\n@ 1 IN NS alias").unwrap_err();
    assert_eq!(refused.rcode, Rcode::REFUSED);
    assert!(refused.reason.starts_with("update:2:1: error: name server of the zone is an alias"), "{}", refused.reason);
    let refused = on(ZONE, "", "www.d 1 IN TXT x").unwrap_err();
    assert!(refused.reason.contains("[below-dname]"), "{}", refused.reason);
}

#[test]
fn a_signed_zone_is_changed_with_its_signatures_alone() {
    let refused = on(SIGNED, "", "ns 0 ANY A\nns 3600 IN A 192.0.2.7").unwrap_err();
    assert_eq!(refused.rcode, Rcode::REFUSED);
    assert!(refused.reason.starts_with("expected a signature with each change of a signed zone"), "{}", refused.reason);
    let rrsig = |name: &str, covered: &str| {
        format!("{name} 3600 IN RRSIG {covered} 13 1 3600 20310101000000 20260101000000 1 example. BBBB\n")
    };
    let brought = format!(
        "@ 3600 IN SOA ns hostmaster 8 1 1 1 1\n{}ns 0 ANY A\nns 3600 IN A 192.0.2.7\n{}",
        rrsig("@", "SOA"),
        rrsig("ns", "A"),
    );
    let change = on(SIGNED, "", &brought).unwrap().change.unwrap();
    let shown = lines_of(&change.set);
    assert_eq!(shown.iter().filter(|line| line.contains(" RRSIG ")).count(), 4, "{shown:?}");
}

#[test]
fn updates_see_what_is_gathered() {
    let segment = segment(ZONE);
    let zone = zone(&segment);
    let mut gathered = Gathered::default();
    let first = update(&zone, None, &update_of("new 0 NONE ANY", "new 1 IN A 192.0.2.1"), NOW).unwrap();
    gathered.push(first.change.unwrap());
    let again = update_of("new 0 NONE ANY", "new 1 IN A 192.0.2.2");
    assert_eq!(update(&zone, Some(&gathered.owners), &again, NOW).unwrap_err().rcode, Rcode::YXDOMAIN);
    let next = update_of("new 0 IN A 192.0.2.1", "new 0 ANY ANY");
    let change = update(&zone, Some(&gathered.owners), &next, NOW).unwrap().change.unwrap();
    assert_eq!((change.set.from, change.set.to), (8, 9));
    gathered.push(change);
    assert!(update(&zone, Some(&gathered.owners), &again, NOW).is_ok());
}

/// A prerequisite, most of them such as may hold.
fn any_prerequisite() -> impl Strategy<Value = UpdateRecord> {
    prop_oneof![8 => record_of("0"), 1 => record_of("1")]
}

/// A record of the update section.
fn any_record() -> impl Strategy<Value = UpdateRecord> {
    record_of("300")
}

/// Records over a few names, types and values, so that they meet one another; those that add have this TTL, or another.
fn record_of(ttl: &'static str) -> impl Strategy<Value = UpdateRecord> {
    let owner = prop::sample::select(vec!["@", "www", "WWW", "alias", "a", "a.a", "Mixed", "b.c", "cut"]);
    let data = prop::sample::select(vec![
        "A 192.0.2.2",
        "A 192.0.2.3",
        "A 192.0.2.4",
        "CNAME www",
        "CNAME other",
        "MX 10 mail.example.",
        "MX 10 Mail.Example.",
        "TXT x",
        "NS ns",
        "NS ns.elsewhere.test.",
        "NS ns.cut",
        "SOA ns hostmaster 6 1 1 1 1",
        "SOA ns hostmaster 7 1 1 1 1",
        "SOA ns hostmaster 8 1 1 1 1",
        "SOA ns hostmaster 9 1 1 1 1",
        "WKS 192.0.2.1 TCP 25",
        "WKS 192.0.2.1 TCP 53",
        "WKS 192.0.2.1 UDP 53",
        "KEY 0 3 5 AAAA",
    ]);
    let form = prop_oneof![
        20 => Just(("IN", true)), 10 => Just(("NONE", true)), 6 => Just(("ANY", false)), 6 => Just(("NONE", false)),
        1 => Just(("IN", false)), 1 => Just(("ANY", true)), 1 => Just(("CH", true)),
    ];
    let whole = prop_oneof![12 => Just(None), 2 => Just(Some("ANY")), 1 => Just(Some("AXFR"))];
    let ttl = prop_oneof![3 => Just(ttl), 1 => Just("60")];
    let outside = prop::bool::weighted(0.02);
    (owner, data, form, whole, ttl, outside).prop_map(|(owner, data, (class, has_rdata), whole, ttl, is_outside)| {
        let owner = if is_outside { "www.elsewhere." } else { owner };
        let ttl = if class == "IN" { ttl } else { "0" };
        let rtype = whole.unwrap_or(data.split_once(' ').unwrap().0);
        let rdata = data.split_once(' ').unwrap().1;
        match has_rdata && whole.is_none() {
            true => record(&format!("{owner} {ttl} {class} {rtype} {rdata}")),
            false => record(&format!("{owner} {ttl} {class} {rtype}")),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_update_does_what_the_pseudocode_does(
        prerequisites in prop::collection::vec(any_prerequisite(), 0..3),
        records in prop::collection::vec(any_record(), 0..8),
    ) {
        let segment = segment(ZONE);
        let mut model = model::Model::of(&zone(&segment));
        let expected = model.update(&prerequisites, &records);
        let asked = Update { apex: apex(), prerequisites, records, serial: SerialPolicy::Increment };
        let mut actual = model::Model::of(&zone(&segment));
        let outcome = update(&zone(&segment), None, &asked, NOW).map(|resolution| {
            resolution.change.into_iter().for_each(|change| actual.take(change.owners));
        });
        prop_assert_eq!(outcome.map_err(|refused| refused.rcode), expected);
        prop_assert_eq!(actual, model);
    }
}
