//! Queries over TCP (RFC 7766): connections are taken from inherited listening sockets, and each serves any number of queries, one after
//! the other or many at once.
//!
//! Read [`TcpServer`] first, which takes connections; `connection` serves one, at the `desk` that all share; `table` knows them all, and which
//! one goes when there are too many. A connection costs what its client does not read or has not sent whole, and nothing else: it is read
//! only while its answers find room, so a client that never reads holds 64 KiB of answers, one more answer and what it asked in one piece,
//! until its write times out. Answers go out in the order of their queries.
//!
//! A transfer is xfrout's: the answers before it are written, then the connection goes there as it is (`handover`).

mod connection;
mod desk;
mod handover;
mod input;
mod limits;
mod stream;
mod table;

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use rustix::net::sockopt::set_tcp_nodelay;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;
use zone_segment::ZoneSet;

use super::answer::Policy;
use super::relay::Relay;
use super::statistics::Block;
use connection::Connection;
use desk::Desk;
use handover::{Handover, NotHandedOver, Returned};
use stream::Stream;
use table::Table;

pub use limits::TcpLimits;

/// The TCP side of a process.
#[derive(Debug)]
pub struct TcpServer {
    /// The current generation.
    zones: Arc<ArcSwapOption<ZoneSet>>,
    /// What is answered with.
    policy: Arc<Policy>,
    /// Limits of connections.
    limits: TcpLimits,
    /// Takes what memmgr answers.
    relay: Arc<Relay>,
    /// Where queries are answered, one connection's at a time.
    desk: Mutex<Desk>,
    /// The connections there are.
    table: Mutex<Table>,
    /// What has been done.
    counters: Counters,
    /// Queries and answers, counted by whoever has the desk.
    counts: Block,
    /// The way to xfrout.
    handover: Handover,
}

impl TcpServer {
    /// A server of what `zones` holds; without a path to xfrout's socket, transfers get SERVFAIL.
    pub fn new(
        zones: Arc<ArcSwapOption<ZoneSet>>,
        policy: Arc<Policy>,
        limits: TcpLimits,
        relay: Arc<Relay>,
        xfrout: Option<PathBuf>,
    ) -> Arc<Self> {
        Arc::new(Self {
            zones,
            policy,
            limits,
            relay,
            desk: Mutex::new(Desk::default()),
            table: Mutex::new(Table::default()),
            counters: Counters::default(),
            counts: Block::default(),
            handover: Handover::new(xfrout),
        })
    }

    /// Serves these listening sockets until the future is dropped; connections end with it.
    ///
    /// # Errors
    ///
    /// What the system says when it does not take a listening socket.
    pub async fn run(self: Arc<Self>, listeners: Vec<TcpListener>) -> io::Result<()> {
        let mut tasks = JoinSet::new();
        for listener in listeners {
            listener.set_nonblocking(true)?;
            // Connections inherit it, which spares each a system call. Answers are written in one piece, so there is nothing to wait for.
            set_tcp_nodelay(&listener, true)?;
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tasks.spawn(Arc::clone(&self).accept_all(listener));
        }
        let _ending = EndConnections(Arc::clone(&self));
        tokio::select! {
            () = self.handover.keep(|returned| self.take_back(returned)) => {}
            () = async { while tasks.join_next().await.is_some() {} } => {}
        }
        Ok(())
    }

    /// Connections open at the moment.
    pub fn connection_count(&self) -> usize {
        self.table().len()
    }

    /// What the server has done so far.
    pub fn statistics(&self) -> TcpStatistics {
        let Counters { accepted, evicted, queries, accept_errors, handed_over, not_handed_over, taken_back } =
            &self.counters;
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TcpStatistics {
            accepted: value(accepted),
            evicted: value(evicted),
            queries: value(queries),
            accept_errors: value(accept_errors),
            handed_over: value(handed_over),
            not_handed_over: value(not_handed_over),
            taken_back: value(taken_back),
        }
    }

    /// What was asked and answered so far.
    pub fn counts(&self) -> &Block {
        &self.counts
    }

    /// Takes connections for ever. A failure to take one is waited out: most likely descriptors are short, and closing an idle
    /// connection gives one back.
    async fn accept_all(self: Arc<Self>, listener: tokio::net::TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, client)) => {
                    add(&self.counters.accepted, 1);
                    self.admit(Stream::Tcp(stream), client.ip(), Vec::new());
                }
                Err(error) if is_passing(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, connections = self.connection_count(), "tcp-accept-failed");
                    self.make_room();
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Serves one end of a pair, that does not wait, whose other end has the octets of a client at an address; on the runtime of
    /// [`run`](Self::run).
    pub(super) fn admit_pair(self: &Arc<Self>, end: UnixStream, client: SocketAddr, server: SocketAddr) {
        add(&self.counters.accepted, 1);
        match Stream::adopt(end.into(), client, server) {
            Ok(stream) => self.admit(stream, client.ip(), Vec::new()),
            Err(error) => tracing::warn!(%error, "connection-not-taken"),
        }
    }

    /// Ends the connection that has been idle longest, for who could not take one.
    pub(super) fn make_room(&self) {
        add(&self.counters.accept_errors, 1);
        self.evict(&mut self.table(), None);
    }

    /// The limits of connections.
    pub(super) fn limits(&self) -> &TcpLimits {
        &self.limits
    }

    /// Goes on with a connection that xfrout is done with.
    fn take_back(self: &Arc<Self>, returned: Returned) {
        add(&self.counters.taken_back, 1);
        self.admit(returned.stream, returned.client.ip(), returned.rest);
    }

    /// Gives a connection to xfrout; says whether it did.
    fn hand_over(&self, stream: &Stream, request: &[u8], rest: &[u8]) -> bool {
        let done = self.handover.hand_over(stream, request, rest);
        match done {
            Ok(()) => add(&self.counters.handed_over, 1),
            Err(NotHandedOver::Absent | NotHandedOver::Refused) => add(&self.counters.not_handed_over, 1),
        }
        done.is_ok()
    }

    /// Makes room for a connection and starts serving it, beginning with what was read of it before.
    fn admit(self: &Arc<Self>, stream: Stream, address: IpAddr, read: Vec<u8>) {
        let mut table = self.table();
        if table.of_client(address) >= self.limits.connections_per_client_max {
            self.evict(&mut table, Some(address));
        }
        while table.len() >= self.limits.connections_max && self.evict(&mut table, None) {}
        // The task takes the table's lock to leave it, and so can't leave before it is there.
        table.add(address, |number, known| {
            let connection = Connection::new(stream, known, &read);
            let place = Place { server: Arc::clone(self), number };
            let task = tokio::spawn(async move {
                // How a connection ends is its client's affair.
                let _ = connection.serve(&place.server).await;
            });
            task.abort_handle()
        });
    }

    /// Ends the connection that has been idle longest, of a client or of all; without an idle one, the one whose last query is oldest. Says
    /// whether there was one.
    fn evict(&self, table: &mut Table, of: Option<IpAddr>) -> bool {
        let was_there = table.evict(of);
        if was_there {
            add(&self.counters.evicted, 1);
        }
        was_there
    }

    /// Counts queries.
    fn count_queries(&self, count: usize) {
        add(&self.counters.queries, count as u64);
    }

    /// Where queries are answered. A panic while it was locked leaves nothing worse than an unfinished answer.
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connections there are.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a TCP server has done since it started.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TcpStatistics {
    /// Connections taken.
    pub accepted: u64,
    /// Connections ended to make room.
    pub evicted: u64,
    /// Queries answered, or ended a connection for.
    pub queries: u64,
    /// Failures to take a connection.
    pub accept_errors: u64,
    /// Connections given to xfrout, with a transfer.
    pub handed_over: u64,
    /// Transfers answered with SERVFAIL, since xfrout was not there or did not keep up.
    pub not_handed_over: u64,
    /// Connections that xfrout gave back.
    pub taken_back: u64,
}

/// The counters behind [`TcpStatistics`].
#[derive(Debug, Default)]
struct Counters {
    /// Connections taken.
    accepted: AtomicU64,
    /// Connections ended to make room.
    evicted: AtomicU64,
    /// Queries taken.
    queries: AtomicU64,
    /// Failures to take a connection.
    accept_errors: AtomicU64,
    /// Connections given to xfrout.
    handed_over: AtomicU64,
    /// Transfers that could not be.
    not_handed_over: AtomicU64,
    /// Connections that came back.
    taken_back: AtomicU64,
}

/// A connection's place in the table, left when its task ends, however it ends.
struct Place {
    /// Whose table.
    server: Arc<TcpServer>,
    /// Its number there.
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.server.table().remove(self.number);
    }
}

/// Ends all connections when the server's future is dropped.
struct EndConnections(Arc<TcpServer>);

impl Drop for EndConnections {
    fn drop(&mut self) {
        let tasks = self.0.table().take_all();
        tasks.iter().for_each(AbortHandle::abort);
    }
}

/// Whether a failure to take a connection is over already: the client has gone, or another process was faster.
pub(super) fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, WouldBlock};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | WouldBlock)
}

/// Counts up.
fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

/// How long nothing is accepted after a failure: long enough not to spin, short for a client.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
