//! Well-known services (WKS, RFC 1035, section 3.4.2) from the protocol on: `6 25 80`, the protocol and the ports that are served, a set of bits on
//! the wire.
//!
//! Names of protocols and services are those RFC 1035's readers used; a machine's own lists of them (`/etc/services`) are not asked, so
//! that a zone file means the same everywhere.

use super::fields::{Fields, RdataFault};
use std::fmt::Write as _;

/// Octets of a set with a bit for each port.
const SET_OCTETS_MAX: usize = 8192;

/// Reads a protocol and ports to the end of the entry, in any order; there may be no port.
pub(super) fn scan(fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), RdataFault> {
    let protocol = number(fields.take()?, PROTOCOLS).and_then(|number| u8::try_from(number).ok());
    out.push(protocol.ok_or(RdataFault::Malformed("expected a protocol: TCP, UDP or a number up to 255"))?);
    let start = out.len();
    while !fields.is_empty() {
        let port = number(fields.take()?, SERVICES)
            .ok_or(RdataFault::Malformed("expected a port number, or the name of a service of RFC 1035's time"))?;
        let (octet, bit) = (start + usize::from(port >> 3), 0x80 >> (port & 7));
        if octet >= out.len() {
            out.resize(octet + 1, 0);
        }
        out[octet] |= bit;
    }
    Ok(())
}

/// How many octets protocol and ports take: all of them, unless they are too many or end in a zero octet.
pub(super) fn measure(rdata: &[u8]) -> Option<usize> {
    let (_, set) = rdata.split_first()?;
    (set.len() <= SET_OCTETS_MAX && set.last() != Some(&0)).then_some(rdata.len())
}

/// Writes protocol and ports as numbers.
pub(super) fn present(rdata: &[u8], out: &mut String) {
    let Some((protocol, set)) = rdata.split_first() else { return };
    let _ = write!(out, "{protocol}");
    for (index, octet) in set.iter().enumerate() {
        for bit in (0..8).filter(|bit| octet & (0x80 >> bit) != 0) {
            let _ = write!(out, " {}", index * 8 + bit);
        }
    }
}

/// A number of 16 bits, or a name of `names`.
fn number(text: &[u8], names: &[(&str, u16)]) -> Option<u16> {
    let named = names.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(text)).map(|(_, number)| *number);
    let is_number = text.iter().all(u8::is_ascii_digit);
    named.or_else(|| std::str::from_utf8(text).ok().filter(|_| is_number)?.parse().ok())
}

/// The protocols by name (RFC 1010).
const PROTOCOLS: &[(&str, u16)] = &[("ICMP", 1), ("TCP", 6), ("UDP", 17)];

/// The services by name that are still told from their numbers by eye (RFC 1010).
const SERVICES: &[(&str, u16)] = &[
    ("ECHO", 7),
    ("DISCARD", 9),
    ("DAYTIME", 13),
    ("FTP-DATA", 20),
    ("FTP", 21),
    ("SSH", 22),
    ("TELNET", 23),
    ("SMTP", 25),
    ("TIME", 37),
    ("DOMAIN", 53),
    ("TFTP", 69),
    ("GOPHER", 70),
    ("FINGER", 79),
    ("HTTP", 80),
    ("POP2", 109),
    ("POP3", 110),
    ("SUNRPC", 111),
    ("NNTP", 119),
    ("NTP", 123),
    ("IMAP2", 143),
    ("SNMP", 161),
    ("HTTPS", 443),
];
