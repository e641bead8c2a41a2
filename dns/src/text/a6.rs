//! IPv6 addresses in pieces (A6, RFC 2874, historic): the length of a prefix, the address after it, and the name whose A6 has the prefix.
//!
//! Which of the last two there are is for the length to say, so this is no plain row of fields.

use super::field::Field;
use super::fields::{Fields, RdataFault};
use std::fmt::Write as _;
use zone_segment::NameRef;

/// Bits of an address.
const ADDRESS_BITS: u8 = 128;

/// Reads an A6. Bits of the address that the prefix has must be zero or are made so.
pub(super) fn scan(fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), RdataFault> {
    let start = out.len();
    Field::U8.scan(fields, out)?;
    let prefix = out[start];
    if prefix > ADDRESS_BITS {
        return Err(RdataFault::Malformed("expected the length of a prefix up to 128"));
    }
    if prefix < ADDRESS_BITS {
        let mut address = Vec::with_capacity(16);
        Field::Ipv6.scan(fields, &mut address)?;
        let suffix = &mut address[16 - suffix_octets(prefix)..];
        suffix[0] &= first_mask(prefix);
        out.extend_from_slice(suffix);
    }
    if prefix > 0 {
        fields.take_name(out)?;
    }
    Ok(())
}

/// How many octets an A6 takes; `None` where bits of the prefix are set in the address.
pub(super) fn measure(rdata: &[u8]) -> Option<usize> {
    let (prefix, rest) = rdata.split_first().filter(|(prefix, _)| **prefix <= ADDRESS_BITS)?;
    let (suffix, name) = rest.split_at_checked(suffix_octets(*prefix))?;
    if suffix.first().is_some_and(|first| first & !first_mask(*prefix) != 0) {
        return None;
    }
    let name_octets = if *prefix > 0 { NameRef::parse_prefix(name).ok().map(|(_, octets)| octets)? } else { 0 };
    Some(1 + suffix.len() + name_octets)
}

/// Writes an A6.
pub(super) fn present(rdata: &[u8], out: &mut String) {
    let Some((prefix, rest)) = rdata.split_first() else { return };
    let _ = write!(out, "{prefix}");
    let (suffix, name) = rest.split_at_checked(suffix_octets(*prefix)).unwrap_or_default();
    if !suffix.is_empty() {
        let mut address = [0; 16];
        address[16 - suffix.len()..].copy_from_slice(suffix);
        out.push(' ');
        Field::Ipv6.present(&address, out);
    }
    if !name.is_empty() {
        out.push(' ');
        Field::Name.present(name, out);
    }
}

/// The octets of an address that stand after a prefix.
fn suffix_octets(prefix: u8) -> usize {
    usize::from(ADDRESS_BITS.saturating_sub(prefix)).div_ceil(8)
}

/// The bits of the first of these octets that are not the prefix's.
fn first_mask(prefix: u8) -> u8 {
    u8::MAX >> (prefix % 8)
}
