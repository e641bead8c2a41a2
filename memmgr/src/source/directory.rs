//! The zones of a directory: every `*.zone` in it, named by its stem.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use zone_segment::Name;

/// The ending of a zone file's name.
const ZONE_FILE_EXTENSION: &str = "zone";

/// What a directory holds.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Each zone and its file.
    pub(crate) zones: BTreeMap<Name, PathBuf>,
    /// Zones that can't be told which file is theirs.
    pub(crate) ambiguous: BTreeMap<Name, String>,
    /// Files that name no zone.
    pub(crate) unnamed: Vec<String>,
}

/// Lists a directory.
///
/// # Errors
///
/// [`ListError`] when the directory can't be read; then nothing is known of any zone.
pub(crate) fn list(directory: &Path) -> Result<Listing, ListError> {
    let failed = |error| ListError { directory: directory.to_owned(), error };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == ZONE_FILE_EXTENSION) {
            paths.push(path);
        }
    }
    paths.sort_unstable();
    let mut listing = Listing::default();
    for path in paths {
        match dns::text::origin_from_path(&path) {
            Ok(apex) => listing.add(apex, path),
            Err(error) => listing.unnamed.push(format!("{}: error: {error}", path.display())),
        }
    }
    Ok(listing)
}

impl Listing {
    /// Adds a file; a second one for the same zone leaves the zone without any.
    fn add(&mut self, apex: Name, path: PathBuf) {
        if let Some(first) = self.zones.remove(&apex) {
            let text = format!(
                "{}: error: zone {apex} has another file, {}; expected one: remove or rename one of them",
                path.display(),
                first.display()
            );
            self.ambiguous.insert(apex, text);
        } else if !self.ambiguous.contains_key(&apex) {
            self.zones.insert(apex, path);
        }
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
        let zones: Vec<String> = listing.zones.keys().map(ToString::to_string).collect();
        assert_eq!(zones, ["example.com.", "a/b.example."]);
        assert!(listing.ambiguous[&Name::root()].contains("another file"), "{:?}", listing.ambiguous);
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error_not_an_empty_listing() {
        let error = list(Path::new("/nonexistent/zones")).unwrap_err();
        assert!(error.to_string().starts_with("reading the zone directory /nonexistent/zones: "));
    }
}
