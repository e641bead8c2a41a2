//! Mapping a segment, and the one place where its root is used without a check, behind the proof that it was checked.
//!
//! Together with `prefetch.rs` the only files of this crate with unsafe code. Two invariants carry it:
//! - `mapped-readonly`: the octets behind a [`SegmentOctets`] stay where and what they are while it is borrowed.
//! - `checked-once`: `CheckedArchive` is only made by `CheckedArchive::check`, which found a valid root.
#![expect(unsafe_code, reason = "maps files, and accesses a root that was checked before")]

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd};

use memmap2::Mmap;
use rkyv::rancor;
use rkyv::util::AlignedVec;

use crate::error::OpenError;
use crate::header::{HEADER_LENGTH, Header};
use crate::kind::Kind;
use crate::tables::{ArchivedDirectoryRoot, ArchivedZonesRoot};

/// The octets of a file, mapped shared and read-only.
#[derive(Debug)]
pub struct Mapping {
    /// `mapped-readonly`: a published file never changes and never shrinks.
    map: Mmap,
}

impl Mapping {
    /// Maps the file behind a descriptor.
    pub(crate) fn of(file: BorrowedFd<'_>) -> Result<Mapping, OpenError> {
        let length = rustix::fs::fstat(file).map_err(|errno| OpenError::Map { source: errno.into() })?.st_size;
        if length < HEADER_LENGTH as i64 {
            // An empty file cannot be mapped; say what is wrong with it instead.
            return Err(OpenError::TooShort { expected_min: HEADER_LENGTH as u64, found: length.unsigned_abs() });
        }
        // SAFETY: `mapped-readonly`: published segments are never written to and never truncated, they are unlinked.
        let map = unsafe { Mmap::map(file.as_raw_fd()) }.map_err(|source| OpenError::Map { source })?;
        Ok(Mapping { map })
    }
}

impl AsRef<[u8]> for Mapping {
    fn as_ref(&self) -> &[u8] {
        &self.map
    }
}

/// Shows the octets of a file that is still being written, and lets go of them again.
///
/// `mapped-readonly` holds meanwhile: it is a temporary file that only its writer knows, and who writes to it needs what is borrowed here.
pub(crate) fn map_unfinished(file: &mut File, to: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    // SAFETY: `mapped-readonly`: nobody writes to the file or truncates it until the map is dropped, at the end of this function.
    let map = unsafe { Mmap::map(file.as_raw_fd()) }?;
    to(&map);
    Ok(())
}

/// A segment in memory, as the writers give it: aligned as a mapped file is.
pub type SegmentBuffer = AlignedVec<HEADER_LENGTH>;

/// Octets that a segment can be read from.
///
/// # Safety
///
/// `mapped-readonly`: each call of `as_ref` gives the same octets at an address with the same remainder by 64, as long as
/// the value is only borrowed or moved.
pub unsafe trait SegmentOctets: AsRef<[u8]> {}

// SAFETY: `mapped-readonly`: the map is fixed, and published files never change.
unsafe impl SegmentOctets for Mapping {}

// SAFETY: `mapped-readonly`: an `AlignedVec` changes by `&mut` only and its octets do not move with it.
unsafe impl<const ALIGNMENT: usize> SegmentOctets for AlignedVec<ALIGNMENT> {}

/// An archive whose root was found valid.
pub(crate) struct CheckedArchive<B> {
    /// The whole file; `mapped-readonly`.
    octets: B,
    /// `checked-once`: what the root is.
    kind: Kind,
    /// `checked-once`: where the archive lies in the file.
    archive: Range<usize>,
    /// `checked-once`: where the root lies in the archive.
    root: usize,
}

impl<B: SegmentOctets> CheckedArchive<B> {
    /// Checks the root that a header speaks of. Costs the number of tables: their rows are valid whatever they hold, and
    /// are not read.
    pub(crate) fn check(octets: B, header: &Header) -> Result<CheckedArchive<B>, OpenError> {
        let archive = HEADER_LENGTH..HEADER_LENGTH + header.archive_length as usize;
        let root = (header.archive_length - header.root_length) as usize;
        let file = octets.as_ref();
        let slice = file
            .get(archive.clone())
            .ok_or(OpenError::TotalLength { expected: header.total_length, found: file.len() as u64 })?;
        match header.kind {
            Kind::Zones => rkyv::api::high::access_pos::<ArchivedZonesRoot, rancor::Error>(slice, root).map(drop),
            Kind::Directory => {
                rkyv::api::high::access_pos::<ArchivedDirectoryRoot, rancor::Error>(slice, root).map(drop)
            }
        }
        .map_err(|source| OpenError::Root { source })?;
        Ok(CheckedArchive { octets, kind: header.kind, archive, root })
    }

    /// The octets of the whole file.
    pub(crate) fn octets(&self) -> &[u8] {
        self.octets.as_ref()
    }

    /// The root of a segment of kind `Zones`.
    pub(crate) fn zones(&self) -> Option<&ArchivedZonesRoot> {
        if self.kind != Kind::Zones {
            return None;
        }
        let archive = self.octets().get(self.archive.clone())?;
        // SAFETY: `checked-once`: `check` found a valid root of this kind here; `mapped-readonly`: it still is.
        Some(unsafe { rkyv::api::access_pos_unchecked::<ArchivedZonesRoot>(archive, self.root) })
    }

    /// The root of a segment of kind `Directory`.
    pub(crate) fn directory(&self) -> Option<&ArchivedDirectoryRoot> {
        if self.kind != Kind::Directory {
            return None;
        }
        let archive = self.octets().get(self.archive.clone())?;
        // SAFETY: `checked-once`: `check` found a valid root of this kind here; `mapped-readonly`: it still is.
        Some(unsafe { rkyv::api::access_pos_unchecked::<ArchivedDirectoryRoot>(archive, self.root) })
    }
}
