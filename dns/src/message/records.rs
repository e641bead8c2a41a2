//! Reading the records of a message: [`Records`] gives those of all sections, one after the other, with names expanded.
//!
//! For messages whose data is taken (transfers, updates, notifications). A query that is answered goes through
//! [`receive`](super::receive), which looks only at what it needs.

use std::error::Error;
use std::fmt;

use zone_segment::{NAME_OCTETS_MAX, Name, NameRef};

use super::builder::Section;
use super::header::{HEADER_OCTETS, Header};
use super::query::Question;
use super::raw::{RawRecord, parse_question, walk_name};
use crate::text::is_rdata_of;
use crate::types::{Class, NameFields, Rtype, compressible_names};

/// The records of a message.
///
/// [`read`](Self::read) lends each record out of room that the next one takes over; the [`Iterator`] gives them as owned. Both end at
/// the first fault. What a message makes its reader hold is one record: 64 KiB and a name.
///
/// ```
/// use dns::message::{Records, Section};
///
/// let answer = b"\x12\x34\x84\x00\0\x01\0\x01\0\0\0\0\x07example\0\0\x02\0\x01\xc0\x0c\0\x02\0\x01\0\0\0\x3c\0\x05\x02ns\xc0\x0c";
/// let mut records = Records::of(answer)?;
/// let record = records.read()?.expect("there is one");
/// assert_eq!((record.section, record.owner.to_string().as_str()), (Section::Answer, "example."));
/// assert_eq!(record.rdata, b"\x02ns\x07example\0");
/// assert_eq!(records.read()?, None);
/// # Ok::<(), dns::message::Malformed>(())
/// ```
#[derive(Clone, Debug)]
pub struct Records<'m> {
    /// The message.
    message: &'m [u8],
    /// Its header.
    header: Header,
    /// Its question, where there is one.
    question: Option<Question<'m>>,
    /// Where the next record starts.
    position: usize,
    /// Records left in the answer, authority and additional sections.
    left: [u16; 3],
    /// The owner of the record lent out.
    owner: Expanded,
    /// The RDATA of the record lent out, where names in it were expanded.
    rdata: Vec<u8>,
    /// Whether a fault was found: nothing follows it.
    has_failed: bool,
}

/// A record as it is lent out by [`Records::read`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordRef<'r> {
    /// The section it stands in.
    pub section: Section,
    /// The owner, in the case it came in.
    pub owner: NameRef<'r>,
    /// The type.
    pub rtype: Rtype,
    /// The class.
    pub class: Class,
    /// The TTL as it stands there, which may be above what RFC 2181, section 8, allows.
    pub ttl: u32,
    /// The RDATA: uncompressed wire form, as records and segments hold it. Whether it is RDATA of its type is not checked; see
    /// [`is_well_formed`](Self::is_well_formed).
    pub rdata: &'r [u8],
}

impl RecordRef<'_> {
    /// Whether the RDATA is of its type; any octets are, for a type without a known format. Not so for the empty RDATA that an update's
    /// classes ANY and NONE bring along (RFC 2136, section 2.4).
    pub fn is_well_formed(&self) -> bool {
        is_rdata_of(self.rtype, self.rdata)
    }

    /// An owned copy.
    pub fn to_record(&self) -> MessageRecord {
        let Self { section, owner, rtype, class, ttl, rdata } = *self;
        MessageRecord { section, owner: owner.to_name(), rtype, class, ttl, rdata: rdata.into() }
    }
}

/// A record of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRecord {
    /// The section it stands in.
    pub section: Section,
    /// The owner, in the case it came in.
    pub owner: Name,
    /// The type.
    pub rtype: Rtype,
    /// The class.
    pub class: Class,
    /// The TTL as it stands there.
    pub ttl: u32,
    /// The RDATA: uncompressed wire form.
    pub rdata: Box<[u8]>,
}

impl<'m> Records<'m> {
    /// Begins with the header and the question. No question is as good as one: later messages of a transfer have none (RFC 5936, section 2.2.1).
    ///
    /// # Errors
    ///
    /// When there is no header, more than one question, or a question that is cut short.
    pub fn of(message: &'m [u8]) -> Result<Self, Malformed> {
        let header = Header::parse(message).ok_or(Malformed { offset: message.len(), fault: Fault::Header })?;
        let [questions, left @ ..] = header.counts;
        let question = parse_question(message, header);
        if questions > 0 && question.is_none() {
            return Err(Malformed { offset: HEADER_OCTETS, fault: Fault::Question });
        }
        Ok(Self {
            message,
            header,
            question,
            position: HEADER_OCTETS + question.map_or(0, |question| question.wire.len()),
            left,
            owner: Expanded::default(),
            rdata: Vec::new(),
            has_failed: false,
        })
    }

    /// The header of the message.
    pub fn header(&self) -> Header {
        self.header
    }

    /// Its question, or the zone section of an update (RFC 2136, section 2.3).
    pub fn question(&self) -> Option<Question<'m>> {
        self.question
    }

    /// Reads the next record; none behind the last one.
    ///
    /// # Errors
    ///
    /// [`Malformed`] where a record, or a name in it, is cut short or no name, and where octets follow the last record. Nothing is read
    /// after an error.
    pub fn read(&mut self) -> Result<Option<RecordRef<'_>>, Malformed> {
        let Some(section) = self.next_section()? else { return Ok(None) };
        let start = self.position;
        let Some(raw) = RawRecord::parse(self.message, start) else { return Err(self.fail(start, Fault::Record)) };
        self.owner.expand(self.message, start);
        let is_expanded = match expandable_names(raw.rtype) {
            Some(fields) if !raw.rdata.is_empty() => {
                if expand_rdata(self.message, &raw, fields, &mut self.rdata).is_none() {
                    return Err(self.fail(raw.rdata_start(), Fault::Rdata));
                }
                true
            }
            _ => false,
        };
        self.position = raw.end;
        let rdata = if is_expanded { &self.rdata } else { raw.rdata };
        let (rtype, class, ttl) = (raw.rtype, Class(raw.class), raw.ttl);
        Ok(Some(RecordRef { section, owner: self.owner.name(), rtype, class, ttl, rdata }))
    }

    /// The section of the next record, which is counted as read; none when all are.
    fn next_section(&mut self) -> Result<Option<Section>, Malformed> {
        if self.has_failed {
            return Ok(None);
        }
        for (left, section) in self.left.iter_mut().zip([Section::Answer, Section::Authority, Section::Additional]) {
            if let Some(fewer) = left.checked_sub(1) {
                *left = fewer;
                return Ok(Some(section));
            }
        }
        if self.position != self.message.len() {
            return Err(self.fail(self.position, Fault::Trailing));
        }
        Ok(None)
    }

    /// Ends the reading with a fault.
    fn fail(&mut self, offset: usize, fault: Fault) -> Malformed {
        self.has_failed = true;
        Malformed { offset, fault }
    }
}

impl Iterator for Records<'_> {
    type Item = Result<MessageRecord, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().map(|record| record.map(|record| record.to_record())).transpose()
    }
}

/// A name that was expanded, in room of its own.
#[derive(Clone, Debug)]
struct Expanded {
    /// The octets, as far as `length` says.
    wire: [u8; NAME_OCTETS_MAX],
    /// How many of them there are.
    length: usize,
}

impl Default for Expanded {
    fn default() -> Self {
        Self { wire: [0; NAME_OCTETS_MAX], length: 1 }
    }
}

impl Expanded {
    /// Takes the name at `start` of a message.
    fn expand(&mut self, message: &[u8], start: usize) {
        let mut length = 0;
        walk_name(message, start, |label| {
            if let Some(room) = self.wire.get_mut(length..length + label.len()) {
                room.copy_from_slice(label);
                length += label.len();
            }
        });
        self.length = length;
    }

    /// The name.
    fn name(&self) -> NameRef<'_> {
        self.wire.get(..self.length).and_then(|wire| NameRef::from_wire(wire).ok()).unwrap_or(NameRef::ROOT)
    }
}

/// Writes a record's RDATA with its names expanded; `None` where a name is malformed or does not end within the RDATA, or where the
/// result is longer than RDATA may be.
fn expand_rdata(message: &[u8], raw: &RawRecord<'_>, fields: NameFields, out: &mut Vec<u8>) -> Option<()> {
    out.clear();
    let mut at = fields.first(raw.rdata)?;
    out.extend_from_slice(raw.rdata.get(..at)?);
    for _ in 0..fields.count {
        let end = walk_name(message, raw.rdata_start() + at, |label| out.extend_from_slice(label))?;
        at = end - raw.rdata_start();
        // A name whose labels go beyond the RDATA ends there too.
        raw.rdata.get(..at)?;
    }
    out.extend_from_slice(raw.rdata.get(at..)?);
    (out.len() <= usize::from(u16::MAX)).then_some(())
}

/// Names that are expanded when they come compressed: those that may be, and those that RFC 3597, section 4, wants readers to expand all
/// the same, since older writers compress them.
const fn expandable_names(rtype: Rtype) -> Option<NameFields> {
    match rtype {
        Rtype::RP => Some(NameFields { offset: 0, strings: 0, count: 2 }),
        Rtype::AFSDB | Rtype::RT => Some(NameFields { offset: 2, strings: 0, count: 1 }),
        Rtype::PX => Some(NameFields { offset: 2, strings: 0, count: 2 }),
        Rtype::SIG => Some(NameFields { offset: 18, strings: 0, count: 1 }),
        Rtype::NXT => Some(NameFields { offset: 0, strings: 0, count: 1 }),
        Rtype::SRV => Some(NameFields { offset: 6, strings: 0, count: 1 }),
        Rtype::NAPTR => Some(NameFields { offset: 4, strings: 3, count: 1 }),
        _ => compressible_names(rtype),
    }
}

/// A message whose records can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The octet of the message where what is at fault begins.
    pub offset: usize,
    /// What is at fault.
    pub fault: Fault,
}

/// What of a message is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// There are less than twelve octets.
    Header,
    /// There is more than one question, or it is cut short.
    Question,
    /// A record is cut short, or its owner is no name.
    Record,
    /// A name in RDATA is no name, or goes beyond the RDATA.
    Rdata,
    /// Octets follow the last record.
    Trailing,
    /// A TSIG record stands elsewhere than at the end of the additional section, or is no TSIG record inside (RFC 8945, section 5.1).
    Tsig,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset;
        match self.fault {
            Fault::Header => {
                write!(f, "the message is cut short: expected {HEADER_OCTETS} octets of header, found {offset}")
            }
            Fault::Question => write!(f, "octet {offset} of the message: expected one whole question or none"),
            Fault::Record => write!(f, "octet {offset} of the message: expected a whole record"),
            Fault::Rdata => write!(f, "octet {offset} of the message: expected RDATA with a whole name in it"),
            Fault::Trailing => write!(f, "octet {offset} of the message: expected its end, found more octets"),
            Fault::Tsig => write!(f, "octet {offset} of the message: expected a TSIG record as the last one, whole"),
        }
    }
}

impl Error for Malformed {}
