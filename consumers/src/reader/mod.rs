//! The reader: follows the generations of a running server and hands out the newest one.
//!
//! [`Reader`] is for any program: it attaches in the background and gives a [`ZoneSet`] to look things up in. The data is in
//! shared memory; nothing is copied, and a generation in use stays whole for as long as it is held.
//!
//! ```no_run
//! use std::time::Duration;
//! use consumers::reader::Reader;
//! use zone_segment::{LookupName, Name};
//!
//! let reader = Reader::attach("/var/lib/trine/bus.sock")?;
//! let zones = reader.wait(Duration::from_secs(5)).ok_or("no generation within 5 s")?;
//! let name: Name = "www.example.com.".parse()?;
//! if let Some(zone) = zones.find_zone(&LookupName::new(zones.key(), name.as_ref())) {
//!     println!("{name} is in the zone {}", zone.apex());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A generation that is held keeps its memory: drop it soon. A reader that does not let go within the server's release timeout
//! is cut off, keeps what it has, and attaches anew. Who needs one version for longer takes a [`Lease`] of it and says when there is
//! progress.
//!
//! [`follow`] is the same for processes that have a loop and query threads of their own.

pub mod follow;
mod layers;
mod lease;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use bus::protocol::reader::{Role, ThreadProgress};
use zone_segment::ZoneSet;

use follow::{Follower, Hooks, Passing};
pub use lease::{Lease, LeaseError, Leases};

/// The name a reader gives itself on the bus.
const BUS_NAME: &str = "reader";

/// A program's view of a running server's zone data.
#[derive(Debug)]
pub struct Reader {
    /// The newest generation.
    current: Arc<ArcSwapOption<ZoneSet>>,
    /// Tells of switches.
    switched: Arc<Switched>,
    /// Where leases are asked for.
    leases: Leases,
    /// Dropped to end the background thread.
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    /// The background thread.
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    /// Attaches to the server behind this bus socket. Later interruptions are mended in the background; what was there goes on
    /// to be served meanwhile.
    ///
    /// # Errors
    ///
    /// [`AttachError`] when nobody answers at the socket, or the server does not let this user in.
    pub fn attach(bus: impl AsRef<Path>) -> Result<Reader, AttachError> {
        let bus = bus.as_ref().to_owned();
        let failed = |error| AttachError::Start { bus: bus.clone(), error };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        // A first connection only to be able to say at once what is wrong.
        let probe = runtime.block_on(bus::Client::connect(&bus, BUS_NAME));
        probe.map_err(|error| AttachError::Connect { bus: bus.clone(), error })?;
        let current = Arc::new(ArcSwapOption::empty());
        let switched = Arc::new(Switched::default());
        let follower = Follower::new(&bus, Role::Reader, None, Arc::clone(&current), Arc::clone(&switched));
        let leases = follower.leases();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("trine-reader".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        never = follower.run() => never,
                        _ = stopped => {}
                    }
                });
            })
            .map_err(failed)?;
        Ok(Reader { current, switched, leases, stop: Some(stop), thread: Some(thread) })
    }

    /// The newest generation, if one has come.
    pub fn current(&self) -> Option<Arc<ZoneSet>> {
        self.current.load_full()
    }

    /// The newest generation; waits for the first one.
    pub fn wait(&self, at_most: Duration) -> Option<Arc<ZoneSet>> {
        self.wait_for(at_most, |_| true)
    }

    /// A generation other than this one; waits for it.
    pub fn wait_for_change(&self, from: u64, at_most: Duration) -> Option<Arc<ZoneSet>> {
        self.wait_for(at_most, |generation| generation != from)
    }

    /// A lease of a generation that is held: the same data, for longer than the generation itself may be held. Let that go next.
    ///
    /// # Errors
    ///
    /// [`LeaseError`] when the server refuses, as it does when there are too many, or does not answer within 5 s.
    pub fn lease(&self, zones: &Arc<ZoneSet>) -> Result<Lease, LeaseError> {
        self.leases.take(zones)
    }

    /// A generation that will do; waits for it.
    fn wait_for(&self, at_most: Duration, will_do: impl Fn(u64) -> bool) -> Option<Arc<ZoneSet>> {
        let deadline = Instant::now() + at_most;
        let mut count = self.switched.lock();
        loop {
            if let Some(zones) = self.current.load_full().filter(|zones| will_do(zones.generation())) {
                return Some(zones);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            count = self.switched.signal.wait_timeout(count, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends at its next await; a panic in it has been printed.
            let _ = thread.join();
        }
    }
}

/// Switches counted, so that a thread can wait for one.
#[derive(Debug, Default)]
struct Switched {
    /// How many there were.
    count: Mutex<u64>,
    /// Signalled at each.
    signal: Condvar,
}

impl Switched {
    /// The count, whatever happened to the thread that held it last: a number can't be half-changed.
    fn lock(&self) -> MutexGuard<'_, u64> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hooks for Arc<Switched> {
    /// There are no query threads: whoever looks next sees the new generation.
    fn passed(&self, _generation: u64) -> Passing<'_> {
        *self.lock() += 1;
        self.signal.notify_all();
        Box::pin(std::future::ready(()))
    }

    fn progress(&self) -> Vec<ThreadProgress> {
        Vec::new()
    }
}

/// A reader that can't attach.
#[derive(Debug)]
#[non_exhaustive]
pub enum AttachError {
    /// Nobody answers, or not to us.
    Connect {
        /// The socket.
        bus: PathBuf,
        /// Why.
        error: bus::ConnectError,
    },
    /// The background thread can't be started.
    Start {
        /// The socket.
        bus: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl fmt::Display for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { bus, .. } => write!(f, "attaching to {}", bus.display()),
            Self::Start { bus, .. } => write!(f, "starting a reader of {}", bus.display()),
        }
    }
}

impl std::error::Error for AttachError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connect { error, .. } => Some(error),
            Self::Start { error, .. } => Some(error),
        }
    }
}
