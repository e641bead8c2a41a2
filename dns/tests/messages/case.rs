//! What must hold of any octets as a message whose records are taken, and as one that is signed: [`run`]. The function of the fuzz target `messages`
//! (`fuzz/`), and of this folder's tests.
//!
//! What is expected is worked out from the octets alone, or by reading again what was written.

use std::convert::Infallible;
use std::sync::Arc;

use dns::message::{
    Fault, Header, MessageRecord, MessageStream, Records, StreamError, forwarded, is_answer_to, set_id,
};
use dns::tsig::{self, Algorithm, Key, Keys, sign_request, verify_request};
use dns::types::{Class, Rcode};
use zone_segment::{Name, NameRef};

/// When messages are signed here.
const NOW: u64 = 1_700_000_000;

/// Octets of a header.
const HEADER: usize = 12;

/// Takes an input in every way. Its first three octets say how; the rest is the message.
///
/// Panics where something is not as it has to be.
pub(crate) fn run(input: &[u8]) {
    let Some((how, message)) = input.split_first_chunk::<3>() else { return };
    let algorithm = Algorithm::ALL[usize::from(how[0]) % Algorithm::ALL.len()];
    let records = check_records(message);
    check_tsig(message, records.as_deref().map_err(|fault| *fault), algorithm);
    check_signed(message, algorithm, u16::from_be_bytes([how[1], how[2]]));
    if let Ok(records) = records {
        check_plain(message, &records);
        check_stream(message, &records, u16::from_be_bytes([how[1], how[2]]));
    }
    let _ = (is_answer_to(message, message), is_answer_to(&[], message), is_answer_to(message, &[]));
}

/// Reads all records, or says what is wrong.
fn check_records(message: &[u8]) -> Result<Vec<MessageRecord>, Fault> {
    let mut reader = match Records::of(message) {
        Ok(reader) => reader,
        Err(error) => {
            assert!(error.offset <= message.len(), "{error:?}");
            return Err(error.fault);
        }
    };
    let counts = reader.header().counts.map(usize::from);
    let mut position = HEADER + reader.question().map_or(0, |question| question.wire.len());
    let mut records = Vec::new();
    loop {
        match reader.read() {
            Ok(Some(record)) => {
                let (owner, end) = name_at(message, position).expect("a name where a record begins");
                assert_eq!(record.owner.as_wire(), owner, "octet {position}");
                assert!(record.rdata.len() <= usize::from(u16::MAX));
                assert_eq!(record.is_well_formed(), record.to_record().is_well_formed_alone());
                let length = usize::from(u16::from_be_bytes([message[end + 8], message[end + 9]]));
                position = end + 10 + length;
                records.push(record.to_record());
            }
            Ok(None) => break,
            Err(error) => {
                assert!(error.offset <= message.len(), "{error:?}");
                assert_eq!(reader.read(), Ok(None), "nothing is read after a fault");
                return Err(error.fault);
            }
        }
    }
    assert_eq!((records.len(), position), (counts[1..].iter().sum(), message.len()), "all of it, and no more");
    assert!(records.is_sorted_by_key(|record| record.section as u8), "sections are in their order");
    Ok(records)
}

/// The name at a place and where it ends, by the rules alone: each pointer leads before all octets of the name so far, 255 octets at the most.
fn name_at(message: &[u8], start: usize) -> Option<(Vec<u8>, usize)> {
    let (mut wire, mut at, mut floor, mut end) = (Vec::new(), start, start, None);
    loop {
        match *message.get(at)? {
            0 => {
                wire.push(0);
                return (wire.len() <= 255).then(|| (wire, end.unwrap_or(at + 1)));
            }
            length @ 1..=63 => {
                wire.extend_from_slice(message.get(at..=at + usize::from(length))?);
                at += 1 + usize::from(length);
            }
            high @ 192.. => {
                let target = usize::from(high & 63) << 8 | usize::from(*message.get(at + 1)?);
                if target >= floor || target < HEADER {
                    return None;
                }
                end = end.or(Some(at + 2));
                (at, floor) = (target, target);
            }
            _ => return None,
        }
    }
}

/// What a record says by itself.
trait Alone {
    /// Whether its RDATA is of its type.
    fn is_well_formed_alone(&self) -> bool;
}

impl Alone for MessageRecord {
    fn is_well_formed_alone(&self) -> bool {
        dns::text::is_rdata_of(self.rtype, &self.rdata)
    }
}

/// Looks for a signature, and checks it with keys that nobody signed it with.
fn check_tsig(message: &[u8], records: Result<&[MessageRecord], Fault>, algorithm: Algorithm) {
    let found = tsig::find(message);
    match (&found, records) {
        // Names in RDATA are not looked at for a signature.
        (Ok(_), Ok(_) | Err(Fault::Rdata)) | (Err(_), Err(_)) => {}
        (Err(error), Ok(_)) => assert_eq!(error.fault, Fault::Tsig),
        (Ok(_), Err(fault)) => panic!("a signature is looked for in what is malformed: {fault:?}"),
    }
    let mut stripped = message.to_vec();
    match &found {
        Ok(Some(tsig)) => {
            assert_eq!(tsig::strip(&mut stripped), Ok(true));
            assert_eq!(stripped.len(), tsig.start);
            assert_eq!(stripped[2..10], message[2..10]);
            assert_eq!(tsig::find(&stripped), Ok(None), "there is one alone");
            let passed_on = forwarded(message, 7).unwrap();
            assert_eq!((&passed_on[..2], &passed_on[2..]), (&[0, 7][..], &stripped[2..]));
        }
        Ok(None) => {
            assert_eq!(tsig::strip(&mut stripped), Ok(false));
            assert_eq!(stripped, message);
        }
        Err(error) => assert_eq!((tsig::strip(&mut stripped), stripped.as_slice()), (Err(*error), message)),
    }
    let named = found.as_ref().ok().and_then(|tsig| tsig.as_ref()).map(|tsig| tsig.key.clone());
    let key = Arc::new(Key::new(named.unwrap_or_else(Name::root), algorithm, b"nobody knows this"));
    let answer = match verify_request(message, &Keys::from_iter([key]), NOW) {
        Ok(verified) => return assert_eq!((verified.is_none(), found), (true, Ok(None)), "nobody has signed it"),
        Err(refused) => {
            let mut answer = message.get(..2).unwrap_or(&[0; 2]).to_vec();
            answer.extend([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            refused.sign(&mut answer);
            assert_eq!(answer.len(), HEADER + refused.octets());
            let expected = if refused.error() == Rcode::FORMERR { Rcode::FORMERR } else { Rcode::NOTAUTH };
            assert_eq!(refused.rcode(), expected);
            assert_ne!(refused.error(), Rcode::BADTIME, "the time is looked at behind the signature");
            (answer, refused.error())
        }
    };
    let signature = tsig::find(&answer.0).unwrap();
    assert_eq!(signature.map_or(Rcode::FORMERR, |signature| signature.error), answer.1);
}

/// Signs a message; the signature is good, and not once any octet that counts is another.
fn check_signed(message: &[u8], algorithm: Algorithm, change: u16) {
    let room = usize::from(u16::MAX) - 300;
    if message.len() > room || tsig::find(message) != Ok(None) || Header::parse(message).unwrap().counts[3] == u16::MAX
    {
        return;
    }
    let key = Arc::new(Key::new("k.example.".parse().unwrap(), algorithm, b"a secret"));
    let mut signed = message.to_vec();
    let mut verifier = sign_request(&key, &mut signed, NOW);
    assert_eq!(signed.len(), message.len() + key.signature_octets());
    let keys = Keys::from_iter([Arc::clone(&key)]);
    let verified = verify_request(&signed, &keys, NOW).unwrap().expect("it is signed");
    assert_eq!(verified.message_octets(), message.len());
    // Under another id it is the same message.
    set_id(&mut signed, change);
    assert!(verify_request(&signed, &keys, NOW).unwrap().is_some());
    let mut answer = message.to_vec();
    verified.signer().sign(&mut answer, NOW);
    assert!(verifier.verify(&answer, NOW).is_ok() && verifier.is_settled());
    let octet = 2 + usize::from(change) % (signed.len() - 2);
    let with = 1 << (change % 8);
    let is_case = octet >= message.len() && with == 0x20 && signed[octet].is_ascii_alphabetic();
    signed[octet] ^= with;
    let is_taken = verify_request(&signed, &keys, NOW).is_ok_and(|verified| verified.is_some());
    assert!(!is_taken || is_case, "octet {octet} with {with:02x}");
}

/// Writes records without compression; they read as the same.
fn check_plain(message: &[u8], records: &[MessageRecord]) {
    let reader = Records::of(message).unwrap();
    let mut plain = message[..HEADER].to_vec();
    plain.extend_from_slice(reader.question().map_or(&[][..], |question| question.wire));
    for MessageRecord { owner, rtype, class, ttl, rdata, .. } in records {
        plain.extend_from_slice(owner.as_wire());
        plain.extend([rtype.0.to_be_bytes(), class.0.to_be_bytes()].as_flattened());
        plain.extend(ttl.to_be_bytes());
        plain.extend((rdata.len() as u16).to_be_bytes());
        plain.extend_from_slice(rdata);
    }
    let again: Vec<MessageRecord> = Records::of(&plain).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(again, records);
}

/// Sends records as a transfer does, in messages of some size; they read as the same.
fn check_stream(message: &[u8], records: &[MessageRecord], limit: u16) {
    let reader = Records::of(message).unwrap();
    let Some(question) = reader.question() else { return };
    let sent: Vec<&MessageRecord> =
        records.iter().filter(|record| record.class == Class::IN && record.is_well_formed_alone()).collect();
    let mut messages: Vec<Vec<u8>> = Vec::new();
    let limit = usize::from(limit.max(512));
    let mut stream = MessageStream::new(reader.header(), &question, limit, 0);
    let mut taken = 0;
    for MessageRecord { owner, rtype, ttl, rdata, .. } in &sent {
        let send = |message: &mut Vec<u8>| {
            messages.push(message.clone());
            Ok::<(), Infallible>(())
        };
        match stream.record(owner.as_ref(), *rtype, *ttl, rdata, send) {
            Ok(()) => taken += 1,
            // What fits into no message ends a transfer.
            Err(StreamError::TooLong) => break,
            Err(error) => panic!("{error}"),
        }
    }
    let is_whole = taken == sent.len();
    if is_whole {
        messages.push(stream.finish().clone());
    }
    let mut again = Vec::new();
    for (number, message) in messages.iter().enumerate() {
        assert!(message.len() <= limit, "{} octets of {limit}", message.len());
        let records = Records::of(message).unwrap();
        assert_eq!(records.question().is_some(), number == 0, "the question stands in the first alone");
        again.extend(records.map(|record| record.unwrap()));
    }
    assert!(again.len() <= taken && (!is_whole || again.len() == taken));
    for (found, expected) in again.iter().zip(sent) {
        let of = |record: &MessageRecord| (record.rtype, record.ttl, record.rdata.clone());
        assert_eq!(of(found), of(expected));
        assert_eq!(NameRef::as_wire(&found.owner.as_ref()), NameRef::as_wire(&expected.owner.as_ref()), "in its case");
    }
}
