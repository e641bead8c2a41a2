//! Signed transfers: each algorithm, each message (B73), and what other programs make of them.

use dns::tsig::Algorithm;

use super::client::{Client, axfr, ixfr, key, sign};
use super::configured::{Configured, SECRET, keys, secret};
use super::{ZONE, install, lines, set, until_linked};
use crate::harness::zones;

/// Hosts of the zone: a transfer has many messages.
const HOSTS: usize = 10_000;

/// A server on which nothing is given away without a signature, whichever.
fn start() -> Configured {
    let names: String = Algorithm::ALL.iter().map(|algorithm| format!("\"key:{algorithm}.\", ")).collect();
    let tables = format!("{}[transfers]\nallow = [{names}]\n", keys());
    let server = Configured::start("127.0.0.1:0", &tables, |directory| install(directory, 1, HOSTS));
    until_linked(&server);
    server
}

#[test]
fn b73_every_message_of_a_transfer_is_signed_with_each_algorithm() {
    let server = start();
    install(&server.zones, 2, 10);
    let zone = set(&zones::small(ZONE, 1, HOSTS));
    for algorithm in Algorithm::ALL {
        let key = key(&format!("{algorithm}."), algorithm, &secret());
        let mut query = axfr(ZONE);
        let verifier = sign(&mut query, &key);
        let transfer = Client::to(&server).transfer(&query, Some(verifier), |_| ());
        assert_eq!(transfer.zone(), zone, "{algorithm}");
        let (_, filled) = transfer.lengths.split_last().unwrap();
        assert!(filled.len() > 3 && filled.iter().all(|length| (65_000..=65_535).contains(length)), "{algorithm}");
        let mut query = ixfr(ZONE, 1);
        let verifier = sign(&mut query, &key);
        assert_eq!(Client::to(&server).transfer(&query, Some(verifier), |_| ()).serials(), [1], "{algorithm}");
    }
}

#[test]
fn b73_dig_and_kdig_verify_each_algorithm() {
    let server = start();
    let expected = set(&zones::small(ZONE, 1, HOSTS));
    for algorithm in Algorithm::ALL {
        for program in ["dig", "kdig"] {
            let with = format!("{algorithm}:{algorithm}.:{SECRET}");
            let printed = super::ask(program, &server, &[ZONE, "AXFR", "-y", &with, "+noall", "+answer"]);
            let records: String = printed
                .lines()
                .filter(|line| !line.contains("TSIG") && !line.starts_with(';'))
                .map(|line| format!("{line}\n"))
                .collect();
            assert!(!printed.contains("ailed") && !printed.contains("ouldn't"), "{program} {algorithm}: {printed}");
            let records = lines(&records);
            assert_eq!(records.len(), expected.len() + 1, "{program} {algorithm}");
            assert_eq!(
                records.into_iter().collect::<std::collections::BTreeSet<_>>(),
                expected,
                "{program} {algorithm}"
            );
        }
        let wrong = format!("{algorithm}:{algorithm}.:{}", SECRET.replace('b', "c"));
        let printed = super::dig(&server, &[ZONE, "AXFR", "-y", &wrong]);
        assert!(printed.contains("BADSIG") || printed.contains("Transfer failed"), "{printed}");
    }
}

#[test]
fn signed_queries_are_answered_signed_over_udp_and_tcp() {
    let server = start();
    for algorithm in Algorithm::ALL {
        let with = format!("{algorithm}:{algorithm}.:{SECRET}");
        for arguments in [&["SOA", "+notcp"], &["SOA", "+tcp"], &["IXFR=7", "+notcp"]] {
            let printed = super::dig(&server, &[&[ZONE, "-y", &with], &arguments[..]].concat());
            let is_good = printed.contains("SOA") && printed.contains("NOERROR 0");
            assert!(is_good && !printed.contains("ouldn't verify"), "{printed}");
        }
    }
}

#[test]
fn b73_truncated_signatures_are_taken_down_to_half() {
    let server = start();
    let key = key("hmac-sha512.", Algorithm::HmacSha512, &secret());
    for (octets, rcode) in [(64, 0), (48, 0), (32, 0), (31, 1), (10, 1), (0, 1)] {
        let mut query = axfr(ZONE);
        let bare = query.len();
        sign(&mut query, &key);
        // Owner, fixed part, algorithm, time, fudge; then the length of the MAC.
        let rdata = bare + b"\x0bhmac-sha512\0".len() + 10;
        let mac = rdata + b"\x0bhmac-sha512\0".len() + 8;
        let cut = 64 - octets;
        let length = u16::from_be_bytes([query[rdata - 2], query[rdata - 1]]) - cut as u16;
        query[rdata - 2..rdata].copy_from_slice(&length.to_be_bytes());
        query[mac..mac + 2].copy_from_slice(&(octets as u16).to_be_bytes());
        query.drain(mac + 2 + octets..mac + 2 + 64);
        let mut client = Client::to(&server);
        client.send(&[query]);
        let answer = client.read_octets().unwrap();
        assert_eq!(answer[3] & 0xf, rcode, "{octets}");
    }
}
