//! The middle of the bus: [`Broker`] accepts connections and routes between them, [`BrokerHandle`] is its process's own view.
//!
//! Everything that has an order goes through one `routing::Core`: frames as they are read, joins, departures, deadlines.
//! It pushes into the queues of the peers and never waits; `peer` moves packets between a queue and its socket.
//!
//! - `accept`: who may connect
//! - `peer`: one connection, from hello to its end
//! - `routing`: what each frame does
//! - `calls`: requests in flight
//! - `membership`: groups, and who hears of what
//! - `handle`: the view from the broker's own process

mod accept;
mod calls;
mod handle;
mod membership;
mod peer;
mod routing;

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

pub use handle::{BrokerHandle, LocalEnd, NotRunning, Peer};

use crate::queue::QueueLimits;
use crate::socket;
use accept::{Accepted, Connected};
use peer::Newcomer;
use routing::Core;

/// How many ends made by [`BrokerHandle::connect_local`] may wait for the broker to run.
const LOCAL_WAITING_MAX: usize = 64;
/// How long accepting pauses after the system refused a descriptor or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What can be set about a broker.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BrokerOptions {
    /// Users that may connect beside root and the broker's own.
    pub allowed_uids: Vec<u32>,
    /// The most connections.
    pub peers_max: usize,
    /// The most connections of users other than root and the broker's own, so that places are left for these.
    pub guests_max: usize,
    /// The most bytes that may wait for one peer before it is cut off.
    pub queue_bytes_max: usize,
    /// The most descriptors that may wait for one peer before it is cut off. They are open in the broker meanwhile.
    pub queue_descriptors_max: usize,
    /// The most memory in the memfds of long bodies that may wait for one peer before it is cut off.
    pub queue_memfd_bytes_max: usize,
    /// The most descriptors that lie in the kernel for one peer; more wait in its queue until it takes some.
    pub descriptors_untaken_max: usize,
    /// The most requests of one peer that may be without a reply.
    pub requests_max: usize,
    /// The most groups that one peer may be in.
    pub groups_max: usize,
    /// How long a new connection may take to give its name.
    pub name_timeout: Duration,
}

impl BrokerOptions {
    /// What may wait for one peer.
    fn queue_limits(&self) -> QueueLimits {
        QueueLimits {
            bytes_max: self.queue_bytes_max,
            descriptors_max: self.queue_descriptors_max,
            memfd_bytes_max: self.queue_memfd_bytes_max,
            untaken_max: self.descriptors_untaken_max,
        }
    }
}

impl Default for BrokerOptions {
    fn default() -> Self {
        Self {
            allowed_uids: Vec::new(),
            peers_max: 1024,
            guests_max: 256,
            queue_bytes_max: 4 * 1024 * 1024,
            queue_descriptors_max: 1024,
            queue_memfd_bytes_max: 256 * 1024 * 1024,
            descriptors_untaken_max: 256,
            requests_max: 1024,
            groups_max: 64,
            name_timeout: Duration::from_secs(10),
        }
    }
}

/// A broker that is to run.
#[derive(Debug)]
pub struct Broker {
    /// Where connections come from.
    listener: OwnedFd,
    /// The state of routing.
    shared: Arc<Shared>,
    /// Ends of connections made within this process.
    local: mpsc::Receiver<Newcomer>,
}

/// What the broker, its peers' tasks and its handles have in common.
#[derive(Debug)]
struct Shared {
    /// The state of routing. Locked for one frame at a time and never over an await.
    core: Mutex<Core>,
    /// Told when the earliest deadline may have changed.
    deadline_changed: Notify,
    /// What was set.
    options: BrokerOptions,
}

impl Broker {
    /// A broker for a listening `SOCK_SEQPACKET` socket, made by [`crate::listen::listen`] or inherited.
    #[must_use]
    pub fn new(listener: OwnedFd, options: BrokerOptions) -> (Self, BrokerHandle) {
        let (local_sender, local) = mpsc::channel(LOCAL_WAITING_MAX);
        let core = Mutex::new(Core::new(options.clone()));
        let shared = Arc::new(Shared { core, deadline_changed: Notify::new(), options });
        let handle = BrokerHandle::new(Arc::clone(&shared), local_sender);
        (Self { listener, shared, local }, handle)
    }

    /// Runs until the listening socket fails, and says why. Dropping the future ends every connection.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn run(self) -> RunError {
        self.run_after(std::future::ready(())).await
    }

    /// As [`run`](Self::run), but connections to the listening socket wait in it until `opening` resolves: a service in the
    /// broker's own process subscribes first, so that nobody who comes in finds it missing.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn run_after(self, opening: impl Future<Output = ()>) -> RunError {
        let Self { listener, shared, mut local } = self;
        let mut opening = std::pin::pin!(opening);
        let mut is_open = false;
        // Whatever ends this future, nobody is connected afterwards.
        let _clear = ClearOnDrop(Arc::clone(&shared));
        let listener = match socket::on_event_loop(listener) {
            Ok(listener) => listener,
            Err(error) => return RunError::Listener(error),
        };
        let mut peers = JoinSet::new();
        tracing::info!(session = %shared.core.lock().session(), "bus-started");
        loop {
            let connected = Connected { all: peers.len(), guests: shared.core.lock().guest_count() };
            tokio::select! {
                () = &mut opening, if !is_open => is_open = true,
                accepted = accept::next(&listener, &shared.options, connected), if is_open => match accepted {
                    Accepted::Peer(newcomer) => { peers.spawn(peer::serve(Arc::clone(&shared), newcomer)); }
                    Accepted::Nobody => {}
                    Accepted::Exhausted(error) => {
                        tracing::warn!(%error, "bus-accept-paused");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                    Accepted::Failed(error) => return RunError::Listener(error),
                },
                Some(newcomer) = local.recv() => { peers.spawn(peer::serve(Arc::clone(&shared), newcomer)); }
                () = deadline(&shared) => shared.core.lock().expire(Instant::now()),
                Some(ended) = peers.join_next() => if let Some(panic) = ended.err().and_then(|error| error.try_into_panic().ok()) {
                    // A panic in a peer's task is one of the broker's: the peer would be left half removed.
                    std::panic::resume_unwind(panic);
                },
            }
        }
    }
}

/// Waits for the earliest deadline of a request, or until it may be another one.
async fn deadline(shared: &Shared) {
    let mut changed = std::pin::pin!(shared.deadline_changed.notified());
    changed.as_mut().enable();
    let next = shared.core.lock().next_deadline();
    match next {
        Some(next) => tokio::select! {
            () = tokio::time::sleep_until(next.into()) => {}
            () = changed => {}
        },
        None => changed.await,
    }
}

/// Forgets every peer when the broker ends.
struct ClearOnDrop(Arc<Shared>);

impl Drop for ClearOnDrop {
    fn drop(&mut self) {
        self.0.core.lock().clear();
    }
}

/// Why a broker ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// The listening socket is of no use any more.
    Listener(io::Error),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listener(_) => f.write_str("running the bus broker: the listening socket failed"),
        }
    }
}

impl std::error::Error for RunError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listener(error) => Some(error),
        }
    }
}
