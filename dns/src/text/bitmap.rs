//! Sets of types as NSEC and CSYNC hold them (RFC 4034, section 4.1.2): windows of 256 types, each a bitmap cut after its last
//! octet that is not zero.

use super::fields::{Fields, RdataFault};
use crate::types::Rtype;
use std::fmt::Write as _;

/// Octets of a window's bitmap at most.
const WINDOW_OCTETS_MAX: usize = 32;

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
pub(super) fn types(wire: &[u8]) -> Option<Vec<Rtype>> {
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
