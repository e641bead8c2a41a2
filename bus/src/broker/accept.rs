//! Who may connect: the next connection, judged by the kernel's word on its user before anything is read from it.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::SocketFlags;
use tokio::io::unix::AsyncFd;

use super::BrokerOptions;
use super::peer::{Credentials, Newcomer};
use crate::body::Body;
use crate::frame::Kind;
use crate::link::Link;
use crate::message::Envelope;
use crate::packet::Packet;

/// What came of waiting for a connection.
pub(super) enum Accepted {
    /// A connection that may stay.
    Peer(Newcomer),
    /// A connection that was refused or went away at once.
    Nobody,
    /// The system has no descriptor or no memory for it at the moment; it waits.
    Exhausted(io::Error),
    /// There will be no more connections.
    Failed(io::Error),
}

/// The connections that there are.
#[derive(Clone, Copy)]
pub(super) struct Connected {
    /// All.
    pub(super) all: usize,
    /// Those of guests.
    pub(super) guests: usize,
}

/// Waits for a connection beside those that there are.
pub(super) async fn next(listener: &AsyncFd<OwnedFd>, options: &BrokerOptions, connected: Connected) -> Accepted {
    loop {
        let mut guard = match listener.readable().await {
            Ok(guard) => guard,
            Err(error) => return Accepted::Failed(error),
        };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        match guard.try_io(|listener| Ok(rustix::net::accept_with(listener, flags)?)) {
            Ok(Ok(socket)) => return judge(socket, options, connected),
            Ok(Err(error)) => return classify(error),
            Err(_would_block) => {}
        }
    }
}

/// Whether accepting goes on after `error`.
fn classify(error: io::Error) -> Accepted {
    match Errno::from_io_error(&error) {
        Some(Errno::CONNABORTED | Errno::INTR | Errno::PERM) => Accepted::Nobody,
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => Accepted::Exhausted(error),
        _ => Accepted::Failed(error),
    }
}

/// Lets a connection stay or refuses it. Nothing is read from it here.
fn judge(socket: OwnedFd, options: &BrokerOptions, connected: Connected) -> Accepted {
    let newcomer = match Newcomer::new(socket) {
        Ok(newcomer) => newcomer,
        Err(error) => {
            tracing::warn!(%error, "bus-peer-refused");
            return Accepted::Nobody;
        }
    };
    let Credentials { pid, uid, .. } = newcomer.credentials;
    let reason = if !is_allowed(uid, &options.allowed_uids) {
        format!("user id {uid} may not use this bus")
    } else if connected.all >= options.peers_max {
        format!("the bus has its {} connections already", options.peers_max)
    } else if newcomer.credentials.is_guest() && connected.guests >= options.guests_max {
        format!("the bus has its {} connections of other users already", options.guests_max)
    } else {
        return Accepted::Peer(newcomer);
    };
    tracing::warn!(pid, uid, reason, "bus-peer-refused");
    refuse(&newcomer.link, reason);
    Accepted::Nobody
}

/// Whether a user may connect: root, the broker's own, or one of those configured.
fn is_allowed(uid: u32, allowed: &[u32]) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw() || allowed.contains(&uid)
}

/// Tells the other end why it is refused.
fn refuse(link: &Link, reason: String) {
    let envelope = Envelope { reason: Some(reason), ..Envelope::default() };
    link.send_last(&Packet::new(Kind::Goodbye, 0, &envelope, Body::NONE, Vec::new()));
}
