//! [`Key`], its [`Algorithm`], and the [`Keys`] of a server.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use zone_segment::{Name, NameRef};

use super::digest::Hasher;

/// How a message is hashed (RFC 8945, section 6).
///
/// GSS-TSIG is not among them: its keys are negotiated. HMAC-MD5 and HMAC-SHA1 are for peers that know no better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// HMAC-MD5 (RFC 8945, table 3: not to be used).
    HmacMd5,
    /// HMAC-SHA-1 (not recommended).
    HmacSha1,
    /// HMAC-SHA-224.
    HmacSha224,
    /// HMAC-SHA-256.
    HmacSha256,
    /// HMAC-SHA-384.
    HmacSha384,
    /// HMAC-SHA-512.
    HmacSha512,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::HmacMd5, Self::HmacSha1, Self::HmacSha224, Self::HmacSha256, Self::HmacSha384, Self::HmacSha512];

    /// Its name on the wire.
    pub const fn wire(self) -> &'static [u8] {
        match self {
            Self::HmacMd5 => b"\x08hmac-md5\x07sig-alg\x03reg\x03int\0",
            Self::HmacSha1 => b"\x09hmac-sha1\0",
            Self::HmacSha224 => b"\x0bhmac-sha224\0",
            Self::HmacSha256 => b"\x0bhmac-sha256\0",
            Self::HmacSha384 => b"\x0bhmac-sha384\0",
            Self::HmacSha512 => b"\x0bhmac-sha512\0",
        }
    }

    /// What operators call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HmacMd5 => "hmac-md5",
            Self::HmacSha1 => "hmac-sha1",
            Self::HmacSha224 => "hmac-sha224",
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSha384 => "hmac-sha384",
            Self::HmacSha512 => "hmac-sha512",
        }
    }

    /// The octets of a whole MAC.
    pub const fn octets(self) -> usize {
        match self {
            Self::HmacMd5 => 16,
            Self::HmacSha1 => 20,
            Self::HmacSha224 => 28,
            Self::HmacSha256 => 32,
            Self::HmacSha384 => 48,
            Self::HmacSha512 => 64,
        }
    }

    /// The fewest octets a truncated MAC may have: half of them, and at least 10 (RFC 8945, section 5.2.2.1).
    pub const fn octets_min(self) -> usize {
        let half = self.octets().div_ceil(2);
        if half < 10 { 10 } else { half }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        let known = |algorithm: &Self| algorithm.as_str().eq_ignore_ascii_case(text);
        Self::ALL.into_iter().find(known).ok_or_else(|| UnknownAlgorithm { found: text.to_owned() })
    }
}

/// A word that is no algorithm of signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownAlgorithm {
    /// The word as given.
    pub found: String,
}

impl fmt::Display for UnknownAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected ")?;
        for algorithm in Algorithm::ALL.into_iter().rev() {
            let behind = if algorithm == Algorithm::HmacMd5 { "" } else { ", " };
            write!(f, "{algorithm}{behind}")?;
        }
        write!(f, "; found {:?}", self.found)
    }
}

impl Error for UnknownAlgorithm {}

/// A key: a name that both sides call it by, an algorithm, and a secret, of which only what hashing starts from is kept.
pub struct Key {
    /// Its name, in lower case.
    name: Name,
    /// The algorithm; the name alone does not make a key.
    algorithm: Algorithm,
    /// The hash with the secret in it.
    start: Hasher,
}

impl Key {
    /// A key with this secret, its octets as they are, not in base 64.
    pub fn new(name: Name, algorithm: Algorithm, secret: &[u8]) -> Self {
        Self { name: name.to_lowercase(), algorithm, start: Hasher::new(algorithm, secret) }
    }

    /// Its name, in lower case.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The octets that a signature with this key adds to a message.
    pub fn signature_octets(&self) -> usize {
        super::record::octets(self.name.as_wire().len(), self.algorithm.wire().len(), self.algorithm.octets(), 0)
    }

    /// Whether a MAC may have so many octets (RFC 8945, section 5.2.2.1).
    pub(super) fn takes_mac_of(&self, octets: usize) -> bool {
        (self.algorithm.octets_min()..=self.algorithm.octets()).contains(&octets)
    }

    /// A hash with the secret in it.
    pub(super) fn hasher(&self) -> Hasher {
        self.start.clone()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("name", &self.name).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// The keys that a server knows, by name.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// Each under its name.
    by_name: BTreeMap<Name, Arc<Key>>,
}

impl Keys {
    /// The key of this name, in any case.
    pub fn get(&self, name: &Name) -> Option<&Arc<Key>> {
        self.by_name.get(name)
    }

    /// Adds a key; gives the one it takes the place of.
    pub fn insert(&mut self, key: Arc<Key>) -> Option<Arc<Key>> {
        self.by_name.insert(key.name.clone(), key)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// The key that a signature names: name and algorithm together.
    pub(super) fn of_signature(&self, name: NameRef<'_>, algorithm: NameRef<'_>) -> Option<&Arc<Key>> {
        let key = self.by_name.get(&name.to_name())?;
        algorithm.as_wire().eq_ignore_ascii_case(key.algorithm.wire()).then_some(key)
    }
}

impl FromIterator<Arc<Key>> for Keys {
    fn from_iter<I: IntoIterator<Item = Arc<Key>>>(keys: I) -> Self {
        Self { by_name: keys.into_iter().map(|key| (key.name.clone(), key)).collect() }
    }
}
