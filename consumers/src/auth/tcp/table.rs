//! The connections there are: how many, how many of each client, and which one goes when there is one too many.
//!
//! Connections are kept in the order in which they were last known to be asked over; a query does not move its connection, so the order is set
//! right when one has to go. That costs no more than the queries since then were many.

use std::collections::{BTreeSet, HashMap};
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
    /// From when times are counted.
    epoch: Instant,
    /// When its last query was whole, in milliseconds since then; when it was taken, before the first. It never goes back.
    last_query_ms: AtomicU64,
    /// Whether it waits for its client's next query.
    is_idle: AtomicBool,
}

impl Known {
    /// Notes that a query is whole, or that the last answer has gone.
    pub(super) fn note(&self, now: Instant) {
        self.last_query_ms.store(milliseconds(self.epoch, now), Ordering::Relaxed);
    }

    /// Notes whether it waits for its client's next query.
    pub(super) fn set_idle(&self, is_idle: bool) {
        self.is_idle.store(is_idle, Ordering::Relaxed);
    }

    /// When its last query was whole; when it was taken, before the first.
    pub(super) fn last_query(&self) -> Instant {
        self.epoch + Duration::from_millis(self.last_query_ms())
    }

    /// The same in milliseconds.
    fn last_query_ms(&self) -> u64 {
        self.last_query_ms.load(Ordering::Relaxed)
    }

    /// Whether it waits for its client's next query.
    fn is_idle(&self) -> bool {
        self.is_idle.load(Ordering::Relaxed)
    }
}

/// Milliseconds between two times.
fn milliseconds(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(u64::MAX)
}

/// A connection in the table.
#[derive(Debug)]
struct Entry {
    /// What is known of it.
    known: Arc<Known>,
    /// Ends its task, and so the connection.
    task: AbortHandle,
    /// Its time in the order: its last query then, or an earlier one.
    ordered_ms: u64,
}

/// The connections there are.
#[derive(Debug)]
pub(super) struct Table {
    /// From when times are counted.
    epoch: Instant,
    /// Each, by its number.
    entries: HashMap<u64, Entry>,
    /// The time and the number of each.
    order: BTreeSet<(u64, u64)>,
    /// The numbers of each client's; no client without any.
    clients: HashMap<IpAddr, Vec<u64>>,
    /// The next connection's number; none is used twice.
    next: u64,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            epoch: Instant::now(),
            entries: HashMap::new(),
            order: BTreeSet::new(),
            clients: HashMap::new(),
            next: 0,
        }
    }
}

impl Table {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many of them are one client's.
    pub(super) fn of_client(&self, address: IpAddr) -> usize {
        self.clients.get(&address).map_or(0, Vec::len)
    }

    /// Adds a connection of a client, just taken, whose task `start` begins from its number and what others know of it.
    pub(super) fn add(&mut self, address: IpAddr, start: impl FnOnce(u64, Arc<Known>) -> AbortHandle) {
        let number = self.next;
        self.next += 1;
        let ordered_ms = milliseconds(self.epoch, Instant::now());
        let known = Arc::new(Known {
            address,
            epoch: self.epoch,
            last_query_ms: AtomicU64::new(ordered_ms),
            is_idle: AtomicBool::new(true),
        });
        self.clients.entry(address).or_default().push(number);
        self.order.insert((ordered_ms, number));
        let task = start(number, Arc::clone(&known));
        self.entries.insert(number, Entry { known, task, ordered_ms });
    }

    /// Removes a connection that has ended.
    pub(super) fn remove(&mut self, number: u64) -> Option<AbortHandle> {
        let Entry { known, task, ordered_ms } = self.entries.remove(&number)?;
        self.order.remove(&(ordered_ms, number));
        if let Some(numbers) = self.clients.get_mut(&known.address) {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.clients.remove(&known.address);
            }
        }
        Some(task)
    }

    /// Ends one connection: of this client, or of any. Says whether there was one.
    pub(super) fn evict(&mut self, of: Option<IpAddr>) -> bool {
        let oldest = match of {
            Some(address) => self.oldest_of(address),
            None => self.oldest(),
        };
        let task = oldest.and_then(|number| self.remove(number));
        task.as_ref().inspect(|task| task.abort()).is_some()
    }

    /// The client's own connection that has been idle longest; without an idle one, the one whose last query is oldest.
    fn oldest_of(&self, address: IpAddr) -> Option<u64> {
        let own = self.clients.get(&address)?.iter().filter_map(|number| Some((*number, self.entries.get(number)?)));
        let rank = |known: &Known| (!known.is_idle(), known.last_query_ms());
        own.min_by_key(|(_, entry)| rank(&entry.known)).map(|(number, _)| number)
    }

    /// The connection that has been idle longest; where the first [`BUSY_MAX`] are all not idle, the one of them whose last query is oldest.
    fn oldest(&mut self) -> Option<u64> {
        let mut busy: Vec<(u64, u64)> = Vec::new();
        let mut found = None;
        while found.is_none()
            && busy.len() < BUSY_MAX
            && let Some((ordered_ms, number)) = self.order.pop_first()
        {
            let Some(entry) = self.entries.get_mut(&number) else { continue };
            let last_ms = entry.known.last_query_ms();
            if last_ms > ordered_ms {
                // It was asked over since: behind it comes who was not.
                entry.ordered_ms = last_ms;
                self.order.insert((last_ms, number));
            } else if entry.known.is_idle() {
                self.order.insert((ordered_ms, number));
                found = Some(number);
            } else {
                busy.push((ordered_ms, number));
            }
        }
        let first_busy = busy.first().map(|(_, number)| *number);
        self.order.extend(busy);
        found.or(first_busy)
    }

    /// Forgets all connections, and gives their tasks, to be ended when the table is not locked any more.
    pub(super) fn take_all(&mut self) -> Vec<AbortHandle> {
        self.clients.clear();
        self.order.clear();
        self.entries.drain().map(|(_, entry)| entry.task).collect()
    }
}

/// So many that are not idle are passed over before one of them goes: their clients do not read, and the write timeout ends them soon.
const BUSY_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    /// A table of so many connections, a second apart, of two clients in turn; and what is known of each.
    fn table(count: u64) -> (Table, Vec<Arc<Known>>) {
        let (mut table, mut all) = (Table::default(), Vec::new());
        for index in 0..count {
            table.add(address(index % 2), |_, known| {
                all.push(known);
                tokio::spawn(pending::<()>()).abort_handle()
            });
            ask(&all, index, index);
        }
        (table, all)
    }

    /// The address of a client.
    fn address(client: u64) -> IpAddr {
        IpAddr::from([192, 0, 2, client as u8])
    }

    /// A query comes over a connection at a second.
    fn ask(all: &[Arc<Known>], index: u64, second: u64) {
        let known = &all[index as usize];
        known.note(known.epoch + Duration::from_secs(second + 1));
    }

    /// The numbers of those that go, one after the other.
    fn evicted(table: &mut Table, of: Option<IpAddr>) -> Vec<u64> {
        std::iter::from_fn(|| {
            let before: BTreeSet<u64> = table.entries.keys().copied().collect();
            table.evict(of).then(|| *before.difference(&table.entries.keys().copied().collect()).next().unwrap())
        })
        .collect()
    }

    /// Runs a test inside a runtime.
    fn within(test: impl FnOnce()) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async { test() });
    }

    #[test]
    fn the_one_asked_over_longest_ago_goes_first() {
        within(|| {
            let (mut table, all) = table(6);
            ask(&all, 0, 10);
            ask(&all, 3, 9);
            assert_eq!(evicted(&mut table, None), [1, 2, 4, 5, 3, 0]);
            assert!(table.len() == 0 && table.order.is_empty() && table.clients.is_empty());
            assert!(!table.evict(None));
        });
    }

    #[test]
    fn of_a_client_only_its_own_go() {
        within(|| {
            let (mut table, all) = table(6);
            ask(&all, 1, 10);
            assert_eq!(table.of_client(address(1)), 3);
            assert_eq!(evicted(&mut table, Some(address(1))), [3, 5, 1]);
            assert_eq!((table.of_client(address(1)), table.of_client(address(0)), table.len()), (0, 3, 3));
            assert!(!table.evict(Some(address(7))));
        });
    }

    #[test]
    fn those_that_are_not_idle_go_last() {
        within(|| {
            let (mut table, all) = table(6);
            [0, 1, 4].into_iter().for_each(|index: usize| all[index].set_idle(false));
            assert!(table.evict(Some(address(0))) && !table.entries.contains_key(&2));
            all[1].set_idle(true);
            assert_eq!(evicted(&mut table, None), [1, 3, 5, 0, 4]);
        });
    }

    #[test]
    fn where_none_is_idle_one_goes_all_the_same() {
        within(|| {
            let count = 2 * BUSY_MAX as u64;
            let (mut table, all) = table(count);
            all.iter().for_each(|known| known.set_idle(false));
            assert_eq!(evicted(&mut table, None), (0..count).collect::<Vec<u64>>());
        });
    }

    #[test]
    fn connections_that_end_leave_nothing() {
        within(|| {
            let (mut table, all) = table(4);
            ask(&all, 2, 20);
            assert!(table.remove(2).is_some() && table.remove(2).is_none());
            assert_eq!((table.len(), table.order.len(), table.of_client(address(0))), (3, 3, 1));
            assert_eq!(table.take_all().len(), 3);
            assert!(table.len() == 0 && table.order.is_empty() && table.clients.is_empty());
        });
    }
}
