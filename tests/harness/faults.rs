//! Fault points of one server: armed by files in a directory of the test's own. What they are stands in `config::fault`.

use std::path::PathBuf;

use tempfile::TempDir;

use super::server::ServerOptions;
use super::wait::until;

/// A server's fault points.
#[derive(Debug)]
pub(crate) struct Faults {
    /// Where they are armed.
    directory: TempDir,
}

impl Faults {
    /// Fault points, none of them armed; `None`, and a recorded skip, when this build has none.
    pub(crate) fn new(test: &str) -> Option<Faults> {
        if !config::fault::compiled_in() {
            super::skip(test, "this build has no fault points (feature `fault-points`)");
            return None;
        }
        Some(Faults { directory: tempfile::tempdir().unwrap() })
    }

    /// Options of a server with these fault points and these further arguments.
    pub(crate) fn options(&self, arguments: &[&str]) -> ServerOptions {
        let directory = self.directory.path().to_str().unwrap().to_owned();
        ServerOptions {
            arguments: arguments.iter().map(ToString::to_string).collect(),
            environment: vec![(config::fault::DIRECTORY_VARIABLE.to_owned(), directory)],
            ..ServerOptions::default()
        }
    }

    /// Arms a point for whichever process passes it first.
    pub(crate) fn arm(&self, point: &str, action: &str) {
        // By rename: the point is never seen half written.
        let new = self.directory.path().join(format!("{point}.new"));
        std::fs::write(&new, action).unwrap();
        std::fs::rename(&new, self.file(point)).unwrap();
    }

    /// Whether a point is armed and nobody has passed it.
    pub(crate) fn is_armed(&self, point: &str) -> bool {
        self.file(point).exists()
    }

    /// Takes an arming back.
    pub(crate) fn disarm(&self, point: &str) {
        std::fs::remove_file(self.file(point)).unwrap();
    }

    /// Waits until somebody has passed the point.
    pub(crate) fn until_passed(&self, point: &str) {
        until(&format!("fault point {point} is passed"), || (!self.is_armed(point)).then_some(()));
    }

    /// The file that arms a point.
    fn file(&self, point: &str) -> PathBuf {
        self.directory.path().join(point)
    }
}
