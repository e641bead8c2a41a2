//! The signed root zone: its answers as BIND gives them from the same file.

use std::io::Read as _;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use zone_segment::ZoneSet;

use crate::ask::{ask, check};
use crate::zones::{TestZone, generation, zone};

/// The root zone of 29 January 2018, second of that day.
pub(crate) fn root_zone() -> TestZone {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/root-zone/2018012901.zone.zst");
    let compressed = std::fs::read(path).unwrap();
    let mut text = String::new();
    ruzstd::decoding::StreamingDecoder::new(&compressed[..]).unwrap().read_to_string(&mut text).unwrap();
    zone(".", &text)
}

/// A generation that serves it.
static ROOT: LazyLock<Arc<ZoneSet>> = LazyLock::new(|| generation(1, vec![root_zone()]));

#[test]
fn the_apex_is_found() {
    check(
        &ROOT,
        ". SOA +do",
        "
        NOERROR aa
        answer . 86400 SOA a.root-servers.net. nstld.verisign-grs.com. 2018012901 1800 900 604800 86400
        answer . 86400 RRSIG SOA
    ",
    );
}

#[test]
fn priming_brings_the_addresses_of_all_servers() {
    let answer = ask(&ROOT, ". NS +edns=1232");
    assert!(answer.starts_with("NOERROR aa\n"), "{answer}");
    assert_eq!(answer.matches("answer . 518400 NS ").count(), 13, "{answer}");
    assert_eq!(answer.matches("additional ").count(), 26, "{answer}");
}

#[test]
fn a_name_below_a_delegation_is_referred_with_ds_and_glue() {
    let answer = ask(&ROOT, "www.example.com. A +do");
    assert!(answer.starts_with("NOERROR\n"), "{answer}");
    assert_eq!(answer.matches("authority com. 172800 NS ").count(), 13, "{answer}");
    assert_eq!(answer.matches("authority com. 86400 DS ").count(), 1, "{answer}");
    assert_eq!(answer.matches("authority com. 86400 RRSIG DS").count(), 1, "{answer}");
    assert_eq!(answer.matches("additional ").count(), 26, "{answer}");
}

#[test]
fn a_missing_top_level_domain_is_nxdomain_with_proof() {
    check(
        &ROOT,
        "nosuchtld. A +do",
        "
        NXDOMAIN aa
        authority . 86400 SOA a.root-servers.net. nstld.verisign-grs.com. 2018012901 1800 900 604800 86400
        authority . 86400 RRSIG SOA
        authority norton. 86400 NSEC now. NS DS RRSIG NSEC
        authority norton. 86400 RRSIG NSEC
        authority . 86400 NSEC aaa. NS SOA RRSIG NSEC DNSKEY
        authority . 86400 RRSIG NSEC
    ",
    );
}
