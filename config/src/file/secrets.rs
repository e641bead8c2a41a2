//! The file of cookie secrets: one or two lines of 32 hexadecimal digits, for no other eyes.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{FileError, FileErrorKind, Place};
use crate::secret::CookieSecret;

/// Reads the file that the configuration file names at `place`. Empty lines are passed over.
pub(super) fn read(path: &Path, config: &Path, place: Place) -> Result<Vec<CookieSecret>, Vec<FileError>> {
    let of_config = |kind| vec![FileError { path: config.to_owned(), place: Some(place), kind }];
    let secrets = path.to_owned();
    let mut text = String::new();
    let mode = std::fs::File::open(path).and_then(|file| {
        let mode = file.metadata()?.permissions().mode();
        file.take(SECRETS_OCTETS_MAX).read_to_string(&mut text)?;
        Ok(mode)
    });
    match mode {
        Err(error) => return Err(of_config(FileErrorKind::NoSecrets { secrets, error })),
        Ok(mode) if mode & MODE_OF_OTHERS != 0 => {
            return Err(of_config(FileErrorKind::Exposed { secrets, mode: mode & MODE_PERMISSIONS }));
        }
        Ok(_) => {}
    }
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

/// One that makes cookies, and the one before or after it: more are not needed to change them without refusing anybody.
const SECRETS_MAX: usize = 2;

/// Room for two secrets and empty lines.
const SECRETS_OCTETS_MAX: u64 = 4096;

/// What others may do with a file: read it, write it.
const MODE_OF_OTHERS: u32 = 0o006;

/// What of a mode is about who may do what.
const MODE_PERMISSIONS: u32 = 0o777;
