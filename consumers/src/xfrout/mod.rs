//! Xfrout: gives zones away, on connections that auth processes hand over.
//!
//! [`run`] is the process: it follows generations and acknowledges as auth does, and takes a link from each auth process. It is a reader
//! like any other: what it streams it holds under a lease ([`Leases`](crate::reader::Leases)).
//!
//! Read `serve` first, which is one connection's life; `checks` says who gets what, `axfr` sends a zone, `ixfr` what changed in one (which `journal` asks memmgr for), `connection` the octets;
//! `notify` tells secondaries of changes. Each connection
//! is a task of the one event loop, and waits for its client alone.

mod answer;
mod axfr;
mod checks;
mod connection;
mod desk;
mod ixfr;
mod journal;
mod link;
mod members;
mod memmgr;
mod notify;
mod quota;
mod serve;
mod telling;

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use bus::protocol::reader::{Role, ThreadProgress};
use config::process::XfroutOptions;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::{info, warn};

use self::desk::Desk;
use crate::reader::follow::{Follower, Hooks, Passing};
use crate::supervised::Supervisor;

/// What xfrout inherits.
#[derive(Debug)]
pub struct XfroutLinks {
    /// The socket pair with the supervisor.
    pub supervisor: OwnedFd,
    /// The listening socket at which auth processes connect.
    pub link: OwnedFd,
}

/// Gives zones away until told to end, or until the supervisor has.
///
/// # Errors
///
/// [`XfroutError`] when it can't start.
pub fn run(options: XfroutOptions, links: XfroutLinks) -> Result<(), XfroutError> {
    // Queries come first: whoever transfers a zone waits a little longer for it, and nobody for an answer.
    if let Err(error) = rustix::process::setpriority_process(None, PRIORITY) {
        warn!(%error, "xfrout-priority-not-lowered");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| XfroutError::Io { error })?;
    runtime.block_on(serve(options, links))
}

/// The same, inside the runtime.
async fn serve(options: XfroutOptions, links: XfroutLinks) -> Result<(), XfroutError> {
    let io_error = |error| XfroutError::Io { error };
    let mut terminate = signal(SignalKind::terminate()).map_err(io_error)?;
    let supervisor = Supervisor::watch(links.supervisor).map_err(io_error)?;
    let listener = link::Listener::new(links.link).map_err(io_error)?;
    let current = Arc::new(ArcSwapOption::empty());
    let (switched, switches) = watch::channel(0);
    let follower =
        Follower::new(&options.bus, Role::Xfrout, Some(SLOT), Arc::clone(&current), XfroutHooks { switched });
    let desk = Desk::new(&options, current, follower.leases());
    tokio::select! {
        () = follower.run() => {}
        () = desk.memmgr.run() => {}
        () = listener.run(Arc::clone(&desk)) => {}
        () = desk.follow_members(switches.clone()) => {}
        () = notify::run(Arc::clone(&desk), switches) => {}
        () = obey(&supervisor) => info!("supervisor-gone"),
        _ = terminate.recv() => info!("xfrout-stopped"),
    }
    Ok(())
}

/// Until the supervisor is gone. It has nothing to say to us.
async fn obey(supervisor: &Supervisor) {
    while let Some(record) = supervisor.next().await {
        warn!(?record, "supervisor-record-unexpected");
    }
}

/// What xfrout has to do with generations: there are no query threads, and whoever looks next sees the newest.
#[derive(Debug)]
struct XfroutHooks {
    /// Told of each.
    switched: watch::Sender<u64>,
}

impl Hooks for XfroutHooks {
    fn passed(&self, generation: u64) -> Passing<'_> {
        self.switched.send_replace(generation);
        Box::pin(std::future::ready(()))
    }

    fn progress(&self) -> Vec<ThreadProgress> {
        Vec::new()
    }
}

/// How nice the process is to others, of at most 19: it has a tenth of the time that an auth process gets, where both want it.
const PRIORITY: i32 = 10;

/// There is one xfrout, so its slot has one number.
const SLOT: u32 = 0;

/// Xfrout can't start.
#[derive(Debug)]
#[non_exhaustive]
pub enum XfroutError {
    /// The system refused something.
    Io {
        /// What it said.
        error: io::Error,
    },
}

impl fmt::Display for XfroutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { .. } => write!(f, "starting xfrout"),
        }
    }
}

impl std::error::Error for XfroutError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error } => Some(error),
        }
    }
}
