//! Signed queries (RFC 8945) that are no transfers: the answers are those of queries without signatures, and signed.

use std::sync::Arc;
use std::time::SystemTime;

use consumers::auth::answer::Policy;
use dns::message::Header;
use dns::message::header::TC;
use dns::tsig::{Algorithm, Checked, FUDGE, Key, Keys, VerifyError, find, seconds, sign_request, strip};
use dns::types::Rcode;
use zone_segment::ZoneSet;

use crate::ask::{Ask, check_frame, text};
use crate::found::ZONES;

/// A key.
fn key(name: &str, secret: &[u8]) -> Arc<Key> {
    Arc::new(Key::new(name.parse().unwrap(), Algorithm::HmacSha256, secret))
}

/// What is answered with: one key is known.
fn policy() -> Policy {
    Policy { keys: Keys::from_iter([key("known.", b"a secret of both")]), ..Policy::default() }
}

/// The answer to a query.
fn respond(ask: &Ask) -> Vec<u8> {
    respond_from(&ZONES, ask)
}

/// The answer to a query from other zones.
fn respond_from(zones: &ZoneSet, ask: &Ask) -> Vec<u8> {
    let mut room = vec![0xee; 65_535];
    let answered = ask.respond_into(zones, &policy(), &mut room).unwrap();
    room.truncate(answered.octets);
    room
}

/// The time.
fn now() -> u64 {
    seconds(SystemTime::now())
}

#[test]
fn a_signed_query_gets_the_same_answer_signed() {
    let key = key("known.", b"a secret of both");
    for line in
        ["example. SOA", "example. SOA +edns=1232", "missing.example. A +do", "www.example. A +tcp", "example. IXFR"]
    {
        let plain = Ask::new(line);
        let mut signed = Ask::new(line);
        let mut verifier = sign_request(&key, &mut signed.message, now());
        let answer = respond(&signed);
        let checked = verifier.verify(&answer, now());
        assert!(matches!(checked, Ok(Checked::Signed { .. })), "{line}: {checked:?}");
        let mut answer = answer;
        assert_eq!(strip(&mut answer), Ok(true));
        check_frame(&plain.message, &answer);
        assert_eq!(text(&answer), text(&respond(&plain)), "{line}");
    }
}

#[test]
fn a_signed_answer_keeps_to_what_its_asker_takes() {
    let key = key("known.", b"a secret of both");
    let mut truncated = [0; 2];
    for size in 512..=1232 {
        let mut ask = Ask::new(&format!("x.in.big. A +edns={size}"));
        let mut verifier = sign_request(&key, &mut ask.message, now());
        let answer = respond_from(&crate::size::ZONES, &ask);
        assert!(answer.len() <= size, "{} of {size}", answer.len());
        assert!(matches!(verifier.verify(&answer, now()), Ok(Checked::Signed { .. })), "{size}");
        truncated[usize::from(Header::parse(&answer).unwrap().has(TC))] += 1;
    }
    assert!(truncated.iter().all(|count| *count > 50), "whole or truncated: {truncated:?}");
}

#[test]
fn what_is_wrong_with_a_signature_is_said_as_rfc_8945_has_it() {
    let (good, other) = (key("known.", b"a secret of both"), key("known.", b"another secret"));
    let unknown = key("unknown.", b"a secret of both");
    for (key, time, error) in [
        (&unknown, now(), Rcode::BADKEY),
        (&other, now(), Rcode::BADSIG),
        (&good, now() - u64::from(FUDGE) - 10, Rcode::BADTIME),
    ] {
        let mut ask = Ask::new("example. SOA +edns=1232");
        let mut verifier = sign_request(key, &mut ask.message, time);
        let answer = respond(&ask);
        let header = Header::parse(&answer).unwrap();
        assert_eq!((header.rcode(), header.counts[1]), (Rcode::NOTAUTH, 0), "{error}");
        let tsig = find(&answer).unwrap().unwrap();
        assert_eq!(tsig.error, error);
        assert_eq!(tsig.mac.is_empty(), error != Rcode::BADTIME, "a client whose clock is wrong can trust the answer");
        assert_eq!(tsig.other.len(), if error == Rcode::BADTIME { 6 } else { 0 });
        let said = verifier.verify(&answer, time);
        assert!(matches!(said, Err(VerifyError::Peer { error: found, .. }) if found == error), "{said:?}");
    }
}

#[test]
fn a_signed_transfer_that_does_not_get_to_xfrout_is_refused_signed() {
    let mut ask = Ask::new("example. AXFR +tcp");
    let mut verifier = sign_request(&key("known.", b"a secret of both"), &mut ask.message, now());
    let answer = respond(&ask);
    assert_eq!(Header::parse(&answer).unwrap().rcode(), Rcode::SERVFAIL);
    assert!(matches!(verifier.verify(&answer, now()), Ok(Checked::Signed { .. })));
}
