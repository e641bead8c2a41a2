//! The RDATA of one entry as fields: [`Fields`] hands out token after token, decoded as the type of the record asks.
//!
//! It remembers which token it gave last, so that an error can say where. It knows nothing of types (`layout.rs`, `field.rs`), nor of owners,
//! TTLs and directives (`zonefile.rs`).

use super::name::{self, NameFault};
use super::token::Token;
use super::ttl::TtlFault;
use std::error::Error;
use std::fmt;

/// What keeps tokens from being RDATA of their type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RdataFault {
    /// A field is not what its place asks for.
    Malformed(&'static str),
    /// A field that holds a domain name holds none.
    Name(NameFault),
    /// A field that holds a time holds none.
    Time(TtlFault),
    /// The entry ends before the RDATA is complete.
    TooShort,
    /// The RDATA is complete and the entry goes on.
    Trailing,
    /// The RDATA has more octets than a record can hold.
    TooLong,
    /// The type has no presentation format that is known here.
    NoFormat,
}

impl fmt::Display for RdataFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(expected) => f.write_str(expected),
            Self::Name(fault) => fault.fmt(f),
            Self::Time(fault) => fault.fmt(f),
            Self::TooShort => f.write_str("RDATA ends too early"),
            Self::Trailing => f.write_str("more fields than the type has"),
            Self::TooLong => f.write_str("RDATA longer than 65535 octets"),
            Self::NoFormat => f.write_str("type without a known presentation format"),
        }
    }
}

impl Error for RdataFault {}

/// The tokens of one RDATA, given out from the first to the last.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    /// The file the tokens lie in.
    source: &'a [u8],
    /// The tokens of the RDATA.
    tokens: &'a [Token],
    /// How many of them were given out.
    given: usize,
    /// The origin that completes relative names, in wire form.
    origin: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Starts before the first token.
    pub(super) fn new(source: &'a [u8], tokens: &'a [Token], origin: &'a [u8]) -> Self {
        Self { source, tokens, given: 0, origin }
    }

    /// The token given last: where an error that was found just now lies. `None` when no token was given.
    pub(super) fn last(&self) -> Option<Token> {
        self.given.checked_sub(1).and_then(|last| self.tokens.get(last)).copied()
    }

    /// Whether all tokens were given.
    pub(super) fn is_empty(&self) -> bool {
        self.given >= self.tokens.len()
    }

    /// Gives the next token as it is written.
    pub(super) fn take(&mut self) -> Result<&'a [u8], RdataFault> {
        let token = self.tokens.get(self.given).ok_or(RdataFault::TooShort)?;
        self.given += 1;
        Ok(token.text(self.source))
    }

    /// Gives the next token as a domain name in wire form, appended to `out`.
    pub(super) fn take_name(&mut self, out: &mut Vec<u8>) -> Result<(), RdataFault> {
        let name = name::parse(self.take()?, self.origin).map_err(RdataFault::Name)?;
        out.extend_from_slice(name.as_wire());
        Ok(())
    }

    /// Gives the next token with its escapes read, appended to `out`.
    pub(super) fn take_octets(&mut self, out: &mut Vec<u8>) -> Result<(), RdataFault> {
        let text = self.take()?;
        if !text.contains(&b'\\') {
            out.extend_from_slice(text);
            return Ok(());
        }
        let mut rest = text;
        while let [octet, after @ ..] = rest {
            rest = after;
            let mut octet = *octet;
            if octet == b'\\' {
                (octet, rest) = name::unescape(after).ok_or(RdataFault::Name(NameFault::BadEscape))?;
            }
            out.push(octet);
        }
        Ok(())
    }

    /// Gives the rest of the entry in one piece, appended to `out`: encoded octets, which may be cut anywhere. Each octet must
    /// be of the encoding's alphabet.
    pub(super) fn take_encoded(
        &mut self,
        is_of_alphabet: impl Fn(&u8) -> bool,
        expected: &'static str,
        out: &mut Vec<u8>,
    ) -> Result<(), RdataFault> {
        while !self.is_empty() {
            let text = self.take()?;
            if !text.iter().all(&is_of_alphabet) {
                return Err(RdataFault::Malformed(expected));
            }
            out.extend_from_slice(text);
        }
        Ok(())
    }

    /// Shows the next token as it is written, without giving it.
    pub(super) fn peek(&self) -> Result<&'a [u8], RdataFault> {
        self.tokens.get(self.given).map(|token| token.text(self.source)).ok_or(RdataFault::TooShort)
    }

    /// Whether the next token follows the last without a blank.
    pub(super) fn is_joined(&self) -> bool {
        self.tokens.get(self.given).is_some_and(|token| token.joined)
    }

    /// Steps over the marker of RDATA in the notation for any type (RFC 3597, section 5), if it comes next.
    pub(super) fn take_generic_marker(&mut self) -> bool {
        let is_marker =
            self.tokens.get(self.given).is_some_and(|token| !token.quoted && token.text(self.source) == b"\\#");
        self.given += usize::from(is_marker);
        is_marker
    }
}

/// A character string that its length octet cannot count (RFC 1035, section 3.3).
pub(super) const STRING_TOO_LONG: RdataFault = RdataFault::Malformed("character string longer than 255 octets");
