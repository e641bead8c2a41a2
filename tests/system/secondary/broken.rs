//! Streams that are broken, in every way: nothing of them is served, what is served stays, and the reason is told (B79).

use std::io::Write;
use std::time::Duration;

use dns::tsig::Algorithm;

use super::hostile::{AXFR, Act, Hostile, IXFR, SOA, Script, Sent, act, refuses, sends};
use super::primary::KEY;
use super::{Secondary, key, remote, zone};

/// The zone.
const ZONE: &str = "z.test.";

/// The serial that is served while primaries go wrong.
const SERVED: u32 = 10;

/// The records of a version of the zone between its SOA records.
fn content(serial: u32) -> Vec<Sent> {
    let mut records = vec![Sent::ns(ZONE, "ns.z.test."), Sent::a("ns.z.test.", 53)];
    records.extend((0..20).map(|host| Sent::a(&format!("host{host}.z.test."), u8::try_from(serial % 200).unwrap())));
    records
}

/// The SOA record of a serial.
fn soa(serial: u32) -> Sent {
    Sent::soa(ZONE, serial)
}

/// A version of the zone as it is sent, in two messages.
fn whole(serial: u32) -> Vec<Vec<Sent>> {
    let (mut first, mut second) = (vec![soa(serial)], content(serial));
    first.extend(second.drain(..5));
    second.push(soa(serial));
    vec![first, second]
}

/// One that gives this version away as a whole, and no changes.
fn sound(serial: u32) -> Script {
    Script { soa: soa(serial), axfr: sends(whole(serial)), ixfr: refuses(4) }
}

/// One that says it has a newer version, and does this instead of giving it away.
fn gives(axfr: Act) -> Script {
    Script { soa: soa(SERVED + 1), axfr, ixfr: refuses(4) }
}

/// A version of the zone with other records in the place of one.
fn with(place: usize, others: Vec<Sent>) -> Vec<Vec<Sent>> {
    let mut messages = whole(SERVED + 1);
    messages[1].splice(place..=place, others);
    messages
}

/// The place of the SOA record at the end, in the second message.
const END: usize = 17;

/// Sends these messages and closes the connection.
fn cut(messages: Vec<Vec<Sent>>) -> Act {
    act(move |talk| talk.send_records(&messages))
}

/// Sends the first message, then one that is changed by this.
fn mangled(mangle: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> Act {
    act(move |talk| {
        talk.send_records(&whole(SERVED + 1)[..1]);
        let mut message = talk.message(&whole(SERVED + 1)[1]);
        mangle(&mut message);
        talk.send(message);
        talk.wait();
    })
}

/// A server on the zone, whose primaries have given version [`SERVED`] away.
fn serving(primaries: &[&Hostile], key_name: Option<&str>) -> Secondary {
    let names = ["first", "second", "third"];
    let tables = key_name.map(|name| key(name, "hmac-sha256")).unwrap_or_default();
    let remotes = names.iter().zip(primaries).map(|(name, primary)| remote(name, primary.address, key_name));
    let tables = tables + &remotes.collect::<String>() + &zone(ZONE, &names[..primaries.len()], "");
    let secondary = Secondary::start(&tables);
    secondary.until_serial(ZONE, SERVED);
    secondary
}

/// Everything that a stream of a whole zone can be broken by, and what is said of it.
fn broken_zones() -> Vec<(&'static str, Act)> {
    let place = 3;
    let host = |last| Sent::a("host9.z.test.", last);
    vec![
        ("found the end after 6 records", cut(whole(SERVED + 1)[..1].to_vec())),
        ("found the end after 23 records", cut(with(END, vec![]))),
        ("an answer with the id of the query", mangled(|message| message[0] ^= 1)),
        ("an answer with the id of the query", mangled(|message| message[2] &= 0x7f)),
        ("an answer with the question that was asked", mangled(|message| message[13] ^= 1)),
        ("an answer that is not truncated", mangled(|message| message[2] |= 2)),
        ("asked for AXFR, found SERVFAIL", mangled(|message| message[3] |= 2)),
        ("expected a message", mangled(|message| message.truncate(7))),
        ("message", mangled(|message| message.truncate(50))),
        ("message", mangled(|message| message.extend(b"garbage"))),
        ("message", mangled(|message| message[7] = 200)),
        ("expected names in the zone, found other.test. SOA", sends(vec![vec![Sent::soa("other.test.", 11)]])),
        ("expected the zone's SOA record first, found z.test. NS", sends(vec![content(1)])),
        ("expected serial 11 or a newer one", sends(whole(SERVED - 1))),
        ("found another one, of serial 12", sends(with(END, vec![soa(12)]))),
        ("found host9.other.test. A", sends(with(place, vec![Sent::a("host9.other.test.", 1)]))),
        ("records of class IN, found host9.z.test. CH", sends(with(place, vec![Sent { class: 3, ..host(1) }]))),
        ("SOA records at the apex alone", sends(with(place, vec![Sent::soa("host9.z.test.", 11)]))),
        ("a type that no zone has", sends(with(place, vec![Sent::new("host9.z.test.", 250, &[])]))),
        ("a type that no zone has", sends(with(place, vec![Sent::new("host9.z.test.", 41, &[])]))),
        ("RDATA of its type", sends(with(place, vec![Sent::new("host9.z.test.", 1, &[192, 0, 2])]))),
        ("nothing behind the SOA record at the end", sends(with(END, vec![soa(11), host(1)]))),
        ("an NS record at the apex, found none", sends(vec![vec![soa(11), host(1), soa(11)]])),
        ("host9.z.test.", sends(with(place, vec![Sent::new("host9.z.test.", 5, b"\x01a\0"), host(1)]))),
        ("asked for AXFR, found REFUSED", refuses(5)),
        ("asked for AXFR, found NOTAUTH", refuses(9)),
        ("expected", act(|talk| drop(talk.connection.shutdown(std::net::Shutdown::Both)))),
    ]
}

#[test]
fn b79_nothing_of_a_broken_zone_is_served() {
    let primary = Hostile::start(sound(SERVED), None);
    let secondary = serving(&[&primary], None);
    let before = secondary.records(ZONE);
    assert_eq!(before.len(), 23);
    for (number, (expected, axfr)) in broken_zones().into_iter().enumerate() {
        primary.follow(gives(axfr));
        let said = secondary.refresh(ZONE).expect_err(expected);
        assert!(said.contains(expected), "case {number}: expected {expected:?}, found {said}");
        assert!(said.contains(&primary.address.to_string()), "{said}");
        let listed = secondary.listed(ZONE);
        assert!(listed["error"].as_str().unwrap().contains(expected), "case {number}: {listed}");
        assert_eq!(listed["state"], "stale", "{listed}");
        assert_eq!(secondary.records(ZONE), before, "case {number}: {expected}");
    }
    let log = secondary.server.log();
    assert_eq!(log.matches("transfer-failed").count(), broken_zones().len(), "each is told once");
    // What is sound is taken, and the error is over.
    primary.follow(sound(SERVED + 2));
    assert_eq!(secondary.refresh(ZONE), Ok(u64::from(SERVED + 2)));
    assert_eq!(secondary.listed(ZONE)["error"], serde_json::Value::Null);
    assert_ne!(secondary.records(ZONE), before);
}

#[test]
fn b79_the_next_primary_is_tried() {
    let (first, second) = (Hostile::start(sound(SERVED), None), Hostile::start(sound(SERVED), None));
    let secondary = serving(&[&first, &second], None);
    for (step, broken) in [cut(whole(11)[..1].to_vec()), refuses(2), sends(vec![content(1)])].into_iter().enumerate() {
        let serial = SERVED + 1 + u32::try_from(step).unwrap();
        first.follow(Script { soa: soa(serial), ..gives(broken) });
        second.follow(sound(serial));
        assert_eq!(secondary.refresh(ZONE), Ok(u64::from(serial)));
        assert_eq!(first.asked(), [SOA, IXFR, AXFR]);
        assert_eq!(second.asked(), [SOA, IXFR, AXFR]);
        assert_eq!(secondary.listed(ZONE)["error"], serde_json::Value::Null, "the round came to a good end");
    }
    // One whose data is older than what is served is passed over, too.
    let serial = u64::from(SERVED + 4);
    first.follow(sound(SERVED - 1));
    second.follow(sound(SERVED + 4));
    assert_eq!(secondary.refresh(ZONE), Ok(serial));
    assert_eq!(first.asked(), [SOA]);
    assert!(secondary.server.log().contains("the primary has older data than is served here"));
    // By word of an operator it is taken.
    assert_eq!(secondary.retransfer(ZONE), Ok(u64::from(SERVED - 1)));
    secondary.until_serial(ZONE, SERVED - 1);
}

/// Changes from one serial to the next, broken in every way there is.
fn broken_changes() -> Vec<(&'static str, Vec<Sent>)> {
    let (old, new, newest) = (soa(SERVED), soa(SERVED + 1), soa(SERVED + 1));
    let host = |last| Sent::a("host3.z.test.", last);
    let change =
        |removed: Sent, added: Sent| vec![newest.clone(), old.clone(), removed, new.clone(), added, newest.clone()];
    let there = || host(u8::try_from(SERVED).unwrap());
    let many = |end: u32| -> Vec<Sent> {
        // Each a change by itself, and never an end.
        std::iter::once(soa(end)).chain((SERVED..end).flat_map(|serial| [soa(serial), soa(serial + 1)])).collect()
    };
    vec![
        ("one that removes what is not there", change(host(99), host(1))),
        ("one that adds what is there", change(there(), Sent::a("host4.z.test.", 10))),
        (
            "expected changes from serial 10 on",
            vec![newest.clone(), soa(9), there(), new.clone(), host(1), new.clone()],
        ),
        ("expected a change from serial 11", vec![soa(13), old.clone(), new.clone(), soa(12), soa(13), soa(13)]),
        ("expected changes to newer serials", vec![soa(13), old.clone(), soa(8), soa(8), soa(13), soa(13)]),
        ("expected names in the zone", change(there(), Sent::a("host3.other.test.", 1))),
        ("expected nothing behind the SOA record", [change(there(), host(1)), vec![host(2)]].concat()),
        ("65536 changes", many(SERVED + 70_000)),
        // It may be a stream of the changes that were asked for, but leaves no zone.
        ("NS", change(Sent::ns(ZONE, "ns.z.test."), host(1))),
        ("CNAME", change(there(), Sent::new("host4.z.test.", 5, b"\x01a\0"))),
    ]
}

/// Records in messages of so many.
fn in_messages(records: &[Sent]) -> Vec<Vec<Sent>> {
    records.chunks(500).map(<[Sent]>::to_vec).collect()
}

#[test]
fn b79_where_changes_are_broken_the_whole_zone_is_asked_for() {
    let primary = Hostile::start(sound(SERVED), None);
    let mut secondary = serving(&[&primary], None);
    for (expected, records) in broken_changes() {
        let newest = u32::from_be_bytes(*records[0].rdata[records[0].rdata.len() - 20..].first_chunk().unwrap());
        // Neither gives anything.
        let ixfr = sends(in_messages(&records));
        primary.follow(Script { soa: soa(newest), ixfr: ixfr.clone(), axfr: refuses(2) });
        let said = secondary.refresh(ZONE).expect_err(expected);
        assert!(said.contains("asked for AXFR, found SERVFAIL"), "{said}");
        let asked = primary.asked();
        assert!(asked.starts_with(&[SOA, IXFR]) && asked.ends_with(&[AXFR]), "{expected}: {asked:?}");
        assert_eq!(secondary.server.wire().serial(ZONE), Some(SERVED), "{expected}");
        let log = secondary.server.log();
        assert!(log.contains("transfer-whole-instead") && log.contains(expected), "{expected}");
        // The whole zone does.
        primary.follow(Script { soa: soa(newest), ixfr, axfr: sends(whole(newest)) });
        assert_eq!(secondary.refresh(ZONE), Ok(u64::from(newest)), "{expected}");
        assert_eq!(secondary.records(ZONE).len(), 23, "{expected}");
        // Back to where it was, by word of an operator; or else the next case would begin elsewhere.
        primary.follow(sound(SERVED));
        assert_eq!(secondary.retransfer(ZONE), Ok(u64::from(SERVED)), "{expected}");
    }
    // All of it is as it was after a restart.
    let before = secondary.records(ZONE);
    secondary = secondary.restart();
    assert_eq!(secondary.records(ZONE), before);
}

#[test]
fn b79_a_primary_that_sends_an_octet_a_second_holds_nothing_up() {
    let trickle = act(|talk| {
        talk.send_records(&whole(SERVED + 1)[..1]);
        let message = talk.message(&whole(SERVED + 1)[1]);
        let octets = [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], &message].concat();
        for octet in octets {
            if talk.connection.write_all(&[octet]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    });
    let (first, second) = (Hostile::start(sound(SERVED), None), Hostile::start(sound(SERVED), None));
    let secondary = serving(&[&first, &second], None);
    first.follow(gives(trickle));
    second.follow(sound(SERVED + 1));
    // Within the time for one message, 30 s, the other one is asked.
    assert_eq!(secondary.refresh(ZONE), Ok(u64::from(SERVED + 1)));
    assert!(secondary.server.log().contains("found nothing in 30 s"), "{}", secondary.server.log());
}

#[test]
fn b79_what_is_not_signed_as_it_should_be_is_not_taken() {
    let secret = dns_secret();
    let known = Some((KEY.0, Algorithm::HmacSha256, &secret[..]));
    let primary = Hostile::start(sound(SERVED), known);
    let secondary = serving(&[&primary], Some(KEY.0));
    let unsigned_all = act(|talk| {
        whole(SERVED + 1).iter().for_each(|records| talk.send_unsigned(&talk.message(records)));
        talk.wait();
    });
    let unsigned_tail = act(|talk| {
        talk.send_records(&whole(SERVED + 1)[..1]);
        let message = talk.message(&whole(SERVED + 1)[1]);
        talk.send_unsigned(&message);
        talk.wait();
    });
    // As many as there may be, then one more.
    let unsigned_many = act(|talk| {
        talk.send_records(&[vec![soa(SERVED + 1)]]);
        for _ in 0..100 {
            let message = talk.message(&[]);
            talk.send_unsigned(&message);
        }
        talk.send_records(&[[content(SERVED + 1), vec![soa(SERVED + 1)]].concat()]);
        talk.wait();
    });
    let forged = act(|talk| {
        let messages = [vec![soa(SERVED + 1)], content(SERVED + 1), vec![soa(SERVED + 1)]];
        talk.send_records(&messages[..1]);
        let mut forged = talk.signed(talk.message(&messages[1]));
        // The last octet of its MAC.
        let place = forged.len() - 7;
        forged[place] ^= 1;
        talk.send_unsigned(&forged);
        talk.send_records(&messages[2..]);
        talk.wait();
    });
    for (expected, axfr) in [
        ("expected a signed answer, found one without", unsigned_all),
        ("expected a signature with the last message", unsigned_tail),
        ("expected a signature, found none in 100 messages", unsigned_many),
        ("the signature is another than expected", forged),
    ] {
        primary.follow(gives(axfr));
        let said = secondary.refresh(ZONE).expect_err(expected);
        assert!(said.contains(expected), "{said}");
        assert_eq!(secondary.server.wire().serial(ZONE), Some(SERVED));
    }
    primary.follow(sound(SERVED + 1));
    assert_eq!(secondary.refresh(ZONE), Ok(u64::from(SERVED + 1)));
    // One that does not know the key, and one with another secret.
    for (other, expected) in [(None, "expected a signed answer"), (Some(&b"quite another secret"[..]), "NOTAUTH")] {
        let other = other.map(|secret| (KEY.0, Algorithm::HmacSha256, secret));
        let primary = Hostile::start(sound(SERVED), other);
        let tables =
            key(KEY.0, "hmac-sha256") + &remote("first", primary.address, Some(KEY.0)) + &zone(ZONE, &["first"], "");
        let secondary = Secondary::start(&tables);
        let said = secondary.refresh(ZONE).unwrap_err();
        assert!(said.contains(expected) || said.contains("signed answer"), "{said}");
        assert_eq!(secondary.listed(ZONE)["state"], "broken");
    }
}

/// The key's secret.
fn dns_secret() -> Vec<u8> {
    b"secret secret secret".to_vec()
}
