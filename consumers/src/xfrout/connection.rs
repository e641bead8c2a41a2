//! A client's connection while it is ours: messages go out on it, as fast as the client takes them.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::sockopt::socket_domain;
use rustix::net::{AddressFamily, SendAncillaryBuffer, SendFlags};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

use crate::handover::{Handed, Link, SendError};

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// The socket, on the event loop.
    socket: AsyncFd<OwnedFd>,
    /// Who asks.
    pub(super) client: SocketAddr,
    /// The address asked at.
    server: SocketAddr,
    /// Whether the client speaks TLS: then the socket is an end of a pair, behind whose other end auth does that for us.
    pub(super) is_tls: bool,
}

/// What was asked over it.
#[derive(Debug)]
pub(super) struct Request {
    /// The message.
    pub(super) message: Vec<u8>,
    /// What was read behind it.
    pub(super) rest: Vec<u8>,
}

impl Connection {
    /// Takes a socket onto the event loop.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn new(socket: OwnedFd, client: SocketAddr, server: SocketAddr) -> io::Result<Self> {
        let is_tls = socket_domain(&socket)? == AddressFamily::UNIX;
        // Only TCP has it. One end of a pair has a buffer that is short anyway.
        let _ = SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT_OCTETS_MAX);
        #[expect(deprecated, reason = "its safe form; an OwnedFd stays the same descriptor as long as it lives")]
        let socket = AsyncFd::with_interest(socket, Interest::WRITABLE)?;
        Ok(Self { socket, client, server, is_tls })
    }

    /// Sends a message behind its length; `note` hears of each octet that is taken, and may end it.
    ///
    /// A client that takes nothing for `timeout` is given up. Whether it takes anything is tried each second too: a system says that there is room
    /// only once there is much, which for a slow client is late.
    ///
    /// # Errors
    ///
    /// What the system says, `TimedOut`, or what `note` says.
    pub(super) async fn send(
        &self,
        message: &[u8],
        timeout: Duration,
        mut note: impl FnMut(bool) -> io::Result<()>,
    ) -> io::Result<()> {
        let length = u16::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidInput)?.to_be_bytes();
        let (mut sent, whole) = (0, length.len() + message.len());
        let mut deadline = Instant::now() + timeout;
        while sent < whole {
            let (head, body) = (length.get(sent..).unwrap_or_default(), message.get(sent.saturating_sub(2)..));
            let pieces = [IoSlice::new(head), IoSlice::new(body.unwrap_or_default())];
            let mut control = SendAncillaryBuffer::default();
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            match rustix::net::sendmsg(self.socket.get_ref(), &pieces, &mut control, flags) {
                Ok(octets) => {
                    sent += octets;
                    deadline = Instant::now() + timeout;
                    note(true)?;
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    note(false)?;
                    if Instant::now() >= deadline {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    self.writable(deadline.min(Instant::now() + TRY_AGAIN)).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Waits until there is room, or it is so late.
    async fn writable(&self, until: Instant) -> io::Result<()> {
        if let Ok(ready) = tokio::time::timeout_at(until, self.socket.writable()).await {
            ready?.clear_ready();
        }
        Ok(())
    }

    /// Gives it back to the auth process that it came from, with what was read of it and not answered.
    ///
    /// # Errors
    ///
    /// [`SendError`] when that process is gone, or does not keep up: then the connection ends.
    pub(super) fn hand_back(self, link: &Link, rest: &[u8]) -> Result<(), SendError> {
        let handed = Handed { client: self.client, server: self.server, request: &[], rest };
        // Off the event loop first: from then on it is the other's.
        let socket = self.socket.into_inner();
        let _ = SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT_OCTETS_DEFAULT);
        link.hand_back(handed, socket.as_fd())
    }
}

/// Octets that may lie in a connection without being on their way: four messages. What is on its way is as much as the client and the network
/// take; more would be memory of the kernel for who reads slowly, and time that is taken from who reads fast.
const UNSENT_OCTETS_MAX: u32 = 256 << 10;

/// What stands for the system's own limit.
const UNSENT_OCTETS_DEFAULT: u32 = 0;

/// How often a client that takes nothing is tried.
const TRY_AGAIN: Duration = Duration::from_secs(1);
