//! A chain of three: the zones at both of its ends are equal after each change (B81).

use super::changes::{ZONE, change, version};
use super::downstream::Downstream;
use super::primary::{Kind, Primary, Task, free_address};
use super::{Secondary, records, remote, zone};
use crate::harness::zones;

/// Changes in a row.
const CHANGES: u32 = 100;

/// Runs a chain with these at its ends.
fn run(first: Kind, last: Kind) {
    let test = "b81_the_ends_of_a_chain_are_equal_after_each_change";
    let address = free_address();
    let Some(primary) = Primary::start(test, first, Task::of(ZONE, version(1)).notifying(address)) else { return };
    let Some(mut end) = Downstream::reserve(test, last) else { return };
    let tables = remote("primary", primary.address, None)
        + &remote("end", end.address, None)
        + &zone(ZONE, &["primary"], "notify = ['end']");
    let secondary = Secondary::start_at(address, &tables);
    secondary.until_serial(ZONE, 1);
    end.start(ZONE, address);
    for serial in 2..=CHANGES + 1 {
        change(&primary, serial);
        end.until_serial(ZONE, serial);
        let expected = records(primary.address, ZONE);
        assert_eq!(secondary.records(ZONE), expected, "{first:?} to Trine, serial {serial}");
        assert_eq!(records(end.address, ZONE), expected, "Trine to {last:?}, serial {serial}");
    }
    let log = secondary.server.log();
    let changes = log.lines().filter(|line| line.contains("zone-refreshed") && line.contains("IXFR")).count();
    assert!(changes as u32 >= CHANGES * 9 / 10, "{changes} of {CHANGES} came as changes\n{log}");
}

#[test]
fn b81_from_named_to_knotd_the_ends_are_equal_after_each_change() {
    run(Kind::Named, Kind::Knotd);
}

#[test]
fn b81_from_knotd_to_nsd_the_ends_are_equal_after_each_change() {
    run(Kind::Knotd, Kind::Nsd);
}

#[test]
fn b81_from_nsd_to_named_the_ends_are_equal_after_each_change() {
    run(Kind::Nsd, Kind::Named);
}

#[test]
fn b81_the_real_root_zone_goes_through_a_chain() {
    let test = "b81_the_real_root_zone_goes_through_a_chain";
    let address = free_address();
    let version = |serial: &str| zones::root(serial);
    let first = zones::ROOT_SERIALS[0];
    let task = Task { is_signed: true, ..Task::of(".", version(first)).notifying(address) };
    let Some(primary) = Primary::start(test, Kind::Named, task) else { return };
    let Some(mut end) = Downstream::reserve(test, Kind::Knotd) else { return };
    let tables = remote("primary", primary.address, None)
        + &remote("end", end.address, None)
        + &zone(".", &["primary"], "notify = ['end']");
    let secondary = Secondary::start_at(address, &tables);
    secondary.until_serial(".", first.parse().unwrap());
    end.start(".", address);
    for serial in &zones::ROOT_SERIALS[1..] {
        let number = serial.parse().unwrap();
        primary.put(".", &version(serial), number);
        end.until_serial(".", number);
        let expected = records(primary.address, ".");
        assert_eq!(secondary.records("."), expected, "named to Trine, {serial}");
        assert_eq!(records(end.address, "."), expected, "Trine to knotd, {serial}");
    }
}
