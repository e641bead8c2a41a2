//! A domain name from its presentation format: [`parse`] reads labels and escapes and completes a relative name with the origin.
//!
//! Not the name type itself, which is `zone_segment::Name`; names go from here to there in wire form.

use std::error::Error;
use std::fmt;

/// The octets a name may have, length octets and root label included (RFC 1035, section 2.3.4).
pub(super) const NAME_OCTETS_MAX: usize = 255;

/// The octets a label may have (RFC 1035, section 2.3.4).
const LABEL_OCTETS_MAX: usize = 63;

/// What keeps a text from being a domain name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum NameFault {
    /// There is no text.
    Empty,
    /// Two dots follow each other, or a dot comes first.
    EmptyLabel,
    /// A label has more than 63 octets.
    LabelTooLong,
    /// The name has more than 255 octets, with its origin where it is relative.
    NameTooLong,
    /// A backslash is followed by digits that are no octet.
    BadEscape,
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty domain name",
            Self::EmptyLabel => "domain name with an empty label",
            Self::LabelTooLong => "label longer than 63 octets",
            Self::NameTooLong => "domain name longer than 255 octets",
            Self::BadEscape => "escape that is not \\DDD with a value up to 255",
        })
    }
}

impl Error for NameFault {}

/// A name in wire form while it is put together.
pub(super) struct NameBuffer {
    /// The octets, as far as `length` says.
    wire: [u8; NAME_OCTETS_MAX],
    /// How many of them there are.
    length: usize,
}

impl NameBuffer {
    /// An empty buffer.
    fn new() -> Self {
        Self { wire: [0; NAME_OCTETS_MAX], length: 0 }
    }

    /// The whole name, root label included.
    pub(super) fn as_wire(&self) -> &[u8] {
        self.wire.get(..self.length).unwrap_or_default()
    }

    /// Adds one octet.
    fn push(&mut self, octet: u8) -> Result<(), NameFault> {
        *self.wire.get_mut(self.length).ok_or(NameFault::NameTooLong)? = octet;
        self.length += 1;
        Ok(())
    }

    /// Writes the length of the label that started at `start`, and gives the start of the next.
    fn close_label(&mut self, start: usize) -> Result<usize, NameFault> {
        let length = self.length - start - 1;
        match (length, u8::try_from(length)) {
            (0, _) => Err(NameFault::EmptyLabel),
            (1..=LABEL_OCTETS_MAX, Ok(octet)) => {
                self.wire[start] = octet;
                Ok(self.length)
            }
            _ => Err(NameFault::LabelTooLong),
        }
    }

    /// Adds a whole name in wire form.
    fn append(&mut self, name: &[u8]) -> Result<(), NameFault> {
        let end = self.length + name.len();
        self.wire.get_mut(self.length..end).ok_or(NameFault::NameTooLong)?.copy_from_slice(name);
        self.length = end;
        Ok(())
    }
}

/// Reads a name as it is written; `@` alone is the origin, and a name without a final dot is completed with it (RFC 1035,
/// section 5.1). `origin` is in wire form.
pub(super) fn parse(text: &[u8], origin: &[u8]) -> Result<NameBuffer, NameFault> {
    let mut name = NameBuffer::new();
    match text {
        b"" => return Err(NameFault::Empty),
        b"@" => {
            name.append(origin)?;
            return Ok(name);
        }
        b"." => {
            name.push(0)?;
            return Ok(name);
        }
        _ => (),
    }
    let mut rest = text;
    let mut start = 0;
    name.push(0)?;
    while let [octet, after @ ..] = rest {
        rest = after;
        match octet {
            b'.' => {
                start = name.close_label(start)?;
                if rest.is_empty() {
                    name.push(0)?;
                    return Ok(name);
                }
                name.push(0)?;
            }
            b'\\' => {
                let (escaped, after) = unescape(rest).ok_or(NameFault::BadEscape)?;
                rest = after;
                name.push(escaped)?;
            }
            _ => name.push(*octet)?,
        }
    }
    name.close_label(start)?;
    name.append(origin)?;
    Ok(name)
}

/// Reads what follows a backslash: three digits up to 255, or any other octet for itself; gives the rest too.
pub(super) fn unescape(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        [hundreds @ b'0'..=b'9', tens @ b'0'..=b'9', ones @ b'0'..=b'9', rest @ ..] => {
            let value = u16::from(hundreds - b'0') * 100 + u16::from(tens - b'0') * 10 + u16::from(ones - b'0');
            Some((u8::try_from(value).ok()?, rest))
        }
        [b'0'..=b'9', ..] | [] => None,
        [octet, rest @ ..] => Some((*octet, rest)),
    }
}
