//! The RDATA of the types that are read and written here and not by the `domain` crate, as rows of fields: [`layout`] gives the
//! row of a type, [`Field`] reads one field from text, measures it on the wire and writes it as text.
//!
//! Here are the types that `domain` does not have; those it has but reads more narrowly than zone files need, SOA (times with
//! units), NSEC and RRSIG (types by every mnemonic of the registry); and those that are but a name, because they make up most of
//! any zone. One table serves both directions, so that they cannot disagree.

use super::bitmap;
use super::date;
use super::fields::{Fields, RdataFault, STRING_TOO_LONG};
use super::location;
use super::present;
use super::ttl;
use crate::types::Rtype;
use domain::base::scan::Scanner;
use domain::utils::{base16, base64};
use std::fmt::Write as _;
use std::net::Ipv4Addr;
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
    /// An IPv4 address.
    Ipv4,
    /// 64 bits in four groups of hexadecimal digits with colons (RFC 6742, section 2).
    Locator,
    /// A hardware address of that many octets, with hyphens (RFC 7043).
    Hardware(usize),
    /// A location (RFC 1876).
    Location,
}

/// The fields of a type; `None` where another reader has it, or where it has no presentation format known here.
pub(super) fn layout(rtype: Rtype) -> Option<&'static [Field]> {
    use Field::*;
    Some(match rtype {
        Rtype::NS | Rtype::CNAME | Rtype::PTR | Rtype::DNAME => &[Name],
        Rtype::MD | Rtype::MF | Rtype::MB | Rtype::MG | Rtype::MR => &[Name],
        Rtype::MX => &[U16, Name],
        Rtype::SOA => &[Name, Name, U32, Seconds, Seconds, Seconds, Seconds],
        Rtype::NSEC => &[Name, Types],
        Rtype::RRSIG | Rtype::SIG => &[Type, Algorithm, U8, Seconds, Date, Date, U16, Name, Base64],
        Rtype::CSYNC => &[U32, U16, Types],
        Rtype::KEY | Rtype::RKEY => &[U16, U8, Algorithm, OptionalBase64],
        Rtype::SPF | Rtype::NINFO | Rtype::AVC | Rtype::RESINFO | Rtype::WALLET | Rtype::CLA => &[Strings],
        Rtype::SMIMEA => &[U8, U8, U8, Hex],
        Rtype::TA | Rtype::DLV => &[U16, Algorithm, U8, Hex],
        Rtype::AFSDB | Rtype::RT | Rtype::KX | Rtype::LP => &[U16, Name],
        Rtype::PX => &[U16, Name, Name],
        Rtype::TALINK => &[Name, Name],
        Rtype::NSAP_PTR => &[Name],
        Rtype::X25 => &[String],
        Rtype::ISDN => &[String, OptionalString],
        Rtype::GPOS => &[String, String, String],
        Rtype::DHCID | Rtype::HHIT | Rtype::BRID => &[Base64],
        Rtype::CERT => &[CertificateType, U16, Algorithm, Base64],
        Rtype::URI => &[U16, U16, Text],
        Rtype::NID | Rtype::L64 => &[U16, Locator],
        Rtype::L32 => &[U16, Ipv4],
        Rtype::EUI48 => &[Hardware(6)],
        Rtype::EUI64 => &[Hardware(8)],
        Rtype::DSYNC => &[Type, Scheme, U16, Name],
        Rtype::LOC => &[Location],
        _ => return None,
    })
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
            Self::OptionalString if fields.is_empty() => (),
            Self::OptionalString => scan_string(fields, out)?,
            Self::Strings => {
                scan_string(fields, out)?;
                while !fields.is_empty() {
                    scan_string(fields, out)?;
                }
            }
            Self::Text => fields.take_octets(out)?,
            Self::Hex => scan_digits(fields, out, |fields| fields.convert_entry(base16::SymbolConverter::new()))?,
            Self::OptionalBase64 if fields.is_empty() => (),
            Self::Base64 | Self::OptionalBase64 => {
                scan_digits(fields, out, |fields| fields.convert_entry(base64::SymbolConverter::new()))?;
            }
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
                let address = std::str::from_utf8(fields.take()?).ok().and_then(|text| text.parse::<Ipv4Addr>().ok());
                out.extend_from_slice(&address.ok_or(RdataFault::Malformed("expected IPv4 address"))?.octets());
            }
            Self::Locator => scan_groups(fields.take()?, b':', 4, 4, out).ok_or(BAD_LOCATOR)?,
            Self::Hardware(octets) => scan_groups(fields.take()?, b'-', octets, 2, out).ok_or(BAD_HARDWARE)?,
            Self::Location => location::scan(fields, out)?,
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
            Self::Hardware(octets) => fixed(octets),
            Self::Name => NameRef::parse_prefix(rdata).ok().map(|(_, octets)| octets),
            Self::String => fixed(1 + usize::from(*rdata.first()?)),
            Self::OptionalString if rdata.is_empty() => Some(0),
            Self::OptionalString => fixed(1 + usize::from(*rdata.first()?)),
            Self::Strings => {
                let mut octets = 0;
                while octets < rdata.len() || octets == 0 {
                    octets += Self::String.measure(rdata.get(octets..)?)?;
                }
                Some(octets)
            }
            Self::Hex | Self::Base64 => (!rdata.is_empty()).then_some(rdata.len()),
            Self::Text | Self::OptionalBase64 => Some(rdata.len()),
            Self::Types => bitmap::types(rdata).map(|_| rdata.len()),
            Self::Location => location::measure(rdata),
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
            Self::Text => present::push_quoted(out, octets),
            Self::Hex => {
                let _ = base16::display(octets, out);
            }
            Self::Base64 | Self::OptionalBase64 => {
                let _ = base64::display(octets, out);
            }
            Self::Type => {
                let _ = write!(out, "{}", Rtype(u16::try_from(number(octets)).unwrap_or_default()));
            }
            Self::Types => bitmap::present(octets, out),
            Self::Ipv4 => {
                let _ = write!(out, "{}", Ipv4Addr::from(number(octets)));
            }
            Self::Locator => push_groups(out, octets, 2, ':'),
            Self::Hardware(_) => push_groups(out, octets, 1, '-'),
            Self::Location => location::present(octets, out),
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

/// Reads a character string, its length octet first.
fn scan_string(fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), RdataFault> {
    let start = out.len();
    out.push(0);
    fields.take_octets(out)?;
    out[start] = u8::try_from(out.len() - start - 1).map_err(|_| STRING_TOO_LONG)?;
    Ok(())
}

/// Reads the rest of the entry as digits of some base; there must be some.
fn scan_digits<'a>(
    fields: &mut Fields<'a>,
    out: &mut Vec<u8>,
    convert: impl FnOnce(&mut Fields<'a>) -> Result<Vec<u8>, RdataFault>,
) -> Result<(), RdataFault> {
    let octets = convert(fields)?;
    if octets.is_empty() {
        return Err(RdataFault::TooShort);
    }
    out.extend_from_slice(&octets);
    Ok(())
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
