//! What can be wrong with a frame: [`FrameError`].

use std::fmt;

use super::Kind;
use crate::descriptors::SealedError;

/// What is wrong with a frame. The peer that sent it is dropped.
#[derive(Debug)]
#[non_exhaustive]
pub enum FrameError {
    /// Shorter than a header.
    TooShort {
        /// The length of a header.
        expected: usize,
        /// The length of the packet.
        got: usize,
    },
    /// Longer than a frame may be; the kernel has cut it.
    TooLong {
        /// The limit.
        max: usize,
        /// The length of the packet as far as it is known.
        got: usize,
    },
    /// Does not begin as a frame does.
    Magic {
        /// The magic.
        expected: [u8; 4],
        /// What stands there.
        got: [u8; 4],
    },
    /// Another version of the protocol.
    Version {
        /// Ours.
        expected: u16,
        /// Theirs.
        got: u16,
    },
    /// A kind that does not exist.
    Kind {
        /// Its number.
        got: u8,
    },
    /// A kind that this end of a connection never receives, or not yet.
    UnexpectedKind {
        /// The kind.
        got: Kind,
    },
    /// A flag that does not exist.
    Flags {
        /// All flags.
        got: u8,
    },
    /// The header's lengths do not sum to the packet's.
    Length {
        /// What the header says.
        expected: usize,
        /// The length of the packet.
        got: usize,
    },
    /// Other descriptors than announced.
    Descriptors {
        /// What the header says.
        expected: usize,
        /// How many came.
        got: usize,
    },
    /// More descriptors than a frame of its kind may carry; the kernel may have closed some.
    TooManyDescriptors {
        /// The limit.
        max: usize,
        /// How many came as far as it is known.
        got: usize,
    },
    /// An envelope over its limit.
    Envelope {
        /// The limit.
        max: usize,
        /// Its length.
        got: usize,
    },
    /// A body over its limit.
    Body {
        /// The limit.
        max: usize,
        /// Its length.
        got: usize,
    },
    /// An envelope that is not the JSON it has to be.
    EnvelopeSyntax(serde_json::Error),
    /// A body that is not JSON.
    BodySyntax(serde_json::Error),
    /// An envelope without a member that its kind needs.
    MissingMember {
        /// The kind.
        kind: Kind,
        /// The member.
        expected: &'static str,
    },
    /// The first descriptor does not hold the body as it has to.
    Memfd(SealedError),
    /// A request with the id of another that is still in flight, or with id 0.
    RequestId {
        /// The id.
        got: u64,
    },
    /// More descriptors said to be taken than were sent.
    Taken {
        /// How many were not taken yet.
        expected: usize,
        /// How many are said to be.
        got: usize,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("reading a bus frame: ")?;
        match self {
            Self::TooShort { expected, got } => write!(f, "a header is {expected} bytes, the packet {got}"),
            Self::TooLong { max, got } => write!(f, "a frame has at most {max} bytes, this one {got} or more"),
            Self::Magic { expected, got } => {
                write!(f, "expected it to begin with {}, got {}", expected.escape_ascii(), got.escape_ascii())
            }
            Self::Version { expected, got } => write!(f, "expected protocol version {expected}, got {got}"),
            Self::Kind { got } => write!(f, "there is no kind {got}"),
            Self::UnexpectedKind { got } => write!(f, "a `{got}` is not expected here"),
            Self::Flags { got } => write!(f, "unknown flags in {got:#010b}"),
            Self::Length { expected, got } => write!(f, "the header says {expected} bytes, the packet has {got}"),
            Self::Descriptors { expected, got } => {
                write!(f, "the header says {expected} descriptors, {got} came")
            }
            Self::TooManyDescriptors { max, got } => write!(f, "at most {max} descriptors may come, {got} or more did"),
            Self::Envelope { max, got } => write!(f, "an envelope has at most {max} bytes, this one {got}"),
            Self::Body { max, got } => write!(f, "its body may have {max} bytes, it has {got}"),
            Self::EnvelopeSyntax(_) => f.write_str("the envelope is not what it has to be"),
            Self::BodySyntax(_) => f.write_str("the body is not JSON"),
            Self::MissingMember { kind, expected } => write!(f, "a `{kind}` needs `{expected}` in its envelope"),
            Self::Memfd(_) => f.write_str("the memfd does not hold the body"),
            Self::RequestId { got } => write!(f, "request id {got} is 0 or in use"),
            Self::Taken { expected, got } => write!(f, "{got} descriptors said to be taken of {expected}"),
        }
    }
}

impl std::error::Error for FrameError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::EnvelopeSyntax(error) | Self::BodySyntax(error) => Some(error),
            Self::Memfd(error) => Some(error),
            _ => None,
        }
    }
}
