//! The configuration file: TOML with keys and tables as declared in [`options`], and nothing else.
//!
//! Read [`File`] first. `walk` takes the file apart into `values` and checks each by its declaration, `rules` what values have to do with each
//! other, `secrets` the files of secrets that it may name; `peers` puts keys, remotes, templates and zones together. `nearest` finds what a
//! misspelt key or name was meant to be.

mod error;
mod nearest;
mod peers;
mod rules;
mod secrets;
#[cfg(test)]
mod tests;
mod values;
mod walk;

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use crate::declaration::Opt;
use crate::options;
use crate::peers::{Key, Remote};
use crate::policy::Zones;
use crate::process::TlsOptions;
use crate::secret::CookieSecret;

pub use error::{FileError, FileErrorKind, Place};
use values::Values;
use walk::Walk;

/// A configuration file whose values are all sound.
#[derive(Clone, Debug)]
pub struct File {
    /// What it says.
    values: Values,
    /// The tables it has.
    tables: BTreeSet<&'static str>,
    /// What the file of cookie secrets says that it names.
    cookie_secrets: Vec<CookieSecret>,
    /// What it says of other servers and of zones.
    peers: peers::Peers,
}

impl File {
    /// Reads a file, and the files of secrets that it names.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, in the order of its lines.
    pub fn read(path: &Path) -> Result<Self, Vec<FileError>> {
        let error = |kind| vec![FileError { path: path.to_owned(), place: None, kind }];
        let mut octets = Vec::new();
        let opened = std::fs::File::open(path).and_then(|file| file.take(FILE_OCTETS_MAX + 1).read_to_end(&mut octets));
        match opened {
            Err(reason) => return Err(error(FileErrorKind::Unreadable { error: reason })),
            Ok(length) if length as u64 > FILE_OCTETS_MAX => return Err(error(FileErrorKind::TooLong)),
            Ok(_) => {}
        }
        match std::str::from_utf8(&octets) {
            Ok(text) => Self::parse(path, text),
            Err(reason) => {
                let whole = octets.get(..reason.valid_up_to()).map(String::from_utf8_lossy).unwrap_or_default();
                let place = Some(Place::of(&whole, whole.len()));
                Err(vec![FileError { path: path.to_owned(), place, kind: FileErrorKind::NoText }])
            }
        }
    }

    /// The same, with the file's text at hand: `path` is where relative paths begin, and what errors call it.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn parse(path: &Path, text: &str) -> Result<Self, Vec<FileError>> {
        let Walk { values, tables, mut errors, .. } = Walk::over(path, text);
        let (peers, found) = peers::resolve(&values, path);
        errors.extend(found);
        let mut file = File { values, tables, cookie_secrets: Vec::new(), peers };
        errors.extend(rules::check(&file).into_iter().map(|(place, kind)| FileError {
            path: path.to_owned(),
            place: Some(place),
            kind,
        }));
        let secrets = file.values.first(&options::COOKIE_SECRETS);
        match secrets.map(|(secrets, place)| secrets::read(&secrets, path, place)) {
            Some(Ok(secrets)) => file.cookie_secrets = secrets,
            Some(Err(found)) => errors.extend(found),
            None => {}
        }
        if let Some((key, place)) = file.values.first(&options::TLS_KEY) {
            errors.extend(secrets::check_private(&key, path, place).err());
        }
        errors.sort_by_key(|error| (error.path != path, error.place));
        if errors.is_empty() { Ok(file) } else { Err(errors) }
    }

    /// Every value of an option; `None` when the file does not have it.
    pub fn values<T>(&self, option: &Opt<T>) -> Option<Vec<T>> {
        self.values.placed(option).map(|placed| placed.into_iter().map(|(value, _)| value).collect())
    }

    /// Whether the file has a table.
    pub fn has_table(&self, name: &str) -> bool {
        self.tables.contains(name)
    }

    /// The secrets of cookies: the first makes them, all of them are accepted.
    pub fn cookie_secrets(&self) -> &[CookieSecret] {
        &self.cookie_secrets
    }

    /// What the server shows over TLS, if it speaks it.
    pub fn tls(&self) -> Option<TlsOptions> {
        let first = |option| self.values.first(option).map(|(path, _)| path);
        Some(TlsOptions { certificate: first(&options::TLS_CERTIFICATE)?, key: first(&options::TLS_KEY)? })
    }

    /// Keys shared with other servers.
    pub fn keys(&self) -> &[Key] {
        &self.peers.keys
    }

    /// Other servers.
    pub fn remotes(&self) -> &[Remote] {
        &self.peers.remotes
    }

    /// The policy of each zone.
    pub fn policies(&self) -> &Zones {
        &self.peers.policies
    }
}

/// Longer files are something else that was named by mistake.
const FILE_OCTETS_MAX: u64 = 1 << 20;
