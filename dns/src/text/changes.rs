//! Change files: what an operator writes to change some records of a zone. [`read`] turns one into [`ChangeLine`]s, and says what is wrong with it.
//!
//! ```text
//! ; NAME is completed with the zone's, RDATA is as in zone files, parentheses may span lines
//! add www 300 AAAA 2001:db8::1
//! delete www 300 A 192.0.2.1     ; this record; TTL and class may be left out
//! delete old A                   ; all addresses of old.example.
//! delete older                   ; all that older.example. owns
//! ```
//!
//! `$ORIGIN` and `$TTL` mean what they mean in zone files; there is no owner or TTL that carries over from line to line. Whether the zone has what is
//! deleted, and whether it is still sound afterwards, is for who applies the lines.

use super::error::{Place, Reason, Severity, ZoneFileError};
use super::head::{BYTE_ORDER_MARKS, Fault, read_head, read_name, read_ttl};
use super::limits::{ERRORS_MAX, WARNINGS_MAX};
use super::token::{Token, Tokenizer, column};
use crate::change::ChangedRecord;
use crate::types::Rtype;
use std::path::{Path, PathBuf};
use zone_segment::{Name, NameRef};

/// What a change file asks for, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeFile {
    /// Its name in messages.
    pub path: PathBuf,
    /// Its lines, in their order.
    pub lines: Vec<ChangeLine>,
    /// What is wrong; with any of these the lines are not all of it, and nothing is to be applied.
    pub errors: Vec<ZoneFileError>,
    /// What it can be applied with all the same.
    pub warnings: Vec<ZoneFileError>,
}

/// A line, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeLine {
    /// Where it begins.
    pub place: Place,
    /// What it asks for.
    pub request: Request,
}

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A record comes.
    Add(ChangedRecord),
    /// A record goes, whatever its TTL (as in RFC 2136, section 2.5.4).
    Delete {
        /// The owner.
        owner: Name,
        /// The type.
        rtype: Rtype,
        /// The RDATA: uncompressed wire form.
        rdata: Box<[u8]>,
    },
    /// All records of a type go.
    DeleteRrset {
        /// The owner.
        owner: Name,
        /// The type.
        rtype: Rtype,
    },
    /// All that a name owns goes.
    DeleteOwner {
        /// The name.
        owner: Name,
    },
}

impl Request {
    /// The owner of what comes or goes.
    pub fn owner(&self) -> NameRef<'_> {
        match self {
            Self::Add(record) => record.owner.as_ref(),
            Self::Delete { owner, .. } | Self::DeleteRrset { owner, .. } | Self::DeleteOwner { owner } => {
                owner.as_ref()
            }
        }
    }
}

/// Reads a change file for the zone of an apex; `path` is its name in messages.
pub fn read(path: &Path, source: &[u8], apex: &Name) -> ChangeFile {
    let file = ChangeFile { path: path.to_owned(), ..ChangeFile::default() };
    let mut reader = Reader { source, apex, origin: apex.clone(), ttl: None, rdata: Vec::new(), file };
    reader.read_entries();
    reader.file
}

/// What carries over from line to line.
struct Reader<'s> {
    /// The octets of the file.
    source: &'s [u8],
    /// The zone.
    apex: &'s Name,
    /// What completes relative names.
    origin: Name,
    /// What the last `$TTL` said.
    ttl: Option<u32>,
    /// Where RDATA is put together, kept to save allocations.
    rdata: Vec<u8>,
    /// What was read so far.
    file: ChangeFile,
}

impl Reader<'_> {
    /// Reads all lines, or until there are too many errors.
    fn read_entries(&mut self) {
        if BYTE_ORDER_MARKS.iter().any(|mark| self.source.starts_with(mark)) {
            let token = Token { start: 0, end: 0, line: 1, quoted: false, joined: false };
            return self.report(Severity::Error, Fault { reason: Reason::ByteOrderMark, token });
        }
        let mut tokenizer = Tokenizer::new(self.source);
        let mut tokens = Vec::new();
        while self.file.errors.len() <= ERRORS_MAX {
            let outcome = match tokenizer.next_entry(&mut tokens) {
                Ok(None) => return,
                Ok(Some(_)) => self.read_entry(&tokens),
                Err(error) => Err(Fault { reason: error.fault.into(), token: error.token }),
            };
            if let Err(fault) = outcome {
                self.report(Severity::Error, fault);
            }
        }
    }

    /// Reads one line.
    fn read_entry(&mut self, tokens: &[Token]) -> Result<(), Fault> {
        let [word, arguments @ ..] = tokens else { return Ok(()) };
        let malformed = |form| Fault { reason: Reason::DirectiveArguments(form), token: *word };
        let text = if word.quoted { &b""[..] } else { word.text(self.source) };
        let request = match text.to_ascii_lowercase().as_slice() {
            b"add" => self.read_addition(*word, arguments)?,
            b"delete" => self.read_deletion(*word, arguments)?,
            b"$origin" => {
                let [origin] = arguments else { return Err(malformed("$ORIGIN NAME")) };
                self.origin = read_name(self.source, self.origin.as_ref(), *origin)?;
                return Ok(());
            }
            b"$ttl" => {
                let [ttl] = arguments else { return Err(malformed("$TTL TIME")) };
                self.ttl = Some(read_ttl(self.source, *ttl, |fault| self.report(Severity::Warning, fault))?);
                return Ok(());
            }
            _ => return Err(Fault { reason: Reason::NotAChange, token: *word }),
        };
        let place = Place { line: word.line, column: column(self.source, word.start) };
        self.file.lines.push(ChangeLine { place, request });
        Ok(())
    }

    /// Reads what follows `add`.
    fn read_addition(&mut self, word: Token, arguments: &[Token]) -> Result<Request, Fault> {
        let (owner, name, rest) = self.read_owner(word, arguments)?;
        let head = read_head(self.source, name, rest, |fault| self.report(Severity::Warning, fault))?;
        head.scan_rdata(self.source, self.origin.as_ref(), &mut self.rdata)?;
        let ttl = head.ttl.or(self.ttl).ok_or(Fault { reason: Reason::NoTtl, token: head.rtype_token })?;
        Ok(Request::Add(ChangedRecord { owner, rtype: head.rtype, ttl, rdata: self.rdata.as_slice().into() }))
    }

    /// Reads what follows `delete`.
    fn read_deletion(&mut self, word: Token, arguments: &[Token]) -> Result<Request, Fault> {
        let (owner, name, rest) = self.read_owner(word, arguments)?;
        if rest.is_empty() {
            return Ok(Request::DeleteOwner { owner });
        }
        let head = read_head(self.source, name, rest, |fault| self.report(Severity::Warning, fault))?;
        let rtype = head.rtype;
        if head.rdata.is_empty() {
            return Ok(Request::DeleteRrset { owner, rtype });
        }
        head.scan_rdata(self.source, self.origin.as_ref(), &mut self.rdata)?;
        Ok(Request::Delete { owner, rtype, rdata: self.rdata.as_slice().into() })
    }

    /// Reads the owner, and gives it with its token and what follows.
    fn read_owner<'t>(&self, word: Token, arguments: &'t [Token]) -> Result<(Name, Token, &'t [Token]), Fault> {
        let [name, rest @ ..] = arguments else { return Err(Fault { reason: Reason::NoName, token: word }) };
        let owner = read_name(self.source, self.origin.as_ref(), *name)?;
        if !owner.is_at_or_below(self.apex.as_ref()) {
            return Err(Fault { reason: Reason::OutOfZone, token: *name });
        }
        Ok((owner, *name, rest))
    }

    /// Notes an error or a warning, as far as there is room for it.
    fn report(&mut self, severity: Severity, fault: Fault) {
        let mut error = fault.into_error(&self.file.path, self.source, severity);
        let (list, kept_max) = match severity {
            Severity::Warning => (&mut self.file.warnings, WARNINGS_MAX),
            Severity::Error => (&mut self.file.errors, ERRORS_MAX),
        };
        if severity == Severity::Error && list.len() == kept_max {
            (error.reason, error.text) = (Reason::TooManyErrors, None);
            list.push(error);
        } else if list.len() < kept_max {
            list.push(error);
        }
    }
}
