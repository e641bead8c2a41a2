//! Clients that are slow, deaf or gone in the middle of a transfer (B31, B74).

use std::time::{Duration, Instant};

use hickory_proto::rr::RecordType;

use super::client::{Client, axfr};
use super::configured::Configured;
use super::{ZONE, install, set, start, until_linked};
use crate::harness::processes::own_octets;
use crate::harness::{until, within, zones};

/// Hosts of the zone: more than all buffers between a server and a client hold.
const HOSTS: usize = 100_000;

/// A server with these lines in `[transfers]` that lets this machine in.
fn configured(transfers: &str) -> Configured {
    let tables = format!("[transfers]\nallow = [\"127.0.0.0/8\"]\n{transfers}\n");
    let server = Configured::start("127.0.0.1:0", &tables, |directory| install(directory, 1, HOSTS));
    until_linked(&server);
    server
}

#[test]
fn b74_a_client_that_takes_nothing_loses_its_place_after_the_send_timeout() {
    let server = configured("connections-max = 1\nsend-timeout = \"2s\"");
    let mut deaf = Client::narrow(&server);
    deaf.send(&[axfr(ZONE)]);
    assert!(deaf.read_octets().is_some());
    let began = Instant::now();
    let mut other = Client::narrow_from(&server, "127.0.0.2");
    other.ask(&[(ZONE, RecordType::AXFR)]);
    assert!(other.read_octets().unwrap().len() < 1000, "the place is taken");
    until("the place is free", || {
        let mut other = Client::narrow_from(&server, "127.0.0.2");
        other.ask(&[(ZONE, RecordType::AXFR)]);
        (other.read_octets()?.len() > 60_000).then_some(())
    });
    let waited = began.elapsed();
    assert!(waited > Duration::from_millis(1500) && waited < Duration::from_secs(10), "{waited:?}");
    assert!(deaf.has_ended());
}

#[test]
fn b74_fifty_clients_of_an_octet_a_second_do_not_hold_up_a_healthy_one() {
    let server = configured("send-timeout = \"1m\"");
    let xfrout = server.until_xfrout();
    let alone = Instant::now();
    let expected = Client::to(&server).axfr(ZONE).records.len();
    let alone = alone.elapsed();
    let mut slow: Vec<Client> =
        (0..50).map(|number| Client::narrow_from(&server, &format!("127.0.1.{}", 1 + number / 10))).collect();
    slow.iter_mut().for_each(|client| client.send(&[axfr(ZONE)]));
    for _ in 0..5 {
        slow.iter_mut().for_each(|client| assert!(client.read_one().is_some()));
        let began = Instant::now();
        assert_eq!(Client::to(&server).axfr(ZONE).records.len(), expected);
        let took = began.elapsed();
        println!("{} ms beside fifty slow ones, {} ms alone", took.as_millis(), alone.as_millis());
        assert!(took < alone * 5 + Duration::from_secs(2), "{took:?} beside them, {alone:?} alone");
        assert_eq!(server.wire().serial(ZONE), Some(1));
        std::thread::sleep(Duration::from_secs(1).saturating_sub(took));
    }
    let private = own_octets(xfrout);
    assert!(private < 64 << 20, "{private}");
    drop(slow);
    until("every place is given back", || (leases(&server) == 0).then_some(()));
}

/// How many leases xfrout has.
fn leases(server: &Configured) -> u64 {
    let status = server.status();
    let consumers = status["consumers"].as_array().unwrap();
    consumers.iter().filter_map(|consumer| consumer["leases"].as_u64()).sum()
}

#[test]
fn b31_a_transfer_without_progress_is_ended_and_the_others_go_on() {
    let server = start(HOSTS, &["--lease-timeout", "3s"]);
    let mut deaf = Client::narrow(&server);
    deaf.send(&[axfr(ZONE)]);
    assert!(deaf.read_octets().is_some());
    let mut slow = Client::narrow(&server);
    let began = Instant::now();
    // Its whole transfer takes longer than a lease without progress has.
    let transfer = slow.transfer(&axfr(ZONE), None, |_| {
        if began.elapsed() < Duration::from_secs(8) {
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    assert!(began.elapsed() > Duration::from_secs(6));
    assert_eq!(transfer.zone(), set(&zones::small(ZONE, 1, HOSTS)));
    assert!(deaf.has_ended());
    let log = server.log();
    assert!(log.contains("lease-ended"), "{log}");
    assert_eq!(server.status()["kills"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_client_that_is_killed_leaves_nothing_behind() {
    let server = start(HOSTS, &[]);
    let pid = server.until_xfrout();
    let descriptors = || std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    let before = descriptors();
    for _ in 0..5 {
        let mut clients: Vec<Client> = (0..8).map(|_| Client::narrow(&server)).collect();
        clients.iter_mut().for_each(|client| client.send(&[axfr(ZONE)]));
        clients.iter_mut().for_each(|client| assert!(client.read_octets().is_some()));
        drop(clients);
        within(Duration::from_secs(5), "their descriptors are closed", || (descriptors() <= before).then_some(()));
    }
    assert_eq!(Client::to(&server).axfr(ZONE).records.len(), 2 + 2 + 2 * HOSTS);
}

#[test]
fn a_client_that_asks_and_says_it_is_done_gets_its_zone() {
    let server = start(1000, &[]);
    let mut client = Client::to(&server);
    let query = axfr(ZONE);
    client.send(std::slice::from_ref(&query));
    client.end_asking();
    assert_eq!(client.rest_of(&query, None, |_| ()).zone(), set(&zones::small(ZONE, 1, 1000)));
    assert!(client.has_ended());
}
