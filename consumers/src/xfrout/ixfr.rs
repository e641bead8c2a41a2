//! What changed in a zone (RFC 1995): its SOA record, each difference as the journal has it, its SOA record again.

use std::io;

use dns::types::Rtype;
use zone_segment::Name;

use super::answer::{Outgoing, Sent};
use super::checks::{Granted, Soa};
use super::connection::Connection;
use super::desk::Desk;
use super::journal::Differences;

/// Sends what changed.
///
/// # Errors
///
/// What sending says, or `InvalidData` where what memmgr handed over can't be read.
pub(super) async fn send(
    desk: &Desk,
    connection: &Connection,
    granted: &Granted<'_>,
    (apex, soa): (&Name, &Soa),
    mut differences: Differences,
) -> io::Result<Sent> {
    let signer = granted.verified.as_ref().map(|verified| verified.signer());
    let mut outgoing = Outgoing::new(desk, connection, &granted.query, signer, None);
    outgoing.put(apex.as_ref(), Rtype::SOA.0, soa.ttl, &soa.rdata).await?;
    while let Some((record, octets)) = differences.next()? {
        outgoing.put(record.owner, record.rtype.0, record.ttl, record.rdata).await?;
        differences.taken += octets;
    }
    outgoing.put(apex.as_ref(), Rtype::SOA.0, soa.ttl, &soa.rdata).await?;
    outgoing.send().await?;
    Ok(outgoing.sent)
}
