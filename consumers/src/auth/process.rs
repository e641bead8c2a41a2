//! Auth as a process: one query thread for UDP, one runtime for TCP, the bus and the supervisor's word.

use std::fmt;
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use bus::protocol::AUTH_GROUP;
use bus::protocol::reader::{Role, ThreadProgress};
use bus::protocol::statistics::{Ask, ProcessStatistics};
use bus::protocol::supervisor::Record;
use bus::{Client, Group, Message};
use config::peers::signing_keys;
use config::process::AuthOptions;
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tracing::{info, warn};

use super::answer::{Cookies, Policy, Secret};
use super::relay::Relay;
use super::statistics::{Block, gather};
use super::tcp::{TcpLimits, TcpServer};
use super::tls::{TlsError, TlsServer};
use super::udp::{QueryThread, QueryThreadOptions, StartError, unix_now};
use crate::progress::{ProgressError, ProgressTable};
use crate::reader::follow::{Follower, Hooks, Passing};
use crate::supervised::Supervisor;

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
    /// The same for TLS.
    pub tls: Vec<OwnedFd>,
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
    let progress = Arc::new(ProgressTable::open(links.progress).map_err(AuthError::Progress)?);
    let line = options.slot as usize;
    let current = Arc::new(ArcSwapOption::empty());
    let policy = Arc::new(policy_of(&options));
    let (relay, relayed) = Relay::new(Arc::clone(&policy));
    let thread = QueryThread::start(QueryThreadOptions {
        slot: line,
        sockets: links.udp.into_iter().map(|sockets| sockets.into_iter().map(UdpSocket::from).collect()).collect(),
        zones: Arc::clone(&current),
        progress: Arc::clone(&progress),
        line,
        policy: Arc::clone(&policy),
        rate_limit: options.rate_limit,
        relay: Arc::clone(&relay),
    })
    .map_err(AuthError::Thread)?;
    let thread = Arc::new(thread);
    let limits = TcpLimits::from(options.tcp);
    let server = TcpServer::new(Arc::clone(&current), policy, limits, Arc::clone(&relay), Some(options.xfrout));
    let first = Arc::new(Notify::new());
    let tls = Arc::new(OnceLock::new());
    let (tcp_server, tls_server) = (Arc::clone(&server), Arc::clone(&tls));
    let tcp = async {
        // Until there is something to answer, connections are left to the siblings.
        first.notified().await;
        let listeners = |sockets: Vec<OwnedFd>| sockets.into_iter().map(TcpListener::from).collect();
        if let Some(options) = &options.tls {
            let started = TlsServer::start(listeners(links.tls), options, Arc::clone(&tcp_server));
            // There is none yet.
            let _ = tls_server.set(started.map_err(AuthError::Tls)?);
        }
        tcp_server.run(listeners(links.tcp)).await.map_err(io_error)
    };
    let supervisor = Supervisor::watch(links.supervisor).map_err(io_error)?;
    let hooks = AuthHooks {
        thread: Arc::clone(&thread),
        server: Arc::clone(&server),
        tls,
        relay: Arc::clone(&relay),
        progress,
        line,
        first: Arc::clone(&first),
        started_unix: unix_now().into(),
        started: Instant::now(),
    };
    let follower = Follower::new(&options.bus, Role::Auth, Some(options.slot), current, hooks);
    // A task of its own: what wakes the future that a runtime blocks on ends the wait of its event loop too, at two system calls a wake.
    let following = tokio::spawn(follower.run());
    tokio::select! {
        _ = following => {}
        () = relay.run(relayed) => {}
        ended = tcp => ended?,
        () = obey(&supervisor, &thread) => info!("supervisor-gone"),
        () = tell_of_limits(thread.statistics()) => {}
        _ = terminate.recv() => info!("auth-stopped"),
    }
    Ok(())
}

/// What answers are like, as the options say.
fn policy_of(options: &AuthOptions) -> Policy {
    let AuthOptions { answers, tcp, keys, .. } = options;
    let secrets: Vec<Secret> = answers.cookie_secrets.iter().map(|secret| secret.0).collect();
    Policy {
        udp_octets_max: answers.udp_size_max,
        minimal_responses: answers.minimal_responses,
        rotate_rrsets: answers.rotate_rrsets,
        version: answers.version.as_deref().map(Box::from),
        identity: answers.identity.as_deref().map(Box::from),
        cookies: Cookies::new(&secrets),
        keepalive: Some(Duration::from_millis(tcp.idle_timeout_ms)),
        keys: signing_keys(keys),
    }
}

/// What auth's threads have to do with generations, and with what is asked over the bus.
struct AuthHooks {
    /// The query thread.
    thread: Arc<QueryThread>,
    /// The TCP side.
    server: Arc<TcpServer>,
    /// The TLS side, once it is there.
    tls: Arc<OnceLock<TlsServer>>,
    /// Passes on what memmgr answers.
    relay: Arc<Relay>,
    /// Where it shows its progress.
    progress: Arc<ProgressTable>,
    /// Its line there.
    line: usize,
    /// Told of each generation; the first one lets TCP begin.
    first: Arc<Notify>,
    /// When the process began, in seconds since 1970.
    started_unix: u64,
    /// The same on a clock that is never set.
    started: Instant,
}

impl AuthHooks {
    /// What the process has done.
    fn statistics(&self) -> ProcessStatistics {
        let mut counts = gather([self.thread.statistics(), self.server.counts(), self.relay.counts()]);
        let tcp = self.server.statistics();
        let connections = [
            ("accepted", tcp.accepted),
            ("evicted", tcp.evicted),
            ("failed", tcp.accept_errors),
            ("handed-back", tcp.taken_back),
            ("handed-over", tcp.handed_over),
            ("not-handed-over", tcp.not_handed_over),
            ("open", self.server.connection_count() as u64),
        ];
        let tls = self.tls.get().map(TlsServer::statistics).map(|tls| {
            [
                ("tls-accepted", tls.accepted),
                ("tls-failed", tls.failed),
                ("tls-open", tls.open),
                ("tls-refused", tls.refused),
            ]
        });
        let connections = connections.into_iter().chain(tls.into_iter().flatten());
        counts.tcp = connections.map(|(name, count)| (name.to_owned(), count)).collect();
        ProcessStatistics {
            pid: std::process::id().cast_signed(),
            slot: u32::try_from(self.line).unwrap_or(u32::MAX),
            started_unix: self.started_unix,
            uptime_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            counts,
        }
    }
}

impl Hooks for AuthHooks {
    fn passed(&self, generation: u64) -> Passing<'_> {
        Box::pin(async move {
            self.thread.seen(generation).await;
            self.first.notify_one();
        })
    }

    fn progress(&self) -> Vec<ThreadProgress> {
        let progress = self.progress.line(self.line).map_or(0, |line| line.load().counter);
        vec![ThreadProgress { progress, waiting: self.thread.has_work_waiting() }]
    }

    fn connected(&self, client: &Client) {
        self.relay.connect(client.clone());
    }

    fn group(&self) -> Option<Group> {
        Some(AUTH_GROUP)
    }

    fn asked(&self, request: &Message) -> Option<Value> {
        let Ask::Statistics {} = request.parse().ok()?;
        serde_json::to_value(self.statistics()).ok()
    }
}

/// Says in the log, once in a while, that answers are limited. Here and not where they are: a flood must not cost a line a query.
async fn tell_of_limits(block: &Block) {
    let (mut limited, mut slipped) = (0, 0);
    loop {
        tokio::time::sleep(LIMITS_TOLD_EVERY).await;
        let (limited_now, slipped_now) = (block.limited(), block.slipped());
        if (limited_now, slipped_now) != (limited, slipped) {
            let network = block.network().address();
            warn!(dropped = limited_now - limited, slipped = slipped_now - slipped, %network, "answers-rate-limited");
        }
        (limited, slipped) = (limited_now, slipped_now);
    }
}

/// Does what the supervisor says, until it is gone.
async fn obey(supervisor: &Supervisor, thread: &QueryThread) {
    let mut drained = 0u64;
    while let Some(record) = supervisor.next().await {
        match record {
            Record::Drain { slot } => drained |= bit(slot),
            Record::Undrain { slot } => drained &= !bit(slot),
            other => warn!(?other, "supervisor-record-unexpected"),
        }
        thread.set_drained(drained);
    }
}

/// A slot's bit in the set of drained slots.
fn bit(slot: u32) -> u64 {
    1u64.checked_shl(slot).unwrap_or(0)
}

/// How often the log tells of answers that were limited.
const LIMITS_TOLD_EVERY: Duration = Duration::from_secs(10);

/// Auth can't start.
#[derive(Debug)]
#[non_exhaustive]
pub enum AuthError {
    /// The progress table can't be mapped.
    Progress(ProgressError),
    /// The TLS side can't be started.
    Tls(TlsError),
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
            Self::Tls(error) => error.fmt(f),
            Self::Thread(error) => error.fmt(f),
            Self::Io { .. } => write!(f, "starting auth"),
        }
    }
}

impl std::error::Error for AuthError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Progress(error) => error.source(),
            Self::Tls(error) => error.source(),
            Self::Thread(error) => error.source(),
            Self::Io { error } => Some(error),
        }
    }
}
