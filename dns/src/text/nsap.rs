//! NSAP addresses (RFC 1706): `0x47.0005.80.005a00`, hexadecimal digits in pairs with dots anywhere between them.

use super::fields::RdataFault;
use data_encoding::HEXLOWER_PERMISSIVE;
use std::fmt::Write as _;

/// Reads an address and appends its octets; there must be some.
pub(super) fn scan(text: &[u8], out: &mut Vec<u8>) -> Result<(), RdataFault> {
    let malformed = RdataFault::Malformed("expected an NSAP address such as 0x47.0005.80");
    let [b'0', b'x' | b'X', digits @ ..] = text else { return Err(malformed) };
    let digits: Vec<u8> = digits.iter().copied().filter(|octet| *octet != b'.').collect();
    let octets = HEXLOWER_PERMISSIVE.decode(&digits).ok().filter(|octets| !octets.is_empty()).ok_or(malformed)?;
    out.extend_from_slice(&octets);
    Ok(())
}

/// Writes an address, without dots.
pub(super) fn present(octets: &[u8], out: &mut String) {
    out.push_str("0x");
    for octet in octets {
        let _ = write!(out, "{octet:02x}");
    }
}
