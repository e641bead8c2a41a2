//! Who a message is from and who a peer is: [`Address`], [`SessionId`], [`PeerName`].
//!
//! An address names one connection of one broker session and is never given out twice; a name is what a peer calls itself
//! and proves nothing.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest name a peer may give itself; names stand in each log line about the peer.
pub const NAME_MAX: usize = 64;

/// One run of a broker, drawn at random at its start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u64);

impl SessionId {
    /// Draws an id that no other run has, but for a chance of one in 2⁶⁴.
    pub(crate) fn random() -> Self {
        // The standard library seeds each `RandomState` from the kernel's random numbers; time and process id keep
        // two processes apart even on a machine whose random numbers repeat, as a restored snapshot's do.
        Self(RandomState::new().hash_one((SystemTime::now(), std::process::id())))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One connection to a broker, written `3f2a90c1d4e57b86-17`: the broker's session and a counter.
///
/// Number 0 is the broker itself; it speaks (membership notifications) and cannot be spoken to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The broker's run.
    session: SessionId,
    /// Counts the connections of that run from 1.
    number: u64,
}

impl Address {
    /// The address of connection `number` in `session`.
    pub(crate) const fn new(session: SessionId, number: u64) -> Self {
        Self { session, number }
    }

    /// The broker's run; two addresses of different runs never meet.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The broker's own address in this session.
    #[must_use]
    pub fn broker(self) -> Self {
        Self { session: self.session, number: 0 }
    }

    /// Whether this is the broker itself.
    #[must_use]
    pub fn is_broker(&self) -> bool {
        self.number == 0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.session, self.number)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not an address: sixteen lower-case hexadecimal digits, a hyphen, a decimal number without leading zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddressError {
    /// What was given.
    pub got: String,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reading a bus address: expected 16 hexadecimal digits, `-` and a number, got `{}`", self.got)
    }
}

impl std::error::Error for AddressError {}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let parsed = text.split_once('-').and_then(|(session, number)| {
            let session = u64::from_str_radix(session, 16).ok()?;
            Some(Self { session: SessionId(session), number: number.parse().ok()? })
        });
        // Writing it again refuses what the integer parsers are lenient about: signs, capitals, leading zeros.
        parsed.filter(|address| address.to_string() == text).ok_or_else(|| AddressError { got: text.to_owned() })
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// What a peer calls itself, for people to read: 1 to [`NAME_MAX`] printable ASCII characters, no quote, no backslash.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PeerName(String);

impl PeerName {
    /// Checks `name` and takes it.
    pub fn new(name: impl Into<String>) -> Result<Self, PeerNameError> {
        let name = name.into();
        let is_plain = |byte: u8| (byte.is_ascii_graphic() || byte == b' ') && byte != b'"' && byte != b'\\';
        if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(is_plain) {
            return Err(PeerNameError { got: name });
        }
        Ok(Self(name))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl TryFrom<String> for PeerName {
    type Error = PeerNameError;

    fn try_from(name: String) -> Result<Self, PeerNameError> {
        Self::new(name)
    }
}

impl From<PeerName> for String {
    fn from(name: PeerName) -> Self {
        name.0
    }
}

/// A name that no peer may have.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerNameError {
    /// What was given.
    pub got: String,
}

impl fmt::Display for PeerNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "naming a bus peer: expected 1 to {NAME_MAX} printable ASCII characters without quotes and backslashes, got {:?}",
            self.got
        )
    }
}

impl std::error::Error for PeerNameError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_as_written() {
        let address = Address::new(SessionId(0x3f2a), 17);
        assert_eq!(address.to_string(), "0000000000003f2a-17");
        assert_eq!(address.to_string().parse(), Ok(address));
    }

    #[test]
    fn an_address_has_one_spelling_only() {
        for text in [
            "",
            "-",
            "3f2a-17",
            "0000000000003F2A-17",
            "0000000000003f2a-017",
            "+000000000003f2a-1",
            "0000000000003f2a-+1",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_short_and_plain() {
        for name in ["", "a\"b", "a\\b", "a\nb", "ü", &"x".repeat(65)] {
            assert!(PeerName::new(name).is_err(), "{name}");
        }
        assert!(PeerName::new("auth 1 (replaced)").is_ok());
    }
}
