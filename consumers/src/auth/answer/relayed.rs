//! Messages that memmgr answers: which those are, and what is said where it can't.

use dns::message::header::{Header, QR};
use dns::message::{Received, Rejected, receive};
use dns::types::{Opcode, Rcode};

use super::frame::Frame;
use super::policy::{Client, Policy};
use super::summary::{Answered, Kind, Summary};

/// Whether a message is one that memmgr answers: an update (RFC 2136) or a notification (RFC 1996).
#[inline]
pub fn is_relayed(message: &[u8]) -> bool {
    let is_asked = |header: Header| !header.has(QR) && matches!(header.opcode(), Opcode::UPDATE | Opcode::NOTIFY);
    Header::parse(message).is_some_and(is_asked)
}

/// Writes SERVFAIL, for a message that can't be passed on.
#[cold]
pub fn failure(message: &[u8], client: &Client, policy: &Policy, out: &mut [u8]) -> Option<Answered> {
    let Received::Reject(Rejected { header, question, edns, .. }) = receive(message) else { return None };
    Frame::new(header, question, edns, client, policy).refuse(out, Rcode::SERVFAIL, None)
}

/// What an answer of memmgr's says, for those who count; of no answer, what the message was.
pub fn answered(message: &[u8], answer: Option<&[u8]>) -> Answered {
    let rejected = match receive(message) {
        Received::Reject(rejected) => Some(rejected),
        _ => None,
    };
    let edns = rejected.and_then(|rejected| rejected.edns);
    let header = answer.and_then(Header::parse).unwrap_or_default();
    let summary = Summary {
        opcode: Header::parse(message).unwrap_or_default().opcode(),
        rtype: rejected.and_then(|rejected| rejected.question).map(|question| question.rtype),
        rcode: header.rcode(),
        kind: if header.rcode() == Rcode::NOERROR { Kind::NoData } else { Kind::Error },
        has_edns: edns.is_some(),
        is_dnssec_ok: edns.is_some_and(|edns| edns.is_dnssec_ok),
        is_truncated: false,
        is_authoritative: header.has(dns::message::header::AA),
        has_valid_cookie: false,
        like: 0,
    };
    Answered { octets: answer.map_or(0, <[u8]>::len), summary }
}
