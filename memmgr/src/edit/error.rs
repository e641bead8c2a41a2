//! Why an edit is not carried out: [`EditError`]. Its `Display` is what the operator reads, a line a fault.

use std::fmt;
use std::path::PathBuf;

use dns::check::Finding;
use dns::text::{Place, ZoneFileError};
use dns::types::Rtype;
use zone_segment::Name;

/// Why an edit is not carried out, or a difference is none that can be carried out. Nothing of it was applied.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EditError {
    /// The text is no change file.
    File {
        /// What is wrong, in the order of the file; at least one.
        errors: Vec<ZoneFileError>,
    },
    /// The zone has no data to change.
    NoData {
        /// The zone.
        apex: Name,
    },
    /// Lines delete what is not there.
    Lines {
        /// Their file.
        path: PathBuf,
        /// The lines, in the order of the file; at least one.
        faults: Vec<LineFault>,
    },
    /// The outcome breaks rules.
    Rules {
        /// How, in the order of the file; at least one.
        findings: Vec<Finding>,
    },
    /// A line brings an SOA record whose serial is not newer.
    SerialNotForward {
        /// The zone.
        apex: Name,
        /// The serial that it has.
        from: u32,
        /// The serial that it was to have.
        to: u32,
    },
    /// The zone is signed, and no line brings a signature that is needed.
    Unsigned {
        /// The owner of the first RRset that lacks one.
        owner: Name,
        /// Its type.
        rtype: Rtype,
    },
    /// The zone has a digest of another serial.
    Digest {
        /// The zone.
        apex: Name,
        /// The serial that the zone is to have.
        expected: u32,
        /// The digest's.
        found: u32,
    },
}

/// A line that deletes what is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineFault {
    /// Where it begins.
    pub place: Place,
    /// What it deletes.
    pub text: String,
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { errors } => lines(f, errors, |f, error| error.fmt(f)),
            Self::NoData { apex } => {
                write!(f, "expected a zone with data to change, found none of {apex} (trine zone status says why)")
            }
            Self::Lines { path, faults } => lines(f, faults, |f, LineFault { place, text }| {
                let (path, Place { line, column }) = (path.display(), place);
                write!(f, "{path}:{line}:{column}: error: expected something to delete, found none of it: `{text}`")
            }),
            Self::Rules { findings } => lines(f, findings, |f, finding| finding.fmt(f)),
            Self::SerialNotForward { apex, from, to } => write!(
                f,
                "expected an SOA of {apex} with a serial after {from} (RFC 1982), found {to} (leave the SOA out, and the serial is raised)"
            ),
            Self::Unsigned { owner, rtype } => write!(
                f,
                "expected a signature with each change of a signed zone, found none of `{owner} {rtype}` (add its RRSIG in the same change, made by \
                 the zone's signer, as that of the SOA)"
            ),
            Self::Digest { apex, expected, found } => write!(
                f,
                "expected the ZONEMD of {apex} to be of the new serial {expected}, found {found} (replace it in the same change with an SOA of its \
                 serial, or delete it)"
            ),
        }
    }
}

impl std::error::Error for EditError {}

/// Writes items, a line each.
fn lines<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    write: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    items.iter().enumerate().try_for_each(|(index, item)| {
        if index > 0 {
            f.write_str("\n")?;
        }
        write(f, item)
    })
}
