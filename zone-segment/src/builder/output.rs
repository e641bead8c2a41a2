//! Where a builder writes: a file, or memory for tests and small segments.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use parking_lot::Mutex;

use crate::map::{SegmentBuffer, map_unfinished};

/// What a segment is written to, piece by piece, by several threads at once.
pub(super) trait Output: Sync {
    /// Writes octets at an offset.
    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()>;

    /// Reads octets at an offset.
    fn read_at(&self, octets: &mut [u8], offset: u64) -> io::Result<()>;

    /// Shows all octets so far; nobody writes meanwhile.
    fn show(&mut self, to: &mut dyn FnMut(&[u8])) -> io::Result<()>;
}

/// A file that nobody else knows yet.
pub(super) struct FileOutput {
    /// It.
    pub(super) file: File,
}

impl Output for FileOutput {
    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(octets, offset)
    }

    fn read_at(&self, octets: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(octets, offset)
    }

    fn show(&mut self, to: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        map_unfinished(&mut self.file, to)
    }
}

/// Memory.
#[derive(Default)]
pub(super) struct MemoryOutput {
    /// What was written.
    pub(super) octets: Mutex<SegmentBuffer>,
}

impl Output for MemoryOutput {
    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        let mut buffer = self.octets.lock();
        let (start, end) = (offset as usize, offset as usize + octets.len());
        if buffer.len() < end {
            buffer.resize(end, 0);
        }
        buffer[start..end].copy_from_slice(octets);
        Ok(())
    }

    fn read_at(&self, octets: &mut [u8], offset: u64) -> io::Result<()> {
        let buffer = self.octets.lock();
        let range = offset as usize..offset as usize + octets.len();
        octets.copy_from_slice(buffer.get(range).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn show(&mut self, to: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        to(self.octets.get_mut());
        Ok(())
    }
}
