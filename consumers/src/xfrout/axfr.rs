//! A whole zone (RFC 5936): its SOA record, everything else in canonical order, its SOA record again.
//!
//! The nodes are walked where they lie, in the mapped segments, and go straight into the message that is filled: nothing of the zone is copied but
//! what fits into one.

use std::io;
use std::sync::Arc;

use dns::message::PushError;
use dns::types::Rtype;
use zone_segment::{Zone, ZoneSet};

use super::answer::{Outgoing, Sent};
use super::checks::{Granted, Soa};
use super::connection::Connection;
use super::desk::Desk;

/// Why a zone was not sent.
#[derive(Debug)]
pub(super) enum Failed {
    /// There is no lease for it, and nothing was sent.
    NotLeased(String),
    /// The client is gone or too slow.
    Client(io::Error),
}

/// Sends a zone of a generation.
///
/// One that fits into a message needs nothing more. For any other the generation is let go and its layers are kept under a lease, as long as
/// the client takes octets.
pub(super) async fn send(
    desk: &Desk,
    connection: &Connection,
    granted: &Granted<'_>,
    zones: Arc<ZoneSet>,
    soa: &Soa,
) -> Result<Sent, Failed> {
    let signer = || granted.verified.as_ref().map(|verified| verified.signer());
    let apex = granted.query.question.name;
    let mut whole = Outgoing::new(desk, connection, &granted.query, signer(), None);
    let fits = zones.zone(apex).is_some_and(|zone| fill(&mut whole, &zone, soa).is_ok());
    if fits {
        drop(zones);
        whole.send().await.map_err(Failed::Client)?;
        return Ok(whole.sent);
    }
    drop(whole);
    let lease = desk.leases.take_in_task(&zones).await.map_err(|error| Failed::NotLeased(error.to_string()))?;
    drop(zones);
    let Some(zone) = lease.zones().zone(apex) else {
        return Err(Failed::NotLeased("the zone is not in the generation".to_owned()));
    };
    let mut outgoing = Outgoing::new(desk, connection, &granted.query, signer(), Some(&lease));
    walk(&mut outgoing, &zone, soa).await.map_err(Failed::Client)?;
    Ok(outgoing.sent)
}

/// Puts a zone into the message under way, as far as there is room.
fn fill(outgoing: &mut Outgoing<'_>, zone: &Zone<'_>, soa: &Soa) -> Result<(), PushError> {
    outgoing.push(zone.apex(), Rtype::SOA.0, soa.ttl, &soa.rdata)?;
    for node in zone.nodes() {
        let owner = node.name();
        for record in node.records().filter(|record| record.rtype != Rtype::SOA.0) {
            outgoing.push(owner, record.rtype, record.ttl, record.rdata)?;
        }
    }
    outgoing.push(zone.apex(), Rtype::SOA.0, soa.ttl, &soa.rdata)
}

/// The same, sending what is full.
async fn walk(outgoing: &mut Outgoing<'_>, zone: &Zone<'_>, soa: &Soa) -> io::Result<()> {
    outgoing.put(zone.apex(), Rtype::SOA.0, soa.ttl, &soa.rdata).await?;
    for node in zone.nodes() {
        let owner = node.name();
        for record in node.records().filter(|record| record.rtype != Rtype::SOA.0) {
            if outgoing.push(owner, record.rtype, record.ttl, record.rdata).is_err() {
                outgoing.put(owner, record.rtype, record.ttl, record.rdata).await?;
            }
        }
    }
    outgoing.put(zone.apex(), Rtype::SOA.0, soa.ttl, &soa.rdata).await?;
    outgoing.send().await
}
