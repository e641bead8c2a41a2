//! Who may do something: [`AccessList`], by address, by key, or by both.
//!
//! A list says only who; what they may is said by where it stands. Keys are compared by name: that a message was signed with one is found
//! out before, by [`tsig`](crate::tsig).

mod prefix;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use zone_segment::{Name, NameError};

pub use prefix::{Prefix, PrefixError};

/// A list of who may; an empty one allows nobody.
///
/// ```
/// use dns::access::AccessList;
///
/// let list: AccessList = ["192.0.2.0/24", "2001:db8::1 key:xfr.example."].iter().map(|entry| entry.parse().unwrap()).collect();
/// assert!(list.allows("192.0.2.7".parse().unwrap(), None));
/// assert!(!list.allows("2001:db8::1".parse().unwrap(), None), "both are asked for");
/// assert!(list.allows("2001:db8::1".parse().unwrap(), Some(&"XFR.example".parse().unwrap())));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccessList {
    /// Its entries: one that matches is enough.
    entries: Vec<AccessEntry>,
}

/// One entry of a list: `PREFIX`, `key:NAME`, `PREFIX key:NAME` or `any`, each also with `tls`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccessEntry {
    /// The addresses; any without it.
    prefix: Option<Prefix>,
    /// The key; any, and none at all, without it.
    key: Option<Name>,
    /// Whether nothing is allowed but what goes over TLS.
    needs_tls: bool,
}

impl AccessList {
    /// Whether somebody at this address, who has signed with this key or with none, is allowed without TLS.
    ///
    /// An IPv4 address may come as one of IPv6 (`::ffff:192.0.2.1`), as it does from sockets that take both.
    pub fn allows(&self, address: IpAddr, key: Option<&Name>) -> bool {
        self.allows_by(address, key, false)
    }

    /// The same of somebody who came over TLS (RFC 9103, section 9).
    pub fn allows_over_tls(&self, address: IpAddr, key: Option<&Name>) -> bool {
        self.allows_by(address, key, true)
    }

    /// Whether somebody is allowed, over TLS or without.
    fn allows_by(&self, address: IpAddr, key: Option<&Name>, is_tls: bool) -> bool {
        let address = address.to_canonical();
        self.entries.iter().any(|entry| (is_tls || !entry.needs_tls) && entry.allows(address, key))
    }

    /// Its entries.
    pub fn entries(&self) -> &[AccessEntry] {
        &self.entries
    }

    /// Whether it allows nobody.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl FromIterator<AccessEntry> for AccessList {
    fn from_iter<I: IntoIterator<Item = AccessEntry>>(entries: I) -> Self {
        Self { entries: entries.into_iter().collect() }
    }
}

impl AccessEntry {
    /// An entry that asks for what it names: both, where both are there; nothing, where neither is.
    pub const fn new(prefix: Option<Prefix>, key: Option<Name>) -> Self {
        Self { prefix, key, needs_tls: false }
    }

    /// An entry for all who have this address, whether they sign or not; an IPv4 address as such, also where it comes as one of IPv6.
    pub fn of_address(address: IpAddr) -> Self {
        Self::new(Some(Prefix::of_address(address.to_canonical())), None)
    }

    /// The entry with a key asked for beside what it asks for.
    #[must_use]
    pub fn with_key(self, key: Name) -> Self {
        Self { key: Some(key), ..self }
    }

    /// The addresses; any without.
    pub fn prefix(&self) -> Option<Prefix> {
        self.prefix
    }

    /// Whether nothing is allowed but what goes over TLS.
    pub const fn needs_tls(&self) -> bool {
        self.needs_tls
    }

    /// The key that is asked for.
    pub fn key(&self) -> Option<&Name> {
        self.key.as_ref()
    }

    /// Whether it allows somebody; the address is an IPv4 one where it can be.
    fn allows(&self, address: IpAddr, key: Option<&Name>) -> bool {
        self.prefix.is_none_or(|prefix| prefix.contains(address))
            && self.key.as_ref().is_none_or(|expected| key == Some(expected))
    }
}

impl FromStr for AccessEntry {
    type Err = AccessError;

    fn from_str(text: &str) -> Result<Self, AccessError> {
        let error = |fault| AccessError { found: text.to_owned(), fault };
        let mut entry = Self::new(None, None);
        let mut has_any = false;
        for word in text.split_whitespace() {
            if let Some(name) = word.strip_prefix("key:") {
                let name = name.parse().map_err(|fault| error(AccessFault::Key(fault)))?;
                if entry.key.replace(name).is_some() {
                    return Err(error(AccessFault::Form));
                }
            } else if word == "tls" && !entry.needs_tls {
                entry.needs_tls = true;
            } else if has_any || entry.prefix.is_some() {
                return Err(error(AccessFault::Form));
            } else if word == "any" {
                has_any = true;
            } else {
                entry.prefix = Some(word.parse().map_err(|fault| error(AccessFault::Prefix(fault)))?);
            }
        }
        // Nothing at all is no way to write `any`.
        if !has_any && entry.prefix.is_none() && entry.key.is_none() {
            return Err(error(AccessFault::Form));
        }
        Ok(entry)
    }
}

impl TryFrom<String> for AccessEntry {
    type Error = AccessError;

    fn try_from(text: String) -> Result<Self, AccessError> {
        text.parse()
    }
}

impl From<AccessEntry> for String {
    fn from(entry: AccessEntry) -> Self {
        entry.to_string()
    }
}

impl fmt::Display for AccessEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.prefix, &self.key) {
            (None, None) => f.write_str("any"),
            (Some(prefix), None) => write!(f, "{prefix}"),
            (None, Some(key)) => write!(f, "key:{key}"),
            (Some(prefix), Some(key)) => write!(f, "{prefix} key:{key}"),
        }?;
        f.write_str(if self.needs_tls { " tls" } else { "" })
    }
}

/// A text that is no entry of an access list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessError {
    /// The text as given.
    pub found: String,
    /// What is wrong with it.
    pub fault: AccessFault,
}

/// What is wrong with an entry of an access list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessFault {
    /// There is nothing, or more than one prefix or key.
    Form,
    /// A word is neither a prefix nor `key:NAME` nor `any`.
    Prefix(PrefixError),
    /// The name of the key is no name.
    Key(NameError),
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = &self.found;
        write!(
            f,
            "expected PREFIX, key:NAME, both in one entry where both are needed, or any, each with tls where that is needed too; found {found:?}"
        )?;
        match &self.fault {
            AccessFault::Form if found.trim().is_empty() => f.write_str("; an empty list allows nobody"),
            AccessFault::Form => {
                f.write_str("; write an entry of its own for each prefix and each key, and beside tls at least any")
            }
            AccessFault::Prefix(error) => write!(f, ": {error}"),
            AccessFault::Key(error) => write!(f, ": {error}"),
        }
    }
}

impl Error for AccessError {}
