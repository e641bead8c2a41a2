//! What must hold of any octets as a query: [`run`]. The function of the fuzz target `answer` (`fuzz/`), and of this folder's tests.
//!
//! What is expected is worked out from the octets alone or by another parser, never by the code that is asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use consumers::auth::answer::{
    Answered, Client, Cookies, Data, Policy, Scratch, Transport, UDP_OCTETS_MIN, prepare, respond, respond_from, slip,
};
use dns::types::Rcode;
use hickory_proto::op::{Message, MessageType};
use hickory_proto::serialize::binary::{BinDecodable as _, BinDecoder};
use zone_segment::ZoneSet;

use crate::served::served;

/// Answers an input in every way. Its first two octets say how; the rest is the query.
///
/// Panics when an answer is not as it has to be.
pub(crate) fn run(input: &[u8]) {
    let Some(([how, size], message)) = input.split_first_chunk::<2>().map(|(how, rest)| (*how, rest)) else { return };
    let policy = policy(how, size);
    let has_zones = how & 0x80 == 0;
    let zones = has_zones.then(|| &**served());
    let address = match how & 0x40 {
        0 => IpAddr::V4(Ipv4Addr::new(192, 0, 2, size)),
        _ => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, size.into())),
    };
    let client = |transport| Client { transport, address, now: NOW };
    let datagram = answer(message, zones, &client(Transport::Udp), &policy);
    let stream = answer(message, zones, &client(Transport::Tcp), &policy);
    let is_query = message.len() >= HEADER && message[2] & QR == 0;
    assert_eq!((datagram.is_some(), stream.is_some()), (is_query, is_query), "who is answered");
    let (Some(datagram), Some(stream)) = (datagram, stream) else { return };
    let query = read(message);
    let limit = datagram_limit(query.as_ref(), &policy);
    check(message, query.as_ref(), &datagram, limit);
    check(message, query.as_ref(), &stream, usize::from(u16::MAX));
    if query.is_some() {
        check_truncation(&datagram, &stream, &policy, limit);
    }
    check_slip(message, &client(Transport::Udp), &policy, limit);
}

/// An answer, with what was said of it.
struct Answer {
    /// Its octets.
    octets: Vec<u8>,
    /// What was said of it.
    said: Answered,
    /// The same, parsed.
    parsed: Message,
}

/// Answers with new rooms, with used ones and with prepared ones: all are the same.
fn answer(message: &[u8], zones: Option<&ZoneSet>, client: &Client, policy: &Policy) -> Option<Answer> {
    let mut out = vec![0x55; usize::from(u16::MAX)];
    let mut scratch = Scratch::default();
    let said = respond(message, zones, client, policy, &mut out, &mut scratch)?;
    let octets = out[..said.octets].to_vec();
    out.fill(0xaa);
    if let Some(zones) = zones {
        let [closest, ..] = prepare([message], zones, std::slice::from_mut(&mut scratch));
        let again = respond_from(message, Some(Data { zones, closest }), client, policy, &mut out, &mut scratch);
        assert_eq!(again, Some(said), "prepared");
    } else {
        assert_eq!(respond(message, zones, client, policy, &mut out, &mut scratch), Some(said), "again");
    }
    assert_eq!(out[..said.octets], octets, "prepared");
    let again = respond(message, zones, client, policy, &mut out, &mut scratch);
    assert_eq!((again, &out[..said.octets]), (Some(said), &*octets), "in used rooms");
    let parsed = Message::from_bytes(&octets).expect("an answer that others can read");
    Some(Answer { octets, said, parsed })
}

/// Reads a message with another parser; `None` where that refuses it, or where there is something behind its end.
fn read(message: &[u8]) -> Option<Message> {
    let mut decoder = BinDecoder::new(message);
    Message::read(&mut decoder).ok().filter(|_| decoder.is_empty())
}

/// Checks what holds of every answer.
fn check(message: &[u8], query: Option<&Message>, answer: &Answer, limit: usize) {
    let (octets, said) = (&answer.octets, &answer.said.summary);
    assert!(octets.len() <= limit, "{} octets of {limit}", octets.len());
    assert_eq!(octets[..2], message[..2], "the identifier");
    assert_eq!(octets[2] & (QR | OPCODE | RD), message[2] & (OPCODE | RD) | QR, "QR, opcode, RD");
    assert_eq!(octets[3] & (RA | Z | AD | CD), 0, "RA, Z, AD, CD");
    assert_eq!(answer.parsed.metadata.message_type, MessageType::Response);
    check_question(message, octets);
    assert_eq!(rcode(answer), said.rcode.0, "RCODE");
    assert_eq!(octets[2] & TC != 0, said.is_truncated, "TC");
    assert_eq!(octets[2] & AA != 0, said.is_authoritative, "AA");
    // Whoever has no OPT record gets none. One in the question's place would be a name with a zero in its middle: rare, and no matter.
    let has_opt = message[HEADER..].windows(OPT_BEGINNING.len()).any(|octets| octets == OPT_BEGINNING);
    assert!(has_opt || answer.parsed.edns.is_none(), "an OPT record without one in the query");
    // The other parser takes some of what is malformed, options that end behind the record among them. Whether another opcode's message is
    // well-formed the RCODE does not tell.
    if let Some(query) = query
        && query.queries.len() == 1
        && !matches!(said.rcode, Rcode::FORMERR | Rcode::NOTIMP)
    {
        assert_eq!(query.edns.is_some(), answer.parsed.edns.is_some(), "an OPT record for an OPT record");
        assert_eq!(octets[4..6], [0, 1], "one question");
    }
    assert!(answer.parsed.answers.len() <= RECORDS_MAX, "{} records", answer.parsed.answers.len());
}

/// Checks that the question, if there is one, is that of the query, octet by octet.
fn check_question(message: &[u8], answer: &[u8]) {
    match answer[4..6] {
        [0, 0] => {}
        [0, 1] => {
            // A name in a question has no compression.
            let mut end = HEADER;
            while answer[end] != 0 {
                end += 1 + usize::from(answer[end]);
            }
            let question = HEADER..end + 5;
            assert_eq!(answer[question.clone()], message[question], "the question");
        }
        _ => panic!("more than one question"),
    }
}

/// Checks that a datagram has TC set if and only if it lacks what it needs: the stream has all of it.
fn check_truncation(datagram: &Answer, stream: &Answer, policy: &Policy, limit: usize) {
    let (short, whole) = (&datagram.parsed, &stream.parsed);
    assert!(!whole.metadata.truncation, "a stream holds everything that these zones have");
    if short.metadata.truncation {
        assert!(stream.octets.len() > limit, "{} octets fit {limit}", stream.octets.len());
        assert!(short.answers.len() <= whole.answers.len() && short.authorities.len() <= whole.authorities.len());
    } else if datagram.said.summary.rcode == stream.said.summary.rcode {
        // Transfers get an error of their own over either.
        assert_eq!(short.answers, whole.answers, "without TC");
        // The apex's NS RRset beside an answer comes last, and only where it fits.
        let proofs = if policy.minimal_responses { &whole.authorities[..] } else { &short.authorities[..] };
        assert!(short.authorities == proofs && whole.authorities.starts_with(proofs), "without TC");
    }
}

/// Checks the answer that stands in for one held back.
fn check_slip(message: &[u8], client: &Client, policy: &Policy, limit: usize) {
    let mut out = vec![0; usize::from(u16::MAX)];
    let Some(said) = slip(message, client, policy, &mut out) else { return };
    let parsed = Message::from_bytes(&out[..said.octets]).expect("a slip that others can read");
    assert!(said.octets <= limit && parsed.metadata.truncation && said.summary.is_truncated);
    assert_eq!((parsed.answers.len(), parsed.authorities.len(), parsed.additionals.len()), (0, 0, 0));
    assert_eq!(out[..2], message[..2], "the identifier");
    check_question(message, &out);
}

/// The largest datagram that the asker takes and the policy allows; more than that for a query that another parser refuses, since it may have
/// an OPT record all the same.
fn datagram_limit(query: Option<&Message>, policy: &Policy) -> usize {
    let most = policy.udp_octets_max.max(UDP_OCTETS_MIN);
    let taken = query.map_or(most, |query| query.edns.as_ref().map_or(UDP_OCTETS_MIN, |edns| edns.max_payload()));
    usize::from(taken.clamp(UDP_OCTETS_MIN, most))
}

/// The whole RCODE.
fn rcode(answer: &Answer) -> u16 {
    let high = answer.parsed.edns.as_ref().map_or(0, |edns| edns.rcode_high());
    u16::from(high) << 4 | u16::from(answer.octets[3] & 0x0f)
}

/// What is answered with, as the first two octets of an input say.
fn policy(how: u8, size: u8) -> Policy {
    let has = |bit: u8| how & bit != 0;
    Policy {
        udp_octets_max: u16::from(size) * 18,
        minimal_responses: !has(0x01),
        rotate_rrsets: has(0x02),
        version: has(0x04).then(|| "a version".into()),
        identity: has(0x08).then(|| "an identity".into()),
        cookies: if has(0x10) { Cookies::new(&[*b"sixteen octets!!"]) } else { None },
        keepalive: has(0x20).then_some(Duration::from_secs(10)),
        ..Policy::default()
    }
}

/// The time of all queries.
const NOW: u32 = 0x6000_0000;

/// Octets of a header.
const HEADER: usize = 12;

/// The bit of a response, in the third octet.
const QR: u8 = 0x80;

/// The opcode there.
const OPCODE: u8 = 0x78;

/// The authoritative bit there.
const AA: u8 = 0x04;

/// The truncation bit there.
const TC: u8 = 0x02;

/// The bit of desired recursion there.
const RD: u8 = 0x01;

/// The bit of available recursion, in the fourth octet.
const RA: u8 = 0x80;

/// The bit without meaning there.
const Z: u8 = 0x40;

/// The bit of data found authentic there.
const AD: u8 = 0x20;

/// The bit of checking disabled there.
const CD: u8 = 0x10;

/// How an OPT record begins: the root and the type.
const OPT_BEGINNING: [u8; 3] = [0, 0, 41];

/// More than any answer has: the largest RRset and a chain of aliases before it, with signatures.
const RECORDS_MAX: usize = 300;
