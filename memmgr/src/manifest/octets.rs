//! Names and paths as octets, for serde's `with`: nothing is lost of a path that is no UTF-8, and a name is its wire form.

use std::fmt;

use serde::Deserializer;
use serde::de::{Error, Visitor};

/// Takes octets that the format lends.
struct Octets<F>(F);

impl<'de, T, F: FnOnce(&[u8]) -> Result<T, String>> Visitor<'de> for Octets<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("octets")
    }

    fn visit_bytes<E: Error>(self, octets: &[u8]) -> Result<T, E> {
        (self.0)(octets).map_err(E::custom)
    }
}

/// Reads octets and makes something of them.
fn read<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    make: impl FnOnce(&[u8]) -> Result<T, String>,
) -> Result<T, D::Error> {
    deserializer.deserialize_bytes(Octets(make))
}

/// A path.
pub(super) mod path {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;
    use std::sync::Arc;

    use serde::{Deserializer, Serializer};

    /// Writes the octets.
    pub(in super::super) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(path.as_os_str().as_bytes())
    }

    /// Reads the octets.
    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Path>, D::Error> {
        super::read(deserializer, |octets| Ok(Path::new(OsStr::from_bytes(octets)).into()))
    }
}

/// A domain name.
pub(super) mod name {
    use serde::{Deserializer, Serializer};
    use zone_segment::{Name, NameRef};

    /// Writes the wire form.
    pub(in super::super) fn serialize<S: Serializer>(name: &Name, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(name.as_wire())
    }

    /// Reads the wire form.
    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
        super::read(deserializer, |octets| {
            NameRef::from_wire(octets).map(|name| name.to_name()).map_err(|error| error.to_string())
        })
    }
}
