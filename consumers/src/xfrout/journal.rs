//! What changed in zones, asked of memmgr: [`Journal`], and [`Differences`], a row of records that is read piece by piece.
//!
//! memmgr hands over what is asked for in a sealed memfd. However many clients are sent the same, there is one of it; and all of them together are
//! bounded, since they are memory.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bus::descriptors::check_sealed;
use bus::protocol::control::{Changes, Command, CommandError};
use dns::change_list::{LISTED_OCTETS_MAX, ListedRecord};
use tracing::info;
use zone_segment::Name;

use super::memmgr::Memmgr;

/// Which versions lie at both ends of what changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// The serial that the client has.
    pub(super) from: u32,
    /// The zone's.
    pub(super) to: u32,
    /// The generation that has it.
    pub(super) generation: u64,
}

/// What was handed over and is in use.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// By zone and serials. Held while memmgr is asked, too: who asks for the same meanwhile gets the same.
    pieces: tokio::sync::Mutex<BTreeMap<(Name, u32, u32), Weak<Piece>>>,
}

/// What changed in a zone from one serial to another.
#[derive(Debug)]
struct Piece {
    /// The records.
    memfd: OwnedFd,
    /// How many octets they are.
    octets: usize,
}

/// The records of what changed, read one after the other.
#[derive(Debug)]
pub(super) struct Differences {
    /// Where they are.
    piece: Arc<Piece>,
    /// How much of it was read.
    read: usize,
    /// Read, and not taken yet.
    buffer: Vec<u8>,
    /// How much of the buffer was taken.
    pub(super) taken: usize,
}

impl Journal {
    /// Finds what changed; none where the zone itself is to be sent.
    pub(super) async fn find(&self, memmgr: &Memmgr, apex: &Name, span: Span) -> Option<Differences> {
        let Span { from, to, .. } = span;
        let found = tokio::time::timeout(ASK_MAX, self.find_or_ask(memmgr, apex, span)).await;
        match found.unwrap_or_else(|_| Err(format!("no answer within {} s", ASK_MAX.as_secs()))) {
            Ok(found) => found.map(|piece| Differences { piece, read: 0, buffer: Vec::new(), taken: 0 }),
            Err(error) => {
                info!(zone = %apex, from, to, error, "changes-not-found");
                None
            }
        }
    }

    /// The piece that is in use, or else a new one.
    async fn find_or_ask(&self, memmgr: &Memmgr, apex: &Name, span: Span) -> Result<Option<Arc<Piece>>, String> {
        let mut pieces = self.pieces.lock().await;
        pieces.retain(|_, piece| piece.strong_count() > 0);
        let key = (apex.clone(), span.from, span.to);
        if let Some(piece) = pieces.get(&key).and_then(Weak::upgrade) {
            return Ok(Some(piece));
        }
        let Some(piece) = ask(memmgr, apex, span).await? else { return Ok(None) };
        let held: usize = pieces.values().filter_map(Weak::upgrade).map(|piece| piece.octets).sum();
        if held + piece.octets > PIECES_OCTETS_MAX {
            let found = held + piece.octets;
            return Err(format!(
                "expected at most {PIECES_OCTETS_MAX} octets of changes in use at once, found {found}"
            ));
        }
        let piece = Arc::new(piece);
        pieces.insert(key, Arc::downgrade(&piece));
        Ok(Some(piece))
    }
}

/// Asks memmgr.
async fn ask(memmgr: &Memmgr, apex: &Name, span: Span) -> Result<Option<Piece>, String> {
    let Span { from, to, generation } = span;
    let ask = Command::Changes { zone: apex.to_string(), from, to, generation };
    let mut reply = memmgr.ask(&ask, ASK_MAX).await?;
    let changes: Changes = reply
        .parse()
        .map_err(|error| reply.parse::<CommandError>().map_or_else(|_| error.to_string(), |said| said.error))?;
    let Some(octets) = changes.octets else { return Ok(None) };
    let octets = usize::try_from(octets).map_err(|error| error.to_string())?;
    let memfd = std::mem::take(&mut reply.descriptors).pop().ok_or("expected a memfd with the changes, found none")?;
    check_sealed(memfd.as_fd(), octets).map_err(|error| error.to_string())?;
    Ok(Some(Piece { memfd, octets }))
}

impl Differences {
    /// The next record, and the octets that it takes, for the caller to note as taken.
    pub(super) fn next(&mut self) -> io::Result<Option<(ListedRecord<'_>, usize)>> {
        if self.read < self.piece.octets && self.buffer.len() - self.taken < LISTED_OCTETS_MAX {
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
        let wanted = (self.piece.octets - self.read).min(READ_OCTETS);
        self.buffer.resize(filled + wanted, 0);
        let mut at = filled;
        while at < self.buffer.len() {
            let room = self.buffer.get_mut(at..).unwrap_or_default();
            // At a place of its own: others read the same.
            match rustix::io::retry_on_intr(|| rustix::io::pread(&self.piece.memfd, &mut *room, self.read as u64))? {
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

/// Octets of changes read at a time: the buffer is never much longer than two records may be.
const READ_OCTETS: usize = LISTED_OCTETS_MAX;

/// Octets of changes that are in use at once, by whatever clients. Beyond that the zone itself is sent, which is no memory at all.
const PIECES_OCTETS_MAX: usize = 256 << 20;
