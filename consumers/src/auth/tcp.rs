//! Queries over TCP (RFC 7766): connections are taken from inherited listening sockets, and each serves any number of queries, one after
//! the other or many at once.
//!
//! Read [`TcpServer`] first. A connection costs at most its two buffers: it is read only while its answers find room, so a client that never
//! reads holds [`OUTPUT_OCTETS`] and one answer until its write times out. Answers go out in the order of their queries.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use zone_segment::ZoneSet;

use super::answer::{Client, Policy, Scratch, Transport, respond};
use super::udp::unix_now;

/// Limits of the TCP side of one process.
#[derive(Clone, Copy, Debug)]
pub struct TcpLimits {
    /// Connections at a time; one more, and the one that has been idle longest goes.
    pub connections_max: usize,
    /// How long a connection may take to bring its next query whole.
    pub idle_timeout: Duration,
    /// How long a client may take to read what is written at once.
    pub write_timeout: Duration,
}

impl Default for TcpLimits {
    fn default() -> Self {
        Self {
            connections_max: CONNECTIONS_MAX_DEFAULT,
            idle_timeout: IDLE_TIMEOUT_DEFAULT,
            write_timeout: WRITE_TIMEOUT_DEFAULT,
        }
    }
}

/// The TCP side of a process.
#[derive(Debug)]
pub struct TcpServer {
    /// The current generation.
    zones: Arc<ArcSwapOption<ZoneSet>>,
    /// What is answered with.
    policy: Arc<Policy>,
    /// Limits of connections.
    tcp_limits: TcpLimits,
    /// Where answers are written before they join their connection's output.
    desk: Mutex<Desk>,
    /// The connections there are.
    connections: Mutex<HashMap<u64, Arc<Connection>>>,
    /// The next connection's place in the table; none is used twice.
    next_id: AtomicU64,
    /// What has been done.
    counters: Counters,
}

impl TcpServer {
    /// A server of what `zones` holds.
    pub fn new(zones: Arc<ArcSwapOption<ZoneSet>>, policy: Arc<Policy>, tcp_limits: TcpLimits) -> Arc<Self> {
        Arc::new(Self {
            zones,
            policy,
            tcp_limits,
            desk: Mutex::new(Desk::default()),
            connections: Mutex::new(HashMap::new()),
            next_id: AtomicU64::new(0),
            counters: Counters::default(),
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
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tasks.spawn(Arc::clone(&self).accept_all(listener));
        }
        let _ending = EndConnections(Arc::clone(&self));
        while tasks.join_next().await.is_some() {}
        Ok(())
    }

    /// Connections open at the moment.
    pub fn connection_count(&self) -> usize {
        self.connections().len()
    }

    /// What the server has done so far.
    pub fn statistics(&self) -> TcpStatistics {
        let Counters { accepted, evicted, queries, accept_errors } = &self.counters;
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TcpStatistics {
            accepted: value(accepted),
            evicted: value(evicted),
            queries: value(queries),
            accept_errors: value(accept_errors),
        }
    }

    /// Takes connections for ever. A failure to take one is waited out: most likely descriptors are short, and closing an idle
    /// connection gives one back.
    async fn accept_all(self: Arc<Self>, listener: tokio::net::TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, client)) => {
                    add(&self.counters.accepted);
                    self.admit(stream, client.ip());
                }
                Err(error) if is_passing(&error) => {}
                Err(error) => {
                    add(&self.counters.accept_errors);
                    tracing::warn!(%error, connections = self.connection_count(), "tcp-accept-failed");
                    self.evict_one();
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Makes room for a connection and starts serving it.
    fn admit(self: &Arc<Self>, stream: TcpStream, address: IpAddr) {
        while self.connection_count() >= self.tcp_limits.connections_max.max(1) {
            self.evict_one();
        }
        let connection = Arc::new(Connection::new(address));
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.connections().insert(id, Arc::clone(&connection));
        let entry = Entry { server: Arc::clone(self), id };
        tokio::spawn(async move {
            tokio::select! {
                () = connection.evicted.notified() => {}
                // How a connection ends is its client's affair.
                _ = entry.server.serve(stream, &connection) => {}
            }
            drop(entry);
        });
    }

    /// Ends the connection that has been idle longest; without an idle one, the one whose last query is oldest.
    fn evict_one(&self) {
        let mut connections = self.connections();
        let order = |connection: &Connection| (!connection.is_idle.load(Ordering::Relaxed), connection.last_query());
        let oldest = connections.iter().min_by_key(|(_, connection)| order(connection)).map(|(id, _)| *id);
        if let Some(connection) = oldest.and_then(|id| connections.remove(&id)) {
            connection.evicted.notify_one();
            add(&self.counters.evicted);
        }
    }

    /// Serves a connection until its client ends it, is too slow, or sends what is no query.
    async fn serve(&self, mut stream: TcpStream, connection: &Connection) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut input = Input::default();
        let mut output = Vec::new();
        loop {
            connection.is_idle.store(false, Ordering::Relaxed);
            while let Some(query) = input.take_message() {
                connection.note_query();
                self.answer(query, connection, &mut output)?;
                if output.len() >= OUTPUT_OCTETS {
                    break;
                }
            }
            if !output.is_empty() {
                timeout(self.tcp_limits.write_timeout, stream.write_all(&output)).await??;
                output.clear();
                output.shrink_to(OUTPUT_OCTETS_KEPT);
                continue;
            }
            connection.is_idle.store(true, Ordering::Relaxed);
            let deadline = connection.last_query() + self.tcp_limits.idle_timeout;
            if timeout_at(deadline, stream.read(input.room())).await?.map(|octets| input.filled(octets))? == 0 {
                return Ok(());
            }
        }
    }

    /// Answers one query behind what is to be written already. What gets no answer ends the connection: its sender is no client.
    fn answer(&self, query: &[u8], connection: &Connection, output: &mut Vec<u8>) -> io::Result<()> {
        add(&self.counters.queries);
        // A panic while the lock was held leaves nothing worse than an unfinished answer in the buffer.
        let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        let Desk { scratch, room } = &mut *desk;
        let zones = self.zones.load();
        let client = Client { transport: Transport::Tcp, address: connection.address, now: unix_now() };
        let answered = respond(query, zones.as_deref(), &client, &self.policy, room, scratch);
        let answer = answered.and_then(|answered| room.get(..answered.octets)).ok_or(io::ErrorKind::InvalidData)?;
        let length = u16::try_from(answer.len()).map_err(|_| io::ErrorKind::InvalidData)?;
        output.extend_from_slice(&length.to_be_bytes());
        output.extend_from_slice(answer);
        Ok(())
    }

    /// The connections there are.
    fn connections(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
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
}

/// Where one answer at a time is written. One for all connections: 64 KiB each would be the most of what they cost.
#[derive(Debug)]
struct Desk {
    /// What an answer needs beside its buffer.
    scratch: Scratch,
    /// The longest answer's room.
    room: Box<[u8]>,
}

impl Default for Desk {
    fn default() -> Self {
        Self { scratch: Scratch::default(), room: vec![0; usize::from(u16::MAX)].into_boxed_slice() }
    }
}

/// What others know of a connection.
#[derive(Debug)]
struct Connection {
    /// Its client.
    address: IpAddr,
    /// When it was taken.
    began: Instant,
    /// When its last query was whole, in milliseconds since then.
    last_query_ms: AtomicU64,
    /// Whether it waits for its client.
    is_idle: AtomicBool,
    /// Told when it has to go.
    evicted: Notify,
}

impl Connection {
    /// A connection just taken.
    fn new(address: IpAddr) -> Self {
        Self {
            address,
            began: Instant::now(),
            last_query_ms: AtomicU64::new(0),
            is_idle: AtomicBool::new(true),
            evicted: Notify::new(),
        }
    }

    /// Notes that a query is whole.
    fn note_query(&self) {
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_query_ms.store(ms, Ordering::Relaxed);
    }

    /// When its last query was whole; when it was taken, before the first.
    fn last_query(&self) -> Instant {
        self.began + Duration::from_millis(self.last_query_ms.load(Ordering::Relaxed))
    }
}

/// A connection's place in the table, left when its task ends, however it ends.
struct Entry {
    /// Whose table.
    server: Arc<TcpServer>,
    /// Its place.
    id: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.server.connections().remove(&self.id);
    }
}

/// Ends all connections when the server's future is dropped.
struct EndConnections(Arc<TcpServer>);

impl Drop for EndConnections {
    fn drop(&mut self) {
        for (_, connection) in self.0.connections().drain() {
            connection.evicted.notify_one();
        }
    }
}

/// What was read of a connection and not yet answered: at most one message's octets, or [`INPUT_OCTETS`].
#[derive(Debug, Default)]
struct Input {
    /// The buffer.
    octets: Vec<u8>,
    /// Where the first message that was not taken begins.
    start: usize,
    /// Where what was read ends.
    end: usize,
}

impl Input {
    /// Takes the next whole message.
    fn take_message(&mut self) -> Option<&[u8]> {
        let (length, _) = self.octets.get(self.start..self.end)?.split_first_chunk()?;
        let message = self.start + LENGTH_OCTETS..self.start + LENGTH_OCTETS + usize::from(u16::from_be_bytes(*length));
        if message.end > self.end {
            return None;
        }
        self.start = message.end;
        self.octets.get(message)
    }

    /// Room to read into: enough for the message that has begun. What was taken is forgotten.
    fn room(&mut self) -> &mut [u8] {
        self.octets.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let begun = self.octets.get(..self.end).and_then(|octets| octets.first_chunk());
        let needed = begun.map_or(0, |length| LENGTH_OCTETS + usize::from(u16::from_be_bytes(*length)));
        self.octets.resize(needed.max(INPUT_OCTETS), 0);
        self.octets.shrink_to(INPUT_OCTETS);
        self.octets.get_mut(self.end..).unwrap_or_default()
    }

    /// Notes how much of the room was filled, and gives that back.
    fn filled(&mut self, octets: usize) -> usize {
        self.end += octets;
        octets
    }
}

/// Whether a failure to take a connection is over already: the client has gone, or another process was faster.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, WouldBlock};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | WouldBlock)
}

/// Counts one.
fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Connections at a time in one process: at 8 KiB each, 8 MiB.
pub const CONNECTIONS_MAX_DEFAULT: usize = 1000;

/// How long a connection may stay idle: a resolver that has more to ask does so within seconds (RFC 7766, section 6.2.3).
pub const IDLE_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

/// How long a client may take to read what is written at once.
pub const WRITE_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

/// Answers gathered before they are written: pipelined queries share a write, and a client that does not read costs this and one answer.
pub const OUTPUT_OCTETS: usize = 64 * 1024;

/// What an idle connection keeps of its output buffer.
const OUTPUT_OCTETS_KEPT: usize = 4 * 1024;

/// What is read at once: some dozens of pipelined queries.
const INPUT_OCTETS: usize = 4 * 1024;

/// Octets of the length before a message (RFC 1035, section 4.2.2).
const LENGTH_OCTETS: usize = 2;

/// How long nothing is accepted after a failure: long enough not to spin, short for a client.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
