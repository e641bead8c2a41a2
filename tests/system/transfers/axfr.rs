//! Whole zones.

use std::time::{Duration, Instant};

use dns::types::Rcode;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use super::client::{Client, axfr};
use super::{ZONE, dig, folded, install, lines, set, start, until_linked};
use crate::harness::processes::own_octets;
use crate::harness::{Server, ServerOptions, zones};

/// Checks that what a program prints is a zone with the SOA record once more at the end.
fn assert_prints(printed: &str, zone: &str) {
    let found = lines(printed);
    assert!(found.len() > 1 && found.first() == found.last() && found[0].contains("SOA"), "{printed}");
    let expected = set(zone);
    assert_eq!(found.len(), expected.len() + 1);
    super::assert_same(&folded(&found.into_iter().collect()), &folded(&expected));
}

#[test]
fn b70_zones_go_out_as_their_files_have_them() {
    for hosts in [0, 1, 50, 5000] {
        let server = start(hosts, &[]);
        let zone = zones::small(ZONE, 1, hosts);
        assert_eq!(Client::to(&server).axfr(ZONE).zone(), set(&zone));
        for program in ["dig", "kdig"] {
            let printed = super::ask(program, &server, &[ZONE, "AXFR", "+noall", "+answer"]);
            assert_prints(&printed, &zone);
        }
        let drilled = std::process::Command::new("drill")
            .args(["-p", &server.address.port().to_string(), &format!("@{}", server.address.ip()), ZONE, "AXFR"])
            .output()
            .unwrap();
        assert_prints(&String::from_utf8(drilled.stdout).unwrap(), &zone);
    }
}

#[test]
fn b70_the_root_zone_goes_out_as_it_came_in() {
    let root = zones::root(zones::ROOT_SERIALS[0]);
    let server = Server::start(&ServerOptions::default(), |directory| zones::install(directory, "root.zone", &root));
    until_linked(&server);
    let transfer = Client::to(&server).axfr(".");
    super::assert_same(&folded(&transfer.zone()), &folded(&set(&root)));
    assert_prints(&dig(&server, &[".", "AXFR", "+noall", "+answer"]), &root);
}

#[test]
fn b70_auth_goes_on_with_other_clients_while_one_has_a_transfer() {
    let server = start(100_000, &[]);
    let mut client = Client::narrow(&server);
    client.send(&[axfr(ZONE)]);
    assert!(client.read_octets().is_some());
    let (mut other, began) = (Client::to(&server), Instant::now());
    for _ in 0..100 {
        other.ask(&[("host1.one.test.", RecordType::A)]);
        assert_eq!(other.read().answers.len(), 1);
        assert_eq!(server.wire().serial(ZONE), Some(1));
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn b70_over_udp_axfr_is_formerr_and_ixfr_the_soa_record() {
    let server = start(1, &[]);
    assert_eq!(server.wire().udp(ZONE, RecordType::AXFR).metadata.response_code, ResponseCode::FormErr);
    let answer = dig(&server, &[ZONE, "IXFR=0", "+notcp", "+noall", "+answer"]);
    assert_eq!(lines(&answer).len(), 1, "{answer}");
    let printed = super::ask("kdig", &server, &[ZONE, "IXFR=0", "+notcp"]);
    assert!(printed.contains("SOA"), "{printed}");
}

#[test]
fn b71_a_client_that_pauses_gets_every_record_once() {
    let server = start(100_000, &[]);
    let began = Instant::now();
    let transfer = Client::narrow(&server).transfer(&axfr(ZONE), None, |number| {
        if number == 10 {
            std::thread::sleep(Duration::from_secs(5));
        }
    });
    assert!(began.elapsed() >= Duration::from_secs(5));
    assert_eq!(transfer.zone().len(), 1 + 2 + 200_000);
}

#[test]
fn b71_a_million_records_arrive_once_each() {
    let _alone = crate::harness::heavy();
    let server = start(500_000, &[]);
    let began = Instant::now();
    let transfer = Client::to(&server).axfr(ZONE);
    println!("a million records in {} ms", began.elapsed().as_millis());
    assert_eq!(transfer.zone().len(), 1 + 2 + 1_000_000);
}

#[test]
fn b73_messages_are_filled_and_none_is_too_long() {
    let server = start(20_000, &[]);
    let transfer = Client::to(&server).axfr(ZONE);
    let (last, filled) = transfer.lengths.split_last().unwrap();
    assert!(filled.len() > 3 && filled.iter().all(|length| *length > 65_000), "{:?}", transfer.lengths);
    assert!(*last <= 65_535);
}

#[test]
fn b30_a_slow_transfer_is_one_version_through_many_generations() {
    let server = start(50_000, &["--release-timeout", "1s"]);
    let mut serial = 1;
    let transfer = Client::narrow(&server).transfer(&axfr(ZONE), None, |number| {
        if number % 8 == 0 {
            serial += 1;
            install(&server.zones, serial, 50_000);
            server.reload();
            std::thread::sleep(Duration::from_millis(500));
        }
    });
    assert!(serial > 4, "{serial}");
    assert_eq!(transfer.zone(), set(&zones::small(ZONE, 1, 50_000)));
    assert_eq!(server.status()["kills"].as_array().map(Vec::len), Some(0), "{}", server.log());
    assert_eq!(Client::to(&server).axfr(ZONE).zone(), set(&zones::small(ZONE, serial, 50_000)));
}

#[test]
fn b57_a_zone_that_has_expired_is_given_to_nobody() {
    let server = start(10, &[]);
    assert!(server.trine(&["zone", "expire", ZONE]).status.success());
    for query in [axfr(ZONE), super::client::ixfr(ZONE, 0)] {
        assert_eq!(Client::to(&server).transfer(&query, None, |_| ()).rcode, Rcode::SERVFAIL);
    }
    assert!(server.trine(&["reload", ZONE]).status.success());
    assert_eq!(Client::to(&server).axfr(ZONE).zone(), set(&zones::small(ZONE, 1, 10)));
}

#[test]
fn transfers_take_little_memory_and_do_not_wait_for_each_other() {
    let server = start(100_000, &[]);
    let xfrout = server.until_xfrout();
    // Clients that take next to nothing.
    let mut slow: Vec<Client> = (0..9).map(|_| Client::narrow(&server)).collect();
    slow.iter_mut().for_each(|client| client.send(&[axfr(ZONE)]));
    slow.iter_mut().for_each(|client| assert!(client.read_octets().is_some()));
    let began = Instant::now();
    assert_eq!(Client::to(&server).axfr(ZONE).records.len(), 2 + 2 + 200_000);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let private = own_octets(xfrout);
    assert!(private < 16 << 20, "{private}");
}
