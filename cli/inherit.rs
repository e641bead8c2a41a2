//! Adoption of inherited descriptors: what the supervisor put at agreed numbers becomes owned, once.
//!
//! This is the one place where a bare number turns into an [`OwnedFd`].
#![expect(unsafe_code, reason = "a number from the parent process can only be adopted with from_raw_fd")]

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Read, Seek};
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};

use config::process::{START_DESCRIPTOR, Start};

/// Descriptors not yet adopted: each number can be taken once.
///
/// Invariant `taken-once`: a number in `taken` was given out as an [`OwnedFd`] and is never given out again.
#[derive(Debug, Default)]
pub(crate) struct Inherited {
    /// Numbers given out.
    taken: BTreeSet<RawFd>,
}

impl Inherited {
    /// Takes the descriptor of this number.
    ///
    /// # Errors
    ///
    /// When the number is one of the standard three, was taken before, or is not open.
    pub(crate) fn take(&mut self, number: RawFd) -> Result<OwnedFd, InheritError> {
        if number < START_DESCRIPTOR || !self.taken.insert(number) {
            return Err(InheritError::Number { number });
        }
        // SAFETY: `number` is not -1; the borrow ends with the statement and only asks whether the descriptor is open.
        let probe = unsafe { BorrowedFd::borrow_raw(number) };
        rustix::io::fcntl_setfd(probe, rustix::io::FdFlags::CLOEXEC)
            .map_err(|error| InheritError::Closed { number, error: error.into() })?;
        // SAFETY: the descriptor is open (just asked), and by `taken-once` nothing else in this process owns it: it was
        // put there for us before exec, and this runs before any other code opens descriptors.
        Ok(unsafe { OwnedFd::from_raw_fd(number) })
    }

    /// Takes several.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    pub(crate) fn take_all(&mut self, numbers: &[RawFd]) -> Result<Vec<OwnedFd>, InheritError> {
        numbers.iter().map(|&number| self.take(number)).collect()
    }

    /// Reads what the supervisor left on [`START_DESCRIPTOR`].
    ///
    /// # Errors
    ///
    /// When there is no such descriptor or its content is not a [`Start`]: the process was not started by a supervisor.
    pub(crate) fn start(&mut self) -> Result<Start, InheritError> {
        let mut file = std::fs::File::from(self.take(START_DESCRIPTOR)?);
        let mut text = String::new();
        file.rewind().and_then(|()| file.read_to_string(&mut text)).map_err(|error| InheritError::Read { error })?;
        serde_json::from_str(&text).map_err(|error| InheritError::Content { error })
    }
}

/// A descriptor that was expected and is not there.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum InheritError {
    /// The number can't be taken, or not twice.
    Number {
        /// The number.
        number: RawFd,
    },
    /// No open descriptor has this number.
    Closed {
        /// The number.
        number: RawFd,
        /// What the kernel said.
        error: io::Error,
    },
    /// The start message can't be read.
    Read {
        /// What the kernel said.
        error: io::Error,
    },
    /// The start message is not one.
    Content {
        /// Where it departs.
        error: serde_json::Error,
    },
}

impl fmt::Display for InheritError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number { number } => write!(f, "taking descriptor {number}: not ours to take, or taken twice"),
            Self::Closed { number, .. } => {
                write!(f, "taking descriptor {number}: expected an inherited one, found none")
            }
            Self::Read { .. } => write!(f, "reading the start message on descriptor {START_DESCRIPTOR}"),
            Self::Content { .. } => write!(f, "reading the start message on descriptor {START_DESCRIPTOR}: not one"),
        }
    }
}

impl std::error::Error for InheritError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Number { .. } => None,
            Self::Closed { error, .. } | Self::Read { error } => Some(error),
            Self::Content { error } => Some(error),
        }
    }
}
