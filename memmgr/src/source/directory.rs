//! The zones of a directory: every `*.zone` in it, named by its stem.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::stamp::Look;
use crate::apex::Apex;

/// The ending of a zone file's name.
const ZONE_FILE_EXTENSION: &str = "zone";

/// What a directory holds.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Each zone and the name of its file, in the order of apexes.
    pub(crate) zones: Vec<(Apex, OsString)>,
    /// Zones that can't be told which file is theirs.
    pub(crate) ambiguous: BTreeMap<Apex, String>,
    /// Files that name no zone.
    pub(crate) unnamed: Vec<String>,
}

impl Listing {
    /// Leaves out the files of some zones, since these come from primaries; says of each file that it is not read.
    pub(crate) fn leave_out(&mut self, directory: &Path, zones: &BTreeSet<Apex>) -> Vec<String> {
        let mut errors = Vec::new();
        self.ambiguous.retain(|apex, _| !zones.contains(apex));
        self.zones.retain(|(apex, file)| {
            let is_left = !zones.contains(apex);
            if !is_left {
                errors.push(format!(
                    "{}: error: zone {apex} comes from its primaries and from no file; remove the file, or `primaries` from the configuration",
                    directory.join(file).display()
                ));
            }
            is_left
        });
        errors
    }
}

/// Whether a file of this name is a zone file.
pub(crate) fn is_zone_file(name: &OsStr) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == ZONE_FILE_EXTENSION)
}

/// Lists a directory.
///
/// # Errors
///
/// [`ListError`] when the directory can't be read; then nothing is known of any zone.
pub(crate) fn list(directory: &Path) -> Result<Listing, ListError> {
    let failed = |error| ListError { directory: directory.to_owned(), error };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if is_zone_file(&name) {
            names.push(name);
        }
    }
    Ok(of_names(directory, names))
}

/// The zones of files of these names.
pub(crate) fn of_names(directory: &Path, names: Vec<OsString>) -> Listing {
    let apex = |name: &OsString| dns::text::origin_from_path(Path::new(name)).map(Apex::new);
    let named: Vec<_> = names.into_par_iter().map(|name| (apex(&name), name)).collect();
    let (mut zones, mut unnamed) = (Vec::with_capacity(named.len()), Vec::new());
    for (apex, name) in named {
        match apex {
            Ok(apex) => zones.push((apex, name)),
            Err(error) => unnamed.push(format!("{}: error: {error}", directory.join(name).display())),
        }
    }
    zones.par_sort_unstable();
    unnamed.sort_unstable();
    let mut ambiguous = BTreeMap::new();
    for pair in zones.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
        let [(apex, first), (_, second)] = pair else { continue };
        ambiguous.entry(apex.clone()).or_insert_with(|| {
            format!(
                "{}: error: zone {apex} has another file, {}; expected one: remove or rename one of them",
                directory.join(second).display(),
                directory.join(first).display()
            )
        });
    }
    // A second file for a zone leaves it without any.
    if !ambiguous.is_empty() {
        zones.retain(|(apex, _)| !ambiguous.contains_key(apex));
    }
    Listing { zones, ambiguous, unnamed }
}

/// An open directory, to look at its files without resolving its path for each.
#[derive(Debug)]
pub(crate) struct Directory {
    /// Its path.
    path: PathBuf,
    /// Its descriptor.
    descriptor: OwnedFd,
}

impl Directory {
    /// Opens a directory.
    ///
    /// # Errors
    ///
    /// [`ListError`] when it is not there, or not to be had.
    pub(crate) fn open(path: &Path) -> Result<Self, ListError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(descriptor) => Ok(Directory { path: path.to_owned(), descriptor }),
            Err(errno) => Err(ListError { directory: path.to_owned(), error: errno.into() }),
        }
    }

    /// Whether there is a file of this name in it, or a link, wherever that leads.
    pub(crate) fn has(&self, name: &OsStr) -> bool {
        let stat = rustix::fs::statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW);
        !matches!(stat, Err(Errno::NOENT))
    }

    /// How a file in it looks; none when it is not there, or not to be had.
    pub(crate) fn look(&self, name: &OsStr) -> Option<Look> {
        let stat = rustix::fs::statat(&self.descriptor, name, AtFlags::empty()).ok()?;
        Some(Look::of_stat(&stat))
    }

    /// The path of a file in it.
    pub(crate) fn file(&self, name: &OsStr) -> PathBuf {
        self.path.join(name)
    }

    /// Whether a path is that of a file of this name in it.
    pub(crate) fn is_at(&self, path: &Path, name: &OsStr) -> bool {
        let (path, own, name) = (path.as_os_str(), self.path.as_os_str(), name.as_encoded_bytes());
        let rest = path.as_encoded_bytes().strip_prefix(own.as_encoded_bytes());
        rest.is_some_and(|rest| rest.strip_prefix(b"/").unwrap_or(rest) == name)
    }

    /// The name in it that a path has, if it is of a file right in it.
    pub(crate) fn name_of<'a>(&self, path: &'a Path) -> Option<&'a OsStr> {
        path.file_name().filter(|name| self.is_at(path, name))
    }
}

/// The directory can't be read.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) struct ListError {
    /// Which.
    pub(crate) directory: PathBuf,
    /// What the kernel said.
    pub(crate) error: io::Error,
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reading the zone directory {}: {}", self.directory.display(), self.error)
    }
}

impl std::error::Error for ListError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_of_the_root_zone_leave_it_without_any() {
        let directory = tempfile::tempdir().unwrap();
        for file in ["..zone", "root.zone", "example.com.zone", "a%2Fb.example.zone", "notes.txt"] {
            std::fs::write(directory.path().join(file), "").unwrap();
        }
        let listing = list(directory.path()).unwrap();
        let mut zones: Vec<String> = listing.zones.iter().map(|(apex, _)| apex.to_string()).collect();
        zones.sort_unstable_by_key(String::len);
        zones.reverse();
        assert_eq!(zones, ["a/b.example.", "example.com."]);
        let root = Apex::new(zone_segment::Name::root());
        assert!(listing.ambiguous[&root].contains("another file"), "{:?}", listing.ambiguous);
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error_not_an_empty_listing() {
        let error = list(Path::new("/nonexistent/zones")).unwrap_err();
        assert!(error.to_string().starts_with("reading the zone directory /nonexistent/zones: "));
    }

    #[test]
    fn files_right_in_the_directory_are_told_from_others() {
        let directory = Directory::open(Path::new("/proc")).unwrap();
        assert!(directory.is_at(Path::new("/proc/a.zone"), OsStr::new("a.zone")));
        assert!(!directory.is_at(Path::new("/proc/b/a.zone"), OsStr::new("a.zone")));
        assert!(!directory.is_at(Path::new(""), OsStr::new("a.zone")));
        assert_eq!(directory.name_of(Path::new("/proc/a.zone")), Some(OsStr::new("a.zone")));
        assert_eq!(directory.name_of(Path::new("/other/a.zone")), None);
    }
}
