//! What can be wrong with the records of a transfer: [`Broken`]. Nothing of such a transfer is used.

use std::fmt;

use dns::types::{Class, Rtype};
use zone_segment::Name;

/// A stream of records that is not a transfer of the zone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum Broken {
    /// It does not begin with the zone's SOA record.
    NoSoaFirst {
        /// The owner of its first record.
        owner: Name,
        /// The type.
        rtype: Rtype,
    },
    /// Its serial is older than what the primary said it has.
    SerialNotAsPromised {
        /// What it said.
        promised: u32,
        /// What it sent.
        found: u32,
    },
    /// A name that is not in the zone.
    OutOfZone {
        /// The name.
        owner: Name,
        /// The type of its record.
        rtype: Rtype,
    },
    /// A record of another class than IN.
    NotInternet {
        /// Its owner.
        owner: Name,
        /// Its class.
        class: Class,
    },
    /// A record of a type that no zone has (RFC 6895, section 3.1).
    NotData {
        /// Its owner.
        owner: Name,
        /// Its type.
        rtype: Rtype,
    },
    /// RDATA that is not of its type.
    Rdata {
        /// The owner.
        owner: Name,
        /// The type.
        rtype: Rtype,
    },
    /// An SOA record elsewhere than at the apex.
    StraySoa {
        /// Its owner.
        owner: Name,
    },
    /// The SOA record at the end is another than the one at the beginning.
    OtherSoaAtEnd {
        /// The serial at the beginning.
        first: u32,
        /// The serial at the end.
        last: u32,
    },
    /// Something follows the SOA record at the end.
    BehindEnd {
        /// Its owner.
        owner: Name,
        /// Its type.
        rtype: Rtype,
    },
    /// The zone has no name server at its apex.
    NoNs,
    /// Its changes do not begin with the serial that was asked for.
    OtherStart {
        /// What was asked for.
        asked: u32,
        /// What they begin with.
        found: u32,
    },
    /// A change does not begin where the one before it ended.
    Gap {
        /// Where that was.
        expected: u32,
        /// Where this one begins.
        found: u32,
    },
    /// A change that leads to no newer serial.
    NotForward {
        /// The serial before.
        from: u32,
        /// The serial after.
        to: u32,
    },
    /// It has more octets than a zone may have.
    TooLarge {
        /// How many it may have.
        octets_max: u64,
    },
    /// It has more changes than are taken one by one.
    TooManyChanges {
        /// How many are.
        changes_max: usize,
    },
    /// It ends before its end.
    Cut {
        /// How many records there were.
        records: u64,
    },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSoaFirst { owner, rtype } => {
                write!(f, "expected the zone's SOA record first, found {owner} {rtype}")
            }
            Self::SerialNotAsPromised { promised, found } => {
                write!(f, "expected serial {promised} or a newer one, as the primary said it has, found {found}")
            }
            Self::OutOfZone { owner, rtype } => write!(f, "expected names in the zone, found {owner} {rtype}"),
            Self::NotInternet { owner, class } => write!(f, "expected records of class IN, found {owner} {class}"),
            Self::NotData { owner, rtype } => {
                write!(f, "expected records of a zone, found {owner} {rtype}, a type that no zone has")
            }
            Self::Rdata { owner, rtype } => write!(f, "expected RDATA of its type, found other with {owner} {rtype}"),
            Self::StraySoa { owner } => write!(f, "expected SOA records at the apex alone, found one at {owner}"),
            Self::OtherSoaAtEnd { first, last } => write!(
                f,
                "expected the SOA record of the beginning, of serial {first}, at the end, found another one, of serial {last}"
            ),
            Self::BehindEnd { owner, rtype } => {
                write!(f, "expected nothing behind the SOA record at the end, found {owner} {rtype}")
            }
            Self::NoNs => write!(f, "expected an NS record at the apex, found none"),
            Self::OtherStart { asked, found } => {
                write!(f, "expected changes from serial {asked} on, found some from {found} on")
            }
            Self::Gap { expected, found } => {
                write!(
                    f,
                    "expected a change from serial {expected}, where the one before ended, found one from {found}"
                )
            }
            Self::NotForward { from, to } => {
                write!(f, "expected changes to newer serials, found one from {from} to {to}")
            }
            Self::TooLarge { octets_max } => write!(f, "expected {octets_max} octets at the most, found more"),
            Self::TooManyChanges { changes_max } => write!(f, "expected {changes_max} changes at the most, found more"),
            Self::Cut { records } => {
                write!(f, "expected an SOA record at the end, found the end after {records} records")
            }
        }
    }
}

impl std::error::Error for Broken {}
