//! Why a builder gave up.

use std::fmt;
use std::io;

use crate::error::WriteError;
use crate::file::WriteFileError;
use crate::ids::ZoneId;
use crate::name::Name;

use super::plan::ZonePlan;

/// Why a segment was not built.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The records of a zone do not make a segment.
    Records {
        /// The zone's id.
        zone: ZoneId,
        /// Its apex.
        apex: Name,
        /// Why.
        source: WriteError,
    },
    /// The zones together do not.
    Zones(WriteError),
    /// The file cannot be written.
    File(WriteFileError),
    /// What was written cannot be read again.
    Output(io::Error),
}

impl BuildError {
    /// What is wrong with a zone.
    pub(super) fn records(zone: &ZonePlan<'_>, source: WriteError) -> BuildError {
        BuildError::Records { zone: zone.id, apex: zone.apex.clone(), source }
    }
}

impl From<WriteFileError> for BuildError {
    fn from(error: WriteFileError) -> BuildError {
        BuildError::File(error)
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            BuildError::Records { source, .. } | BuildError::Zones(source) => Some(source),
            BuildError::File(source) => Some(source),
            BuildError::Output(source) => Some(source),
        }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::Records { apex, .. } => write!(f, "building zone {apex}"),
            BuildError::Zones(_) => f.write_str("building a segment"),
            BuildError::File(error) => error.fmt(f),
            BuildError::Output(_) => f.write_str("reading what was written of a segment"),
        }
    }
}
