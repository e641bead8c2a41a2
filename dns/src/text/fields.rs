//! The RDATA of one entry as fields: [`Fields`] hands out token after token, decoded as the type of the record asks.
//!
//! It is the scanner that the `domain` crate reads RDATA from, and the source of our own layouts (`layout.rs`). It remembers
//! which token it gave last, so that an error can say where. It knows nothing of owners, TTLs and directives.

use super::name::{self, NameFault};
use super::token::Token;
use super::ttl::TtlFault;
use domain::base::charstr::CharStr;
use domain::base::name::Name;
use domain::base::scan::{ConvertSymbols, EntrySymbol, Scanner, ScannerError, Symbol};
use domain::dep::octseq::str::Str;
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

impl ScannerError for RdataFault {
    fn custom(message: &'static str) -> Self {
        Self::Malformed(message)
    }

    fn end_of_entry() -> Self {
        Self::TooShort
    }

    fn short_buf() -> Self {
        Self::TooLong
    }

    fn trailing_tokens() -> Self {
        Self::Trailing
    }
}

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
        each_symbol(text, |symbol| {
            out.push(symbol.into_octet().map_err(|_| BAD_ESCAPE)?);
            Ok(())
        })
    }

    /// Steps over the marker of RDATA in the notation for any type (RFC 3597, section 5), if it comes next.
    pub(super) fn take_generic_marker(&mut self) -> bool {
        let is_marker =
            self.tokens.get(self.given).is_some_and(|token| !token.quoted && token.text(self.source) == b"\\#");
        self.given += usize::from(is_marker);
        is_marker
    }
}

impl Scanner for Fields<'_> {
    type Octets = Vec<u8>;
    type OctetsBuilder = Vec<u8>;
    type Name = Name<Vec<u8>>;
    type Error = RdataFault;

    fn has_space(&self) -> bool {
        self.tokens.get(self.given).is_some_and(|token| !token.joined)
    }

    fn continues(&mut self) -> bool {
        !self.is_empty()
    }

    fn scan_symbols<F>(&mut self, op: F) -> Result<(), RdataFault>
    where
        F: FnMut(Symbol) -> Result<(), RdataFault>,
    {
        each_symbol(self.take()?, op)
    }

    fn scan_entry_symbols<F>(&mut self, mut op: F) -> Result<(), RdataFault>
    where
        F: FnMut(EntrySymbol) -> Result<(), RdataFault>,
    {
        while !self.is_empty() {
            each_symbol(self.take()?, |symbol| op(symbol.into()))?;
            op(EntrySymbol::EndOfToken)?;
        }
        Ok(())
    }

    fn convert_token<C: ConvertSymbols<Symbol, RdataFault>>(&mut self, mut convert: C) -> Result<Vec<u8>, RdataFault> {
        let mut octets = Vec::new();
        each_symbol(self.take()?, |symbol| {
            octets.extend_from_slice(convert.process_symbol(symbol)?.unwrap_or_default());
            Ok(())
        })?;
        octets.extend_from_slice(convert.process_tail()?.unwrap_or_default());
        Ok(octets)
    }

    fn convert_entry<C: ConvertSymbols<EntrySymbol, RdataFault>>(
        &mut self,
        mut convert: C,
    ) -> Result<Vec<u8>, RdataFault> {
        let mut octets = Vec::new();
        while !self.is_empty() {
            each_symbol(self.take()?, |symbol| {
                octets.extend_from_slice(convert.process_symbol(symbol.into())?.unwrap_or_default());
                Ok(())
            })?;
        }
        octets.extend_from_slice(convert.process_tail()?.unwrap_or_default());
        Ok(octets)
    }

    fn scan_octets(&mut self) -> Result<Vec<u8>, RdataFault> {
        let mut octets = Vec::new();
        self.take_octets(&mut octets)?;
        Ok(octets)
    }

    fn scan_svcb_octets(&mut self) -> Result<Vec<u8>, RdataFault> {
        let mut octets = self.scan_octets()?;
        while self.tokens.get(self.given).is_some_and(|token| token.joined) {
            self.take_octets(&mut octets)?;
        }
        Ok(octets)
    }

    fn scan_ascii_str<F, T>(&mut self, op: F) -> Result<T, RdataFault>
    where
        F: FnOnce(&str) -> Result<T, RdataFault>,
    {
        let octets = self.scan_octets()?;
        match std::str::from_utf8(&octets) {
            Ok(text) if text.is_ascii() => op(text),
            _ => Err(RdataFault::Malformed("expected ASCII characters")),
        }
    }

    fn scan_name(&mut self) -> Result<Name<Vec<u8>>, RdataFault> {
        let mut wire = Vec::new();
        self.take_name(&mut wire)?;
        Name::from_octets(wire).map_err(|_| RdataFault::Malformed("expected a domain name"))
    }

    fn scan_charstr(&mut self) -> Result<CharStr<Vec<u8>>, RdataFault> {
        CharStr::from_octets(self.scan_octets()?).map_err(|_| STRING_TOO_LONG)
    }

    fn scan_string(&mut self) -> Result<Str<Vec<u8>>, RdataFault> {
        Str::from_utf8(self.scan_octets()?).map_err(|_| RdataFault::Malformed("expected UTF-8"))
    }

    fn scan_charstr_entry(&mut self) -> Result<Vec<u8>, RdataFault> {
        let mut octets = Vec::new();
        while !self.is_empty() {
            let start = octets.len();
            octets.push(0);
            self.take_octets(&mut octets)?;
            octets[start] = u8::try_from(octets.len() - start - 1).map_err(|_| STRING_TOO_LONG)?;
        }
        Ok(octets)
    }

    fn scan_opt_unknown_marker(&mut self) -> Result<bool, RdataFault> {
        Ok(self.take_generic_marker())
    }

    fn octets_builder(&mut self) -> Result<Vec<u8>, RdataFault> {
        Ok(Vec::new())
    }
}

/// Gives each symbol of a token to `op`.
///
/// An octet outside of ASCII is given as if it were written `\DDD`: text in UTF-8 goes to the wire as it stands in the file.
fn each_symbol(text: &[u8], mut op: impl FnMut(Symbol) -> Result<(), RdataFault>) -> Result<(), RdataFault> {
    let mut rest = text;
    while let [octet, after @ ..] = rest {
        rest = after;
        let symbol = match octet {
            b'\\' => {
                let is_decimal = after.first().is_some_and(u8::is_ascii_digit);
                let (escaped, after) = name::unescape(after).ok_or(BAD_ESCAPE)?;
                rest = after;
                if is_decimal { Symbol::DecimalEscape(escaped) } else { Symbol::SimpleEscape(escaped) }
            }
            0x20..=0x7e => Symbol::Char(char::from(*octet)),
            _ => Symbol::DecimalEscape(*octet),
        };
        op(symbol)?;
    }
    Ok(())
}

/// A backslash with digits after it that are no octet.
const BAD_ESCAPE: RdataFault = RdataFault::Malformed("escape that is not \\DDD with a value up to 255");

/// A character string that its length octet cannot count (RFC 1035, section 3.3).
pub(super) const STRING_TOO_LONG: RdataFault = RdataFault::Malformed("character string longer than 255 octets");
