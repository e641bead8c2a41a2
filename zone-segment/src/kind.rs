//! The two kinds of segments.

use std::fmt;

use crate::tables::{ArchivedDirectoryRoot, ArchivedZonesRoot};

/// What a segment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Zones of one group: a layer of its stack.
    Zones,
    /// Entries of the zone directory: a layer of its stack.
    Directory,
}

impl Kind {
    /// The number in the header.
    pub(crate) fn number(self) -> u32 {
        match self {
            Kind::Zones => 1,
            Kind::Directory => 2,
        }
    }

    /// The kind of a number in the header.
    pub(crate) fn from_number(number: u32) -> Option<Kind> {
        [Kind::Zones, Kind::Directory].into_iter().find(|kind| kind.number() == number)
    }

    /// Length of the archive's root.
    pub(crate) fn root_length(self) -> u64 {
        match self {
            Kind::Zones => size_of::<ArchivedZonesRoot>() as u64,
            Kind::Directory => size_of::<ArchivedDirectoryRoot>() as u64,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Zones => "zones",
            Kind::Directory => "directory",
        })
    }
}
