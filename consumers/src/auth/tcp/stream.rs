//! A connection's octets: [`Stream`], a client's socket, or one end of a pair whose other end has a client behind TLS.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::net::AddressFamily;
use rustix::net::sockopt::socket_domain;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// A connection on the event loop.
#[derive(Debug)]
pub(super) enum Stream {
    /// A client's socket.
    Tcp(TcpStream),
    /// An end of a pair. A Unix socket as a client's connection is always one whose client speaks TLS, and does not know its addresses.
    Pair {
        /// The end.
        end: UnixStream,
        /// Who asks.
        client: SocketAddr,
        /// The address asked at.
        server: SocketAddr,
    },
}

impl Stream {
    /// Takes a descriptor onto the event loop, which does not wait any more, with the addresses that it may not know.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn adopt(descriptor: OwnedFd, client: SocketAddr, server: SocketAddr) -> io::Result<Self> {
        if socket_domain(&descriptor)? == AddressFamily::UNIX {
            let end = UnixStream::from_std(std::os::unix::net::UnixStream::from(descriptor))?;
            return Ok(Self::Pair { end, client, server });
        }
        TcpStream::from_std(std::net::TcpStream::from(descriptor)).map(Self::Tcp)
    }

    /// Who asks, and the address asked at.
    ///
    /// # Errors
    ///
    /// What the system says, such as that the connection is gone.
    pub(super) fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        match self {
            Self::Tcp(stream) => Ok((stream.peer_addr()?, stream.local_addr()?)),
            Self::Pair { client, server, .. } => Ok((*client, *server)),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Pair { end, .. } => end.as_fd(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, room),
            Self::Pair { end, .. } => Pin::new(end).poll_read(context, room),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, octets),
            Self::Pair { end, .. } => Pin::new(end).poll_write(context, octets),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Pair { end, .. } => Pin::new(end).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Pair { end, .. } => Pin::new(end).poll_shutdown(context),
        }
    }
}
