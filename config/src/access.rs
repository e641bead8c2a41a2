//! Access lists: who may do something, by address, by the key a message is signed with, or by both.
//!
//! [`AccessList`] is what processes ask; an [`Entry`] is one line of it, as operators write them: `192.0.2.0/24`, `key:xfr.example.`,
//! `192.0.2.7 key:xfr.example.` where both are needed, or `any`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use zone_segment::Name;

use crate::prefix::{Prefix, PrefixError};

/// Who may do something: whoever one of the entries lets in. An empty list lets nobody in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccessList {
    /// Its entries, in the order they were given in, which does not matter.
    #[serde(with = "crate::as_text::list")]
    entries: Vec<Entry>,
}

impl AccessList {
    /// A list of these entries.
    pub const fn new(entries: Vec<Entry>) -> Self {
        Self { entries }
    }

    /// Whoever asks from this machine itself.
    pub fn loopback() -> Self {
        let prefixes = [(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8), (IpAddr::V6(Ipv6Addr::LOCALHOST), 128)];
        let entry = |(address, bits)| Entry { prefix: Some(Prefix::new(address, bits)), key: None };
        Self { entries: prefixes.map(entry).into() }
    }

    /// Whether somebody at this address is let in, whose message is signed with this key, if with any. The signature has been verified.
    pub fn allows(&self, address: IpAddr, key: Option<&Name>) -> bool {
        self.entries.iter().any(|entry| entry.allows(address, key))
    }

    /// Whether it lets nobody in.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Its entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

/// One entry: what it names is needed, both of it where it names both, and nothing where it names neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where the asker is.
    pub prefix: Option<Prefix>,
    /// What it signs with.
    pub key: Option<Name>,
}

impl Entry {
    /// Whether it lets somebody in; as [`AccessList::allows`].
    pub fn allows(&self, address: IpAddr, key: Option<&Name>) -> bool {
        self.prefix.is_none_or(|prefix| prefix.contains(address))
            && self.key.as_ref().is_none_or(|needed| key == Some(needed))
    }
}

impl FromStr for Entry {
    type Err = EntryError;

    fn from_str(text: &str) -> Result<Self, EntryError> {
        if text == ANY {
            return Ok(Entry { prefix: None, key: None });
        }
        let mut entry = Entry { prefix: None, key: None };
        for part in text.split_ascii_whitespace() {
            let error = |remedy: String| EntryError { found: text.to_owned(), remedy };
            match part.strip_prefix(KEY_MARK) {
                Some(key) if entry.key.is_none() => {
                    let name = key.parse().map_err(|reason| error(format!("; {key:?} names no key: {reason}")))?;
                    entry.key = Some(name);
                }
                None if entry.prefix.is_none() && entry.key.is_none() => {
                    let prefix = part.parse().map_err(|reason: PrefixError| error(reason.remedy))?;
                    entry.prefix = Some(prefix);
                }
                _ => {
                    return Err(error(
                        "; one prefix and one key are needed together, write others as entries".to_owned(),
                    ));
                }
            }
        }
        match entry {
            Entry { prefix: None, key: None } => Err(EntryError { found: text.to_owned(), remedy: String::new() }),
            entry => Ok(entry),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.prefix, &self.key) {
            (None, None) => f.write_str(ANY),
            (Some(prefix), None) => prefix.fmt(f),
            (None, Some(key)) => write!(f, "{KEY_MARK}{key}"),
            (Some(prefix), Some(key)) => write!(f, "{prefix} {KEY_MARK}{key}"),
        }
    }
}

/// A text that is no entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntryError {
    /// The text as given.
    pub found: String,
    /// What is wrong with it, where that can be said; begins with `; `.
    pub remedy: String,
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, remedy } = self;
        write!(f, "expected ADDRESS/BITS, key:NAME, both with a space between, or any, found {found:?}{remedy}")
    }
}

impl std::error::Error for EntryError {}

/// The entry that lets everybody in.
const ANY: &str = "any";

/// What stands before the name of a key.
const KEY_MARK: &str = "key:";

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of entries.
    fn list(entries: &[&str]) -> AccessList {
        AccessList::new(entries.iter().map(|entry| entry.parse().unwrap()).collect())
    }

    #[test]
    fn address_and_key_are_both_needed_where_both_are_named() {
        let key: Name = "Xfr.Example.".parse().unwrap();
        let other: Name = "other.".parse().unwrap();
        let cases = [
            (&["192.0.2.0/24"][..], "192.0.2.9", None, true),
            (&["192.0.2.0/24"], "192.0.3.9", Some(&key), false),
            (&["key:xfr.example."], "203.0.113.1", Some(&key), true),
            (&["key:xfr.example"], "203.0.113.1", Some(&other), false),
            (&["key:xfr.example."], "203.0.113.1", None, false),
            (&["192.0.2.7 key:xfr.example."], "192.0.2.7", Some(&key), true),
            (&["192.0.2.7 key:xfr.example."], "192.0.2.7", None, false),
            (&["192.0.2.7 key:xfr.example."], "192.0.2.8", Some(&key), false),
            (&["2001:db8::/32", "any"], "192.0.2.8", None, true),
            (&[], "127.0.0.1", Some(&key), false),
        ];
        for (entries, address, key, expected) in cases {
            assert_eq!(
                list(entries).allows(address.parse().unwrap(), key),
                expected,
                "{address} {key:?} in {entries:?}"
            );
        }
    }

    #[test]
    fn loopback_is_this_machine_alone() {
        let loopback = AccessList::loopback();
        for (address, expected) in
            [("127.0.0.1", true), ("127.9.9.9", true), ("::1", true), ("::2", false), ("10.0.0.1", false)]
        {
            assert_eq!(loopback.allows(address.parse().unwrap(), None), expected, "{address}");
        }
    }

    #[test]
    fn text_and_json_come_back() {
        let texts = ["any", "192.0.2.0/24", "key:xfr.example.", "2001:db8::1/128 key:xfr.example."];
        let json = serde_json::to_string(&list(&texts)).unwrap();
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), texts);
        assert_eq!(serde_json::from_str::<AccessList>(&json).unwrap(), list(&texts));
    }

    #[test]
    fn what_is_no_entry_is_refused_with_what_would_do() {
        for (text, says) in [
            ("", "found \"\""),
            ("localhost", "ADDRESS/BITS, key:NAME"),
            ("192.0.2.1/24", "give 192.0.2.0/24"),
            ("key:", "names no key"),
            ("key:a..b", "names no key"),
            ("192.0.2.1 192.0.2.2", "one prefix and one key"),
            ("key:a. key:b.", "one prefix and one key"),
            ("key:a. 192.0.2.1", "one prefix and one key"),
            ("any key:a.", "ADDRESS/BITS"),
        ] {
            let error = text.parse::<Entry>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
