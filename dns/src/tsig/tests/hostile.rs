//! Messages of people who do not mean well: nothing panics, and nothing changed is taken for signed.

use proptest::prelude::*;

use super::*;
use crate::message::{Fault, Malformed};

/// A TSIG record of the key of these tests, with this RDATA.
fn tsig_record(class: u16, ttl: u32, rdata: &[u8]) -> Vec<u8> {
    let (class, ttl, length) = (class.to_be_bytes(), ttl.to_be_bytes(), (rdata.len() as u16).to_be_bytes());
    [&b"\x03xfr\x07example\0\0\xfa"[..], &class, &ttl, &length, rdata].concat()
}

/// The question with records behind it, `counts` of them in each section.
fn with_records(counts: [u8; 3], records: &[u8]) -> Vec<u8> {
    let mut message = [&axfr()[..], records].concat();
    for (place, count) in [7, 9, 11].into_iter().zip(counts) {
        message[place] = count;
    }
    message
}

/// RDATA of a TSIG record.
const RDATA: &[u8] = b"\x0bhmac-sha256\0\0\0\x65\x53\xf1\0\x01\x2c\0\x02MM\x12\x34\0\0\0\x00";

#[test]
fn a_tsig_record_stands_at_the_end_alone() {
    let fault = |message: &[u8]| find(message).map_or_else(|error| Some(error.fault), |_| None);
    let (tsig, other) = (tsig_record(255, 0, RDATA), b"\0\0\x01\0\x01\0\0\0\0\0\0");
    assert_eq!(find(&with_records([0, 0, 1], &tsig)).unwrap().unwrap().mac, b"MM");
    assert_eq!(fault(&with_records([0, 0, 2], &[other, &tsig[..]].concat())), None);
    for (counts, records) in [
        ([1, 0, 0], tsig.clone()),
        ([0, 1, 0], tsig.clone()),
        ([1, 0, 1], [&tsig[..], other].concat()),
        ([0, 0, 2], [&tsig[..], other].concat()),
        ([0, 0, 2], [&tsig[..], &tsig].concat()),
        ([0, 0, 1], tsig_record(1, 0, RDATA)),
        ([0, 0, 1], tsig_record(255, 1, RDATA)),
        ([0, 0, 1], tsig_record(255, 0, &[RDATA, b"x"].concat())),
    ] {
        assert_eq!(fault(&with_records(counts, &records)), Some(Fault::Tsig), "{counts:?} {records:02x?}");
        assert_eq!(error_of(&with_records(counts, &records), &keys(Algorithm::HmacSha256), NOW), Rcode::FORMERR);
    }
    for octets in 0..RDATA.len() {
        let message = with_records([0, 0, 1], &tsig_record(255, 0, &RDATA[..octets]));
        assert_eq!(fault(&message), Some(Fault::Tsig), "{octets}");
    }
    assert_eq!(fault(&with_records([0, 0, 1], &[&tsig[..], b"x"].concat())), Some(Fault::Trailing));
    assert_eq!(find(&[0; 11]), Err(Malformed { offset: 11, fault: Fault::Header }));
    // The name of the algorithm may not be compressed (RFC 8945, section 4.2).
    let compressed = [b"\xc0\x0c", &RDATA[13..]].concat();
    assert_eq!(fault(&with_records([0, 0, 1], &tsig_record(255, 0, &compressed))), Some(Fault::Tsig));
}

proptest! {
    #[test]
    fn any_octets_are_looked_at_without_harm(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = find(&octets);
        prop_assert_ne!(error_of(&octets, &keys(Algorithm::HmacSha256), NOW), Rcode::BADTIME);
        prop_assert!(!verify_request(&octets, &keys(Algorithm::HmacSha256), NOW).is_ok_and(|verified| verified.is_some()));
        let _ = strip(&mut octets.clone());
        let mut request = axfr();
        prop_assert!(sign_request(&key(Algorithm::HmacSha256), &mut request, NOW).verify(&octets, NOW).is_err());
        let _ = crate::message::forwarded(&octets, 1);
    }

    #[test]
    fn any_rdata_is_looked_at_without_harm(rdata in prop::collection::vec(any::<u8>(), 0..100), cut in 0..60usize) {
        let real = &RDATA[..cut.min(RDATA.len())];
        let message = with_records([0, 0, 1], &tsig_record(255, 0, &[real, &rdata].concat()));
        prop_assert!(!verify_request(&message, &keys(Algorithm::HmacSha256), NOW).is_ok_and(|verified| verified.is_some()));
        let mut request = axfr();
        prop_assert!(sign_request(&key(Algorithm::HmacSha256), &mut request, NOW).verify(&message, NOW).is_err());
    }

    #[test]
    fn a_changed_request_is_refused(
        octet in any::<prop::sample::Index>(),
        with in 1..=255u8,
        algorithm in prop::sample::select(&Algorithm::ALL[..]),
    ) {
        let mut message = signed_axfr(algorithm);
        let octet = octet.index(message.len());
        // Two octets are the id, in whose place the original one counts, and letters of the TSIG record's names have no case.
        let is_free = octet < 2 || with == 0x20 && octet > axfr().len() && message[octet].is_ascii_alphabetic();
        message[octet] ^= with;
        let is_taken = verify_request(&message, &keys(algorithm), NOW).is_ok_and(|verified| verified.is_some());
        prop_assert!(!is_taken || is_free, "octet {octet} with {with:02x}");
    }

    #[test]
    fn a_request_cut_or_longer_is_refused(octet in any::<prop::sample::Index>(), more in prop::collection::vec(any::<u8>(), 1..20)) {
        let message = signed_axfr(Algorithm::HmacSha256);
        let keys = keys(Algorithm::HmacSha256);
        prop_assert_eq!(error_of(&message[..octet.index(message.len())], &keys, NOW), Rcode::FORMERR);
        prop_assert_eq!(error_of(&[&message[..], &more].concat(), &keys, NOW), Rcode::FORMERR);
    }

    #[test]
    fn a_signed_message_is_good_whatever_is_in_it(
        rdata in prop::collection::vec(any::<u8>(), 0..2000),
        secret in prop::collection::vec(any::<u8>(), 0..200),
        algorithm in prop::sample::select(&Algorithm::ALL[..]),
        now in 0..1u64 << 48,
        apart in -300..=300i64,
    ) {
        let key = Arc::new(Key::new("k.".parse().unwrap(), algorithm, &secret));
        let length = (rdata.len() as u16).to_be_bytes();
        let unsigned = with_records([1, 0, 0], &[b"\xc0\x0c\xff\0\0\x01\0\0\0\0", &length[..], &rdata].concat());
        let mut message = unsigned.clone();
        let mut verifier = sign_request(&key, &mut message, now);
        let keys = Keys::from_iter([key]);
        let there = now.saturating_add_signed(apart);
        let verified = verify_request(&message, &keys, there).unwrap().unwrap();
        prop_assert_eq!(&message[..verified.message_octets()][12..], &unsigned[12..]);
        let mut answer = unsigned.clone();
        verified.signer().sign(&mut answer, now);
        prop_assert_eq!(verifier.verify(&answer, there), Ok(Checked::Signed { message_octets: unsigned.len() }));
        strip(&mut answer).unwrap();
        prop_assert_eq!(answer, unsigned);
    }
}
