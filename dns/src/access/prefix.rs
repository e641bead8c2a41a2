//! Address prefixes, as operators write them: `192.0.2.0/24`, `2001:db8::/32`, or one address alone.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A prefix: the addresses that share its leading bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix {
    /// Its first address; the bits behind the prefix are 0.
    address: IpAddr,
    /// How many leading bits count.
    bits: u8,
}

impl Prefix {
    /// One address alone.
    pub const fn of_address(address: IpAddr) -> Self {
        Self { address, bits: if address.is_ipv4() { 32 } else { 128 } }
    }

    /// Its first address.
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// How many leading bits count: up to 32 of IPv4, up to 128 of IPv6.
    pub const fn bits(&self) -> u8 {
        self.bits
    }

    /// Whether an address is one of its.
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && first_of(address, self.bits) == self.address
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let error = |remedy| PrefixError { found: text.to_owned(), remedy };
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| error(String::new()))?;
        if let IpAddr::V6(mapped) = address
            && mapped.to_ipv4_mapped().is_some()
        {
            return Err(error("; write an IPv4 address without ::ffff:".to_owned()));
        }
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let bits: u8 = bits.map_or(Ok(bits_max), str::parse).map_err(|_| error(String::new()))?;
        if bits > bits_max {
            return Err(error(format!("; at most {bits_max} bits")));
        }
        let first = first_of(address, bits);
        if first != address {
            return Err(error(format!("; bits are set behind the prefix, give {first}/{bits}")));
        }
        Ok(Self { address, bits })
    }
}

impl TryFrom<String> for Prefix {
    type Error = PrefixError;

    fn try_from(text: String) -> Result<Self, PrefixError> {
        text.parse()
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> Self {
        prefix.to_string()
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// The first address of the prefix of so many bits that an address lies in.
fn first_of(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32u32.saturating_sub(bits.into())).unwrap_or(0);
            IpAddr::V4((u32::from(address) & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128u32.saturating_sub(bits.into())).unwrap_or(0);
            IpAddr::V6((u128::from(address) & mask).into())
        }
    }
}

/// A text that is no prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrefixError {
    /// The text as given.
    pub found: String,
    /// What is wrong with it, where it looks like one; begins with `; `.
    pub remedy: String,
}

impl fmt::Display for PrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, remedy } = self;
        write!(f, "expected ADDRESS/BITS, such as 192.0.2.0/24 or 2001:db8::/32, found {found:?}{remedy}")
    }
}

impl std::error::Error for PrefixError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a prefix.
    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_of_a_prefix() {
        let cases = [
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "::1", false),
            ("2001:db8::/33", "2001:db8:7fff::1", true),
            ("2001:db8::/33", "2001:db8:8000::1", false),
            ("::/0", "2001:db8::1", true),
        ];
        for (text, address, is_in) in cases {
            assert_eq!(prefix(text).contains(address.parse().unwrap()), is_in, "{address} in {text}");
        }
    }

    #[test]
    fn what_is_no_prefix_is_refused_with_what_would_do() {
        for (text, says) in [
            ("192.0.2.1/24", "192.0.2.0/24"),
            ("192.0.2.0/33", "at most 32"),
            ("::/129", "at most 128"),
            ("localhost", "ADDRESS/BITS"),
            ("192.0.2.0/", "ADDRESS/BITS"),
            ("", "ADDRESS/BITS"),
        ] {
            let error = text.parse::<Prefix>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn text_and_json_come_back() {
        for text in ["192.0.2.0/24", "2001:db8::/32", "::1/128"] {
            assert_eq!(prefix(text).to_string(), text);
            let json = serde_json::to_string(&prefix(text)).unwrap();
            assert_eq!(serde_json::from_str::<Prefix>(&json).unwrap(), prefix(text));
        }
    }
}
