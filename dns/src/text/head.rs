//! What lines of zone files and of change files have in common: a record's TTL, class and type before its RDATA, names, and where a fault of an
//! entry lies.
//!
//! What an entry means is for the readers, in `zonefile` and `changes`.

use super::error::{Place, Reason, Severity, ZoneFileError, printable};
use super::fields::Fields;
use super::token::{Token, column};
use super::{name, rdata, ttl};
use crate::types::{Class, Rtype};
use std::path::Path;
use zone_segment::{Name, NameRef};

/// A fault in the entry that is read just now.
pub(super) struct Fault {
    /// What is wrong.
    pub(super) reason: Reason,
    /// Where.
    pub(super) token: Token,
}

impl Fault {
    /// As it is told to who wrote the file.
    pub(super) fn into_error(self, path: &Path, source: &[u8], severity: Severity) -> ZoneFileError {
        let Self { reason, token } = self;
        let text = token.text(source);
        // The place of a quoted string is its quote.
        let start = token.start - usize::from(token.quoted && !matches!(reason, Reason::UnclosedQuote));
        ZoneFileError {
            path: path.to_owned(),
            place: Some(Place { line: token.line, column: column(source, start) }),
            severity,
            reason,
            text: (token.end > token.start || token.quoted).then(|| printable(text)),
        }
    }
}

/// A record up to its RDATA, without the owner.
pub(super) struct Head<'t> {
    /// The TTL it has of its own.
    pub(super) ttl: Option<u32>,
    /// The type.
    pub(super) rtype: Rtype,
    /// Where the type stands.
    pub(super) rtype_token: Token,
    /// What follows the type.
    pub(super) rdata: &'t [Token],
}

impl Head<'_> {
    /// Reads the RDATA, in place of what `out` held.
    pub(super) fn scan_rdata(&self, source: &[u8], origin: NameRef<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut fields = Fields::new(source, self.rdata, origin.as_wire());
        rdata::scan(self.rtype, &mut fields, out).map_err(|fault| {
            let token = fields.last().unwrap_or(self.rtype_token);
            Fault { reason: Reason::Rdata { rtype: self.rtype, fault }, token }
        })
    }
}

/// Reads TTL and class, either or both or none and in either order (RFC 1035, section 5.1), and the type; `start` is the token before them.
/// What is a warning alone goes to `warn`.
pub(super) fn read_head<'t>(
    source: &[u8],
    start: Token,
    tokens: &'t [Token],
    mut warn: impl FnMut(Fault),
) -> Result<Head<'t>, Fault> {
    let mut ttl = None;
    let mut has_class = false;
    let mut rest = tokens;
    let mut last = start;
    while let [token, after @ ..] = rest {
        let fault = |reason| Fault { reason, token: *token };
        let text = token.text(source);
        rest = after;
        last = *token;
        if token.quoted {
            return Err(fault(Reason::UnknownType));
        }
        if ttl.is_none() && text.first().is_some_and(u8::is_ascii_digit) {
            ttl = Some(read_ttl(source, *token, &mut warn)?);
        } else if let Some(class) = Class::from_mnemonic(text).filter(|_| !has_class) {
            if class != Class::IN {
                return Err(fault(Reason::Class));
            }
            has_class = true;
        } else {
            return match Rtype::from_mnemonic(text) {
                Some(rtype) if rtype.is_meta() => Err(fault(Reason::MetaType)),
                Some(rtype) => Ok(Head { ttl, rtype, rtype_token: *token, rdata: after }),
                None => Err(fault(Reason::UnknownType)),
            };
        }
    }
    Err(Fault { reason: Reason::NoType, token: last })
}

/// Reads a token as a TTL. One above the largest that fits 32 bits is taken for zero (RFC 2181, section 8).
pub(super) fn read_ttl(source: &[u8], token: Token, mut warn: impl FnMut(Fault)) -> Result<u32, Fault> {
    match ttl::parse_time(token.text(source)) {
        Ok(ttl) if ttl > ttl::TTL_MAX => {
            warn(Fault { reason: Reason::TtlTooLarge, token });
            Ok(0)
        }
        Ok(ttl) => Ok(ttl),
        Err(fault) => Err(Fault { reason: Reason::Ttl(fault), token }),
    }
}

/// Reads a token as a name, completed with the origin where it is relative.
pub(super) fn read_name(source: &[u8], origin: NameRef<'_>, token: Token) -> Result<Name, Fault> {
    let fault = |fault| Fault { reason: Reason::Name(fault), token };
    let name = name::parse(token.text(source), origin.as_wire()).map_err(fault)?;
    Name::from_wire(name.as_wire()).map_err(|_| fault(name::NameFault::NameTooLong))
}

/// The marks of UTF-8 and of UTF-16 in either byte order.
pub(super) const BYTE_ORDER_MARKS: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
