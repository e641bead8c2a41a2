//! An answer of as many messages as it takes: [`MessageStream`] fills one after the other with records, as transfers are sent (RFC 5936,
//! RFC 1995).
//!
//! Not for answers to queries, which [`Builder`](super::Builder) writes: those are one message, of whole RRsets in several sections.

use std::error::Error;
use std::fmt;

use zone_segment::NameRef;

use super::edns::EdnsReply;
use super::header::{self, HEADER_OCTETS, Header};
use super::query::Question;
use super::stream_names::StreamNames;
use crate::types::{Class, Rcode, Rtype, compressible_names};

/// The messages of an answer while they are written, one at a time.
///
/// The question stands in the first message alone (RFC 5936, section 2.2.1), and so does the OPT record (section 2.2.5). Names are
/// compressed, those of RDATA as far as RFC 3597 allows it, with the case that each is given in kept. All messages are written into the same
/// octets.
///
/// ```
/// use std::convert::Infallible;
/// use dns::message::{Header, MessageStream, Received, receive};
/// use dns::types::Rtype;
///
/// let query = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x07example\0\0\xfc\0\x01";
/// let Received::Query(query) = receive(query) else { panic!("a query") };
/// let mut sizes = Vec::new();
/// let mut send = |message: &mut Vec<u8>| Ok::<(), Infallible>(sizes.push(message.len()));
/// let mut stream = MessageStream::new(query.header, &query.question, 65_535, 0);
/// for address in 0..10_000u32 {
///     stream.record(query.question.name, Rtype::A, 3600, &address.to_be_bytes(), &mut send)?;
/// }
/// stream.end(&mut send)?;
/// assert_eq!(sizes, [65_529, 65_523, 29_011]);
/// # Ok::<(), dns::message::StreamError<Infallible>>(())
/// ```
#[derive(Debug)]
pub struct MessageStream {
    /// The message under way; its header is written when it is finished.
    message: Vec<u8>,
    /// The header of every message, its counts those of the one under way.
    header: Header,
    /// Octets that a message may have before its OPT and TSIG records.
    limit: usize,
    /// The OPT record of the first message.
    edns: Vec<u8>,
    /// Where names stand in the message under way.
    names: StreamNames,
    /// Whether the message under way is the first.
    is_first: bool,
    /// Whether nothing more goes into the message under way.
    is_full: bool,
}

impl MessageStream {
    /// Begins the answer to the query with this header and question: authoritative, NOERROR, with messages of at most `limit` octets, of
    /// which `reserved` are kept free at the end of each, for its TSIG record.
    pub fn new(query: Header, question: &Question<'_>, limit: usize, reserved: usize) -> Self {
        let limit = limit.min(MESSAGE_OCTETS_MAX).saturating_sub(reserved);
        let mut header = query.answer();
        header.flags |= header::AA;
        let mut message = Vec::with_capacity(limit + RECORD_OCTETS_MAX + reserved);
        let [questions, ..] = &mut header.counts;
        *questions = 1;
        message.resize(HEADER_OCTETS, 0);
        message.extend_from_slice(question.wire);
        let mut names = StreamNames::default();
        names.begin();
        names.remember_name(question.name.as_wire(), HEADER_OCTETS);
        Self { message, header, limit, edns: Vec::new(), names, is_first: true, is_full: false }
    }

    /// Adds an OPT record to the first message. For before the first record.
    pub fn set_edns(&mut self, edns: &EdnsReply<'_>) {
        self.edns.clear();
        edns.write(Rcode::NOERROR, &mut self.edns);
    }

    /// Adds a record to the answer section, after the message under way was sent, if it does not fit into that.
    ///
    /// # Errors
    ///
    /// What `send` says, or that the record is too long for any message.
    pub fn record<E>(
        &mut self,
        owner: NameRef<'_>,
        rtype: Rtype,
        ttl: u32,
        rdata: &[u8],
        send: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), StreamError<E>> {
        match self.push(owner, rtype, ttl, rdata) {
            Ok(()) => return Ok(()),
            Err(PushError::TooLong) => return Err(StreamError::TooLong),
            Err(PushError::Full) => send(self.finish()).map_err(StreamError::Send)?,
        }
        self.begin();
        self.push(owner, rtype, ttl, rdata).map_err(|_| StreamError::TooLong)
    }

    /// Sends the last message.
    ///
    /// # Errors
    ///
    /// What `send` says.
    pub fn end<E>(&mut self, send: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), StreamError<E>> {
        send(self.finish()).map_err(StreamError::Send)
    }

    /// Adds a record to the answer section of the message under way: what [`record`](Self::record) does, for whoever can't send from a
    /// function. After [`PushError::Full`] the message is to be finished and sent, another one begun, and the record added to that.
    ///
    /// # Errors
    ///
    /// [`PushError`]; nothing of the record is written.
    #[inline]
    pub fn push(&mut self, owner: NameRef<'_>, rtype: Rtype, ttl: u32, rdata: &[u8]) -> Result<(), PushError> {
        if self.is_full {
            return Err(PushError::Full);
        }
        let start = self.message.len();
        if rdata.len() > usize::from(u16::MAX) {
            return Err(PushError::TooLong);
        }
        self.names.put_owner(owner, &mut self.message);
        let ([a, b], [c, d], [e, f, g, h]) = (rtype.0.to_be_bytes(), Class::IN.0.to_be_bytes(), ttl.to_be_bytes());
        let [i, j] = (rdata.len() as u16).to_be_bytes();
        self.message.extend_from_slice(&[a, b, c, d, e, f, g, h, i, j]);
        match compressible_names(rtype) {
            None => self.message.extend_from_slice(rdata),
            Some(fields) => {
                let begin = self.message.len();
                self.names.put_rdata(fields, rdata, &mut self.message);
                let length = (self.message.len() - begin) as u16;
                if let Some(place) = self.message.get_mut(begin - 2..begin) {
                    place.copy_from_slice(&length.to_be_bytes());
                }
            }
        }
        if self.message.len() > self.limit.saturating_sub(self.edns.len()) {
            return Err(self.roll_back(start));
        }
        let [_, answers, ..] = &mut self.header.counts;
        // A message of 65,535 octets has room for less than 6,000 records.
        *answers += 1;
        Ok(())
    }

    /// Takes out a record that does not fit.
    fn roll_back(&mut self, start: usize) -> PushError {
        self.message.truncate(start);
        // Names of the record must not be pointed at.
        self.names.begin();
        if self.records() == 0 && !self.is_first {
            return PushError::TooLong;
        }
        self.is_full = true;
        PushError::Full
    }

    /// Finishes the message under way, which then is whole but for its TSIG record. It stays as it is until the next one is begun.
    pub fn finish(&mut self) -> &mut Vec<u8> {
        self.is_full = true;
        if !self.edns.is_empty() {
            self.message.append(&mut self.edns);
            let [.., additional] = &mut self.header.counts;
            *additional += 1;
        }
        if let Some(place) = self.message.first_chunk_mut() {
            *place = self.header.to_wire();
        }
        &mut self.message
    }

    /// Begins the next message, in the place of the one before.
    pub fn begin(&mut self) {
        self.message.truncate(HEADER_OCTETS);
        self.header.counts = [0; 4];
        self.names.begin();
        self.edns.clear();
        self.is_first = false;
        self.is_full = false;
    }

    /// Records in the message under way.
    pub fn records(&self) -> u16 {
        let [_, answers, ..] = self.header.counts;
        answers
    }

    /// Whether the message under way is the first.
    pub fn is_first(&self) -> bool {
        self.is_first
    }
}

/// Why a record was not added to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushError {
    /// The message has no room for it: it goes to the next one.
    Full,
    /// No message has room for it.
    TooLong,
}

impl fmt::Display for PushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the message is full",
            Self::TooLong => TOO_LONG,
        })
    }
}

impl Error for PushError {}

/// Why an answer can't go on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamError<E> {
    /// A message could not be sent.
    Send(E),
    /// A record is too long for any message.
    TooLong,
}

impl<E> fmt::Display for StreamError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Send(_) => "a message can't be sent",
            Self::TooLong => TOO_LONG,
        })
    }
}

impl<E: Error + 'static> Error for StreamError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Send(error) => Some(error),
            Self::TooLong => None,
        }
    }
}

/// What is said of a record that fits nowhere.
const TOO_LONG: &str = "the record is longer than a message may be";

/// The longest message: what the length before a message on TCP can say.
const MESSAGE_OCTETS_MAX: usize = u16::MAX as usize;

/// The longest record: room behind the limit, so that one that is written beyond it does not move the whole message.
const RECORD_OCTETS_MAX: usize = zone_segment::NAME_OCTETS_MAX + 10 + u16::MAX as usize;
