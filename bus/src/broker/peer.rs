//! One connection as the broker serves it: admitted, greeted, read from, written to, ended.
//!
//! ```text
//! accepted ──hello──▶ unnamed ──name──▶ peer ──────────▶ ended
//!                        └─ anything else, or nothing for a while ─┘
//! ```
//! However it ends, [`super::routing::Core::remove`] runs once and tells those who need to know.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::{PeerCredentials, PeerPidfd};

use super::Shared;
use crate::address::Address;
use crate::frame::FrameError;
use crate::link::Link;
use crate::queue::{Full, SendQueue};
use crate::socket::{ReceiveError, Socket};

/// How many frames of one peer are handled before others get their turn.
const FRAMES_AT_ONCE_MAX: usize = 32;

/// Who is at the other end, in the kernel's words.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    /// The process that connected; 0 if it cannot be seen from here.
    pub(super) pid: i32,
    /// Its user.
    pub(super) uid: u32,
    /// Its group of users.
    pub(super) gid: u32,
    /// The process itself, where the kernel can say (Linux 6.5).
    pub(super) pidfd: Option<Arc<OwnedFd>>,
}

impl Credentials {
    /// Whether this is a guest: a process of a user who is let in by configuration, and is neither root nor the broker's own.
    pub(super) fn is_guest(&self) -> bool {
        self.uid != 0 && self.uid != rustix::process::geteuid().as_raw()
    }
}

/// A connection from which nothing has been read.
pub(super) struct Newcomer {
    /// The connection.
    pub(super) link: Link,
    /// What waits for it, where that is there already: the other end then reads it itself.
    queue: Option<Arc<SendQueue>>,
    /// Who is at the other end.
    pub(super) credentials: Credentials,
}

impl Newcomer {
    /// Asks the kernel who is at the other end of a connected socket.
    pub(super) fn new(socket: OwnedFd) -> io::Result<Self> {
        // nix, not rustix, whose process id cannot be the 0 that a peer from another process namespace has.
        let known = getsockopt(&socket.as_fd(), PeerCredentials)?;
        let pidfd = getsockopt(&socket.as_fd(), PeerPidfd).ok().map(Arc::new);
        let credentials = Credentials { pid: known.pid(), uid: known.uid(), gid: known.gid(), pidfd };
        Ok(Self { link: Link::Socket(Socket::new(socket)?), queue: None, credentials })
    }

    /// The broker's own process: `own` is what waits for it, `other` what it says.
    pub(super) fn local(own: Arc<SendQueue>, other: Arc<SendQueue>) -> Self {
        let pid = rustix::process::getpid();
        let pidfd = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok().map(Arc::new);
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let credentials = Credentials { pid: pid.as_raw_nonzero().get(), uid, gid, pidfd };
        Self { link: Link::Local(other), queue: Some(own), credentials }
    }
}

/// Why a connection ends.
#[derive(Debug)]
pub(super) enum PeerEnd {
    /// The other end closed, or sent an empty packet.
    Closed,
    /// Reading failed.
    Read(io::Error),
    /// The other end sent what it must not.
    Malformed(FrameError),
    /// More piled up for it than its queue may hold.
    Overflow(Full),
    /// A guest sent more to one who is none than that one's queue has for guests.
    Flood(Full),
    /// A guest sent a body longer than a frame.
    LongBody,
    /// It never gave its name.
    Unnamed,
    /// The broker's own process wants it gone.
    Told(String),
}

impl fmt::Display for PeerEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("it closed the connection"),
            Self::Read(error) => write!(f, "reading from it failed: {error}"),
            Self::Malformed(error) => {
                write!(f, "{error}")?;
                std::error::Error::source(error).map_or(Ok(()), |source| write!(f, ": {source}"))
            }
            Self::Overflow(full) => write!(f, "it does not read: {full}"),
            Self::Flood(full) => write!(f, "it sends more than is read: {full}"),
            Self::LongBody => f.write_str("it is of another user and sent a body longer than a frame"),
            Self::Unnamed => f.write_str("it did not give its name in time"),
            Self::Told(reason) => f.write_str(reason),
        }
    }
}

/// Serves one connection to its end.
pub(super) async fn serve(shared: Arc<Shared>, newcomer: Newcomer) {
    let Newcomer { link, queue, credentials } = newcomer;
    let queue = queue.unwrap_or_else(|| Arc::new(SendQueue::new(shared.options.queue_limits())));
    let address = shared.core.lock().admit(credentials, &queue);
    let end = tokio::select! {
        end = read(&shared, address, &link) => Some(end),
        () = write(&link, &queue) => None,
        () = unnamed(&shared, address) => Some(PeerEnd::Unnamed),
        () = queue.closed() => None,
    };
    // Without an end here the core has removed the peer itself and closed its queue.
    if let Some(end) = end {
        shared.core.lock().remove(address, end);
    }
    if let Some(farewell) = queue.farewell() {
        link.send_last(&farewell);
    }
}

/// Hands each frame of a peer to the core.
async fn read(shared: &Shared, address: Address, link: &Link) -> PeerEnd {
    let mut buffer = link.buffer();
    let mut frames = 0;
    loop {
        let handled = match link.receive(&mut buffer).await {
            Ok(frame) => shared.core.lock().handle(address, frame),
            Err(ReceiveError::Closed) => return PeerEnd::Closed,
            Err(ReceiveError::Io(error)) => return PeerEnd::Read(error),
            Err(ReceiveError::Frame(error)) => Err(error),
        };
        match handled {
            Ok(true) => shared.deadline_changed.notify_one(),
            Ok(false) => {}
            Err(error) => return PeerEnd::Malformed(error),
        }
        frames += 1;
        if frames % FRAMES_AT_ONCE_MAX == 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// Sends what is in the queue. Ends only if the queue is closed: a peer that no longer reads may still have said something.
async fn write(link: &Link, queue: &SendQueue) {
    let end = link.send_all(queue).await;
    tracing::trace!(?end, "bus-peer-unwritable");
    queue.closed().await;
}

/// Waits until a peer has had its time to give a name and has not; else for ever.
async fn unnamed(shared: &Shared, address: Address) {
    tokio::time::sleep(shared.options.name_timeout).await;
    if shared.core.lock().is_named(address) {
        std::future::pending::<()>().await;
    }
}
