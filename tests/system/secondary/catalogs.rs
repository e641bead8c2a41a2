//! Catalog zones: those of others, whose members are served, and those that list what is served.

use hickory_proto::op::ResponseCode;

use super::downstream::Downstream;
use super::primary::{Kind, Primary, Task, free_address};
use super::{Secondary, records, remote, zone};
use crate::harness::{until, zones};
use crate::updates::rcode;

/// The catalog.
const CATALOG: &str = "catalog.test.";

/// A catalog as a file, of these lines below its apex.
fn catalog(apex: &str, lines: &str) -> String {
    format!(
        "$ORIGIN {apex}\n$TTL 0\n@ SOA invalid. invalid. 1 3600 600 2147483646 0\n@ NS invalid.\nversion TXT 2\n{lines}\n"
    )
}

/// The tables of a server that serves the members of catalogs of one primary.
fn tables(primary: &Primary, catalogs: &[&str]) -> String {
    let of_catalog = "catalog-role = 'interpret'\ncatalog-template = ['members', 'closed']";
    remote("primary", primary.address, None)
        + "[[template]]\nname = 'members'\nprimaries = ['primary']\n"
        + "[[template]]\nname = 'closed'\nprimaries = ['primary']\nallow-transfer = []\n"
        + &catalogs.iter().map(|catalog| zone(catalog, &["primary"], of_catalog)).collect::<String>()
}

/// Waits until a zone is served no more.
fn until_gone(secondary: &Secondary, zone: &str) {
    until(&format!("{zone} is gone"), || (rcode(&secondary.server, zone) == ResponseCode::Refused).then_some(()));
}

/// Whether anybody may transfer a zone; xfrout may not have heard of it yet.
fn until_transfer(secondary: &Secondary, zone: &str, is_allowed: bool) {
    until(&format!("transfer of {zone}: {is_allowed}"), || {
        let mut dig = std::process::Command::new("dig");
        let address = secondary.server.address;
        dig.arg(format!("@{}", address.ip())).args(["-p", &address.port().to_string(), zone, "AXFR", "+nocookie"]);
        let text = String::from_utf8(dig.output().unwrap().stdout).unwrap();
        (text.contains("XFR size") == is_allowed).then_some(())
    });
}

#[test]
fn members_come_and_go_with_their_catalog() {
    for kind in [Kind::Named, Kind::Knotd] {
        let member = |apex: &str, serial| (apex.to_owned(), zones::small(apex, serial, 3));
        let lines = "1.zones PTR a.test.\n2.zones PTR b.test.\ngroup.2.zones TXT closed";
        let listed = vec![
            (CATALOG.to_owned(), catalog(CATALOG, lines)),
            member("a.test.", 1),
            member("b.test.", 1),
            member("c.test.", 1),
        ];
        let task = Task { zones: listed, ..Task::default() };
        let Some(primary) = Primary::start("members_come_and_go_with_their_catalog", kind, task) else { continue };
        let secondary = Secondary::start(&tables(&primary, &[CATALOG]));
        for zone in ["a.test.", "b.test."] {
            secondary.until_serial(zone, 1);
            assert_eq!(secondary.listed(zone)["catalog"], CATALOG);
        }
        assert_eq!(rcode(&secondary.server, "c.test."), ResponseCode::Refused);
        until_transfer(&secondary, "a.test.", true);
        until_transfer(&secondary, "b.test.", false);
        // One goes, another comes.
        let change = |lines: &str| {
            primary.update(CATALOG, lines);
            secondary.refresh(CATALOG).unwrap();
        };
        change("del 1.zones.catalog.test. PTR\nadd 3.zones.catalog.test. 0 PTR c.test.");
        secondary.until_serial("c.test.", 1);
        until_gone(&secondary, "a.test.");
        assert_eq!(secondary.listed("a.test."), serde_json::Value::Null);
        // Under another label it is another zone.
        change("del 3.zones.catalog.test. PTR\nadd 4.zones.catalog.test. 0 PTR c.test.");
        until("it is reset", || secondary.server.log().contains("member-reset").then_some(()));
        secondary.until_serial("c.test.", 1);
        // In another group it is served in another way.
        change("del group.2.zones.catalog.test. TXT");
        until_transfer(&secondary, "b.test.", true);
        // A catalog that is broken changes nothing, over a restart either.
        change("del version.catalog.test. TXT\ndel 2.zones.catalog.test. PTR");
        until("it is told", || {
            let error = secondary.listed(CATALOG)["error"].as_str().map(str::to_owned);
            error.filter(|error| error.contains("this is no catalog zone"))
        });
        assert!(secondary.server.log().contains("catalog-broken"));
        let secondary = secondary.crash();
        for zone in ["b.test.", "c.test."] {
            secondary.until_serial(zone, 1);
            assert_eq!(secondary.listed(zone)["catalog"], CATALOG, "{kind:?}");
        }
        primary.update(CATALOG, "add version.catalog.test. 0 TXT 2");
        secondary.refresh(CATALOG).unwrap();
        until_gone(&secondary, "b.test.");
        assert_eq!(secondary.server.wire().serial("c.test."), Some(1));
        assert_eq!(secondary.listed(CATALOG)["error"], serde_json::Value::Null);
        // Members are there at once after a restart.
        let secondary = secondary.restart();
        assert_eq!(secondary.server.wire().serial("c.test."), Some(1));
        secondary.refresh("c.test.").unwrap();
        assert_eq!(secondary.server.wire().serial("c.test."), Some(1));
    }
}

#[test]
fn who_has_a_zone_keeps_it_unless_it_says_who_may_take_it() {
    let other = "other.test.";
    let listed = vec![
        (CATALOG.to_owned(), catalog(CATALOG, "1.zones PTR a.test.\n2.zones PTR own.test.")),
        (other.to_owned(), catalog(other, "9.zones PTR unused.test.")),
        ("a.test.".to_owned(), zones::small("a.test.", 1, 1)),
        ("own.test.".to_owned(), zones::small("own.test.", 2, 1)),
    ];
    let task = Task { zones: listed, ..Task::default() };
    let test = "who_has_a_zone_keeps_it_unless_it_says_who_may_take_it";
    let Some(primary) = Primary::start(test, Kind::Named, task) else { return };
    let secondary = Secondary::start(&tables(&primary, &[CATALOG, other]));
    secondary.until_serial("a.test.", 1);
    // A file of the directory wins over a catalog.
    secondary.until_serial("own.test.", 2);
    zones::install(&secondary.server.zones, "file.test.zone", &zones::small("file.test.", 7, 1));
    secondary.server.reload();
    let change = |catalog: &str, lines: &str| {
        primary.update(catalog, lines);
        secondary.refresh(catalog).unwrap();
    };
    change(other, "add 1.zones.other.test. 0 PTR a.test.\nadd 3.zones.other.test. 0 PTR file.test.");
    until("both clash", || (secondary.server.log().matches("member-not-taken").count() == 2).then_some(()));
    assert_eq!(secondary.listed("a.test.")["catalog"], CATALOG);
    assert_eq!(secondary.server.wire().serial("file.test."), Some(7));
    // With the word of who has it, it changes hands, and its data stays: the label is the same.
    change(CATALOG, "add coo.1.zones.catalog.test. 0 PTR other.test.");
    change(other, "add x.other.test. 0 TXT again");
    until("it is the other's", || (secondary.listed("a.test.")["catalog"] == other).then_some(()));
    change(CATALOG, "del 1.zones.catalog.test. PTR");
    change(other, "add y.other.test. 0 TXT again");
    assert_eq!(secondary.server.wire().serial("a.test."), Some(1));
    assert!(!secondary.server.log().contains("member-reset"));
}

#[test]
fn a_catalog_that_knot_makes_is_read() {
    let more = (
        format!("    catalog-role: member\n    catalog-zone: {CATALOG}\n"),
        format!("  - domain: {CATALOG}\n    catalog-role: generate\n"),
    );
    let member = |apex: &str| (apex.to_owned(), zones::small(apex, 5, 3));
    let task = Task { zones: vec![member("a.test."), member("b.test.")], more, ..Task::default() };
    let Some(primary) = Primary::start("a_catalog_that_knot_makes_is_read", Kind::Knotd, task) else { return };
    let secondary = Secondary::start(&tables(&primary, &[CATALOG]));
    for zone in ["a.test.", "b.test."] {
        secondary.until_serial(zone, 5);
        assert_eq!(secondary.records(zone), records(primary.address, zone));
    }
}

#[test]
fn others_read_a_catalog_that_is_made() {
    let made = "made.test.";
    for kind in [Kind::Named, Kind::Knotd] {
        let Some(mut end) = Downstream::reserve("others_read_a_catalog_that_is_made", kind) else { continue };
        let own = |apex: &str| format!("[[zone]]\nname = '{apex}'\ncatalog-zone = '{made}'\ncatalog-group = 'plain'\n");
        let address = free_address();
        let tables = remote("end", end.address, None)
            + &format!("[[zone]]\nname = '{made}'\ncatalog-role = 'generate'\nnotify = ['end']\n")
            + &["a.test.", "b.test."].map(own).concat();
        let secondary = Secondary::start_at(address, &tables);
        let install =
            |apex: &str| zones::install(&secondary.server.zones, &format!("{apex}zone"), &zones::small(apex, 3, 2));
        install("a.test.");
        secondary.server.reload();
        until("it is made", || secondary.server.wire().serial(made));
        until("it lists the zone", || {
            secondary.records(made).iter().any(|line| line.ends_with("PTR a.test.")).then_some(())
        });
        end.start_on_catalog(made, address);
        end.until_serial("a.test.", 3);
        install("b.test.");
        std::fs::remove_file(secondary.server.zones.join("a.test.zone")).unwrap();
        secondary.server.reload();
        end.until_serial("b.test.", 3);
        end.until_gone("a.test.");
        let before = secondary.server.wire().serial(made);
        let secondary = secondary.restart();
        assert_eq!(secondary.server.wire().serial(made), before, "{kind:?}");
        let listed = secondary.records(made);
        assert!(listed.iter().any(|line| line.contains("TXT \"plain\"")) && listed.len() == 5, "{listed:?}");
    }
}
