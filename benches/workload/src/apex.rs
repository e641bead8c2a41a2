//! What stands at every apex: its name, SOA and NS records.

use dns::types::Rtype;
use zone_segment::{Name, NameRef, ZoneId};

use crate::rdata;
use crate::sink::Sink;

/// A name of fixed text.
pub(crate) fn fixed_name(text: &str) -> Name {
    text.parse().expect("a fixed name")
}

/// Octets that were put together as a name.
pub(crate) fn name(octets: &[u8]) -> NameRef<'_> {
    NameRef::from_wire(octets).expect("labels of up to 20 letters, of which a name has up to 12")
}

/// Begins a zone, and hands over SOA and NS of its apex. Its name servers lie outside.
pub(crate) fn start_zone<S: Sink>(sink: &mut S, id: ZoneId, apex: NameRef<'_>, serial: u32) -> Result<(), S::Error> {
    sink.start_zone(id, apex)?;
    let soa = rdata::soa(FIRST_SERVER, b"\x0ahostmaster\x0bnic-servers\x03net\0", serial);
    sink.rrset(apex, Rtype::SOA, SOA_TTL, &[&soa])?;
    sink.rrset(apex, Rtype::NS, NS_TTL, &[FIRST_SERVER, b"\x01b\x0bnic-servers\x03net\0"])
}

/// The name server that SOA records name too.
const FIRST_SERVER: &[u8] = b"\x01a\x0bnic-servers\x03net\0";

/// The TTL of SOA records.
const SOA_TTL: u32 = 900;

/// The TTL of NS records and of glue, as registries set it.
pub(crate) const NS_TTL: u32 = 172_800;

/// The TTL of DS records, as registries set it.
pub(crate) const DS_TTL: u32 = 86_400;

/// The TTL of all others.
pub(crate) const HOST_TTL: u32 = 3_600;
