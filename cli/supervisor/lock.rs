//! One Trine per state directory: an advisory lock on a file in it, which the kernel drops with the process.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

/// The lock file's name in the state directory; it holds the owner's process number.
pub(crate) const LOCK_FILE: &str = "lock";

/// The state directory's mode: others may pass through to the bus's socket, which checks who they are, and list nothing.
const STATE_MODE: u32 = 0o711;

/// The lock held.
#[derive(Debug)]
pub(crate) struct StateLock {
    /// Locked as long as it is open.
    _file: Flock<File>,
}

impl StateLock {
    /// Makes the directory if it is missing and takes its lock.
    ///
    /// # Errors
    ///
    /// [`LockError::Held`] with the owner's process when another Trine has it.
    pub(crate) fn take(state: &Path) -> Result<Self, LockError> {
        let io_error = |doing, path: &Path, error| LockError::Io { doing, path: path.to_owned(), error };
        DirBuilder::new()
            .recursive(true)
            .mode(STATE_MODE)
            .create(state)
            .map_err(|error| io_error("making the state directory", state, error))?;
        let path = state.join(LOCK_FILE);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .open(&path)
            .map_err(|error| io_error("opening the lock file", &path, error))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(mut file) => {
                write_owner(&mut file).map_err(|error| io_error("writing the lock file", &path, error))?;
                Ok(StateLock { _file: file })
            }
            Err((file, nix::errno::Errno::EWOULDBLOCK)) => {
                Err(LockError::Held { state: state.to_owned(), owner: read_owner(file) })
            }
            Err((_, errno)) => Err(io_error("locking", &path, errno.into())),
        }
    }
}

/// Whether some process holds the lock of this state directory.
pub(crate) fn is_held(state: &Path) -> bool {
    File::open(state.join(LOCK_FILE)).is_ok_and(|file| {
        matches!(Flock::lock(file, FlockArg::LockSharedNonblock), Err((_, nix::errno::Errno::EWOULDBLOCK)))
    })
}

/// Puts our process number into the file.
fn write_owner(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// The process number in the file, if there is one.
fn read_owner(mut file: File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// The state directory can't be had.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum LockError {
    /// Another Trine has it.
    Held {
        /// The directory.
        state: PathBuf,
        /// Its supervisor, if the lock file says.
        owner: Option<u32>,
    },
    /// The file system refused something.
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which path.
        path: PathBuf,
        /// What the kernel said.
        error: io::Error,
    },
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { state, owner } => {
                write!(f, "state directory {} is in use by ", state.display())?;
                match owner {
                    Some(pid) => write!(f, "the Trine with pid {pid}"),
                    None => write!(f, "another Trine"),
                }?;
                write!(f, "; stop it with `trine stop --state {}`, or give another --state", state.display())
            }
            Self::Io { doing, path, .. } => write!(f, "{doing} {}", path.display()),
        }
    }
}

impl std::error::Error for LockError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Held { .. } => None,
            Self::Io { error, .. } => Some(error),
        }
    }
}
