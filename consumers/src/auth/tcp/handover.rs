//! Transfers are xfrout's: auth's end of the link to it, over which connections go that ask for one, and come back when it is done.
//!
//! A link counts once xfrout has said hello: the supervisor listens, so that being connected says nothing. While there is none, and while it is
//! full, who asks for a transfer gets SERVFAIL.

use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tracing::{info, warn};

use super::stream::Stream;
use crate::handover::{Arrived, FRAME_OCTETS_MAX, Handed, Link, SendError};

/// Auth's way to xfrout.
#[derive(Debug)]
pub(super) struct Handover {
    /// Where xfrout is found; without a path there is none.
    path: Option<PathBuf>,
    /// The link, once xfrout has said hello.
    link: Mutex<Option<Arc<Link>>>,
    /// Told when somebody asked for a transfer while there was none.
    wanted: Notify,
}

/// A connection that came back.
pub(super) struct Returned {
    /// It.
    pub(super) stream: Stream,
    /// Its client.
    pub(super) client: SocketAddr,
    /// What was read of it and not answered.
    pub(super) rest: Vec<u8>,
}

/// Why a connection was not given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotHandedOver {
    /// There is no xfrout.
    Absent,
    /// It does not keep up, or the connection is not fit to be given away.
    Refused,
}

impl Handover {
    /// The way to xfrout at a path, not connected yet.
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self { path, link: Mutex::new(None), wanted: Notify::new() }
    }

    /// Gives a connection away with a request and what was read behind it. The caller drops its own copy, or goes on with it where this fails.
    pub(super) fn hand_over(&self, stream: &Stream, request: &[u8], rest: &[u8]) -> Result<(), NotHandedOver> {
        let Some(link) = self.link().clone() else {
            self.wanted.notify_one();
            return Err(NotHandedOver::Absent);
        };
        let Ok((client, server)) = stream.addresses() else { return Err(NotHandedOver::Refused) };
        match link.hand_over(Handed { client, server, request, rest }, stream.as_fd()) {
            Ok(()) => Ok(()),
            Err(SendError::Gone(_)) => {
                self.link().take_if(|current| Arc::ptr_eq(current, &link));
                Err(NotHandedOver::Absent)
            }
            Err(_) => Err(NotHandedOver::Refused),
        }
    }

    /// Keeps a link to xfrout, and takes connections back, for ever.
    pub(super) async fn keep(&self, take_back: impl Fn(Returned)) {
        let Some(path) = &self.path else { return std::future::pending().await };
        let mut room = vec![0; FRAME_OCTETS_MAX];
        loop {
            match Link::connect(path) {
                Ok(link) => self.serve(Arc::new(link), &mut room, &take_back).await,
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    warn!(%error, cause, "transfer-link-not-connected");
                }
            }
            self.link().take();
            // Whoever asks meanwhile is answered with SERVFAIL, and has it tried again at once.
            let _ = tokio::time::timeout(RECONNECT_PAUSE, self.wanted.notified()).await;
        }
    }

    /// Lives one link.
    async fn serve(&self, link: Arc<Link>, room: &mut [u8], take_back: impl Fn(Returned)) {
        loop {
            match link.receive(room).await {
                Ok(Some(Arrived::Hello)) => {
                    info!("transfer-link-up");
                    *self.link() = Some(Arc::clone(&link));
                }
                Ok(Some(Arrived::HandedBack(handed, connection))) => match returned(&handed, connection) {
                    Ok(returned) => take_back(returned),
                    Err(error) => warn!(%error, "connection-not-taken-back"),
                },
                Ok(Some(Arrived::HandedOver(..))) => {
                    warn!(
                        error = "expected connections to be handed back, found one handed over",
                        "transfer-link-dropped"
                    );
                    return;
                }
                Ok(None) => return info!("transfer-link-gone"),
                Err(error) => return warn!(%error, "transfer-link-dropped"),
            }
        }
    }

    /// The link. A panic while it was locked leaves it as it was.
    fn link(&self) -> std::sync::MutexGuard<'_, Option<Arc<Link>>> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that came back, on the event loop.
fn returned(handed: &Handed<'_>, connection: OwnedFd) -> std::io::Result<Returned> {
    let stream = Stream::adopt(connection, handed.client, handed.server)?;
    Ok(Returned { stream, client: handed.client, rest: handed.rest.to_vec() })
}

/// How long after a link is gone the next one is tried, unless a transfer is asked for before.
const RECONNECT_PAUSE: Duration = Duration::from_millis(200);
