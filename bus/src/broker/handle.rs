//! The broker as its own process sees it: [`BrokerHandle`]. Each call looks at the state between two frames and never waits.

use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;

use super::Shared;
use super::peer::{Newcomer, PeerEnd};
use super::routing::PeerEntry;
use crate::address::{Address, PeerName, SessionId};
use crate::client::QUEUE_LIMITS;
use crate::group::Group;
use crate::queue::SendQueue;

/// A view of a broker. Cheap to clone.
#[derive(Debug, Clone)]
pub struct BrokerHandle {
    /// The state of routing.
    shared: Arc<Shared>,
    /// Where ends of connections made here go.
    local: mpsc::Sender<Newcomer>,
}

/// One named connection, in the kernel's words but for the name.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Peer {
    /// Its address.
    pub address: Address,
    /// What it calls itself.
    pub name: PeerName,
    /// Its process; 0 if it lies in a process namespace that cannot be seen from here.
    pub pid: i32,
    /// Its user.
    pub uid: u32,
    /// Its group of users.
    pub gid: u32,
    /// The process itself, where the kernel can say (Linux 6.5); unlike the number it is never another one's.
    pub pidfd: Option<Arc<OwnedFd>>,
    /// When it connected.
    pub since: Instant,
    /// Every group it is in.
    pub groups: Vec<Group>,
    /// The bytes that wait for it.
    pub queued_bytes: usize,
}

impl BrokerHandle {
    /// A handle for a broker.
    pub(super) fn new(shared: Arc<Shared>, local: mpsc::Sender<Newcomer>) -> Self {
        Self { shared, local }
    }

    /// This run of the broker.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.shared.core.lock().session()
    }

    /// A connected end for the broker's own process, for [`crate::Client::from_local`]. It may be made before the broker runs. What is said
    /// through it stays in memory.
    ///
    /// # Errors
    ///
    /// The broker has ended, or too many connections wait for it to run.
    pub fn connect_local(&self) -> Result<LocalEnd, NotRunning> {
        let own = Arc::new(SendQueue::new(QUEUE_LIMITS));
        let other = Arc::new(SendQueue::new(self.shared.options.queue_limits()));
        let newcomer = Newcomer::local(Arc::clone(&other), Arc::clone(&own));
        self.local.try_send(newcomer).map_err(|_| NotRunning)?;
        Ok(LocalEnd { own, other })
    }

    /// Who has this address.
    #[must_use]
    pub fn peer(&self, address: &Address) -> Option<Peer> {
        let core = self.shared.core.lock();
        core.peers().get(address).and_then(|entry| peer(*address, entry, core.groups(*address)))
    }

    /// Everyone who is connected, in order of addresses.
    #[must_use]
    pub fn peers(&self) -> Vec<Peer> {
        let core = self.shared.core.lock();
        core.peers().iter().filter_map(|(address, entry)| peer(*address, entry, core.groups(*address))).collect()
    }

    /// Ends a peer's connection. The reason is logged, and told to the peer if it reads. False if there is no such peer.
    pub fn disconnect(&self, address: &Address, reason: &str) -> bool {
        let mut core = self.shared.core.lock();
        let is_there = core.peers().contains_key(address);
        core.remove(*address, PeerEnd::Told(reason.to_owned()));
        is_there
    }
}

/// A peer as it is shown, once it has a name.
fn peer(address: Address, entry: &PeerEntry, groups: Vec<Group>) -> Option<Peer> {
    Some(Peer {
        address,
        name: entry.name.clone()?,
        pid: entry.credentials.pid,
        uid: entry.credentials.uid,
        gid: entry.credentials.gid,
        pidfd: entry.credentials.pidfd.clone(),
        since: entry.since,
        groups,
        queued_bytes: entry.queue.bytes(),
    })
}

/// A connected end within the broker's process, for [`crate::Client::from_local`].
#[derive(Debug)]
pub struct LocalEnd {
    /// What is said through it.
    pub(crate) own: Arc<SendQueue>,
    /// What the broker says.
    pub(crate) other: Arc<SendQueue>,
}

/// The broker's own process has no connection: the broker has ended, or too many connections wait for it to run.
#[derive(Debug)]
pub struct NotRunning;

impl fmt::Display for NotRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connecting to this process's own bus: the broker does not run")
    }
}

impl std::error::Error for NotRunning {}
