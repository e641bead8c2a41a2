//! Zones of other people's primaries: all of them, then 100 changes in a row.

use super::hostile::{Hostile, Script, Sent, act, refuses};
use super::primary::{KINDS, Kind, Primary, Task, free_address, update};
use super::{Secondary, records, remote, zone};
use crate::harness::zones;

/// The zone.
pub(super) const ZONE: &str = "z.test.";

/// Changes in a row.
const CHANGES: u32 = 100;

/// Makes the change that leads to a serial: a host comes, another goes, a third has another address.
pub(super) fn change(primary: &Primary, serial: u32) {
    if primary.kind.takes_updates() {
        let (third, gone) = (serial % 7, serial - 1);
        primary.update(
            ZONE,
            &format!(
                "del new{gone}.{ZONE}\nadd new{serial}.{ZONE} 300 A 192.0.2.{}\ndel host{third}.{ZONE} A\nadd host{third}.{ZONE} 300 A 198.51.100.{}",
                serial % 200,
                serial % 250
            ),
        );
        primary.until_serial(ZONE, serial);
    } else {
        primary.put(ZONE, &version(serial), serial);
    }
}

/// A version of the zone as a file.
pub(super) fn version(serial: u32) -> String {
    let text = zones::small(ZONE, serial, 600).replace(&format!("\"serial {serial}\""), "\"the same\"");
    format!("{text}new{serial} A 192.0.2.{}\nchanging A 198.51.100.{}\n", serial % 200, serial % 250)
}

/// How the last transfer of the log came: `AXFR`, `IXFR`, or `SOA` where there was nothing new.
fn last_way(log: &str) -> String {
    let line = log.lines().rfind(|line| line.contains("zone-refreshed")).unwrap();
    let at = line.find("by=").unwrap_or_else(|| panic!("{line}"));
    line[at + 3..].trim_start_matches('"').chars().take_while(char::is_ascii_uppercase).collect()
}

#[test]
fn zones_are_taken_whole_and_then_by_a_hundred_changes() {
    for kind in KINDS {
        let task = Task::of(ZONE, version(1));
        let Some(primary) = Primary::start("zones_are_taken_whole_and_then_by_a_hundred_changes", kind, task) else {
            continue;
        };
        let tables = remote("primary", primary.address, None) + &zone(ZONE, &["primary"], "");
        let secondary = Secondary::start(&tables);
        secondary.until_serial(ZONE, 1);
        assert_eq!(last_way(&secondary.server.log()), "AXFR", "{kind:?}");
        assert_eq!(secondary.records(ZONE), records(primary.address, ZONE), "{kind:?}");
        for serial in 2..=CHANGES + 1 {
            change(&primary, serial);
        }
        assert_eq!(secondary.refresh(ZONE), Ok(u64::from(CHANGES + 1)), "{kind:?}");
        assert_eq!(last_way(&secondary.server.log()), "IXFR", "{kind:?}");
        assert_eq!(secondary.records(ZONE), records(primary.address, ZONE), "{kind:?}");
        assert_eq!(secondary.refresh(ZONE), Ok(u64::from(CHANGES + 1)), "{kind:?}");
        assert_eq!(last_way(&secondary.server.log()), "SOA", "{kind:?}");
        assert_eq!(secondary.retransfer(ZONE), Ok(u64::from(CHANGES + 1)), "{kind:?}");
        assert_eq!(last_way(&secondary.server.log()), "AXFR", "{kind:?}");
        // What came from primaries is changed there and nowhere else.
        let changes = secondary.folder().join("changes");
        std::fs::write(&changes, "add x 300 A 192.0.2.1\n").unwrap();
        let output = secondary.server.trine(&["zone", "update", ZONE, "--file", changes.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("comes from its primaries"), "{said}");
        let secondary = secondary.restart();
        assert_eq!(secondary.records(ZONE), records(primary.address, ZONE), "{kind:?}");
        let listed = secondary.listed(ZONE);
        assert_eq!((&listed["state"], &listed["source"]), (&"serving".into(), &"transfer".into()), "{listed}");
    }
}

#[test]
fn updates_are_sent_on_to_the_primary() {
    for kind in [Kind::Named, Kind::Knotd] {
        let address = free_address();
        let task = Task::of(ZONE, version(1)).notifying(address);
        let Some(primary) = Primary::start("updates_are_sent_on_to_the_primary", kind, task) else { continue };
        let tables = remote("primary", primary.address, None)
            + &zone(ZONE, &["primary"], "allow-update = [{ from = '127.0.0.1' }]");
        let secondary = Secondary::start_at(address, &tables);
        secondary.until_serial(ZONE, 1);
        update(address, ZONE, &format!("add sent.on.{ZONE} 300 TXT here"));
        // The answer is that of the primary, which has the change by then; word of it comes back.
        primary.until_serial(ZONE, 2);
        secondary.until_serial(ZONE, 2);
        assert!(secondary.records(ZONE).iter().any(|line| line.starts_with("sent.on.z.test. 300")), "{kind:?}");
    }
}

#[test]
fn a_zone_that_is_too_large_is_not_taken() {
    let soa = Sent::soa(ZONE, 1);
    // It never ends.
    let endless = act(move |talk| {
        talk.send_records(&[vec![Sent::soa(ZONE, 1), Sent::ns(ZONE, "ns.test.")]]);
        for message in 0..1_000_000_u32 {
            let host = |host: u32| Sent::new(&format!("host{message}-{host}.z.test."), 1, &host.to_be_bytes());
            let octets = talk.message(&(0..500).map(host).collect::<Vec<_>>());
            let octets = [&u16::try_from(octets.len()).unwrap().to_be_bytes()[..], &octets].concat();
            if std::io::Write::write_all(talk.connection, &octets).is_err() {
                return;
            }
        }
    });
    let primary = Hostile::start(Script { soa, axfr: endless, ixfr: refuses(4) }, None);
    let tables = remote("primary", primary.address, None) + &zone(ZONE, &["primary"], "size-max = '1MiB'");
    let secondary = Secondary::start(&tables);
    let said = secondary.refresh(ZONE).unwrap_err();
    assert!(said.contains("expected 1048576 octets at the most, found more"), "{said}");
}
