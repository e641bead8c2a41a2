//! RDATA from text: [`scan`] reads the fields of any type, and [`check`] says whether octets are RDATA of a type.
//!
//! A type is read by the first that knows it: our table (`layout.rs`), the `domain` crate, or the notation for any type
//! (RFC 3597, section 5), which is allowed for known types too and checked there.

use super::fields::{Fields, RdataFault};
use super::layout::layout;
use crate::types::Rtype;
use domain::base::name::ParsedName;
use domain::base::rdata::{ComposeRecordData, ParseRecordData};
use domain::base::scan::Scanner;
use domain::dep::octseq::Parser;
use domain::rdata::ZoneRecordData;
use domain::utils::base16;

/// RDATA as `domain` has it parsed from octets.
pub(super) type ParsedRdata<'a> = ZoneRecordData<&'a [u8], ParsedName<&'a [u8]>>;

/// The octets of an RDATA that its 16-bit length can count.
const RDATA_OCTETS_MAX: usize = 65_535;

/// Reads the RDATA of a record to the end of its entry, in place of what `out` held: uncompressed wire form, names as written.
pub(super) fn scan(rtype: Rtype, fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), RdataFault> {
    out.clear();
    if fields.take_generic_marker() {
        scan_generic(rtype, fields, out)?;
    } else if let Some(layout) = layout(rtype) {
        for field in layout {
            field.scan(fields, out)?;
        }
    } else if is_known_to_domain(rtype) {
        ZoneRecordData::scan(domain::base::Rtype::from_int(rtype.0), fields)?
            .compose_rdata(out)
            .map_err(|_| RdataFault::TooLong)?;
    } else {
        return Err(RdataFault::NoFormat);
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

/// Whether the `domain` crate reads the type's presentation format.
const fn is_known_to_domain(rtype: Rtype) -> bool {
    matches!(
        rtype,
        Rtype::A
            | Rtype::AAAA
            | Rtype::CAA
            | Rtype::CDNSKEY
            | Rtype::CDS
            | Rtype::DNSKEY
            | Rtype::DS
            | Rtype::HINFO
            | Rtype::HTTPS
            | Rtype::IPSECKEY
            | Rtype::MINFO
            | Rtype::NAPTR
            | Rtype::NSEC3
            | Rtype::NSEC3PARAM
            | Rtype::OPENPGPKEY
            | Rtype::RP
            | Rtype::SRV
            | Rtype::SSHFP
            | Rtype::SVCB
            | Rtype::TLSA
            | Rtype::TXT
            | Rtype::ZONEMD
    )
}

/// Reads what follows the marker `\#`: the length, and that many octets in hexadecimal digits.
fn scan_generic(rtype: Rtype, fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), RdataFault> {
    let length = std::str::from_utf8(fields.take()?).ok().and_then(|text| text.parse::<u16>().ok());
    let length = length.ok_or(RdataFault::Malformed("expected the length of the RDATA after \\#"))?;
    *out = fields.convert_entry(base16::SymbolConverter::new())?;
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
    match layout(rtype) {
        Some(layout) => {
            let mut rest = rdata;
            for field in layout {
                match field.measure(rest).and_then(|octets| rest.get(octets..)) {
                    Some(after) => rest = after,
                    None => return false,
                }
            }
            rest.is_empty()
        }
        None => parse(rtype, rdata).is_some(),
    }
}

/// Parses RDATA through `domain`; `None` if it is malformed, too long or has a compressed name.
pub(super) fn parse(rtype: Rtype, rdata: &[u8]) -> Option<ParsedRdata<'_>> {
    let mut parser = Parser::from_ref(rdata);
    let parsed = ParsedRdata::parse_rdata(domain::base::Rtype::from_int(rtype.0), &mut parser).ok()??;
    if parser.remaining() > 0 {
        return None;
    }
    // A pointer could only lead back into this RDATA; written out, the name would be longer.
    let mut composed = Vec::with_capacity(rdata.len());
    parsed.compose_rdata(&mut composed).ok()?;
    (composed == rdata).then_some(parsed)
}
