//! What came in: [`receive`] says of any bytes whether they are a query to answer, one to reject with an RCODE, or nothing to answer at all.
//!
//! Every record is walked once, so that what is answered is well-formed to its last octet. Zones, classes and transports are not known
//! here.

use zone_segment::NameRef;

use super::edns::{self, Edns};
use super::header::{HEADER_OCTETS, Header, QR};
use super::raw::{RawRecord, parse_question};
use crate::types::{Class, Opcode, Rcode, Rtype};

/// What a message that came in is.
#[derive(Clone, Copy, Debug)]
pub enum Received<'a> {
    /// Too short for a header, or a response: an answer would go to whom did not ask, and could loop.
    Drop,
    /// A message to answer with an RCODE alone.
    Reject(Rejected<'a>),
    /// A query.
    Query(Query<'a>),
}

/// A message that gets an RCODE and no data.
#[derive(Clone, Copy, Debug)]
pub struct Rejected<'a> {
    /// Its header.
    pub header: Header,
    /// Its question, where one could be read.
    pub question: Option<Question<'a>>,
    /// Its OPT record, where the message is well-formed.
    pub edns: Option<Edns<'a>>,
    /// Why it is rejected.
    pub rcode: Rcode,
}

/// A well-formed query: one question, at most one OPT record.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// Its header.
    pub header: Header,
    /// What it asks.
    pub question: Question<'a>,
    /// Its OPT record.
    pub edns: Option<Edns<'a>>,
    /// Whether it ends in a TSIG record (RFC 8945), which is not checked here.
    pub is_signed: bool,
}

/// The question of a query.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// QNAME, in the case it came in.
    pub name: NameRef<'a>,
    /// QTYPE.
    pub rtype: Rtype,
    /// QCLASS.
    pub class: Class,
    /// All of it in wire form, to be echoed octet by octet.
    pub wire: &'a [u8],
}

/// Says what a message is.
pub fn receive(message: &[u8]) -> Received<'_> {
    let Some(header) = Header::parse(message) else { return Received::Drop };
    if header.has(QR) {
        return Received::Drop;
    }
    let question = parse_question(message, header);
    let records = match (question, header.counts) {
        (None, [1..=u16::MAX, ..]) => None,
        (question, _) => walk(message, header, question.as_ref()),
    };
    let edns = records.and_then(|records| records.edns);
    let reject = |rcode| Received::Reject(Rejected { header, question, edns, rcode });
    if header.opcode() != Opcode::QUERY {
        return reject(Rcode::NOTIMP);
    }
    // Whatever the rest is, it may mean something else in another version (RFC 6891, section 6.1.3).
    if edns.is_some_and(|edns| edns.version > edns::VERSION) {
        return reject(Rcode::BADVERS);
    }
    let (Some(question), Some(records)) = (question, records) else { return reject(Rcode::FORMERR) };
    match question.rtype {
        Rtype::ANY | Rtype::AXFR | Rtype::IXFR => {}
        Rtype::TKEY | Rtype::MAILA | Rtype::MAILB => return reject(Rcode::NOTIMP),
        rtype if rtype.is_meta() => return reject(Rcode::FORMERR),
        _ => {}
    }
    Received::Query(Query { header, question, edns, is_signed: records.is_signed })
}

/// What is of interest in the records of a query.
#[derive(Clone, Copy, Debug)]
struct Records<'a> {
    /// The OPT record.
    edns: Option<Edns<'a>>,
    /// Whether the last record is a TSIG.
    is_signed: bool,
}

/// Walks the records behind the question; `None` when they are malformed: a section that no query has, a record cut short, a second OPT or
/// one out of place, a TSIG that is not the last, octets after the end.
fn walk<'a>(message: &'a [u8], header: Header, question: Option<&Question<'a>>) -> Option<Records<'a>> {
    let [_, answers, authority, additional] = header.counts.map(usize::from);
    let is_ixfr = question.is_some_and(|question| question.rtype == Rtype::IXFR);
    let has_known_sections = header.opcode() != Opcode::QUERY || (answers == 0 && authority <= usize::from(is_ixfr));
    if !has_known_sections || answers + authority + additional > RECORDS_MAX {
        return None;
    }
    let mut records = Records { edns: None, is_signed: false };
    let mut position = HEADER_OCTETS + question.map_or(0, |question| question.wire.len());
    for index in 0..answers + authority + additional {
        let is_additional = index >= answers + authority;
        let record = RawRecord::parse(message, position)?;
        match record.rtype {
            Rtype::OPT => {
                let is_allowed = is_additional && records.edns.is_none() && record.is_root_owned;
                let edns = is_allowed.then(|| Edns::parse(record.class, record.ttl, record.rdata))?;
                records.edns = Some(edns?);
            }
            Rtype::TSIG => {
                if !is_additional || index + 1 != answers + authority + additional {
                    return None;
                }
                records.is_signed = true;
            }
            _ => {}
        }
        position = record.end;
    }
    (position == message.len()).then_some(records)
}

/// The most records a query may bring behind its question. One OPT and one TSIG are usual; the limit bounds the work on a
/// 65,535-octet message of tiny records.
pub const RECORDS_MAX: usize = 64;
