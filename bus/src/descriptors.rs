//! What travels beside the bytes: sealed memfds ([`seal`], [`read_sealed`]) and the process's limit of descriptors.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::process::{Resource, Rlimit};

/// The seals that make a memfd a fact: nobody can change a byte or the length any more.
const SEALS: SealFlags = SealFlags::WRITE.union(SealFlags::GROW).union(SealFlags::SHRINK).union(SealFlags::SEAL);

/// The seals that a receiver insists on. That no further seals can be set is of no use to it.
const SEALS_NEEDED: SealFlags = SealFlags::WRITE.union(SealFlags::GROW).union(SealFlags::SHRINK);

/// A descriptor that several packets may hold; it is closed with the last of them.
pub(crate) type Descriptor = Arc<OwnedFd>;

/// Writes `bytes` into a fresh memfd and seals it. `name` shows up in `/proc/PID/fd` only.
pub fn seal(name: &str, bytes: &[u8]) -> io::Result<OwnedFd> {
    let memfd = rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let written = rustix::io::retry_on_intr(|| rustix::io::write(&memfd, rest))?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        rest = &rest[written..];
    }
    rustix::fs::fcntl_add_seals(&memfd, SEALS)?;
    Ok(memfd)
}

/// Checks that `descriptor` is a memfd of exactly `expected` bytes that nobody can change.
pub fn check_sealed(descriptor: BorrowedFd<'_>, expected: usize) -> Result<(), SealedError> {
    // Anything but a memfd or a file on tmpfs has no seals and fails with EINVAL.
    let seals = rustix::fs::fcntl_get_seals(descriptor).map_err(|error| SealedError::NotSealable(error.into()))?;
    if !seals.contains(SEALS_NEEDED) {
        return Err(SealedError::Seals { expected: SEALS_NEEDED.bits(), got: seals.bits() });
    }
    let status = rustix::fs::fstat(descriptor).map_err(|error| SealedError::Read(error.into()))?;
    if u64::try_from(status.st_size) != Ok(expected as u64) {
        return Err(SealedError::Length { expected, got: status.st_size });
    }
    Ok(())
}

/// Reads a memfd of `expected` bytes, after [`check_sealed`].
///
/// The bytes are copied with `pread`: the file offset is shared with the sender, and a mapping would fault where a read fails.
pub fn read_sealed(descriptor: BorrowedFd<'_>, expected: usize) -> Result<Vec<u8>, SealedError> {
    check_sealed(descriptor, expected)?;
    let mut bytes = vec![0; expected];
    let mut at = 0;
    while at < expected {
        let read = rustix::io::retry_on_intr(|| rustix::io::pread(descriptor, &mut bytes[at..], at as u64))
            .map_err(|error| SealedError::Read(error.into()))?;
        if read == 0 {
            return Err(SealedError::Read(io::ErrorKind::UnexpectedEof.into()));
        }
        at += read;
    }
    Ok(bytes)
}

/// Why a descriptor does not hold the bytes it is said to.
#[derive(Debug)]
#[non_exhaustive]
pub enum SealedError {
    /// Not a memfd.
    NotSealable(io::Error),
    /// A memfd that somebody can still change.
    Seals {
        /// The seals it needs, as `F_GET_SEALS` gives them.
        expected: u32,
        /// The seals it has.
        got: u32,
    },
    /// A memfd of another length than announced.
    Length {
        /// What was announced.
        expected: usize,
        /// What it has.
        got: i64,
    },
    /// It cannot be read, for instance because it was opened for writing only.
    Read(io::Error),
}

impl fmt::Display for SealedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("reading a sealed memfd: ")?;
        match self {
            Self::NotSealable(_) => f.write_str("the descriptor is no memfd"),
            Self::Seals { expected, got } => write!(f, "expected seals {expected:#x}, got {got:#x}"),
            Self::Length { expected, got } => write!(f, "expected {expected} bytes, got {got}"),
            Self::Read(_) => f.write_str("it cannot be read"),
        }
    }
}

impl std::error::Error for SealedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotSealable(error) | Self::Read(error) => Some(error),
            Self::Seals { .. } | Self::Length { .. } => None,
        }
    }
}

/// Raises this process's limit of open descriptors to the hard limit and says what it is, `None` for no limit.
///
/// The limit counts twice for a bus: it bounds what the process can hold, and what all processes of its user may have in
/// flight between sockets before the kernel refuses with ETOOMANYREFS.
pub fn raise_limit() -> io::Result<Option<u64>> {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    Ok(limit.maximum)
}

/// Copies of `descriptors` that outlive the call.
pub(crate) fn duplicate(descriptors: &[BorrowedFd<'_>]) -> io::Result<Vec<OwnedFd>> {
    descriptors.iter().map(|descriptor| descriptor.as_fd().try_clone_to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_bytes_read_back() {
        let memfd = seal("test", b"some bytes").unwrap();
        assert_eq!(read_sealed(memfd.as_fd(), 10).unwrap(), b"some bytes");
        assert!(matches!(read_sealed(memfd.as_fd(), 11), Err(SealedError::Length { expected: 11, got: 10 })));
        assert!(rustix::io::write(&memfd, b"more").is_err());
    }

    #[test]
    fn what_can_still_change_is_refused() {
        let memfd = rustix::fs::memfd_create("test", MemfdFlags::ALLOW_SEALING).unwrap();
        assert!(matches!(read_sealed(memfd.as_fd(), 0), Err(SealedError::Seals { .. })));
        rustix::fs::fcntl_add_seals(&memfd, SealFlags::SHRINK | SealFlags::GROW).unwrap();
        assert!(matches!(read_sealed(memfd.as_fd(), 0), Err(SealedError::Seals { .. })));
        let (pipe, _other) = rustix::pipe::pipe().unwrap();
        assert!(matches!(read_sealed(pipe.as_fd(), 0), Err(SealedError::NotSealable(_))));
    }
}
