//! Watching the bus: a monitor gets a copy of what is said, and of no descriptor.

use std::os::fd::AsFd;

use bus::frame::{FRAME_MAX, Kind};
use bus::{Group, RequestError};
use serde_json::json;

use super::harness::{Bus, PATIENCE, soon};

/// A group.
const GROUP: Group = Group::from_static("some/group");

#[tokio::test]
async fn a_monitor_sees_messages_requests_replies_and_failures() {
    let bus = Bus::start();
    let (watcher, _) = bus.client("watcher").await;
    let mut monitor = soon(watcher.monitor()).await.unwrap();
    let (caller, _) = bus.client("caller").await;
    let (service, mut requests) = bus.client("service").await;
    let (pipe, _other) = rustix::pipe::pipe().unwrap();

    caller.send(&GROUP.into(), &"nobody hears", &[pipe.as_fd()]).unwrap();
    let to = service.address().into();
    let long = "x".repeat(FRAME_MAX);
    let request = caller.request(&to, &long, &[], PATIENCE);
    let reply = async { service.reply(&requests.next().await.unwrap(), &2, &[]).unwrap() };
    soon(async { tokio::join!(request, reply).0 }).await.unwrap();
    let failed = soon(caller.request(&GROUP.into(), &3, &[], PATIENCE)).await;
    assert!(matches!(failed, Err(RequestError::NoSuchRecipient { .. })));

    let mut seen = Vec::new();
    while seen.len() < 5 {
        let copied = soon(monitor.next()).await.unwrap();
        if !copied.from.is_broker() || copied.kind == Kind::Failure {
            seen.push(copied);
        }
    }
    let kinds: Vec<_> = seen.iter().map(|copied| (copied.kind, copied.from)).collect();
    let (caller, service) = (caller.address(), service.address());
    assert_eq!(
        kinds,
        [
            (Kind::Message, caller),
            (Kind::Request, caller),
            (Kind::Reply, service),
            (Kind::Request, caller),
            (Kind::Failure, caller.broker()),
        ]
    );
    assert_eq!((seen[0].descriptors, seen[0].to.clone(), seen[0].request), (1, GROUP.into(), None));
    assert_eq!((&seen[1].body, &seen[2].body, &seen[4].body), (&json!(long), &json!(2), &json!(null)));
    assert_eq!(seen[1].request, seen[2].request);
    assert_eq!(seen[4].failure, Some(bus::Failure::NoSuchRecipient));
}
