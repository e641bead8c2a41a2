//! B01 to B06: messages and requests find their recipients, or their senders learn at once that they cannot.

use std::time::{Duration, Instant};

use bus::{Client, Group, Incoming, Recipient, RequestError, SendError};
use serde_json::json;

use super::harness::{Bus, soon};
use super::raw::Raw;

/// A deadline that no test lives to see.
const NEVER: Duration = Duration::from_secs(3600);
/// A group.
const GROUP: Group = Group::from_static("some/group");

/// A member of [`GROUP`].
async fn member(bus: &Bus, name: &str) -> (Client, Incoming) {
    let (client, incoming) = bus.client(name).await;
    soon(client.subscribe(&GROUP)).await.unwrap();
    (client, incoming)
}

/// Sends itself a message: whatever else was on its way to it came before.
async fn next_is_own_marker(client: &Client, incoming: &mut Incoming) {
    client.send(&client.address().into(), &"marker", &[]).unwrap();
    assert_eq!(soon(incoming.next()).await.unwrap().body, "marker");
}

#[tokio::test]
async fn b01_a_request_to_an_empty_group_fails_at_once() {
    let bus = Bus::start();
    let (client, _incoming) = bus.client("caller").await;
    let started = Instant::now();
    for _ in 0..2 {
        let failed = soon(client.request(&GROUP.into(), &1, &[], NEVER)).await;
        assert!(matches!(failed, Err(RequestError::NoSuchRecipient { .. })), "{failed:?}");
        // The second time it is itself the only member.
        soon(client.subscribe(&GROUP)).await.unwrap();
    }
    assert!(started.elapsed() < NEVER);
}

#[tokio::test]
async fn b02_a_message_to_an_empty_group_vanishes() {
    let bus = Bus::start();
    let (client, mut incoming) = bus.client("sender").await;
    client.send(&GROUP.into(), &1, &[]).unwrap();
    client.notify("nobody-cares", &1).unwrap();
    next_is_own_marker(&client, &mut incoming).await;
}

#[tokio::test]
async fn b03_an_address_that_is_gone_or_never_was_is_no_recipient() {
    let bus = Bus::start();
    let (client, _incoming) = bus.client("caller").await;
    let (gone, _) = bus.client("gone").await;
    let address = gone.address();
    let (watcher, mut notices) = bus.client("watcher").await;
    soon(watcher.watch_members()).await.unwrap();
    drop(gone);
    // The broker has seen it go.
    while bus.handle.peer(&address).is_some() {
        soon(notices.next()).await.unwrap();
    }
    let never: bus::Address = format!("{}-4000000000", address.session()).parse().unwrap();
    for to in [address, never, address.broker(), "00000000000000ff-1".parse().unwrap()] {
        let failed = soon(client.request(&to.into(), &1, &[], NEVER)).await;
        assert!(matches!(failed, Err(RequestError::NoSuchRecipient { .. })), "{failed:?}");
    }
}

#[tokio::test]
async fn b03_a_reply_to_a_dead_sender_vanishes() {
    let bus = Bus::start();
    let (service, mut requests) = member(&bus, "service").await;
    let caller = Raw::connect(&bus.path, "caller");
    caller.send(
        bus::frame::Kind::Request,
        9,
        &json!({ "to": { "group": "some/group" }, "deadline-ms": 3_600_000 }),
        Some(&json!(1)),
    );
    let request = soon(requests.next()).await.unwrap();
    let address = caller.address;
    drop(caller);
    super::harness::until(|| bus.handle.peer(&address).is_none()).await;
    service.reply(&request, &"too late", &[]).unwrap();
    next_is_own_marker(&service, &mut requests).await;
}

#[tokio::test]
async fn b04_the_caller_learns_at_once_that_its_callee_is_gone() {
    let bus = Bus::start();
    let (caller, _incoming) = bus.client("caller").await;
    let (first, mut first_requests) = member(&bus, "first").await;
    let (second, mut second_requests) = member(&bus, "second").await;
    let failed = {
        let to = Recipient::Group(GROUP);
        let request = caller.request(&to, &1, &[], NEVER);
        let departures = async {
            assert_eq!(soon(first_requests.next()).await.unwrap().body, 1);
            drop((first, first_requests));
            // One of two is gone; the other may still answer.
            assert_eq!(soon(second_requests.next()).await.unwrap().body, 1);
            drop((second, second_requests));
        };
        soon(async { tokio::join!(request, departures).0 }).await
    };
    assert!(matches!(failed, Err(RequestError::CalleeGone { .. })), "{failed:?}");
}

#[tokio::test]
async fn b04_the_first_of_several_replies_counts() {
    let bus = Bus::start();
    let (caller, mut nothing) = bus.client("caller").await;
    let (first, mut first_requests) = member(&bus, "first").await;
    let (second, mut second_requests) = member(&bus, "second").await;
    let replies = async {
        let request = soon(second_requests.next()).await.unwrap();
        second.reply(&request, &"second", &[]).unwrap();
        assert!(second.flush().await);
        soon(first_requests.next()).await.unwrap()
    };
    let to = Recipient::Group(GROUP);
    let (reply, late) = soon(async { tokio::join!(caller.request(&to, &1, &[], NEVER), replies) }).await;
    let reply = reply.unwrap();
    assert_eq!((reply.body, reply.from), (json!("second"), second.address()));
    first.reply(&late, &"first", &[]).unwrap();
    assert!(first.flush().await);
    next_is_own_marker(&caller, &mut nothing).await;
    first.send(&first.address().into(), &1, &[]).unwrap();
    let no_request = soon(first_requests.next()).await.unwrap();
    let refused = first.reply(&no_request, &1, &[]);
    assert!(matches!(refused, Err(SendError::NotARequest { .. })));
}

#[tokio::test]
async fn b05_a_broken_member_keeps_nothing_from_the_others() {
    let bus = Bus::start();
    let broken = Raw::connect(&bus.path, "broken");
    broken.subscribe("some/group");
    let stopped = Raw::connect(&bus.path, "stopped");
    stopped.subscribe("some/group");
    let (_sound, mut messages) = member(&bus, "sound").await;
    let (sender, _) = bus.client("sender").await;
    assert!(broken.send_packet(b"what is this?", &[]));
    for number in 0..100 {
        sender.send(&GROUP.into(), &number, &[]).unwrap();
    }
    for number in 0..100 {
        assert_eq!(soon(messages.next()).await.unwrap().body, number);
    }
    assert!(!sender.is_closed());
}

#[tokio::test]
async fn b06_a_sender_does_not_get_its_own_message_to_a_group() {
    let bus = Bus::start();
    let (sender, mut own) = member(&bus, "sender").await;
    let (_other, mut messages) = member(&bus, "other").await;
    sender.send(&GROUP.into(), &"hello", &[]).unwrap();
    let message = soon(messages.next()).await.unwrap();
    assert_eq!((message.from, message.to, message.request), (sender.address(), GROUP.into(), None));
    next_is_own_marker(&sender, &mut own).await;
}
