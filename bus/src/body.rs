//! A message's body on its way in or out: [`Body`], in the frame or, if it is larger than that, in a sealed memfd.

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use serde::Serialize;

use crate::descriptors;
use crate::descriptors::Descriptor;
use crate::frame::{BODY_INLINE_MAX, BODY_MAX, FrameError};

/// The bytes of a body, which are JSON, or where they are.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// In the frame. Empty for a kind of frame that has no body.
    Inline(Vec<u8>),
    /// In a memfd, which is the first descriptor of the frame.
    Memfd {
        /// The memfd.
        memfd: Descriptor,
        /// Its length.
        bytes: u32,
    },
}

impl Body {
    /// Whether it is longer than a frame, and so in a memfd.
    pub(crate) fn is_long(&self) -> bool {
        matches!(self, Self::Memfd { .. })
    }

    /// No body at all.
    pub(crate) const NONE: Self = Self::Inline(Vec::new());

    /// Writes `value` as JSON, into the frame if it fits.
    pub(crate) fn encode(value: &impl Serialize) -> Result<Self, BodyError> {
        let bytes = serde_json::to_vec(value).map_err(BodyError::Encode)?;
        if bytes.len() <= BODY_INLINE_MAX {
            return Ok(Self::Inline(bytes));
        }
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        if length as usize > BODY_MAX {
            return Err(BodyError::TooLong { max: BODY_MAX, got: bytes.len() });
        }
        let memfd = descriptors::seal("bus-body", &bytes).map_err(BodyError::Memfd)?;
        Ok(Self::Memfd { memfd: Arc::new(memfd), bytes: length })
    }

    /// Reads the body as JSON.
    pub(crate) fn decode(&self) -> Result<serde_json::Value, FrameError> {
        match self {
            Self::Inline(bytes) => serde_json::from_slice(bytes).map_err(FrameError::BodySyntax),
            Self::Memfd { memfd, bytes } => {
                let bytes = descriptors::read_sealed(memfd.as_fd(), *bytes as usize).map_err(FrameError::Memfd)?;
                serde_json::from_slice(&bytes).map_err(FrameError::BodySyntax)
            }
        }
    }

    /// Checks what can be checked without holding up others: that an inline body is JSON, that a memfd cannot change.
    pub(crate) fn check(&self) -> Result<(), FrameError> {
        match self {
            Self::Inline(bytes) => {
                serde_json::from_slice::<serde::de::IgnoredAny>(bytes).map_err(FrameError::BodySyntax)?;
                Ok(())
            }
            Self::Memfd { memfd, bytes } => {
                descriptors::check_sealed(memfd.as_fd(), *bytes as usize).map_err(FrameError::Memfd)
            }
        }
    }

    /// The length of the body, wherever it is.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Inline(bytes) => bytes.len(),
            Self::Memfd { bytes, .. } => *bytes as usize,
        }
    }
}

/// Why a body cannot be sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum BodyError {
    /// It does not go into JSON.
    Encode(serde_json::Error),
    /// Longer than any body may be.
    TooLong {
        /// The limit.
        max: usize,
        /// Its length.
        got: usize,
    },
    /// No memfd could be made for it.
    Memfd(io::Error),
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("writing the body of a bus message: ")?;
        match self {
            Self::Encode(_) => f.write_str("it does not go into JSON"),
            Self::TooLong { max, got } => write!(f, "it may have {max} bytes, it has {got}"),
            Self::Memfd(_) => f.write_str("it needs a memfd and none could be made"),
        }
    }
}

impl std::error::Error for BodyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Encode(error) => Some(error),
            Self::Memfd(error) => Some(error),
            Self::TooLong { .. } => None,
        }
    }
}
