//! Files of secrets, for no other eyes: one or two lines of 32 hexadecimal digits for cookies, one line of base64 for a key.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{FileError, FileErrorKind, Place};
use crate::peers::{KeySecret, KeySecretError};
use crate::secret::CookieSecret;

/// Reads the file of cookie secrets that the configuration file names at `place`. Empty lines are passed over.
pub(super) fn read(path: &Path, config: &Path, place: Place) -> Result<Vec<CookieSecret>, Vec<FileError>> {
    let text = read_private(path, config, place).map_err(|error| vec![error])?;
    let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for (number, line) in lines {
        let place = Some(Place { line: number + 1, column: 1 });
        let mut refuse = |text| {
            errors.push(FileError { path: path.to_owned(), place, kind: FileErrorKind::Value { text } });
        };
        match line.parse() {
            Ok(_) if found.len() == SECRETS_MAX => {
                refuse(format!("expected at most {SECRETS_MAX} secrets, found another; leave out the oldest"));
                break;
            }
            Ok(secret) => found.push(secret),
            Err(error) => refuse(format!("{error}; make a secret with: openssl rand -hex 16")),
        }
    }
    if found.is_empty() && errors.is_empty() {
        let text =
            "expected one or two lines of 32 hexadecimal digits, found none; make a secret with: openssl rand -hex 16";
        errors.push(FileError {
            path: path.to_owned(),
            place: None,
            kind: FileErrorKind::Value { text: text.to_owned() },
        });
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

/// Reads the file with a key's secret that the configuration file names at `place`. Empty lines are passed over.
pub(super) fn key_secret(path: &Path, config: &Path, place: Place) -> Result<KeySecret, FileError> {
    let text = read_private(path, config, place)?;
    let refuse = |line: Option<usize>, text| {
        let place = line.map(|line| Place { line: line + 1, column: 1 });
        FileError { path: path.to_owned(), place, kind: FileErrorKind::Value { text } }
    };
    let mut lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
    let (number, line) = lines
        .next()
        .ok_or_else(|| refuse(None, format!("expected one line of base64, found none; {MAKE_KEY_SECRET}")))?;
    if let Some((another, _)) = lines.next() {
        return Err(refuse(Some(another), "expected one line of base64, found another; leave one out".to_owned()));
    }
    line.parse().map_err(|error: KeySecretError| refuse(Some(number), format!("{error}; {MAKE_KEY_SECRET}")))
}

/// Finds out whether a file that the configuration file names at `place` can be read here, and not by others.
pub(super) fn check_private(path: &Path, config: &Path, place: Place) -> Result<(), FileError> {
    read_private(path, config, place).map(|_| ())
}

/// Reads a file that others can't read or write.
fn read_private(path: &Path, config: &Path, place: Place) -> Result<String, FileError> {
    let of_config = |kind| FileError { path: config.to_owned(), place: Some(place), kind };
    let secrets = path.to_owned();
    let mut text = String::new();
    let mode = std::fs::File::open(path).and_then(|file| {
        let mode = file.metadata()?.permissions().mode();
        file.take(SECRETS_OCTETS_MAX).read_to_string(&mut text)?;
        Ok(mode)
    });
    match mode {
        Err(error) => Err(of_config(FileErrorKind::NoSecrets { secrets, error })),
        Ok(mode) if mode & MODE_OF_OTHERS != 0 => {
            Err(of_config(FileErrorKind::Exposed { secrets, mode: mode & MODE_PERMISSIONS }))
        }
        Ok(_) => Ok(text),
    }
}

/// How to get the secret of a key.
const MAKE_KEY_SECRET: &str = "make a secret with: openssl rand -base64 32";

/// One that makes cookies, and the one before or after it: more are not needed to change them without refusing anybody.
const SECRETS_MAX: usize = 2;

/// Room for two secrets of cookies or one of a key, and empty lines.
const SECRETS_OCTETS_MAX: u64 = 4096;

/// What others may do with a file: read it, write it.
const MODE_OF_OTHERS: u32 = 0o006;

/// What of a mode is about who may do what.
const MODE_PERMISSIONS: u32 = 0o777;
