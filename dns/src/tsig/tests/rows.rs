//! Answers of many messages: signed one by one, checked with and without signatures in between.

use proptest::prelude::*;

use super::*;

/// A signer and a verifier of one answer.
fn ends(algorithm: Algorithm) -> (Signer, Verifier) {
    let mut request = axfr();
    let verifier = sign_request(&key(algorithm), &mut request, NOW);
    (verify_request(&request, &keys(algorithm), NOW).unwrap().unwrap().signer(), verifier)
}

/// A message of an answer, told apart by a number.
fn message(number: u32) -> Vec<u8> {
    let mut message = b"\x12\x34\x84\0\0\0\0\x01\0\0\0\0\x01a\0\0\x01\0\x01\0\0\0\0\0\x04".to_vec();
    message.extend_from_slice(&number.to_be_bytes());
    message
}

/// An answer as a server sends it that signs the messages told; the hash goes on over those it does not sign (RFC 8945, section 5.3.1).
fn answer_signed_at(algorithm: Algorithm, is_signed: &[bool]) -> (Vec<Vec<u8>>, Verifier) {
    let (_, verifier) = ends(algorithm);
    let key = key(algorithm);
    let mut request = axfr();
    sign_request(&key, &mut request, NOW);
    let mut prior = find(&request).unwrap().unwrap().mac.to_vec();
    let mut between = Vec::new();
    let mut messages = Vec::new();
    for (number, is_signed) in is_signed.iter().enumerate() {
        let mut message = message(number as u32);
        between.extend_from_slice(&message);
        if *is_signed {
            let timers = digest::Timers { time: NOW, fudge: FUDGE };
            let mut hasher = key.hasher();
            hasher.prior(&digest::MacOctets::of(&prior));
            hasher.update(&between);
            match number {
                0 => hasher.variables(&key, timers, 0, &[]),
                _ => hasher.timers(timers),
            }
            let mac = hasher.finish();
            let (name, algorithm) = (key.name().as_ref(), algorithm.wire());
            let error = Rcode::NOERROR;
            record::Written { key: name, algorithm, timers, mac: mac.as_slice(), error, other: &[] }.push(&mut message);
            prior = mac.as_slice().to_vec();
            between.clear();
        }
        messages.push(message);
    }
    (messages, verifier)
}

#[test]
fn up_to_99_messages_in_between_need_no_signature() {
    let mut is_signed = vec![true];
    is_signed.extend([false; UNSIGNED_MAX]);
    is_signed.push(true);
    let (messages, mut verifier) = answer_signed_at(Algorithm::HmacSha256, &is_signed);
    assert!(!verifier.is_settled(), "nothing came");
    for (message, is_signed) in messages.iter().zip(&is_signed) {
        let checked = verifier.verify(message, NOW).unwrap();
        assert_eq!(checked != Checked::Unsigned, *is_signed);
        assert_eq!(verifier.is_settled(), *is_signed);
    }
    is_signed.insert(1, false);
    let (messages, mut verifier) = answer_signed_at(Algorithm::HmacSha256, &is_signed);
    let (fine, beyond) = messages.split_at(UNSIGNED_MAX + 1);
    for message in fine {
        verifier.verify(message, NOW).unwrap();
    }
    assert_eq!(verifier.verify(&beyond[0], NOW), Err(VerifyError::TooManyUnsigned));
}

#[test]
fn the_first_message_is_signed_and_each_has_its_own_time() {
    let (mut signer, mut verifier) = ends(Algorithm::HmacSha256);
    assert_eq!(verifier.verify(&message(0), NOW), Err(VerifyError::NotSigned));
    for (number, later) in [0, 200, 400, 10_000].into_iter().enumerate() {
        let mut message = message(number as u32);
        let message_octets = message.len();
        signer.sign(&mut message, NOW + later);
        let error = verifier.verify(&message, NOW + later + 301).unwrap_err();
        assert!(matches!(error, VerifyError::Time { .. }), "{error}");
        // A message that is not taken changes nothing.
        assert_eq!(verifier.verify(&message, NOW + later), Ok(Checked::Signed { message_octets }));
    }
}

#[test]
fn messages_are_signed_in_their_order() {
    let (mut signer, verifier) = ends(Algorithm::HmacSha256);
    let mut messages: Vec<_> = (0..4).map(message).collect();
    messages.iter_mut().for_each(|message| signer.sign(message, NOW));
    let accepts = |order: &[usize]| {
        let mut verifier = verifier.clone();
        order.iter().all(|index| verifier.verify(&messages[*index], NOW).is_ok())
    };
    assert!(accepts(&[0, 1, 2, 3]));
    for order in [&[1][..], &[0, 2], &[0, 1, 1], &[0, 1, 3], &[0, 1, 2, 0], &[0, 0]] {
        assert!(!accepts(order), "{order:?}");
    }
    // Of another answer.
    let mut request = axfr();
    let mut other = sign_request(&key(Algorithm::HmacSha256), &mut request, NOW + 1);
    assert_eq!(other.verify(&messages[0], NOW), Err(VerifyError::Signature));
}

proptest! {
    #[test]
    fn any_row_is_taken_and_no_changed_one(
        later in prop::collection::vec(any::<bool>(), 1..20),
        which in any::<prop::sample::Index>(),
        octet in any::<prop::sample::Index>(),
        bit in 0..8u32,
        algorithm in prop::sample::select(&Algorithm::ALL[..]),
    ) {
        let is_signed: Vec<_> = [&[true][..], &later, &[true]].concat();
        let (mut messages, verifier) = answer_signed_at(algorithm, &is_signed);
        let mut whole = verifier.clone();
        prop_assert!(messages.iter().all(|message| whole.verify(message, NOW).is_ok()) && whole.is_settled());

        let changed = which.get_mut(&mut messages[..]);
        // The message's own id does not count where there is an original one, and the case of names does not.
        let octet = octet.index(changed.len());
        let is_free = find(changed).unwrap().is_some_and(|tsig| octet < 2 || octet >= tsig.start && 1 << bit == 0x20);
        changed[octet] ^= 1 << bit;
        let mut verifier = verifier;
        let is_taken = messages.iter().all(|message| verifier.verify(message, NOW).is_ok()) && verifier.is_settled();
        prop_assert!(!is_taken || is_free);
    }

    #[test]
    fn messages_between_are_not_to_be_left_out(missing in 1..9usize) {
        let (mut messages, mut verifier) = answer_signed_at(Algorithm::HmacSha384, &[true, false, false, true, false, true, false, false, false, true]);
        messages.remove(missing);
        prop_assert!(messages.iter().any(|message| verifier.verify(message, NOW).is_err()));
    }
}
