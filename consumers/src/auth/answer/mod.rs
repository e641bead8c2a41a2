//! The answer to a query: bytes in, bytes out. [`respond`] is all there is to call; for a batch of queries, [`prepare()`] before it.
//!
//! Read [`respond`] first, which turns away what no zone is needed for; then `response`, which builds the answer section by section from an
//! `Outcome` in the words of RFC 1034, section 4.3.2 (`outcome`); `denial` picks the proofs of what is not there, `additional` the glue.
//!
//! Nothing here allocates, locks, or calls the system, but for signed queries (`tsig`). Answers are minimal: no NS records beside a positive answer, and no addresses but those
//! a referral needs and those of an apex's name servers when these are asked for (what resolvers prime with; RFC 9609).

mod additional;
mod chaos;
mod cookie;
mod denial;
mod frame;
mod name_buffer;
mod options;
mod outcome;
mod policy;
mod prepare;
mod put;
mod relayed;
mod response;
mod summary;
mod tsig;
mod written;

use dns::message::header::HEADER_OCTETS;
use dns::message::{ExtendedError, NameRoom, Query, Received, Rejected, receive};
use dns::types::{Class, Opcode, Rcode, Rtype};
use zone_segment::{LookupName, Mapping, NameRef, SegmentOctets, Zone, ZoneSet};

use frame::{Body, Frame};
use name_buffer::NameBuffer;
use response::Response;
use summary::Kind as AnswerKind;

pub use chaos::TEXT_OCTETS_MAX;
pub use cookie::{Cookies, Secret};
pub use policy::{Client, Policy, Transport, UDP_OCTETS_MAX_DEFAULT, UDP_OCTETS_MIN};
pub use prepare::{PREPARED_MAX, Prepared, prepare};
pub use relayed::{answered, failure, is_relayed};
pub use summary::{Answered, Kind, Summary};

/// What an answer needs beside its buffer: names being looked up. Kept from query to query to save setting it up.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// The name being answered: QNAME, then each alias's target.
    name: NameBuffer,
    /// The same, prepared for lookups; where the chain ends another one, of a wildcard or a name server. One room for both: a batch has as
    /// many as queries, and they are to stay in the processor's caches.
    lookup: LookupName,
}

/// What a query is answered from.
#[derive(Clone, Copy, Debug)]
pub struct Data<'z, B = Mapping> {
    /// The current generation.
    pub zones: &'z ZoneSet<B>,
    /// The zone of it that is closest to the name asked for, where that is known.
    pub closest: Option<Zone<'z, B>>,
}

/// Writes the answer to `message` into `out` and says what it is; `None` when there is to be no answer.
///
/// `zones` is the current generation, `None` before the first: then queries get SERVFAIL, and EDE says that the server is not ready.
/// `scratch` may be anything, also what [`prepare()`] made of it for this message: then the name asked for is not hashed again.
pub fn respond<B: SegmentOctets>(
    message: &[u8],
    zones: Option<&ZoneSet<B>>,
    client: &Client,
    policy: &Policy,
    out: &mut [u8],
    scratch: &mut Scratch,
) -> Option<Answered> {
    respond_from(message, zones.map(|zones| Data { zones, closest: None }), client, policy, out, scratch)
}

/// As [`respond`], for a message whose scratch [`prepare()`] has made: its zone need not be looked for again.
pub fn respond_from<B: SegmentOctets>(
    message: &[u8],
    data: Option<Data<'_, B>>,
    client: &Client,
    policy: &Policy,
    out: &mut [u8],
    scratch: &mut Scratch,
) -> Option<Answered> {
    let query = match receive(message) {
        Received::Drop => return None,
        Received::Reject(Rejected { header, question, edns, rcode }) => {
            let frame = Frame::new(header, question, edns, client, policy);
            // A query without a question asks for a cookie, if it has one (RFC 7873, section 5.4).
            let asks_for_cookie = header.opcode() == Opcode::QUERY && header.counts == [0, 0, 0, 1];
            return match frame.asked.cookie.filter(|_| asks_for_cookie && rcode == Rcode::FORMERR) {
                Some(_) => frame.refuse(out, Rcode::NOERROR, None),
                None => frame.refuse(out, rcode, None),
            };
        }
        Received::Query(query) => query,
    };
    let Query { header, question, edns, .. } = query;
    let mut frame = Frame::new(header, Some(question), edns, client, policy);
    if frame.asked.is_malformed {
        return frame.refuse(out, Rcode::FORMERR, None);
    }
    if query.is_signed {
        return tsig::respond((message, &query), data, client, policy, out, scratch);
    }
    if let Some((rcode, error)) = turned_away(&query, client.transport) {
        return frame.refuse(out, rcode, error);
    }
    if question.class == Class::CH {
        return chaos(frame, &query, policy, out);
    }
    let Some(data) = data else {
        return frame.refuse(out, Rcode::SERVFAIL, Some(ExtendedError::NOT_READY));
    };
    let mut names = NameRoom::default();
    let builder = frame.begin(out, &mut names)?;
    let style = Style {
        is_dnssec_ok: edns.is_some_and(|edns| edns.is_dnssec_ok),
        is_minimal: policy.minimal_responses,
        rotation: if policy.rotate_rrsets { header.id } else { 0 },
    };
    let (builder, body) = Response::new(builder, data, scratch, style).answer(&question);
    Some(frame.finish(builder, &body))
}

/// Writes the answer that a client gets now and then in place of one that is held back because it got too many like it: truncated and empty, so
/// that whoever is there asks again over TCP.
pub fn slip(message: &[u8], client: &Client, policy: &Policy, out: &mut [u8]) -> Option<Answered> {
    let Received::Query(Query { header, question, edns, .. }) = receive(message) else { return None };
    let mut frame = Frame::new(header, Some(question), edns, client, policy);
    let mut names = NameRoom::default();
    let mut builder = frame.begin(out, &mut names)?;
    builder.set_truncated();
    Some(frame.finish(builder, &Body::error(None)))
}

/// Whether a message that came over TCP is a well-formed request for a transfer, signed or not: an answer that is a stream of messages, which
/// [`respond`] does not write.
pub fn is_transfer(message: &[u8]) -> bool {
    // Most are not, and the type is quickly found.
    let asks = |message: &[u8]| {
        let (_, octets) = NameRef::parse_prefix(message.get(HEADER_OCTETS..)?).ok()?;
        let question = message.get(HEADER_OCTETS + octets..)?.first_chunk::<2>()?;
        matches!(Rtype(u16::from_be_bytes(*question)), Rtype::AXFR | Rtype::IXFR).then_some(())
    };
    asks(message).is_some() && matches!(receive(message), Received::Query(query) if query.question.class == Class::IN)
}

/// How an answer is written.
#[derive(Clone, Copy, Debug)]
struct Style {
    /// Whether DNSSEC records are wanted.
    is_dnssec_ok: bool,
    /// Whether what an answer does not need is left out.
    is_minimal: bool,
    /// By how many records an RRset is turned; 0 leaves it as it is.
    rotation: u16,
}

impl Style {
    /// The same without signatures.
    fn without_signatures(self) -> Self {
        Self { is_dnssec_ok: false, ..self }
    }
}

/// What a query gets that is not answered from a zone, if it is one of those.
fn turned_away(query: &Query<'_>, transport: Transport) -> Option<(Rcode, Option<ExtendedError>)> {
    if !matches!(query.question.class, Class::IN | Class::CH) {
        return Some((Rcode::REFUSED, None));
    }
    match (query.question.rtype, transport) {
        // A transfer does not fit a datagram (RFC 5936, section 4.2). IXFR over UDP is answered with the SOA record (RFC 1995, section 2).
        (Rtype::AXFR, Transport::Udp) => Some((Rcode::FORMERR, None)),
        // They are xfrout's: one that is to be answered here did not get there.
        (Rtype::AXFR | Rtype::IXFR, Transport::Tcp) => Some((Rcode::SERVFAIL, Some(ExtendedError::NOT_READY))),
        _ => None,
    }
}

/// The answer to a query of class CHAOS.
fn chaos(mut frame: Frame<'_>, query: &Query<'_>, policy: &Policy, out: &mut [u8]) -> Option<Answered> {
    let Some(text) = chaos::text(query.question.name, policy) else {
        return frame.refuse(out, Rcode::REFUSED, Some(ExtendedError::PROHIBITED));
    };
    let mut names = NameRoom::default();
    let mut builder = frame.begin(out, &mut names)?;
    let kind = match chaos::put(&mut builder, &query.question, text) {
        Ok(true) => AnswerKind::Positive,
        Ok(false) => AnswerKind::NoData,
        Err(_) => {
            builder.set_truncated();
            AnswerKind::Positive
        }
    };
    Some(frame.finish(builder, &Body { kind, ..Body::error(None) }))
}
