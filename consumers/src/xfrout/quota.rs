//! How many transfers there may be at a time: in all, and of one client, so that none takes all places.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The places.
#[derive(Debug)]
pub(super) struct Quota {
    /// Transfers at a time.
    max: usize,
    /// Transfers at a time of one client.
    per_client_max: usize,
    /// Those taken, by client; no client without any.
    taken: Mutex<HashMap<IpAddr, usize>>,
}

/// A place, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    /// Of which.
    quota: Arc<Quota>,
    /// Whose.
    client: IpAddr,
}

impl Quota {
    /// So many places, of which one client may have so many.
    pub(super) fn new(max: u32, per_client_max: u32) -> Arc<Self> {
        let count = |option: u32| usize::try_from(option).unwrap_or(usize::MAX);
        Arc::new(Self { max: count(max), per_client_max: count(per_client_max), taken: Mutex::default() })
    }

    /// A place for a client, if it may have one more.
    pub(super) fn take(self: &Arc<Self>, client: IpAddr) -> Option<Place> {
        let client = client.to_canonical();
        let mut taken = self.taken();
        let own = taken.get(&client).copied().unwrap_or(0);
        if own >= self.per_client_max || taken.values().sum::<usize>() >= self.max {
            return None;
        }
        taken.insert(client, own + 1);
        Some(Place { quota: Arc::clone(self), client })
    }

    /// Those taken. A panic while they were locked leaves them as they were.
    fn taken(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.quota.taken();
        if let Some(own) = taken.get_mut(&self.client) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client.
    fn client(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    #[test]
    fn b74_no_client_takes_all_places() {
        let quota = Quota::new(3, 2);
        let own: Vec<Place> = (0..2).map(|_| quota.take(client(1)).unwrap()).collect();
        assert!(quota.take(client(1)).is_none(), "its own are taken");
        let mapped = "::ffff:192.0.2.1".parse().unwrap();
        assert!(quota.take(mapped).is_none(), "it is the same client");
        let other = quota.take(client(2)).unwrap();
        assert!(quota.take(client(3)).is_none(), "all are taken");
        drop(other);
        assert!(quota.take(client(3)).is_some(), "and given back at once");
        drop(own);
        assert!(quota.taken().is_empty());
    }
}
