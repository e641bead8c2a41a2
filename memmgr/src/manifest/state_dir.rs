//! Where things lie in a state directory.
//!
//! ```text
//! DIR/manifest            the snapshot, and its names on the way: manifest.new, manifest.previous, manifest.previous.new
//! DIR/segments/           the segment files, and nothing else
//! DIR/catalogue/          the files with chunks of the catalogue, and nothing else
//! DIR/commits/            the commit logs, and nothing else
//! DIR/lost/GENERATION/    segment files that were lost with the records behind this generation, for people to look at
//! ```
//!
//! [`StateDir`] is the type to read first.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::body::ManifestBody;

/// The names in a state directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir {
    /// The directory itself.
    root: PathBuf,
}

impl StateDir {
    /// The names below a directory. It need not be there.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Makes the directories that are not there.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn create(&self) -> io::Result<()> {
        fs::create_dir_all(self.segments())?;
        fs::create_dir_all(self.catalogue())?;
        fs::create_dir_all(self.commits())
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the segment files lie.
    pub fn segments(&self) -> PathBuf {
        self.root.join("segments")
    }

    /// Where the files of the catalogue lie.
    pub fn catalogue(&self) -> PathBuf {
        self.root.join("catalogue")
    }

    /// A file of the catalogue.
    pub fn catalogue_file(&self, number: u64) -> PathBuf {
        self.catalogue().join(format!("{number:016x}"))
    }

    /// Where the commit logs lie.
    pub fn commits(&self) -> PathBuf {
        self.root.join("commits")
    }

    /// A commit log.
    pub fn commit_log(&self, number: u64) -> PathBuf {
        self.commits().join(format!("{number:016x}"))
    }

    /// Where segment files are kept that were lost with the records behind a generation.
    pub fn lost(&self, generation: u64) -> PathBuf {
        self.root.join("lost").join(generation.to_string())
    }

    /// The manifest.
    pub fn manifest(&self) -> PathBuf {
        self.root.join("manifest")
    }

    /// The manifest on its way.
    pub fn manifest_new(&self) -> PathBuf {
        self.root.join("manifest.new")
    }

    /// The manifest before.
    pub fn manifest_previous(&self) -> PathBuf {
        self.root.join("manifest.previous")
    }

    /// The manifest before, on its way.
    pub(super) fn manifest_previous_new(&self) -> PathBuf {
        self.root.join("manifest.previous.new")
    }

    /// The names in the segment directory; none when it is not there.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn segment_names(&self) -> io::Result<Vec<OsString>> {
        names(&self.segments())
    }

    /// The names in the catalogue directory; none when it is not there.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn catalogue_names(&self) -> io::Result<Vec<OsString>> {
        names(&self.catalogue())
    }

    /// The numbers of the commit logs that are there, in order; none when their directory is not there. What has another name is none of
    /// ours.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn commit_logs(&self) -> io::Result<Vec<u64>> {
        let mut numbers: Vec<u64> = names(&self.commits())?.iter().filter_map(|name| log_number(name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The names that no layer of the manifest has, in order: left by a crash, temporary ones among them.
    pub fn orphans(present: &[OsString], manifest: &ManifestBody) -> Vec<OsString> {
        let named: BTreeSet<&OsStr> = manifest.layers().map(|layer| OsStr::new(&layer.file)).collect();
        let orphans: BTreeSet<&OsString> = present.iter().filter(|name| !named.contains(name.as_os_str())).collect();
        orphans.into_iter().cloned().collect()
    }
}

/// The number that a commit log's name says: sixteen digits, as [`StateDir::commit_log`] writes them.
fn log_number(name: &OsStr) -> Option<u64> {
    let name = name.to_str()?;
    let number = u64::from_str_radix(name, 16).ok()?;
    (format!("{number:016x}") == name).then_some(number)
}

/// The names in a directory; none when it is not there.
fn names(directory: &Path) -> io::Result<Vec<OsString>> {
    match fs::read_dir(directory) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.file_name())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
