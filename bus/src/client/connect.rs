//! From a path or a descriptor to a connection that counts, which it does once the broker has said hello.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::io::Errno;

use super::errors::ConnectError;
use super::incoming::{self, Incoming};
use super::{Client, Connection, QUEUE_LIMITS, Shared, Waiting, driver};
use crate::address::{Address, PeerName};
use crate::body::Body;
use crate::broker::LocalEnd;
use crate::frame::{FrameError, Kind};
use crate::link::Link;
use crate::listen;
use crate::message::Envelope;
use crate::packet::{Frame, Packet};
use crate::queue::SendQueue;
use crate::socket::{self, ReceiveError, Socket};

/// How long the broker may take to say hello, unless another time is given.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
/// The id under which the name is given.
const NAME_REQUEST: u64 = 1;

impl Client {
    /// Connects to the broker at `path` and waits for its hello, up to [`HELLO_TIMEOUT`].
    pub async fn connect(path: &Path, name: &str) -> Result<(Self, Incoming), ConnectError> {
        Self::connect_within(path, name, HELLO_TIMEOUT).await
    }

    /// Connects to the broker at `path` and waits for its hello, up to `timeout`.
    pub async fn connect_within(path: &Path, name: &str, timeout: Duration) -> Result<(Self, Incoming), ConnectError> {
        let address = listen::address_of(path).map_err(ConnectError::Path)?;
        let socket = socket::fresh().map_err(ConnectError::Socket)?;
        match rustix::net::connect(&socket, &address) {
            Ok(()) => Self::greet_over(socket, name, timeout).await,
            Err(error @ (Errno::NOENT | Errno::CONNREFUSED | Errno::AGAIN)) => {
                Err(ConnectError::NotRunning { path: path.to_owned(), error: error.into() })
            }
            Err(error) => Err(ConnectError::Socket(error.into())),
        }
    }

    /// Uses an end from [`crate::BrokerHandle::connect_local`].
    pub async fn from_local(end: LocalEnd, name: &str) -> Result<(Self, Incoming), ConnectError> {
        let LocalEnd { own, other } = end;
        Self::greet(Link::Local(other), own, name, HELLO_TIMEOUT).await
    }

    /// The same as [`Client::greet`], over a socket.
    async fn greet_over(socket: OwnedFd, name: &str, timeout: Duration) -> Result<(Self, Incoming), ConnectError> {
        let socket = Socket::new(socket).map_err(ConnectError::Socket)?;
        Self::greet(Link::Socket(socket), Arc::new(SendQueue::new(QUEUE_LIMITS)), name, timeout).await
    }

    /// Waits for hello, gives the name, waits until the broker has it, and starts the driver.
    async fn greet(
        link: Link,
        queue: Arc<SendQueue>,
        name: &str,
        timeout: Duration,
    ) -> Result<(Self, Incoming), ConnectError> {
        let name = PeerName::new(name).map_err(ConnectError::Name)?;
        let greeted = tokio::time::timeout(timeout, exchange(&link, &queue, name)).await;
        let (address, broker_version) = greeted.map_err(|_| ConnectError::NoHello { waited: timeout })??;

        let waiting = Waiting { last_request: NAME_REQUEST, ..Waiting::default() };
        let shared = Arc::new(Shared { queue, waiting: Mutex::new(waiting) });
        let connection = Arc::new(Connection { shared: Arc::clone(&shared), address, broker_version });
        let (sender, receiver) = incoming::channel(Arc::clone(&connection));
        tokio::spawn(driver::drive(link, shared, sender));
        Ok((Self { connection }, Incoming::new(receiver)))
    }
}

/// The first words: the broker's hello, our name, its answer. Returns our address and the broker's release.
async fn exchange(link: &Link, queue: &SendQueue, name: PeerName) -> Result<(Address, String), ConnectError> {
    let hello = receive(link, Kind::Hello).await?;
    let address = hello.envelope.address.ok_or(ConnectError::Frame(hello.missing("address")))?;
    let named = Envelope { name: Some(name), ..Envelope::default() };
    let packet = Packet::new(Kind::Name, NAME_REQUEST, &named, Body::NONE, Vec::new());
    link.send_first(packet, queue).await.map_err(ConnectError::Socket)?;
    receive(link, Kind::Answer).await?;
    Ok((address, hello.envelope.broker_version.unwrap_or_default()))
}

/// Waits for a frame of the kind that comes next, or for the broker's reason why it does not.
async fn receive(link: &Link, expected: Kind) -> Result<Frame, ConnectError> {
    let mut buffer = link.buffer();
    let frame = match link.receive(&mut buffer).await {
        Ok(frame) => frame,
        Err(ReceiveError::Closed) => return Err(ConnectError::Closed),
        Err(ReceiveError::Io(error)) => return Err(ConnectError::Socket(error)),
        Err(ReceiveError::Frame(error)) => return Err(ConnectError::Frame(error)),
    };
    match frame.kind {
        kind if kind == expected => Ok(frame),
        Kind::Goodbye => Err(ConnectError::Refused { reason: frame.envelope.reason.unwrap_or_default() }),
        got => Err(ConnectError::Frame(FrameError::UnexpectedKind { got })),
    }
}
