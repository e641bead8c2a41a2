//! B13 and B18: descriptors arrive, or are closed; bodies of any length arrive whole.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use bus::frame::{BODY_MAX, DESCRIPTORS_MAX, Kind};
use bus::{BrokerOptions, Client, Group, Message, Recipient, SendError};
use serde_json::{Value, json};

use super::child::Role;
use super::harness::{Bus, PATIENCE, open_descriptors, skip, soon, until};
use super::raw::Raw;

/// A group.
const GROUP: Group = Group::from_static("readers");

/// Sends as soon as there is room.
async fn send(client: &Client, to: &Recipient, body: &Value, descriptors: &[OwnedFd]) {
    let borrowed: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
    match client.send(to, body, &borrowed) {
        Err(SendError::Full(_)) => {
            assert!(soon(client.flush()).await);
            client.send(to, body, &borrowed).unwrap();
        }
        sent => sent.unwrap(),
    }
}

/// The child of the test below: sends descriptors to nobody, to the dying and to the living, and counts what is left.
pub(crate) async fn count_leaks() {
    let bus = Bus::start();
    let (sender, _incoming) = bus.client("sender").await;
    let (receiver, mut messages) = bus.client("receiver").await;
    let descriptors: [OwnedFd; 1] = [rustix::pipe::pipe().unwrap().0];
    let before = open_descriptors();
    let gone: Recipient = {
        let (client, _incoming) = bus.client("gone").await;
        client.address().into()
    };
    until(|| open_descriptors() == before).await;

    for number in 0..4_000 {
        send(&sender, &gone, &json!(number), &descriptors).await;
        send(&sender, &GROUP.into(), &json!(number), &descriptors).await;
    }
    // Dies with descriptors in the kernel and in its queue, fifty times.
    for _ in 0..50 {
        let dying = Raw::connect(&bus.path, "dying");
        dying.subscribe(GROUP.as_str());
        for number in 0..40 {
            send(&sender, &GROUP.into(), &json!(number), &descriptors).await;
        }
        assert!(soon(sender.flush()).await);
    }
    // Stops reading until it is cut off.
    let stopped = Raw::connect(&bus.path, "stopped");
    stopped.subscribe(GROUP.as_str());
    while bus.handle.peer(&stopped.address).is_some() {
        send(&sender, &GROUP.into(), &json!(1), &descriptors).await;
        assert!(soon(sender.flush()).await);
    }
    drop(stopped);
    for number in 0..2_000 {
        send(&sender, &receiver.address().into(), &json!(number), &descriptors).await;
        let message = soon(messages.next()).await.unwrap();
        assert_eq!((message.body, message.descriptors.len()), (json!(number), 1));
    }
    until(|| open_descriptors() == before).await;
}

#[test]
fn b13_no_descriptor_of_ten_thousand_messages_leaks() {
    assert!(Role::start("leaks", Path::new("")).end().success());
}

/// A descriptor that can be told from others.
fn marked(number: usize) -> OwnedFd {
    bus::descriptors::seal("marked", &(number as u64).to_le_bytes()).unwrap()
}

/// What a descriptor was marked with.
fn mark(descriptor: &OwnedFd) -> u64 {
    let bytes = bus::descriptors::read_sealed(descriptor.as_fd(), 8).unwrap();
    u64::from_le_bytes(bytes.try_into().unwrap())
}

#[tokio::test]
async fn b18_three_hundred_descriptors_arrive_in_order() {
    let bus = Bus::start();
    let (sender, _incoming) = bus.client("sender").await;
    let (receiver, mut messages) = bus.client("receiver").await;
    let descriptors: Vec<_> = (0..300).map(marked).collect();
    for part in descriptors.chunks(DESCRIPTORS_MAX) {
        send(&sender, &receiver.address().into(), &json!("part"), part).await;
    }
    send(&sender, &receiver.address().into(), &json!("commit"), &[]).await;
    let mut marks = Vec::new();
    loop {
        let Message { body, descriptors, .. } = soon(messages.next()).await.unwrap();
        if body == "commit" {
            break;
        }
        marks.extend(descriptors.iter().map(mark));
    }
    assert_eq!(marks, (0..300).collect::<Vec<u64>>());
}

#[tokio::test]
async fn b18_a_body_larger_than_a_frame_arrives_whole() {
    let bus = Bus::start();
    let (caller, _incoming) = bus.client("caller").await;
    let (service, mut requests) = bus.client("service").await;
    let zones: Vec<_> =
        (0..100_000).map(|number| json!({ "name": format!("zone{number}.example."), "serial": number })).collect();
    let body = json!({ "zones": zones });
    let descriptors: Vec<_> = (0..DESCRIPTORS_MAX).map(marked).collect();
    let borrowed: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
    let to = service.address().into();
    let refused = caller.request(&to, &body, &borrowed, PATIENCE).await;
    assert!(refused.is_err(), "the body needs one of the 64 places: {refused:?}");
    let request = caller.request(&to, &body, &borrowed[1..], PATIENCE);
    let reply = async {
        let request = requests.next().await.unwrap();
        assert_eq!(request.descriptors.iter().map(mark).collect::<Vec<_>>(), (1..64).collect::<Vec<u64>>());
        service.reply(&request, &request.body, &[]).unwrap();
    };
    let (reply, ()) = soon(async { tokio::join!(request, reply) }).await;
    assert_eq!(reply.unwrap().body, body);
    let far_too_long = "x".repeat(BODY_MAX);
    assert!(matches!(caller.send(&to, &far_too_long, &[]), Err(SendError::Body(_))));
}

#[tokio::test]
async fn b18_bodies_just_below_and_above_the_frame_arrive() {
    let bus = Bus::start();
    let (client, mut messages) = bus.client("client").await;
    for length in [0, 1, bus::frame::BODY_INLINE_MAX - 2, bus::frame::BODY_INLINE_MAX - 1, bus::frame::FRAME_MAX] {
        let body = "x".repeat(length);
        client.send(&client.address().into(), &body, &[]).unwrap();
        assert_eq!(soon(messages.next()).await.unwrap().body, body);
    }
}

#[tokio::test]
async fn b18_a_stopped_reader_does_not_hold_up_descriptors_to_others() {
    let bus = Bus::start();
    let stopped = Raw::connect(&bus.path, "stopped");
    stopped.subscribe(GROUP.as_str());
    let (reader, mut messages) = bus.client("reader").await;
    soon(reader.subscribe(&GROUP)).await.unwrap();
    let (sender, _incoming) = bus.client("sender").await;
    let descriptors: Vec<_> = (0..DESCRIPTORS_MAX).map(marked).collect();
    for number in 0..8 {
        send(&sender, &GROUP.into(), &json!(number), &descriptors).await;
        let message = soon(messages.next()).await.unwrap();
        assert_eq!((message.body, message.descriptors.len()), (json!(number), DESCRIPTORS_MAX));
    }
    // The kernel holds 256 for the one that does not take them, and the broker the rest, in order.
    for number in 0..4 {
        assert_eq!(stopped.receive().unwrap().body, number);
    }
    let more = rustix::net::recv(
        &stopped.socket,
        &mut [0; 1],
        rustix::net::RecvFlags::DONTWAIT | rustix::net::RecvFlags::PEEK,
    );
    assert_eq!(more, Err(rustix::io::Errno::AGAIN));
    stopped.send(Kind::Taken, 0, &json!({ "descriptors": 256 }), None);
    for number in 4..8 {
        assert_eq!(stopped.receive().unwrap().body, number);
    }
}

#[tokio::test]
async fn b09_descriptors_that_pile_up_cut_off_too() {
    let mut options = BrokerOptions::default();
    options.queue_descriptors_max = 300;
    let bus = Bus::start_with(options);
    let stopped = Raw::connect(&bus.path, "stopped");
    stopped.subscribe(GROUP.as_str());
    let (sender, _incoming) = bus.client("sender").await;
    let descriptors: Vec<_> = (0..DESCRIPTORS_MAX).map(marked).collect();
    while bus.handle.peer(&stopped.address).is_some() {
        send(&sender, &GROUP.into(), &json!(1), &descriptors).await;
        assert!(soon(sender.flush()).await);
    }
    bus.logged(&["bus-peer-cut-off", "300 descriptors"]).await;
}

/// The child of the test below, where the user may have 256 descriptors in flight and no privileges.
pub(crate) async fn exhaust() {
    use rustix::process::{Resource, Rlimit};
    nix::unistd::setgroups(&[]).unwrap();
    nix::unistd::setgid(65534.into()).unwrap();
    nix::unistd::setuid(65534.into()).unwrap();
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: Some(256), maximum: Some(256) }).unwrap();
    let bus = Bus::start();
    let (client, mut messages) = bus.client("client").await;
    let (ours, theirs) = rustix::net::socketpair(
        rustix::net::AddressFamily::UNIX,
        rustix::net::SocketType::SEQPACKET,
        rustix::net::SocketFlags::CLOEXEC,
        None,
    )
    .unwrap();
    let descriptor = marked(7);
    for _ in 0..5 {
        assert!(super::raw::send(&ours, b"x", &vec![descriptor.as_fd(); DESCRIPTORS_MAX]));
    }
    client.send(&client.address().into(), &"through", &[descriptor.as_fd()]).unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(50), messages.next()).await;
    assert!(waiting.is_err(), "the kernel was to refuse: {waiting:?}");
    // Messages without descriptors, of others, are not concerned.
    let (other, _incoming) = bus.client("other").await;
    soon(other.peers()).await.unwrap();
    drop((ours, theirs));
    let message = soon(messages.next()).await.unwrap();
    assert_eq!((message.body, mark(&message.descriptors[0])), (json!("through"), 7));
}

#[test]
fn b18_too_many_descriptors_in_flight_is_waited_out() {
    if !rustix::process::geteuid().is_root() {
        return skip("bus b18 (ETOOMANYREFS)", "needs root to become a user with a count of its own");
    }
    assert!(Role::start("too-many-in-flight", Path::new("")).end().success());
}
