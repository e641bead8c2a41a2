//! Segment files that nothing names any more: what a build left that was cut short goes; what was lost with the records that named it is kept aside, since
//! it may be all that is left of changes that were answered as durable.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use tracing::{error, info, warn};

use crate::commits::CaughtUp;
use crate::manifest::StateDir;

/// Why there are segment files without a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Builds were cut short.
    CutShort,
    /// Records of the commit log, or the newest manifest, were lost.
    Lost,
}

/// Puts segment files away that neither the manifest nor a record names.
pub(super) fn put_away(dir: &StateDir, caught_up: Option<&CaughtUp>, cause: Cause) {
    let names = match dir.segment_names() {
        Ok(names) => names,
        Err(error) => return warn!(path = %dir.segments().display(), %error, "orphans-not-listed"),
    };
    let orphans = orphans(names, caught_up);
    let (lost, useless): (Vec<OsString>, Vec<OsString>) =
        orphans.into_iter().partition(|name| cause == Cause::Lost && is_whole(name));
    useless.iter().for_each(|name| remove(&dir.segments().join(name)));
    if let Some(caught_up) = caught_up.filter(|_| !lost.is_empty()) {
        keep_aside(dir, caught_up.body.generation, &lost);
    }
}

/// The files that nothing names.
fn orphans(names: Vec<OsString>, caught_up: Option<&CaughtUp>) -> Vec<OsString> {
    let Some(caught_up) = caught_up else { return names };
    // Of a group that is made anew an older stack is what that begins from.
    let stacks = caught_up.stacks.values().flatten().chain(&caught_up.directories);
    let named: BTreeSet<&str> = stacks.flat_map(|(_, layers)| layers).map(|layer| layer.file.as_str()).collect();
    let orphans = StateDir::orphans(&names, &caught_up.body);
    orphans.into_iter().filter(|name| name.to_str().is_none_or(|name| !named.contains(name))).collect()
}

/// Whether a file has the name of one that was finished.
fn is_whole(name: &OsStr) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "segment")
}

/// Removes one.
fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        Ok(()) => info!(path = %path.display(), "orphan-removed"),
        Err(error) => warn!(path = %path.display(), %error, "orphan-not-removed"),
    }
}

/// Moves some to where nobody touches them; one that can't be moved stays where it is until the next start.
fn keep_aside(dir: &StateDir, generation: u64, names: &[OsString]) {
    let path = dir.lost(generation);
    let moved = std::fs::create_dir_all(&path).and_then(|()| move_all(&dir.segments(), &path, names));
    match moved {
        Ok(()) => error!(path = %path.display(), files = names.len(), after = generation, "segments-kept-aside"),
        Err(error) => warn!(path = %path.display(), %error, "segments-not-kept-aside"),
    }
}

/// Moves files of these names from one directory to another.
fn move_all(from: &Path, to: &Path, names: &[OsString]) -> std::io::Result<()> {
    names.iter().try_for_each(|name| std::fs::rename(from.join(name), to.join(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commits::{Replayed, catch_up};
    use crate::manifest::{LayerEntry, ManifestBody};

    /// A state directory with some segment files, of which the manifest names the first.
    fn directory(files: &[&str]) -> (tempfile::TempDir, StateDir, CaughtUp) {
        let directory = tempfile::tempdir().unwrap();
        let dir = StateDir::new(directory.path());
        dir.create().unwrap();
        files.iter().for_each(|file| std::fs::write(dir.segments().join(file), file).unwrap());
        let layer = LayerEntry { id: 1, file: files[0].to_owned(), length: 0, content_hash: 0 };
        let body =
            ManifestBody { generation: 7, directory: vec![layer], ..ManifestBody::new([0; 16], "boot".to_owned()) };
        let replayed = Replayed { records: Vec::new(), after_generation: None, torn: None, next_log: 1 };
        (directory, dir, catch_up(body, replayed))
    }

    /// The names in a directory.
    fn names(path: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(path).into_iter().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_build_left_goes_and_what_was_lost_is_kept() {
        let files = ["1.segment", "2.segment", "3.segment.tmp"];
        let (_guard, dir, caught_up) = directory(&files);
        put_away(&dir, Some(&caught_up), Cause::CutShort);
        assert_eq!((names(&dir.segments()), names(&dir.lost(7))), (vec!["1.segment".to_owned()], vec![]));

        let (_guard, dir, caught_up) = directory(&files);
        put_away(&dir, Some(&caught_up), Cause::Lost);
        assert_eq!(
            (names(&dir.segments()), names(&dir.lost(7))),
            (vec!["1.segment".to_owned()], vec!["2.segment".to_owned()])
        );
        assert_eq!(std::fs::read(dir.lost(7).join("2.segment")).unwrap(), b"2.segment");
        // The same again does no harm.
        put_away(&dir, Some(&caught_up), Cause::Lost);
        assert_eq!(names(&dir.lost(7)).len(), 1);
    }
}
