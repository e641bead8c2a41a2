//! The socket pair with the supervisor: fixed-size records, no bus.

use std::io;
use std::os::fd::OwnedFd;

use bus::protocol::supervisor::{RECORD_LENGTH, Record};
use rustix::net::{RecvFlags, SendFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tracing::warn;

/// Our end.
#[derive(Debug)]
pub(crate) struct Link {
    /// Non-blocking.
    socket: AsyncFd<OwnedFd>,
}

impl Link {
    /// Takes the inherited descriptor.
    ///
    /// # Errors
    ///
    /// What the runtime reports when it can't watch it.
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        #[expect(deprecated, reason = "its safe form; an OwnedFd stays the same descriptor as long as it lives")]
        let socket = AsyncFd::with_interest(socket, Interest::READABLE)?;
        Ok(Link { socket })
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
            match read {
                Ok((_, 0)) | Err(_) => return None,
                Ok((_, length)) => match Record::decode(octets.get(..length).unwrap_or(&octets)) {
                    Ok(record) => return Some(record),
                    Err(error) => warn!(%error, "supervisor-record-unreadable"),
                },
            }
        }
    }

    /// Sends a record. The supervisor reads whenever it runs; a full queue means that it does not, and nobody else could act.
    pub(crate) fn send(&self, record: Record) {
        let sent =
            rustix::net::send(self.socket.get_ref(), &record.encode(), SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
        if let Err(error) = sent {
            warn!(%error, ?record, "supervisor-record-not-sent");
        }
    }
}
