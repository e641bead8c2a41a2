//! One field of an RDATA: [`Field`] reads it from text, measures it on the wire and writes it as text.
//!
//! Which fields a type has is in `layout.rs`. Reading, measuring and writing stand side by side, so that they do not disagree.

use super::a6;
use super::apl;
use super::bitmap;
use super::date;
use super::fields::{Fields, RdataFault, STRING_TOO_LONG};
use super::gateway;
use super::hip;
use super::location;
use super::nsap;
use super::present;
use super::svcb;
use super::ttl;
use super::wks;
use crate::types::Rtype;
use data_encoding::{BASE32HEX_NOPAD, BASE64, Encoding, HEXLOWER_PERMISSIVE, HEXUPPER};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use zone_segment::NameRef;

/// One field of an RDATA.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Field {
    /// A number of 8 bits.
    U8,
    /// A number of 16 bits.
    U16,
    /// A number of 32 bits.
    U32,
    /// A time in seconds, 32 bits, that may be written with units.
    Seconds,
    /// A point in time, 32 bits, written `YYYYMMDDHHmmSS` or as a number (RFC 4034, section 3.2).
    Date,
    /// A domain name.
    Name,
    /// A character string.
    String,
    /// A character string of letters and digits, one at least, written without quotes (RFC 8659, section 4.1).
    Tag,
    /// A character string, or nothing at all at the end.
    OptionalString,
    /// Character strings to the end, one at least.
    Strings,
    /// Octets to the end without a length, written as one string (RFC 7553, section 4.4).
    Text,
    /// Octets to the end, in hexadecimal digits.
    Hex,
    /// Octets to the end, in base 64.
    Base64,
    /// Octets to the end, in base 64, or none: a KEY may say that there is no key (RFC 2535, section 3.1.2).
    OptionalBase64,
    /// A salt with its length, in hexadecimal digits, `-` for none (RFC 5155, section 3.3).
    Salt,
    /// A hash with its length, in base 32 (RFC 5155, section 3.3).
    Hash,
    /// The parameters of a service binding to the end (RFC 9460).
    Parameters,
    /// A type, 16 bits, by its mnemonic.
    Type,
    /// A number of 8 bits that may be written as the mnemonic of a DNSSEC algorithm.
    Algorithm,
    /// A number of 16 bits that may be written as a certificate type (RFC 4398, section 2.1).
    CertificateType,
    /// A number of 8 bits that may be written as a DSYNC scheme (RFC 9859, section 2.3).
    Scheme,
    /// A set of types to the end (RFC 4034, section 4.1.2).
    Types,
    /// A set of types up to 127 to the end (RFC 2535, section 5.2).
    OldTypes,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// 64 bits in four groups of hexadecimal digits with colons (RFC 6742, section 2).
    Locator,
    /// A hardware address of that many octets, with hyphens (RFC 7043).
    Hardware(usize),
    /// A location (RFC 1876).
    Location,
    /// Prefixes of addresses to the end (RFC 3123).
    Prefixes,
    /// A protocol and its ports to the end (RFC 1035, section 3.4.2).
    Services,
    /// An NSAP address to the end (RFC 1706).
    Nsap,
    /// A whole A6 (RFC 2874).
    A6,
    /// A whole HIP (RFC 8005).
    Hip,
    /// A whole IPSECKEY (RFC 4025).
    Ipseckey,
    /// A whole AMTRELAY (RFC 8777).
    Amtrelay,
}

impl Field {
    /// Reads the field from text and appends it to `out` in wire form.
    pub(super) fn scan(self, fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), RdataFault> {
        match self {
            Self::U8 => out.push(scan_number(fields, &[], "expected a number up to 255")?),
            Self::U16 => push_u16(out, scan_number(fields, &[], "expected a number up to 65535")?),
            Self::U32 => push_u32(out, scan_number(fields, &[], "expected a number up to 4294967295")?),
            Self::Seconds => push_u32(out, ttl::parse_time(fields.take()?).map_err(RdataFault::Time)?),
            Self::Date => push_u32(out, date::parse(fields.take()?).ok_or(BAD_DATE)?),
            Self::Name => fields.take_name(out)?,
            Self::String => scan_string(fields, out)?,
            Self::Tag => {
                let start = out.len();
                scan_string(fields, out)?;
                self.measure(&out[start..]).ok_or(RdataFault::Malformed("expected letters and digits"))?;
            }
            Self::OptionalString if fields.is_empty() => (),
            Self::OptionalString => scan_string(fields, out)?,
            Self::Strings => {
                scan_string(fields, out)?;
                while !fields.is_empty() {
                    scan_string(fields, out)?;
                }
            }
            Self::Text => fields.take_octets(out)?,
            Self::Hex => scan_hex(fields, out)?,
            Self::Salt => match fields.take()? {
                b"-" => out.push(0),
                text => push_with_length(&HEXLOWER_PERMISSIVE, text, out).ok_or(BAD_SALT)?,
            },
            Self::Hash => {
                push_with_length(&BASE32HEX_NOPAD, &fields.take()?.to_ascii_uppercase(), out).ok_or(BAD_HASH)?
            }
            Self::Parameters => svcb::scan(fields, out)?,
            Self::OptionalBase64 if fields.is_empty() => (),
            Self::Base64 | Self::OptionalBase64 => scan_base64(fields, out)?,
            Self::Type => {
                let rtype = Rtype::from_mnemonic(fields.take()?).ok_or(RdataFault::Malformed("expected a type"))?;
                push_u16(out, rtype.0);
            }
            Self::Algorithm => out.push(scan_number(fields, ALGORITHMS, "expected a DNSSEC algorithm")?),
            Self::CertificateType => {
                push_u16(out, scan_number(fields, CERTIFICATE_TYPES, "expected a certificate type")?)
            }
            Self::Scheme => out.push(scan_number(fields, SCHEMES, "expected a DSYNC scheme")?),
            Self::Types => bitmap::scan(fields, out)?,
            Self::Ipv4 => {
                out.extend_from_slice(&scan_address::<Ipv4Addr>(fields, "expected an IPv4 address")?.octets())
            }
            Self::Ipv6 => {
                out.extend_from_slice(&scan_address::<Ipv6Addr>(fields, "expected an IPv6 address")?.octets())
            }
            Self::Locator => scan_groups(fields.take()?, b':', 4, 4, out).ok_or(BAD_LOCATOR)?,
            Self::Hardware(octets) => scan_groups(fields.take()?, b'-', octets, 2, out).ok_or(BAD_HARDWARE)?,
            Self::Location => location::scan(fields, out)?,
            Self::Prefixes => apl::scan(fields, out)?,
            Self::OldTypes => bitmap::scan_old(fields, out)?,
            Self::Services => wks::scan(fields, out)?,
            Self::Nsap => nsap::scan(fields.take()?, out)?,
            Self::A6 => a6::scan(fields, out)?,
            Self::Hip => hip::scan(fields, out)?,
            Self::Ipseckey => gateway::scan_ipseckey(fields, out)?,
            Self::Amtrelay => gateway::scan_amtrelay(fields, out)?,
        }
        Ok(())
    }

    /// How many octets the field takes at the start of `rdata`; `None` if it does not stand there.
    pub(super) fn measure(self, rdata: &[u8]) -> Option<usize> {
        let fixed = |octets: usize| (rdata.len() >= octets).then_some(octets);
        match self {
            Self::U8 | Self::Algorithm | Self::Scheme => fixed(1),
            Self::U16 | Self::Type | Self::CertificateType => fixed(2),
            Self::U32 | Self::Seconds | Self::Date | Self::Ipv4 => fixed(4),
            Self::Locator => fixed(8),
            Self::Ipv6 => fixed(16),
            Self::Hardware(octets) => fixed(octets),
            Self::Name => NameRef::parse_prefix(rdata).ok().map(|(_, octets)| octets),
            Self::Hash => Self::String.measure(rdata).filter(|octets| *octets > 1),
            Self::Parameters => svcb::measure(rdata),
            Self::String | Self::Salt => fixed(1 + usize::from(*rdata.first()?)),
            Self::Tag => {
                let octets = Self::String.measure(rdata)?;
                let tag = rdata.get(1..octets)?;
                (!tag.is_empty() && tag.iter().all(u8::is_ascii_alphanumeric)).then_some(octets)
            }
            Self::OptionalString if rdata.is_empty() => Some(0),
            Self::OptionalString => fixed(1 + usize::from(*rdata.first()?)),
            Self::Strings => {
                let mut octets = 0;
                while octets < rdata.len() || octets == 0 {
                    octets += Self::String.measure(rdata.get(octets..)?)?;
                }
                Some(octets)
            }
            Self::Hex | Self::Base64 | Self::Nsap => (!rdata.is_empty()).then_some(rdata.len()),
            Self::Text | Self::OptionalBase64 => Some(rdata.len()),
            Self::Types => bitmap::types(rdata).map(|_| rdata.len()),
            Self::Location => location::measure(rdata),
            Self::Prefixes => apl::measure(rdata),
            Self::OldTypes => bitmap::old_types(rdata).map(|_| rdata.len()),
            Self::Services => wks::measure(rdata),
            Self::A6 => a6::measure(rdata),
            Self::Hip => hip::measure(rdata),
            Self::Ipseckey => gateway::measure_ipseckey(rdata),
            Self::Amtrelay => gateway::measure_amtrelay(rdata),
        }
    }

    /// Writes the field, of just these octets, as text; what [`Field::measure`] does not take is left out.
    pub(super) fn present(self, octets: &[u8], out: &mut String) {
        // Writing to a `String` cannot fail, so the results are dropped.
        match self {
            Self::U8
            | Self::U16
            | Self::U32
            | Self::Seconds
            | Self::Algorithm
            | Self::CertificateType
            | Self::Scheme => {
                let _ = write!(out, "{}", number(octets));
            }
            Self::Date => date::present(number(octets), out),
            Self::Name => present::push_name(out, octets),
            Self::String | Self::OptionalString | Self::Strings => present::push_strings(out, octets),
            Self::Tag => out.extend(octets.iter().skip(1).map(|octet| char::from(*octet))),
            Self::Text => present::push_quoted(out, octets),
            Self::Hex => HEXUPPER.encode_append(octets, out),
            Self::Base64 | Self::OptionalBase64 => BASE64.encode_append(octets, out),
            Self::Salt if octets.len() <= 1 => out.push('-'),
            Self::Salt => HEXUPPER.encode_append(octets.get(1..).unwrap_or_default(), out),
            Self::Hash => BASE32HEX_NOPAD.encode_append(octets.get(1..).unwrap_or_default(), out),
            Self::Parameters => svcb::present(octets, out),
            Self::Type => {
                let _ = write!(out, "{}", Rtype(u16::try_from(number(octets)).unwrap_or_default()));
            }
            Self::Types => bitmap::present(octets, out),
            Self::Ipv4 => {
                let _ = write!(out, "{}", Ipv4Addr::from(number(octets)));
            }
            Self::Ipv6 => {
                let _ = write!(out, "{}", Ipv6Addr::from(<[u8; 16]>::try_from(octets).unwrap_or_default()));
            }
            Self::Locator => push_groups(out, octets, 2, ':'),
            Self::Hardware(_) => push_groups(out, octets, 1, '-'),
            Self::Location => location::present(octets, out),
            Self::Prefixes => apl::present(octets, out),
            Self::OldTypes => bitmap::present_old(octets, out),
            Self::Services => wks::present(octets, out),
            Self::Nsap => nsap::present(octets, out),
            Self::A6 => a6::present(octets, out),
            Self::Hip => hip::present(octets, out),
            Self::Ipseckey => gateway::present_ipseckey(octets, out),
            Self::Amtrelay => gateway::present_amtrelay(octets, out),
        }
    }
}

/// Reads a decimal number that fits `N`, or a mnemonic of `names`.
fn scan_number<N: TryFrom<u64>>(
    fields: &mut Fields<'_>,
    names: &[(&str, u64)],
    expected: &'static str,
) -> Result<N, RdataFault> {
    let text = fields.take()?;
    let named = names.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(text)).map(|(_, value)| *value);
    let value = named.or_else(|| {
        let digits = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|octet| octet.is_ascii_digit()))?;
        digits.parse().ok()
    });
    value.and_then(|value| N::try_from(value).ok()).ok_or(RdataFault::Malformed(expected))
}

/// Reads an address.
fn scan_address<A: FromStr>(fields: &mut Fields<'_>, expected: &'static str) -> Result<A, RdataFault> {
    let text = std::str::from_utf8(fields.take()?).ok();
    text.and_then(|text| text.parse().ok()).ok_or(RdataFault::Malformed(expected))
}

/// Reads a character string, its length octet first.
fn scan_string(fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), RdataFault> {
    let start = out.len();
    out.push(0);
    fields.take_octets(out)?;
    out[start] = u8::try_from(out.len() - start - 1).map_err(|_| STRING_TOO_LONG)?;
    Ok(())
}

/// Reads the rest of the entry as hexadecimal digits; there must be some.
pub(super) fn scan_hex(fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), RdataFault> {
    let mut digits = Vec::new();
    fields.take_encoded(u8::is_ascii_hexdigit, BAD_HEX, &mut digits)?;
    decode(&HEXLOWER_PERMISSIVE, &digits, out, BAD_HEX)
}

/// Reads the rest of the entry as base 64; there must be some.
fn scan_base64(fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), RdataFault> {
    let is_of_alphabet = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/' | b'=');
    let mut digits = Vec::new();
    fields.take_encoded(is_of_alphabet, BAD_BASE64, &mut digits)?;
    decode(&BASE64, &digits, out, BAD_BASE64)
}

/// Decodes digits and appends the octets.
fn decode(encoding: &Encoding, digits: &[u8], out: &mut Vec<u8>, expected: &'static str) -> Result<(), RdataFault> {
    if digits.is_empty() {
        return Err(RdataFault::TooShort);
    }
    let malformed = RdataFault::Malformed(expected);
    let start = out.len();
    out.resize(start + encoding.decode_len(digits.len()).map_err(|_| malformed)?, 0);
    let length = encoding.decode_mut(digits, &mut out[start..]).map_err(|_| malformed)?;
    out.truncate(start + length);
    Ok(())
}

/// Decodes digits and appends the octets with their length before them; there must be some, and no more than 255.
fn push_with_length(encoding: &Encoding, digits: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let octets = encoding.decode(digits).ok().filter(|octets| !octets.is_empty())?;
    out.push(u8::try_from(octets.len()).ok()?);
    out.extend_from_slice(&octets);
    Some(())
}

/// Reads `count` groups of up to `digits` hexadecimal digits, each an even number of octets on the wire.
fn scan_groups(text: &[u8], separator: u8, count: usize, digits: usize, out: &mut Vec<u8>) -> Option<()> {
    let groups: Vec<&[u8]> = text.split(|octet| *octet == separator).collect();
    if groups.len() != count {
        return None;
    }
    for group in groups {
        if group.is_empty() || group.len() > digits || !group.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let value = u32::from_str_radix(std::str::from_utf8(group).ok()?, 16).ok()?;
        out.extend_from_slice(value.to_be_bytes().get(4 - digits / 2..)?);
    }
    Some(())
}

/// Writes octets as groups of hexadecimal digits.
fn push_groups(out: &mut String, octets: &[u8], group_octets: usize, separator: char) {
    for (index, group) in octets.chunks(group_octets).enumerate() {
        if index > 0 {
            out.push(separator);
        }
        for octet in group {
            let _ = write!(out, "{octet:02x}");
        }
    }
}

/// Up to four octets as a number.
fn number(octets: &[u8]) -> u32 {
    octets.iter().take(4).fold(0, |number, octet| number << 8 | u32::from(*octet))
}

/// Appends 16 bits.
fn push_u16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends 32 bits.
fn push_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// What hexadecimal digits are expected to be.
const BAD_HEX: &str = "expected an even number of hexadecimal digits";

/// What base 64 is expected to be.
const BAD_BASE64: &str = "expected base 64, padded with = to a multiple of four";

/// A salt that is none.
const BAD_SALT: RdataFault = RdataFault::Malformed("expected a salt in hexadecimal digits, or - for none");

/// A hash that is none.
const BAD_HASH: RdataFault = RdataFault::Malformed("expected a hash in base 32 with the digits 0-9 and A-V");

/// A signature time that is none.
const BAD_DATE: RdataFault = RdataFault::Malformed("expected a time as YYYYMMDDHHmmSS or in seconds since 1970");

/// A locator that is none.
const BAD_LOCATOR: RdataFault = RdataFault::Malformed("expected four groups of hexadecimal digits with colons");

/// A hardware address that is none.
const BAD_HARDWARE: RdataFault = RdataFault::Malformed("expected pairs of hexadecimal digits with hyphens");

/// The mnemonics of DNSSEC algorithms (RFC 4034, appendix A.1, and IANA's registry).
const ALGORITHMS: &[(&str, u64)] = &[
    ("RSAMD5", 1),
    ("DH", 2),
    ("DSA", 3),
    ("RSASHA1", 5),
    ("DSA-NSEC3-SHA1", 6),
    ("RSASHA1-NSEC3-SHA1", 7),
    ("RSASHA256", 8),
    ("RSASHA512", 10),
    ("ECC-GOST", 12),
    ("ECDSAP256SHA256", 13),
    ("ECDSAP384SHA384", 14),
    ("ED25519", 15),
    ("ED448", 16),
    ("INDIRECT", 252),
    ("PRIVATEDNS", 253),
    ("PRIVATEOID", 254),
];

/// The mnemonics of certificate types (RFC 4398, section 2.1).
const CERTIFICATE_TYPES: &[(&str, u64)] = &[
    ("PKIX", 1),
    ("SPKI", 2),
    ("PGP", 3),
    ("IPKIX", 4),
    ("ISPKI", 5),
    ("IPGP", 6),
    ("ACPKIX", 7),
    ("IACPKIX", 8),
    ("URI", 253),
    ("OID", 254),
];

/// The mnemonics of DSYNC schemes (RFC 9859, section 2.3).
const SCHEMES: &[(&str, u64)] = &[("NOTIFY", 1)];
