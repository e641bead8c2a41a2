//! Links: one connection from each auth process, on which it hands over sockets whose clients ask for transfers.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::SocketFlags;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tracing::{info, warn};

use super::connection::{Connection, Request};
use super::desk::Desk;
use super::serve;
use crate::handover::{Arrived, FRAME_OCTETS_MAX, Link};
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
    pub(super) async fn run(self, desk: Arc<Desk>) {
        loop {
            let accepted = self
                .socket
                .async_io(Interest::READABLE, |socket| {
                    rustix::net::accept_with(socket, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)
                        .map_err(io::Error::from)
                })
                .await
                .and_then(Link::new);
            match accepted {
                Ok(link) => drop(tokio::spawn(follow(Arc::new(link), Arc::clone(&desk)))),
                Err(error) => {
                    warn!(%error, "xfrout-accept-failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Takes what comes over a link until its auth process ends, or sends what is wrong. Transfers go on without it.
async fn follow(link: Arc<Link>, desk: Arc<Desk>) {
    if let Err(error) = link.hello() {
        return warn!(%error, "xfrout-link-dropped");
    }
    let mut room = vec![0; FRAME_OCTETS_MAX];
    loop {
        match link.receive(&mut room).await {
            Ok(Some(Arrived::HandedOver(handed, descriptor))) => {
                let request = Request { message: handed.request.to_vec(), rest: handed.rest.to_vec() };
                match Connection::new(descriptor, handed.client, handed.server) {
                    Ok(connection) => {
                        let (link, desk) = (Arc::downgrade(&link), Arc::clone(&desk));
                        tokio::spawn(serve::serve(desk, link, connection, request));
                    }
                    Err(error) => warn!(%error, "connection-not-taken"),
                }
            }
            Ok(Some(Arrived::Hello | Arrived::HandedBack(..))) => {
                return warn!(
                    error = "expected a connection to be handed over, found another packet",
                    "xfrout-link-dropped"
                );
            }
            Ok(None) => return info!("xfrout-link-ended"),
            Err(error) => return warn!(%error, "xfrout-link-dropped"),
        }
    }
}

/// The wait after a link that could not be taken: what it lacks, a descriptor most often, may be there then.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
