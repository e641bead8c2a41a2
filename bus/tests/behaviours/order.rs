//! B15: what one peer sends to another arrives in the order sent.

use std::os::fd::AsFd;
use std::sync::Arc;

use bus::Group;
use tokio::sync::Semaphore;

use super::harness::{Bus, soon};

/// A group.
const GROUP: Group = Group::from_static("ordered");

#[tokio::test]
async fn b15_messages_of_all_sorts_keep_their_order() {
    let bus = Bus::start();
    let (receiver, mut messages) = bus.client("receiver").await;
    soon(receiver.subscribe(&GROUP)).await.unwrap();
    let (pipe, _other) = rustix::pipe::pipe().unwrap();
    let to = receiver.address();
    // The bus does not slow down a sender, so the test does: what is on its way stays within the receiver's queue.
    let on_their_way = Arc::new(Semaphore::new(100));
    let senders: Vec<_> = (0..4).map(|_| bus.client("sender")).collect();
    let mut sending = Vec::new();
    let mut next = std::collections::HashMap::new();
    for sender in senders {
        let (sender, incoming) = sender.await;
        next.insert(sender.address(), 0);
        let pipe = pipe.try_clone().unwrap();
        let on_their_way = Arc::clone(&on_their_way);
        sending.push(tokio::spawn(async move {
            let _incoming = incoming;
            for number in 0..2_000_u64 {
                // By address and by group, with descriptors and without, short and far longer than a frame.
                let to = if number % 3 == 0 { GROUP.into() } else { to.into() };
                let descriptors = if number % 7 == 0 { vec![pipe.as_fd(); 5] } else { Vec::new() };
                let filler = "x".repeat(if number % 100 == 0 { 70_000 } else { number as usize % 50 });
                on_their_way.acquire().await.unwrap().forget();
                sender.send(&to, &(number, &filler), &descriptors).unwrap();
            }
        }));
    }
    for _ in 0..8_000 {
        let message = soon(messages.next()).await.unwrap();
        let next = next.get_mut(&message.from).unwrap();
        assert_eq!(message.body[0], *next);
        *next += 1;
        on_their_way.add_permits(1);
    }
    for task in sending {
        soon(task).await.unwrap();
    }
}

#[tokio::test]
async fn b15_what_was_said_before_a_goodbye_still_arrives() {
    let bus = Bus::start();
    let (receiver, mut messages) = bus.client("receiver").await;
    for round in 0..50 {
        let (sender, incoming) = bus.client("brief").await;
        for number in 0..20 {
            sender.send(&receiver.address().into(), &(round, number), &[]).unwrap();
        }
        drop((sender, incoming));
        for number in 0..20 {
            assert_eq!(soon(messages.next()).await.unwrap().body, serde_json::json!([round, number]));
        }
    }
}
