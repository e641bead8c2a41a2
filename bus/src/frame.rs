//! How a frame is laid out in a packet: a fixed [`Header`], the envelope, the body. No sockets here.
//!
//! The byte table stands in `docs/bus-protocol.md`, and a test compares it with [`FIELDS`]. All integers are little-endian.

mod error;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use error::FrameError;

/// The first bytes of each frame.
pub const MAGIC: [u8; 4] = *b"TRNB";
/// The version of this layout. Another version is another protocol: the connection ends.
pub const VERSION: u16 = 1;
/// The largest packet. Three fit into the kernel's default send buffer, so that a peer can be a little late without stopping its sender.
pub const FRAME_MAX: usize = 64 * 1024;
/// The largest envelope; every name that may stand in one is shorter, so the broker's additions always fit.
pub const ENVELOPE_MAX: usize = 1024;
/// The largest body that travels in the frame itself; a larger one travels in a memfd.
pub const BODY_INLINE_MAX: usize = FRAME_MAX - HEADER_BYTES - ENVELOPE_MAX;
/// The largest body in a memfd. A receiver holds it twice for a moment, as bytes and as parsed.
pub const BODY_MAX: usize = 64 * 1024 * 1024;
/// The most descriptors with one frame, the one that holds the body included; the kernel's own limit is 253.
pub const DESCRIPTORS_MAX: usize = 64;

/// Where the magic stands.
const MAGIC_AT: usize = 0;
/// Where the version stands.
const VERSION_AT: usize = MAGIC_AT + 4;
/// Where the kind stands.
const KIND_AT: usize = VERSION_AT + 2;
/// Where the flags stand.
const FLAGS_AT: usize = KIND_AT + 1;
/// Where the number of descriptors stands.
const DESCRIPTORS_AT: usize = FLAGS_AT + 1;
/// Where the length of the envelope stands.
const ENVELOPE_BYTES_AT: usize = DESCRIPTORS_AT + 2;
/// Where the length of the body stands.
const BODY_BYTES_AT: usize = ENVELOPE_BYTES_AT + 2;
/// Where the id of the request stands.
const REQUEST_AT: usize = BODY_BYTES_AT + 4;
/// The length of the header.
pub const HEADER_BYTES: usize = REQUEST_AT + 8;

/// The header's fields: offset, size in bytes, name.
pub const FIELDS: [(usize, usize, &str); 8] = [
    (MAGIC_AT, 4, "magic"),
    (VERSION_AT, 2, "version"),
    (KIND_AT, 1, "kind"),
    (FLAGS_AT, 1, "flags"),
    (DESCRIPTORS_AT, 2, "descriptors"),
    (ENVELOPE_BYTES_AT, 2, "envelope-bytes"),
    (BODY_BYTES_AT, 4, "body-bytes"),
    (REQUEST_AT, 8, "request"),
];

/// The flag that says: the first descriptor is a sealed memfd that holds the body.
pub const BODY_IN_MEMFD: u8 = 0b0000_0001;

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Kind {
    /// Broker to client, first of all: its address.
    Hello = 1,
    /// Client to broker, before anything else: its name, to be answered.
    Name = 2,
    /// Client to broker: join a group.
    Subscribe = 3,
    /// Client to broker: leave a group.
    Unsubscribe = 4,
    /// Client to broker: who is in a group, or who is there at all.
    Members = 5,
    /// Client to broker: send a copy of everything.
    Monitor = 6,
    /// Client to broker: descriptors have been taken out of the kernel.
    Taken = 7,
    /// Broker to client: the answer to a name, a subscription, a listing or the wish to monitor.
    Answer = 8,
    /// Both ways: a message that wants no reply.
    Message = 16,
    /// Both ways: a message that wants a reply.
    Request = 17,
    /// Both ways: the reply.
    Reply = 18,
    /// Broker to client: there will be no reply.
    Failure = 19,
    /// Broker to monitor: a copy of a frame that was routed.
    Copy = 32,
    /// Broker to client, last of all: why the connection ends.
    Goodbye = 33,
}

impl Kind {
    /// Every kind there is.
    pub const ALL: [Self; 14] = [
        Self::Hello,
        Self::Name,
        Self::Subscribe,
        Self::Unsubscribe,
        Self::Members,
        Self::Monitor,
        Self::Taken,
        Self::Answer,
        Self::Message,
        Self::Request,
        Self::Reply,
        Self::Failure,
        Self::Copy,
        Self::Goodbye,
    ];

    /// The kind with this number.
    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }

    /// Whether a frame of this kind has a body, which is JSON then.
    #[must_use]
    pub fn has_body(self) -> bool {
        matches!(self, Self::Answer | Self::Message | Self::Request | Self::Reply | Self::Copy)
    }

    /// Whether a frame of this kind may carry descriptors.
    fn may_have_descriptors(self) -> bool {
        self.has_body()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hello => "hello",
            Self::Name => "name",
            Self::Subscribe => "subscribe",
            Self::Unsubscribe => "unsubscribe",
            Self::Members => "members",
            Self::Monitor => "monitor",
            Self::Taken => "taken",
            Self::Answer => "answer",
            Self::Message => "message",
            Self::Request => "request",
            Self::Reply => "reply",
            Self::Failure => "failure",
            Self::Copy => "copy",
            Self::Goodbye => "goodbye",
        })
    }
}

/// The fixed part of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What the frame is for.
    pub kind: Kind,
    /// Whether the first descriptor holds the body.
    pub body_in_memfd: bool,
    /// How many descriptors go with it, the one that holds the body included.
    pub descriptors: u16,
    /// The length of the envelope.
    pub envelope_bytes: u16,
    /// The length of the body, wherever it is.
    pub body_bytes: u32,
    /// The id of the request that this frame makes or answers, given by the client that makes it; 0 if there is none.
    pub request: u64,
}

impl Header {
    /// The header as it stands in the packet.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[MAGIC_AT..][..4].copy_from_slice(&MAGIC);
        bytes[VERSION_AT..][..2].copy_from_slice(&VERSION.to_le_bytes());
        bytes[KIND_AT] = self.kind as u8;
        bytes[FLAGS_AT] = if self.body_in_memfd { BODY_IN_MEMFD } else { 0 };
        bytes[DESCRIPTORS_AT..][..2].copy_from_slice(&self.descriptors.to_le_bytes());
        bytes[ENVELOPE_BYTES_AT..][..2].copy_from_slice(&self.envelope_bytes.to_le_bytes());
        bytes[BODY_BYTES_AT..][..4].copy_from_slice(&self.body_bytes.to_le_bytes());
        bytes[REQUEST_AT..][..8].copy_from_slice(&self.request.to_le_bytes());
        bytes
    }

    /// The length of the body within the packet.
    #[must_use]
    pub fn inline_bytes(&self) -> usize {
        if self.body_in_memfd { 0 } else { self.body_bytes as usize }
    }
}

/// The three parts of a frame, every length checked; what the envelope and the body say is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts<'a> {
    /// The fixed part.
    pub header: Header,
    /// The envelope.
    pub envelope: &'a [u8],
    /// The body as far as it is in the packet.
    pub body: &'a [u8],
}

/// Takes apart `packet`, which came with `descriptors` descriptors.
pub fn split(packet: &[u8], descriptors: usize) -> Result<Parts<'_>, FrameError> {
    if packet.len() > FRAME_MAX {
        return Err(FrameError::TooLong { max: FRAME_MAX, got: packet.len() });
    }
    let Some((header, rest)) = packet.split_first_chunk::<HEADER_BYTES>() else {
        return Err(FrameError::TooShort { expected: HEADER_BYTES, got: packet.len() });
    };
    let header = header_of(header)?;
    if usize::from(header.descriptors) != descriptors {
        return Err(FrameError::Descriptors { expected: usize::from(header.descriptors), got: descriptors });
    }
    let envelope_bytes = usize::from(header.envelope_bytes);
    let expected = HEADER_BYTES + envelope_bytes + header.inline_bytes();
    if expected != packet.len() {
        return Err(FrameError::Length { expected, got: packet.len() });
    }
    let (envelope, body) = rest.split_at(envelope_bytes);
    Ok(Parts { header, envelope, body })
}

/// Reads and checks the fixed part.
fn header_of(bytes: &[u8; HEADER_BYTES]) -> Result<Header, FrameError> {
    let magic: [u8; 4] = field(bytes, MAGIC_AT);
    if magic != MAGIC {
        return Err(FrameError::Magic { expected: MAGIC, got: magic });
    }
    let version = u16::from_le_bytes(field(bytes, VERSION_AT));
    if version != VERSION {
        return Err(FrameError::Version { expected: VERSION, got: version });
    }
    let kind = Kind::from_byte(bytes[KIND_AT]).ok_or(FrameError::Kind { got: bytes[KIND_AT] })?;
    let flags = bytes[FLAGS_AT];
    if flags & !BODY_IN_MEMFD != 0 {
        return Err(FrameError::Flags { got: flags });
    }
    let header = Header {
        kind,
        body_in_memfd: flags & BODY_IN_MEMFD != 0,
        descriptors: u16::from_le_bytes(field(bytes, DESCRIPTORS_AT)),
        envelope_bytes: u16::from_le_bytes(field(bytes, ENVELOPE_BYTES_AT)),
        body_bytes: u32::from_le_bytes(field(bytes, BODY_BYTES_AT)),
        request: u64::from_le_bytes(field(bytes, REQUEST_AT)),
    };
    check_limits(&header)?;
    Ok(header)
}

/// Checks each length against its limit and against the kind.
fn check_limits(header: &Header) -> Result<(), FrameError> {
    let descriptors = usize::from(header.descriptors);
    let descriptors_max = if header.kind.may_have_descriptors() { DESCRIPTORS_MAX } else { 0 };
    if descriptors > descriptors_max {
        return Err(FrameError::TooManyDescriptors { max: descriptors_max, got: descriptors });
    }
    let envelope_bytes = usize::from(header.envelope_bytes);
    if envelope_bytes > ENVELOPE_MAX {
        return Err(FrameError::Envelope { max: ENVELOPE_MAX, got: envelope_bytes });
    }
    let body_bytes = header.body_bytes as usize;
    let body_max = match (header.kind.has_body(), header.body_in_memfd) {
        (false, _) => 0,
        (true, false) => BODY_INLINE_MAX,
        (true, true) => BODY_MAX,
    };
    if body_bytes > body_max {
        return Err(FrameError::Body { max: body_max, got: body_bytes });
    }
    if header.body_in_memfd && descriptors == 0 {
        return Err(FrameError::Descriptors { expected: 1, got: 0 });
    }
    Ok(())
}

/// The `N` bytes at `at` in the header.
fn field<const N: usize>(bytes: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&bytes[at..at + N]);
    field
}

#[cfg(test)]
mod tests;
