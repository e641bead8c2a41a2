//! The presentation format: RDATA and whole records as text that a zone file may hold, such that reading it gives the same octets.
//!
//! Types without a row in our table (`layout.rs`), and RDATA that is not of its type, are written in the notation for any type
//! (RFC 3597, section 5). Read [`rdata`] and [`record`] first.

use super::layout::layout;
use crate::types::Rtype;
use std::fmt::Write as _;
use zone_segment::NameRef;

/// RDATA in presentation format.
pub fn rdata(rtype: Rtype, rdata: &[u8]) -> String {
    let mut out = String::new();
    push_rdata(&mut out, rtype, rdata);
    out
}

/// A record on one line without its end: `OWNER TTL IN TYPE RDATA`.
pub fn record(owner: NameRef<'_>, ttl: u32, rtype: Rtype, rdata: &[u8]) -> String {
    let mut out = String::new();
    push_record(&mut out, owner, ttl, rtype, rdata);
    out
}

/// Appends a record on one line without its end to `out`.
pub fn push_record(out: &mut String, owner: NameRef<'_>, ttl: u32, rtype: Rtype, rdata: &[u8]) {
    push_name(out, owner.as_wire());
    // Writing to a `String` cannot fail.
    let _ = write!(out, " {ttl} IN {rtype} ");
    push_rdata(out, rtype, rdata);
}

/// Appends RDATA in presentation format to `out`.
pub fn push_rdata(out: &mut String, rtype: Rtype, rdata: &[u8]) {
    let start = out.len();
    if push_fields(out, rtype, rdata).is_none() {
        out.truncate(start);
        push_generic(out, rdata);
    }
}

/// Appends the fields of an RDATA; `None` if there is no way to write them but the generic one.
fn push_fields(out: &mut String, rtype: Rtype, rdata: &[u8]) -> Option<()> {
    let mut rest = rdata;
    for (index, field) in layout(rtype)?.iter().enumerate() {
        let (octets, after) = rest.split_at_checked(field.measure(rest)?)?;
        if index > 0 && !octets.is_empty() {
            out.push(' ');
        }
        field.present(octets, out);
        rest = after;
    }
    rest.is_empty().then_some(())
}

/// Appends `\# LENGTH HEX` (RFC 3597, section 5).
fn push_generic(out: &mut String, rdata: &[u8]) {
    let _ = write!(out, "\\# {}", rdata.len());
    if !rdata.is_empty() {
        out.push(' ');
    }
    for octet in rdata {
        let _ = write!(out, "{octet:02x}");
    }
}

/// Appends a name in wire form, absolute, with what a zone file gives a meaning to escaped.
pub(super) fn push_name(out: &mut String, wire: &[u8]) {
    let mut rest = wire;
    if rest.first() == Some(&0) {
        out.push('.');
    }
    while let Some((label, after)) =
        rest.split_first().and_then(|(length, rest)| rest.split_at_checked(usize::from(*length)))
    {
        if label.is_empty() {
            break;
        }
        for octet in label {
            match octet {
                b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => {
                    out.push('\\');
                    out.push(char::from(*octet));
                }
                b'!'..=b'~' => out.push(char::from(*octet)),
                _ => push_decimal(out, *octet),
            }
        }
        out.push('.');
        rest = after;
    }
}

/// Appends character strings in wire form, each in quotes.
pub(super) fn push_strings(out: &mut String, wire: &[u8]) {
    let mut rest = wire;
    while let Some((string, after)) =
        rest.split_first().and_then(|(length, rest)| rest.split_at_checked(usize::from(*length)))
    {
        if rest.len() < wire.len() {
            out.push(' ');
        }
        push_quoted(out, string);
        rest = after;
    }
}

/// Appends octets as one quoted string.
pub(super) fn push_quoted(out: &mut String, octets: &[u8]) {
    out.push('"');
    for octet in octets {
        match octet {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(*octet));
            }
            b' '..=b'~' => out.push(char::from(*octet)),
            _ => push_decimal(out, *octet),
        }
    }
    out.push('"');
}

/// Appends an octet as `\DDD`.
fn push_decimal(out: &mut String, octet: u8) {
    let _ = write!(out, "\\{octet:03}");
}
