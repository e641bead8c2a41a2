//! B09: a peer that does not read costs a bounded amount of memory and holds up nobody.

use bus::{BrokerOptions, Group};

use super::harness::{Bus, soon};
use super::raw::Raw;

/// A group.
const GROUP: Group = Group::from_static("flood");

#[tokio::test]
async fn b09_a_peer_that_stops_reading_is_cut_off_alone() {
    let mut options = BrokerOptions::default();
    options.queue_bytes_max = 1024 * 1024;
    let bus = Bus::start_with(options.clone());
    let stopped = Raw::connect(&bus.path, "sleeper");
    stopped.subscribe("flood");
    let (reader, mut messages) = bus.client("reader").await;
    soon(reader.subscribe(&GROUP)).await.unwrap();
    let (sender, _incoming) = bus.client("sender").await;
    let body = "x".repeat(10_000);
    let mut sent = 0;
    while let Some(peer) = bus.handle.peer(&stopped.address) {
        assert!(peer.queued_bytes <= options.queue_bytes_max, "{} bytes wait", peer.queued_bytes);
        sender.send(&GROUP.into(), &(sent, &body), &[]).unwrap();
        // Who reads goes at full speed all the while.
        let message = soon(messages.next()).await.unwrap();
        assert_eq!(message.body[0], sent);
        sent += 1;
        assert!(sent < 10_000, "the broker buffers without limit");
    }
    assert!(stopped.is_ended());
    bus.logged(&["bus-peer-cut-off", "sleeper", "does not read", "1048576 bytes"]).await;
    assert!(bus.handle.peer(&reader.address()).is_some() && bus.handle.peer(&sender.address()).is_some());
}

#[tokio::test]
async fn b09_watchers_that_overflow_on_each_others_departure_are_cut_off_too() {
    let mut options = BrokerOptions::default();
    options.queue_bytes_max = 64 * 1024;
    let bus = Bus::start_with(options);
    let watchers: Vec<_> = (0..20).map(|_| Raw::connect(&bus.path, "watcher")).collect();
    for watcher in &watchers {
        watcher.subscribe("notifications/members");
        watcher.subscribe("flood");
    }
    let (sender, _incoming) = bus.client("sender").await;
    let body = "x".repeat(50_000);
    while bus.handle.peers().len() > 1 {
        sender.send(&GROUP.into(), &body, &[]).unwrap();
        assert!(sender.flush().await);
        soon(sender.peers()).await.unwrap();
    }
    for watcher in &watchers {
        assert!(watcher.is_ended());
    }
}
