//! Why a segment is not opened, and what a full check found.

use std::fmt;

use rkyv::rancor;

use crate::kind::Kind;

/// Why octets are not a segment that this program reads. The remedy is always to build the segment anew from its source.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The file could not be mapped.
    Map {
        /// What the system said.
        source: std::io::Error,
    },
    /// Too short for a header.
    TooShort {
        /// Octets of a header.
        expected_min: u64,
        /// Octets of the file.
        found: u64,
    },
    /// Not a segment at all.
    Magic {
        /// What a segment begins with.
        expected: [u8; 8],
        /// What the file begins with.
        found: [u8; 8],
    },
    /// A segment of another format version.
    FormatVersion {
        /// The version this program reads.
        expected: u32,
        /// The version of the file.
        found: u32,
    },
    /// A segment in another byte order.
    ByteOrder {
        /// The mark as it should read.
        expected: u32,
        /// The mark as it reads.
        found: u32,
    },
    /// The header page is damaged.
    HeaderHash {
        /// The hash of the page.
        expected: u128,
        /// The hash in the page.
        found: u128,
    },
    /// A segment whose tables are laid out in another way.
    LayoutHash {
        /// The hash of this program's layout.
        expected: u64,
        /// The hash in the header.
        found: u64,
    },
    /// A kind of segment that this program does not know.
    Kind {
        /// Its number.
        found: u32,
    },
    /// The file has another length than its header says.
    TotalLength {
        /// The length in the header.
        expected: u64,
        /// The length of the file.
        found: u64,
    },
    /// Two lengths or offsets of the header contradict each other.
    Extent {
        /// Which.
        what: &'static str,
        /// What it should be (at most, for a longest).
        expected: u64,
        /// What it is.
        found: u64,
    },
    /// The root is damaged.
    RootHash {
        /// The hash in the header.
        expected: u128,
        /// The hash of the root.
        found: u128,
    },
    /// A table lies outside the archive.
    Root {
        /// Which rule is broken.
        source: rancor::Error,
    },
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            OpenError::Map { source } => Some(source),
            OpenError::Root { source } => Some(source),
            _ => None,
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Map { .. } => write!(f, "the segment cannot be mapped"),
            OpenError::TooShort { expected_min, found } => {
                write!(f, "too short for a segment: expected {expected_min} octets or more, found {found}")
            }
            OpenError::Magic { expected, found } => {
                write!(f, "not a segment: expected \"{}\", found \"{}\"", expected.escape_ascii(), found.escape_ascii())
            }
            OpenError::FormatVersion { expected, found } => {
                write!(f, "a segment of another format version: expected {expected}, found {found}")
            }
            OpenError::ByteOrder { expected, found } => {
                write!(f, "a segment in another byte order: expected {expected:#010x}, found {found:#010x}")
            }
            OpenError::HeaderHash { expected, found } => {
                write!(f, "the header is damaged: expected hash {expected:032x}, found {found:032x}")
            }
            OpenError::LayoutHash { expected, found } => {
                write!(f, "a segment of another layout: expected {expected:016x}, found {found:016x}")
            }
            OpenError::Kind { found } => write!(
                f,
                "a segment of an unknown kind: expected {} (zones) or {} (directory), found {found}",
                Kind::Zones.number(),
                Kind::Directory.number()
            ),
            OpenError::TotalLength { expected, found } => {
                write!(f, "the segment is cut short or grew: expected {expected} octets, found {found}")
            }
            OpenError::Extent { what, expected, found } => {
                write!(f, "the header contradicts itself: {what}: expected {expected}, found {found}")
            }
            OpenError::RootHash { expected, found } => {
                write!(f, "the root is damaged: expected hash {expected:032x}, found {found:032x}")
            }
            OpenError::Root { .. } => {
                write!(f, "a table lies wrong: expected all of them inside the archive and aligned")
            }
        }
    }
}

/// What is wrong with a segment's contents.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// The table of block hashes is damaged, so that nothing can be said of the blocks.
    BlockTable {
        /// The hash in the header.
        expected: u128,
        /// The hash of the table.
        found: u128,
    },
    /// A block is damaged.
    Block {
        /// Its number, from 0.
        block: u64,
        /// Where it begins in the file.
        offset: u64,
        /// The hash in the table.
        expected: u128,
        /// The hash of the block.
        found: u128,
    },
}

impl std::error::Error for VerifyError {}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VerifyError::BlockTable { expected, found } => {
                write!(f, "the table of block hashes is damaged: expected hash {expected:032x}, found {found:032x}")
            }
            VerifyError::Block { block, offset, expected, found } => write!(
                f,
                "block {block} (from octet {offset}) is damaged: expected hash {expected:032x}, found {found:032x}"
            ),
        }
    }
}
