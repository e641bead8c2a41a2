//! File names in JSON without loss: text where they are UTF-8, a list of octets where they are not.
//!
//! For serde's `with`.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A name as it stands in JSON.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    /// UTF-8.
    Text(String),
    /// Anything else.
    Octets(Vec<u8>),
}

/// Writes a name.
pub(super) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    match path.to_str() {
        Some(text) => text.serialize(serializer),
        None => path.as_os_str().as_bytes().serialize(serializer),
    }
}

/// Reads a name.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    Ok(match Written::deserialize(deserializer)? {
        Written::Text(text) => text.into(),
        Written::Octets(octets) => OsString::from_vec(octets).into(),
    })
}
