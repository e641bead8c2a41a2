//! Auth as a process: one query thread for UDP, one runtime for TCP, the bus and the supervisor's word.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use bus::protocol::reader::{Role, ThreadProgress};
use bus::protocol::supervisor::{RECORD_LENGTH, Record};
use config::process::AuthOptions;
use rustix::net::RecvFlags;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

use super::tcp;
use super::udp::{QueryThread, QueryThreadOptions, StartError};
use crate::progress::{ProgressError, ProgressTable};
use crate::reader::follow::{Follower, Hooks};

/// What auth inherits.
#[derive(Debug)]
pub struct AuthLinks {
    /// The socket pair with the supervisor.
    pub supervisor: OwnedFd,
    /// The progress table.
    pub progress: OwnedFd,
    /// For each slot, one UDP socket an address.
    pub udp: Vec<Vec<OwnedFd>>,
    /// One listening socket an address.
    pub tcp: Vec<OwnedFd>,
}

/// Answers until told to end, or until the supervisor has.
///
/// # Errors
///
/// [`AuthError`] when it can't start.
pub fn run(options: AuthOptions, links: AuthLinks) -> Result<(), AuthError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| AuthError::Io { error })?;
    runtime.block_on(serve(options, links))
}

/// The same, inside the runtime.
async fn serve(options: AuthOptions, links: AuthLinks) -> Result<(), AuthError> {
    let io_error = |error| AuthError::Io { error };
    let mut terminate = signal(SignalKind::terminate()).map_err(io_error)?;
    let progress = ProgressTable::open(links.progress).map_err(AuthError::Progress)?;
    let current = Arc::new(ArcSwapOption::empty());
    let thread = QueryThread::start(QueryThreadOptions {
        slot: options.slot,
        sockets: links.udp,
        zones: Arc::clone(&current),
        progress: Arc::new(progress),
        line: options.slot as usize,
    })
    .map_err(AuthError::Thread)?;
    let thread = Arc::new(thread);
    for listener in links.tcp {
        let listener = std::net::TcpListener::from(listener);
        let server = tcp::Server::new(listener, Arc::clone(&current)).map_err(io_error)?;
        tokio::spawn(server.run());
    }
    let supervisor = watch(links.supervisor).map_err(io_error)?;
    let follower =
        Follower::new(&options.bus, Role::Auth, Some(options.slot), current, AuthHooks { thread: Arc::clone(&thread) });
    tokio::select! {
        () = follower.run() => {}
        () = obey(&supervisor, &thread) => info!("supervisor-gone"),
        _ = terminate.recv() => info!("auth-stopped"),
    }
    Ok(())
}

/// What auth's threads have to do with generations.
struct AuthHooks {
    /// The query thread.
    thread: Arc<QueryThread>,
}

impl Hooks for AuthHooks {
    fn passed(&self, generation: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.thread.seen(generation))
    }

    fn progress(&self) -> Vec<ThreadProgress> {
        let thread = &self.thread;
        vec![ThreadProgress { progress: thread.progress(), waiting: thread.has_work_waiting() }]
    }
}

/// Puts the supervisor's socket on the event loop.
fn watch(socket: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    rustix::io::ioctl_fionbio(&socket, true)?;
    #[expect(deprecated, reason = "its safe form; an OwnedFd stays the same descriptor as long as it lives")]
    AsyncFd::with_interest(socket, Interest::READABLE)
}

/// Does what the supervisor says, until it is gone.
async fn obey(supervisor: &AsyncFd<OwnedFd>, thread: &QueryThread) {
    let mut drained = 0u64;
    loop {
        let mut octets = [0; RECORD_LENGTH];
        let read = supervisor
            .async_io(Interest::READABLE, |socket| {
                rustix::net::recv(socket, &mut octets, RecvFlags::DONTWAIT).map_err(io::Error::from)
            })
            .await;
        let length = match read {
            Ok((_, length)) if length > 0 => length,
            _ => return,
        };
        match Record::decode(octets.get(..length).unwrap_or(&octets)) {
            Ok(Record::Drain { slot }) => drained |= bit(slot),
            Ok(Record::Undrain { slot }) => drained &= !bit(slot),
            other => warn!(?other, "supervisor-record-unexpected"),
        }
        thread.set_drained(drained);
    }
}

/// A slot's bit in the set of drained slots.
fn bit(slot: u32) -> u64 {
    1u64.checked_shl(slot).unwrap_or(0)
}

/// Auth can't start.
#[derive(Debug)]
#[non_exhaustive]
pub enum AuthError {
    /// The progress table can't be mapped.
    Progress(ProgressError),
    /// The query thread can't be started.
    Thread(StartError),
    /// The system refused something.
    Io {
        /// What it said.
        error: io::Error,
    },
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Progress(error) => error.fmt(f),
            Self::Thread(error) => error.fmt(f),
            Self::Io { .. } => write!(f, "starting auth"),
        }
    }
}

impl std::error::Error for AuthError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Progress(error) => error.source(),
            Self::Thread(error) => error.source(),
            Self::Io { error } => Some(error),
        }
    }
}
