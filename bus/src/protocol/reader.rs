//! Following generations: what a reader and memmgr say to each other.
//!
//! ```text
//! reader                                   memmgr
//!   │ ── Attach (request to `memmgr`) ──────▶ │
//!   │ ◀───────────────────────── Attached ── │
//!   │ ◀── Layers (request, descriptors) ───── │   the layers it does not hold, a batch at a time
//!   │ ── Taken ─────────────────────────────▶ │
//!   │ ◀── Switch ──────────────────────────── │   the commit: names every layer
//!   │ ── Acknowledge ───────────────────────▶ │   every query thread is on it
//!   │ ── Release (the one before) ──────────▶ │   its last use ended
//!   │ ◀── Ping (request) ── Pong ──────────▶ │   each second
//! ```
//!
//! Who needs one version for longer than a release may take has a *lease* of it, by a number of the reader's own:
//!
//! ```text
//! reader                                   memmgr
//!   │ ── Lease (request) ───────────────────▶ │   of a generation that it holds
//!   │ ◀──────────────────────────── Leased ── │   the generation itself can be released
//!   │ ── Renew ─────────────────────────────▶ │   while there is progress
//!   │ ◀── LeaseEnded ──────────────────────── │   there was none for too long
//!   │ ── EndLease ──────────────────────────▶ │   or: it is done
//! ```
//!
//! Leases end with the connection. A reader that comes back asks again for those that it has, and says what it keeps for them.
//!
//! A layer is known by its id *and* its content hash, so nothing goes wrong when a state directory was made anew under
//! a reader that lives on.

use serde::{Deserialize, Serialize};

/// Which part a reader plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Answers queries.
    Auth,
    /// Streams transfers.
    Xfrout,
    /// Any other program that reads zone data.
    Reader,
}

impl Role {
    /// The role as it is written in messages, logs and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Auth => "auth",
            Role::Xfrout => "xfrout",
            Role::Reader => "reader",
        }
    }
}

/// One layer of a stack: a published, immutable segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LayerIdentity {
    /// The layer's number, unique in its state directory.
    pub id: u64,
    /// The segment's content hash (xxh3-128), in hexadecimal on the wire.
    #[serde(with = "hex128")]
    pub content_hash: u128,
}

/// The layers of one group, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupLayers {
    /// The group's number.
    pub group: u32,
    /// Its layers, newest first, the base last.
    pub layers: Vec<u64>,
}

/// What a reader says to memmgr.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum FromReader {
    /// Sent as a request; the reply is [`Attached`]. From then on the sender follows generations.
    Attach {
        /// The part it plays.
        role: Role,
        /// The supervisor's number for this process, when it started it.
        slot: Option<u32>,
        /// The generation it answers from, from an earlier session.
        generation: Option<u64>,
        /// Layers it has mapped already, from an earlier session.
        holds: Vec<LayerIdentity>,
    },
    /// Every query thread has passed a batch boundary on this generation.
    Acknowledge {
        /// The generation of the [`ToReader::Switch`].
        generation: u64,
    },
    /// The last use of this generation has ended; its layers without other use are unmapped.
    Release {
        /// A generation acknowledged before.
        generation: u64,
    },
    /// The generation could not be taken: a layer does not map or does not check out. The reader keeps the old one.
    Refuse {
        /// The generation of the [`ToReader::Switch`].
        generation: u64,
        /// Why, in words for the log.
        error: String,
    },
    /// A request: the layers of this generation are kept for longer than it is held. The reply is [`Leased`] or a
    /// [`CommandError`](super::control::CommandError) with the reason.
    Lease {
        /// The reader's number for it, one that no other lease of this connection has.
        lease: u64,
        /// A generation that it has acknowledged and not released.
        generation: u64,
        /// For a lease from an earlier session, of whatever generation: the layers kept that the generation answered from does not
        /// have.
        kept: Option<Vec<KeptLayer>>,
    },
    /// What the lease is for made progress. One that memmgr does not know is answered by [`ToReader::LeaseEnded`].
    Renew {
        /// Its number.
        lease: u64,
    },
    /// Its layers are not needed any more.
    EndLease {
        /// Its number.
        lease: u64,
    },
}

/// A layer kept under a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptLayer {
    /// The layer's number.
    pub id: u64,
    /// Its length.
    pub octets: u64,
}

/// The reply to [`FromReader::Lease`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leased {
    /// Milliseconds without a [`FromReader::Renew`] after which it ends.
    pub timeout_ms: u64,
}

/// The reply to [`FromReader::Attach`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// The newest published generation, if there is any: a switch to it follows.
    pub generation: Option<u64>,
}

/// What memmgr says to one reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ToReader {
    /// A request: descriptors of layers, in the order of the message's descriptors. The reply is [`Taken`]; the next batch, and then
    /// the switch, come after it, so that what is on its way to one reader has a bound.
    Layers {
        /// One for each descriptor.
        layers: Vec<LayerIdentity>,
    },
    /// A generation, whole: map what is new, swap, acknowledge.
    Switch {
        /// Its number.
        generation: u64,
        /// The zone directory's layers, newest first.
        directory: Vec<u64>,
        /// Each group's layers.
        groups: Vec<GroupLayers>,
    },
    /// A request; the reply is [`Pong`].
    Ping {},
    /// A lease has ended: what it is for is to be given up, and its layers let go.
    LeaseEnded {
        /// Its number.
        lease: u64,
        /// Why, in words for the log.
        reason: String,
    },
}

/// One query thread as a pong shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadProgress {
    /// A counter that moves with each batch.
    pub progress: u64,
    /// Whether work is waiting for this thread at the moment.
    pub waiting: bool,
}

/// The reply to [`ToReader::Layers`]: they are out of the kernel. Whether they are of use is said of the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {}

/// The reply to [`ToReader::Ping`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// One for each query thread; empty for a reader without any.
    pub threads: Vec<ThreadProgress>,
}

/// A 128-bit number as 32 hexadecimal digits, since JSON's numbers end at 2^53.
pub mod hex128 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes 32 digits.
    ///
    /// # Errors
    ///
    /// What the serializer reports.
    pub fn serialize<S: Serializer>(value: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{value:032x}"))
    }

    /// Reads up to 32 digits.
    ///
    /// # Errors
    ///
    /// When the text is no hexadecimal number of 128 bits.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16)
            .map_err(|_| D::Error::custom(format!("expected 32 hexadecimal digits, found {text:?}")))
    }
}
