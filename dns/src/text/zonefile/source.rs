//! A file on its way into memory: opened without waiting, read with `pread` and hashed on the way, and what it looked like meanwhile
//! ([`Stamp`]), so that a caller need not read it again to know whether it is still the same.
//!
//! Files are never mapped: whoever cuts one short while it is read would end the process.

use super::super::error::Reason;
use rustix::fs::OFlags;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use xxhash_rust::xxh3::xxh3_128;

/// What a file looked like when it was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stamp {
    /// The device it is on.
    pub dev: u64,
    /// Its number there.
    pub ino: u64,
    /// Its length in octets.
    pub size: u64,
    /// When its content changed last, in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// When anything of it changed last, in nanoseconds since 1970.
    pub ctime_ns: i64,
    /// The xxh3-128 of its content.
    pub content_hash: u128,
}

impl Stamp {
    /// A stamp of what the file system says of a file, and of the hash of its content.
    pub fn new(metadata: &Metadata, content_hash: u128) -> Self {
        let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Self {
            dev: metadata.dev(),
            ino: metadata.ino(),
            size: metadata.size(),
            mtime_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            content_hash,
        }
    }
}

/// How a file was read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Source {
    /// What it looked like; `None` where it could not be read, or its text did not come from a file.
    pub stamp: Option<Stamp>,
    /// Whether it changed while it was read, or was another when it was included again: then nothing that was read of it counts.
    pub is_changed: bool,
}

impl Source {
    /// Takes in how the file was read this time.
    pub(super) fn add(&mut self, other: Self) {
        self.is_changed |= other.is_changed || self.stamp.is_some_and(|stamp| other.stamp != Some(stamp));
        self.stamp = other.stamp;
    }
}

/// The text of a file, or a part of one, in memory that is kept for the next.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// The text, then what is left from texts before it: clearing that would take time.
    octets: Vec<u8>,
    /// Octets of text.
    length: usize,
}

impl Text {
    /// Takes a copy of a text that is in memory.
    pub(super) fn fill(&mut self, text: &[u8]) {
        self.length = 0;
        self.room(text.len()).copy_from_slice(text);
        self.length = text.len();
    }

    /// The text.
    pub(super) fn as_slice(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or_default()
    }

    /// Appends up to `wanted` octets that `read` gives; tells how many they were.
    pub(super) fn read_more(
        &mut self,
        wanted: usize,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let more = read(self.room(wanted))?.min(wanted);
        self.length += more;
        Ok(more)
    }

    /// Leaves the first octets.
    pub(super) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// So many octets behind the text.
    fn room(&mut self, wanted: usize) -> &mut [u8] {
        let end = self.length + wanted;
        self.octets.resize(self.octets.len().max(end), 0);
        self.octets.get_mut(self.length..end).unwrap_or_default()
    }
}

/// A file that is open for reading.
#[derive(Debug)]
pub(super) struct OpenFile {
    /// The file.
    file: File,
    /// What it looked like when it was opened.
    before: Metadata,
}

impl OpenFile {
    /// Opens a file, if it is a regular one: a pipe could wait for its writer, and a device need not end.
    pub(super) fn open(path: &Path) -> Result<Self, Reason> {
        // With this flag opening a pipe does not wait; on regular files it means nothing.
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(unreadable)?;
        let before = file.metadata().map_err(unreadable)?;
        if !before.is_file() {
            return Err(Reason::NotAFile);
        }
        Ok(Self { file, before })
    }

    /// Its length in octets when it was opened.
    pub(super) fn size(&self) -> u64 {
        self.before.size()
    }

    /// Reads all of it, in place of what `text` held.
    pub(super) fn read(&self, text: &mut Text) -> Result<Source, Reason> {
        let size = usize::try_from(self.size()).map_err(|_| unreadable(io::ErrorKind::FileTooLarge.into()))?;
        text.truncate(0);
        let length = text.read_more(size, |octets| self.read_at(octets, 0)).map_err(unreadable)?;
        Ok(self.source(xxh3_128(text.as_slice()), length as u64))
    }

    /// Reads octets from a place on, as many as there are.
    pub(super) fn read_at(&self, octets: &mut [u8], at: u64) -> io::Result<usize> {
        let mut length = 0;
        while let Some(room) = octets.get_mut(length..).filter(|room| !room.is_empty()) {
            match self.file.read_at(room, at + length as u64) {
                Ok(0) => break,
                Ok(more) => length += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) => return Err(error),
            }
        }
        Ok(length)
    }

    /// How it was read, after all of it was: a text of this hash and length.
    pub(super) fn source(&self, content_hash: u128, length: u64) -> Source {
        let stamp = Stamp::new(&self.before, content_hash);
        let is_same = self.file.metadata().is_ok_and(|after| Stamp::new(&after, content_hash) == stamp);
        Source { stamp: Some(stamp), is_changed: !is_same || length != self.size() }
    }
}

/// The system's words for why a file cannot be read.
fn unreadable(error: io::Error) -> Reason {
    Reason::Unreadable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::Buffers;
    use super::super::Options;

    #[test]
    fn nothing_of_a_longer_text_stands_behind_a_shorter_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let (long, short) = (directory.path().join("long.zone"), directory.path().join("short.zone"));
        let soa = "@ 3600 IN SOA ns admin 1 7200 3600 604800 300\n";
        std::fs::write(&long, format!("{soa}{}", " ".repeat(300) + "\n")).expect("written");
        std::fs::write(&short, soa).expect("written");
        let mut buffers = Buffers::default();
        let apex = "example.".parse().expect("a name");
        for path in [&long, &short, &long, &short] {
            let zone = buffers.read(path, &apex, &Options { threads: 1, ..Options::default() });
            assert_eq!((zone.columns.records(), zone.errors.len()), (1, 0), "{}", path.display());
        }
    }
}
