//! What is checked before a transfer, in this order: the message, its signature, who may, how many may, the zone, its SOA record.
//!
//! So who may not have a zone does not learn whether there is one, and who has no key nothing at all.

use std::net::IpAddr;

use config::policy::ZonePolicy;
use dns::message::{ExtendedError, Query, Received, Records, Section, receive};
use dns::tsig::{Refused, Signer, Verified, verify_request};
use dns::types::{Class, Rcode, Rtype};
use zone_segment::{Name, NameRef, Zone, ZoneSet, ZoneState};

use super::desk::Desk;
use super::quota::Place;

/// A request that is sound and whose sender may have the zone, with a place for it.
#[derive(Debug)]
pub(super) struct Granted<'m> {
    /// The query.
    pub(super) query: Query<'m>,
    /// What is asked for.
    pub(super) wanted: Wanted,
    /// Its signature, which is good.
    pub(super) verified: Option<Verified>,
    /// Its place.
    pub(super) _place: Place,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The zone (RFC 5936).
    All,
    /// What changed in it since a serial (RFC 1995).
    Since(u32),
}

/// A request that is not granted.
#[derive(Debug)]
pub(super) struct Refusal {
    /// What is answered.
    pub(super) rcode: Rcode,
    /// What more there is to say.
    pub(super) error: Option<ExtendedError>,
    /// How the answer is signed.
    pub(super) signature: Signature,
}

/// How an answer is signed.
#[derive(Debug)]
pub(super) enum Signature {
    /// Not at all.
    None,
    /// As the request was.
    Good(Box<Signer>),
    /// As RFC 8945, section 5.3.2, has it for a signature that is not good.
    Bad(Box<Refused>),
}

impl Signature {
    /// That of the answer to a request whose signature is good, or which has none.
    pub(super) fn of(verified: Option<&Verified>) -> Self {
        verified.map_or(Self::None, |verified| Self::Good(Box::new(verified.signer())))
    }
}

impl Refusal {
    /// A refusal of a request whose signature is good, or which has none.
    pub(super) fn new(rcode: Rcode, error: Option<ExtendedError>, verified: Option<&Verified>) -> Self {
        Self { rcode, error, signature: Signature::of(verified) }
    }
}

/// Checks all that needs no zone data, for a client at an address, over TLS or without. A refusal without a reason to answer at all is none: the connection ends.
pub(super) fn grant<'m>(
    desk: &Desk,
    (client, is_tls): (IpAddr, bool),
    message: &'m [u8],
    now: u64,
) -> Result<Granted<'m>, Option<Refusal>> {
    let query = match receive(message) {
        Received::Query(query) if query.question.class == Class::IN => query,
        Received::Query(_) => return Err(Some(Refusal::new(Rcode::REFUSED, None, None))),
        Received::Reject(rejected) => return Err(Some(Refusal::new(rejected.rcode, None, None))),
        Received::Drop => return Err(None),
    };
    let verified = match verify_request(message, &desk.keys, now) {
        Ok(verified) => verified,
        Err(refused) => {
            let rcode = refused.rcode();
            return Err(Some(Refusal { rcode, error: None, signature: Signature::Bad(refused) }));
        }
    };
    let refuse = |rcode, error| Err(Some(Refusal::new(rcode, error, verified.as_ref())));
    let wanted = match query.question.rtype {
        Rtype::AXFR => Some(Wanted::All),
        Rtype::IXFR => serial_of(message, &query).map(Wanted::Since),
        _ => None,
    };
    let Some(wanted) = wanted else { return refuse(Rcode::FORMERR, None) };
    let key = verified.as_ref().map(|verified| verified.key().name());
    let allows = |policy: &ZonePolicy| match is_tls {
        true => policy.allow_transfer.allows_over_tls(client, key),
        false => policy.allow_transfer.allows(client, key),
    };
    if !desk.knows_policy(query.question.name) {
        return refuse(Rcode::SERVFAIL, Some(ExtendedError::NOT_READY));
    }
    if !desk.policy(query.question.name, allows) {
        return refuse(Rcode::REFUSED, Some(ExtendedError::PROHIBITED));
    }
    let Some(place) = desk.quota.take(client) else { return refuse(Rcode::REFUSED, None) };
    Ok(Granted { query, wanted, verified, _place: place })
}

/// The zone that is asked for, with its SOA record.
pub(super) fn zone_of<'z>(zones: &'z ZoneSet, apex: &Name) -> Result<(Zone<'z>, Soa), (Rcode, ExtendedError)> {
    let Some(zone) = zones.zone(apex.as_ref()) else {
        return Err((Rcode::NOTAUTH, ExtendedError::NOT_AUTHORITATIVE));
    };
    if zone.state() != ZoneState::Serving {
        return Err((Rcode::SERVFAIL, ExtendedError::NOT_READY));
    }
    let soa = zone.apex_node().and_then(|apex| apex.rrset(Rtype::SOA.0));
    let soa = soa.and_then(|soa| Some(Soa { ttl: soa.ttl(), rdata: soa.rdata().next()?.into() }));
    match (soa, zone.serial()) {
        (Some(soa), Some(_)) => Ok((zone, soa)),
        _ => Err((Rcode::SERVFAIL, ExtendedError::INVALID_DATA)),
    }
}

/// A zone's SOA record.
#[derive(Clone, Debug)]
pub(super) struct Soa {
    /// Its TTL.
    pub(super) ttl: u32,
    /// Its RDATA.
    pub(super) rdata: Box<[u8]>,
}

/// The serial that an IXFR request says its client has (RFC 1995, section 3).
fn serial_of(message: &[u8], query: &Query<'_>) -> Option<u32> {
    let mut records = Records::of(message).ok()?;
    while let Ok(Some(record)) = records.read() {
        if record.section == Section::Authority && record.rtype == Rtype::SOA && record.owner == query.question.name {
            return serial_in(record.rdata);
        }
    }
    None
}

/// The serial of an SOA record.
fn serial_in(rdata: &[u8]) -> Option<u32> {
    // Behind two names: serial, refresh, retry, expire, minimum.
    let (_, rest) = NameRef::parse_prefix(rdata).ok().and_then(|(name, at)| Some((name, rdata.get(at..)?)))?;
    let (_, at) = NameRef::parse_prefix(rest).ok()?;
    let numbers: &[u8; 20] = rest.get(at..)?.try_into().ok()?;
    let [a, b, c, d, ..] = *numbers;
    Some(u32::from_be_bytes([a, b, c, d]))
}
