//! The secrets of server cookies (RFC 9018): 16 octets, written as 32 hexadecimal digits, never shown in logs or errors.

use std::fmt;
use std::str::FromStr;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Serialize};

/// One secret.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CookieSecret(pub [u8; COOKIE_SECRET_OCTETS]);

/// A key of SipHash-2-4.
pub const COOKIE_SECRET_OCTETS: usize = 16;

impl fmt::Debug for CookieSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieSecret(..)")
    }
}

impl FromStr for CookieSecret {
    type Err = CookieSecretError;

    fn from_str(text: &str) -> Result<Self, CookieSecretError> {
        let octets = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok();
        let secret = octets.and_then(|octets| octets.try_into().ok()).map(Self);
        secret.ok_or(CookieSecretError { found_characters: text.chars().count() })
    }
}

impl TryFrom<String> for CookieSecret {
    type Error = CookieSecretError;

    fn try_from(text: String) -> Result<Self, CookieSecretError> {
        text.parse()
    }
}

impl From<CookieSecret> for String {
    fn from(secret: CookieSecret) -> Self {
        HEXLOWER.encode(&secret.0)
    }
}

/// A text that is no secret. It is not shown: it may be one with a slip of the finger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CookieSecretError {
    /// How many characters were given.
    pub found_characters: usize,
}

impl fmt::Display for CookieSecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = 2 * COOKIE_SECRET_OCTETS;
        match self.found_characters {
            found if found == digits => {
                write!(f, "expected {digits} hexadecimal digits, found something else among them")
            }
            found => write!(f, "expected {digits} hexadecimal digits, found {found} characters"),
        }
    }
}

impl std::error::Error for CookieSecretError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_of_either_case() {
        let secret: CookieSecret = "E5e973e5a6b2a43f48e7dc849e37bfcf".parse().unwrap();
        assert_eq!(secret.0[..2], [0xe5, 0xe9]);
        assert_eq!(String::from(secret), "e5e973e5a6b2a43f48e7dc849e37bfcf");
    }

    #[test]
    fn neither_errors_nor_debug_output_show_a_secret() {
        let text = "e5e973e5a6b2a43f48e7dc849e37bfcf";
        assert_eq!(format!("{:?}", text.parse::<CookieSecret>().unwrap()), "CookieSecret(..)");
        for wrong in [&text[1..], "g5e973e5a6b2a43f48e7dc849e37bfcf", ""] {
            let error = wrong.parse::<CookieSecret>().unwrap_err().to_string();
            assert!(error.contains("32 hexadecimal digits") && !error.contains("e973"), "{error}");
        }
    }
}
