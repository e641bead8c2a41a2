//! Sets of types as NSEC and CSYNC hold them (RFC 4034, section 4.1.2): windows of 256 types, each a bitmap cut after its last
//! octet that is not zero. And as the old NXT holds them (RFC 2535, section 5.2): one bitmap, of types up to 127.

use super::fields::{Fields, RdataFault};
use crate::types::Rtype;
use std::fmt::Write as _;

/// Octets of a window's bitmap at most.
const WINDOW_OCTETS_MAX: usize = 32;

/// The highest type that the set of an NXT holds; bit 0 would say that another form follows, which there never was.
const OLD_TYPE_MAX: u16 = 127;

/// Reads mnemonics to the end of the entry, in any order, and appends the set in wire form.
pub(super) fn scan(fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), RdataFault> {
    let mut types = Vec::new();
    while !fields.is_empty() {
        let rtype = Rtype::from_mnemonic(fields.take()?).ok_or(RdataFault::Malformed("expected a type"))?;
        types.push(rtype.0);
    }
    types.sort_unstable();
    for window in types.chunk_by(|a, b| a >> 8 == b >> 8) {
        let mut bits = [0_u8; WINDOW_OCTETS_MAX];
        let mut length = 0;
        for rtype in window {
            let [_, low] = rtype.to_be_bytes();
            bits[usize::from(low >> 3)] |= 0x80 >> (low & 7);
            length = (low >> 3) + 1;
        }
        out.extend_from_slice(&[window[0].to_be_bytes()[0], length]);
        out.extend_from_slice(&bits[..usize::from(length)]);
    }
    Ok(())
}

/// The types of a set in wire form, in order; `None` if it is malformed: windows out of order, of bad length, or cut short.
pub(crate) fn types(wire: &[u8]) -> Option<Vec<Rtype>> {
    let mut types = Vec::new();
    let mut rest = wire;
    let mut last_window = None;
    while let [window, length, after @ ..] = rest {
        let length = usize::from(*length);
        if last_window >= Some(*window) || length == 0 || length > WINDOW_OCTETS_MAX {
            return None;
        }
        last_window = Some(*window);
        let (bits, after) = after.split_at_checked(length)?;
        if bits.last() == Some(&0) {
            return None;
        }
        for low in 0..=u8::MAX {
            if bits.get(usize::from(low >> 3)).is_some_and(|octet| octet & (0x80 >> (low & 7)) != 0) {
                types.push(Rtype(u16::from_be_bytes([*window, low])));
            }
        }
        rest = after;
    }
    rest.is_empty().then_some(types)
}

/// Writes the mnemonics of a set in wire form.
pub(super) fn present(wire: &[u8], out: &mut String) {
    for (index, rtype) in types(wire).unwrap_or_default().into_iter().enumerate() {
        let separator = if index > 0 { " " } else { "" };
        let _ = write!(out, "{separator}{rtype}");
    }
}

/// Reads mnemonics to the end of the entry, in any order, and appends the set of an NXT.
pub(super) fn scan_old(fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), RdataFault> {
    let start = out.len();
    while !fields.is_empty() {
        let rtype = Rtype::from_mnemonic(fields.take()?).filter(|rtype| (1..=OLD_TYPE_MAX).contains(&rtype.0));
        let rtype = rtype.ok_or(RdataFault::Malformed("expected a type up to 127"))?;
        let octet = start + usize::from(rtype.0 >> 3);
        if octet >= out.len() {
            out.resize(octet + 1, 0);
        }
        out[octet] |= 0x80 >> (rtype.0 & 7);
    }
    Ok(())
}

/// The types of an NXT's set in wire form, in order; `None` if it is malformed: too long, ending in a zero octet, or with bit 0.
pub(super) fn old_types(wire: &[u8]) -> Option<Vec<Rtype>> {
    let is_sound = wire.len() <= usize::from(OLD_TYPE_MAX / 8 + 1)
        && wire.last() != Some(&0)
        && wire.first().is_none_or(|first| first & 0x80 == 0);
    let has = |rtype: &u16| wire.get(usize::from(rtype >> 3)).is_some_and(|octet| octet & (0x80 >> (rtype & 7)) != 0);
    is_sound.then(|| (1..=OLD_TYPE_MAX).filter(has).map(Rtype).collect())
}

/// Writes the mnemonics of an NXT's set in wire form.
pub(super) fn present_old(wire: &[u8], out: &mut String) {
    for (index, rtype) in old_types(wire).unwrap_or_default().into_iter().enumerate() {
        let separator = if index > 0 { " " } else { "" };
        let _ = write!(out, "{separator}{rtype}");
    }
}
