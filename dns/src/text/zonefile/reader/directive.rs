//! Directives: `$ORIGIN`, `$TTL`, `$INCLUDE`, `$GENERATE`.

use super::super::super::error::Reason;
use super::super::super::fields::Fields;
use super::super::super::limits::{FILES_MAX, GENERATED_MAX, INCLUDE_DEPTH_MAX};
use super::super::super::token::{Token, Tokenizer};
use super::super::super::{name, rdata};
use super::super::generate::{self, Range, expand};
use super::super::source::OpenFile;
use super::{Fault, Frame, PART_OCTETS, Reader, read_name};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use zone_segment::Name;

impl Reader<'_> {
    /// Obeys a directive.
    pub(super) fn read_directive(
        &mut self,
        frame: &mut Frame<'_>,
        directive: Token,
        arguments: &[Token],
    ) -> Result<(), Fault> {
        let malformed = |form| Fault { reason: Reason::DirectiveArguments(form), token: directive };
        match directive.text(frame.source).to_ascii_uppercase().as_slice() {
            b"$ORIGIN" => {
                let [origin] = arguments else { return Err(malformed("$ORIGIN NAME")) };
                frame.origin = read_name(frame, *origin)?;
                self.carried.forget_text();
            }
            b"$TTL" => {
                let [ttl] = arguments else { return Err(malformed("$TTL TIME")) };
                self.carried.ttls.default = Some(self.read_ttl(frame, *ttl)?);
            }
            b"$INCLUDE" => {
                let (path, origin) = match arguments {
                    [path] => (path, frame.origin.clone()),
                    [path, origin] => (path, read_name(frame, *origin)?),
                    _ => return Err(malformed("$INCLUDE FILE [ORIGIN]")),
                };
                self.include(frame, *path, origin)?;
            }
            b"$GENERATE" => {
                let owner = self.carried.owner().map(|owner| owner.as_wire().to_vec()).unwrap_or_default();
                let generated = self.generate(frame, directive, arguments);
                // It names owners of its own; the next line without one means that of the last line before.
                self.carried.replace_owner(&owner);
                generated?;
            }
            _ => return Err(Fault { reason: Reason::UnknownDirective, token: directive }),
        }
        Ok(())
    }

    /// Reads a file in the place of its `$INCLUDE`. The origin and the owner are then again what they were (RFC 1035,
    /// section 5.1); a `$TTL` in it stays in force, since RFC 2308, section 4 ends it only at the next one.
    fn include(&mut self, frame: &Frame<'_>, token: Token, origin: Name) -> Result<(), Fault> {
        let fault = |reason| Fault { reason, token };
        if self.is_part {
            return Err(fault(Reason::TooManyFiles));
        }
        let mut name = Vec::new();
        let malformed = |_| fault(Reason::DirectiveArguments("$INCLUDE FILE [ORIGIN]"));
        Fields::new(frame.source, &[token], &[]).take_octets(&mut name).map_err(malformed)?;
        let includer = self.path(frame.file);
        let path = includer.parent().unwrap_or(Path::new("")).join(OsStr::from_bytes(&name));
        self.included += 1;
        if self.included > FILES_MAX {
            return Err(fault(Reason::TooManyFiles));
        }
        let file = self.file_index(&path);
        // Real paths are only needed here: a file that includes none costs no look at the folders above it.
        let canonical = path.canonicalize().unwrap_or_else(|_| path.clone());
        if let [first] = self.open.as_mut_slice() {
            *first = first.canonicalize().unwrap_or_else(|_| first.clone());
        }
        if !self.is_included_from_below(&canonical) {
            return Err(fault(Reason::IncludeOutside));
        }
        if self.open.contains(&canonical) {
            return Err(fault(Reason::IncludeLoop));
        }
        if self.open.len() > INCLUDE_DEPTH_MAX {
            return Err(fault(Reason::IncludeTooDeep));
        }
        let open = OpenFile::open(&path).map_err(fault)?;
        let mut text = self.buffers.texts.pop().unwrap_or_default();
        let loaded = self.load(file, &open, &mut text).map_err(fault);
        if loaded.is_ok() {
            let owner = self.carried.owner().map(|owner| owner.as_wire().to_vec()).unwrap_or_default();
            self.open.push(canonical);
            self.carried.forget_text();
            self.read_source(file, text.as_slice(), origin);
            self.open.pop();
            self.carried.replace_owner(&owner);
        }
        self.buffers.texts.push(text);
        loaded
    }

    /// Whether a real path lies in the folder of the zone's own file or below it. A zone file need not come from whom the server's
    /// files belong to, and what it includes is shown in errors. What is not there is not shown either, and told as that.
    fn is_included_from_below(&self, canonical: &Path) -> bool {
        let folder = match self.path(0).parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        !canonical.exists() || folder.canonicalize().is_ok_and(|folder| canonical.starts_with(folder))
    }

    /// Makes the records of a `$GENERATE`. A fault in one that comes out of it is told where its template stands.
    fn generate(&mut self, frame: &Frame<'_>, directive: Token, arguments: &[Token]) -> Result<(), Fault> {
        let malformed = || Fault { reason: Reason::DirectiveArguments(generate::FORM), token: directive };
        let [range_token, owner_token, rest @ ..] = arguments else { return Err(malformed()) };
        let of_range = |reason| Fault { reason, token: *range_token };
        // First, since a forgotten range moves all that follows.
        let range = Range::parse(range_token.text(frame.source)).ok_or(of_range(Reason::GenerateRange))?;
        let head = self.read_head(frame, directive, rest)?;
        let [rdata_token] = *head.rdata else { return Err(malformed()) };
        if range_token.quoted || owner_token.quoted {
            return Err(malformed());
        }
        if self.is_part {
            // How many there are in all is known to the reader of the whole alone.
            return Err(of_range(Reason::TooManyGenerated));
        }
        self.generated = self.generated.saturating_add(range.len());
        if self.generated > GENERATED_MAX {
            return Err(of_range(Reason::TooManyGenerated));
        }
        let of_owner = |reason| Fault { reason, token: *owner_token };
        let of_rdata = |reason| Fault { reason, token: rdata_token };
        let template = template(rdata_token, frame.source);
        let (mut text, mut tokens) = (Vec::new(), Vec::new());
        for number in range.numbers() {
            expand(owner_token.text(frame.source), number, &mut text).ok_or(of_owner(Reason::GenerateForm))?;
            let owner = name::parse(&text, frame.origin.as_wire()).map_err(|fault| of_owner(Reason::Name(fault)))?;
            self.carried.replace_owner(owner.as_wire());
            let owner_octets = (text.len(), owner.as_wire().len());
            expand(&template, number, &mut text).ok_or(of_rdata(Reason::GenerateForm))?;
            Tokenizer::new(&text).next_entry(&mut tokens).map_err(|error| of_rdata(error.fault.into()))?;
            let mut fields = Fields::new(&text, &tokens, frame.origin.as_wire());
            rdata::scan(head.rtype, &mut fields, &mut self.rdata)
                .map_err(|fault| of_rdata(Reason::Rdata { rtype: head.rtype, fault }))?;
            let octets = (owner_octets.0 + text.len()).max(owner_octets.1 + self.rdata.len());
            self.generated_octets = self.generated_octets.saturating_add(octets as u64);
            if self.generated_octets > self.options.generated_octets_max() {
                return Err(of_range(Reason::GeneratedTooLarge));
            }
            self.add_record(frame, &head, directive.line)?;
            if self.part.used_octets() > PART_OCTETS {
                self.end_part();
            }
        }
        Ok(())
    }
}

/// The template of RDATA in a `$GENERATE`: one word, or a quoted text that may have more of them, in which an escaped quote is one of theirs.
fn template(token: Token, source: &[u8]) -> Vec<u8> {
    let mut template = Vec::new();
    let mut rest = token.text(source);
    while let [octet, after @ ..] = rest {
        let (taken, after) = match (octet, after) {
            (b'\\', [b'"', after @ ..]) if token.quoted => (&b"\""[..], after),
            (b'\\', [_, after @ ..]) => (&rest[..2], after),
            _ => (&rest[..1], after),
        };
        template.extend_from_slice(taken);
        rest = after;
    }
    template
}
