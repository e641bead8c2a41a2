//! Records that name a gateway in one of several forms: IPSECKEY (RFC 4025) and AMTRELAY (RFC 8777). A number says whether none, an
//! IPv4 address, an IPv6 address or a domain name follows, so they are no plain rows of fields.

use super::field::Field;
use super::fields::{Fields, RdataFault};
use super::present;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use zone_segment::NameRef;

/// The bit of AMTRELAY's second octet that says whether discovery may be skipped; the others are the form of the relay.
const DISCOVERY_BIT: u8 = 0x80;

/// Reads IPSECKEY: precedence, form, algorithm, gateway, and perhaps a key.
pub(super) fn scan_ipseckey(fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), RdataFault> {
    let start = out.len();
    for field in [Field::U8, Field::U8, Field::U8] {
        field.scan(fields, out)?;
    }
    scan_gateway(out[start + 1], fields, out)?;
    Field::OptionalBase64.scan(fields, out)
}

/// How many octets IPSECKEY takes: all of them, if they are one.
pub(super) fn measure_ipseckey(rdata: &[u8]) -> Option<usize> {
    let [_, form, _, rest @ ..] = rdata else { return None };
    measure_gateway(*form, rest).map(|_| rdata.len())
}

/// Writes IPSECKEY.
pub(super) fn present_ipseckey(rdata: &[u8], out: &mut String) {
    let [precedence, form, algorithm, rest @ ..] = rdata else { return };
    let _ = write!(out, "{precedence} {form} {algorithm} ");
    let (gateway, key) = rest.split_at(measure_gateway(*form, rest).unwrap_or_default());
    present_gateway(*form, gateway, out);
    if !key.is_empty() {
        out.push(' ');
        Field::Base64.present(key, out);
    }
}

/// Reads AMTRELAY: precedence, whether discovery may be skipped, form, relay.
pub(super) fn scan_amtrelay(fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), RdataFault> {
    Field::U8.scan(fields, out)?;
    let discovery = match fields.take()? {
        b"0" => 0,
        b"1" => DISCOVERY_BIT,
        _ => return Err(RdataFault::Malformed("expected 0 or 1")),
    };
    let start = out.len();
    Field::U8.scan(fields, out)?;
    let form = out[start];
    if form >= DISCOVERY_BIT {
        return Err(BAD_FORM);
    }
    out[start] |= discovery;
    scan_gateway(form, fields, out)
}

/// How many octets AMTRELAY takes.
pub(super) fn measure_amtrelay(rdata: &[u8]) -> Option<usize> {
    let [_, form, rest @ ..] = rdata else { return None };
    measure_gateway(form & !DISCOVERY_BIT, rest).map(|octets| 2 + octets)
}

/// Writes AMTRELAY.
pub(super) fn present_amtrelay(rdata: &[u8], out: &mut String) {
    let [precedence, form, relay @ ..] = rdata else { return };
    let discovery = u8::from(form & DISCOVERY_BIT != 0);
    let form = form & !DISCOVERY_BIT;
    let _ = write!(out, "{precedence} {discovery} {form} ");
    present_gateway(form, relay, out);
}

/// Reads a gateway of a form; `.` stands for none.
fn scan_gateway(form: u8, fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), RdataFault> {
    match form {
        0 if fields.take()? == b"." => Ok(()),
        0 => Err(RdataFault::Malformed("expected . for no gateway")),
        1 => Field::Ipv4.scan(fields, out),
        2 => Field::Ipv6.scan(fields, out),
        3 => fields.take_name(out),
        _ => Err(BAD_FORM),
    }
}

/// How many octets a gateway of a form takes at the start of `rdata`.
fn measure_gateway(form: u8, rdata: &[u8]) -> Option<usize> {
    match form {
        0 => Some(0),
        1 => Field::Ipv4.measure(rdata),
        2 => Field::Ipv6.measure(rdata),
        3 => NameRef::parse_prefix(rdata).ok().map(|(_, octets)| octets),
        _ => None,
    }
}

/// Writes a gateway of a form.
fn present_gateway(form: u8, octets: &[u8], out: &mut String) {
    match (form, <[u8; 4]>::try_from(octets), <[u8; 16]>::try_from(octets)) {
        (1, Ok(address), _) => {
            let _ = write!(out, "{}", Ipv4Addr::from(address));
        }
        (2, _, Ok(address)) => {
            let _ = write!(out, "{}", Ipv6Addr::from(address));
        }
        (3, ..) => present::push_name(out, octets),
        _ => out.push('.'),
    }
}

/// A form of gateway that is not defined.
const BAD_FORM: RdataFault = RdataFault::Malformed("expected a form of gateway from 0 to 3");
