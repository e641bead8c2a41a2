//! Addresses to listen at, as operators write them: `192.0.2.1:53`, `[2001:db8::1]:53`.

use std::fmt;
use std::net::SocketAddr;

/// Reads an address with a port.
///
/// # Errors
///
/// When the text is no IP address with a port; names are not looked up.
pub fn parse(text: &str) -> Result<SocketAddr, ListenAddressError> {
    text.parse().map_err(|_| ListenAddressError { found: text.to_owned() })
}

/// A text that is no address with a port.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListenAddressError {
    /// The text as given.
    pub found: String,
}

impl fmt::Display for ListenAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected ADDRESS:PORT, such as 192.0.2.1:53 or [2001:db8::1]:53, found {:?}", self.found)
    }
}

impl std::error::Error for ListenAddressError {}

/// The first two addresses of which a server can't have both: the same twice, or one that is part of another that means all.
///
/// Port 0 is another port each time. All addresses of IPv6 are none of IPv4.
pub fn overlap(addresses: &[SocketAddr]) -> Option<Overlap> {
    addresses.iter().enumerate().find_map(|(second, later)| {
        let first = addresses.iter().take(second).position(|earlier| excludes(*earlier, *later))?;
        Some(Overlap { first, second, addresses: [*addresses.get(first)?, *later] })
    })
}

/// Whether two addresses can't be had together.
fn excludes(one: SocketAddr, other: SocketAddr) -> bool {
    let is_same_port = one.port() == other.port() && one.port() != 0 && one.is_ipv4() == other.is_ipv4();
    is_same_port && (one == other || one.ip().is_unspecified() || other.ip().is_unspecified())
}

/// Two addresses of which a server can't have both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Overlap {
    /// Where the first stands in the list.
    pub first: usize,
    /// Where the second does.
    pub second: usize,
    /// Both.
    pub addresses: [SocketAddr; 2],
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.addresses {
            [one, other] if one == other => write!(f, "expected each address once, found {one} twice; leave one out"),
            [one, other] => {
                write!(
                    f,
                    "expected addresses apart, found {one} and {other}, one of which has the other in it; leave one out"
                )
            }
        }
    }
}

impl std::error::Error for Overlap {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_exclude_each_other() {
        let found = |texts: &[&str]| {
            let addresses: Vec<SocketAddr> = texts.iter().map(|text| parse(text).unwrap()).collect();
            overlap(&addresses).map(|overlap| (overlap.first, overlap.second))
        };
        assert_eq!(found(&["127.0.0.1:53", "[::1]:53", "127.0.0.1:53"]), Some((0, 2)));
        assert_eq!(found(&["127.0.0.1:53", "0.0.0.0:53"]), Some((0, 1)));
        assert_eq!(found(&["0.0.0.0:53", "[::]:53", "127.0.0.1:54"]), None);
        assert_eq!(found(&["127.0.0.1:0", "127.0.0.1:0"]), None);
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn both_families() {
        assert_eq!(parse("127.0.0.1:0").unwrap().port(), 0);
        assert!(parse("[::1]:5300").unwrap().is_ipv6());
    }

    #[test]
    fn names_and_bare_addresses_are_refused() {
        for text in ["localhost:53", "127.0.0.1", "::1:53:", ""] {
            assert!(parse(text).unwrap_err().to_string().contains("ADDRESS:PORT"));
        }
    }
}
