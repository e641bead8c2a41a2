//! When primaries are asked, when what they gave away is too old, and what a restart keeps of both.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hickory_proto::op::ResponseCode;

use super::hostile::{Hostile, SOA, Script, Sent, act, refuses, sends};
use super::primary::free_address;
use super::{Secondary, remote, zone};
use crate::harness::{until, within};
use crate::updates::rcode;

/// The zone.
const ZONE: &str = "z.test.";

/// One that gives a zone of this serial away, with these intervals: refresh, retry, expire.
fn script(serial: u32, intervals: [u32; 3]) -> Script {
    let soa = Sent::soa_of(ZONE, serial, intervals);
    let zone = vec![soa.clone(), Sent::ns(ZONE, "ns.test."), Sent::a("host.z.test.", 1), soa.clone()];
    Script { soa, axfr: sends(vec![zone]), ixfr: refuses(4) }
}

/// One that says of itself that it has something new and does not give it away.
fn silent(serial: u32, intervals: [u32; 3]) -> Script {
    Script { axfr: refuses(2), ..script(serial, intervals) }
}

/// The tables of a zone with these primaries.
fn tables(primaries: &[&Hostile]) -> String {
    let names = ["first", "second", "third"];
    let remotes = names.iter().zip(primaries).map(|(name, primary)| remote(name, primary.address, None));
    remotes.collect::<String>() + &zone(ZONE, &names[..primaries.len()], "")
}

/// The time in seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn primaries_are_asked_by_the_intervals_of_the_zone() {
    // Every second or a little less, whether the answer is yes or no.
    let primary = Hostile::start(script(1, [1, 1, 1000]), None);
    let secondary = Secondary::start(&tables(&[&primary]));
    secondary.until_serial(ZONE, 1);
    primary.follow(script(2, [1, 1, 1000]));
    secondary.until_serial(ZONE, 2);
    primary.follow(silent(3, [1, 1, 1000]));
    until("it is asked again and again", || {
        (primary.asked().iter().filter(|rtype| **rtype == SOA).count() >= 4).then_some(())
    });
    assert_eq!(secondary.server.wire().serial(ZONE), Some(2));
    primary.follow(script(3, [3600, 600, 100_000]));
    secondary.until_serial(ZONE, 3);
    let listed = until("it is listed so", || Some(secondary.listed(ZONE)).filter(|zone| zone["serial"] == 3));
    let transfer = &listed["transfer"];
    let in_range = |time: &serde_json::Value, from: u64, to: u64| {
        let time = time.as_u64().unwrap();
        assert!((now() + from - 30..=now() + to).contains(&time), "{time} is not {from} to {to} from now: {listed}");
    };
    // The refresh interval less up to a quarter of it.
    in_range(&transfer["next_refresh_unix"], 2700, 3600);
    in_range(&transfer["expires_unix"], 99_960, 100_000);
    assert_eq!(transfer["primaries"], serde_json::json!([primary.address.to_string()]));
    let table = String::from_utf8(secondary.server.trine(&["zone", "list"]).stdout).unwrap();
    assert!(table.contains("NEXT REFRESH") && table.contains("EXPIRES"), "{table}");
}

#[test]
fn b57_what_its_primaries_no_longer_vouch_for_is_servfail_until_they_do() {
    let intervals = [1, 1, 4];
    let (first, second) = (Hostile::start(script(1, intervals), None), Hostile::start(script(1, intervals), None));
    let secondary = Secondary::start(&tables(&[&first, &second]));
    secondary.until_serial(ZONE, 1);
    // One of two is enough.
    first.follow(silent(2, intervals));
    std::thread::sleep(Duration::from_secs(6));
    assert_eq!(rcode(&secondary.server, ZONE), ResponseCode::NoError);
    second.follow(silent(2, intervals));
    within(Duration::from_secs(20), "it expires", || {
        (rcode(&secondary.server, ZONE) == ResponseCode::ServFail).then_some(())
    });
    until("it is listed so", || (secondary.listed(ZONE)["state"] == "expired").then_some(()));
    assert!(secondary.server.log().contains("zone-expired"));
    // Neither an orderly restart nor a sudden one makes it any younger.
    let secondary = secondary.restart();
    assert_eq!(rcode(&secondary.server, ZONE), ResponseCode::ServFail);
    let secondary = secondary.crash();
    assert_eq!(rcode(&secondary.server, ZONE), ResponseCode::ServFail);
    assert_eq!(secondary.listed(ZONE)["state"], "expired");
    // The same data is good again when a primary says so.
    second.follow(script(1, [3600, 3600, 100_000]));
    until("it is served again", || (rcode(&secondary.server, ZONE) == ResponseCode::NoError).then_some(()));
    assert_eq!(secondary.server.wire().serial(ZONE), Some(1));
    assert_eq!(secondary.listed(ZONE)["state"], "serving");
}

#[test]
fn b57_expiry_goes_on_while_the_server_is_down() {
    for kills in [false, true] {
        let primary = Hostile::start(script(1, [2, 1, 8]), None);
        let secondary = Secondary::start(&tables(&[&primary]));
        secondary.until_serial(ZONE, 1);
        primary.follow(silent(2, [2, 1, 8]));
        let began = std::time::Instant::now();
        let secondary = if kills { secondary.crash() } else { secondary.restart() };
        // It is as young as it was, and not younger.
        assert_eq!(rcode(&secondary.server, ZONE), ResponseCode::NoError, "kills: {kills}");
        within(Duration::from_secs(30), "it expires", || {
            (rcode(&secondary.server, ZONE) == ResponseCode::ServFail).then_some(())
        });
        assert!(began.elapsed() < Duration::from_secs(16), "kills: {kills}, {:?}", began.elapsed());
    }
}

#[test]
fn primaries_are_tried_in_their_order_and_address_by_address() {
    let (second, third) =
        (Hostile::start(script(1, [3600, 60, 100_000]), None), Hostile::start(script(1, [3600, 60, 100_000]), None));
    // Nobody is at the first, and the second remote has two addresses, of which nobody is at one.
    let (nobody, nobody_else) = (free_address(), free_address());
    let tables = remote("first", nobody, None)
        + &format!("[[remote]]\nname = 'second'\naddresses = ['{nobody_else}', '{}']\n", second.address)
        + &remote("third", third.address, None)
        + &zone(ZONE, &["first", "second", "third"], "");
    let secondary = Secondary::start(&tables);
    secondary.until_serial(ZONE, 1);
    assert!(third.asked().is_empty(), "the one before it has given the zone away");
    let log = secondary.server.log();
    for address in [nobody, nobody_else] {
        assert!(log.contains(&address.to_string()), "{log}");
    }
    third.follow(script(2, [3600, 60, 100_000]));
    second.follow(silent(2, [3600, 60, 100_000]));
    assert_eq!(secondary.refresh(ZONE), Ok(2));
    assert!(!second.asked().is_empty());
}

#[test]
fn before_the_first_transfer_a_zone_is_servfail() {
    let primary = Hostile::start(Script { axfr: act(|_| {}), ..script(1, [1, 1, 1000]) }, None);
    let secondary = Secondary::start(&tables(&[&primary]));
    assert_eq!(rcode(&secondary.server, ZONE), ResponseCode::ServFail);
    let listed = secondary.listed(ZONE);
    assert_eq!((&listed["state"], &listed["source"]), (&"broken".into(), &"transfer".into()), "{listed}");
    primary.follow(script(1, [3600, 60, 100_000]));
    secondary.until_serial(ZONE, 1);
    assert_eq!(secondary.listed(ZONE)["state"], "serving");
}

#[test]
fn an_operator_may_have_a_zone_expire() {
    let primary = Hostile::start(script(1, [3600, 60, 100_000]), None);
    let secondary = Secondary::start(&tables(&[&primary]));
    secondary.until_serial(ZONE, 1);
    assert!(secondary.server.trine(&["zone", "expire", ZONE]).status.success());
    assert_eq!(rcode(&secondary.server, ZONE), ResponseCode::ServFail);
    assert_eq!(secondary.refresh(ZONE), Ok(1));
    assert_eq!(rcode(&secondary.server, ZONE), ResponseCode::NoError);
}
