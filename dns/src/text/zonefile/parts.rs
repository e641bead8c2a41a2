//! A large file in parts, scanned on all cores: [`read`].
//!
//! Whoever is free takes the next block of the file under a lock, in which it is read and hashed, and scans it outside. Blocks are cut
//! before lines that start with an owner, and each is scanned as if parentheses were closed there and nothing were known of TTLs before; the
//! origin is known, since blocks are searched for `$ORIGIN` as they are read. When all are scanned, they are looked through in order: where
//! one ended without an error, what the next assumed was so. TTLs that were waited for are put in then.
//!
//! Where anything does not fit (an error, a directive other than `$ORIGIN` and `$TTL`, an origin in parentheses), nothing is kept: the file is
//! then read in one piece, and what is said of it is what one reader says. So nothing here need be right about text that is wrong.

use super::carried::{NO_TTL, Ttls};
use super::reader::{Ended, Reader};
use super::source::Text;
use super::{Buffers, Options, ZoneFile};
use crate::columns::Part;
use crate::text::error::ZoneFileError;
use crate::text::name;
use crate::text::token::Tokenizer;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use xxhash_rust::xxh3::Xxh3;
use zone_segment::Name;

/// Octets of a block; also the size of a file above which it is read in blocks. A thousand times what handing it out costs, and small
/// enough that block and records stay in the second cache.
pub(super) const BLOCK_OCTETS: usize = 1 << 20;

/// A file as it was read in parts.
#[derive(Debug)]
pub(super) struct InParts {
    /// The records.
    pub(super) parts: Vec<Part>,
    /// The warnings.
    pub(super) warnings: Vec<ZoneFileError>,
    /// The xxh3-128 of the text.
    pub(super) content_hash: u128,
    /// Octets of text.
    pub(super) length: u64,
}

/// What reads octets from a place of the text on, fewer than asked for only at its end.
pub(super) type ReadAt<'t> = &'t (dyn Fn(&mut [u8], u64) -> io::Result<usize> + Sync);

/// Reads a text in parts, on as many threads as wanted; `None` where it has to be read in one piece.
pub(super) fn read(
    buffers: &mut Buffers,
    path: &Path,
    read_at: ReadAt<'_>,
    size: u64,
    origin: &Name,
    options: &Options<'_>,
) -> Option<InParts> {
    let feed = Mutex::new(Feed {
        read_at,
        at: 0,
        rest: Vec::new(),
        hash: Xxh3::new(),
        origin: origin.clone(),
        blocks: 0,
        is_failed: false,
    });
    let scanned = Mutex::new(Vec::new());
    let work = |buffers: &mut Buffers| work(buffers, path, options, &feed, &scanned);
    let blocks = usize::try_from(size).unwrap_or(usize::MAX).div_ceil(options.block_octets());
    std::thread::scope(|scope| {
        for _ in 1..options.threads().min(blocks) {
            scope.spawn(|| work(&mut Buffers::default()));
        }
        work(buffers);
    });
    let feed = feed.into_inner().unwrap_or_else(PoisonError::into_inner);
    if feed.is_failed {
        return None;
    }
    let scanned = scanned.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (parts, warnings) = put_together(scanned, origin)?;
    Some(InParts { parts, warnings, content_hash: feed.hash.digest128(), length: feed.at })
}

/// Scans block after block until there is none.
fn work(
    buffers: &mut Buffers,
    path: &Path,
    options: &Options<'_>,
    feed: &Mutex<Feed<'_>>,
    scanned: &Mutex<Vec<Scanned>>,
) {
    let mut text = buffers.texts.pop().unwrap_or_default();
    let lock = || feed.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let Some(block) = lock().next(&mut text, options) else { break };
        let ttls = Ttls { is_unknown: block.index > 0, ..Ttls::default() };
        let (zone_file, end) =
            Reader::new(buffers, path, options).read_part(text.as_slice(), block.origin.clone(), ttls);
        let is_sound = zone_file.errors.is_empty() && (block.index == 0 || zone_file.warnings.is_empty());
        match end.filter(|_| is_sound) {
            Some(end) => {
                let scanned_block = Scanned { block, zone_file, end };
                scanned.lock().unwrap_or_else(PoisonError::into_inner).push(scanned_block);
            }
            None => lock().is_failed = true,
        }
    }
    buffers.texts.push(text);
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

/// Looks the blocks through in order: what each assumed must be what the one before it ended with.
fn put_together(mut scanned: Vec<Scanned>, origin: &Name) -> Option<(Vec<Part>, Vec<ZoneFileError>)> {
    scanned.sort_unstable_by_key(|scanned| scanned.block.index);
    let mut origin = origin.clone();
    let mut ttls = Ttls::default();
    let mut lines = 0_u32;
    let mut parts = Vec::new();
    let mut warnings = Vec::new();
    for Scanned { block, zone_file, end } in scanned {
        if block.origin.as_wire() != origin.as_wire() {
            return None;
        }
        for mut part in zone_file.columns.parts {
            let ttl = |last| ttls.default.or((last != NO_TTL).then_some(last)).or(ttls.last);
            if !part.set_awaited_ttls(ttl) {
                return None;
            }
            part.move_to(lines, |file| file);
            parts.push(part);
        }
        warnings.extend(zone_file.warnings);
        lines = lines.wrapping_add(end.line - 1);
        ttls.default = end.ttls.default.or(ttls.default);
        ttls.last = end.ttls.last.or(ttls.last);
        origin = end.origin;
    }
    Some((parts, warnings))
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
    /// Whether the text has to be read in one piece.
    is_failed: bool,
}

impl Feed<'_> {
    /// Puts the next block into `text`; none at the end of the text, or after a failure.
    fn next(&mut self, text: &mut Text, options: &Options<'_>) -> Option<Block> {
        if self.is_failed {
            return None;
        }
        let block = self.take(text, options);
        self.is_failed |= block.is_err();
        block.ok().flatten()
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
