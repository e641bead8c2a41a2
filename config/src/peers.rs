//! Other servers, and the keys that are shared with them: [`Remote`] and [`Key`]. What passes between them and us is in [`TransferOptions`].

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use zone_segment::Name;

use crate::defaults;

/// A key that messages are signed with (TSIG, RFC 8945).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Its name, by which both ends know it.
    #[serde(with = "crate::as_text")]
    pub name: Name,
    /// What it is used with, and with nothing else.
    pub algorithm: Algorithm,
    /// The secret itself.
    pub secret: KeySecret,
}

/// The algorithms of TSIG (RFC 8945, section 6), by their names there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Algorithm {
    /// HMAC with MD5: for peers that know no other.
    HmacMd5,
    /// HMAC with SHA-1: for peers that know no other.
    HmacSha1,
    /// HMAC with SHA-224.
    HmacSha224,
    /// HMAC with SHA-256: what everybody knows.
    HmacSha256,
    /// HMAC with SHA-384.
    HmacSha384,
    /// HMAC with SHA-512.
    HmacSha512,
}

impl Algorithm {
    /// Each of them.
    pub const ALL: [Algorithm; 6] =
        [Self::HmacSha256, Self::HmacSha384, Self::HmacSha512, Self::HmacSha224, Self::HmacSha1, Self::HmacMd5];

    /// Its name, as operators write it.
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
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = AlgorithmError;

    fn from_str(text: &str) -> Result<Self, AlgorithmError> {
        let found = Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text);
        found.ok_or_else(|| AlgorithmError { found: text.to_owned() })
    }
}

impl TryFrom<String> for Algorithm {
    type Error = AlgorithmError;

    fn try_from(text: String) -> Result<Self, AlgorithmError> {
        text.parse()
    }
}

impl From<Algorithm> for String {
    fn from(algorithm: Algorithm) -> Self {
        algorithm.as_str().to_owned()
    }
}

/// A text that names no algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlgorithmError {
    /// The text as given.
    pub found: String,
}

impl fmt::Display for AlgorithmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Algorithm::ALL.map(Algorithm::as_str).join(", ");
        write!(f, "expected one of {known}, found {:?}", self.found)
    }
}

impl std::error::Error for AlgorithmError {}

/// A key's secret, never shown in logs or errors.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeySecret(Box<[u8]>);

impl KeySecret {
    /// Its octets.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret(..)")
    }
}

impl FromStr for KeySecret {
    type Err = KeySecretError;

    fn from_str(text: &str) -> Result<Self, KeySecretError> {
        let octets = BASE64.decode(text.as_bytes()).ok().filter(|octets| octets.len() <= KEY_SECRET_OCTETS_MAX);
        let octets = octets.filter(|octets| octets.len() >= KEY_SECRET_OCTETS_MIN);
        octets.map(|octets| Self(octets.into())).ok_or(KeySecretError { found_characters: text.chars().count() })
    }
}

impl TryFrom<String> for KeySecret {
    type Error = KeySecretError;

    fn try_from(text: String) -> Result<Self, KeySecretError> {
        text.parse()
    }
}

impl From<KeySecret> for String {
    fn from(secret: KeySecret) -> Self {
        BASE64.encode(&secret.0)
    }
}

/// A text that is no secret. It is not shown: it may be one with a slip of the finger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeySecretError {
    /// How many characters were given.
    pub found_characters: usize,
}

impl fmt::Display for KeySecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (min, max, found) = (KEY_SECRET_OCTETS_MIN, KEY_SECRET_OCTETS_MAX, self.found_characters);
        write!(f, "expected {min} to {max} octets in base64, found {found} characters that are none")
    }
}

impl std::error::Error for KeySecretError {}

/// Another server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remote {
    /// What the configuration calls it.
    pub name: String,
    /// Where it is, in the order in which addresses are tried.
    pub addresses: Vec<SocketAddr>,
    /// The key that what we ask of it and send to it is signed with, and that is asked of it.
    #[serde(with = "crate::as_text::option")]
    pub key: Option<Name>,
}

/// Zones given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferOptions {
    /// Transfers at a time.
    pub connections_max: u32,
    /// Transfers at a time of one client's address.
    pub connections_per_client_max: u32,
    /// How long a client may take nothing of what is sent, in milliseconds.
    pub send_timeout_ms: u64,
}

impl Default for TransferOptions {
    fn default() -> Self {
        Self {
            connections_max: defaults::TRANSFERS_MAX,
            connections_per_client_max: defaults::TRANSFERS_PER_CLIENT_MAX,
            send_timeout_ms: defaults::SEND_TIMEOUT_MS,
        }
    }
}

/// A shorter secret is guessed: half of what the weakest algorithm gives (RFC 2104, section 3, asks for all of it).
pub const KEY_SECRET_OCTETS_MIN: usize = 8;

/// A longer secret is hashed before it is used; nobody makes one.
pub const KEY_SECRET_OCTETS_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_comes_back_by_its_name() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
        }
        let error = "hmac-sha3".parse::<Algorithm>().unwrap_err().to_string();
        assert!(error.contains("hmac-sha256, ") && error.contains("found \"hmac-sha3\""), "{error}");
    }

    #[test]
    fn neither_errors_nor_debug_output_show_a_secret() {
        let text = "c2VjcmV0IHNlY3JldCBzZWNyZXQ=";
        let secret: KeySecret = text.parse().unwrap();
        assert_eq!(
            (secret.octets(), format!("{secret:?}")),
            (&b"secret secret secret"[..], "KeySecret(..)".to_owned())
        );
        assert_eq!(String::from(secret), text);
        for wrong in ["c2VjcmV0", "c2VjcmV0IHNlY3JldCBzZWNyZXQ", "c2VjcmV0IHNlY3JldCBzZWNyZXQ=!", ""] {
            let error = wrong.parse::<KeySecret>().unwrap_err().to_string();
            assert!(error.contains("in base64") && !error.contains("c2Vj"), "{error}");
        }
    }

    #[test]
    fn what_is_handed_over_comes_back() {
        let key = Key {
            name: "xfr.example.".parse().unwrap(),
            algorithm: Algorithm::HmacSha512,
            secret: "c2VjcmV0IHNlY3JldCBzZWNyZXQ=".parse().unwrap(),
        };
        let json = serde_json::to_string(&key).unwrap();
        assert!(json.contains("\"hmac-sha512\""), "{json}");
        assert_eq!(serde_json::from_str::<Key>(&json).unwrap(), key);
        for key in [None, Some("xfr.example.".parse().unwrap())] {
            let addresses = vec!["192.0.2.1:53".parse().unwrap()];
            let remote = Remote { name: "primary".to_owned(), addresses, key };
            let json = serde_json::to_string(&remote).unwrap();
            assert_eq!(serde_json::from_str::<Remote>(&json).unwrap(), remote);
        }
    }
}
