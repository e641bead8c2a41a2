//! The RDATA of every type that has a presentation format here, as a row of fields: [`layout`] gives the row of a type.
//!
//! One table serves reading, writing and the check of octets, so that they cannot disagree. The fields are in `field.rs`.

use super::field::Field;
use crate::types::Rtype;

/// The fields of a type; `None` where it has no presentation format that is known here.
pub(super) fn layout(rtype: Rtype) -> Option<&'static [Field]> {
    use Field::*;
    Some(match rtype {
        Rtype::NS | Rtype::CNAME | Rtype::PTR | Rtype::DNAME => &[Name],
        Rtype::MD | Rtype::MF | Rtype::MB | Rtype::MG | Rtype::MR => &[Name],
        Rtype::MX => &[U16, Name],
        Rtype::SOA => &[Name, Name, U32, Seconds, Seconds, Seconds, Seconds],
        Rtype::NSEC => &[Name, Types],
        Rtype::NSEC3 => &[U8, U8, U16, Salt, Hash, Types],
        Rtype::NSEC3PARAM => &[U8, U8, U16, Salt],
        Rtype::SVCB | Rtype::HTTPS => &[U16, Name, Parameters],
        Rtype::RRSIG | Rtype::SIG => &[Type, Algorithm, U8, Seconds, Date, Date, U16, Name, Base64],
        Rtype::CSYNC => &[U32, U16, Types],
        Rtype::DNSKEY | Rtype::CDNSKEY => &[U16, U8, Algorithm, Base64],
        Rtype::KEY | Rtype::RKEY => &[U16, U8, Algorithm, OptionalBase64],
        Rtype::TXT | Rtype::SPF | Rtype::NINFO | Rtype::AVC | Rtype::RESINFO | Rtype::WALLET | Rtype::CLA => &[Strings],
        Rtype::MINFO | Rtype::RP => &[Name, Name],
        Rtype::HINFO => &[String, String],
        Rtype::SRV => &[U16, U16, U16, Name],
        Rtype::NAPTR => &[U16, U16, String, String, String, Name],
        Rtype::CAA => &[U8, Tag, Text],
        Rtype::SSHFP => &[U8, U8, Hex],
        Rtype::ZONEMD => &[U32, U8, U8, Hex],
        Rtype::OPENPGPKEY => &[Base64],
        Rtype::A => &[Ipv4],
        Rtype::AAAA => &[Ipv6],
        Rtype::APL => &[Prefixes],
        Rtype::IPSECKEY => &[Ipseckey],
        Rtype::AMTRELAY => &[Amtrelay],
        Rtype::TLSA | Rtype::SMIMEA => &[U8, U8, U8, Hex],
        Rtype::DS | Rtype::CDS | Rtype::TA | Rtype::DLV => &[U16, Algorithm, U8, Hex],
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
        Rtype::WKS => &[Ipv4, Services],
        Rtype::NSAP => &[Nsap],
        Rtype::NXT => &[Name, OldTypes],
        Rtype::A6 => &[A6],
        Rtype::HIP => &[Hip],
        _ => return None,
    })
}
