//! What can be wrong with a configuration file, and where.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::options::heading;

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column, in characters from 1.
    pub column: usize,
}

impl Place {
    /// The place of an octet of a text.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let in_line = before.get(line_start..).unwrap_or_default();
        Place { line: before.matches('\n').count() + 1, column: in_line.chars().count() + 1 }
    }
}

/// One thing that is wrong.
#[derive(Debug)]
#[non_exhaustive]
pub struct FileError {
    /// In which file: the configuration file, or one that it names.
    pub path: PathBuf,
    /// Where in it; `None` where it is about the file as a whole.
    pub place: Option<Place>,
    /// What.
    pub kind: FileErrorKind,
}

/// What is wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileErrorKind {
    /// It can't be read.
    Unreadable {
        /// What the system said.
        error: io::Error,
    },
    /// It is larger than any configuration file.
    TooLong,
    /// It is not UTF-8.
    NoText,
    /// It is not TOML.
    Syntax {
        /// What the parser said.
        message: String,
    },
    /// It is written for another version of the file's format, or says of none.
    Version {
        /// What it says.
        found: String,
    },
    /// A key or table that there is not.
    Unknown {
        /// What was found.
        found: String,
        /// The table it stands in; empty at the top.
        table: String,
        /// What may have been meant.
        remedy: String,
    },
    /// A name that nothing in the file has.
    Reference {
        /// The table whose names would do.
        table: &'static str,
        /// The name that was found.
        found: String,
        /// What may have been meant.
        remedy: String,
    },
    /// A table without a key that it has to have.
    Lacking {
        /// The key.
        key: &'static str,
        /// The table.
        table: &'static str,
        /// The values allowed.
        range: &'static str,
    },
    /// A value of a wrong type.
    Type {
        /// What would do.
        expected: String,
        /// What was found.
        found: String,
        /// What to do about it; empty where there is nothing more to say.
        remedy: &'static str,
    },
    /// A value that is refused.
    Value {
        /// What was expected and what was found.
        text: String,
    },
    /// A value that does not go with another.
    Contradiction {
        /// What was expected, what was found, and the other's place.
        text: String,
    },
    /// A file of secrets that others may read or write.
    Exposed {
        /// The file of secrets.
        secrets: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A file of secrets that can't be read.
    NoSecrets {
        /// The file of secrets.
        secrets: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(Place { line, column }) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": error: {}", self.kind)
    }
}

impl fmt::Display for FileErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { .. } => f.write_str("reading the configuration file"),
            Self::TooLong => f.write_str("expected a configuration file, found more than 1 MiB; name another file"),
            Self::NoText => f.write_str("expected UTF-8, found an octet that is none; save the file as UTF-8"),
            Self::Syntax { message } => write!(f, "expected TOML, found something else: {message}"),
            Self::Version { found } => write!(f, "expected version = 1, found {found}; write it above the first table"),
            Self::Unknown { found, table, remedy } => {
                let of = if table.is_empty() { "the file".to_owned() } else { heading(table) };
                write!(f, "expected a key of {of}, found {found:?}; {remedy}")
            }
            Self::Reference { table, found, remedy } => {
                write!(f, "expected the name of a {}, found {found:?}; {remedy}", heading(table))
            }
            Self::Lacking { key, table, range } => {
                write!(f, "expected {key} ({range}) in {}, found none; add it", heading(table))
            }
            Self::Type { expected, found, remedy } => {
                let separator = if remedy.is_empty() { "" } else { "; " };
                write!(f, "expected {expected}, found {found}{separator}{remedy}")
            }
            Self::Value { text } | Self::Contradiction { text } => f.write_str(text),
            Self::Exposed { secrets, mode } => write!(
                f,
                "expected a file that others can't read or write, found {} with mode {mode:03o}; change its mode to 640 or 600",
                secrets.display()
            ),
            Self::NoSecrets { secrets, .. } => write!(f, "reading the secrets in {}", secrets.display()),
        }
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            FileErrorKind::Unreadable { error } | FileErrorKind::NoSecrets { error, .. } => Some(error),
            _ => None,
        }
    }
}
