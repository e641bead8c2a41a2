//! The kernel's name for the present boot.
//!
//! A manifest of another boot may have lived through a power cut.

use std::path::{Path, PathBuf};
use std::{error, fmt, fs, io};

/// Where the kernel tells it.
pub const BOOT_ID_PATH: &str = "/proc/sys/kernel/random/boot_id";

/// The boot's name, read from the path: [`BOOT_ID_PATH`], or a test's file.
///
/// # Errors
///
/// The file can't be read, or is empty.
pub fn boot_id(path: &Path) -> Result<String, BootIdError> {
    let text = fs::read_to_string(path).map_err(|source| BootIdError::Read { path: path.to_owned(), source })?;
    match text.trim() {
        "" => Err(BootIdError::Empty { path: path.to_owned() }),
        id => Ok(id.to_owned()),
    }
}

/// Why the boot's name is not known.
#[derive(Debug)]
#[non_exhaustive]
pub enum BootIdError {
    /// The file system refused.
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing stands in the file.
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for BootIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, .. } => write!(f, "reading the boot id from {}", path.display()),
            Self::Empty { path } => {
                write!(f, "reading the boot id from {}: expected a name, got nothing", path.display())
            }
        }
    }
}

impl error::Error for BootIdError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Read { source, .. } => Some(source),
            Self::Empty { .. } => None,
        }
    }
}
