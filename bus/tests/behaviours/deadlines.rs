//! Requests end at their deadline, at both ends, and are limited in number.

use std::time::Duration;

use bus::frame::Kind;
use bus::{BrokerOptions, Group, Recipient, RequestError};
use serde_json::json;

use super::harness::{Bus, PATIENCE, soon};
use super::raw::Raw;

/// A group.
const GROUP: Group = Group::from_static("silent");

#[tokio::test]
async fn a_request_without_a_reply_ends_at_its_deadline() {
    let bus = Bus::start();
    let (silent, mut requests) = bus.client("silent").await;
    soon(silent.subscribe(&GROUP)).await.unwrap();
    let (caller, mut incoming) = bus.client("caller").await;
    let to = Recipient::Group(GROUP);
    let failed = soon(caller.request(&to, &1, &[], Duration::from_millis(30))).await;
    assert!(matches!(failed, Err(RequestError::DeadlinePassed { .. })), "{failed:?}");
    // The reply that comes too late vanishes, and its id is not taken for another's.
    let late = soon(requests.next()).await.unwrap();
    assert!(late.deadline.is_some());
    silent.reply(&late, &"late", &[]).unwrap();
    let request = caller.request(&to, &2, &[], PATIENCE);
    let reply = async { silent.reply(&requests.next().await.unwrap(), &"timely", &[]).unwrap() };
    assert_eq!(soon(async { tokio::join!(request, reply).0 }).await.unwrap().body, "timely");
    silent.send(&caller.address().into(), &"marker", &[]).unwrap();
    assert_eq!(soon(incoming.next()).await.unwrap().body, "marker");
}

#[tokio::test]
async fn the_broker_keeps_deadlines_of_those_who_do_not() {
    let bus = Bus::start();
    let (silent, _requests) = bus.client("silent").await;
    soon(silent.subscribe(&GROUP)).await.unwrap();
    let raw = Raw::connect(&bus.path, "raw");
    for (request, deadline_ms) in [(10, 3_600_000), (11, 40), (12, 20)] {
        let envelope = json!({ "to": { "group": "silent" }, "deadline-ms": deadline_ms });
        raw.send(Kind::Request, request, &envelope, Some(&json!(1)));
    }
    for request in [12, 11] {
        let failure = raw.receive().unwrap();
        assert_eq!((failure.header.kind, failure.header.request), (Kind::Failure, request));
        assert_eq!(failure.envelope["failure"], "deadline-passed");
    }
    // An id in flight cannot be used again.
    raw.send(Kind::Request, 10, &json!({ "to": { "group": "silent" }, "deadline-ms": 1 }), Some(&json!(1)));
    assert!(raw.is_ended());
}

#[tokio::test]
async fn requests_and_groups_of_a_peer_are_limited() {
    let mut options = BrokerOptions::default();
    options.requests_max = 3;
    options.groups_max = 2;
    let bus = Bus::start_with(options);
    let (silent, _requests) = bus.client("silent").await;
    soon(silent.subscribe(&GROUP)).await.unwrap();
    soon(silent.subscribe(&Group::from_static("second"))).await.unwrap();
    soon(silent.subscribe(&GROUP)).await.unwrap();
    let refused = soon(silent.subscribe(&Group::from_static("third"))).await;
    assert!(matches!(refused, Err(RequestError::Refused { failure: bus::Failure::TooManyGroups, .. })), "{refused:?}");

    let raw = Raw::connect(&bus.path, "raw");
    for request in 1..=4 {
        let envelope = json!({ "to": { "group": "silent" }, "deadline-ms": 3_600_000 });
        raw.send(Kind::Request, request, &envelope, Some(&json!(1)));
    }
    let failure = raw.receive().unwrap();
    assert_eq!((failure.header.request, &failure.envelope["failure"]), (4, &json!("too-many-requests")));
}
