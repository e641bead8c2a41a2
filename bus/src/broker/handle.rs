//! The broker as its own process sees it: [`BrokerHandle`]. Each call looks at the state between two frames and never waits.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;

use super::Shared;
use super::peer::PeerEnd;
use super::routing::PeerEntry;
use crate::address::{Address, PeerName, SessionId};
use crate::group::Group;
use crate::socket;

/// A view of a broker. Cheap to clone.
#[derive(Debug, Clone)]
pub struct BrokerHandle {
    /// The state of routing.
    shared: Arc<Shared>,
    /// Where ends of connections made here go.
    local: mpsc::Sender<OwnedFd>,
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
    pub(super) fn new(shared: Arc<Shared>, local: mpsc::Sender<OwnedFd>) -> Self {
        Self { shared, local }
    }

    /// This run of the broker.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.shared.core.lock().session()
    }

    /// A connected end for the broker's own process, for [`crate::Client::from_fd`]. It may be made before the broker runs.
    pub fn connect_local(&self) -> Result<OwnedFd, LocalError> {
        let (ours, theirs) = socket::pair().map_err(LocalError::Socket)?;
        self.local.try_send(theirs).map_err(|_| LocalError::NotRunning)?;
        Ok(ours)
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

/// Why the broker's own process has no connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum LocalError {
    /// No sockets could be made.
    Socket(io::Error),
    /// The broker has ended, or too many connections wait for it to run.
    NotRunning,
}

impl fmt::Display for LocalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(_) => f.write_str("connecting to this process's own bus: no sockets could be made"),
            Self::NotRunning => f.write_str("connecting to this process's own bus: the broker does not run"),
        }
    }
}

impl std::error::Error for LocalError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Socket(error) => Some(error),
            Self::NotRunning => None,
        }
    }
}
