//! Why a segment is not written.

use std::fmt;

use rkyv::rancor;

use crate::ids::ZoneId;
use crate::name::{Name, NameError};

/// Why RRsets or entries do not make a segment.
#[derive(Debug)]
#[non_exhaustive]
pub enum WriteError {
    /// An RRset came before any zone.
    NoZone {
        /// Its owner.
        owner: Name,
    },
    /// A zone id was given twice.
    ZoneTwice {
        /// The id.
        zone: ZoneId,
    },
    /// An apex stands in the directory twice.
    ApexTwice {
        /// The apex.
        apex: Name,
    },
    /// An owner that is not at or below the apex of the zone.
    OutOfZone {
        /// The apex.
        apex: Name,
        /// The owner.
        owner: Name,
    },
    /// An owner that came after one that follows it in canonical order, or a second time.
    OutOfOrder {
        /// The owner before.
        before: Name,
        /// The owner.
        owner: Name,
    },
    /// An RRset came in two parts.
    RrsetTwice {
        /// Its owner.
        owner: Name,
        /// Its type.
        rtype: u16,
    },
    /// RDATA of a SOA record that is not two names and five numbers.
    MalformedSoa {
        /// Its owner.
        owner: Name,
    },
    /// RDATA of a signature without a covered type.
    MalformedSignature {
        /// Its owner.
        owner: Name,
        /// Its length.
        found: usize,
    },
    /// RDATA that no message could carry.
    RdataTooLong {
        /// Its owner.
        owner: Name,
        /// Its type.
        rtype: u16,
        /// The limit.
        expected_max: usize,
        /// Its length.
        found: usize,
    },
    /// More of something at one owner than its record can count.
    OwnerTooLarge {
        /// The owner.
        owner: Name,
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        expected_max: u64,
        /// How many there are.
        found: u64,
    },
    /// More names or octets than a segment's references reach; spread the zones over more groups.
    Full {
        /// Octets of the arena of nodes, or of shared RRsets, so far.
        octets: usize,
    },
    /// The names' hashes do not spread over the index.
    Index {
        /// How many names.
        names: usize,
    },
    /// A name that cannot be.
    Name {
        /// Why.
        source: NameError,
    },
    /// The archive could not be written.
    Archive {
        /// Why.
        source: rancor::Error,
    },
}

impl From<NameError> for WriteError {
    fn from(source: NameError) -> WriteError {
        WriteError::Name { source }
    }
}

impl std::error::Error for WriteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            WriteError::Name { source } => Some(source),
            WriteError::Archive { source } => Some(source),
            _ => None,
        }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteError::NoZone { owner } => write!(f, "{owner}: expected a zone to be started first, found none"),
            WriteError::ZoneTwice { zone } => write!(f, "zone {zone}: expected once in a segment, found twice"),
            WriteError::ApexTwice { apex } => write!(f, "{apex}: expected once in the directory, found twice"),
            WriteError::OutOfZone { apex, owner } => {
                write!(f, "out of zone: expected names at or below {apex}, found {owner}")
            }
            WriteError::OutOfOrder { before, owner } => {
                write!(f, "out of order: expected a name after {before}, found {owner}")
            }
            WriteError::RrsetTwice { owner, rtype } => {
                write!(f, "{owner} TYPE{rtype}: expected the whole RRset at once, found a second part")
            }
            WriteError::MalformedSoa { owner } => {
                write!(f, "{owner} SOA: expected two names and five numbers, found something else")
            }
            WriteError::MalformedSignature { owner, found } => {
                write!(f, "{owner} RRSIG: expected 2 octets or more, found {found}")
            }
            WriteError::RdataTooLong { owner, rtype, expected_max, found } => {
                write!(f, "{owner} TYPE{rtype}: expected up to {expected_max} octets of RDATA, found {found}")
            }
            WriteError::OwnerTooLarge { owner, what, expected_max, found } => {
                write!(f, "{owner}: expected up to {expected_max} {what} at one name, found {found}")
            }
            WriteError::Full { octets } => {
                write!(f, "the segment is full: {octets} octets of records; spread its zones over more groups")
            }
            WriteError::Index { names } => write!(f, "the hashes of {names} names do not spread over the index"),
            WriteError::Name { .. } => write!(f, "an ancestor's name is malformed"),
            WriteError::Archive { .. } => write!(f, "the tables cannot be archived"),
        }
    }
}
