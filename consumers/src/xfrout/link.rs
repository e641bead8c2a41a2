//! Links: one connection from each auth process, on which it hands over sockets whose clients ask for transfers.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::{RecvFlags, SocketFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tracing::{debug, warn};

use crate::supervised::readable;

/// The socket at which auth processes connect. It is the supervisor's and outlives us, with those that wait there.
#[derive(Debug)]
pub(super) struct Listener {
    /// The listening socket.
    socket: AsyncFd<OwnedFd>,
}

impl Listener {
    /// Puts the socket on the event loop.
    pub(super) fn new(socket: OwnedFd) -> io::Result<Self> {
        readable(socket).map(|socket| Listener { socket })
    }

    /// Takes links for ever.
    pub(super) async fn run(self) {
        loop {
            let accepted = self
                .socket
                .async_io(Interest::READABLE, |socket| {
                    rustix::net::accept_with(socket, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)
                        .map_err(io::Error::from)
                })
                .await
                .and_then(readable);
            match accepted {
                Ok(link) => drop(tokio::spawn(until_it_ends(link))),
                Err(error) => {
                    warn!(%error, "xfrout-accept-failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Keeps a link until its auth process ends, or says something.
async fn until_it_ends(link: AsyncFd<OwnedFd>) {
    let mut octet = [0; 1];
    let read = link.async_io(Interest::READABLE, |link| {
        rustix::net::recv(link, &mut octet, RecvFlags::DONTWAIT).map_err(io::Error::from)
    });
    let said = read.await.is_ok_and(|(_, length)| length > 0);
    debug!(said, "xfrout-link-ended");
}

/// The wait after a link that could not be taken: what it lacks, a descriptor most often, may be there then.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
