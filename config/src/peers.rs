//! Other servers, and the keys that are shared with them: [`Remote`] and [`Key`]. What passes between them and us is in [`TransferOptions`].

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use data_encoding::BASE64;
use dns::tsig::{self, Algorithm, Keys};
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
    #[serde(with = "crate::as_text")]
    pub algorithm: Algorithm,
    /// The secret itself.
    pub secret: KeySecret,
}

impl Key {
    /// The key as messages are signed with it.
    pub fn for_signing(&self) -> tsig::Key {
        tsig::Key::new(self.name.clone(), self.algorithm, self.secret.octets())
    }
}

/// Keys as messages are signed and verified with them, by name.
pub fn signing_keys(keys: &[Key]) -> Keys {
    keys.iter().map(|key| Arc::new(key.for_signing())).collect()
}

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
        let keys = signing_keys(&[key]);
        assert_eq!(keys.get(&"XFR.example.".parse().unwrap()).unwrap().algorithm(), Algorithm::HmacSha512);
        for key in [None, Some("xfr.example.".parse().unwrap())] {
            let addresses = vec!["192.0.2.1:53".parse().unwrap()];
            let remote = Remote { name: "primary".to_owned(), addresses, key };
            let json = serde_json::to_string(&remote).unwrap();
            assert_eq!(serde_json::from_str::<Remote>(&json).unwrap(), remote);
        }
    }
}
