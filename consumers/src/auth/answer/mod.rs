//! The answer to a query: bytes in, bytes out. [`respond`] is all there is to call; for a batch of queries, [`prepare`] before it.
//!
//! Read [`respond`] first, which turns away what no zone is needed for; then `response`, which builds the answer section by section from an
//! `Outcome` in the words of RFC 1034, section 4.3.2 (`outcome`); `denial` picks the proofs of what is not there, `additional` the glue.
//!
//! Nothing here allocates, locks, or calls the system. Answers are minimal: no NS records beside a positive answer, and no addresses but those
//! a referral needs and those of an apex's name servers when these are asked for (what resolvers prime with; RFC 9609).

mod additional;
mod denial;
mod name_buffer;
mod outcome;
mod prepare;
mod put;
mod response;

use dns::message::header::Header;
use dns::message::{Builder, Edns, EdnsReply, ExtendedError, Query, Question, Received, Rejected, receive};
use dns::types::{Class, Rcode, Rtype};
use zone_segment::{LookupName, SegmentOctets, ZoneSet};

use name_buffer::NameBuffer;
use response::Response;

pub use prepare::{PREPARED_MAX, prepare};

/// How a query came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// In a datagram: the answer has to fit into what the asker takes and what networks carry whole.
    Udp,
    /// In a stream: the answer has to fit into a message.
    Tcp,
}

/// Limits of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The largest datagram sent, and the one advertised as taken, at least [`UDP_OCTETS_MIN`].
    pub udp_octets_max: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self { udp_octets_max: UDP_OCTETS_MAX_DEFAULT }
    }
}

impl Limits {
    /// The longest answer to a query that came so.
    fn answer_octets(&self, transport: Transport, edns: Option<&Edns<'_>>) -> usize {
        let asked = edns.map_or(UDP_OCTETS_MIN, |edns| edns.udp_size.max(UDP_OCTETS_MIN));
        match transport {
            Transport::Udp => usize::from(asked.min(self.udp_octets_max.max(UDP_OCTETS_MIN))),
            Transport::Tcp => usize::from(u16::MAX),
        }
    }
}

/// What an answer needs beside its buffer: names being looked up. Kept from query to query to save setting it up.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// The name being answered: QNAME, then each alias's target.
    name: NameBuffer,
    /// The same, prepared for lookups; where the chain ends another one, of a wildcard or a name server. One room for both: a batch has as
    /// many as queries, and they are to stay in the processor's caches.
    lookup: LookupName,
}

/// Writes the answer to `message` into `out` and gives its length; `None` when there is to be no answer.
///
/// `zones` is the current generation, `None` before the first: then queries get SERVFAIL, and EDE says that the server is not ready.
/// `scratch` may be anything, also what [`prepare`] made of it for this message: then the name asked for is not hashed again.
pub fn respond<B: SegmentOctets>(
    message: &[u8],
    zones: Option<&ZoneSet<B>>,
    transport: Transport,
    limits: &Limits,
    out: &mut [u8],
    scratch: &mut Scratch,
) -> Option<usize> {
    let query = match receive(message) {
        Received::Drop => return None,
        Received::Reject(Rejected { header, question, edns, rcode }) => {
            let frame = Frame { header, question, edns, limits, transport };
            return frame.refuse(out, rcode, None);
        }
        Received::Query(query) => query,
    };
    let Query { header, question, edns, .. } = query;
    let frame = Frame { header, question: Some(question), edns, limits, transport };
    if let Some((rcode, error)) = turned_away(&query, transport) {
        return frame.refuse(out, rcode, error);
    }
    let Some(zones) = zones else {
        return frame.refuse(out, Rcode::SERVFAIL, Some(ExtendedError::NOT_READY));
    };
    let builder = frame.begin(out)?;
    let is_dnssec_ok = edns.is_some_and(|edns| edns.is_dnssec_ok);
    let (builder, error) = Response::new(builder, zones, scratch, is_dnssec_ok).answer(&question);
    Some(builder.finish(frame.edns_reply(error).as_ref()))
}

/// What a query gets that is not answered from a zone, if it is one of those.
fn turned_away(query: &Query<'_>, transport: Transport) -> Option<(Rcode, Option<ExtendedError>)> {
    if query.is_signed {
        // No keys are known (RFC 8945, section 5.2.1).
        return Some((Rcode::NOTAUTH, None));
    }
    if query.question.class != Class::IN {
        return Some((Rcode::REFUSED, None));
    }
    match (query.question.rtype, transport) {
        // A transfer does not fit a datagram (RFC 5936, section 4.2). IXFR over UDP is answered with the SOA record (RFC 1995, section 2).
        (Rtype::AXFR, Transport::Udp) => Some((Rcode::FORMERR, None)),
        (Rtype::AXFR | Rtype::IXFR, Transport::Tcp) => Some((Rcode::REFUSED, Some(ExtendedError::NOT_SUPPORTED))),
        _ => None,
    }
}

/// What frames every answer: header, question, OPT record.
struct Frame<'q> {
    /// The query's header.
    header: Header,
    /// Its question.
    question: Option<Question<'q>>,
    /// Its OPT record.
    edns: Option<Edns<'q>>,
    /// Limits of the answer.
    limits: &'q Limits,
    /// How the query came.
    transport: Transport,
}

impl Frame<'_> {
    /// Begins the answer: the question echoed, room kept for the OPT record.
    fn begin<'o>(&self, out: &'o mut [u8]) -> Option<Builder<'o>> {
        let limit = self.limits.answer_octets(self.transport, self.edns.as_ref());
        let mut builder = Builder::new(out, limit, self.header)?;
        if let Some(question) = &self.question {
            builder.question(question).ok()?;
        }
        if self.edns.is_some() {
            builder.reserve_edns().ok()?;
        }
        Some(builder)
    }

    /// Answers with an RCODE alone.
    fn refuse(&self, out: &mut [u8], rcode: Rcode, error: Option<ExtendedError>) -> Option<usize> {
        let mut builder = self.begin(out)?;
        builder.set_rcode(rcode);
        Some(builder.finish(self.edns_reply(error).as_ref()))
    }

    /// The OPT record of the answer: one if the query has one.
    fn edns_reply(&self, error: Option<ExtendedError>) -> Option<EdnsReply> {
        let udp_size = self.limits.udp_octets_max.max(UDP_OCTETS_MIN);
        self.edns.map(|edns| EdnsReply { udp_size, is_dnssec_ok: edns.is_dnssec_ok, error })
    }
}

/// What every asker takes (RFC 1035, section 4.2.1); a smaller EDNS size means this (RFC 6891, section 6.2.5).
pub const UDP_OCTETS_MIN: u16 = 512;

/// The largest datagram by default: what passes without fragments nearly everywhere (RFC 9715).
pub const UDP_OCTETS_MAX_DEFAULT: u16 = 1232;
