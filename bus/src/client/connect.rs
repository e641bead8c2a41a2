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
use crate::frame::{FRAME_MAX, FrameError, Kind};
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
            Ok(()) => Self::greet(socket, name, timeout).await,
            Err(error @ (Errno::NOENT | Errno::CONNREFUSED | Errno::AGAIN)) => {
                Err(ConnectError::NotRunning { path: path.to_owned(), error: error.into() })
            }
            Err(error) => Err(ConnectError::Socket(error.into())),
        }
    }

    /// Uses a connected socket, for instance one from [`crate::BrokerHandle::connect_local`].
    pub async fn from_fd(socket: OwnedFd, name: &str) -> Result<(Self, Incoming), ConnectError> {
        Self::greet(socket, name, HELLO_TIMEOUT).await
    }

    /// Waits for hello, gives the name, waits until the broker has it, and starts the driver.
    async fn greet(socket: OwnedFd, name: &str, timeout: Duration) -> Result<(Self, Incoming), ConnectError> {
        let name = PeerName::new(name).map_err(ConnectError::Name)?;
        let socket = Socket::new(socket).map_err(ConnectError::Socket)?;
        let greeted = tokio::time::timeout(timeout, exchange(&socket, name)).await;
        let (address, broker_version) = greeted.map_err(|_| ConnectError::NoHello { waited: timeout })??;

        let waiting = Waiting { last_request: NAME_REQUEST, ..Waiting::default() };
        let shared = Arc::new(Shared { queue: SendQueue::new(QUEUE_LIMITS), waiting: Mutex::new(waiting) });
        let connection = Arc::new(Connection { shared: Arc::clone(&shared), address, broker_version });
        let (sender, receiver) = incoming::channel(Arc::clone(&connection));
        tokio::spawn(driver::drive(socket, shared, sender));
        Ok((Self { connection }, Incoming::new(receiver)))
    }
}

/// The first words: the broker's hello, our name, its answer. Returns our address and the broker's release.
async fn exchange(socket: &Socket, name: PeerName) -> Result<(Address, String), ConnectError> {
    let hello = receive(socket, Kind::Hello).await?;
    let address = hello.envelope.address.ok_or(ConnectError::Frame(hello.missing("address")))?;
    let named = Envelope { name: Some(name), ..Envelope::default() };
    let packet = Packet::new(Kind::Name, NAME_REQUEST, &named, Body::NONE, Vec::new());
    socket.send(&packet).await.map_err(ConnectError::Socket)?;
    receive(socket, Kind::Answer).await?;
    Ok((address, hello.envelope.broker_version.unwrap_or_default()))
}

/// Waits for a frame of the kind that comes next, or for the broker's reason why it does not.
async fn receive(socket: &Socket, expected: Kind) -> Result<Frame, ConnectError> {
    let mut buffer = vec![0; FRAME_MAX];
    let frame = match socket.receive(&mut buffer).await {
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
