//! A file system so small that it can be filled: a tmpfs of the test's own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A mounted tmpfs; unmounted with the value.
#[derive(Debug)]
pub(crate) struct SmallDisk {
    /// Where it is mounted.
    directory: TempDir,
}

impl SmallDisk {
    /// Mounts one of this many octets; `None`, and a recorded skip, where that is not allowed.
    pub(crate) fn mount(test: &str, octets: usize) -> Option<SmallDisk> {
        let directory = tempfile::tempdir().unwrap();
        let options = format!("size={octets},mode=0755");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(directory.path());
        match mount.output() {
            Ok(output) if output.status.success() => Some(SmallDisk { directory }),
            Ok(output) => {
                let error = String::from_utf8_lossy(&output.stderr);
                super::skip(test, &format!("no tmpfs can be mounted: {}", error.trim()));
                None
            }
            Err(error) => {
                super::skip(test, &format!("no tmpfs can be mounted: mount: {error}"));
                None
            }
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Fills it but for this many octets.
    pub(crate) fn fill(&self, left: usize) {
        let filler = self.filler();
        let mut file = std::fs::File::create(&filler).unwrap();
        let page = [0; 4096];
        let mut written = 0;
        while file.write_all(&page).is_ok() {
            written += page.len();
        }
        file.set_len(u64::try_from(written.saturating_sub(left)).unwrap()).unwrap();
    }

    /// Gives the room back.
    pub(crate) fn empty(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    /// What takes the room.
    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that is still ending does not keep it.
        let _ = Command::new("umount").arg("-l").arg(self.directory.path()).status();
    }
}
