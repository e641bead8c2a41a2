//! One connection while it is ours: its request is answered, then those that came with it, and it goes back to auth.

use std::io;
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use dns::message::ExtendedError;
use dns::tsig::seconds;
use dns::types::{Rcode, Rtype};
use tracing::{debug, info, warn};
use zone_segment::Name;

use super::answer::{Outgoing, Sent, refusing};
use super::axfr::{self, Failed};
use super::checks::{self, Granted, Refusal, Soa, Wanted};
use super::connection::{Connection, Request};
use super::desk::Desk;
use super::ixfr;
use super::journal::Span;
use crate::auth::answer::is_transfer;
use crate::handover::Link;

/// Answers what was asked, and every transfer that came behind it; then the connection goes back with what is left.
///
/// Whatever else is asked is auth's to answer, over the same connection: queries are answered at one place alone.
pub(super) async fn serve(desk: Arc<Desk>, link: Weak<Link>, connection: Connection, request: Request) {
    let Request { mut message, mut rest } = request;
    loop {
        if let Err(error) = answer(&desk, &connection, &message).await {
            // How a connection ends is its client's affair.
            return debug!(client = %connection.client, %error, "transfer-connection-ended");
        }
        match next_transfer(&rest) {
            Some((next, octets)) => {
                message = next;
                rest.drain(..octets);
            }
            None => break,
        }
    }
    let Some(link) = link.upgrade() else { return };
    let client = connection.client;
    if let Err(error) = connection.hand_back(&link, &rest) {
        debug!(%client, %error, "connection-not-handed-back");
    }
}

/// The message that is next, if it is whole and a transfer, and the octets that it takes with its length.
fn next_transfer(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (length, behind) = rest.split_first_chunk::<2>()?;
    let message = behind.get(..usize::from(u16::from_be_bytes(*length)))?;
    is_transfer(message).then(|| (message.to_vec(), length.len() + message.len()))
}

/// Answers one request.
async fn answer(desk: &Desk, connection: &Connection, message: &[u8]) -> io::Result<()> {
    let client = connection.client;
    let granted = match checks::grant(desk, (client.ip(), connection.is_tls), message, seconds(SystemTime::now())) {
        Ok(granted) => granted,
        Err(Some(refusal)) => {
            desk.tell_refused(client, None, refusal.rcode);
            return refuse(desk, connection, message, refusal).await;
        }
        Err(None) => return Err(io::ErrorKind::InvalidData.into()),
    };
    let zone = granted.query.question.name;
    match transfer(desk, connection, &granted).await {
        Ok((kind, Sent { messages, octets, records })) => {
            info!(%client, %zone, kind, messages, octets, records, "transfer-sent");
            Ok(())
        }
        Err(NotSent::Refused(rcode, error)) => {
            desk.tell_refused(client, Some(zone), rcode);
            let refusal = Refusal::new(rcode, Some(error), granted.verified.as_ref());
            refuse(desk, connection, message, refusal).await
        }
        Err(NotSent::Client(error)) => {
            info!(%client, %zone, %error, "transfer-ended");
            Err(error)
        }
    }
}

/// Why a transfer was not sent.
enum NotSent {
    /// It can't be, and nothing was.
    Refused(Rcode, ExtendedError),
    /// The client is gone or too slow.
    Client(io::Error),
}

/// Sends what is asked for, and says what it was.
async fn transfer(
    desk: &Desk,
    connection: &Connection,
    granted: &Granted<'_>,
) -> Result<(&'static str, Sent), NotSent> {
    let refused = |(rcode, error)| NotSent::Refused(rcode, error);
    let not_ready = || refused((Rcode::SERVFAIL, ExtendedError::NOT_READY));
    let apex = granted.query.question.name.to_name();
    let mut zones = desk.settled().await.ok_or_else(not_ready)?;
    let (zone, mut soa) = checks::zone_of(&zones, &apex).map_err(refused)?;
    if let Wanted::Since(from) = granted.wanted {
        let span = Span { from, to: zone.serial().unwrap_or_default(), generation: zones.generation() };
        // Let go meanwhile.
        drop(zones);
        if !is_newer(span.to, from) {
            let sent = send_soa(desk, connection, granted, (&apex, &soa)).await;
            return sent.map(|sent| ("current", sent)).map_err(NotSent::Client);
        }
        if let Some(differences) = desk.journal.find(&desk.memmgr, &apex, span).await {
            let sent = ixfr::send(desk, connection, granted, (&apex, &soa), differences).await;
            return sent.map(|sent| ("incremental", sent)).map_err(NotSent::Client);
        }
        zones = desk.settled().await.ok_or_else(not_ready)?;
        (_, soa) = checks::zone_of(&zones, &apex).map_err(refused)?;
    }
    match axfr::send(desk, connection, granted, zones, &soa).await {
        Ok(sent) => Ok(("full", sent)),
        Err(Failed::Client(error)) => Err(NotSent::Client(error)),
        Err(Failed::NotLeased(error)) => {
            warn!(zone = %apex, error, "transfer-not-leased");
            Err(not_ready())
        }
    }
}

/// Sends the SOA record alone: the client has the zone as it is, or newer (RFC 1995, section 4).
async fn send_soa(
    desk: &Desk,
    connection: &Connection,
    granted: &Granted<'_>,
    (apex, soa): (&Name, &Soa),
) -> io::Result<Sent> {
    let signer = granted.verified.as_ref().map(|verified| verified.signer());
    let mut outgoing = Outgoing::new(desk, connection, &granted.query, signer, None);
    outgoing.put(apex.as_ref(), Rtype::SOA.0, soa.ttl, &soa.rdata).await?;
    outgoing.send().await?;
    Ok(outgoing.sent)
}

/// Sends the answer to a request that is not granted.
async fn refuse(desk: &Desk, connection: &Connection, message: &[u8], refusal: Refusal) -> io::Result<()> {
    let answer = refusing(message, refusal).ok_or(io::ErrorKind::InvalidData)?;
    // Who is refused has no place among the transfers, and takes none by not reading: so few may wait, and of any other one the connection ends.
    let mut place = None;
    let note = |has_progress: bool| {
        if !has_progress && place.is_none() {
            place = Some(desk.refused.take(connection.client.ip()).ok_or(io::ErrorKind::WouldBlock)?);
        }
        Ok(())
    };
    connection.send(&answer, desk.send_timeout, note).await?;
    // Many that came together do not keep the others waiting.
    tokio::task::yield_now().await;
    Ok(())
}

/// Whether a serial is newer than another (RFC 1982, section 3.2).
fn is_newer(serial: u32, other: u32) -> bool {
    let forward = serial.wrapping_sub(other);
    forward != 0 && forward < 1 << 31
}
