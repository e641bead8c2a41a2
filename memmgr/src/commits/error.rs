//! What can be wrong with a log, and what can fail when one is written or read.
//!
//! [`Torn`] is no error: it says where a log ends otherwise than it should. [`LogError`] and [`ReadLogError`] are.

use std::path::{Path, PathBuf};
use std::{error, fmt, io};

use super::frame::LOG_HEADER_OCTETS;

/// Where the records that can be used end, though the log does not.
#[derive(Debug)]
pub struct Torn {
    /// The log's file.
    pub path: PathBuf,
    /// Where in it they end, in octets.
    pub offset: u64,
    /// What is wrong there.
    pub why: TornWhy,
    /// The octets from there to the end of the log.
    pub octets_lost: u64,
    /// Whole records that follow in the log. What an append that was cut short leaves has none behind it.
    pub records_lost: u64,
    /// Later logs.
    pub logs_lost: Vec<u64>,
}

impl Torn {
    /// Whether nothing whole follows: what an append leaves that was cut short.
    pub fn is_tail(&self) -> bool {
        let is_log_there = !matches!(self.why, TornWhy::Missing | TornWhy::Gap { .. });
        // Without its beginning nothing of a log can be told apart: what has more than that lost records.
        let has_beginning = self.offset > 0 || self.octets_lost <= LOG_HEADER_OCTETS as u64;
        is_log_there && has_beginning && self.records_lost == 0 && self.logs_lost.is_empty()
    }
}

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: octet {}: {}", self.path.display(), self.offset, self.why)?;
        if self.octets_lost > 0 {
            write!(f, "; {} octets from there on are not used", self.octets_lost)?;
        }
        if self.records_lost > 0 {
            write!(f, "; {} whole records among them are lost", self.records_lost)?;
        }
        if !self.logs_lost.is_empty() {
            write!(f, "; {} later logs are lost", self.logs_lost.len())?;
        }
        Ok(())
    }
}

/// What is wrong at a place of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TornWhy {
    /// The log is not there.
    Missing,
    /// It does not begin as a log.
    NotLog,
    /// It is of another format.
    Format {
        /// The format that this code reads and writes.
        expected: u32,
        /// The format that it has.
        got: u32,
    },
    /// It is another log under this name.
    Number {
        /// What its name says.
        expected: u64,
        /// What stands in it.
        got: u64,
    },
    /// It does not begin where the log before it ends.
    Gap {
        /// The last generation that is known.
        reached: u64,
        /// The generation that it comes after.
        after: u64,
    },
    /// Fewer octets are there than were to be written.
    Cut {
        /// The octets that belong there.
        expected: u64,
        /// The octets there.
        got: u64,
    },
    /// What stands there does not begin as a record.
    NotRecord,
    /// It would be longer than a record may be.
    TooLong {
        /// The octets of its body.
        got: u64,
        /// The limit.
        expected_max: u64,
    },
    /// It is not what was written.
    Checksum {
        /// The checksum that stands there.
        expected: u128,
        /// The one of what is there.
        got: u128,
    },
    /// It is a whole record that was not written behind the one before it.
    Stray {
        /// The checksum of the one before it.
        expected: u128,
        /// The checksum of the one that it was written behind.
        got: u128,
    },
    /// It is what was written, but not of this shape.
    Undecodable(postcard::Error),
    /// It is of a generation that does not come there.
    Generation {
        /// The generation that it should be greater than, or have.
        after: u64,
        /// Its own.
        got: u64,
    },
}

impl fmt::Display for TornWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("the log is not there"),
            Self::NotLog => f.write_str("the first octets are not those of a commit log"),
            Self::Format { expected, got } => write!(f, "expected format {expected}, got {got}"),
            Self::Number { expected, got } => write!(f, "expected log {expected}, got {got}"),
            Self::Gap { reached, after } => {
                write!(f, "expected a log that follows generation {reached}, got one that follows {after}")
            }
            Self::Cut { expected, got } => write!(f, "expected {expected} octets, got {got}"),
            Self::NotRecord => f.write_str("expected a record, got something else"),
            Self::TooLong { got, expected_max } => {
                write!(f, "a record of {got} octets, expected {expected_max} at the most")
            }
            Self::Checksum { expected, got } => write!(f, "expected the checksum {expected:032x}, got {got:032x}"),
            Self::Stray { expected, got } => {
                write!(f, "expected a record behind the one of checksum {expected:032x}, got one behind {got:032x}")
            }
            Self::Undecodable(why) => write!(f, "the record could not be read: {why}"),
            Self::Generation { after, got } => write!(f, "expected a generation from {after} on, got {got}"),
        }
    }
}

/// Why a log could not be made, opened, appended to or synced.
#[derive(Debug)]
#[non_exhaustive]
pub enum LogError {
    /// The generation does not follow the one before.
    Order {
        /// The generation before.
        after: u64,
        /// The generation of the record.
        got: u64,
    },
    /// The record would be longer than one may be.
    TooLong {
        /// The octets of its body.
        got: u64,
        /// The limit.
        expected_max: u64,
    },
    /// The record could not be turned into octets.
    Encode(postcard::Error),
    /// What is there can't be appended to.
    Damaged(Box<Torn>),
    /// The system refused.
    File {
        /// What was being done.
        step: LogStep,
        /// The file or directory it was done to.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The steps of work on a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStep {
    /// Drawing what its header is told apart by.
    Draw,
    /// Making its file.
    Create,
    /// Opening its file.
    Open,
    /// Reading what is there.
    Read,
    /// Appending a record.
    Append,
    /// Cutting off what follows its last record.
    Truncate,
    /// Waiting for the disk.
    Sync,
    /// Syncing the directory that its name is in.
    SyncDirectory,
    /// Removing its file.
    Remove,
}

impl fmt::Display for LogStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Draw => "drawing random octets for",
            Self::Create => "making",
            Self::Open => "opening",
            Self::Read => "reading",
            Self::Append => "appending to",
            Self::Truncate => "cutting off what follows the last record of",
            Self::Sync => "syncing",
            Self::SyncDirectory => "syncing the directory",
            Self::Remove => "removing",
        })
    }
}

impl LogError {
    /// The error of a step.
    pub(super) fn file(step: LogStep, path: &Path, source: io::Error) -> Self {
        Self::File { step, path: path.to_owned(), source }
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order { after, got } => {
                write!(f, "commit log: expected a generation after {after}, got {got}")
            }
            Self::TooLong { got, expected_max } => {
                write!(f, "commit log: a record of {got} octets, expected {expected_max} at the most")
            }
            Self::Encode(_) => f.write_str("commit log: turning a record into octets"),
            Self::Damaged(torn) => write!(f, "commit log: {torn}"),
            Self::File { step, path, .. } => write!(f, "commit log: {step} {}", path.display()),
        }
    }
}

impl error::Error for LogError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Encode(cause) => Some(cause),
            Self::File { source, .. } => Some(source),
            Self::Order { .. } | Self::TooLong { .. } | Self::Damaged(_) => None,
        }
    }
}

/// A log that the system could not read now. It may be sound, and is not taken for damage.
#[derive(Debug)]
pub struct ReadLogError {
    /// Its file, or the directory of logs.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl fmt::Display for ReadLogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reading the commit log {}", self.path.display())
    }
}

impl error::Error for ReadLogError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.source)
    }
}
