//! Starting one process: the same executable in another role, with its part of the configuration in a sealed memfd and
//! its descriptors at agreed numbers.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use command_fds::{CommandFdExt, FdMapping};
use config::process::{START_DESCRIPTOR, Start};
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType};

/// The executable, whatever path it was started by and whatever happened to that path since.
const EXECUTABLE: &str = "/proc/self/exe";

/// A process started, and our end of the socket pair with it.
#[derive(Debug)]
pub(crate) struct Started {
    /// The process; we are its parent, so its number stays its own until we reap it.
    pub(crate) child: Child,
    /// Records to and from it.
    pub(crate) link: OwnedFd,
}

/// Descriptors to pass, numbered in the order they are added.
#[derive(Debug)]
pub(crate) struct Descriptors {
    /// Copies for the child.
    copies: Vec<OwnedFd>,
}

impl Descriptors {
    /// None so far.
    pub(crate) fn new() -> Self {
        Descriptors { copies: Vec::new() }
    }

    /// Adds one and tells the number it will have in the child.
    ///
    /// # Errors
    ///
    /// When no more descriptors can be had.
    pub(crate) fn add(&mut self, descriptor: BorrowedFd<'_>) -> io::Result<i32> {
        self.copies.push(descriptor.try_clone_to_owned()?);
        i32::try_from(self.copies.len()).map(|n| START_DESCRIPTOR + n).map_err(io::Error::other)
    }

    /// Adds several.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub(crate) fn add_all(&mut self, descriptors: &[OwnedFd]) -> io::Result<Vec<i32>> {
        descriptors.iter().map(|descriptor| self.add(descriptor.as_fd())).collect()
    }
}

/// Starts a process in a role. `start` is made by a function from the descriptors, since it names their numbers; the
/// first of them is the child's end of the link.
///
/// # Errors
///
/// [`SpawnError`] with the step that failed.
pub(crate) fn spawn(
    role: &'static str,
    start: impl FnOnce(&mut Descriptors, i32) -> io::Result<Start>,
) -> Result<Started, SpawnError> {
    let failed = |doing| move |error: io::Error| SpawnError { role, doing, error };
    let (link, child_link) = rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None,
    )
    .map_err(|error| failed("making its socket pair")(error.into()))?;
    let mut descriptors = Descriptors::new();
    let number = descriptors.add(child_link.as_fd()).map_err(failed("copying descriptors"))?;
    let start = start(&mut descriptors, number).map_err(failed("copying descriptors"))?;
    let memfd = sealed(&start).map_err(failed("writing its start message"))?;
    let mut mappings = vec![FdMapping { parent_fd: memfd, child_fd: START_DESCRIPTOR }];
    for (copy, child_fd) in descriptors.copies.into_iter().zip(START_DESCRIPTOR + 1..) {
        mappings.push(FdMapping { parent_fd: copy, child_fd });
    }
    let mut command = Command::new(EXECUTABLE);
    command.arg0("trine").arg(role).stdin(Stdio::null()).stdout(Stdio::null());
    command.fd_mappings(mappings).map_err(|error| failed("arranging descriptors")(io::Error::other(error)))?;
    let child = command.spawn().map_err(failed("starting it"))?;
    Ok(Started { child, link })
}

/// The start message in a memfd that nobody can change any more.
fn sealed(start: &Start) -> io::Result<OwnedFd> {
    let text = serde_json::to_vec(start).map_err(io::Error::other)?;
    let memfd = rustix::fs::memfd_create("trine-start", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut file = File::from(memfd);
    file.write_all(&text)?;
    rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL)?;
    Ok(file.into())
}

/// A process that could not be started.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) struct SpawnError {
    /// Its role.
    pub(crate) role: &'static str,
    /// The step.
    pub(crate) doing: &'static str,
    /// What the kernel said.
    pub(crate) error: io::Error,
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "starting {}: {}", self.role, self.doing)
    }
}

impl std::error::Error for SpawnError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
