//! Files mapped in ways that the product does not offer, as octets that a segment can be opened over.

use std::fs::File;

use memmap2::{Mmap, MmapOptions};
use zone_segment::SegmentOctets;

use crate::Outcome;

/// A file, mapped read-only.
pub struct Mapped(Mmap);

impl Mapped {
    /// Maps a file.
    pub fn of(file: &File) -> Outcome<Mapped> {
        // SAFETY: the file is in a folder of this process, which does not write to it while it is mapped.
        let map = unsafe { MmapOptions::new().map(file) };
        Ok(Mapped(map.map_err(|error| format!("mapping a file: {error}"))?))
    }

    /// Maps a file and all of its pages.
    pub fn populated(file: &File) -> Outcome<Mapped> {
        // SAFETY: as in `of`.
        let map = unsafe { MmapOptions::new().populate().map(file) };
        Ok(Mapped(map.map_err(|error| format!("mapping a file with all of its pages: {error}"))?))
    }

    /// Tells the kernel how it will be used.
    pub fn advise(&self, advice: memmap2::Advice) -> Outcome<()> {
        Ok(self.0.advise(advice).map_err(|error| format!("advising the kernel of {advice:?}: {error}"))?)
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

// SAFETY: the map is fixed, begins at a page, and nobody writes to its file while it lives.
unsafe impl SegmentOctets for Mapped {}
