//! What can fail when the journal is read: [`JournalError`].

use std::path::PathBuf;
use std::{error, fmt, io};

use crate::commits::error::{ReadLogError, TornWhy};

/// Why the journal could not be read or pruned.
#[derive(Debug)]
#[non_exhaustive]
pub enum JournalError {
    /// The system could not read a log.
    Unread(ReadLogError),
    /// A record is not what it was when it was indexed.
    Changed {
        /// The log's file.
        path: PathBuf,
        /// Where in it, in octets.
        offset: u64,
        /// What is wrong.
        why: TornWhy,
    },
    /// A log could not be removed.
    Remove {
        /// Its file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl JournalError {
    /// The error of reading a file.
    pub(super) fn unread(path: PathBuf, source: io::Error) -> JournalError {
        JournalError::Unread(ReadLogError { path, source })
    }
}

impl From<ReadLogError> for JournalError {
    fn from(error: ReadLogError) -> Self {
        JournalError::Unread(error)
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(error) => write!(f, "journal: {error}"),
            Self::Changed { path, offset, why } => write!(f, "journal: {}: octet {offset}: {why}", path.display()),
            Self::Remove { path, .. } => write!(f, "journal: removing {}", path.display()),
        }
    }
}

impl error::Error for JournalError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Unread(error) => error.source(),
            Self::Changed { .. } => None,
            Self::Remove { source, .. } => Some(source),
        }
    }
}
