//! B10 and B11: what a peer sends harms nobody else.

use std::os::fd::{AsFd, BorrowedFd};

use bus::frame::{BODY_INLINE_MAX, FRAME_MAX, HEADER_BYTES, Kind};
use bus::{BrokerOptions, Client, Group, RequestError};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use super::child::Role;
use super::harness::{Bus, open_descriptors, soon, until};
use super::raw::{Raw, packet};

/// A packet that no peer may send, and how many descriptors go with it.
struct Attack {
    /// What is wrong.
    name: &'static str,
    /// Its bytes.
    packet: Vec<u8>,
    /// Its descriptors.
    descriptors: usize,
}

/// A message to the innocent with any bytes as envelope and body.
fn message(envelope: &[u8], body: &[u8]) -> Vec<u8> {
    let header = bus::frame::Header {
        kind: Kind::Message,
        body_in_memfd: false,
        descriptors: 0,
        envelope_bytes: envelope.len() as u16,
        body_bytes: body.len() as u32,
        request: 0,
    };
    [&header.encode()[..], envelope, body].concat()
}

/// A message to a group with `change` made to its bytes.
fn changed(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut packet = message(br#"{"to":{"group":"g"}}"#, b"null");
    change(&mut packet);
    packet
}

/// Every fault there is.
fn attacks() -> Vec<Attack> {
    let to = json!({ "to": { "group": "g" } });
    let null = Some(json!(null));
    let attack = |name, packet, descriptors| Attack { name, packet, descriptors };
    vec![
        attack("empty", Vec::new(), 0),
        attack("empty, with descriptors", Vec::new(), 3),
        attack("one byte", vec![b'T'], 1),
        attack("shorter than the header", changed(|p| p.truncate(HEADER_BYTES - 1)), 1),
        attack("a header alone", changed(|p| p.truncate(HEADER_BYTES)), 0),
        attack("a length too small", changed(|p| p.push(b' ')), 0),
        attack(
            "a length too large",
            changed(|p| {
                p.pop();
            }),
            0,
        ),
        attack("the largest envelope length", changed(|p| p[10..12].fill(0xff)), 0),
        attack("the largest body length", changed(|p| p[12..16].fill(0xff)), 0),
        attack("over the limit", vec![0; FRAME_MAX + 1], 2),
        attack("far over the limit", changed(|p| p.resize(150_000, 0)), 2),
        attack("a body over its limit", message(br#"{"to":{"group":"g"}}"#, &vec![b'1'; BODY_INLINE_MAX + 1]), 0),
        attack("not our magic", changed(|p| p[0] = b'X'), 0),
        attack("another version", changed(|p| p[4] = 2), 0),
        attack("kind 0", changed(|p| p[6] = 0), 0),
        attack("an unknown flag", changed(|p| p[7] = 2), 0),
        attack("descriptors announced that did not come", packet(Kind::Message, 0, &to, null.as_ref(), 2), 0),
        attack("descriptors not announced", packet(Kind::Message, 0, &to, null.as_ref(), 0), 2),
        attack("one descriptor too many", packet(Kind::Message, 0, &to, null.as_ref(), 65), 65),
        attack("as many descriptors as there can be", packet(Kind::Message, 0, &to, null.as_ref(), 253), 253),
        attack("more descriptors than announced", packet(Kind::Message, 0, &to, null.as_ref(), 64), 253),
        attack("descriptors where none belong", packet(Kind::Members, 5, &json!({}), None, 1), 1),
        attack("a body where none belongs", packet(Kind::Subscribe, 5, &json!({ "group": "g" }), null.as_ref(), 0), 0),
        attack(
            "a memfd that is a pipe",
            changed(|p| {
                p[7] = 1;
                p[8] = 1;
                p.truncate(p.len() - 4);
            }),
            1,
        ),
        attack("an envelope that is not JSON", message(b"{\"to\":", b"null"), 0),
        attack("an envelope that is not UTF-8", message(b"{\"to\":{\"group\":\"\xff\"}}", b"null"), 0),
        attack("an envelope of another type", message(b"[]", b"null"), 0),
        attack("no envelope", message(b"", b"null"), 0),
        attack("a body that is not JSON", message(br#"{"to":{"group":"g"}}"#, b"{broken"), 0),
        attack("a body that is two", message(br#"{"to":{"group":"g"}}"#, b"1 2"), 0),
        attack("no body", message(br#"{"to":{"group":"g"}}"#, b""), 0),
        attack("a body nested without end", message(br#"{"to":{"group":"g"}}"#, &[b'['; 60_000]), 0),
        attack("no recipient", message(b"{}", b"null"), 0),
        attack("two recipients", message(br#"{"to":{"group":"g","address":"0000000000000000-1"}}"#, b"null"), 0),
        attack("a group that is none", message(br#"{"to":{"group":"G"}}"#, b"null"), 0),
        attack("a request without a deadline", packet(Kind::Request, 5, &to, null.as_ref(), 0), 0),
        attack(
            "a request without an id",
            packet(Kind::Request, 0, &json!({ "to": { "group": "g" }, "deadline-ms": 9 }), null.as_ref(), 0),
            0,
        ),
        attack("a subscription to nothing", packet(Kind::Subscribe, 5, &json!({}), None, 0), 0),
        attack("a question without an id", packet(Kind::Members, 0, &json!({}), None, 0), 0),
        attack("a second name", packet(Kind::Name, 5, &json!({ "name": "other" }), None, 0), 0),
        attack("a word of the broker", packet(Kind::Hello, 0, &json!({ "address": "0000000000000000-1" }), None, 0), 0),
        attack("a failure", packet(Kind::Failure, 1, &json!({ "failure": "callee-gone" }), None, 0), 0),
        attack(
            "descriptors taken that were never sent",
            packet(Kind::Taken, 0, &json!({ "descriptors": 1 }), None, 0),
            0,
        ),
    ]
}

/// A round trip that nobody's faults may disturb.
async fn is_unharmed(client: &Client, service: &Client, requests: &mut bus::Incoming) {
    let to = service.address().into();
    let request = client.request(&to, &"are you there?", &[], super::harness::PATIENCE);
    let reply = async {
        let request = requests.next().await.unwrap();
        service.reply(&request, &"yes", &[]).unwrap();
    };
    let (reply, ()) = soon(async { tokio::join!(request, reply) }).await;
    assert_eq!(reply.unwrap().body, "yes");
}

/// The child of the test below: every attack, an innocent pair beside it, and no descriptor left over.
pub(crate) async fn send_all() {
    let bus = Bus::start();
    let (client, _incoming) = bus.client("innocent").await;
    let (service, mut requests) = bus.client("service").await;
    soon(service.subscribe(&Group::from_static("g"))).await.unwrap();
    let (pipe, _other) = rustix::pipe::pipe().unwrap();
    let before = open_descriptors();
    for attack in attacks() {
        let hostile = Raw::connect(&bus.path, "hostile");
        let descriptors: Vec<BorrowedFd<'_>> = vec![pipe.as_fd(); attack.descriptors];
        assert!(hostile.send_packet(&attack.packet, &descriptors), "{}", attack.name);
        assert!(hostile.is_ended(), "{}", attack.name);
        until(|| bus.handle.peer(&hostile.address).is_none()).await;
        is_unharmed(&client, &service, &mut requests).await;
        assert_eq!(bus.handle.peers().len(), 2, "{}", attack.name);
        drop(hostile);
        until(|| open_descriptors() == before).await;
    }
}

#[test]
fn b10_malformed_packets_drop_their_sender_alone_and_leak_nothing() {
    assert!(Role::start("hostile", std::path::Path::new("")).end().success());
}

#[tokio::test]
async fn b10_nothing_but_a_name_may_come_first() {
    let bus = Bus::start();
    let raw = Raw::connect_unnamed(&bus.path);
    raw.send(Kind::Subscribe, 1, &json!({ "group": "g" }), None);
    assert!(raw.is_ended());
    for name in ["", "a\"b", &"x".repeat(65)] {
        let raw = Raw::connect_unnamed(&bus.path);
        raw.send(Kind::Name, 1, &json!({ "name": name }), None);
        assert!(raw.is_ended());
    }
}

#[tokio::test]
async fn b10_who_never_gives_a_name_is_dropped() {
    let mut options = BrokerOptions::default();
    options.name_timeout = std::time::Duration::from_millis(50);
    let bus = Bus::start_with(options);
    let raw = Raw::connect_unnamed(&bus.path);
    assert!(raw.is_ended());
    bus.logged(&["bus-peer-cut-off", "it did not give its name in time"]).await;
}

#[tokio::test]
async fn b10_the_receiver_of_an_unreadable_body_loses_that_message_alone() {
    let bus = Bus::start();
    let (receiver, mut messages) = bus.client("receiver").await;
    let raw = Raw::connect(&bus.path, "hostile");
    let to = json!({ "to": { "address": receiver.address().to_string() } });
    // Sound to whoever only checks the syntax; not a number to whoever reads it.
    assert!(raw.send_packet(&message(to.to_string().as_bytes(), b"1e999"), &[]));
    // A memfd that nobody but its receiver reads.
    let memfd = bus::descriptors::seal("test", b"not JSON").unwrap();
    let mut bytes = packet(Kind::Message, 0, &to, None, 1);
    bytes[7] = 1;
    bytes[12] = 8;
    assert!(raw.send_packet(&bytes, &[memfd.as_fd()]));
    raw.send(Kind::Message, 0, &to, Some(&json!("sound")));
    assert_eq!(soon(messages.next()).await.unwrap().body, "sound");
}

#[test]
fn b10_no_packet_whatever_harms_the_broker() {
    let bus = Bus::start();
    let (pipe, _other) = rustix::pipe::pipe().unwrap();
    let sound = message(br#"{"to":{"group":"g"}}"#, b"{\"a\":[1,2,3]}");
    let length = sound.len();
    let strategy = (prop::collection::vec((0..length, any::<u8>()), 0..6), 0usize..70, 0..length + 4, any::<bool>());
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let result = runner.run(&strategy, |(changes, descriptors, cut, is_cut)| {
        let mut packet = sound.clone();
        for (at, value) in changes {
            packet[at] = value;
        }
        if is_cut {
            packet.resize(cut, 0);
        }
        let hostile = Raw::connect(&bus.path, "hostile");
        assert!(hostile.send_packet(&packet, &vec![pipe.as_fd(); descriptors]));
        // Alive or dropped, the broker has handled it when this comes to its end.
        hostile.send_packet(&super::raw::packet(Kind::Members, 7, &json!({}), None, 0), &[]);
        while hostile.receive().is_some_and(|frame| frame.header.request != 7) {}
        Ok(())
    });
    result.unwrap();
    let _still_there = Raw::connect(&bus.path, "innocent");
}

#[tokio::test]
async fn b11_nobody_speaks_for_another() {
    let bus = Bus::start();
    let (victim, mut victims_requests) = bus.client("victim").await;
    let (receiver, mut messages) = bus.client("receiver").await;
    let forger = Raw::connect(&bus.path, "forger");
    let victims = victim.address().to_string();
    let to = receiver.address().to_string();
    for from in [victims.clone(), victim.address().broker().to_string()] {
        forger.send(Kind::Message, 0, &json!({ "from": from, "to": { "address": to } }), Some(&json!("forged")));
        let message = soon(messages.next()).await.unwrap();
        assert_eq!((message.from, message.body), (forger.address, json!("forged")));
    }
    // Only the broker tells of members.
    soon(receiver.watch_members()).await.unwrap();
    forger.send(Kind::Message, 0, &json!({ "to": { "group": "notifications/members" } }), Some(&json!("forged")));
    forger.send(Kind::Message, 0, &json!({ "to": { "address": to } }), Some(&json!("marker")));
    loop {
        let message = soon(messages.next()).await.unwrap();
        assert_ne!(message.body, "forged");
        if message.body == "marker" {
            break;
        }
    }
    let members = bus::group::MEMBERS.into();
    let refused = victim.request(&members, &1, &[], super::harness::PATIENCE);
    assert!(matches!(soon(refused).await, Err(RequestError::Refused { .. })));
    // A reply counts only from whoever was asked.
    let recipient = victim.address().into();
    let request = receiver.request(&recipient, &1, &[], super::harness::PATIENCE);
    let replies = async {
        let request = victims_requests.next().await.unwrap();
        let id = request.request.unwrap();
        forger.send(Kind::Reply, id, &json!({ "from": victims, "to": { "address": to } }), Some(&json!("forged")));
        forger.ask(Kind::Members, 3, &json!({}));
        victim.reply(&request, &"true", &[]).unwrap();
    };
    let (reply, ()) = soon(async { tokio::join!(request, replies) }).await;
    assert_eq!(reply.unwrap().body, "true");
}
