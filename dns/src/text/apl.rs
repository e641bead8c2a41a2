//! Lists of address prefixes (APL, RFC 3123): `1:192.0.2.0/24 !2:2001:db8::/32`, family, address and length of each.

use super::field::Field;
use super::fields::{Fields, RdataFault};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The bit that negates a prefix, beside the length of its address.
const NEGATION_BIT: u8 = 0x80;

/// Reads prefixes to the end of the entry; there may be none.
pub(super) fn scan(fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), RdataFault> {
    while !fields.is_empty() {
        let text = std::str::from_utf8(fields.take()?).ok();
        text.and_then(|text| scan_item(text, out))
            .ok_or(RdataFault::Malformed("expected a prefix such as 1:192.0.2.0/24"))?;
    }
    Ok(())
}

/// How many octets the prefixes take: all of them, if they are of families 1 and 2 and end in no zero octet.
pub(super) fn measure(rdata: &[u8]) -> Option<usize> {
    let mut rest = rdata;
    while !rest.is_empty() {
        let (Item { family, prefix, address, .. }, after) = split_item(rest)?;
        let octets = address_octets(family)?;
        if usize::from(prefix) > octets * 8 || address.len() > octets || address.last() == Some(&0) {
            return None;
        }
        rest = after;
    }
    Some(rdata.len())
}

/// Writes the prefixes.
pub(super) fn present(rdata: &[u8], out: &mut String) {
    let mut rest = rdata;
    while let Some((Item { family, prefix, is_negated, address }, after)) = split_item(rest) {
        let separator = if rest.len() < rdata.len() { " " } else { "" };
        let negation = if is_negated { "!" } else { "" };
        let _ = write!(out, "{separator}{negation}{family}:");
        let mut whole = [0; 16];
        whole[..address.len().min(16)].copy_from_slice(&address[..address.len().min(16)]);
        match address_octets(family) {
            Some(octets) if octets == 4 => Field::Ipv4.present(&whole[..octets], out),
            _ => Field::Ipv6.present(&whole, out),
        }
        let _ = write!(out, "/{prefix}");
        rest = after;
    }
}

/// Reads one prefix.
fn scan_item(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let (is_negated, text) = match text.strip_prefix('!') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (family, text) = text.split_once(':')?;
    let (address, prefix) = text.split_once('/')?;
    let (family, address) = match family {
        "1" => (1_u8, address.parse::<Ipv4Addr>().ok()?.octets().to_vec()),
        "2" => (2, address.parse::<Ipv6Addr>().ok()?.octets().to_vec()),
        _ => return None,
    };
    let prefix = prefix.parse::<u8>().ok().filter(|prefix| usize::from(*prefix) <= address.len() * 8)?;
    let used = address.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
    let negation = if is_negated { NEGATION_BIT } else { 0 };
    out.extend_from_slice(&[0, family, prefix, u8::try_from(used).ok()? | negation]);
    out.extend_from_slice(&address[..used]);
    Some(())
}

/// One prefix on the wire.
struct Item<'a> {
    /// The family of its address.
    family: u16,
    /// How many bits of the address count.
    prefix: u8,
    /// Whether it is an exception.
    is_negated: bool,
    /// The octets of its address, without zeros at the end.
    address: &'a [u8],
}

/// The first prefix, and what follows.
fn split_item(rdata: &[u8]) -> Option<(Item<'_>, &[u8])> {
    let ([high, low, prefix, length], rest) = rdata.split_first_chunk()?;
    let (address, rest) = rest.split_at_checked(usize::from(length & !NEGATION_BIT))?;
    let family = u16::from_be_bytes([*high, *low]);
    Some((Item { family, prefix: *prefix, is_negated: length & NEGATION_BIT != 0, address }, rest))
}

/// The octets of an address of a family (IANA's address family numbers).
fn address_octets(family: u16) -> Option<usize> {
    match family {
        1 => Some(4),
        2 => Some(16),
        _ => None,
    }
}
