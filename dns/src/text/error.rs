//! What is wrong with a zone file: [`ZoneFileError`], with file, line, column, reason, the text it is about, and a remedy where
//! one is obvious. Its `Display` is the line an operator reads.
//!
//! What is wrong with the zone that a sound file describes is not here but in `crate::check`.

use super::fields::RdataFault;
use super::limits::{ERRORS_MAX, FILES_MAX, GENERATED_MAX, GENERATED_OCTETS_MAX, INCLUDE_DEPTH_MAX, TOKENS_MAX};
use super::name::NameFault;
use super::ttl::TtlFault;

use crate::types::Rtype;
use std::error::Error;
use std::fmt;
use std::path::PathBuf;

/// Whether something keeps a zone from being served.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// The zone is served all the same.
    Warning,
    /// The zone is not served as it is.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A place in a file, both counted from 1.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column, in characters; a tab is one.
    pub column: u32,
}

/// One fault of a zone file, or of a file it includes.
///
/// Displayed as ``FILE:LINE:COLUMN: error: REASON: `TEXT` `` with ` (REMEDY)` after it where there is one; without a place where
/// the file as a whole is meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ZoneFileError {
    /// The file, as it was named.
    pub path: PathBuf,
    /// Where in the file; `None` when it could not be read at all.
    pub place: Option<Place>,
    /// Whether the zone can be served all the same.
    pub severity: Severity,
    /// What is wrong.
    pub reason: Reason,
    /// The text it is about, shortened and made printable; `None` where there is none.
    pub text: Option<String>,
}

impl fmt::Display for ZoneFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(Place { line, column }) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}: {}", self.severity, self.reason)?;
        if let Some(text) = &self.text {
            write!(f, ": `{text}`")?;
        }
        match self.reason.remedy() {
            Some(remedy) => write!(f, " ({remedy})"),
            None => Ok(()),
        }
    }
}

impl Error for ZoneFileError {}

/// What is wrong with a zone file.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// The file cannot be read; the system's words for it.
    Unreadable(String),
    /// The path leads to a directory, a device or a pipe.
    NotAFile,
    /// The file starts with the mark of an encoding.
    ByteOrderMark,
    /// A parenthesis is not closed.
    UnclosedParenthesis,
    /// A parenthesis is closed that was not opened.
    UnopenedParenthesis,
    /// A parenthesis is opened within parentheses.
    NestedParenthesis,
    /// A quoted string has no end: on its line, or within parentheses in the file.
    UnclosedQuote,
    /// Nothing follows a backslash on its line.
    UnfinishedEscape,
    /// An entry has more words than any record can have.
    TooManyTokens,
    /// A line starts with `$` and a word that is no directive.
    UnknownDirective,
    /// A range of `$GENERATE` is none.
    GenerateRange,
    /// A form of the number in `$GENERATE` is none.
    GenerateForm,
    /// `$GENERATE` asks for too many records.
    TooManyGenerated,
    /// The records of `$GENERATE` have too many octets.
    GeneratedTooLarge,
    /// A directive has not the words it needs; how it is written.
    DirectiveArguments(&'static str),
    /// Files include files too deeply.
    IncludeTooDeep,
    /// A file is included that lies outside of the folder of the zone file.
    IncludeOutside,
    /// A file includes itself, directly or through others.
    IncludeLoop,
    /// Too many files are included.
    TooManyFiles,
    /// An owner or an origin is no domain name.
    Name(NameFault),
    /// The first record has no owner.
    NoOwner,
    /// A TTL is none.
    Ttl(TtlFault),
    /// There is no TTL to use.
    NoTtl,
    /// A class other than IN.
    Class,
    /// A word is no type, class or TTL.
    UnknownType,
    /// A record ends before its type.
    NoType,
    /// A type that only queries and messages have.
    MetaType,
    /// The RDATA is not of its type.
    Rdata {
        /// The type of the record.
        rtype: Rtype,
        /// What is wrong with it.
        fault: RdataFault,
    },
    /// There were more errors than are collected; the rest of the file was not read.
    TooManyErrors,
    /// A line of a change file begins with none of its words.
    NotAChange,
    /// A line of a change file has no name to change.
    NoName,
    /// An owner lies outside of the zone that is changed.
    OutOfZone,
    /// A warning: a TTL above the largest, taken for zero.
    TtlTooLarge,
    /// A warning: an SOA without a TTL, whose minimum is used instead.
    SoaMinimumUsed,
}

impl Reason {
    /// Its name for programs, as the rules of `crate::check` have them.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::NotAFile => "not-a-file",
            Self::ByteOrderMark => "byte-order-mark",
            Self::UnclosedParenthesis => "unclosed-parenthesis",
            Self::UnopenedParenthesis => "unopened-parenthesis",
            Self::NestedParenthesis => "nested-parenthesis",
            Self::UnclosedQuote => "unclosed-quote",
            Self::UnfinishedEscape => "unfinished-escape",
            Self::TooManyTokens => "too-many-tokens",
            Self::UnknownDirective => "unknown-directive",
            Self::GenerateRange => "generate-range",
            Self::GenerateForm => "generate-form",
            Self::TooManyGenerated => "too-many-generated",
            Self::GeneratedTooLarge => "generated-too-large",
            Self::DirectiveArguments(_) => "directive-arguments",
            Self::IncludeTooDeep => "include-too-deep",
            Self::IncludeOutside => "include-outside",
            Self::IncludeLoop => "include-loop",
            Self::TooManyFiles => "too-many-files",
            Self::Name(_) => "name",
            Self::NoOwner => "no-owner",
            Self::Ttl(_) => "ttl",
            Self::NoTtl => "no-ttl",
            Self::Class => "class",
            Self::UnknownType => "unknown-type",
            Self::NoType => "no-type",
            Self::MetaType => "meta-type",
            Self::Rdata { .. } => "rdata",
            Self::TooManyErrors => "too-many-errors",
            Self::NotAChange => "not-a-change",
            Self::NoName => "no-name",
            Self::OutOfZone => "out-of-zone",
            Self::TtlTooLarge => "ttl-too-large",
            Self::SoaMinimumUsed => "soa-minimum-used",
        }
    }

    /// What to do about it, where that is obvious.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::ByteOrderMark => Some("save the file as ASCII or UTF-8 without a byte order mark"),
            Self::UnclosedQuote => Some("close it with \", or write \\\" for a quote that is meant"),
            Self::UnknownDirective => Some("known are $ORIGIN, $TTL, $INCLUDE and $GENERATE"),
            Self::IncludeOutside => Some("put it beside the zone file or below"),
            Self::OutOfZone => Some("a name without a final dot is completed with the zone's"),
            Self::NoOwner => Some("start the line with a name, or with @ for the origin"),
            Self::NoTtl | Self::SoaMinimumUsed => Some("put a line such as $TTL 3600 before the first record"),
            Self::Class => Some("only zones of class IN are served"),
            Self::Name(NameFault::EmptyLabel) => Some("a dot only separates labels and ends an absolute name"),
            Self::Rdata { fault: RdataFault::Trailing, .. } => {
                Some("text with blanks is written in quotes, a comment starts with ;")
            }
            Self::Rdata { fault: RdataFault::NoFormat, .. } => Some("write it as \\# LENGTH HEX (RFC 3597)"),
            _ => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(cause) => write!(f, "cannot read the file: {cause}"),
            Self::NotAFile => f.write_str("not a regular file"),
            Self::ByteOrderMark => f.write_str("the file starts with a byte order mark"),
            Self::UnclosedParenthesis => f.write_str("parenthesis is never closed"),
            Self::UnopenedParenthesis => f.write_str("closing parenthesis without an opening one"),
            Self::NestedParenthesis => f.write_str("parenthesis within parentheses"),
            Self::UnclosedQuote => f.write_str("quoted string does not end on its line"),
            Self::UnfinishedEscape => f.write_str("backslash at the end of a line"),
            Self::TooManyTokens => write!(f, "entry of more than {TOKENS_MAX} words"),
            Self::UnknownDirective => f.write_str("unknown directive"),
            Self::GenerateRange => f.write_str("expected a range such as 1-10 or 0-30/2, up to 2147483647"),
            Self::GenerateForm => f.write_str("expected ${OFFSET,WIDTH,BASE} with a base of d, o, x, X, n or N"),
            Self::TooManyGenerated => write!(f, "more than {GENERATED_MAX} records from $GENERATE"),
            Self::GeneratedTooLarge => write!(f, "more than {GENERATED_OCTETS_MAX} octets of records from $GENERATE"),
            Self::DirectiveArguments(form) => write!(f, "directive is not of the form {form}"),
            Self::IncludeTooDeep => write!(f, "files included more than {INCLUDE_DEPTH_MAX} deep"),
            Self::IncludeOutside => f.write_str("file outside of the folder of the zone file"),
            Self::IncludeLoop => f.write_str("file includes itself"),
            Self::TooManyFiles => write!(f, "more than {FILES_MAX} files included"),
            Self::Name(fault) => fault.fmt(f),
            Self::NoOwner => f.write_str("no owner, and no record before it to take one from"),
            Self::Ttl(fault) => fault.fmt(f),
            Self::NoTtl => f.write_str("no TTL, and none before it to use"),
            Self::Class => f.write_str("class other than IN"),
            Self::UnknownType => f.write_str("expected a type"),
            Self::NoType => f.write_str("record ends before its type"),
            Self::MetaType => f.write_str("type that cannot stand in a zone"),
            Self::Rdata { rtype, fault } => write!(f, "{rtype}: {fault}"),
            Self::TooManyErrors => write!(f, "more than {ERRORS_MAX} errors, the rest was not read"),
            Self::NotAChange => f.write_str("expected add, delete, $ORIGIN or $TTL"),
            Self::NoName => f.write_str("expected the name whose records change"),
            Self::OutOfZone => f.write_str("owner outside of the zone"),
            Self::TtlTooLarge => f.write_str("TTL above 2147483647, taken for 0"),
            Self::SoaMinimumUsed => f.write_str("SOA without a TTL, its minimum is used"),
        }
    }
}

/// The characters of an offending text that are shown; more would hide the message, and a zone file may have lines of megabytes.
const TEXT_CHARS_MAX: usize = 60;

/// Makes a text of a file fit to be shown: one line, printable, of limited length.
pub(super) fn printable(text: &[u8]) -> String {
    let cut = text.get(..4 * TEXT_CHARS_MAX).unwrap_or(text);
    let lossy = String::from_utf8_lossy(cut);
    let mut shown: String = lossy
        .chars()
        .take(TEXT_CHARS_MAX)
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    if cut.len() < text.len() || lossy.chars().count() > TEXT_CHARS_MAX {
        shown.push('…');
    }
    shown
}
