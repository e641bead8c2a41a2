//! One Trine per state directory: an advisory lock on a file in it, which the kernel drops with the process.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};

/// The lock file's name in the state directory; it holds the owner's process number.
pub(crate) const LOCK_FILE: &str = "lock";

/// The state directory's mode: others may pass through to the bus's socket, which checks who they are, and list nothing.
const STATE_MODE: u32 = 0o711;

/// Far longer than [`is_held`] holds a lock, far shorter than a start.
const LOOK_MAX: Duration = Duration::from_millis(100);

/// Wait between two attempts.
const LOOK_PAUSE: Duration = Duration::from_millis(1);

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
        match lock_exclusively(file) {
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

/// Locks the file, trying for [`LOOK_MAX`]: somebody may just be asking whether it is locked, which takes a lock for a moment.
fn lock_exclusively(mut file: File) -> Result<Flock<File>, (File, nix::errno::Errno)> {
    let deadline = Instant::now() + LOOK_MAX;
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Err((back, nix::errno::Errno::EWOULDBLOCK)) if Instant::now() < deadline => file = back,
            other => return other,
        }
        std::thread::sleep(LOOK_PAUSE);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_who_holds_the_lock_keeps_nobody_from_taking_it() {
        let state = std::env::temp_dir().join(format!("trine-lock-{}", std::process::id()));
        drop(StateLock::take(&state).unwrap());
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    is_held(&state);
                }
            });
            let taken: Vec<bool> = (0..500).map(|_| StateLock::take(&state).is_ok()).collect();
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(taken.iter().all(|taken| *taken), "{} of 500 refused", taken.iter().filter(|t| !**t).count());
        });
        std::fs::remove_dir_all(&state).unwrap();
    }

    #[test]
    fn a_second_lock_is_refused_with_the_owner() {
        let state = std::env::temp_dir().join(format!("trine-lock-held-{}", std::process::id()));
        let lock = StateLock::take(&state).unwrap();
        assert!(is_held(&state));
        let refused = StateLock::take(&state).unwrap_err();
        assert!(matches!(refused, LockError::Held { owner: Some(pid), .. } if pid == std::process::id()), "{refused}");
        drop(lock);
        assert!(!is_held(&state));
        std::fs::remove_dir_all(&state).unwrap();
    }
}
