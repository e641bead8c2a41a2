//! The reader of entries: [`Reader`] has what carries over from entry to entry, obeys directives, and reads any record by its tokens.
//!
//! Tokens are made in `token.rs`, RDATA is read in `rdata.rs`; directives are in `directive`.

mod directive;

use super::super::error::{Reason, Severity, ZoneFileError};
use super::super::head::{self, BYTE_ORDER_MARKS, Fault, Head};
use super::super::limits::{ERRORS_MAX, WARNINGS_MAX};
use super::super::token::{Entry, Token, TokenFault, Tokenizer};
use super::super::ttl;
use super::carried::{Carried, Ttls};
use super::parts::{self, InParts, ReadAt, Unread};
use super::scanner::{Position, Scanned, Scanner, Stop};
use super::source::{OpenFile, Source, Text};
use super::{Buffers, Collected, Options, TakeParts, ZoneFile};
use crate::columns::Part;
use crate::types::Rtype;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use zone_segment::Name;

/// How a text ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// The origin.
    pub(super) origin: Name,
    /// The line, from 1, that begins where it ends.
    pub(super) line: u32,
    /// The TTLs for records without one.
    pub(super) ttls: Ttls,
}

/// The file that is read just now.
struct Frame<'a> {
    /// Its index in the list of files.
    file: u32,
    /// Its octets.
    source: &'a [u8],
    /// What completes its relative names, as `$ORIGIN` changes it.
    origin: Name,
}

/// What carries over from entry to entry.
pub(super) struct Reader<'b> {
    /// Memory that outlives this file.
    buffers: &'b mut Buffers,
    /// How to read.
    options: &'b Options<'b>,
    /// What was read so far.
    zone_file: ZoneFile,
    /// The records since the last part was put into the columns.
    part: Part,
    /// Owner and TTLs.
    carried: Carried,
    /// The files being read, each including the next, by their canonical paths.
    open: Vec<PathBuf>,
    /// Whether this is one of several parts of a file, which includes none.
    is_part: bool,
    /// How many records came of `$GENERATE`.
    generated: u64,
    /// How many octets those have.
    generated_octets: u64,
    /// How many files were included.
    included: usize,
    /// Where RDATA is put together, kept to save allocations.
    rdata: Vec<u8>,
    /// Who takes the parts in place of the columns.
    to: Option<&'b dyn TakeParts>,
    /// How many parts were taken.
    taken: u64,
    /// Whether no more are wanted.
    is_stopped: bool,
}

impl<'b> Reader<'b> {
    /// Starts with nothing known.
    pub(super) fn new(buffers: &'b mut Buffers, path: &Path, options: &'b Options<'b>) -> Self {
        let mut zone_file = ZoneFile::default();
        zone_file.columns.files.push(path.to_owned());
        zone_file.sources.push(Source::default());
        let part = std::mem::take(&mut buffers.part);
        Self {
            buffers,
            options,
            zone_file,
            part,
            carried: Carried::default(),
            open: Vec::new(),
            is_part: false,
            generated: 0,
            generated_octets: 0,
            included: 0,
            rdata: Vec::new(),
            to: None,
            taken: 0,
            is_stopped: false,
        }
    }

    /// Hands parts on in place of putting them into the columns.
    pub(super) fn into(mut self, to: &'b dyn TakeParts) -> Self {
        self.to = Some(to);
        self
    }

    /// Reads the file and what it includes.
    pub(super) fn read(mut self, origin: &Name) -> ZoneFile {
        let path = self.path(0).to_owned();
        if let Err(reason) = self.read_file(&path, origin) {
            self.report(ZoneFileError { path, place: None, severity: Severity::Error, reason, text: None });
        }
        self.finish()
    }

    /// Reads the file and what it includes, if it can be read.
    fn read_file(&mut self, path: &Path, origin: &Name) -> Result<(), Reason> {
        let file = OpenFile::open(path)?;
        if file.size() > self.options.block_octets() as u64 {
            let read_at = |octets: &mut [u8], at| file.read_at(octets, at);
            match self.read_in_parts(path, &read_at, file.size(), origin) {
                Ok(in_parts) => {
                    self.zone_file.sources = vec![file.source(in_parts.content_hash, in_parts.length)];
                    return Ok(());
                }
                Err(Unread::Unwanted) => return Ok(()),
                Err(Unread::Irregular) => (),
            }
        }
        let mut text = self.buffers.texts.pop().unwrap_or_default();
        let loaded = self.load(0, &file, &mut text);
        if loaded.is_ok() {
            self.open.push(path.to_owned());
            self.read_source(0, text.as_slice(), origin.clone());
        }
        self.buffers.texts.push(text);
        loaded
    }

    /// Reads a large file in parts.
    fn read_in_parts(&mut self, path: &Path, read_at: ReadAt<'_>, size: u64, origin: &Name) -> Result<InParts, Unread> {
        let read = |reader: &mut Self, to| parts::read(reader.buffers, path, read_at, size, origin, reader.options, to);
        let mut in_parts = match self.to {
            Some(to) => {
                let in_parts = read(self, to);
                if in_parts.as_ref().is_err_and(|unread| *unread == Unread::Irregular) {
                    to.start_over();
                }
                in_parts?
            }
            None => {
                let collected = Collected::default();
                let in_parts = read(self, &collected)?;
                self.zone_file.columns.parts = collected.into_parts();
                in_parts
            }
        };
        self.zone_file.warnings = std::mem::take(&mut in_parts.warnings);
        Ok(in_parts)
    }

    /// Reads one of several parts of the file. It must not include any other; an error stands for all that keeps it from being a part.
    pub(super) fn read_part(mut self, text: &[u8], origin: Name, ttls: Ttls) -> (ZoneFile, Option<Ended>) {
        self.is_part = true;
        self.carried.ttls = ttls;
        let end = self.read_source(0, text, origin);
        (self.finish(), end)
    }

    /// Reads the file from memory, and what it includes.
    pub(super) fn read_octets(mut self, source: &[u8], origin: &Name) -> ZoneFile {
        if source.len() > self.options.block_octets() {
            let path = self.path(0).to_owned();
            let read_at = |octets: &mut [u8], at: u64| {
                let rest = usize::try_from(at).ok().and_then(|at| source.get(at..)).unwrap_or_default();
                let length = rest.len().min(octets.len());
                octets[..length].copy_from_slice(&rest[..length]);
                Ok(length)
            };
            match self.read_in_parts(&path, &read_at, source.len() as u64, origin) {
                Ok(_) | Err(Unread::Unwanted) => return self.finish(),
                Err(Unread::Irregular) => (),
            }
        }
        self.read_source(0, source, origin.clone());
        self.finish()
    }

    /// Gives what was read.
    fn finish(mut self) -> ZoneFile {
        self.end_part();
        self.part.clear();
        self.buffers.part = self.part;
        self.zone_file
    }

    /// Puts the records so far into the columns.
    fn end_part(&mut self) {
        if self.part.is_empty() {
            return;
        }
        let part = if self.part.is_small() {
            // So that a small file costs no large piece of memory that is cut to size.
            self.part.take_copy()
        } else {
            let mut part = std::mem::take(&mut self.part);
            part.shrink();
            part
        };
        if let Some(progress) = self.options.progress {
            progress.records.fetch_add(part.records(), Ordering::Relaxed);
        }
        match self.to {
            Some(to) => self.is_stopped |= !to.take(self.taken, part),
            None => self.zone_file.columns.parts.push(part),
        }
        self.taken += 1;
        self.carried.begin_part();
    }

    /// Reads a file into memory.
    fn load(&mut self, file: u32, open: &OpenFile, text: &mut Text) -> Result<(), Reason> {
        let source = open.read(text)?;
        if let Some(progress) = self.options.progress {
            progress.octets.fetch_add(text.as_slice().len() as u64, Ordering::Relaxed);
        }
        if let Some(known) = self.zone_file.sources.get_mut(file as usize) {
            known.add(source);
        }
        Ok(())
    }

    /// Reads the entries of one file to its end, or until there are too many errors; then there is no end.
    fn read_source(&mut self, file: u32, source: &[u8], origin: Name) -> Option<Ended> {
        let mut scanner = self.buffers.scanners.pop().unwrap_or_default();
        scanner.reset();
        let end = self.read_entries(file, source, origin, &mut scanner);
        self.buffers.scanners.push(scanner);
        end
    }

    /// Reads the entries of one file, those of a regular form with the scanner.
    fn read_entries(&mut self, file: u32, source: &[u8], origin: Name, scanner: &mut Scanner) -> Option<Ended> {
        let mut frame = Frame { file, source, origin };
        if BYTE_ORDER_MARKS.iter().any(|mark| source.starts_with(mark)) {
            let token = Token { start: 0, end: 0, line: 1, quoted: false, joined: false };
            self.report_fault(&frame, Severity::Error, Fault { reason: Reason::ByteOrderMark, token });
            return None;
        }
        if self.part.is_empty() {
            self.part.reserve(source.len().min(PART_OCTETS));
        }
        let mut tokenizer = Tokenizer::new(source);
        let mut tokens = Vec::new();
        let mut position = Position { at: 0, line: 1 };
        while !self.is_full() {
            if self.part.used_octets() > PART_OCTETS {
                self.end_part();
                self.part.reserve(source.len().min(PART_OCTETS));
            }
            if !self.options.is_plain {
                let origin = frame.origin.as_wire();
                let scanned = Scanned { octets: source, origin, file };
                match scanner.scan(&scanned, &mut position, &mut self.carried, &mut self.part) {
                    Stop::End => return Some(self.ended(frame, position.line)),
                    Stop::Window => continue,
                    Stop::Irregular => tokenizer.go_to(position.at, position.line),
                }
            }
            let outcome = match tokenizer.next_entry(&mut tokens) {
                Ok(None) => return Some(self.ended(frame, tokenizer.position().1)),
                Ok(Some(entry)) => self.read_entry(&mut frame, entry, &tokens),
                Err(error) => Err(Fault { reason: error.fault.into(), token: error.token }),
            };
            if let Err(fault) = outcome {
                self.report_fault(&frame, Severity::Error, fault);
            }
            let (at, line) = tokenizer.position();
            position = Position { at, line };
        }
        None
    }

    /// How a text ended.
    fn ended(&self, frame: Frame<'_>, line: u32) -> Ended {
        Ended { origin: frame.origin, line, ttls: self.carried.ttls }
    }

    /// Reads one entry: a directive if it starts with `$`, else a record.
    fn read_entry(&mut self, frame: &mut Frame<'_>, entry: Entry, tokens: &[Token]) -> Result<(), Fault> {
        let Some((first, rest)) = tokens.split_first() else { return Ok(()) };
        let text = first.text(frame.source);
        if entry.starts_blank {
            self.read_record(frame, *first, tokens)
        } else if !first.quoted && text.starts_with(b"$") {
            self.read_directive(frame, *first, rest)
        } else {
            let owner = read_name(frame, *first)?;
            self.carried.replace_owner(owner.as_wire());
            self.read_record(frame, *first, rest)
        }
    }

    /// Reads a record from its TTL, class or type on; `start` is the first token of its entry.
    fn read_record(&mut self, frame: &Frame<'_>, start: Token, tokens: &[Token]) -> Result<(), Fault> {
        let head = self.read_head(frame, start, tokens)?;
        self.carried.owner().ok_or(Fault { reason: Reason::NoOwner, token: start })?;
        head.scan_rdata(frame.source, frame.origin.as_ref(), &mut self.rdata)?;
        self.add_record(frame, &head, start.line)
    }

    /// Adds the record whose RDATA was read last.
    fn add_record(&mut self, frame: &Frame<'_>, head: &Head<'_>, line: u32) -> Result<(), Fault> {
        if head.ttl.is_none() && self.carried.ttls.inherited().is_none() {
            self.take_minimum(frame, head)?;
        }
        let kind = self.carried.kind(head.rtype, head.ttl, frame.file);
        if let (Some(kind), Some(owner)) = (kind, self.carried.owner()) {
            self.part.owner(owner);
            let kind = self.part.kind(kind);
            self.part.record(kind, line, &self.rdata);
            self.carried.took_record(head.ttl);
        }
        Ok(())
    }

    /// Reads TTL, class and type.
    fn read_head<'t>(&mut self, frame: &Frame<'_>, start: Token, tokens: &'t [Token]) -> Result<Head<'t>, Fault> {
        head::read_head(frame.source, start, tokens, |fault| self.report_fault(frame, Severity::Warning, fault))
    }

    /// Reads a token as a TTL.
    fn read_ttl(&mut self, frame: &Frame<'_>, token: Token) -> Result<u32, Fault> {
        head::read_ttl(frame.source, token, |fault| self.report_fault(frame, Severity::Warning, fault))
    }

    /// Where there is no TTL at all, takes the minimum of an SOA, which then stands for a `$TTL`.
    fn take_minimum(&mut self, frame: &Frame<'_>, head: &Head<'_>) -> Result<(), Fault> {
        let fault = |reason| Fault { reason, token: head.rtype_token };
        let minimum = match (head.rtype, self.rdata.last_chunk()) {
            (Rtype::SOA, Some(minimum)) => u32::from_be_bytes(*minimum).min(ttl::TTL_MAX),
            _ => return Err(fault(Reason::NoTtl)),
        };
        self.carried.ttls.default = Some(minimum);
        self.report_fault(frame, Severity::Warning, fault(Reason::SoaMinimumUsed));
        Ok(())
    }

    /// Whether there are as many errors as are collected, and one more that says so, or no more records are wanted.
    fn is_full(&self) -> bool {
        self.zone_file.errors.len() > ERRORS_MAX || self.is_stopped
    }

    /// Notes a fault of the file that is read just now.
    fn report_fault(&mut self, frame: &Frame<'_>, severity: Severity, fault: Fault) {
        let error = fault.into_error(self.path(frame.file), frame.source, severity);
        self.report(error);
    }

    /// Notes an error or a warning, as far as there is room for it.
    fn report(&mut self, error: ZoneFileError) {
        let ZoneFile { errors, warnings, .. } = &mut self.zone_file;
        match error.severity {
            Severity::Warning if warnings.len() < WARNINGS_MAX => warnings.push(error),
            Severity::Warning => (),
            Severity::Error if errors.len() < ERRORS_MAX => errors.push(error),
            Severity::Error if errors.len() == ERRORS_MAX => {
                errors.push(ZoneFileError { reason: Reason::TooManyErrors, text: None, ..error });
            }
            Severity::Error => (),
        }
    }

    /// The path of a file by its index.
    fn path(&self, file: u32) -> &Path {
        self.zone_file.columns.path(file)
    }

    /// The index of a file, which is put on the list if it is not there.
    fn file_index(&mut self, path: &Path) -> u32 {
        let files = &mut self.zone_file.columns.files;
        let index = files.iter().position(|file| file == path).unwrap_or_else(|| {
            files.push(path.to_owned());
            self.zone_file.sources.push(Source::default());
            files.len() - 1
        });
        // FILES_MAX keeps it far below.
        u32::try_from(index).unwrap_or(u32::MAX)
    }
}

impl From<TokenFault> for Reason {
    fn from(fault: TokenFault) -> Self {
        match fault {
            TokenFault::UnclosedParenthesis => Self::UnclosedParenthesis,
            TokenFault::UnopenedParenthesis => Self::UnopenedParenthesis,
            TokenFault::NestedParenthesis => Self::NestedParenthesis,
            TokenFault::UnclosedQuote => Self::UnclosedQuote,
            TokenFault::UnfinishedEscape => Self::UnfinishedEscape,
            TokenFault::TooManyTokens => Self::TooManyTokens,
        }
    }
}

/// Reads a token as a name, completed with the origin where it is relative.
fn read_name(frame: &Frame<'_>, token: Token) -> Result<Name, Fault> {
    head::read_name(frame.source, frame.origin.as_ref(), token)
}

/// Above this many octets a part is ended and another begun, so that sorting and checking have parts for all cores.
const PART_OCTETS: usize = 4 << 20;
