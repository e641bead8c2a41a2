//! Signatures: against those of other servers and of another HMAC, and against any change of what was signed.

mod hostile;
mod rows;
mod vectors;

use std::sync::Arc;

use super::*;
use crate::message::{Asked, question};
use crate::types::Rcode;

/// When the messages here are signed.
const NOW: u64 = 1_700_000_000;

/// A key, its secret the octets 0 to 31.
fn key_named(name: &str, algorithm: Algorithm) -> Arc<Key> {
    let secret: Vec<u8> = (0..32).collect();
    Arc::new(Key::new(name.parse().unwrap(), algorithm, &secret))
}

/// The key `xfr.example`.
fn key(algorithm: Algorithm) -> Arc<Key> {
    key_named("XFR.example.", algorithm)
}

/// That key alone.
fn keys(algorithm: Algorithm) -> Keys {
    Keys::from_iter([key(algorithm)])
}

/// A request for a transfer of `example`, unsigned.
fn axfr() -> Vec<u8> {
    let apex: zone_segment::Name = "example.".parse().unwrap();
    question(0x1234, apex.as_ref(), Asked::Axfr)
}

/// The same, signed.
fn signed_axfr(algorithm: Algorithm) -> Vec<u8> {
    let mut message = axfr();
    sign_request(&key(algorithm), &mut message, NOW);
    message
}

/// What comes of a request: the RCODE in TSIG, NOERROR when it is good.
fn error_of(message: &[u8], keys: &Keys, now: u64) -> Rcode {
    verify_request(message, keys, now).map_or_else(|refused| refused.error(), |_| Rcode::NOERROR)
}

#[test]
fn a_request_is_good_within_its_window() {
    let message = signed_axfr(Algorithm::HmacSha256);
    let keys = keys(Algorithm::HmacSha256);
    for (now, error) in [
        (NOW, Rcode::NOERROR),
        (NOW - 300, Rcode::NOERROR),
        (NOW + 300, Rcode::NOERROR),
        (NOW - 301, Rcode::BADTIME),
        (NOW + 301, Rcode::BADTIME),
        (0, Rcode::BADTIME),
        (u64::MAX, Rcode::BADTIME),
    ] {
        assert_eq!(error_of(&message, &keys, now), error, "{now}");
    }
    let verified = verify_request(&message, &keys, NOW).unwrap().expect("it is signed");
    assert_eq!((verified.key().name().to_string().as_str(), verified.message_octets()), ("xfr.example.", axfr().len()));
    assert!(verify_request(&axfr(), &keys, NOW).unwrap().is_none(), "without a signature there is nothing to refuse");
}

#[test]
fn a_key_is_its_name_with_its_algorithm() {
    let message = signed_axfr(Algorithm::HmacSha256);
    assert_eq!(error_of(&message, &Keys::default(), NOW), Rcode::BADKEY);
    assert_eq!(error_of(&message, &keys(Algorithm::HmacSha512), NOW), Rcode::BADKEY);
    let other = Keys::from_iter([key_named("other.example.", Algorithm::HmacSha256)]);
    assert_eq!(error_of(&message, &other, NOW), Rcode::BADKEY);
    let same_name = Key::new("xfr.example.".parse().unwrap(), Algorithm::HmacSha256, b"another secret");
    assert_eq!(error_of(&message, &Keys::from_iter([Arc::new(same_name)]), NOW), Rcode::BADSIG);
    assert_eq!(error_of(&message, &keys(Algorithm::HmacSha256), NOW), Rcode::NOERROR);
}

#[test]
fn a_key_does_not_tell_its_secret() {
    let key = Key::new("xfr.example.".parse().unwrap(), Algorithm::HmacSha256, b"SECRET");
    assert_eq!(format!("{key:?}"), "Key { name: xfr.example., algorithm: HmacSha256, .. }");
    let keys = Keys::from_iter([Arc::new(key)]);
    let mut message = axfr();
    let verifier = sign_request(keys.get(&"xfr.EXAMPLE.".parse().unwrap()).unwrap(), &mut message, NOW);
    let verified = verify_request(&message, &keys, NOW).unwrap().unwrap();
    let shown = format!("{keys:?} {verifier:?} {verified:?} {:?}", verified.signer());
    let octets_of_secret = format!("{:?}", b"SECRET");
    assert!(!shown.contains("SECRET") && !shown.contains(octets_of_secret.trim_matches(['[', ']'])), "{shown}");
}

#[test]
fn algorithms_have_the_names_of_rfc_8945_section_6() {
    for algorithm in Algorithm::ALL {
        assert_eq!(algorithm.to_string().to_uppercase().parse(), Ok(algorithm));
        let wire = zone_segment::Name::from_wire(algorithm.wire()).unwrap().to_string();
        assert!(wire.starts_with(algorithm.as_str()), "{wire}");
    }
    assert_eq!(Algorithm::HmacMd5.octets_min(), 10);
    assert_eq!(Algorithm::HmacSha1.octets_min(), 10);
    assert_eq!(Algorithm::HmacSha512.octets_min(), 32);
    let error = "hmac-sha3".parse::<Algorithm>().unwrap_err().to_string();
    let known = "hmac-sha512, hmac-sha384, hmac-sha256, hmac-sha224, hmac-sha1, hmac-md5";
    assert_eq!(error, format!("expected {known}; found \"hmac-sha3\""));
}

/// The signed message with the MAC in its TSIG record cut to so many octets.
fn truncated(message: &[u8], octets: usize) -> Vec<u8> {
    let tsig = find(message).unwrap().unwrap();
    let mut cut = message[..tsig.start].to_vec();
    cut[11] -= 1;
    record::Written {
        key: tsig.key.as_ref(),
        algorithm: tsig.algorithm.as_wire(),
        timers: tsig.timers(),
        mac: &[tsig.mac, &[0; 8]].concat()[..octets],
        error: tsig.error,
        other: tsig.other,
    }
    .push(&mut cut);
    cut
}

#[test]
fn a_mac_may_be_truncated_to_half_and_to_ten_octets() {
    for algorithm in Algorithm::ALL {
        let message = signed_axfr(algorithm);
        let whole = algorithm.octets();
        for octets in 0..=whole + 8 {
            let expected = match octets {
                _ if octets > whole || octets < algorithm.octets_min() => Rcode::FORMERR,
                _ => Rcode::NOERROR,
            };
            assert_eq!(error_of(&truncated(&message, octets), &keys(algorithm), NOW), expected, "{algorithm} {octets}");
        }
        // What answers it is signed over the MAC as it came.
        let cut = truncated(&message, algorithm.octets_min());
        let verified = verify_request(&cut, &keys(algorithm), NOW).unwrap().unwrap();
        let (mut over_cut, mut over_whole) = (axfr(), axfr());
        verified.signer().sign(&mut over_cut, NOW);
        verify_request(&message, &keys(algorithm), NOW).unwrap().unwrap().signer().sign(&mut over_whole, NOW);
        assert_ne!(over_cut, over_whole);
    }
}

#[test]
fn the_octets_a_signature_takes_are_known_before() {
    for algorithm in Algorithm::ALL {
        let message = signed_axfr(algorithm);
        assert_eq!(message.len() - axfr().len(), key(algorithm).signature_octets());
        let verified = verify_request(&message, &keys(algorithm), NOW).unwrap().unwrap();
        let mut signer = verified.signer();
        for _ in 0..2 {
            let mut answer = axfr();
            signer.sign(&mut answer, NOW);
            assert_eq!(answer.len() - axfr().len(), signer.octets());
        }
        let other = Keys::from_iter([key_named("a.", algorithm)]);
        for (keys, now) in [(&other, NOW), (&keys(algorithm), NOW + 1000)] {
            let refused = verify_request(&message, keys, now).unwrap_err();
            let mut answer = axfr();
            refused.sign(&mut answer);
            assert_eq!(answer.len() - axfr().len(), refused.octets());
        }
    }
}

#[test]
fn what_is_refused_is_answered_as_rfc_8945_section_5_3_2_says() {
    let algorithm = Algorithm::HmacSha256;
    let key = key(algorithm);
    let mut request = axfr();
    let verifier = sign_request(&key, &mut request, NOW);
    let answer_to = |keys: &Keys, now| {
        let refused = verify_request(&request, keys, now).unwrap_err();
        assert_eq!((refused.rcode(), refused.key()), (Rcode::NOTAUTH, Some(key.name())));
        let mut answer = axfr();
        refused.sign(&mut answer);
        answer
    };

    let answer = answer_to(&Keys::default(), NOW);
    let tsig = find(&answer).unwrap().unwrap();
    assert_eq!((tsig.error, tsig.mac, tsig.other, tsig.original_id), (Rcode::BADKEY, &[][..], &[][..], 0x1234));
    let error = verifier.clone().verify(&answer, NOW).unwrap_err();
    assert_eq!(error, VerifyError::Peer { error: Rcode::BADKEY, time: None });

    let same_name = Arc::new(Key::new(key.name().clone(), algorithm, b"another"));
    let answer = answer_to(&Keys::from_iter([same_name]), NOW);
    let error = verifier.clone().verify(&answer, NOW).unwrap_err();
    assert_eq!(error, VerifyError::Peer { error: Rcode::BADSIG, time: None });
    assert!(error.to_string().contains("BADSIG"), "{error}");

    // The answer with BADTIME has the client's time, so that it can trust the server's.
    let answer = answer_to(&keys(algorithm), NOW + 5000);
    let tsig = find(&answer).unwrap().unwrap();
    assert_eq!((tsig.error, tsig.time_signed, tsig.mac.len(), tsig.other.len()), (Rcode::BADTIME, NOW, 32, 6));
    let error = verifier.clone().verify(&answer, NOW).unwrap_err();
    assert_eq!(error, VerifyError::Peer { error: Rcode::BADTIME, time: Some(NOW + 5000) });
    let mut forged = answer;
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(verifier.clone().verify(&forged, NOW), Err(VerifyError::Signature));

    // What can't be understood is FORMERR without a TSIG record.
    let refused = verify_request(&request[..request.len() - 1], &keys(algorithm), NOW).unwrap_err();
    let mut answer = axfr();
    refused.sign(&mut answer);
    assert_eq!((refused.rcode(), refused.octets(), answer), (Rcode::FORMERR, 0, axfr()));
}

#[test]
fn a_request_that_was_passed_on_keeps_its_first_id() {
    let mut message = signed_axfr(Algorithm::HmacSha256);
    crate::message::set_id(&mut message, 0x4321);
    assert_eq!(error_of(&message, &keys(Algorithm::HmacSha256), NOW), Rcode::NOERROR);
    assert_eq!(strip(&mut message), Ok(true));
    assert_eq!(message, axfr());
    assert_eq!(strip(&mut message), Ok(false));
}
