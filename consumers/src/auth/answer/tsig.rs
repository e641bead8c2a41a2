//! Signed queries (RFC 8945, section 5.2): the signature is checked, the query is answered as one without, and the answer is signed.
//!
//! Secondaries ask so for a zone's SOA record. Such queries are few: unlike all others they may cost allocations.

use dns::message::Query;
use dns::message::header::HEADER_OCTETS;
use dns::tsig::{Refused, Verified, seconds, verify_request};
use zone_segment::SegmentOctets;

use super::frame::Frame;
use super::policy::{Client, Policy};
use super::summary::Answered;
use super::{Data, Scratch, respond_from};

/// Answers a query whose last record is a TSIG.
pub(super) fn respond<B: SegmentOctets>(
    (message, query): (&[u8], &Query<'_>),
    data: Option<Data<'_, B>>,
    client: &Client,
    policy: &Policy,
    out: &mut [u8],
    scratch: &mut Scratch,
) -> Option<Answered> {
    let limit = policy.answer_octets(client.transport, query.edns.as_ref()).min(out.len());
    let room = |octets: usize| limit.saturating_sub(octets);
    match verify_request(message, &policy.keys, seconds(std::time::SystemTime::now())) {
        Ok(Some(verified)) => {
            let mut signer = verified.signer();
            let bare = without_signature(message, &verified)?;
            // An answer that has no room beside its signature is truncated (RFC 8945, section 5.3).
            let within = out.get_mut(..room(signer.octets()))?;
            let answered = respond_from(&bare, data, client, policy, within, scratch)?;
            put_signed(out, answered, |answer| signer.sign(answer, seconds(std::time::SystemTime::now())))
        }
        // It was seen to have one.
        Ok(None) => None,
        Err(refused) => refuse(query, &refused, client, policy, out, room(refused.octets())),
    }
}

/// The query as it was before it was signed.
fn without_signature(message: &[u8], verified: &Verified) -> Option<Vec<u8>> {
    let mut bare = message.get(..verified.message_octets())?.to_vec();
    let count: &mut [u8; 2] = bare.get_mut(HEADER_OCTETS - 2..HEADER_OCTETS)?.try_into().ok()?;
    *count = u16::from_be_bytes(*count).checked_sub(1)?.to_be_bytes();
    Some(bare)
}

/// Answers a query whose signature is not good.
fn refuse(
    query: &Query<'_>,
    refused: &Refused,
    client: &Client,
    policy: &Policy,
    out: &mut [u8],
    room: usize,
) -> Option<Answered> {
    let frame = Frame::new(query.header, Some(query.question), query.edns, client, policy);
    let answered = frame.refuse(out.get_mut(..room)?, refused.rcode(), None)?;
    put_signed(out, answered, |answer| refused.sign(answer))
}

/// Signs an answer in its place.
fn put_signed(out: &mut [u8], answered: Answered, sign: impl FnOnce(&mut Vec<u8>)) -> Option<Answered> {
    let mut answer = out.get(..answered.octets)?.to_vec();
    sign(&mut answer);
    out.get_mut(..answer.len())?.copy_from_slice(&answer);
    Some(Answered { octets: answer.len(), ..answered })
}
