//! The bus's socket file: [`listen`]. Whoever calls it owns the socket and may hand it to a broker in another process.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use rustix::fs::{FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::SocketAddrUnix;

use crate::socket;

/// How many connections may wait for a broker, for instance while it is restarted. A client beyond them is told to try again.
const BACKLOG: i32 = 128;
/// How often the lock is tried before its holder counts as stuck.
const LOCK_TRIES_MAX: usize = 100;
/// The wait between two tries.
const LOCK_WAIT: Duration = Duration::from_millis(10);

/// Makes a listening socket at `path` whose file has `mode`.
///
/// A socket file that nobody listens on any more is replaced. One that somebody does listen on is left alone, and that is
/// an error: as long as any process holds a listening socket, connecting to its file works, so connecting is the test. Two
/// that start at once take turns by a lock on the file `PATH.lock`, which stays.
pub fn listen(path: &Path, mode: u32) -> Result<OwnedFd, ListenError> {
    let address = address_of(path)?;
    let _lock = lock(path)?;
    remove_stale(path, &address)?;
    let io = |doing| move |error: io::Error| ListenError::Io { path: path.to_owned(), doing, error };
    let socket = socket::fresh().map_err(io("making a socket"))?;
    rustix::net::bind(&socket, &address).map_err(|error| io("binding the socket")(error.into()))?;
    // Nobody can connect before the socket listens, so nobody slips in under the process's umask.
    let opened = rustix::fs::chmod(path, Mode::from_raw_mode(mode))
        .and_then(|()| rustix::net::listen(&socket, BACKLOG))
        .map_err(|error| io("opening the socket to others")(error.into()));
    if let Err(error) = opened {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(path);
        return Err(error);
    }
    Ok(socket)
}

/// The socket address of `path`.
pub(crate) fn address_of(path: &Path) -> Result<SocketAddrUnix, ListenError> {
    SocketAddrUnix::new(path).map_err(|_too_long| ListenError::PathTooLong { path: path.to_owned() })
}

/// Takes the lock beside `path`; it is freed when the descriptor is closed.
fn lock(path: &Path) -> Result<OwnedFd, ListenError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = PathBuf::from(name);
    let io = |doing| {
        let lock = lock.clone();
        move |error: Errno| ListenError::Io { path: lock, doing, error: error.into() }
    };
    let flags = OFlags::CREATE | OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = rustix::fs::open(&lock, flags, Mode::RUSR | Mode::WUSR).map_err(io("opening the lock"))?;
    for _ in 0..LOCK_TRIES_MAX {
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::WOULDBLOCK | Errno::INTR) => std::thread::sleep(LOCK_WAIT),
            Err(error) => return Err(io("taking the lock")(error)),
        }
    }
    Err(ListenError::Locked { path: lock })
}

/// Removes a socket file that nobody listens on.
fn remove_stale(path: &Path, address: &SocketAddrUnix) -> Result<(), ListenError> {
    let io = |doing| move |error: io::Error| ListenError::Io { path: path.to_owned(), doing, error };
    let status = match rustix::fs::lstat(path) {
        Ok(status) => status,
        Err(Errno::NOENT) => return Ok(()),
        Err(error) => return Err(io("looking at the socket file")(error.into())),
    };
    if FileType::from_raw_mode(status.st_mode) != FileType::Socket {
        return Err(ListenError::NotASocket { path: path.to_owned() });
    }
    let probe = socket::fresh().map_err(io("making a socket"))?;
    match rustix::net::connect(&probe, address) {
        // The kernel keeps the credentials of whoever made the socket listen.
        Ok(()) => {
            let pid = getsockopt(&probe.as_fd(), PeerCredentials).ok().map(|credentials| credentials.pid());
            Err(ListenError::InUse { path: path.to_owned(), pid: pid.filter(|pid| *pid != 0) })
        }
        // Full of connections that wait: somebody listens.
        Err(Errno::AGAIN) => Err(ListenError::InUse { path: path.to_owned(), pid: None }),
        Err(Errno::CONNREFUSED) => std::fs::remove_file(path).map_err(io("removing the stale socket file")),
        Err(error) => Err(io("asking whether the socket is in use")(error.into())),
    }
}

/// Why there is no listening socket.
#[derive(Debug)]
#[non_exhaustive]
pub enum ListenError {
    /// Somebody listens there.
    InUse {
        /// The socket file.
        path: PathBuf,
        /// The process that made the socket; others may have inherited it.
        pid: Option<i32>,
    },
    /// Something else has that name.
    NotASocket {
        /// The file.
        path: PathBuf,
    },
    /// Longer than a socket address may be, about 107 bytes.
    PathTooLong {
        /// The path.
        path: PathBuf,
    },
    /// Somebody else has been starting for too long.
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The system refused.
    Io {
        /// The file.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// Why not.
        error: io::Error,
    },
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("opening the bus socket ")?;
        match self {
            Self::InUse { path, pid: Some(pid) } => {
                write!(f, "{}: process {pid} listens on it already; stop it first or use another path", path.display())
            }
            Self::InUse { path, pid: None } => {
                write!(
                    f,
                    "{}: another process listens on it already; stop it first or use another path",
                    path.display()
                )
            }
            Self::NotASocket { path } => {
                write!(f, "{}: there is a file of that name that is no socket; move it away", path.display())
            }
            Self::PathTooLong { path } => {
                write!(
                    f,
                    "{}: the path is longer than the address of a socket may be; use a shorter one",
                    path.display()
                )
            }
            Self::Locked { path } => {
                write!(f, "{}: another process holds this lock and does not let go", path.display())
            }
            Self::Io { path, doing, .. } => write!(f, "{}: {doing} failed", path.display()),
        }
    }
}

impl std::error::Error for ListenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}
