//! B07 and B08: who is there, told once and without gaps.

use std::collections::BTreeMap;

use bus::group::MembershipEvent;
use bus::{Address, Client, Group};

use super::child::Role;
use super::harness::{Bus, soon, until};

#[tokio::test]
async fn b07_a_killed_member_is_seen_to_leave_once() {
    let bus = Bus::start();
    let (watcher, mut notices) = bus.client("watcher").await;
    soon(watcher.watch_members()).await.unwrap();
    let mut member = Role::start("member", &bus.path);
    let address: Address = member.line().unwrap().parse().unwrap();
    member.process.kill().unwrap();
    let (marker, _) = bus.client("marker").await;
    let marker = marker.address();

    let mut seen = Vec::new();
    let mut is_gone = false;
    loop {
        let message = soon(notices.next()).await.unwrap();
        let notice = watcher.membership_notice(&message).unwrap();
        match notice.event {
            MembershipEvent::Connected { member } if member.address == address => seen.push("connected".to_owned()),
            MembershipEvent::Joined { address: who, group } if who == address => seen.push(format!("joined {group}")),
            MembershipEvent::Left { address: who, group } if who == address => seen.push(format!("left {group}")),
            MembershipEvent::Disconnected { address: who } if who == address => {
                seen.push("disconnected".to_owned());
                is_gone = true;
            }
            // Whatever might be told twice would be told before this.
            MembershipEvent::Disconnected { address: who } if who == marker && is_gone => break,
            MembershipEvent::Disconnected { address: who } if who == marker => {
                panic!("the marker went before the member")
            }
            _ => {}
        }
        if is_gone && bus.handle.peer(&marker).is_some() {
            bus.handle.disconnect(&marker, "it has marked");
        }
    }
    assert_eq!(seen, ["connected", "joined alpha", "joined beta", "left alpha", "left beta", "disconnected"]);
}

/// Connects, joins and leaves, over and over.
async fn churn(path: std::path::PathBuf, seed: usize) {
    let group = Group::new(format!("group-{}", seed % 3)).unwrap();
    for round in 0..20 {
        let (client, _) = Client::connect(&path, "churning").await.unwrap();
        client.subscribe(&group).await.unwrap();
        if (seed + round).is_multiple_of(2) {
            client.unsubscribe(&group).await.unwrap();
        }
    }
}

#[tokio::test]
async fn b08_subscribing_then_listing_misses_nobody_and_counts_nobody_twice() {
    let bus = Bus::start();
    let churning: Vec<_> = (0..8).map(|seed| tokio::spawn(churn(bus.path.clone(), seed))).collect();
    let (watcher, mut notices) = bus.client("watcher").await;
    let mut roster = soon(watcher.watch_members()).await.unwrap();
    // A second account, kept without the roster's own leniency: each event must fit what is known.
    let mut present: BTreeMap<Address, Vec<Group>> =
        roster.peers().map(|member| (member.address, member.groups.clone())).collect();
    let mut last = None;
    let mut done = tokio::spawn(async move {
        for task in churning {
            task.await.unwrap();
        }
    });
    let mut is_done = false;
    loop {
        let message = tokio::select! {
            message = soon(notices.next()) => message.unwrap(),
            finished = &mut done, if !is_done => {
                finished.unwrap();
                is_done = true;
                until(|| bus.handle.peers().len() == 1).await;
                // The last notice of all: everything before it has been told when it comes.
                watcher.subscribe(&Group::from_static("the-end")).await.unwrap();
                continue;
            }
        };
        let notice = watcher.membership_notice(&message).unwrap();
        if let Some(last) = last {
            assert_eq!(notice.sequence, last + 1, "no event is left out");
        }
        last = Some(notice.sequence);
        if !roster.apply(&notice) {
            continue;
        }
        match notice.event {
            MembershipEvent::Connected { member } => assert!(present.insert(member.address, Vec::new()).is_none()),
            MembershipEvent::Joined { address, group } => {
                let is_end = group.as_str() == "the-end";
                let groups = present.get_mut(&address).unwrap();
                assert!(!groups.contains(&group));
                groups.push(group);
                if is_end {
                    break;
                }
            }
            MembershipEvent::Left { address, group } => {
                let groups = present.get_mut(&address).unwrap();
                assert!(groups.contains(&group));
                groups.retain(|each| *each != group);
            }
            MembershipEvent::Disconnected { address } => assert!(present.remove(&address).unwrap().is_empty()),
            event => panic!("{event:?}"),
        }
    }
    let listed = soon(watcher.peers()).await.unwrap();
    assert_eq!(roster.peers().cloned().collect::<Vec<_>>(), listed);
    assert_eq!(listed.iter().map(|member| member.address).collect::<Vec<_>>(), [watcher.address()]);
    assert_eq!(roster.members(&bus::group::MEMBERS).count(), 1);
}
