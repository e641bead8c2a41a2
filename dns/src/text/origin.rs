//! The origin of a zone from the name of its file: `example.com.zone` holds `example.com.`.

use super::name::{self, NameFault};
use std::error::Error;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use zone_segment::Name;

/// What the name of a zone file ends with.
const SUFFIX: &[u8] = b".zone";

/// The root zone's file by a name that is no hidden file; `..zone` is the other.
const ROOT_STEM: &[u8] = b"root";

/// Why the name of a file is not that of a zone file.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum OriginError {
    /// The file's name does not end with `.zone`.
    NoSuffix {
        /// The path.
        path: PathBuf,
    },
    /// A percent sign is not followed by two hexadecimal digits.
    BadPercent {
        /// The path.
        path: PathBuf,
    },
    /// What stands before `.zone` is no domain name.
    BadName {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        fault: NameFault,
    },
}

impl fmt::Display for OriginError {
    /// Says what is wrong with the file's name; the path is for the caller to put before it, as before any error of a zone file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuffix { .. } => {
                f.write_str("expected a file name such as example.com.zone, or an origin beside it")
            }
            Self::BadPercent { .. } => f.write_str("expected two hexadecimal digits after % in the file name"),
            Self::BadName { fault, .. } => write!(f, "the file name is not that of a zone: {fault}"),
        }
    }
}

impl Error for OriginError {}

/// The origin that a file's name says: what stands before `.zone`, percent-decoded (`%2F` is `/`), in presentation format.
/// The root's file is `..zone` or `root.zone`; a zone by the name of `root.` would be `root..zone`.
pub fn origin_from_path(path: &Path) -> Result<Name, OriginError> {
    let file_name = path.file_name().map(OsStr::as_bytes).unwrap_or_default();
    let stem = file_name.strip_suffix(SUFFIX).ok_or_else(|| OriginError::NoSuffix { path: path.to_owned() })?;
    if stem.eq_ignore_ascii_case(ROOT_STEM) {
        return Ok(Name::root());
    }
    let decoded = decode_percent(stem).ok_or_else(|| OriginError::BadPercent { path: path.to_owned() })?;
    let bad_name = |fault| OriginError::BadName { path: path.to_owned(), fault };
    if decoded == b"@" {
        // It would stand for an origin, and here is none.
        return Err(bad_name(NameFault::Empty));
    }
    let name = name::parse(&decoded, &[0]).map_err(bad_name)?;
    Name::from_wire(name.as_wire()).map_err(|_| bad_name(NameFault::NameTooLong))
}

/// Decodes `%` and two hexadecimal digits to an octet.
fn decode_percent(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [octet, after @ ..] = rest {
        rest = after;
        if *octet != b'%' {
            decoded.push(*octet);
            continue;
        }
        let [high, low, after @ ..] = rest else { return None };
        let digit = |octet: u8| char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        decoded.push(digit(*high)? << 4 | digit(*low)?);
        rest = after;
    }
    Some(decoded)
}

/// A name that a person gave, with or without its final dot: on a command line or in a request there is no origin.
///
/// # Errors
///
/// [`NameError`](zone_segment::NameError): it is no domain name.
pub fn absolute_name(text: &str) -> Result<Name, zone_segment::NameError> {
    if text.ends_with('.') { text.parse() } else { format!("{text}.").parse() }
}
