//! RDATA from text: [`scan`] reads the fields of any type, and [`check`] says whether octets are RDATA of a type.
//!
//! The fields of each type are in `layout.rs`; here is what all types share, the notation for any type among it (RFC 3597,
//! section 5), which is allowed for known types too and checked there.

use super::field::scan_hex;
use super::fields::{Fields, RdataFault};
use super::layout::layout;
use crate::types::Rtype;

/// The octets of an RDATA that its 16-bit length can count.
const RDATA_OCTETS_MAX: usize = 65_535;

/// Reads the RDATA of a record to the end of its entry, in place of what `out` held: uncompressed wire form, names as written.
pub(super) fn scan(rtype: Rtype, fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), RdataFault> {
    out.clear();
    if fields.take_generic_marker() {
        scan_generic(rtype, fields, out)?;
    } else {
        for field in layout(rtype).ok_or(RdataFault::NoFormat)? {
            field.scan(fields, out)?;
        }
    }
    if !fields.is_empty() {
        // The token is taken so that the error points at it.
        fields.take()?;
        return Err(RdataFault::Trailing);
    }
    if out.len() > RDATA_OCTETS_MAX {
        return Err(RdataFault::TooLong);
    }
    Ok(())
}

/// Reads what follows the marker `\#`: the length, and that many octets in hexadecimal digits.
fn scan_generic(rtype: Rtype, fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), RdataFault> {
    let length = std::str::from_utf8(fields.take()?).ok().and_then(|text| text.parse::<u16>().ok());
    let length = length.ok_or(RdataFault::Malformed("expected the length of the RDATA after \\#"))?;
    if !fields.is_empty() {
        scan_hex(fields, out)?;
    }
    if out.len() != usize::from(length) {
        return Err(RdataFault::Malformed("octets after \\# are not as many as their length says"));
    }
    if !check(rtype, out) {
        return Err(RdataFault::Malformed("octets after \\# are not RDATA of the type"));
    }
    Ok(())
}

/// Whether `rdata` is RDATA of its type in uncompressed wire form; any octets are, for a type that is not known here.
pub fn check(rtype: Rtype, rdata: &[u8]) -> bool {
    if rdata.len() > RDATA_OCTETS_MAX {
        return false;
    }
    let mut rest = rdata;
    let Some(layout) = layout(rtype) else { return true };
    for field in layout {
        match field.measure(rest).and_then(|octets| rest.get(octets..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.is_empty()
}
