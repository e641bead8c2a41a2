//! What can go wrong at a client: [`ConnectError`], [`SendError`], [`RequestError`].

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::address::{Address, PeerNameError};
use crate::body::BodyError;
use crate::frame::FrameError;
use crate::group::GroupError;
use crate::listen::ListenError;
use crate::message::Failure;
use crate::queue::Full;

/// Why there is no connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The name is none that a peer may have.
    Name(PeerNameError),
    /// The path does not go into the address of a socket.
    Path(ListenError),
    /// Nobody listens there.
    NotRunning {
        /// The socket file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// No socket could be made or used.
    Socket(io::Error),
    /// The broker did not say hello in time. A socket that outlives its broker accepts connections without anybody behind it.
    NoHello {
        /// How long was waited.
        waited: Duration,
    },
    /// The broker refused this process, or all of its like.
    Refused {
        /// In the broker's words.
        reason: String,
    },
    /// The broker closed the connection before its hello.
    Closed,
    /// The broker does not speak this protocol.
    Frame(FrameError),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connecting to the bus")?;
        match self {
            Self::Name(_) => f.write_str(": it cannot be done under this name"),
            Self::Path(_) => f.write_str(": its path is of no use"),
            Self::NotRunning { path, .. } => write!(f, " at {}: no server is running there", path.display()),
            Self::Socket(_) => f.write_str(": the system refused"),
            Self::NoHello { waited } => write!(f, ": nobody said hello in {waited:?}; the server may be starting"),
            Self::Refused { reason } => write!(f, ": refused: {reason}"),
            Self::Closed => f.write_str(": the broker closed the connection before its hello"),
            Self::Frame(_) => f.write_str(": the other end does not speak this protocol"),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Name(error) => Some(error),
            Self::Path(error) => Some(error),
            Self::NotRunning { error, .. } | Self::Socket(error) => Some(error),
            Self::Frame(error) => Some(error),
            Self::NoHello { .. } | Self::Refused { .. } | Self::Closed => None,
        }
    }
}

/// Why a message was not put on its way.
#[derive(Debug)]
#[non_exhaustive]
pub enum SendError {
    /// The connection has ended.
    Disconnected {
        /// Why, in the broker's words or the system's.
        reason: String,
    },
    /// Too much waits for the broker already.
    Full(Full),
    /// The body does not go into a message.
    Body(BodyError),
    /// More descriptors than a message may carry; send several messages.
    TooManyDescriptors {
        /// The limit, one less than usual if the body is a long one.
        max: usize,
        /// How many were given.
        got: usize,
    },
    /// The descriptors could not be duplicated; the process may have too many.
    Duplicate(io::Error),
    /// The name of a family of notifications is not part of a group's.
    Group(GroupError),
    /// A message that wants no reply cannot be replied to.
    NotARequest {
        /// Who sent it.
        from: Address,
    },
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sending over the bus: ")?;
        match self {
            Self::Disconnected { reason } => write!(f, "the connection has ended: {reason}"),
            Self::Full(full) => write!(f, "the broker does not read: {full}"),
            Self::Body(_) => f.write_str("the body does not go into a message"),
            Self::TooManyDescriptors { max, got } => write!(f, "at most {max} descriptors go with it, not {got}"),
            Self::Duplicate(_) => f.write_str("the descriptors cannot be duplicated"),
            Self::Group(_) => f.write_str("there is no such family of notifications"),
            Self::NotARequest { from } => write!(f, "the message from {from} wants no reply"),
        }
    }
}

impl std::error::Error for SendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Body(error) => Some(error),
            Self::Duplicate(error) => Some(error),
            Self::Group(error) => Some(error),
            Self::Disconnected { .. } | Self::Full(_) | Self::TooManyDescriptors { .. } | Self::NotARequest { .. } => {
                None
            }
        }
    }
}

/// Why a request has no reply.
#[derive(Debug)]
#[non_exhaustive]
pub enum RequestError {
    /// The request was not sent, or the connection ended before its reply came.
    Send(SendError),
    /// The group has no member besides the sender, or the address is gone or never was.
    NoSuchRecipient {
        /// The recipient.
        to: String,
    },
    /// Everyone who had the request has disconnected without a reply.
    CalleeGone {
        /// The recipient.
        to: String,
    },
    /// No reply came in time. One that comes later vanishes.
    DeadlinePassed {
        /// The recipient.
        to: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The broker does not allow this.
    Refused {
        /// The recipient.
        to: String,
        /// Why, in the broker's words.
        failure: Failure,
    },
    /// The reply's body cannot be read.
    Unreadable {
        /// The recipient.
        to: String,
    },
}

impl RequestError {
    /// What a failure means for a request to `to`.
    pub(super) fn from_failure(failure: Failure, to: String, deadline: Duration) -> Self {
        match failure {
            Failure::NoSuchRecipient => Self::NoSuchRecipient { to },
            Failure::CalleeGone => Self::CalleeGone { to },
            Failure::DeadlinePassed => Self::DeadlinePassed { to, waited: deadline },
            Failure::NotAllowed | Failure::TooManyRequests | Failure::TooManyGroups => Self::Refused { to, failure },
        }
    }
}

impl From<SendError> for RequestError {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("asking over the bus: ")?;
        match self {
            Self::Send(_) => f.write_str("the request did not get through"),
            Self::NoSuchRecipient { to } => write!(f, "{to}: no such recipient"),
            Self::CalleeGone { to } => write!(f, "{to}: callee gone before it replied"),
            Self::DeadlinePassed { to, waited } => write!(f, "{to}: no reply within {waited:?}"),
            Self::Refused { to, failure } => write!(f, "{to}: {failure}"),
            Self::Unreadable { to } => write!(f, "{to}: the reply cannot be read"),
        }
    }
}

impl std::error::Error for RequestError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Send(error) => Some(error),
            _ => None,
        }
    }
}
