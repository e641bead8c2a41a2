//! The connections there are: how many, how many of each client, and which one goes when there is one too many.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

/// What others know of a connection.
#[derive(Debug)]
pub(super) struct Known {
    /// Its client.
    pub(super) address: IpAddr,
    /// When it was taken.
    began: Instant,
    /// When its last query was whole, in milliseconds since then.
    last_query_ms: AtomicU64,
    /// Whether it waits for its client's next query.
    is_idle: AtomicBool,
}

impl Known {
    /// A connection just taken.
    pub(super) fn new(address: IpAddr) -> Self {
        Self { address, began: Instant::now(), last_query_ms: AtomicU64::new(0), is_idle: AtomicBool::new(true) }
    }

    /// Notes that a query is whole, or that the last answer has gone.
    pub(super) fn note(&self, now: Instant) {
        let ms = u64::try_from(now.duration_since(self.began).as_millis()).unwrap_or(u64::MAX);
        self.last_query_ms.store(ms, Ordering::Relaxed);
    }

    /// Notes whether it waits for its client's next query.
    pub(super) fn set_idle(&self, is_idle: bool) {
        self.is_idle.store(is_idle, Ordering::Relaxed);
    }

    /// When its last query was whole; when it was taken, before the first.
    pub(super) fn last_query(&self) -> Instant {
        self.began + Duration::from_millis(self.last_query_ms.load(Ordering::Relaxed))
    }

    /// Who goes first: of those that are idle the one that has been so longest; without any, the one whose last query is oldest.
    fn order(&self) -> (bool, Instant) {
        (!self.is_idle.load(Ordering::Relaxed), self.last_query())
    }
}

/// A connection in the table.
#[derive(Debug)]
struct Entry {
    /// What is known of it.
    known: Arc<Known>,
    /// Ends its task, and so the connection.
    task: AbortHandle,
}

/// The connections there are.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Each, by its number.
    entries: HashMap<u64, Entry>,
    /// How many each client has; no client without any.
    clients: HashMap<IpAddr, usize>,
    /// The next connection's number; none is used twice.
    next: u64,
}

impl Table {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many of them are one client's.
    pub(super) fn of_client(&self, address: IpAddr) -> usize {
        self.clients.get(&address).copied().unwrap_or(0)
    }

    /// Adds a connection whose task `start` begins, and which is told its number.
    pub(super) fn add(&mut self, known: Arc<Known>, start: impl FnOnce(u64) -> AbortHandle) {
        let number = self.next;
        self.next += 1;
        *self.clients.entry(known.address).or_default() += 1;
        let task = start(number);
        self.entries.insert(number, Entry { known, task });
    }

    /// Removes a connection that has ended.
    pub(super) fn remove(&mut self, number: u64) {
        let Some(entry) = self.entries.remove(&number) else { return };
        let address = entry.known.address;
        if let Some(count) = self.clients.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.clients.remove(&address);
            }
        }
    }

    /// Ends one connection: of this client, or of any. Says whether there was one.
    ///
    /// All are looked at: that happens only at a limit, and costs less than to keep them in order with each query.
    pub(super) fn evict(&mut self, of: Option<IpAddr>) -> bool {
        let candidates =
            self.entries.iter().filter(|(_, entry)| of.is_none_or(|address| address == entry.known.address));
        let oldest = candidates.min_by_key(|(_, entry)| entry.known.order()).map(|(number, _)| *number);
        let Some(number) = oldest else { return false };
        if let Some(entry) = self.entries.get(&number) {
            entry.task.abort();
        }
        self.remove(number);
        true
    }

    /// Forgets all connections, and gives their tasks, to be ended when the table is not locked any more.
    pub(super) fn take_all(&mut self) -> Vec<AbortHandle> {
        self.clients.clear();
        self.entries.drain().map(|(_, entry)| entry.task).collect()
    }
}
