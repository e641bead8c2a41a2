//! Stamps: what a file looked like when it was read, so that an unchanged one is not read again.
//!
//! A file system keeps times in ticks. A file that is read within the tick in which it was written can be written once more in the
//! same tick, with the same length, and look the same: its stamp is *racy*, and its content is compared the next time, whatever it
//! looks like.

use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustix::fs::Stat;
use xxhash_rust::xxh3::Xxh3;

use crate::manifest::SourceStamp;

/// The most that is read at once while hashing.
const CHUNK_MAX: u64 = 256 << 10;

/// Kernels stamp files by a clock that ticks every 10 ms at the slowest; twice that, since it is read in between.
const TICK_NS: i64 = 20_000_000;

/// Some file systems keep whole seconds, or even ones.
const COARSE_TICK_NS: i64 = 2_000_000_000;

/// How a file looks from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// The device number.
    dev: u64,
    /// The inode number.
    ino: u64,
    /// The length in octets.
    pub(crate) size: u64,
    /// The modification time in nanoseconds since the epoch.
    mtime_ns: i64,
    /// The time of the last change of the inode, the same way.
    ctime_ns: i64,
}

impl Look {
    /// How a file looks now.
    ///
    /// # Errors
    ///
    /// What the file system reports.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        Ok(Look::of_metadata(&std::fs::metadata(path)?))
    }

    /// What `stat` in a directory says.
    pub(crate) fn of_stat(stat: &Stat) -> Self {
        // The fields' widths differ between platforms.
        let wide = |value: i128| u64::try_from(value).unwrap_or(u64::MAX);
        Look {
            dev: wide(i128::from(stat.st_dev)),
            ino: wide(i128::from(stat.st_ino)),
            size: wide(i128::from(stat.st_size)),
            mtime_ns: nanoseconds(i128::from(stat.st_mtime), i128::from(stat.st_mtime_nsec)),
            ctime_ns: nanoseconds(i128::from(stat.st_ctime), i128::from(stat.st_ctime_nsec)),
        }
    }

    /// The same from the standard library.
    fn of_metadata(metadata: &std::fs::Metadata) -> Self {
        Look {
            dev: metadata.dev(),
            ino: metadata.ino(),
            size: metadata.size(),
            mtime_ns: nanoseconds(metadata.mtime().into(), metadata.mtime_nsec().into()),
            ctime_ns: nanoseconds(metadata.ctime().into(), metadata.ctime_nsec().into()),
        }
    }

    /// The stamp of a file that looked like this when all of it was read at `now`.
    fn stamp(self, path: &Arc<Path>, content_hash: u128, now: i64) -> SourceStamp {
        let Look { dev, ino, size, mtime_ns, ctime_ns } = self;
        let tick = if ctime_ns % 1_000_000_000 == 0 { COARSE_TICK_NS } else { TICK_NS };
        // A time to come, from a clock that is ahead, could be given once more too.
        let is_racy = mtime_ns.max(ctime_ns) > now.saturating_sub(tick);
        SourceStamp { path: Arc::clone(path), dev, ino, size, mtime_ns, ctime_ns, content_hash, is_racy }
    }

    /// Whether a file that looks like this is, as far as that tells, the one that was stamped.
    pub(crate) fn is_of(self, stamp: &SourceStamp) -> bool {
        let SourceStamp { dev, ino, size, mtime_ns, ctime_ns, is_racy, .. } = *stamp;
        !is_racy && self == Look { dev, ino, size, mtime_ns, ctime_ns }
    }
}

/// Whether a file is the one that was stamped, as far as its metadata tells.
pub(crate) fn matches_metadata(stamp: &SourceStamp) -> bool {
    Look::at(&stamp.path).is_ok_and(|look| look.is_of(stamp))
}

/// The stamps of the same files as they stand, if all of them hold the octets they were stamped with.
pub(crate) fn renewed(stamps: &[SourceStamp]) -> Option<Vec<SourceStamp>> {
    let has_size = |stamp: &SourceStamp| Look::at(&stamp.path).is_ok_and(|look| look.size == stamp.size);
    // What has another length has other octets, and need not be read to know.
    if stamps.is_empty() || !stamps.iter().all(has_size) {
        return None;
    }
    let again = |stamp: &SourceStamp| take(&stamp.path).ok().filter(|now| now.content_hash == stamp.content_hash);
    stamps.iter().map(again).collect()
}

/// The stamp of a file as it stands: its metadata and a hash of its content.
///
/// # Errors
///
/// What the file system reports; `ErrorKind::Other` when it is no regular file or changes while it is read.
pub(crate) fn take(path: &Arc<Path>) -> io::Result<SourceStamp> {
    if !std::fs::metadata(path)?.is_file() {
        // Opening a pipe would wait for a writer, and a device need not end.
        return Err(io::Error::other("it is not a regular file"));
    }
    let now = now_ns();
    let mut file = std::fs::File::open(path)?;
    let before = Look::of_metadata(&file.metadata()?);
    let mut hash = Xxh3::new();
    // One octet more than there should be tells the end with the first read.
    let mut chunk = vec![0; usize::try_from((before.size + 1).min(CHUNK_MAX)).unwrap_or(1)];
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            length => hash.update(&chunk[..length]),
        }
    }
    if Look::at(path)? != before {
        return Err(io::Error::other("it changes while it is read"));
    }
    Ok(before.stamp(path, hash.digest128(), now))
}

/// The stamp of a file that was read from `now` on, in nanoseconds since the epoch.
pub(crate) fn of_read(path: Arc<Path>, read: &dns::text::zonefile::Stamp, now: i64) -> SourceStamp {
    let dns::text::zonefile::Stamp { dev, ino, size, mtime_ns, ctime_ns, content_hash } = *read;
    Look { dev, ino, size, mtime_ns, ctime_ns }.stamp(&path, content_hash, now)
}

/// Now, in nanoseconds since the epoch.
pub(crate) fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Seconds and nanoseconds in one. Enough for 292 years to either side.
fn nanoseconds(seconds: i128, rest: i128) -> i64 {
    i64::try_from(seconds * 1_000_000_000 + rest).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path as stamps keep it.
    fn shared(path: &Path) -> Arc<Path> {
        path.into()
    }

    /// The stamp of a file, taken when its times are long past.
    fn take_later(path: &Path) -> SourceStamp {
        let past = SystemTime::now() - std::time::Duration::from_secs(60);
        std::fs::File::options().write(true).open(path).unwrap().set_modified(past).unwrap();
        // The other time can't be set.
        std::thread::sleep(std::time::Duration::from_millis(50));
        take(&shared(path)).unwrap()
    }

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe.zone");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(take(&shared(&path)).unwrap_err().to_string().contains("not a regular file"));
    }

    #[test]
    fn a_rewrite_of_the_same_length_is_seen() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("zone");
        std::fs::write(&path, "one").unwrap();
        let stamp = take_later(&path);
        assert!(matches_metadata(&stamp));
        let other = directory.path().join("other");
        std::fs::write(&other, "two").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert!(!matches_metadata(&stamp));
        assert_eq!(renewed(std::slice::from_ref(&stamp)), None);
        assert_ne!(take(&shared(&path)).unwrap().content_hash, stamp.content_hash);
    }

    #[test]
    fn a_stamp_taken_as_soon_as_the_file_was_written_is_not_believed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("zone");
        std::fs::write(&path, "one").unwrap();
        let stamp = take(&shared(&path)).unwrap();
        assert!(stamp.is_racy && !matches_metadata(&stamp));
        std::thread::sleep(std::time::Duration::from_millis(50));
        let again = renewed(&[stamp]).unwrap();
        assert!(!again[0].is_racy && matches_metadata(&again[0]), "{again:?}");
    }

    #[test]
    fn whole_seconds_are_taken_for_coarse_ones() {
        let look = |ctime_ns| Look { dev: 1, ino: 1, size: 1, mtime_ns: 0, ctime_ns };
        let path = shared(Path::new("zone"));
        let second = 1_000_000_000;
        assert!(look(10 * second).stamp(&path, 0, 11 * second).is_racy);
        assert!(!look(10 * second).stamp(&path, 0, 13 * second).is_racy);
        assert!(!look(10 * second + 1).stamp(&path, 0, 11 * second).is_racy);
        assert!(look(12 * second + 1).stamp(&path, 0, 11 * second).is_racy);
    }
}
