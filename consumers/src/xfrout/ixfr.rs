//! What changed in a zone (RFC 1995): its SOA record, each change set as it was made, its SOA record again.
//!
//! memmgr has the journal, and hands over what is asked for in a sealed memfd. It is read piece by piece while it is sent, so that no more of it is in
//! memory than goes into a message or two. Change sets are not brought together: each is one difference.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use bus::descriptors::check_sealed;
use bus::protocol::control::{Changes, Command, CommandError};
use dns::change_list::{LISTED_OCTETS_MAX, ListedRecord};
use dns::types::Rtype;
use tracing::info;
use zone_segment::Name;

use super::answer::{Outgoing, Sent};
use super::checks::{Granted, Soa};
use super::connection::Connection;
use super::desk::Desk;

/// Which versions lie at both ends of what is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// The serial that the client has.
    pub(super) from: u32,
    /// The zone's.
    pub(super) to: u32,
    /// The generation that has it.
    pub(super) generation: u64,
}

/// What changed, as it came from memmgr.
pub(super) struct Differences {
    /// The records.
    memfd: OwnedFd,
    /// How many octets they are.
    octets: usize,
    /// How many of these were read.
    read: usize,
    /// Read, and not taken yet.
    buffer: Vec<u8>,
    /// How much of the buffer was taken.
    taken: usize,
}

/// Finds what changed; none where the zone itself is to be sent.
pub(super) async fn differences(desk: &Desk, apex: &Name, span: Span) -> Option<Differences> {
    let Span { from, to, generation } = span;
    match ask(desk, &Command::Changes { zone: apex.to_string(), from, to, generation }).await {
        Ok(found) => found,
        Err(error) => {
            info!(zone = %apex, from, to, error, "changes-not-found");
            None
        }
    }
}

/// Asks memmgr.
async fn ask(desk: &Desk, ask: &Command) -> Result<Option<Differences>, String> {
    let mut reply = desk.memmgr.ask(ask, ASK_MAX).await?;
    let changes: Changes = reply
        .parse()
        .map_err(|error| reply.parse::<CommandError>().map_or_else(|_| error.to_string(), |said| said.error))?;
    let Some(octets) = changes.octets else { return Ok(None) };
    let octets = usize::try_from(octets).map_err(|error| error.to_string())?;
    let memfd = std::mem::take(&mut reply.descriptors).pop().ok_or("expected a memfd with the changes, found none")?;
    check_sealed(memfd.as_fd(), octets).map_err(|error| error.to_string())?;
    Ok(Some(Differences { memfd, octets, read: 0, buffer: Vec::new(), taken: 0 }))
}

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

impl Differences {
    /// The next record, and the octets that it takes, for the caller to note.
    fn next(&mut self) -> io::Result<Option<(ListedRecord<'_>, usize)>> {
        if self.read < self.octets && self.buffer.len() - self.taken < LISTED_OCTETS_MAX {
            self.refill()?;
        }
        let left = self.buffer.get(self.taken..).unwrap_or_default();
        if left.is_empty() {
            return Ok(None);
        }
        ListedRecord::parse(left).map(Some).ok_or(io::ErrorKind::InvalidData.into())
    }

    /// Reads on, so that a whole record is in the buffer where there is one.
    fn refill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        let filled = self.buffer.len();
        let wanted = (self.octets - self.read).min(READ_OCTETS);
        self.buffer.resize(filled + wanted, 0);
        let mut at = filled;
        while at < self.buffer.len() {
            let room = self.buffer.get_mut(at..).unwrap_or_default();
            match rustix::io::retry_on_intr(|| rustix::io::pread(&self.memfd, &mut *room, self.read as u64))? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                octets => {
                    at += octets;
                    self.read += octets;
                }
            }
        }
        Ok(())
    }
}

/// How long memmgr may take to find what changed, before the zone itself is sent: it reads its logs.
const ASK_MAX: Duration = Duration::from_secs(10);

/// Octets of changes read at a time.
const READ_OCTETS: usize = 2 * LISTED_OCTETS_MAX;
