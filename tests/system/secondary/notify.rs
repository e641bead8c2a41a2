//! Word that a zone has changed: from its primaries at once, from others not at all (B78).

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use dns::tsig::{Algorithm, Key, sign_request};

use super::changes::{ZONE, change, version};
use super::hostile::{Hostile, SOA, Script, Sent, refuses, sends};
use super::primary::{KEY, KINDS, Primary, Task, free_address};
use super::{Secondary, key, records, remote, zone};

#[test]
fn b78_a_notify_of_the_primary_begins_a_transfer_at_once() {
    for kind in KINDS {
        let address = free_address();
        let task = Task::of(ZONE, version(1)).notifying(address);
        let Some(primary) = Primary::start("b78_a_notify_of_the_primary_begins_a_transfer_at_once", kind, task) else {
            continue;
        };
        let tables = remote("primary", primary.address, None) + &zone(ZONE, &["primary"], "");
        let secondary = Secondary::start_at(address, &tables);
        secondary.until_serial(ZONE, 1);
        for serial in 2..5 {
            change(&primary, serial);
            // Its SOA record would have it asked in an hour.
            secondary.until_serial(ZONE, serial);
        }
        assert_eq!(secondary.records(ZONE), records(primary.address, ZONE), "{kind:?}");
    }
}

/// The RCODE of the answer to a NOTIFY for a zone, from an address.
fn notify(server: SocketAddr, from: &str, zone: &str, key: Option<&Arc<Key>>) -> u8 {
    let socket = UdpSocket::bind((from, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.connect(server).unwrap();
    let mut message = vec![0x12, 0x34, 0x24, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    message.extend(super::hostile::wire(zone));
    message.extend([0, 6, 0, 1]);
    if let Some(key) = key {
        let now = dns::tsig::seconds(std::time::SystemTime::now());
        sign_request(key, &mut message, now);
    }
    socket.send(&message).unwrap();
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer).unwrap();
    assert!(length >= 12 && answer[..2] == message[..2] && answer[2] & 0xf8 == 0xa0, "{:?}", &answer[..length]);
    answer[3] & 0xf
}

/// One that gives a zone of this serial away.
fn script(serial: u32) -> Script {
    let soa = Sent::soa(ZONE, serial);
    let zone = vec![soa.clone(), Sent::ns(ZONE, "ns.test."), soa.clone()];
    Script { soa, axfr: sends(vec![zone]), ixfr: refuses(4) }
}

#[test]
fn b78_a_notify_from_elsewhere_is_refused_and_counted() {
    let primary = Hostile::start(script(1), None);
    let other = Hostile::start(Script { soa: Sent::soa("other.test.", 1), ..script(1) }, None);
    let secret = b"secret secret secret";
    let key_of = |name: &str, secret: &[u8]| Arc::new(Key::new(name.parse().unwrap(), Algorithm::HmacSha256, secret));
    let tables = key(KEY.0, "hmac-sha256")
        + &remote("primary", primary.address, None)
        + &remote("other", other.address, None)
        + &remote("signing", other.address, Some(KEY.0))
        + &zone(ZONE, &["primary"], &format!("allow-notify = ['127.0.0.3', '127.0.0.4 key:{}']", KEY.0))
        + &zone("signed.test.", &["signing"], "");
    let secondary = Secondary::start(&tables);
    crate::harness::zones::install(
        &secondary.server.zones,
        "own.test.zone",
        &crate::harness::zones::small("own.test.", 1, 1),
    );
    secondary.server.reload();
    secondary.until_serial(ZONE, 1);
    let server = secondary.server.address;
    let (good, bad) = (key_of(KEY.0, secret), key_of(KEY.0, b"another secret, as long"));
    let refused = || secondary.server.status()["notifications_refused"].as_u64().unwrap();
    let asked = || primary.asked().len();
    let before = asked();
    // A stranger, one who lacks the key that is wanted, one with a wrong one, one whose zone comes from no primary, and no zone at all.
    assert_eq!(notify(server, "127.0.0.2", ZONE, None), 5);
    assert_eq!(notify(server, "127.0.0.4", ZONE, None), 5);
    assert_eq!(notify(server, "127.0.0.1", "signed.test.", None), 5);
    assert_eq!(notify(server, "127.0.0.1", "own.test.", None), 5);
    assert_eq!(refused(), 4);
    assert_eq!(notify(server, "127.0.0.4", ZONE, Some(&bad)), 9);
    assert_eq!(notify(server, "127.0.0.1", "nowhere.test.", None), 9);
    assert_eq!(asked(), before, "nobody was asked on their account");
    // The primary itself; one that is named; one with the key that is wanted.
    for (serial, (from, key)) in (2..).zip([("127.0.0.1", None), ("127.0.0.3", None), ("127.0.0.4", Some(&good))]) {
        primary.follow(script(serial));
        assert_eq!(notify(server, from, ZONE, key), 0, "{from}");
        secondary.until_serial(ZONE, serial);
    }
    assert_eq!(notify(server, "127.0.0.1", "signed.test.", Some(&good)), 0);
    assert_eq!(refused(), 4);
    assert!(primary.asked().contains(&SOA));
}
