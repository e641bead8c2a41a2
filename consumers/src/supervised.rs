//! The supervisor's end of a process's life, on the process's event loop.

use std::io;
use std::os::fd::OwnedFd;

use bus::protocol::supervisor::{RECORD_LENGTH, Record};
use rustix::net::RecvFlags;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tracing::warn;

/// The socket pair with the supervisor.
#[derive(Debug)]
pub(crate) struct Supervisor {
    /// Our end.
    socket: AsyncFd<OwnedFd>,
}

impl Supervisor {
    /// Puts the socket on the event loop.
    pub(crate) fn watch(socket: OwnedFd) -> io::Result<Self> {
        readable(socket).map(|socket| Supervisor { socket })
    }

    /// The next record; `None` when the supervisor is gone.
    pub(crate) async fn next(&self) -> Option<Record> {
        loop {
            let mut octets = [0; RECORD_LENGTH];
            let read = self
                .socket
                .async_io(Interest::READABLE, |socket| {
                    rustix::net::recv(socket, &mut octets, RecvFlags::DONTWAIT).map_err(io::Error::from)
                })
                .await;
            let length = match read {
                Ok((_, length)) if length > 0 => length,
                _ => return None,
            };
            match Record::decode(octets.get(..length).unwrap_or(&octets)) {
                Ok(record) => return Some(record),
                Err(error) => warn!(%error, "supervisor-record-unreadable"),
            }
        }
    }
}

/// Puts a socket on the event loop, to be told when there is something to read.
pub(crate) fn readable(socket: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    rustix::io::ioctl_fionbio(&socket, true)?;
    #[expect(deprecated, reason = "its safe form; an OwnedFd stays the same descriptor as long as it lives")]
    AsyncFd::with_interest(socket, Interest::READABLE)
}
