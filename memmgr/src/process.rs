//! memmgr as a process: recovery, the bus's broker and the service, until the supervisor is gone or asks for the end.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use bus::protocol::supervisor::Record;
use bus::{Broker, BrokerOptions, Client};
use config::process::MemmgrOptions;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};

use crate::recovery::{self, RecoverError, Recovered};
use crate::service::{self, Link, Parts, Service};

/// What memmgr inherits.
#[derive(Debug)]
pub struct MemmgrLinks {
    /// The socket pair with the supervisor.
    pub supervisor: OwnedFd,
    /// The bus's listening socket.
    pub bus: OwnedFd,
    /// Gives memory that a build has left back to the system.
    pub give_back: fn(),
}

/// Runs memmgr until it is told to end, or its supervisor has.
///
/// # Errors
///
/// [`MemmgrError`]; [`is_lasting`](MemmgrError::is_lasting) tells whether a restart could help.
pub fn run(options: MemmgrOptions, links: MemmgrLinks) -> Result<(), MemmgrError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(MemmgrError::runtime)?;
    let outcome = runtime.block_on(serve(options, links));
    // A build that still runs writes files nobody names; the next start removes them.
    runtime.shutdown_background();
    outcome
}

/// The same, inside the runtime.
async fn serve(options: MemmgrOptions, links: MemmgrLinks) -> Result<(), MemmgrError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(MemmgrError::runtime)?;
    let link = Link::new(links.supervisor).map_err(MemmgrError::runtime)?;
    let recovered = tokio::select! {
        recovered = recover(&options, &link) => match recovered? {
            Some(recovered) => recovered,
            None => return Ok(()),
        },
        _ = terminate.recv() => return Ok(()),
    };
    if recovered.state.is_none() {
        std::fs::read_dir(&options.zones).map_err(|error| MemmgrError::Zones { path: options.zones.clone(), error })?;
    }
    let mut broker_options = BrokerOptions::default();
    broker_options.allowed_uids.clone_from(&options.bus_allow);
    let (broker, handle) = Broker::new(links.bus, broker_options);
    let (open, opened) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(async move {
        // Whoever connects finds us: a bus without memmgr would tell them that there is no such recipient.
        let reason = broker.run_after(async { drop(opened.await) }).await;
        error!(%reason, "bus-broker-ended");
    });
    let own = handle.connect_local().map_err(|error| MemmgrError::Bus { error: Box::new(error) })?;
    let (client, incoming) =
        Client::from_local(own, "memmgr").await.map_err(|error| MemmgrError::Bus { error: Box::new(error) })?;
    service::subscribe(&client).await.map_err(|error| MemmgrError::Bus { error: Box::new(error) })?;
    drop(open);
    let give_back = links.give_back;
    let parts = Parts { options, link, broker: handle, client, recovered, give_back };
    let service = Service::new(parts).map_err(MemmgrError::runtime)?;
    let stop = async move {
        terminate.recv().await;
    };
    // A task of its own: what wakes the future that a runtime blocks on ends the wait of its event loop too, at two system calls a wake.
    let ended = tokio::spawn(service.run(incoming, stop)).await;
    ended.map_err(|error| MemmgrError::runtime(io::Error::other(error)))
}

/// Recovers on a thread of its own, giving the supervisor its signs of life meanwhile. `None` when the supervisor is gone.
async fn recover(options: &MemmgrOptions, link: &Link) -> Result<Option<Recovered>, MemmgrError> {
    let state = options.state.clone();
    let mut task = tokio::task::spawn_blocking(move || recovery::recover(&state));
    loop {
        tokio::select! {
            recovered = &mut task => {
                let recovered = recovered.map_err(|error| MemmgrError::runtime(io::Error::other(error)))?;
                return recovered.map(Some).map_err(MemmgrError::Recover);
            }
            record = link.next() => match record {
                Some(Record::Ping { number }) => link.send(Record::Pong { number }),
                // A reload asked for here is what the start does anyway.
                Some(_) => {}
                None => {
                    info!("supervisor-gone");
                    return Ok(None);
                }
            }
        }
    }
}

/// memmgr can't start or go on.
#[derive(Debug)]
#[non_exhaustive]
pub enum MemmgrError {
    /// The state directory can't be used.
    #[expect(private_interfaces, reason = "shown to people, never taken apart")]
    Recover(RecoverError),
    /// The zone directory can't be read, and there is nothing else to serve.
    Zones {
        /// Its path.
        path: PathBuf,
        /// What the kernel said.
        error: io::Error,
    },
    /// The bus can't be hosted.
    Bus {
        /// Why.
        error: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The system refused something every process needs.
    Runtime {
        /// What it said.
        error: io::Error,
    },
}

impl MemmgrError {
    /// The system refused something.
    fn runtime(error: io::Error) -> Self {
        MemmgrError::Runtime { error }
    }

    /// Whether a restart would end the same way, until somebody changes something.
    pub fn is_lasting(&self) -> bool {
        matches!(self, MemmgrError::Recover(_) | MemmgrError::Zones { .. })
    }
}

impl fmt::Display for MemmgrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recover(error) => error.fmt(f),
            Self::Zones { path, .. } => write!(f, "reading the zone directory {}", path.display()),
            Self::Bus { .. } => write!(f, "hosting the bus"),
            Self::Runtime { .. } => write!(f, "starting memmgr"),
        }
    }
}

impl std::error::Error for MemmgrError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Recover(error) => error.source(),
            Self::Zones { error, .. } | Self::Runtime { error } => Some(error),
            Self::Bus { error } => Some(error.as_ref()),
        }
    }
}
