//! Edits on zones in memory: what is refused and in which words, and the outcome of others beside a plain map of records.

use std::collections::BTreeMap;
use std::path::Path;

use dns::change::ChangeSet;
use dns::text::{present, zonefile};
use dns::{SortedZone, types::Rtype};
use proptest::prelude::*;
use zone_segment::{HashKey, LookupName, Segment, SegmentBuffer, SegmentBuilder, ZoneId};

use super::*;

/// 22 November 2026, 12:00:00 UTC.
pub(super) const NOW: u64 = 1_795_348_800;

/// A zone that edits are made on.
pub(super) const ZONE: &str = "\
@ 3600 SOA ns hostmaster 7 1 1 1 1
@ 3600 NS ns
@ 3600 NS ns.elsewhere.test.
ns 3600 A 192.0.2.1
www 300 A 192.0.2.2
www 300 A 192.0.2.3
www 60 AAAA 2001:db8::2
alias 300 CNAME www
d 300 DNAME elsewhere.test.
Mixed 300 MX 10 Mail.Example.
a.b.c 300 TXT x
cut 300 NS ns.cut
ns.cut 300 A 192.0.2.4
";

/// The same, as if signed.
pub(super) const SIGNED: &str = "\
@ 3600 SOA ns hostmaster 7 1 1 1 1
@ 3600 RRSIG SOA 13 1 3600 20300101000000 20260101000000 1 example. AAAA
@ 3600 NS ns
@ 3600 RRSIG NS 13 1 3600 20300101000000 20260101000000 1 example. AAAA
ns 3600 A 192.0.2.1
ns 3600 RRSIG A 13 2 3600 20300101000000 20260101000000 1 example. AAAA
cut 3600 NS ns.cut
ns.cut 3600 A 192.0.2.4
";

/// The zone's name.
pub(super) fn apex() -> Name {
    "example.".parse().unwrap()
}

/// A zone as a segment.
pub(super) fn segment(text: &str) -> Segment<SegmentBuffer> {
    let zone_file = zonefile::read_octets(Path::new("x.zone"), text.as_bytes(), &apex());
    assert_eq!(zone_file.errors, [], "{text}");
    let mut builder = SegmentBuilder::new(HashKey([7; 16]));
    builder.zone(ZoneId(1), apex(), SortedZone::new(apex(), zone_file.columns)).unwrap();
    Segment::open(builder.into_buffer().unwrap()).unwrap()
}

/// The zone of a segment.
pub(super) fn zone(segment: &Segment<SegmentBuffer>) -> Zone<'_, SegmentBuffer> {
    segment.find_zone(&LookupName::new(segment.key(), apex().as_ref())).unwrap()
}

/// An edit of some lines.
fn edit(lines: &str) -> Edit {
    Edit::parse(&apex(), Path::new("c"), lines.as_bytes(), SerialPolicy::Increment).unwrap().0
}

/// What becomes of lines on a zone.
fn resolve_on(text: &str, lines: &str) -> Result<Resolution, EditError> {
    resolve(&zone(&segment(text)), None, &edit(lines), NOW)
}

/// A change set, a record a line.
pub(super) fn lines_of(set: &ChangeSet) -> Vec<String> {
    let line = |sign: char| {
        move |record: &dns::change::ChangedRecord| {
            let shown = present::record(record.owner.as_ref(), record.ttl, record.rtype, &record.rdata);
            format!("{sign}{}", shown.replace(" IN", ""))
        }
    };
    set.removed.iter().map(line('-')).chain(set.added.iter().map(line('+'))).collect()
}

/// The change set of lines on the zone, without its SOA records.
fn changed(lines: &str) -> Vec<String> {
    let change = resolve_on(ZONE, lines).unwrap().change.expect("a change");
    assert_eq!((change.set.from, change.set.to), (7, 8));
    let mut shown = lines_of(&change.set);
    assert_eq!(shown.remove(0), "-example. 3600 SOA ns.example. hostmaster.example. 7 1 1 1 1");
    let soa = "+example. 3600 SOA ns.example. hostmaster.example. 8 1 1 1 1";
    let at = shown.iter().position(|line| line == soa).expect("an SOA record");
    assert!(shown[..at].iter().all(|line| line.starts_with('-')));
    shown.remove(at);
    shown
}

#[test]
fn lines_change_what_they_say() {
    let cases: &[(&str, &[&str])] = &[
        ("add new 60 A 192.0.2.9", &["+new.example. 60 A 192.0.2.9"]),
        ("delete www A 192.0.2.2", &["-www.example. 300 A 192.0.2.2"]),
        ("delete www 5 A 192.0.2.2", &["-www.example. 300 A 192.0.2.2"]),
        ("delete www A", &["-www.example. 300 A 192.0.2.2", "-www.example. 300 A 192.0.2.3"]),
        (
            "delete www\nadd www 60 AAAA 2001:db8::2",
            &["-www.example. 300 A 192.0.2.2", "-www.example. 300 A 192.0.2.3"],
        ),
        // The whole RRset has the TTL that came last.
        ("add www 61 AAAA 2001:DB8::2", &["-www.example. 60 AAAA 2001:db8::2", "+www.example. 61 AAAA 2001:db8::2"]),
        (
            "delete www A 192.0.2.2\nadd www 9 A 192.0.2.3",
            &["-www.example. 300 A 192.0.2.2", "-www.example. 300 A 192.0.2.3", "+www.example. 9 A 192.0.2.3"],
        ),
        // Names are one in any case, and are spelled as they were.
        ("add MIXED 300 TXT a", &["+Mixed.example. 300 TXT \"a\""]),
        ("delete mixed MX 10 mail.example.", &["-Mixed.example. 300 MX 10 Mail.Example."]),
        (
            "delete alias\nadd Alias 300 A 192.0.2.5",
            &["-alias.example. 300 CNAME www.example.", "+alias.example. 300 A 192.0.2.5"],
        ),
    ];
    for (lines, expected) in cases {
        assert_eq!(changed(lines), *expected, "{lines}");
    }
}

#[test]
fn what_changes_nothing_raises_no_serial() {
    for lines in ["", "add www 300 A 192.0.2.2", "delete www A 192.0.2.2\nadd www 300 A 192.0.2.2"] {
        let resolution = resolve_on(ZONE, lines).unwrap();
        assert_eq!((resolution.change, resolution.serial), (None, 7), "{lines}");
    }
}

#[test]
fn lines_that_break_a_rule_are_refused_by_its_name() {
    let cases = [
        (
            "add www 1 CNAME a",
            "c:1:1: error: CNAME and other data at one name: `www.example. A` [cname-and-other-data]",
        ),
        (
            "\nadd alias 1 A 192.0.2.1",
            "c:2:1: error: CNAME and other data at one name: `alias.example. A` [cname-and-other-data]",
        ),
        (
            "add alias 300 CNAME b",
            "c:1:1: error: more than one CNAME at one name: `alias.example. CNAME` [cname-multiple]",
        ),
        ("add a.d 1 A 192.0.2.1", "c:1:1: error: owner below a DNAME: `a.d.example. A` [below-dname]"),
        ("add c 1 DNAME x.", "error: owner below a DNAME: `a.b.c.example. TXT` [below-dname]"),
        ("add d 300 DNAME x.", "c:1:1: error: more than one DNAME at one name: `d.example. DNAME` [dname-multiple]"),
        ("add @ 3600 SOA ns hostmaster 8 1 1 1 1", "c:1:1: error: more than one SOA: `example. SOA` [soa-multiple]"),
        (
            "add www 1 SOA a b 1 1 1 1 1",
            "c:1:1: error: SOA at a name that is not the apex: `www.example. SOA` [soa-below-apex]",
        ),
        ("delete @ SOA", "c: error: no SOA at the apex: `example.` [soa-missing]"),
        ("delete @ NS", "c: error: no NS at the apex: `example.` [ns-missing]"),
        (
            "delete ns",
            "c:0:0: error: name server of the zone without an address in it: `example. NS ns.example.` [ns-without-address] \
             (give it an A or AAAA record, or end its name with a dot if it is elsewhere)",
        ),
        (
            "add @ 3600 NS alias",
            "c:1:1: error: name server of the zone is an alias: `example. NS alias.example.` [ns-to-cname] (name the target of the alias)",
        ),
    ];
    for (lines, expected) in cases {
        let error = resolve_on(ZONE, lines).expect_err(lines).to_string();
        // A record that no line speaks of has no place.
        assert_eq!(error, expected.replace("c:0:0: ", ""), "{lines}");
    }
    // Of several names each is looked below.
    assert!(resolve_on(ZONE, "add a1 1 DNAME x.\nadd c 1 DNAME x.\nadd z 1 DNAME x.").is_err());
    assert!(resolve_on(ZONE, "add a1 1 DNAME x.\nadd z 1 DNAME x.").is_ok());
    // What was below goes in the same edit.
    assert!(resolve_on(ZONE, "delete a.b.c\nadd c 1 DNAME x.").is_ok());
    // A name server's address may come from a wildcard, but not across a name that is there.
    assert!(resolve_on(ZONE, "add * 1 A 192.0.2.1\nadd @ 3600 NS any").is_ok());
    assert!(resolve_on(ZONE, "add * 1 A 192.0.2.1\nadd @ 3600 NS x.b.c").is_err());
}

#[test]
fn a_rule_that_was_broken_before_does_not_stand_in_the_way() {
    let broken = "@ 3600 SOA ns hostmaster 7 1 1 1 1\n@ 3600 NS ns\n";
    assert!(resolve_on(broken, "add www 1 A 192.0.2.1").is_ok());
    assert!(resolve_on(broken, "add @ 3600 NS ns2").is_err());
}

#[test]
fn what_is_not_there_cannot_be_deleted() {
    let error =
        resolve_on(ZONE, "delete www A 192.0.2.9\nadd b 1 A 192.0.2.1\n delete gone\ndelete www MX").unwrap_err();
    let expected = "\
c:1:1: error: expected something to delete, found none of it: `www.example. A 192.0.2.9`
c:3:2: error: expected something to delete, found none of it: `gone.example.`
c:4:1: error: expected something to delete, found none of it: `www.example. MX`";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn an_soa_that_is_brought_goes_forward() {
    let soa = |serial: u32| format!("delete @ SOA\nadd @ 3600 SOA ns hostmaster {serial} 1 1 1 1\n");
    let resolution = resolve_on(ZONE, &soa(9)).unwrap();
    assert_eq!(lines_of(&resolution.change.unwrap().set).len(), 2);
    assert_eq!(resolution.serial, 9);
    let error = resolve_on(ZONE, &soa(6)).unwrap_err().to_string();
    assert!(error.contains("a serial after 7 (RFC 1982), found 6"), "{error}");
    // Of the same one only the TTL changed: the serial is raised.
    let resolution = resolve_on(ZONE, "delete @ SOA\nadd @ 60 SOA ns hostmaster 7 1 1 1 1").unwrap();
    assert_eq!(resolution.serial, 8);
}

#[test]
fn later_edits_see_what_is_gathered() {
    let segment = segment(ZONE);
    let zone = zone(&segment);
    let mut gathered = Gathered::default();
    let mut serials = Vec::new();
    for lines in
        ["add new 60 A 192.0.2.9", "delete new A 192.0.2.9", "add NEW 60 TXT a", "delete d\nadd x.d 1 A 192.0.2.1"]
    {
        let resolution = resolve(&zone, Some(&gathered.owners), &edit(lines), NOW).unwrap();
        let change = resolution.change.unwrap();
        serials.push((change.set.from, change.set.to));
        gathered.push(change);
    }
    assert_eq!(serials, [(7, 8), (8, 9), (9, 10), (10, 11)]);
    assert_eq!(gathered.sets.len(), 4);
    let spelled: Vec<String> = gathered.owners.keys().map(ToString::to_string).collect();
    assert_eq!(spelled, ["example.", "d.example.", "x.d.example.", "NEW.example."]);
    assert!(resolve(&zone, Some(&gathered.owners), &edit("delete new A 192.0.2.9"), NOW).is_err());
}

#[test]
fn a_signed_zone_changes_with_its_signatures_alone() {
    let rrsig = |name: &str, covered: &str| {
        format!("add {name} 3600 RRSIG {covered} 13 1 3600 20310101000000 20260101000000 1 example. BBBB\n")
    };
    let soa = "delete @ SOA\nadd @ 3600 SOA ns hostmaster 8 1 1 1 1\n".to_owned();
    let unsigned = |lines: String| match resolve_on(SIGNED, &lines) {
        Err(EditError::Unsigned { owner, rtype }) => format!("{owner} {rtype}"),
        other => panic!("{lines}: {other:?}"),
    };
    let address = "add ns 3600 AAAA 2001:db8::1\n";
    assert_eq!(unsigned(address.to_owned()), "example. SOA");
    assert_eq!(unsigned(soa.clone()), "example. SOA");
    assert_eq!(unsigned(soa.clone() + &rrsig("@", "SOA") + address), "ns.example. AAAA");
    assert_eq!(unsigned(soa.clone() + &rrsig("@", "SOA") + "add ns 3600 A 192.0.2.2"), "ns.example. A");
    // Below a cut nothing is signed, nor is a cut itself.
    let below = "add ns.cut 3600 A 192.0.2.9\nadd cut 3600 NS ns\n";
    let whole = soa + &rrsig("@", "SOA") + below + address + &rrsig("ns", "AAAA");
    let change = resolve_on(SIGNED, &whole).unwrap().change.unwrap();
    // The signature of the old SOA record is gone without a line that says so.
    let removed: Vec<String> = lines_of(&change.set).into_iter().filter(|line| line.starts_with('-')).collect();
    assert_eq!(removed.len(), 2, "{removed:?}");
    assert!(removed[1].starts_with("-example. 3600 RRSIG SOA"), "{removed:?}");
}

#[test]
fn what_a_cut_hid_is_signed_once_it_is_gone() {
    let soa = "delete @ SOA\nadd @ 3600 SOA ns hostmaster 8 1 1 1 1\n\
               add @ 3600 RRSIG SOA 13 1 3600 20310101000000 20260101000000 1 example. BBBB\n";
    let error = resolve_on(SIGNED, &format!("{soa}delete cut")).unwrap_err();
    assert!(matches!(&error, EditError::Unsigned { owner, .. } if owner.to_string() == "ns.cut.example."), "{error}");
    assert!(resolve_on(SIGNED, &format!("{soa}delete cut\ndelete ns.cut")).is_ok());
    // Also where another edit, not published yet, put it there.
    let segment = segment(SIGNED);
    let zone = zone(&segment);
    let first = resolve(&zone, None, &edit(&format!("{soa}add b.cut 3600 A 192.0.2.9")), NOW).unwrap();
    let mut gathered = Gathered::default();
    gathered.push(first.change.unwrap());
    let later = soa.replace(" 8 1", " 9 1").replace("delete @ SOA", "delete @ SOA\ndelete cut\ndelete ns.cut");
    let error = resolve(&zone, Some(&gathered.owners), &edit(&later), NOW).unwrap_err();
    assert!(matches!(&error, EditError::Unsigned { owner, .. } if owner.to_string() == "b.cut.example."), "{error}");
}

#[test]
fn a_change_is_shown_and_counted() {
    let change =
        resolve_on(ZONE, "add new 60 A 192.0.2.9\nadd b 60 A 192.0.2.9\ndelete alias").unwrap().change.unwrap();
    assert_eq!(counts(&change.set), (2, 1));
    let shown = shown(&change.set, 3);
    assert_eq!((shown.zone.as_str(), shown.generation, shown.from, shown.to), ("example.", 3, 7, 8));
    assert_eq!(shown.removed[1], "alias.example. 300 IN CNAME www.example.");
    assert_eq!(shown.added.len(), 3);
}

#[test]
fn a_digest_of_another_serial_is_refused() {
    let digest = |serial: u32| format!("@ 3600 ZONEMD {serial} 1 1 {}\n", "00".repeat(48));
    let text = format!("{ZONE}{}", digest(7));
    let error = resolve_on(&text, "add new 1 A 192.0.2.1").unwrap_err();
    assert!(matches!(error, EditError::Digest { expected: 8, found: 7, .. }), "{error}");
    assert!(resolve_on(&text, "add new 1 A 192.0.2.1\ndelete @ ZONEMD").is_ok());
    let replaced = format!("add new 1 A 192.0.2.1\ndelete @ ZONEMD\nadd {}", digest(8));
    assert!(resolve_on(&text, &replaced).is_ok());
}

#[test]
fn a_difference_has_the_serial_that_is_asked_for() {
    let (old, new) = (segment(ZONE), segment(&ZONE.replace(" 7 1", " 5 1").replace("192.0.2.2", "192.0.2.7")));
    let raised = NewSerial::Raise(SerialPolicy::Increment, NOW);
    let change = difference(&zone(&old), &zone(&new), raised).unwrap().unwrap();
    let expected = [
        "-example. 3600 SOA ns.example. hostmaster.example. 7 1 1 1 1",
        "-www.example. 300 A 192.0.2.2",
        "+example. 3600 SOA ns.example. hostmaster.example. 8 1 1 1 1",
        "+www.example. 300 A 192.0.2.7",
    ];
    assert_eq!(lines_of(&change.set), expected);
    let kept = difference(&zone(&old), &zone(&new), NewSerial::Keep).unwrap().unwrap();
    assert_eq!((kept.set.from, kept.set.to), (7, 5));
    // The same but for its serial.
    let new = segment(&ZONE.replace(" 7 1", " 5 1"));
    assert_eq!(difference(&zone(&old), &zone(&new), raised).unwrap(), None);
    assert!(difference(&zone(&old), &zone(&new), NewSerial::Keep).unwrap().is_some());
    let signed = segment(SIGNED);
    assert!(matches!(difference(&zone(&old), &zone(&signed), raised), Err(EditError::Unsigned { .. })));
}

/// A plain zone: the TTL of each record, by owner, type and RDATA as text.
type Model = BTreeMap<(String, String, String), u32>;

/// What a model is made of: owners, types and RDATA that meet often.
fn record() -> impl Strategy<Value = (String, String, String, u32)> {
    let owner = prop::sample::select(vec!["a", "A", "b.a", "c", "d.c"]);
    let data = prop::sample::select(vec![
        ("A", "192.0.2.1"),
        ("A", "192.0.2.2"),
        ("MX", "1 Mail.example."),
        ("MX", "1 mail.example."),
        ("TXT", "\"x\""),
        ("TXT", "\"X\""),
    ]);
    let ttl = prop::sample::select(vec![60_u32, 300]);
    (owner, data, ttl).prop_map(|(owner, (rtype, rdata), ttl)| (owner.into(), rtype.into(), rdata.into(), ttl))
}

/// The key of a record in a model: MX records are the same in any case, TXT records are not.
fn key(owner: &str, rtype: &str, rdata: &str) -> (String, String, String) {
    let rdata = if rtype == "MX" { rdata.to_ascii_lowercase() } else { rdata.to_owned() };
    (owner.to_ascii_lowercase(), rtype.to_owned(), rdata)
}

/// Adds a record to a model, whose whole RRset then has its TTL.
fn put(model: &mut Model, owner: &str, rtype: &str, rdata: &str, ttl: u32) {
    let key = key(owner, rtype, rdata);
    model.insert(key.clone(), ttl);
    model.iter_mut().filter(|(other, _)| (&other.0, &other.1) == (&key.0, &key.1)).for_each(|(_, other)| *other = ttl);
}

/// A zone with the records of a model.
fn text_of(model: &Model) -> String {
    let head = "@ 3600 SOA ns.test. h 7 1 1 1 1\n@ 3600 NS ns.test.\n".to_owned();
    model.iter().fold(head, |text, ((owner, rtype, rdata), ttl)| text + &format!("{owner} {ttl} {rtype} {rdata}\n"))
}

/// The model of a zone with a change, apex left out.
fn model_of(zone: &Zone<'_, SegmentBuffer>, change: Option<&ZoneChange>) -> Model {
    let mut owners: OwnerChanges = OwnerChanges::new();
    for node in zone.nodes() {
        let of_rrset = |rrset: zone_segment::Rrset<'_>| {
            let (rtype, ttl) = (rrset.rtype(), rrset.ttl());
            rrset.rdata().map(|rdata| zone_segment::OwnedRecord { rtype, ttl, rdata: rdata.into() }).collect::<Vec<_>>()
        };
        owners.insert(node.name().to_name(), node.rrsets().flat_map(of_rrset).collect());
    }
    if let Some(change) = change {
        merge(&mut owners, change.owners.clone());
    }
    owners.remove(&apex());
    let mut model = Model::new();
    for (owner, records) in owners {
        let owner = owner.to_string();
        let owner = owner.strip_suffix(".example.").expect("an owner below the apex");
        for record in records {
            let rtype = Rtype(record.rtype);
            let (rtype, rdata) = (rtype.to_string(), present::rdata(rtype, &record.rdata));
            model.insert(key(owner, &rtype, &rdata), record.ttl);
        }
    }
    model
}

/// Carries a change set out on a model: each record that goes is there, none that comes is.
fn carry_out(model: &mut Model, set: &ChangeSet) {
    let key_of = |record: &dns::change::ChangedRecord| {
        let owner = record.owner.to_string();
        let owner = owner.strip_suffix(".example.").unwrap_or_default();
        key(owner, &record.rtype.to_string(), &present::rdata(record.rtype, &record.rdata))
    };
    for record in set.removed.iter().filter(|record| record.owner != apex()) {
        assert_eq!(model.remove(&key_of(record)), Some(record.ttl), "{record:?}");
    }
    for record in set.added.iter().filter(|record| record.owner != apex()) {
        assert_eq!(model.insert(key_of(record), record.ttl), None, "{record:?}");
    }
}

/// A model.
fn model() -> impl Strategy<Value = Model> {
    prop::collection::vec(record(), 0..8).prop_map(|records| {
        let mut model = Model::new();
        records.iter().for_each(|(owner, rtype, rdata, ttl)| put(&mut model, owner, rtype, rdata, *ttl));
        model
    })
}

proptest! {
    #[test]
    fn edits_do_what_they_would_to_a_plain_map(
        base in model(),
        edits in prop::collection::vec(prop::collection::vec((0..4_u8, record()), 0..6), 1..4),
    ) {
        let segment = segment(&text_of(&base));
        let zone = zone(&segment);
        let (mut model, mut gathered) = (base, Gathered::default());
        for lines in edits {
            let (mut after, mut text, mut is_sound) = (model.clone(), String::new(), true);
            for (verb, (owner, rtype, rdata, ttl)) in &lines {
                let before = after.len();
                let of_owner = owner.to_ascii_lowercase();
                text += &match verb {
                    0 | 1 => {
                        put(&mut after, owner, rtype, rdata, *ttl);
                        format!("add {owner} {ttl} {rtype} {rdata}\n")
                    }
                    2 => {
                        is_sound &= after.remove(&key(owner, rtype, rdata)).is_some();
                        format!("delete {owner} {rtype} {rdata}\n")
                    }
                    _ if *ttl == 60 => {
                        after.retain(|key, _| (&key.0, &key.1) != (&of_owner, rtype));
                        is_sound &= after.len() < before;
                        format!("delete {owner} {rtype}\n")
                    }
                    _ => {
                        after.retain(|key, _| key.0 != of_owner);
                        is_sound &= after.len() < before;
                        format!("delete {owner}\n")
                    }
                };
            }
            match resolve(&zone, Some(&gathered.owners), &edit(&text), NOW) {
                Ok(Resolution { change, serial, .. }) => {
                    prop_assert!(is_sound, "{text}");
                    prop_assert!(change.is_some() || model == after, "{text}");
                    if let Some(change) = change {
                        // Of a record that went and came back in another case the spelling alone changes, which a model does not know.
                        let shown = lines_of(&change.set);
                        let of = |sign| {
                            let lines = shown.iter().filter(|line| !line.contains(" SOA "));
                            let lines = lines.filter_map(|line| line.strip_prefix(sign));
                            lines.map(str::to_ascii_lowercase).collect::<std::collections::BTreeSet<_>>()
                        };
                        let is_respelled = of('-') == of('+');
                        prop_assert!(model != after || is_respelled, "{text}");
                        prop_assert_eq!(change.set.to, serial);
                        carry_out(&mut model, &change.set);
                        gathered.push(change);
                    }
                    prop_assert_eq!(&model, &after);
                }
                Err(error) => prop_assert!(!is_sound, "{error}\n{text}"),
            }
            let change = ZoneChange {
                set: ChangeSet { apex: apex(), from: 0, to: 0, removed: Vec::new(), added: Vec::new() },
                owners: gathered.owners.clone(),
            };
            prop_assert_eq!(&model_of(&zone, Some(&change)), &model);
        }
    }

    #[test]
    fn a_difference_leads_from_one_zone_to_the_other(old in model(), new in model()) {
        let segments = (segment(&text_of(&old)), segment(&text_of(&new)));
        let zones = (zone(&segments.0), zone(&segments.1));
        let change = difference(&zones.0, &zones.1, NewSerial::Raise(SerialPolicy::Date, NOW)).unwrap();
        prop_assert_eq!(change.is_some(), old != new);
        let mut model = old;
        if let Some(change) = &change {
            carry_out(&mut model, &change.set);
            prop_assert_eq!((change.set.from, change.set.to), (7, 2_026_112_200));
        }
        prop_assert_eq!(&model, &new);
        prop_assert_eq!(&model_of(&zones.0, change.as_ref()), &new);
    }

    #[test]
    fn changes_of_a_primary_are_made_to_the_letter(versions in prop::collection::vec(model(), 2..5), place in any::<prop::sample::Index>()) {
        let segments: Vec<_> = versions.iter().map(|version| segment(&text_of(version))).collect();
        let zones: Vec<_> = segments.iter().map(zone).collect();
        let mut sets: Vec<ChangeSet> = Vec::new();
        for pair in zones.windows(2) {
            let raised = NewSerial::Raise(SerialPolicy::Increment, NOW);
            let Some(ZoneChange { mut set, .. }) = difference(&pair[0], &pair[1], raised).unwrap() else { continue };
            let by = u32::try_from(sets.len()).unwrap();
            (set.from, set.to) = (set.from + by, set.to + by);
            for (soa, serial) in [(&mut set.removed[0], set.from), (&mut set.added[0], set.to)] {
                let at = soa.rdata.len() - 20;
                soa.rdata[at..at + 4].copy_from_slice(&serial.to_be_bytes());
            }
            sets.push(set);
        }
        let mut gathered = Gathered::default();
        transferred(&zones[0], None, &sets, true).unwrap().into_iter().for_each(|change| gathered.push(change));
        prop_assert_eq!(&gathered.sets, &sets);
        let set = ChangeSet { apex: apex(), from: 0, to: 0, removed: Vec::new(), added: Vec::new() };
        let change = ZoneChange { set, owners: gathered.owners };
        prop_assert_eq!(Some(&model_of(&zones[0], Some(&change))), versions.last());
        if sets.is_empty() {
            return Ok(());
        }
        // What is left out, or there twice, is found.
        let place = place.index(sets.len());
        let mut wrong = sets.clone();
        wrong.remove(place);
        prop_assert_eq!(transferred(&zones[0], None, &wrong, true).is_err(), place + 1 < sets.len());
        for is_added in [false, true] {
            let mut wrong = sets.clone();
            let records = if is_added { &mut wrong[place].added } else { &mut wrong[place].removed };
            records.extend(records.last().cloned());
            prop_assert!(transferred(&zones[0], None, &wrong, true).is_err());
        }
    }
}
