//! Signatures made elsewhere: by another HMAC over the octets that RFC 8945, section 4.3, names, by `dig`, and by BIND.

use data_encoding::HEXLOWER;

use super::*;

/// Octets from base 16.
fn octets(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

/// The MAC of a message in base 16.
fn mac(message: &[u8]) -> String {
    HEXLOWER.encode(find(message).unwrap().unwrap().mac)
}

#[test]
fn requests_have_the_macs_of_another_hmac() {
    let expected = [
        (Algorithm::HmacMd5, "aff8fd517635e8afd99183bd26e3e328"),
        (Algorithm::HmacSha1, "8d227c112fa83485d35fcdd713e0a87db844944d"),
        (Algorithm::HmacSha224, "319a3899d81c0677903fb520f00324baa1f9c15c4ae8ec275bfbd416"),
        (Algorithm::HmacSha256, "22628719d285938981858482110bcfa4c6fe41526fac8a3c648904d9e98f817c"),
        (
            Algorithm::HmacSha384,
            "666059e75dccac389afb4983a3fffcee89fad89fd4c96a1ad0064cc98e9615cd22adb174f934cdc8f0b07efef67a78d6",
        ),
        (
            Algorithm::HmacSha512,
            "b4d3f7503c35bae25b02f4c53b14649afad24d1675f7cb880a0c4028e9f1d4fe6aa14d4ec480dc5968b20a6f3b41eaa998a0202c1800\
          ee7e238ebf6646ac355c",
        ),
    ];
    for (algorithm, expected) in expected {
        assert_eq!(mac(&signed_axfr(algorithm)), expected, "{algorithm}");
    }
}

#[test]
fn rows_have_the_macs_of_another_hmac() {
    let request = signed_axfr(Algorithm::HmacSha256);
    let mut signer = verify_request(&request, &keys(Algorithm::HmacSha256), NOW).unwrap().unwrap().signer();
    let mut first = axfr();
    first[2] = 0x84;
    signer.sign(&mut first, NOW);
    assert_eq!(mac(&first), "0a8fec305ec387dd79929b10663565ecc4378224076cb4bc958dd240177e354c");
    let mut second = b"\x12\x34\x84\0\0\0\0\0\0\0\0\0".to_vec();
    let unsigned = second.clone();
    signer.sign(&mut second, NOW + 1);
    assert_eq!(mac(&second), "5fee6f8180a5a4e1d1a1b6b913f4313c1d738531bbfc38cbc8580605df8bf159");
    // The third is not signed, the fourth speaks for both.
    let mut fourth = unsigned.clone();
    let timers = digest::Timers { time: NOW + 2, fudge: FUDGE };
    let (key, mac) =
        (key(Algorithm::HmacSha256), octets("5263d345dc56ce3b4fba220d85847f4852f67a68ea3a0d9c14586a71eb9f26d3"));
    let (name, algorithm) = (key.name().as_ref(), key.algorithm().wire());
    record::Written { key: name, algorithm, timers, mac: &mac, error: Rcode::NOERROR, other: &[] }.push(&mut fourth);
    let mut request = axfr();
    let mut verifier = sign_request(&key, &mut request, NOW);
    for message in [first, second, unsigned, fourth] {
        verifier.verify(&message, NOW).unwrap();
    }
    assert!(verifier.is_settled());
}

#[test]
fn an_answer_with_badtime_has_the_mac_of_another_hmac() {
    let request = signed_axfr(Algorithm::HmacSha256);
    let refused = verify_request(&request, &keys(Algorithm::HmacSha256), NOW + 1000).unwrap_err();
    let mut answer = axfr();
    answer[2..4].copy_from_slice(&[0x80, 9]);
    refused.sign(&mut answer);
    assert_eq!(mac(&answer), "c7d0fffdc4f06baac449565da8c2ffb55b9661c5e90bf74076a480e9c0e395cc");
}

#[test]
fn requests_of_dig_are_good() {
    let requests = [
        (
            Algorithm::HmacSha256,
            "f12a01200001000000000001076578616d706c65000006000103786672076578616d706c650000fa00ff00000000003d0b686d61632d\
          7368613235360000006b032129012c0020f81640b355323854a1ca24c4f1a49dd81a777cc9df6b633ce9a8cb8953a06973f12a000000\
          00",
        ),
        // As hmac-sha256-128: truncated.
        (
            Algorithm::HmacSha256,
            "fc2201200001000000000001076578616d706c65000006000103786672076578616d706c650000fa00ff00000000002d0b686d61632d\
          7368613235360000006b03212f012c0010b25e366dc5b9bf9273d31ed9ccd02961fc2200000000",
        ),
        (
            Algorithm::HmacMd5,
            "217c01200001000000000001076578616d706c65000006000103786672076578616d706c650000fa00ff00000000003a08686d61632d\
          6d6435077369672d616c670372656703696e740000006b032130012c001031f532780536bf70f7f335a2e2f33452217c00000000",
        ),
    ];
    for (algorithm, request) in requests {
        let request = octets(request);
        let tsig = find(&request).unwrap().unwrap();
        let verified = verify_request(&request, &keys(algorithm), tsig.time_signed).unwrap().unwrap();
        assert_eq!(verified.message_octets(), tsig.start);
    }
}

#[test]
fn answers_of_bind_are_good() {
    // An SOA record with NS and A records beside it, and a transfer.
    let answers = [
        (
            "123400000001000000000001076578616d706c65000006000103786672076578616d706c650000fa00ff00000000003d0b686d61632d\
              7368613235360000006b03213a012c0020c24b430d5a5cc3c69eb4241a0723fdf71d1318a37a830bd6f54b88496b99d8451234000000\
              00",
            "123484000001000100010002076578616d706c650000060001c00c000600010000003c001d026e73c00c0168c00c0000000700000002\
              000000030000000400000005c00c000200010000003c0002c025c025000100010000003c0004c000020103786672076578616d706c65\
              0000fa00ff00000000003d0b686d61632d7368613235360000006b03213a012c0020f507ecdf96f4e86258e68224c09fea13252fdcb0\
              247c27c16dc0729a34a3ccad123400000000",
        ),
        (
            "123400000001000000000001076578616d706c650000fc000103786672076578616d706c650000fa00ff00000000003d0b686d61632d\
              7368613235360000006b03213a012c0020c1ba491d275422b45f38adde2cd6bb2ced65c9695e2a7e785071f41c2bc430fc1234000000\
              00",
            "123484000001000400000001076578616d706c650000fc0001c00c000600010000003c001d026e73c00c0168c00c0000000700000002\
              000000030000000400000005c00c000200010000003c0002c025c025000100010000003c0004c0000201c00c000600010000003c0018\
              c025c02a000000070000000200000003000000040000000503786672076578616d706c650000fa00ff00000000003d0b686d61632d73\
              68613235360000006b03213a012c0020cecd0ef4b1926d24759e3d32982709153822525c871ebc16566c3881d11ac2c5123400000000",
        ),
    ];
    for (request, answer) in answers {
        let (request, answer) = (octets(request), octets(answer));
        let now = find(&request).unwrap().unwrap().time_signed;
        let mut unsigned = request.clone();
        strip(&mut unsigned).unwrap();
        let mut again = unsigned.clone();
        let mut verifier = sign_request(&key(Algorithm::HmacSha256), &mut again, now);
        assert_eq!(again, request);
        verifier.verify(&answer, now).unwrap();
        assert!(verifier.is_settled());
        // And it is the one that is given here to the same request.
        let mut same = answer.clone();
        strip(&mut same).unwrap();
        verify_request(&request, &keys(Algorithm::HmacSha256), now).unwrap().unwrap().signer().sign(&mut same, now);
        assert_eq!(same, answer);
    }
}

#[test]
fn badtime_of_bind_is_understood_and_said_in_the_same_octets() {
    let request = octets(
        "123400000001000000000001076578616d706c65000006000103786672076578616d706c650000fa00ff00000000003d0b686d61632d\
          7368613235360000006b030db2012c0020b1178cdcee88d4467e9f9768a1e86c99c4189d5e063420bc2c204f46ac982dc71234000000\
          00",
    );
    let answer = octets(
        "123480090001000000000001076578616d706c65000006000103786672076578616d706c650000fa00ff0000000000430b686d61632d\
          7368613235360000006b030db2012c00200111fada5680c16afc6309ee3dbaf9153033920a88ee4736d2fd9f3b3eca60d11234001200\
          0600006b03213b",
    );
    let signed_at = find(&request).unwrap().unwrap().time_signed;
    let mut again = request.clone();
    strip(&mut again).unwrap();
    let mut verifier = sign_request(&key(Algorithm::HmacSha256), &mut again, signed_at);
    let error = verifier.verify(&answer, signed_at).unwrap_err();
    assert_eq!(error, VerifyError::Peer { error: Rcode::BADTIME, time: Some(signed_at + 5001) });
    let mut same = answer.clone();
    strip(&mut same).unwrap();
    verify_request(&request, &keys(Algorithm::HmacSha256), signed_at + 5001).unwrap_err().sign(&mut same);
    assert_eq!(same, answer);
}
