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
        write!(f, "expected ADDRESS:PORT, such as 192.0.2.1:53 or [2001:db8::1]:53; found {:?}", self.found)
    }
}

impl std::error::Error for ListenAddressError {}

#[cfg(test)]
mod tests {
    use super::*;

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
