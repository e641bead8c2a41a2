//! Leases: a reader that goes on with one version while others are published, and who is bounded by what.

use std::time::{Duration, Instant};

use consumers::reader::{Lease, Reader};
use dns::types::Rtype;
use serde_json::Value;
use zone_segment::{Find, LookupName, Name, ZoneSet};

use crate::harness::{Server, ServerOptions, until, zones};

/// Hosts of the zone; each has its serial in a TXT record.
const HOSTS: usize = 5;

/// Generations that are published while a lease lasts.
const GENERATIONS: u32 = 20;

/// How long anything of a reader is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server with one zone, and a reader of it in this process.
fn start(arguments: &[&str]) -> (Server, Reader) {
    let arguments = arguments.iter().map(ToString::to_string).collect();
    let options = ServerOptions { auth: 1, arguments, ..ServerOptions::default() };
    let server = Server::start(&options, |zones| install(zones, 1));
    let reader = Reader::attach(server.state.join("bus.sock")).unwrap();
    reader.wait(PATIENCE).unwrap();
    (server, reader)
}

/// Puts a version of the zone in place.
fn install(directory: &std::path::Path, serial: u32) {
    zones::install(directory, "example.com.zone", &zones::small("example.com.", serial, HOSTS));
}

/// Publishes a version of the zone, and waits until every reader has it.
fn publish(server: &Server, serial: u32) {
    install(&server.zones, serial);
    server.reload();
}

/// The serial that every host has.
fn serial(zones: &ZoneSet) -> u32 {
    let serials = (0..HOSTS).map(|host| {
        let name: Name = format!("host{host}.example.com.").parse().unwrap();
        let key = LookupName::new(zones.key(), name.as_ref());
        let Some(Find::Name(node)) = zones.find_zone(&key).map(|zone| zone.find(&key)) else { panic!("no {name}") };
        let text = node.rrset(Rtype::TXT.0).unwrap().rdata().next().unwrap()[1..].to_vec();
        String::from_utf8(text).unwrap().strip_prefix("serial ").unwrap().parse().unwrap()
    });
    let serials: Vec<u32> = serials.collect();
    assert!(serials.iter().all(|serial| *serial == serials[0]), "{serials:?}");
    serials[0]
}

/// Segments of a server that this process has mapped, and how many of them are unlinked.
fn mapped(server: &Server) -> (usize, usize) {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let state = server.state.to_str().unwrap();
    let ours: Vec<&str> = maps.lines().filter(|line| line.contains(state)).collect();
    (ours.len(), ours.iter().filter(|line| line.ends_with("(deleted)")).count())
}

/// What the status says of the reader in this process: its leases, and the octets that only they keep.
fn leased(server: &Server) -> Option<(u64, u64)> {
    let consumers: Value = serde_json::from_slice(&server.trine(&["consumers", "--json"]).stdout).ok()?;
    let ours = consumers.as_array()?.iter().find(|consumer| consumer["pid"] == std::process::id())?;
    Some((ours["leases"].as_u64().unwrap(), ours["leased_bytes"].as_u64().unwrap()))
}

/// Nobody was killed or dropped.
fn assert_no_kills(server: &Server) {
    let status = server.status();
    assert_eq!(status["kills"].as_array().map(Vec::len), Some(0), "{status}\n{}", server.log());
}

#[test]
fn b30_a_lease_reads_one_version_through_twenty_generations() {
    let (server, reader) = start(&["--release-timeout", "1s", "--lease-timeout", "20s"]);
    publish(&server, 2);
    let zones = reader.wait_for_change(1, PATIENCE).unwrap();
    let (generation, lease) = (zones.generation(), reader.lease(&zones).unwrap());
    drop(zones);
    let began = Instant::now();
    let mut last = 2;
    while last < 2 + GENERATIONS || began.elapsed() < Duration::from_secs(3) {
        last += 1;
        publish(&server, last);
        assert_eq!((serial(lease.zones()), lease.zones().generation()), (2, generation));
        assert_eq!(reader.current().map(|zones| serial(&zones)), Some(last), "the reader itself goes on");
        lease.renew();
    }
    assert!(!lease.is_ended());
    assert_no_kills(&server);
    let (count, octets) = leased(&server).unwrap();
    assert!(count == 1 && octets > 0, "{count} {octets}");
    let (before, unlinked) = mapped(&server);
    assert!(unlinked > 0, "{before} mapped");
    drop(lease);
    until("the memory is given back", || (mapped(&server).1 == 0).then_some(()));
    assert!(mapped(&server).0 < before);
    until("memmgr knows of no lease", || (leased(&server) == Some((0, 0))).then_some(()));
    // What is held can be leased again.
    let zones = reader.current().unwrap();
    assert_eq!(serial(reader.lease(&zones).unwrap().zones()), last);
}

#[test]
fn b31_a_lease_without_progress_ends_alone() {
    let (server, reader) = start(&["--lease-timeout", "3s"]);
    let zones = reader.current().unwrap();
    let (still, moving) = (reader.lease(&zones).unwrap(), reader.lease(&zones).unwrap());
    drop(zones);
    publish(&server, 2);
    let began = Instant::now();
    until("the lease that stands still ends", || {
        moving.renew();
        still.is_ended().then_some(())
    });
    assert!(began.elapsed() > Duration::from_secs(1));
    assert!(!moving.is_ended());
    assert!(server.log().contains("lease-ended"), "{}", server.log());
    // What it has is whole until it is dropped.
    assert_eq!((serial(still.zones()), serial(moving.zones())), (1, 1));
    assert_eq!(leased(&server).unwrap().0, 1);
    drop(still);
    publish(&server, 3);
    assert_eq!(serial(&reader.current().unwrap()), 3);
    assert_no_kills(&server);
    drop(reader);
    assert!(moving.is_ended(), "its reader has ended");
}

#[test]
fn leases_of_a_reader_are_bounded() {
    let (server, reader) = start(&[]);
    let zones = reader.current().unwrap();
    let mut leases: Vec<Lease> = (0..256).map(|_| reader.lease(&zones).unwrap()).collect();
    let refused = reader.lease(&zones).unwrap_err().to_string();
    assert!(refused.contains("leases are at their limit of 256"), "{refused}");
    assert_eq!(leased(&server).unwrap().0, 256);
    leases.pop();
    leases.push(reader.lease(&zones).unwrap());
    drop(zones);
    // Nobody waits for leases: not the release of what they keep, nor a reader's end.
    publish(&server, 2);
    publish(&server, 3);
    drop(reader);
    until("they end with the reader", || leased(&server).is_none().then_some(()));
    assert!(leases.iter().all(|lease| serial(lease.zones()) == 1));
}

#[test]
fn a_lease_outlives_memmgr() {
    let (server, reader) = start(&[]);
    let zones = reader.current().unwrap();
    let lease = reader.lease(&zones).unwrap();
    drop(zones);
    for serial in [2, 3] {
        publish(&server, serial);
    }
    let before = leased(&server).unwrap();
    Server::signal(server.memmgr_pid(), "KILL");
    until("the lease is registered again", || leased(&server).filter(|(leases, _)| *leases == 1));
    publish(&server, 4);
    assert!(leased(&server).unwrap().1 >= before.1, "{before:?}");
    assert!(!lease.is_ended());
    assert_eq!(serial(lease.zones()), 1);
    drop(lease);
    until("memmgr knows of no lease", || (leased(&server) == Some((0, 0))).then_some(()));
}
