//! Zones given away: by connections that auth hands to xfrout, whole or as what changed, signed or not, to whom may have them.

mod axfr;
mod client;
mod configured;
mod hostile;
mod ixfr;
mod links;
mod notify;
mod peer;
mod refused;
mod secondaries;
mod signed;
mod slow;
mod tls;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use dns::text::present;
use dns::text::zonefile::read_octets;

use crate::harness::{Server, ServerOptions, until, zones};
use client::Client;

/// The zone of most of these tests.
const ZONE: &str = "one.test.";

/// Starts a server on one zone of serial 1 with so many hosts.
fn start(hosts: usize, arguments: &[&str]) -> Server {
    let arguments = arguments.iter().map(ToString::to_string).collect();
    let options = ServerOptions { auth: 1, arguments, ..ServerOptions::default() };
    let server = Server::start(&options, |directory| install(directory, 1, hosts));
    until_linked(&server);
    server
}

/// Puts a version of the zone in place.
fn install(directory: &Path, serial: u32, hosts: usize) {
    zones::install(directory, &format!("{ZONE}zone"), &zones::small(ZONE, serial, hosts));
}

/// Waits until auth has its link to xfrout, so that a client of one attempt is answered by that. Who asks is to be allowed to.
fn until_linked(server: &Server) {
    until("a transfer is answered by xfrout", || {
        let mut client = Client::to(server);
        client.ask(&[("nowhere.test.", hickory_proto::rr::RecordType::AXFR)]);
        let rcode = client.read().metadata.response_code;
        (rcode != hickory_proto::op::ResponseCode::ServFail).then_some(())
    });
}

/// The records of a text in the form of a zone file, each as one line, in the order of the text.
fn lines(text: &str) -> Vec<String> {
    let zone = read_octets(Path::new("text"), text.as_bytes(), &ZONE.parse().unwrap());
    assert!(zone.errors.is_empty(), "{:?} in {text}", zone.errors.iter().map(ToString::to_string).collect::<Vec<_>>());
    let record = |record: &dns::Record| present::record(record.owner.as_ref(), record.ttl, record.rtype, &record.rdata);
    zone.to_records().iter().map(record).collect()
}

/// The same as a set: what a zone is made of.
fn set(text: &str) -> BTreeSet<String> {
    lines(text).into_iter().collect()
}

/// Records in lower case: of an owner that a file writes in two ways one is kept, and other servers keep none.
fn folded(records: &BTreeSet<String>) -> BTreeSet<String> {
    records.iter().map(|record| record.to_lowercase()).collect()
}

/// Checks that two zones are the same, and shows where they are not.
fn assert_same(found: &BTreeSet<String>, expected: &BTreeSet<String>) {
    let only = |of: &BTreeSet<String>, not: &BTreeSet<String>| of.difference(not).take(3).cloned().collect::<Vec<_>>();
    assert!(found == expected, "only found: {:#?}, only expected: {:#?}", only(found, expected), only(expected, found));
}

/// What a program of this name that asks a server prints.
fn ask(program: &str, server: &Server, arguments: &[&str]) -> String {
    let (address, port) = (server.address.ip().to_string(), server.address.port().to_string());
    let mut command = Command::new(program);
    command.arg(format!("@{address}")).args(["-p", &port]).args(arguments);
    let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What `dig` prints.
fn dig(server: &Server, arguments: &[&str]) -> String {
    ask("dig", server, &[&["+time=20", "+tries=1", "+nocookie"], arguments].concat())
}
