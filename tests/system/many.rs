//! Many small zones: what a start, a restart and a change of one of them cost, and that all of them are seen.
//!
//! `TRINE_MANY_ZONES` says how many; bounds that are promised for 100,000 are asserted for any number up to that.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use serde_json::Value;

use crate::generations::segments;
use crate::harness::{Faults, Server, ServerOptions, assert_within, heavy, processes, setting, until, zones};
use crate::updates::{rcode, zone};

/// How many zones there are by default.
const ZONES: u64 = 3_000;

/// A restart without change is to answer within this; the rest of the bound is the start of processes.
const RESTART_MAX: Duration = Duration::from_millis(60);

/// How many restarts there are at most until one is within its bound.
const RESTARTS_MAX: usize = 40;

/// Mappings of segments in a process stay below this, however many zones there are.
const MAPPINGS_MAX: usize = 100;

/// A zone's apex by its number.
fn apex(number: u64) -> String {
    format!("zone{number}.many.test.")
}

/// A zone of ten records.
fn ten_records(apex: &str, serial: u32) -> String {
    let mut text = format!("$ORIGIN {apex}\n$TTL 3600\n@ SOA ns1 hostmaster {serial} 7200 3600 1209600 3600\n");
    text.push_str("@ NS ns1\n@ NS ns2\n@ MX 10 mail\n@ A 192.0.2.1\n");
    for host in ["ns1", "ns2", "mail", "www"] {
        writeln!(text, "{host} A 192.0.2.{}", serial % 256).unwrap();
    }
    text.push_str("www AAAA 2001:db8::1\n");
    text
}

/// Puts a zone in place.
fn put(directory: &Path, number: u64, serial: u32) {
    zones::install(directory, &format!("{}zone", apex(number)), &ten_records(&apex(number), serial));
}

/// Writes every zone, and one more that is broken.
fn fill(directory: &Path, count: u64) {
    for number in 0..count {
        std::fs::write(directory.join(format!("{}zone", apex(number))), ten_records(&apex(number), 1)).unwrap();
    }
    std::fs::write(directory.join("broken.many.test.zone"), "@ SOA ns hostmaster 1 2 3 4\n").unwrap();
}

/// Segment files that a process has mapped.
fn mappings(pid: i32) -> usize {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    maps.lines().filter(|line| line.ends_with(".segment")).count()
}

/// `trine reload --json`, and how long it took.
fn reload(server: &Server, arguments: &[&str]) -> (Value, Duration) {
    let began = Instant::now();
    (server.json(&[&["reload"], arguments].concat()), began.elapsed())
}

/// The octets of files in a folder of the state directory that were not there before, and how many those are.
fn written(state: &Path, folder: &str, before: &[std::ffi::OsString]) -> (u64, u64) {
    let entries = std::fs::read_dir(state.join(folder)).unwrap().map(Result::unwrap);
    let new = entries.filter(|entry| !before.contains(&entry.file_name()));
    new.fold((0, 0), |(octets, files), entry| (octets + entry.metadata().unwrap().len(), files + 1))
}

/// The names in a folder of the state directory.
fn names(state: &Path, folder: &str) -> Vec<std::ffi::OsString> {
    std::fs::read_dir(state.join(folder)).unwrap().map(|entry| entry.unwrap().file_name()).collect()
}

#[test]
fn b40_many_zones_are_packed_and_one_costs_what_it_is() {
    let _heavy = heavy();
    let count = setting("TRINE_MANY_ZONES", ZONES);
    let server = Server::start(&ServerOptions::default(), |directory| fill(directory, count));
    println!("{count} zones ready after {:?}", server.ready_after);
    let ready = server.ready.replace(',', "");
    assert!(ready.starts_with(&format!("ready: {count} zones {} records ", count * 10)), "{ready}");
    for pid in server.auth_pids() {
        assert!((1..MAPPINGS_MAX).contains(&mappings(pid)), "{} mappings", mappings(pid));
    }
    let all: u64 = segments(&server.state).iter().map(|path| path.metadata().unwrap().len()).sum();
    let wire = server.wire();

    // Changed: its group and its part of the catalogue. 64 of each hold all zones; twice that leaves room for uneven ones.
    let before = (names(&server.state, "segments"), names(&server.state, "catalogue"));
    put(&server.zones, 7, 2);
    let (printed, took) = reload(&server, &[]);
    println!("one changed: {took:?}");
    assert_eq!(printed["changed"], serde_json::json!([apex(7)]));
    assert_eq!(printed["unchanged"], count - 1);
    assert_eq!(wire.serial(&apex(7)), Some(2));
    let (octets, files) = written(&server.state, "segments", &before.0);
    println!("one changed: {octets} octets in {files} segments written, of {all}");
    assert!(files == 1 && octets < all / 32, "{octets} octets in {files} files, of {all}");
    let (octets, files) = written(&server.state, "catalogue", &before.1);
    assert!(files == 1 && octets < 1000 + count * 400 / 32, "{octets} octets in {files} files of the catalogue");

    // Added and removed: besides an entry of the zone directory.
    let before = names(&server.state, "segments");
    put(&server.zones, count, 3);
    let (printed, took) = reload(&server, &[&apex(count)]);
    println!("one added: {took:?}");
    assert_eq!(printed["changed"], serde_json::json!([apex(count)]));
    assert_eq!(wire.serial(&apex(count)), Some(3));
    let (octets, files) = written(&server.state, "segments", &before);
    assert!(files == 2 && octets < 8192 + all / 32, "{octets} octets in {files} files, of {all}");
    std::fs::remove_file(server.zones.join(format!("{}zone", apex(count)))).unwrap();
    let (printed, took) = reload(&server, &[&apex(count)]);
    println!("one removed: {took:?}");
    assert_eq!(printed["changed"], serde_json::json!([apex(count)]));
    assert_eq!(rcode(&server, &apex(count)), ResponseCode::Refused);
    for number in [0, 7, count - 1] {
        assert_eq!(wire.udp(&format!("www.{}", apex(number)), RecordType::AAAA).answers.len(), 1, "{number}");
    }
}

#[test]
fn b18_b27_b28_among_many_zones_each_is_seen() {
    let _heavy = heavy();
    let count = setting("TRINE_MANY_ZONES", ZONES);
    let server = Server::start(&ServerOptions::default(), |directory| fill(directory, count));
    let status = server.status();
    let listed = status["zones"].as_array().unwrap();
    assert_eq!(listed.len() as u64, count + 1);
    let serving = listed.iter().filter(|zone| zone["state"] == "serving" && zone["records"] == 10).count();
    assert_eq!(serving as u64, count);
    assert_eq!(rcode(&server, "broken.many.test."), ResponseCode::ServFail);
    let broken = zone(&server, "broken.many.test.").unwrap();
    assert!(broken["error"].as_str().unwrap().contains("broken.many.test.zone:1:"), "{broken}");
    // One that fails keeps what it had, and the other's update goes through.
    zones::install(&server.zones, &format!("{}zone", apex(3)), "@ SOA\n");
    put(&server.zones, 4, 9);
    let output = server.trine(&["reload"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&format!("{}zone:1:", apex(3))), "{said}");
    assert_eq!(server.wire().serial(&apex(3)), Some(1));
    assert_eq!(server.wire().serial(&apex(4)), Some(9));
    assert_eq!(zone(&server, &apex(3)).unwrap()["state"], "stale");
}

#[test]
fn b34_a_restart_of_many_zones_answers_at_once() {
    let test = "b34_a_restart_of_many_zones_answers_at_once";
    let _heavy = heavy();
    let count = setting("TRINE_MANY_ZONES", ZONES);
    let directory = tempfile::tempdir().unwrap();
    let (files, state) = (directory.path().join("zones"), directory.path().join("state"));
    std::fs::create_dir(&files).unwrap();
    fill(&files, count);
    Server::start_in(&ServerOptions::default(), &files, &state).stop();
    // What is promised is what a start costs, not what else the machine does: one start within the bound shows it.
    let restart = || {
        let mut server = Server::start_in(&ServerOptions::default(), &files, &state);
        assert_eq!(server.wire().serial(&apex(count - 1)), Some(1));
        let ready_after = server.ready_after;
        server.stop();
        ready_after
    };
    let mut took = Duration::MAX;
    for _ in 0..RESTARTS_MAX {
        took = took.min(restart());
        if took <= RESTART_MAX {
            break;
        }
    }
    assert_within(RESTART_MAX, took, &format!("ready after a restart with {count} zones"));
    let Some(faults) = Faults::new(test) else { return };
    for point in ["source-read", "build-segment-written"] {
        faults.arm(point, "kill");
    }
    // The broken one alone is read again, since nothing is known of how it looked when it was sound.
    std::fs::remove_file(files.join("broken.many.test.zone")).unwrap();
    faults.disarm("build-segment-written");
    let server = Server::start_in(&faults.options(&[]), &files, &state);
    let (printed, took) = reload(&server, &[]);
    println!("a reload without change: {took:?}");
    assert_eq!(printed["unchanged"], count);
    assert!(faults.is_armed("source-read"), "a zone file was parsed");
}

#[test]
fn what_asks_before_the_catalogue_is_read_is_answered_after() {
    let Some(faults) = Faults::new("what_asks_before_the_catalogue_is_read_is_answered_after") else { return };
    let directory = tempfile::tempdir().unwrap();
    let (files, state) = (directory.path().join("zones"), directory.path().join("state"));
    std::fs::create_dir(&files).unwrap();
    fill(&files, 10);
    Server::start_in(&ServerOptions::default(), &files, &state).stop();
    faults.arm("catalogue-read", "stall 1500");
    let server = Server::start_in(&faults.options(&[]), &files, &state);
    let began = Instant::now();
    assert_eq!(server.wire().serial(&apex(1)), Some(1));
    assert!(server.ready.starts_with("ready: 10 zones, 100 records, generation 1, "), "{}", server.ready);
    put(&files, 1, 2);
    assert_eq!(server.json(&["generation", "list"])[0]["id"], 1);
    assert!(began.elapsed() < Duration::from_millis(1500), "the test came too late");
    server.trine(&["reload"]);
    assert_eq!(server.wire().serial(&apex(1)), Some(2));
    assert_eq!(server.status()["zones"].as_array().unwrap().len(), 11);
    // Ended before the catalogue is read, it loses nothing.
    drop(server);
    faults.arm("catalogue-read", "stall 5000");
    Server::start_in(&faults.options(&[]), &files, &state).stop();
    let server = Server::start_in(&ServerOptions::default(), &files, &state);
    assert_eq!(server.status()["zones"].as_array().unwrap().len(), 11);
    assert_eq!(server.wire().serial(&apex(1)), Some(2));
    assert_eq!(server.generation(), 2);
}

#[test]
fn a_rewrite_in_the_tick_of_its_stamp_is_found() {
    let server = Server::start(&ServerOptions::default(), |directory| put(directory, 1, 1));
    for serial in 2..=9 {
        let file = server.zones.join(format!("{}zone", apex(1)));
        let times = std::fs::metadata(&file).unwrap().modified().unwrap();
        // In place, of the same length, and with the time of modification put back.
        std::fs::write(&file, ten_records(&apex(1), serial)).unwrap();
        std::fs::File::options().write(true).open(&file).unwrap().set_modified(times).unwrap();
        server.reload();
        assert_eq!(server.wire().serial(&apex(1)), Some(serial));
    }
}

#[test]
fn how_far_a_load_is_can_be_seen() {
    let Some(faults) = Faults::new("how_far_a_load_is_can_be_seen") else { return };
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("notify");
    let manager = std::os::unix::net::UnixDatagram::bind(&socket).unwrap();
    manager.set_nonblocking(true).unwrap();
    let mut options = faults.options(&[]);
    options.environment.push(("NOTIFY_SOCKET".into(), socket.to_str().unwrap().to_owned()));
    let mut said = String::new();
    let mut hear = |wanted: &str| {
        let mut message = [0; 1024];
        until(wanted, || {
            while let Ok(length) = manager.recv(&mut message) {
                said.push_str(&String::from_utf8_lossy(&message[..length]));
            }
            said.contains(wanted).then_some(())
        });
    };
    let mut server = Server::start(&options, |directory| fill(directory, 20));
    hear("READY=1");
    hear("STATUS=serving 20 zones, 200 records, generation 1");
    assert_eq!(server.status()["loads"], serde_json::json!([]));
    faults.arm("source-read", "stall 1000");
    (0..5).for_each(|number| put(&server.zones, number, 2));
    let reload = server.begin_reload();
    let load = until("a load is shown", || {
        let status = server.status();
        status["loads"].as_array().unwrap().iter().find(|load| load["zones"] != 0).cloned()
    });
    // Those that changed, and the broken one; and those that were written so shortly before the start that their looks do not tell.
    let zones = load["zones"].as_u64().unwrap();
    assert!((6..=21).contains(&zones), "{load}");
    assert!(load["zones_done"].as_u64() < Some(zones) && load["octets"].as_u64() > Some(1000), "{load}");
    assert!(load["since_unix"].as_u64() > Some(1_000_000_000), "{load}");
    assert!(String::from_utf8_lossy(&server.trine(&["status"]).stdout).contains(&format!(" of {zones} zones, ")));
    hear("STATUS=loading zones: ");
    reload.wait_with_output().unwrap();
    hear("generation 2");
    assert_eq!(server.status()["loads"], serde_json::json!([]));
    server.stop();
    hear("STOPPING=1");
    assert!(processes::children(server.pid()).is_empty());
}
