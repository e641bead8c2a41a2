//! Segments as files: written so that they appear whole or not at all, and verified in full.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, Mode, OFlags};
use rustix::io::Errno;

use crate::error::{OpenError, VerifyError};
use crate::segment::map;

#[cfg(test)]
mod tests;

/// What follows the final name while a file is being written; whoever finds such a file after a crash may unlink it.
pub const TEMPORARY_SUFFIX: &str = ".tmp";

/// Writes a segment under a temporary name and renames it once it is whole and synced.
///
/// Space is reserved first, so that a full disk is an error here and never a reader's SIGBUS later. The file is readable
/// by all and writable by nobody. After any error there is no temporary file.
pub fn write_file(dir: &Path, final_name: &str, octets: &[u8]) -> Result<(), WriteFileError> {
    publish(vec![write_unpublished(dir, final_name, octets)?])
}

/// [`write_file`] up to the point where the file gets its name: for who [`publish`]es several together.
pub fn write_unpublished(dir: &Path, final_name: &str, octets: &[u8]) -> Result<Unpublished, WriteFileError> {
    write_reserved(dir, final_name, octets, octets.len() as u64)
}

/// [`write_unpublished`] with the space to reserve given.
fn write_reserved(dir: &Path, final_name: &str, octets: &[u8], reserve: u64) -> Result<Unpublished, WriteFileError> {
    let mut temporary = Temporary::create(dir, final_name)?;
    match rustix::fs::fallocate(&temporary.file, FallocateFlags::empty(), 0, reserve) {
        // A file system that cannot reserve: a full disk is then met while writing, which is as clean for a plain write.
        Ok(()) | Err(Errno::OPNOTSUPP) => {}
        Err(errno) => step(Step::Reserve { octets: reserve }, &temporary.path, Err(errno.into()))?,
    }
    temporary.write_whole(octets)?;
    temporary.finish()
}

/// A file under a temporary name; dropped before it is published, it is removed.
#[derive(Debug)]
pub(crate) struct Temporary {
    /// The file.
    file: File,
    /// Its path.
    path: PathBuf,
    /// The directory that it is in.
    directory: PathBuf,
    /// Its path once it is whole.
    final_path: PathBuf,
    /// Whether it is published.
    is_published: bool,
}

impl Temporary {
    /// Creates it; one that a crash has left is removed.
    pub(crate) fn create(directory: &Path, final_name: &str) -> Result<Temporary, WriteFileError> {
        let mut temporary_name = OsString::from(final_name);
        temporary_name.push(TEMPORARY_SUFFIX);
        Temporary::create_as(directory, final_name, directory.join(temporary_name))
    }

    /// Creates it under its final name: for who knows by other means which files are whole.
    pub(crate) fn create_in_place(directory: &Path, final_name: &str) -> Result<Temporary, WriteFileError> {
        Temporary::create_as(directory, final_name, directory.join(final_name))
    }

    /// Creates it under a path; one that a crash has left there is removed.
    fn create_as(directory: &Path, final_name: &str, path: PathBuf) -> Result<Temporary, WriteFileError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let create = || rustix::fs::open(&path, flags, Mode::RUSR | Mode::WUSR);
        let created = match create() {
            Err(Errno::EXIST) => rustix::fs::unlink(&path).and_then(|()| create()),
            created => created,
        };
        let file = File::from(step(Step::Create, &path, created.map_err(io::Error::from))?);
        let (directory, final_path) = (directory.to_owned(), directory.join(final_name));
        Ok(Temporary { file, path, directory, final_path, is_published: false })
    }

    /// Writes it with one call.
    pub(crate) fn write_whole(&mut self, octets: &[u8]) -> Result<(), WriteFileError> {
        step(Step::Write, &self.path, self.file.write_all(octets))
    }

    /// The file, to be written to.
    pub(crate) fn file(&self) -> Result<File, WriteFileError> {
        step(Step::Create, &self.path, self.file.try_clone())
    }

    /// What to say of an error while it was written.
    pub(crate) fn not_written(&self, error: io::Error) -> WriteFileError {
        WriteFileError { step: Step::Write, path: self.path.clone(), source: error }
    }

    /// Makes the file read-only: it is whole, and needs only its name.
    pub(crate) fn finish(self) -> Result<Unpublished, WriteFileError> {
        let read_only = Mode::RUSR | Mode::RGRP | Mode::ROTH;
        step(Step::Protect, &self.path, rustix::fs::fchmod(&self.file, read_only).map_err(io::Error::from))?;
        Ok(Unpublished { temporary: self })
    }
}

/// A segment file that is whole and has its temporary name, or its final one where it was written in place; dropped before it is published, it is removed.
///
/// It may be opened and mapped under a temporary name: the file stays the same when it gets the other one.
#[derive(Debug)]
pub struct Unpublished {
    /// The file.
    temporary: Temporary,
}

impl Unpublished {
    /// Its path as it is.
    pub fn path(&self) -> &Path {
        &self.temporary.path
    }

    /// Its path once it is published.
    pub fn final_path(&self) -> &Path {
        &self.temporary.final_path
    }
}

/// Gives a file its name, if it lacks that, without making it durable: for who can make it again from what is.
pub fn place(mut file: Unpublished) -> Result<(), WriteFileError> {
    let temporary = &mut file.temporary;
    if temporary.path != temporary.final_path {
        let renamed = rustix::fs::rename(&temporary.path, &temporary.final_path).map_err(io::Error::from);
        step(Step::Rename, &temporary.path, renamed)?;
    }
    temporary.is_published = true;
    Ok(())
}

/// Makes files durable and gives them their names. Many cost little more than one: what makes the first of them durable does
/// most of it for the others, and each directory is synced once.
pub fn publish(mut files: Vec<Unpublished>) -> Result<(), WriteFileError> {
    use rayon::prelude::*;
    files
        .par_iter()
        .try_for_each(|Unpublished { temporary }| step(Step::Sync, &temporary.path, temporary.file.sync_all()))?;
    let mut directories = BTreeSet::new();
    for Unpublished { temporary } in &mut files {
        let renamed = rustix::fs::rename(&temporary.path, &temporary.final_path).map_err(io::Error::from);
        step(Step::Rename, &temporary.path, renamed)?;
        temporary.is_published = true;
        directories.insert(temporary.directory.clone());
    }
    directories.iter().try_for_each(|directory| {
        let synced = File::open(directory).and_then(|directory| directory.sync_all());
        step(Step::SyncDirectory, directory, synced)
    })
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_published {
            // The error that is reported says more than one of the removal would.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Names the step and path of what the system refused.
fn step<T>(step: Step, path: &Path, result: io::Result<T>) -> Result<T, WriteFileError> {
    result.map_err(|source| WriteFileError { step, path: path.to_owned(), source })
}

/// A step of writing a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Creating the temporary file.
    Create,
    /// Reserving its space.
    Reserve {
        /// How much.
        octets: u64,
    },
    /// Writing it.
    Write,
    /// Making it read-only.
    Protect,
    /// Making it durable.
    Sync,
    /// Giving it its name.
    Rename,
    /// Making its name durable.
    SyncDirectory,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Create => f.write_str("cannot create it"),
            Step::Reserve { octets } => write!(f, "cannot reserve {octets} octets"),
            Step::Write => f.write_str("cannot write it"),
            Step::Protect => f.write_str("cannot make it read-only"),
            Step::Sync => f.write_str("cannot sync it"),
            Step::Rename => f.write_str("cannot rename it"),
            Step::SyncDirectory => f.write_str("cannot sync the directory"),
        }
    }
}

/// Why a segment file was not written.
#[derive(Debug)]
pub struct WriteFileError {
    /// What was being done.
    pub step: Step,
    /// To which file or directory.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl std::error::Error for WriteFileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl fmt::Display for WriteFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.step)
    }
}

/// Maps a file, opens it as a segment and verifies all of it.
pub fn verify_file(path: &Path) -> Result<(), VerifyFileError> {
    let cause = match File::open(path).map_err(VerifyFileCause::File).map(|file| map(&file)) {
        Ok(Ok(segment)) => match segment.verify() {
            Ok(()) => return Ok(()),
            Err(source) => VerifyFileCause::Contents(source),
        },
        Ok(Err(source)) => VerifyFileCause::Open(source),
        Err(cause) => cause,
    };
    Err(VerifyFileError { path: path.to_owned(), cause })
}

/// Why a file is not a sound segment.
#[derive(Debug)]
pub struct VerifyFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub cause: VerifyFileCause,
}

/// What is wrong with a file.
#[derive(Debug)]
#[non_exhaustive]
pub enum VerifyFileCause {
    /// It cannot be read.
    File(io::Error),
    /// Its header or root does not check out.
    Open(OpenError),
    /// Its contents do not.
    Contents(VerifyError),
}

impl std::error::Error for VerifyFileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            VerifyFileCause::File(source) => Some(source),
            VerifyFileCause::Open(source) => Some(source),
            VerifyFileCause::Contents(source) => Some(source),
        }
    }
}

impl fmt::Display for VerifyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: not a sound segment", self.path.display())
    }
}
