//! DNS over TLS (RFC 7858), and transfers over it (RFC 9103).
//!
//! Read [`TlsServer`] first. A connection over TLS is made one of plain octets: a pair of sockets, one end of which is served as every TCP
//! connection is, under the same limits, and may go to xfrout and come back; `session` shakes hands with the client and carries octets between it
//! and the other end. `certificate` has what the server shows of itself, and takes it anew when its files change.
//!
//! All of it is done by a thread of its own: what a handshake costs must not hold up queries, nor the change to another generation.

mod certificate;
mod session;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use config::process::TlsOptions;
use rustls::ServerConfig;
use rustls::crypto::ring;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use super::tcp::{TcpServer, is_passing};
use certificate::Certificate;

pub use certificate::CertificateError;

/// Finds out whether a server can show itself by these files.
///
/// # Errors
///
/// [`CertificateError`] with what is wrong with them.
pub fn check(options: &TlsOptions) -> Result<(), CertificateError> {
    certificate::load(options).map(|_| ())
}

/// What is carried at once: as much as a record of TLS has (RFC 8446, section 5.1).
const PIECE_OCTETS: usize = 16 * 1024;

/// How long a handshake may take. One that is in earnest takes three ways through the network.
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);

/// How long nothing is accepted after a failure: long enough not to spin, short for a client.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The name of the protocol inside TLS (RFC 7858, as registered for RFC 7301): a client that names others and not this one is no client of ours.
const PROTOCOL: &[u8] = b"dot";

/// The TLS side of a process; it ends when this is dropped.
#[derive(Debug)]
pub struct TlsServer {
    /// What has been done.
    counters: Arc<Counters>,
    /// Dropped with the server, which ends its thread.
    _ending: oneshot::Sender<()>,
}

impl TlsServer {
    /// Serves these listening sockets, on a thread of its own; queries are answered by `server`, on the runtime that this is called from.
    ///
    /// # Errors
    ///
    /// [`TlsError`]: the certificate's files are not sound, or the system does not give what it needs.
    pub fn start(listeners: Vec<TcpListener>, options: &TlsOptions, server: Arc<TcpServer>) -> Result<Self, TlsError> {
        let certificate = Arc::new(Certificate::open(options).map_err(TlsError::Certificate)?);
        let acceptor = acceptor_with(Arc::clone(&certificate)).map_err(TlsError::Protocol)?;
        let counters = Arc::new(Counters::default());
        let (ending, ended) = oneshot::channel();
        let places = server.limits().connections_max.saturating_mul(PLACES_PER_CONNECTION).min(Semaphore::MAX_PERMITS);
        let desk = Arc::new(Desk {
            acceptor,
            home: Handle::current(),
            places: Arc::new(Semaphore::new(places)),
            scratch: Mutex::new(vec![0; PIECE_OCTETS].into_boxed_slice()),
            counters: Arc::clone(&counters),
            server,
        });
        let runtime = Builder::new_current_thread().enable_all().build().map_err(TlsError::Io)?;
        let serve = move || {
            runtime.block_on(async {
                tokio::select! {
                    // Nothing is ever sent: the other end is dropped.
                    _ = ended => {}
                    () = certificate.follow() => {}
                    ended = accept(desk, listeners) => if let Err(error) = ended { tracing::error!(%error, "tls-listening-failed") },
                }
            });
        };
        std::thread::Builder::new().name("tls".to_owned()).spawn(serve).map_err(TlsError::Io)?;
        Ok(Self { counters, _ending: ending })
    }

    /// What the server has done so far.
    pub fn statistics(&self) -> TlsStatistics {
        let Counters { accepted, failed, refused, open } = &*self.counters;
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TlsStatistics { accepted: value(accepted), failed: value(failed), refused: value(refused), open: value(open) }
    }
}

/// For each connection that the TCP side may hold, so many may be held here: besides those, there are the ones that xfrout has, and those whose
/// clients are slow to take what is left for them.
const PLACES_PER_CONNECTION: usize = 2;

/// What all connections share.
struct Desk {
    /// Shakes hands.
    acceptor: TlsAcceptor,
    /// Where queries are answered.
    server: Arc<TcpServer>,
    /// The runtime where they are.
    home: Handle,
    /// Room for connections.
    places: Arc<Semaphore>,
    /// Where octets are read to, by one connection at a time: so none holds room while it has nothing.
    scratch: Mutex<Box<[u8]>>,
    /// What has been done.
    counters: Arc<Counters>,
}

impl Desk {
    /// Takes a connection: one end of a pair goes to where queries are answered, the other is its client's.
    fn take(self: &Arc<Self>, stream: TcpStream, client: SocketAddr) -> io::Result<()> {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            add(&self.counters.refused);
            return Ok(());
        };
        let address = stream.local_addr()?;
        let (inner, outer) = UnixStream::pair()?;
        inner.set_nonblocking(true)?;
        outer.set_nonblocking(true)?;
        let outer = tokio::net::UnixStream::from_std(outer)?;
        add(&self.counters.accepted);
        let server = Arc::clone(&self.server);
        // Admitted before its client has shaken hands: so it counts from the beginning, and goes when others need its place.
        self.home.spawn(async move { server.admit_pair(inner, client, address) });
        let desk = Arc::clone(self);
        tokio::spawn(async move {
            desk.counters.open.fetch_add(1, Ordering::Relaxed);
            let _open = Open(&desk.counters);
            session::serve(&desk, stream, outer).await;
            drop(place);
        });
        Ok(())
    }
}

/// Takes connections from these sockets for ever.
async fn accept(desk: Arc<Desk>, listeners: Vec<TcpListener>) -> io::Result<()> {
    let mut tasks = JoinSet::new();
    for listener in listeners {
        listener.set_nonblocking(true)?;
        rustix::net::sockopt::set_tcp_nodelay(&listener, true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tasks.spawn(accept_all(Arc::clone(&desk), listener));
    }
    while tasks.join_next().await.is_some() {}
    Ok(())
}

/// Takes connections from one socket for ever. A failure is waited out, as it is on the TCP side.
async fn accept_all(desk: Arc<Desk>, listener: tokio::net::TcpListener) {
    loop {
        let taken = match listener.accept().await {
            Ok((stream, client)) => desk.take(stream, client),
            Err(error) if is_passing(&error) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = taken {
            tracing::warn!(%error, "tls-accept-failed");
            desk.server.make_room();
            sleep(ACCEPT_PAUSE).await;
        }
    }
}

/// What shakes hands: TLS 1.3 and nothing older (RFC 9103, section 5), and no data before the handshake is done.
fn acceptor_with(certificate: Arc<Certificate>) -> Result<TlsAcceptor, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// What a TLS server has done since it started.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TlsStatistics {
    /// Connections taken.
    pub accepted: u64,
    /// Connections whose client did not come through its handshake.
    pub failed: u64,
    /// Connections that were closed at once, since too many were held.
    pub refused: u64,
    /// Connections held at the moment.
    pub open: u64,
}

/// The counters behind [`TlsStatistics`].
#[derive(Debug, Default)]
struct Counters {
    /// Connections taken.
    accepted: AtomicU64,
    /// Handshakes that failed.
    failed: AtomicU64,
    /// Connections there was no place for.
    refused: AtomicU64,
    /// Connections held.
    open: AtomicU64,
}

/// A connection that is held, counted until it is dropped.
struct Open<'c>(&'c Counters);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts up.
fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// The TLS side can't start.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// The files of the certificate and its key are not sound.
    Certificate(CertificateError),
    /// TLS is not to be had as it is wanted.
    Protocol(rustls::Error),
    /// The system refused something.
    Io(io::Error),
}

impl std::fmt::Display for TlsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Certificate(error) => error.fmt(f),
            Self::Protocol(_) => f.write_str("setting up TLS 1.3"),
            Self::Io(_) => f.write_str("starting the TLS thread"),
        }
    }
}

impl std::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Certificate(error) => error.source(),
            Self::Protocol(error) => Some(error),
            Self::Io(error) => Some(error),
        }
    }
}
