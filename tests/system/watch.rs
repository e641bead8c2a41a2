//! `trine serve --watch`: what changes in the directory of zone files is taken without a reload.

use std::fs;
use std::path::Path;

use hickory_proto::op::ResponseCode;

use crate::harness::{Server, ServerOptions, heavy, setting, until, zones};
use crate::updates::{rcode, zone};

/// A zone's text.
fn text(apex: &str, serial: u32) -> String {
    zones::small(apex, serial, 3)
}

/// The file of a zone.
fn file(apex: &str) -> String {
    format!("{apex}zone")
}

/// Starts a server that watches, on one zone.
fn start() -> Server {
    let options = ServerOptions { arguments: vec!["--watch".into()], ..ServerOptions::default() };
    Server::start(&options, |directory| zones::install(directory, &file("one.test."), &text("one.test.", 1)))
}

/// Waits until a zone is served with this serial.
fn until_serial(server: &Server, apex: &str, serial: u32) {
    until(&format!("{apex} has serial {serial}"), || (server.wire().serial(apex) == Some(serial)).then_some(()));
}

/// Waits until a zone is not served any more.
fn until_gone(server: &Server, apex: &str) {
    until(&format!("{apex} is gone"), || (rcode(server, apex) == ResponseCode::Refused).then_some(()));
}

#[test]
fn files_that_come_change_and_go_are_taken() {
    let server = start();
    assert_eq!(server.status()["watching"], true);
    // By rename, as it should be; in place; in place in two steps; as a link.
    zones::install(&server.zones, &file("one.test."), &text("one.test.", 2));
    until_serial(&server, "one.test.", 2);
    fs::write(server.zones.join(file("two.test.")), text("two.test.", 1)).unwrap();
    until_serial(&server, "two.test.", 1);
    fs::write(server.zones.join(file("two.test.")), text("two.test.", 2)).unwrap();
    until_serial(&server, "two.test.", 2);
    fs::write(server.zones.join("elsewhere"), text("three.test.", 1)).unwrap();
    fs::hard_link(server.zones.join("elsewhere"), server.zones.join(file("three.test."))).unwrap();
    until_serial(&server, "three.test.", 1);
    // Under another name it is another zone.
    fs::rename(server.zones.join(file("two.test.")), server.zones.join(file("2.test."))).unwrap();
    until_gone(&server, "two.test.");
    until("what is in it is refused", || (zone(&server, "2.test.")?["state"] == "broken").then_some(()));
    fs::remove_file(server.zones.join(file("2.test."))).unwrap();
    until_gone(&server, "2.test.");
    let output = server.trine(&["reload"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("0 changed, 2 unchanged, 0 failed; the directory is watched"), "{said}");
    assert!(server.log().contains("zone-files-changed"), "{}", server.log());
}

#[test]
fn a_broken_file_keeps_the_data_and_a_second_one_of_the_zone_is_found() {
    let server = start();
    zones::install(&server.zones, &file("one.test."), "@ SOA\n");
    until("it is stale", || (zone(&server, "one.test.")?["state"] == "stale").then_some(()));
    assert_eq!(server.wire().serial("one.test."), Some(1));
    zones::install(&server.zones, &file("one.test."), &text("one.test.", 2));
    until_serial(&server, "one.test.", 2);
    zones::install(&server.zones, &file("ONE.test."), &text("one.test.", 3));
    let error = until("there are two", || {
        let error = zone(&server, "one.test.")?["error"].as_str()?.to_owned();
        error.contains("another file").then_some(error)
    });
    assert!(error.contains("ONE.test.zone"), "{error}");
    assert_eq!(server.wire().serial("one.test."), Some(2));
    fs::remove_file(server.zones.join(file("one.test."))).unwrap();
    until_serial(&server, "one.test.", 3);
}

#[test]
fn a_file_that_is_included_is_watched_where_it_lies_beside() {
    let server = start();
    let hosts = |address: u8| format!("www A 192.0.2.{address}\n");
    fs::write(server.zones.join("hosts.inc"), hosts(1)).unwrap();
    zones::install(&server.zones, &file("one.test."), &format!("{}$INCLUDE hosts.inc\n", text("one.test.", 2)));
    until_serial(&server, "one.test.", 2);
    let before = server.generation();
    zones::install(&server.zones, "hosts.inc", &hosts(2));
    until("the zone is built anew", || (server.generation() > before).then_some(()));
    assert_eq!(zone(&server, "one.test.").unwrap()["state"], "serving");
}

#[test]
fn changes_of_a_build_that_failed_are_taken_when_it_can_be_made() {
    let server = start();
    let (segments, aside) = (server.state.join("segments"), server.state.join("aside"));
    fs::rename(&segments, &aside).unwrap();
    zones::install(&server.zones, &file("one.test."), &text("one.test.", 2));
    until("it fails", || server.log().contains("build-failed").then_some(()));
    assert_eq!(server.wire().serial("one.test."), Some(1));
    fs::rename(&aside, &segments).unwrap();
    until_serial(&server, "one.test.", 2);
}

#[test]
fn an_included_file_that_was_missing_is_noticed_when_it_comes() {
    let server = start();
    let including = |apex, serial| format!("{}$INCLUDE {apex}inc\n", text(apex, serial));
    let until_state = |apex: &str, state: &str| {
        until(&format!("{apex} is {state}"), || (zone(&server, apex)?["state"] == state).then_some(()));
    };
    for (apex, state) in [("one.test.", "stale"), ("two.test.", "broken")] {
        zones::install(&server.zones, &file(apex), &including(apex, 2));
        until_state(apex, state);
        zones::install(&server.zones, &format!("{apex}inc"), "www A 192.0.2.999\n");
        until("it is read", || zone(&server, apex)?["error"].as_str()?.contains("192.0.2.999").then_some(()));
        zones::install(&server.zones, &format!("{apex}inc"), "www A 192.0.2.1\n");
        until_serial(&server, apex, 2);
        until_state(apex, "serving");
    }
}

#[test]
fn a_thousand_files_at_once_make_few_generations() {
    let _heavy = heavy();
    let count = setting("TRINE_WATCH_ZONES", 1_000);
    let server = start();
    let apex = |number: u64| format!("z{number}.test.");
    for number in 0..count {
        zones::install(&server.zones, &file(&apex(number)), &text(&apex(number), 1));
    }
    until("all of them are served", || {
        let zones = server.status()["zones"].as_array().unwrap().len() as u64;
        (zones == count + 1).then_some(())
    });
    println!("{count} files in {} generations", server.generation() - 1);
    assert!(server.generation() < 20, "{} generations", server.generation());
    assert_eq!(server.wire().serial(&apex(count - 1)), Some(1));
}

#[test]
fn the_directory_can_be_replaced() {
    let server = start();
    let aside = server.zones.with_extension("aside");
    let prepare = |serial| {
        let next = server.zones.with_extension("next");
        fs::create_dir(&next).unwrap();
        zones::install(&next, &file("two.test."), &text("two.test.", serial));
        next
    };
    let next = prepare(1);
    fs::rename(&server.zones, &aside).unwrap();
    fs::rename(&next, &server.zones).unwrap();
    until_serial(&server, "two.test.", 1);
    until_gone(&server, "one.test.");
    zones::install(&server.zones, &file("two.test."), &text("two.test.", 2));
    until_serial(&server, "two.test.", 2);
    // Gone for a while, what was served goes on.
    remove(&server.zones);
    until("the status says so", || server.status()["error"].as_str().map(|_| ()));
    assert_eq!(server.wire().serial("two.test."), Some(2));
    assert_eq!(server.status()["watching"], false);
    fs::rename(prepare(3), &server.zones).unwrap();
    until_serial(&server, "two.test.", 3);
    assert_eq!(server.status()["watching"], true);
}

/// Removes a directory and what is in it.
fn remove(directory: &Path) {
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn what_the_kernel_could_not_tell_is_found_all_the_same() {
    let _heavy = heavy();
    let server = start();
    let queue_max: u64 = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap().trim().parse().unwrap();
    let memmgr = server.memmgr_pid();
    Server::signal(memmgr, "STOP");
    // Two events in turn are not folded into one.
    let (a, b) = (server.zones.join("a.txt"), server.zones.join("b.txt"));
    fs::write(&a, "").unwrap();
    for _ in 0..queue_max / 2 {
        fs::rename(&a, &b).unwrap();
        fs::rename(&b, &a).unwrap();
    }
    zones::install(&server.zones, &file("two.test."), &text("two.test.", 1));
    Server::signal(memmgr, "CONT");
    until_serial(&server, "two.test.", 1);
    assert!(server.log().contains("zone-watch-overflow"), "{}", server.log());
}
