//! What changed in a zone.

use std::collections::BTreeMap;

use bus::protocol::control::Reached;

use super::client::{Client, Transfer};
use super::{ZONE, assert_same, folded, lines, set, start};
use crate::changes::Changer;
use crate::harness::{Server, zones};

/// Hosts of the zone.
const HOSTS: usize = 40;

/// The zone of a serial: one record changes with each.
fn version(serial: u32) -> String {
    format!(
        "{}changing TXT \"version {serial}\"\n",
        zones::small(ZONE, 0, HOSTS).replacen(" 0 3600", &format!(" {serial} 3600"), 1)
    )
}

/// A server that has had the serials 2, 4 … 22.
fn start_series() -> Server {
    let server = start(HOSTS, &[]);
    for serial in (2..=22).step_by(2) {
        zones::install(&server.zones, &format!("{ZONE}zone"), &version(serial));
        server.reload();
    }
    server
}

/// What IXFR from a serial gives.
fn ixfr(server: &Server, from: u32) -> Transfer {
    Client::to(server).ixfr(ZONE, from)
}

#[test]
fn b72_ixfr_gives_what_changed_since() {
    let server = start_series();
    assert_eq!(ixfr(&server, 22).serials(), [22]);
    let one = ixfr(&server, 20);
    assert_eq!(one.serials(), [22, 20, 22, 22]);
    assert_eq!(one.records.len(), 6, "{one:?}");
    assert!(one.records[2].line.contains("version 20") && one.records[4].line.contains("version 22"), "{one:?}");
    let four = ixfr(&server, 14);
    assert_eq!(four.serials(), [22, 14, 16, 16, 18, 18, 20, 20, 22, 22]);
    assert_eq!(four.applied_to(set(&version(14))), set(&version(22)));
    // Newer than ours, around the end of the numbers too.
    assert_eq!(ixfr(&server, 23).serials(), [22]);
    assert_eq!(ixfr(&server, 22 + (1 << 30)).serials(), [22]);
    // `dig` and `kdig` read it too.
    for program in ["dig", "kdig"] {
        let printed = super::ask(program, &server, &[ZONE, "IXFR=14", "+noall", "+answer"]);
        let expected: Vec<&String> = four.records.iter().map(|record| &record.line).collect();
        assert_eq!(lines(&printed).iter().collect::<Vec<_>>(), expected, "{program}");
    }
}

#[test]
fn b72_what_is_not_known_or_too_much_is_a_full_transfer() {
    let server = start_series();
    assert_eq!(ixfr(&server, 19).zone(), set(&version(22)));
    // Every record goes, and comes with another TTL.
    let other = zones::small(ZONE, 24, HOSTS).replacen("$TTL 300", "$TTL 301", 1);
    zones::install(&server.zones, &format!("{ZONE}zone"), &other);
    server.reload();
    assert_eq!(ixfr(&server, 22).zone(), set(&other));
    assert_eq!(ixfr(&server, 24).serials(), [24]);
}

#[test]
fn b72_a_hundred_changes_are_known_from_each_serial_on() {
    let server = start(400, &[]);
    let changer = Changer::connect(&server.state);
    let mut versions = BTreeMap::from([(1, Client::to(&server).axfr(ZONE).zone())]);
    for number in 1..=100u32 {
        let changes = match number % 3 {
            0 => format!("delete host{number} A\nadd host{number} 60 A 198.51.100.{number}\n"),
            1 => format!("add new{number} 60 AAAA 2001:db8::{number}\nadd new{number} 60 TXT \"another\"\n"),
            _ => format!("delete host{number}\n"),
        };
        let updated = changer.update(ZONE, &changes, Reached::Visible).unwrap();
        let zone = Client::to(&server).axfr(ZONE);
        assert_eq!(zone.serials()[0], updated.to, "what was told to be visible is given away");
        versions.insert(updated.to, zone.zone());
    }
    let (newest, zone) = versions.last_key_value().unwrap();
    assert_eq!((*newest, versions.len()), (101, 101));
    for (serial, before) in &versions {
        let transfer = ixfr(&server, *serial);
        let steps = (*serial..*newest).flat_map(|serial| [serial, serial + 1]);
        let expected: Vec<u32> = match serial == newest {
            true => vec![*newest],
            false => [*newest].into_iter().chain(steps).chain([*newest]).collect(),
        };
        assert_eq!(transfer.serials(), expected, "from {serial}");
        if serial < newest {
            assert_eq!(&transfer.applied_to(before.clone()), zone, "from {serial}");
        }
    }
}

#[test]
fn b72_many_changes_of_few_records_are_brought_together() {
    let server = start(100, &[]);
    let changer = Changer::connect(&server.state);
    let before = Client::to(&server).axfr(ZONE).zone();
    // Four records each, more in all than the zone's 203; what is left of them in the end are four.
    for number in 0..80 {
        let changes = format!("delete host7 A\nadd host7 300 A 198.51.100.{number}\n");
        changer.update(ZONE, &changes, Reached::Visible).unwrap();
    }
    let transfer = ixfr(&server, 1);
    assert_eq!(transfer.serials(), [81, 1, 81, 81]);
    assert_eq!(transfer.records.len(), 6, "{transfer:?}");
    assert_eq!(transfer.applied_to(before), Client::to(&server).axfr(ZONE).zone());
    assert_eq!(ixfr(&server, 75).serials().len(), 2 + 2 * 6, "few are told one by one");
}

#[test]
fn b72_the_root_zone_series_is_transferred_step_by_step() {
    let root = |serial| zones::root(serial);
    let [first, rest @ ..] = zones::ROOT_SERIALS;
    let options = crate::harness::ServerOptions::default();
    let server = Server::start(&options, |directory| zones::install(directory, "root.zone", &root(first)));
    super::until_linked(&server);
    let mut zone = Client::to(&server).axfr(".").zone();
    let (mut from, mut steps): (u32, _) = (first.parse().unwrap(), 0);
    for serial in rest {
        zones::install(&server.zones, "root.zone", &root(serial));
        server.reload();
        let transfer = Client::to(&server).ixfr(".", from);
        from = serial.parse().unwrap();
        // Where it was signed anew, all of it is sent.
        zone = match transfer.serials().len() {
            2 => transfer.zone(),
            _ => {
                steps += 1;
                transfer.applied_to(zone)
            }
        };
        assert_same(&folded(&zone), &folded(&set(&root(serial))));
    }
    assert!(steps >= 2, "{steps} differences");
}

#[test]
fn b72_changes_outlive_memmgr_and_a_restart() {
    let server = start_series();
    let before = ixfr(&server, 14);
    Server::signal(server.memmgr_pid(), "KILL");
    server.reload();
    assert_eq!(ixfr(&server, 14).records, before.records);
}
