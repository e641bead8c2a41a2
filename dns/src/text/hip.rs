//! Host identities (HIP, RFC 8005): algorithm, identity tag, public key and the names of rendezvous servers. On the wire the lengths
//! of tag and key come first, so this is no plain row of fields.

use super::field::Field;
use super::fields::{Fields, RdataFault};
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE, HEXUPPER};
use std::fmt::Write as _;
use zone_segment::NameRef;

/// Reads a HIP; tag and key are one word each (RFC 8005, section 6), what follows are names.
pub(super) fn scan(fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), RdataFault> {
    let mut algorithm = Vec::with_capacity(1);
    Field::U8.scan(fields, &mut algorithm)?;
    let tag = HEXLOWER_PERMISSIVE.decode(fields.take()?).ok();
    let tag = tag.filter(|tag| !tag.is_empty()).ok_or(BAD_TAG)?;
    out.push(u8::try_from(tag.len()).map_err(|_| BAD_TAG)?);
    out.append(&mut algorithm);
    let key = BASE64.decode(fields.take()?).ok().filter(|key| !key.is_empty()).ok_or(BAD_KEY)?;
    out.extend_from_slice(&u16::try_from(key.len()).map_err(|_| BAD_KEY)?.to_be_bytes());
    out.extend_from_slice(&tag);
    out.extend_from_slice(&key);
    while !fields.is_empty() {
        fields.take_name(out)?;
    }
    Ok(())
}

/// How many octets a HIP takes: all of them, if they are one.
pub(super) fn measure(rdata: &[u8]) -> Option<usize> {
    let Parts { tag, key, mut servers, .. } = Parts::of(rdata)?;
    while !servers.is_empty() {
        let (_, octets) = NameRef::parse_prefix(servers).ok()?;
        servers = servers.get(octets..)?;
    }
    (!tag.is_empty() && !key.is_empty()).then_some(rdata.len())
}

/// Writes a HIP.
pub(super) fn present(rdata: &[u8], out: &mut String) {
    let Some(Parts { algorithm, tag, key, mut servers }) = Parts::of(rdata) else { return };
    let _ = write!(out, "{algorithm} ");
    HEXUPPER.encode_append(tag, out);
    out.push(' ');
    BASE64.encode_append(key, out);
    while let Some((server, rest)) =
        NameRef::parse_prefix(servers).ok().and_then(|(_, octets)| servers.split_at_checked(octets))
    {
        out.push(' ');
        Field::Name.present(server, out);
        servers = rest;
    }
}

/// The parts of a HIP on the wire.
struct Parts<'a> {
    /// The algorithm of the key.
    algorithm: u8,
    /// The host identity tag.
    tag: &'a [u8],
    /// The public key.
    key: &'a [u8],
    /// The names of rendezvous servers, one after the other.
    servers: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Cuts an RDATA at the lengths it starts with.
    fn of(rdata: &'a [u8]) -> Option<Self> {
        let ([tag_octets, algorithm, high, low], rest) = rdata.split_first_chunk()?;
        let (tag, rest) = rest.split_at_checked(usize::from(*tag_octets))?;
        let (key, servers) = rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))?;
        Some(Self { algorithm: *algorithm, tag, key, servers })
    }
}

/// An identity tag that is none.
const BAD_TAG: RdataFault = RdataFault::Malformed("expected a host identity tag in hexadecimal digits");

/// A public key that is none.
const BAD_KEY: RdataFault = RdataFault::Malformed("expected a public key in base 64, in one word");
