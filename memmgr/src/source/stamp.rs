//! Stamps: what a file looked like when it was read, so that an unchanged one is not read again.

use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use crate::manifest::SourceStamp;

/// Read at once while hashing.
const CHUNK: usize = 256 << 10;

/// Whether a file is the one that was stamped, as far as its metadata tells.
pub(crate) fn matches_metadata(stamp: &SourceStamp) -> bool {
    std::fs::metadata(&stamp.path)
        .is_ok_and(|metadata| of_metadata(&stamp.path, &metadata, stamp.content_hash) == *stamp)
}

/// The stamp of a file as it stands: its metadata and a hash of its content.
///
/// # Errors
///
/// What the file system reports; `ErrorKind::Other` when it is no regular file or changes while it is read.
pub(crate) fn take(path: &Path) -> io::Result<SourceStamp> {
    if !std::fs::metadata(path)?.is_file() {
        // Opening a pipe would wait for a writer, and a device need not end.
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut file = std::fs::File::open(path)?;
    let before = file.metadata()?;
    let mut hash = Xxh3::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            length => hash.update(&chunk[..length]),
        }
    }
    let digest = hash.digest128();
    let stamp = of_metadata(path, &before, digest);
    if of_metadata(path, &std::fs::metadata(path)?, digest) != stamp {
        return Err(io::Error::other("it changes while it is read"));
    }
    Ok(stamp)
}

/// A stamp of these parts.
fn of_metadata(path: &Path, metadata: &std::fs::Metadata, content_hash: u128) -> SourceStamp {
    let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
    let narrow = |value: i128| i64::try_from(value).unwrap_or(i64::MAX);
    SourceStamp {
        path: path.to_owned(),
        dev: metadata.dev(),
        ino: metadata.ino(),
        size: metadata.size(),
        mtime_ns: narrow(nanoseconds(metadata.mtime(), metadata.mtime_nsec())),
        ctime_ns: narrow(nanoseconds(metadata.ctime(), metadata.ctime_nsec())),
        content_hash,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe.zone");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(take(&path).unwrap_err().to_string().contains("not a regular file"));
    }

    #[test]
    fn a_rewrite_of_the_same_length_is_seen() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("zone");
        std::fs::write(&path, "one").unwrap();
        let stamp = take(&path).unwrap();
        assert!(matches_metadata(&stamp));
        let other = directory.path().join("other");
        std::fs::write(&other, "two").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert!(!matches_metadata(&stamp));
        assert_ne!(take(&path).unwrap().content_hash, stamp.content_hash);
    }
}
