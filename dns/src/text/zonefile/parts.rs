//! A large file in parts, scanned on all cores: [`read`].
//!
//! Whoever is free takes the next block of the file under a lock, in which it is read and hashed, and scans it outside. Blocks are cut
//! before lines that start with an owner, and each is scanned as if parentheses were closed there and nothing were known of TTLs before; the
//! origin is known, since blocks are searched for `$ORIGIN` as they are read. As soon as all before it are scanned, a block is looked through:
//! where the one before ended without an error, what it assumed was so. TTLs that were waited for are put in then, and whoever is free
//! hands its parts to who takes them ([`TakeParts`]): so a few blocks are in memory, whatever the length of the file.
//!
//! Where anything does not fit (an error, a directive other than `$ORIGIN` and `$TTL`, an origin in parentheses), nothing counts: the file is
//! then read in one piece, and what is said of it is what one reader says. So nothing here need be right about text that is wrong.

use super::carried::{NO_TTL, Ttls};
use super::reader::{Ended, Reader};
use super::source::Text;
use super::{Buffers, Options, TakeParts, ZoneFile};
use crate::columns::Part;
use crate::text::error::ZoneFileError;
use crate::text::name;
use crate::text::token::Tokenizer;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use xxhash_rust::xxh3::Xxh3;
use zone_segment::Name;

/// Octets of a block; also the size of a file above which it is read in blocks. A thousand times what handing it out costs, and small
/// enough that block and records stay in the second cache.
pub(super) const BLOCK_OCTETS: usize = 1 << 20;

/// Blocks that were scanned and wait for one before them, above which those who are free wait too: they would only fill memory.
const WAITING_MAX: usize = 16;

/// How long they wait at most, whatever holds that one up.
const WAIT: Duration = Duration::from_millis(20);

/// A file as it was read in parts.
#[derive(Debug)]
pub(super) struct InParts {
    /// The warnings.
    pub(super) warnings: Vec<ZoneFileError>,
    /// The xxh3-128 of the text.
    pub(super) content_hash: u128,
    /// Octets of text.
    pub(super) length: u64,
}

/// Why a file was not read in parts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unread {
    /// It has to be read in one piece.
    Irregular,
    /// No more parts are wanted.
    Unwanted,
}

/// What reads octets from a place of the text on, fewer than asked for only at its end.
pub(super) type ReadAt<'t> = &'t (dyn Fn(&mut [u8], u64) -> io::Result<usize> + Sync);

/// Reads a text in parts, on as many threads as wanted, and hands them to who takes them.
pub(super) fn read(
    buffers: &mut Buffers,
    path: &Path,
    read_at: ReadAt<'_>,
    size: u64,
    origin: &Name,
    options: &Options<'_>,
    to: &dyn TakeParts,
) -> Result<InParts, Unread> {
    let feed =
        Feed { read_at, at: 0, rest: Vec::new(), hash: Xxh3::new(), origin: origin.clone(), blocks: 0, failure: None };
    let reading = Reading {
        path,
        options,
        to,
        feed: Mutex::new(feed),
        sequence: Mutex::new(Sequence::new(origin.clone())),
        moved: Condvar::new(),
    };
    let blocks = usize::try_from(size).unwrap_or(usize::MAX).div_ceil(options.block_octets());
    std::thread::scope(|scope| {
        for _ in 1..options.threads().min(blocks) {
            scope.spawn(|| reading.work(&mut Buffers::default()));
        }
        reading.work(buffers);
    });
    let Reading { feed, sequence, .. } = reading;
    let feed = feed.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(failure) = feed.failure {
        return Err(failure);
    }
    let warnings = sequence.into_inner().unwrap_or_else(PoisonError::into_inner).warnings;
    Ok(InParts { warnings, content_hash: feed.hash.digest128(), length: feed.at })
}

/// What all threads that read a file have in common.
struct Reading<'t> {
    /// Its name.
    path: &'t Path,
    /// How to read it.
    options: &'t Options<'t>,
    /// Who takes the parts.
    to: &'t dyn TakeParts,
    /// Where blocks come from.
    feed: Mutex<Feed<'t>>,
    /// Where they are put into order.
    sequence: Mutex<Sequence>,
    /// Told when the order has moved on.
    moved: Condvar,
}

impl<'t> Reading<'t> {
    /// The feed.
    fn feed(&self) -> MutexGuard<'_, Feed<'t>> {
        self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The order.
    fn sequence(&self) -> MutexGuard<'_, Sequence> {
        self.sequence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands on what is ready, and scans block after block until there is none.
    fn work(&self, buffers: &mut Buffers) {
        let mut text = buffers.texts.pop().unwrap_or_default();
        loop {
            if let Some((number, part)) = self.next_ready() {
                if self.feed().failure.is_none() && !self.to.take(number, part) {
                    self.feed().fail(Unread::Unwanted);
                }
                continue;
            }
            let Some(block) = self.feed().next(&mut text, self.options) else { break };
            if let Err(failure) = self.scan(buffers, &text, block) {
                self.feed().fail(failure);
            }
            self.moved.notify_all();
        }
        buffers.texts.push(text);
    }

    /// A part that is ready; none where none is, and another block is to be scanned.
    fn next_ready(&self) -> Option<(u64, Part)> {
        let mut sequence = self.sequence();
        if sequence.ready.is_empty() && sequence.waiting.len() >= WAITING_MAX {
            // Only once: that one is held up is no reason not to go on.
            let waited = self.moved.wait_timeout(sequence, WAIT);
            (sequence, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        sequence.ready.pop_front()
    }

    /// Scans a block, and looks through all that follow each other by now.
    fn scan(&self, buffers: &mut Buffers, text: &Text, block: Block) -> Result<(), Unread> {
        let ttls = Ttls { is_unknown: block.index > 0, ..Ttls::default() };
        let reader = Reader::new(buffers, self.path, self.options);
        let (zone_file, end) = reader.read_part(text.as_slice(), block.origin.clone(), ttls);
        let is_sound = zone_file.errors.is_empty() && (block.index == 0 || zone_file.warnings.is_empty());
        let end = end.filter(|_| is_sound).ok_or(Unread::Irregular)?;
        self.sequence().add(Scanned { block, zone_file, end })
    }
}

/// A block that was scanned.
#[derive(Debug)]
struct Scanned {
    /// Which.
    block: Block,
    /// What it holds.
    zone_file: ZoneFile,
    /// How it ended.
    end: Ended,
}

/// Blocks put into order: what each assumed must be what the one before it ended with.
struct Sequence {
    /// Blocks that came before their turn.
    waiting: BTreeMap<usize, Scanned>,
    /// Parts that are as they are to be, with their numbers.
    ready: VecDeque<(u64, Part)>,
    /// How many parts there were.
    parts: u64,
    /// The block whose turn it is.
    next: usize,
    /// The origin where it starts.
    origin: Name,
    /// The TTLs there.
    ttls: Ttls,
    /// The lines before it.
    lines: u32,
    /// The warnings so far.
    warnings: Vec<ZoneFileError>,
}

impl Sequence {
    /// None so far.
    fn new(origin: Name) -> Self {
        Sequence {
            waiting: BTreeMap::new(),
            ready: VecDeque::new(),
            parts: 0,
            next: 0,
            origin,
            ttls: Ttls::default(),
            lines: 0,
            warnings: Vec::new(),
        }
    }

    /// Adds a block, and looks through all whose turn it is.
    fn add(&mut self, scanned: Scanned) -> Result<(), Unread> {
        self.waiting.insert(scanned.block.index, scanned);
        while let Some(scanned) = self.waiting.remove(&self.next) {
            self.next += 1;
            self.follow(scanned)?;
        }
        Ok(())
    }

    /// Looks a block through.
    fn follow(&mut self, scanned: Scanned) -> Result<(), Unread> {
        let Scanned { block, zone_file, end } = scanned;
        if block.origin.as_wire() != self.origin.as_wire() {
            return Err(Unread::Irregular);
        }
        for mut part in zone_file.columns.parts {
            let ttls = self.ttls;
            let ttl = |last| ttls.default.or((last != NO_TTL).then_some(last)).or(ttls.last);
            if !part.set_awaited_ttls(ttl) {
                return Err(Unread::Irregular);
            }
            part.move_to(self.lines, |file| file);
            self.ready.push_back((self.parts, part));
            self.parts += 1;
        }
        self.warnings.extend(zone_file.warnings);
        self.lines = self.lines.wrapping_add(end.line - 1);
        self.ttls.default = end.ttls.default.or(self.ttls.default);
        self.ttls.last = end.ttls.last.or(self.ttls.last);
        self.origin = end.origin;
        Ok(())
    }
}

/// A block of text as it was handed out.
#[derive(Debug)]
struct Block {
    /// How many there are before it.
    index: usize,
    /// The origin where it starts.
    origin: Name,
}

/// Where blocks come from.
struct Feed<'t> {
    /// What reads the text.
    read_at: ReadAt<'t>,
    /// How far it was read.
    at: u64,
    /// What was read and not handed out.
    rest: Vec<u8>,
    /// The hash of what was read.
    hash: Xxh3,
    /// The origin where the next block starts.
    origin: Name,
    /// Blocks handed out.
    blocks: usize,
    /// Why no more blocks are handed out.
    failure: Option<Unread>,
}

impl Feed<'_> {
    /// Puts the next block into `text`; none at the end of the text, or after a failure.
    fn next(&mut self, text: &mut Text, options: &Options<'_>) -> Option<Block> {
        if self.failure.is_some() {
            return None;
        }
        let block = self.take(text, options);
        if block.is_err() {
            self.fail(Unread::Irregular);
        }
        block.ok().flatten()
    }

    /// Hands out no more blocks. What is not wanted need not be read at all, so that this counts more.
    fn fail(&mut self, failure: Unread) {
        if self.failure != Some(Unread::Unwanted) {
            self.failure = Some(failure);
        }
    }

    /// The same; an error means that the text has to be read in one piece.
    fn take(&mut self, text: &mut Text, options: &Options<'_>) -> Result<Option<Block>, Irregular> {
        text.fill(&self.rest);
        self.rest.clear();
        let mut wanted = options.block_octets();
        let cut = loop {
            let read = text.read_more(wanted, |octets| (self.read_at)(octets, self.at)).map_err(|_| Irregular)?;
            let more = &text.as_slice()[text.as_slice().len() - read..];
            self.hash.update(more);
            self.at += read as u64;
            if let Some(progress) = options.progress {
                progress.octets.fetch_add(read as u64, Ordering::Relaxed);
            }
            if read < wanted {
                break text.as_slice().len();
            }
            if let Some(cut) = safe_cut(text.as_slice()) {
                break cut;
            }
            wanted *= 2;
        };
        self.rest.extend_from_slice(&text.as_slice()[cut..]);
        text.truncate(cut);
        if text.as_slice().is_empty() {
            return Ok(None);
        }
        let block = Block { index: self.blocks, origin: self.origin.clone() };
        self.blocks += 1;
        self.follow_directives(text.as_slice())?;
        Ok(Some(block))
    }

    /// Follows the directives of a block.
    fn follow_directives(&mut self, block: &[u8]) -> Result<(), Irregular> {
        // Few zones have any; octets are looked through many at once for that.
        for (index, octets) in block.chunks(SEARCHED_OCTETS).enumerate() {
            // Without an early end, so that many octets are compared at once.
            if !octets.iter().fold(false, |found, octet| found | (*octet == b'$')) {
                continue;
            }
            for at in (index * SEARCHED_OCTETS..).zip(octets).filter(|(_, octet)| **octet == b'$').map(|(at, _)| at) {
                if at.checked_sub(1).is_none_or(|before| block[before] == b'\n') {
                    self.follow_directive(block, at)?;
                }
            }
        }
        Ok(())
    }

    /// Follows the directive that starts somewhere.
    fn follow_directive(&mut self, block: &[u8], at: usize) -> Result<(), Irregular> {
        let mut tokens = Vec::new();
        let mut tokenizer = Tokenizer::new(block);
        tokenizer.go_to(at, 1);
        tokenizer.next_entry(&mut tokens).map_err(|_| Irregular)?;
        let texts: Vec<&[u8]> = tokens.iter().map(|token| token.text(block)).collect();
        match texts.as_slice() {
            [directive, _] if directive.eq_ignore_ascii_case(b"$TTL") => Ok(()),
            [directive, origin] if directive.eq_ignore_ascii_case(b"$ORIGIN") => {
                let name = name::parse(origin, self.origin.as_wire()).map_err(|_| Irregular)?;
                self.origin = Name::from_wire(name.as_wire()).map_err(|_| Irregular)?;
                Ok(())
            }
            _ => Err(Irregular),
        }
    }
}

/// Octets that are searched for a directive at once.
const SEARCHED_OCTETS: usize = 4096;

/// The text has to be read in one piece.
struct Irregular;

/// The last line start of a text that can begin a block: that of a line with an owner, as it seems.
fn safe_cut(text: &[u8]) -> Option<usize> {
    let mut end = text.len();
    while let Some(line_end) = text.get(..end)?.iter().rposition(|octet| *octet == b'\n') {
        let is_owner = |first: &u8| !matches!(first, b' ' | b'\t' | b'\r' | b'\n' | b';' | b'(' | b')' | b'"' | b'$');
        if text.get(line_end + 1).is_some_and(is_owner) {
            return Some(line_end + 1);
        }
        end = line_end;
    }
    None
}
