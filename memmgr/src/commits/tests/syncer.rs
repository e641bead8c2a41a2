//! The thread that syncs: shared waits, notification, and what a failure means.

use std::fs::OpenOptions;
use std::time::Duration;

use tokio::sync::watch::Receiver;

use super::*;
use crate::commits::sync::{LogSync, Shared};

/// Waits until a generation is durable, or can't be.
async fn reached(durable: &mut Receiver<Durable>, generation: u64) -> bool {
    let wait = durable.wait_for(|durable| durable.has(generation).map_or(true, |has| has));
    let settled = tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap().unwrap();
    settled.has(generation).is_ok()
}

/// A log on a device that can't be synced.
fn unsyncable() -> LogSync {
    let file = OpenOptions::new().write(true).open("/dev/null").unwrap();
    let shared = Shared::new(file, "/dev/null".into(), 0);
    shared.appended.store(1, std::sync::atomic::Ordering::Release);
    LogSync::new(&std::sync::Arc::new(shared))
}

#[tokio::test(flavor = "current_thread")]
async fn requests_share_syncs_and_the_highest_is_told() {
    let (_temporary, directory) = directory();
    let mut log = CommitLog::create(&directory, 1, 0).unwrap();
    let syncer = Syncer::start(0).unwrap();
    let mut durable = syncer.durable();
    assert_eq!(durable.borrow().generation, 0);
    for generation in 1..=500 {
        log.append(&record(generation)).unwrap();
    }
    (1..=500).for_each(|generation| syncer.sync(log.sync(), generation));
    assert!(reached(&mut durable, 500).await);
    assert_eq!(log.sync().syncs(), 1, "all were appended before");
    let mut next = log.rotate().unwrap();
    next.append(&record(501)).unwrap();
    syncer.sync(next.sync(), 501);
    assert!(reached(&mut durable, 501).await);
}

#[test]
fn what_was_asked_for_is_done_before_it_ends() {
    let (_temporary, directory) = directory();
    let mut log = CommitLog::create(&directory, 1, 0).unwrap();
    let syncer = Syncer::start(0).unwrap();
    let durable = syncer.durable();
    log.append(&record(1)).unwrap();
    syncer.sync(log.sync(), 1);
    drop(syncer);
    assert_eq!((durable.borrow().generation, log.sync().syncs()), (1, 1));
}

#[tokio::test(flavor = "current_thread")]
async fn what_follows_a_failure_is_not_durable_until_a_manifest_has_it() {
    let (_temporary, directory) = directory();
    let log = log_of(&directory, 1, 0, [1, 2, 3]);
    let syncer = Syncer::start(0).unwrap();
    let mut durable = syncer.durable();
    syncer.sync(log.sync(), 1);
    assert!(reached(&mut durable, 1).await);
    syncer.sync(unsyncable(), 2);
    assert!(!reached(&mut durable, 2).await);
    syncer.sync(log.sync(), 3);
    assert!(!reached(&mut durable, 3).await, "generation 2 is not there");
    assert_eq!(durable.borrow().generation, 1);
    let mut log = log.rotate().unwrap();
    log.append(&record(4)).unwrap();
    syncer.sync(log.sync(), 4);
    assert!(!reached(&mut durable, 4).await);
    syncer.saved(3);
    // It was asked for before.
    durable.wait_for(|durable| durable.generation == 4).await.unwrap();
    assert!(durable.borrow().failed.is_none());
    // What a manifest has needs no sync.
    syncer.saved(5);
    syncer.sync(unsyncable(), 5);
    log.append(&record(6)).unwrap();
    syncer.sync(log.sync(), 6);
    assert!(reached(&mut durable, 6).await);
}
