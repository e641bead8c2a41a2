//! What is said: the [`Envelope`] that goes with each frame, and a [`Message`] as its receiver sees it.

use std::fmt;
use std::os::fd::OwnedFd;
use std::time::Instant;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::{Address, PeerName};
use crate::frame::Kind;
use crate::group::Group;
use crate::recipient::Recipient;

/// The routing part of a frame, JSON on the wire. Which members a kind of frame needs stands in `docs/bus-protocol.md`;
/// members that a kind has no use for, and unknown ones, are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Envelope {
    /// The sender, set by the broker alone: what a client writes here is overwritten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Address>,
    /// Where the message goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Recipient>,
    /// The group to subscribe to, leave or list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// What a client calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<PeerName>,
    /// How long the sender of a request waits for its reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// The address that the broker gives a new connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// The broker's release, for people to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker_version: Option<String>,
    /// Why a request has no reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Why the broker ends a connection, for people to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// In a monitor's copy: the kind of the frame that was copied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// A number of descriptors: received and out of the kernel, or attached to a frame that was copied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descriptors: Option<u32>,
}

/// Why a request has no reply, as the broker says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Failure {
    /// The group has no member besides the sender, or the address is gone or never was.
    NoSuchRecipient,
    /// Everyone who had the request has disconnected without a reply.
    CalleeGone,
    /// The request's own deadline has passed.
    DeadlinePassed,
    /// The sender may not do this.
    NotAllowed,
    /// The sender has too many requests in flight.
    TooManyRequests,
    /// The sender is subscribed to too many groups.
    TooManyGroups,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchRecipient => "no such recipient",
            Self::CalleeGone => "callee gone",
            Self::DeadlinePassed => "deadline passed",
            Self::NotAllowed => "not allowed",
            Self::TooManyRequests => "too many requests in flight",
            Self::TooManyGroups => "too many groups",
        })
    }
}

/// A message as it arrives.
#[derive(Debug)]
pub struct Message {
    /// Who sent it, as the broker saw it.
    pub from: Address,
    /// Where it was sent: the receiver's own address, or a group it is in.
    pub to: Recipient,
    /// Set if an answer is wanted ([`crate::Client::reply`]), or if this is one.
    pub request: Option<u64>,
    /// When the sender of a request stops waiting.
    pub deadline: Option<Instant>,
    /// What it says.
    pub body: Value,
    /// What came with it, in the order given by the sender.
    pub descriptors: Vec<OwnedFd>,
}

impl Message {
    /// Reads the body as a `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.body)
    }
}
