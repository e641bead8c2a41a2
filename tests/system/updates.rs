//! What a reload does and leaves alone: zones that come, go, change, or can't be taken.

use std::path::Path;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use serde_json::{Value, json};

use crate::generations::segments;
use crate::harness::{Server, ServerOptions, until, zones};

/// Starts a server on two small zones, `one.test.` and `two.test.`, both of serial 1.
fn start() -> Server {
    Server::start(&ServerOptions::default(), |directory| {
        put(directory, "one.test.", 1);
        put(directory, "two.test.", 1);
    })
}

/// Puts a zone of this serial in place.
fn put(directory: &Path, apex: &str, serial: u32) {
    zones::install(directory, &format!("{apex}zone"), &zones::small(apex, serial, 3));
}

/// What the status says of a zone.
pub(crate) fn zone(server: &Server, apex: &str) -> Option<Value> {
    server.status()["zones"].as_array().unwrap().iter().find(|zone| zone["name"] == apex).cloned()
}

/// Runs `trine reload` with further arguments; its exit code, what it printed, and its standard error.
fn reload(server: &Server, arguments: &[&str]) -> (Option<i32>, Value, String) {
    let output = server.trine(&[&["reload", "--json"], arguments].concat());
    let printed = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code(), printed, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The response code to a question for a zone's SOA.
pub(crate) fn rcode(server: &Server, apex: &str) -> ResponseCode {
    server.wire().udp(apex, RecordType::SOA).metadata.response_code
}

#[test]
fn zones_come_change_and_go_with_their_files() {
    let server = start();
    put(&server.zones, "three.test.", 7);
    put(&server.zones, "one.test.", 2);
    std::fs::remove_file(server.zones.join("two.test.zone")).unwrap();
    let (code, printed, _) = reload(&server, &[]);
    assert_eq!(code, Some(0));
    assert_eq!(printed["generation"], 2);
    let mut changed: Vec<&str> = printed["changed"].as_array().unwrap().iter().map(|z| z.as_str().unwrap()).collect();
    changed.sort_unstable();
    assert_eq!(changed, ["one.test.", "three.test.", "two.test."]);
    assert_eq!(server.wire().serial("three.test."), Some(7));
    assert_eq!(server.wire().serial("one.test."), Some(2));
    assert_eq!(rcode(&server, "two.test."), ResponseCode::Refused);
    assert_eq!(zone(&server, "two.test."), None);
    assert_eq!(zone(&server, "three.test.").unwrap()["state"], "serving");
    // What went comes back.
    put(&server.zones, "two.test.", 9);
    server.reload();
    assert_eq!(server.wire().serial("two.test."), Some(9));
}

#[test]
fn the_last_zone_may_go_and_others_come() {
    let server = start();
    std::fs::remove_file(server.zones.join("one.test.zone")).unwrap();
    std::fs::remove_file(server.zones.join("two.test.zone")).unwrap();
    server.reload();
    assert_eq!(rcode(&server, "one.test."), ResponseCode::Refused);
    assert_eq!(server.status()["zones"], json!([]));
    put(&server.zones, "three.test.", 3);
    server.reload();
    assert_eq!(server.wire().serial("three.test."), Some(3));
}

#[test]
fn what_is_unchanged_is_not_built() {
    let server = start();
    let before = segments(&server.state);
    let (code, printed, _) = reload(&server, &[]);
    assert_eq!((code, &printed["generation"], &printed["unchanged"]), (Some(0), &json!(1), &json!(2)));
    // Touched: other times, the same octets.
    let file = std::fs::File::options().append(true).open(server.zones.join("one.test.zone")).unwrap();
    file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(5)).unwrap();
    // Written anew with the same octets: another inode.
    put(&server.zones, "two.test.", 1);
    let (code, printed, _) = reload(&server, &[]);
    assert_eq!((code, &printed["generation"], &printed["unchanged"]), (Some(0), &json!(1), &json!(2)));
    assert_eq!(printed["changed"], json!([]));
    assert_eq!(server.generation(), 1);
    assert_eq!(segments(&server.state), before);
    assert_eq!(server.log().matches("generation-built").count(), 1);
}

#[test]
fn a_reload_of_one_zone_leaves_the_others_alone() {
    let server = start();
    put(&server.zones, "one.test.", 2);
    put(&server.zones, "two.test.", 2);
    put(&server.zones, "three.test.", 2);
    let (code, printed, _) = reload(&server, &["one.test"]);
    assert_eq!((code, &printed["changed"]), (Some(0), &json!(["one.test."])));
    assert_eq!(server.wire().serial("one.test."), Some(2));
    assert_eq!(server.wire().serial("two.test."), Some(1));
    assert_eq!(zone(&server, "three.test."), None);
    // A zone that is new here can be named too.
    let (code, printed, _) = reload(&server, &["THREE.test."]);
    assert_eq!((code, &printed["changed"]), (Some(0), &json!(["three.test."])));
    server.reload();
    assert_eq!(server.wire().serial("two.test."), Some(2));
}

#[test]
fn a_zone_without_a_file_can_not_be_reloaded() {
    let server = start();
    let (code, printed, error) = reload(&server, &["nowhere.test"]);
    assert_eq!(code, Some(1));
    assert_eq!(printed["failed"][0]["name"], "nowhere.test.");
    assert!(error.contains("no file of zone nowhere.test."), "{error}");
    let (code, _, error) = reload(&server, &["a..b"]);
    assert_eq!(code, Some(1));
    assert!(error.contains("expected a zone's name, found \"a..b\""), "{error}");
    assert_eq!(server.generation(), 1);
}

#[test]
fn a_change_of_an_included_file_is_seen() {
    let server = Server::start(&ServerOptions::default(), |directory| {
        let text = format!("{}$INCLUDE hosts.include\n", zones::small("one.test.", 1, 1));
        zones::install(directory, "one.test.zone", &text);
        zones::install(directory, "hosts.include", "included A 192.0.2.1\n");
    });
    let address = |server: &Server| server.wire().udp("included.one.test.", RecordType::A).answers[0].data.to_string();
    assert_eq!(address(&server), "192.0.2.1");
    let (_, printed, _) = reload(&server, &[]);
    assert_eq!(printed["unchanged"], 1);
    zones::install(&server.zones, "hosts.include", "included A 192.0.2.2\n");
    let (_, printed, _) = reload(&server, &[]);
    assert_eq!(printed["changed"], json!(["one.test."]));
    assert_eq!(address(&server), "192.0.2.2");
    // Gone: the zone is served as it was, and its status names the file and where it is wanted.
    std::fs::remove_file(server.zones.join("hosts.include")).unwrap();
    let (code, _, error) = reload(&server, &[]);
    assert_eq!(code, Some(1));
    assert!(error.contains("hosts.include"), "{error}");
    assert_eq!(address(&server), "192.0.2.2");
    assert_eq!(zone(&server, "one.test.").unwrap()["state"], "stale");
    zones::install(&server.zones, "hosts.include", "included A 192.0.2.3\n");
    server.reload();
    assert_eq!(address(&server), "192.0.2.3");
}

#[test]
fn two_files_of_the_root_zone_are_an_error_for_that_zone_alone() {
    let server = Server::start(&ServerOptions::default(), |directory| {
        zones::install(
            directory,
            "root.zone",
            &zones::small(".", 1, 1).replace("ns..", "ns.").replace("hostmaster..", "h."),
        );
        put(directory, "one.test.", 1);
    });
    assert_eq!(server.wire().serial("."), Some(1));
    std::fs::copy(server.zones.join("root.zone"), server.zones.join("..zone")).unwrap();
    put(&server.zones, "one.test.", 2);
    let (code, printed, error) = reload(&server, &[]);
    assert_eq!(code, Some(1));
    assert_eq!(printed["failed"].as_array().unwrap().len(), 1);
    assert!(error.contains("root.zone") && error.contains("..zone"), "{error}");
    assert_eq!(server.wire().serial("one.test."), Some(2));
    assert_eq!(server.wire().serial("."), Some(1));
    let root = zone(&server, ".").unwrap();
    assert_eq!(root["state"], "stale");
    assert!(root["error"].as_str().unwrap().contains("another file"), "{root}");
    // At a start there is nothing older to serve.
    let mut server = server;
    server.stop();
    let state = server.state.with_file_name("other-state");
    let fresh = Server::start_in(&ServerOptions::default(), &server.zones, &state);
    assert_eq!(rcode(&fresh, "."), ResponseCode::ServFail);
    assert_eq!(fresh.wire().serial("one.test."), Some(2));
    assert_eq!(zone(&fresh, ".").unwrap()["state"], "broken");
    std::fs::remove_file(fresh.zones.join("root.zone")).unwrap();
    fresh.reload();
    assert_eq!(fresh.wire().serial("."), Some(1));
}

#[test]
fn a_hangup_signal_reloads() {
    let server = start();
    put(&server.zones, "one.test.", 2);
    Server::signal(server.pid(), "HUP");
    until("the change is served", || (server.wire().serial("one.test.") == Some(2)).then_some(()));
    assert_eq!(server.generation(), 2);
}

#[test]
fn b27_a_syntax_error_keeps_the_old_data_and_holds_up_no_other_zone() {
    let server = start();
    let text = zones::small("one.test.", 2, 3).replace("host1 A 192.0.2.1", "host1 A 192.0.2.one");
    let line = text.lines().position(|line| line.contains("192.0.2.one")).unwrap() + 1;
    zones::install(&server.zones, "one.test.zone", &text);
    put(&server.zones, "two.test.", 2);
    let (code, printed, error) = reload(&server, &[]);
    assert_eq!(code, Some(1));
    let place = format!("{}:{line}:9: error: ", server.zones.join("one.test.zone").display());
    assert!(error.starts_with(&place) && error.contains("192.0.2.one"), "expected {place}, found {error}");
    assert_eq!(printed["failed"][0]["name"], "one.test.");
    assert_eq!(printed["changed"], json!(["two.test."]));
    assert_eq!(server.wire().serial("one.test."), Some(1));
    assert_eq!(server.wire().serial("two.test."), Some(2));
    let one = zone(&server, "one.test.").unwrap();
    assert_eq!((&one["state"], &one["serial"]), (&json!("stale"), &json!(1)));
    assert!(one["error"].as_str().unwrap().starts_with(&place), "{one}");
    let two = zone(&server, "two.test.").unwrap();
    assert_eq!((&two["state"], &two["error"]), (&json!("serving"), &Value::Null));
    // The fault is told again at the next reload, and is over once the file is mended.
    assert_eq!(reload(&server, &[]).0, Some(1));
    put(&server.zones, "one.test.", 3);
    server.reload();
    let one = zone(&server, "one.test.").unwrap();
    assert_eq!((&one["state"], &one["serial"], &one["error"]), (&json!("serving"), &json!(3), &Value::Null));
    assert_eq!(server.wire().serial("one.test."), Some(3));
}

#[test]
fn b27_a_file_put_back_as_it_was_is_sound_again_without_a_build() {
    let server = start();
    zones::install(&server.zones, "one.test.zone", "nonsense\n");
    assert_eq!(reload(&server, &[]).0, Some(1));
    assert_eq!(server.generation(), 1);
    put(&server.zones, "one.test.", 1);
    let (code, printed, _) = reload(&server, &[]);
    assert_eq!((code, &printed["unchanged"], &printed["generation"]), (Some(0), &json!(2), &json!(1)));
    let one = zone(&server, "one.test.").unwrap();
    assert_eq!((&one["state"], &one["error"]), (&json!("serving"), &Value::Null));
}

#[test]
fn b27_a_zone_that_fails_a_check_keeps_the_old_data() {
    let server = start();
    let text = format!("{}host1 CNAME host2\n", zones::small("one.test.", 2, 3));
    zones::install(&server.zones, "one.test.zone", &text);
    put(&server.zones, "two.test.", 2);
    let (code, _, error) = reload(&server, &[]);
    assert_eq!(code, Some(1));
    assert!(error.contains("one.test.zone:") && error.contains(": error: "), "{error}");
    assert_eq!(server.wire().serial("one.test."), Some(1));
    assert_eq!(server.wire().serial("two.test."), Some(2));
    assert_eq!(zone(&server, "one.test.").unwrap()["state"], "stale");
}

#[test]
fn b27_an_unreadable_zone_directory_changes_nothing() {
    let server = start();
    let away = server.zones.with_file_name("away");
    std::fs::rename(&server.zones, &away).unwrap();
    let (code, _, error) = reload(&server, &[]);
    assert_eq!(code, Some(1));
    assert!(error.contains("reading the zone directory"), "{error}");
    assert!(server.status()["error"].as_str().unwrap().contains("reading the zone directory"));
    assert_eq!(server.wire().serial("one.test."), Some(1));
    std::fs::rename(&away, &server.zones).unwrap();
    put(&server.zones, "one.test.", 2);
    server.reload();
    assert_eq!(server.status()["error"], Value::Null);
    assert_eq!(server.wire().serial("one.test."), Some(2));
}

#[test]
fn b28_a_broken_zone_among_good_ones_answers_servfail_and_says_why() {
    let server = Server::start(&ServerOptions::default(), |directory| {
        put(directory, "one.test.", 1);
        zones::install(
            directory,
            "bad.test.zone",
            "$TTL 300\n@ SOA ns hostmaster 1 2 3 4 5\n@ NS ns\nns A 192.0.2.999\n",
        );
        put(directory, "two.test.", 1);
    });
    assert!(server.ready.starts_with("ready: 2 zones, "), "{}", server.ready);
    assert_eq!(server.wire().serial("one.test."), Some(1));
    assert_eq!(server.wire().serial("two.test."), Some(1));
    for name in ["bad.test.", "ns.bad.test.", "nothing.bad.test."] {
        let answer = server.wire().udp(name, RecordType::A);
        assert_eq!(answer.metadata.response_code, ResponseCode::ServFail, "{name}");
        assert!(answer.answers.is_empty() && answer.authorities.is_empty());
    }
    let bad = zone(&server, "bad.test.").unwrap();
    assert_eq!((&bad["state"], &bad["serial"], &bad["records"]), (&json!("broken"), &Value::Null, &json!(0)));
    let error = bad["error"].as_str().unwrap();
    assert!(error.contains("bad.test.zone:4:6: error: ") && error.contains("192.0.2.999"), "{error}");
    put(&server.zones, "bad.test.", 2);
    server.reload();
    assert_eq!(server.wire().serial("bad.test."), Some(2));
    let bad = zone(&server, "bad.test.").unwrap();
    assert_eq!((&bad["state"], &bad["error"]), (&json!("serving"), &Value::Null));
}

#[test]
fn reloads_asked_for_while_one_runs_are_all_answered_with_what_they_asked_for() {
    let server = start();
    for serial in 2..=6 {
        put(&server.zones, "one.test.", serial);
        let first = server.begin_reload();
        put(&server.zones, "two.test.", serial);
        let second = server.begin_reload();
        let third = server.begin_reload();
        server.end_reload(second);
        assert_eq!(server.wire().serial("two.test."), Some(serial));
        server.end_reload(first);
        assert_eq!(server.wire().serial("one.test."), Some(serial));
        server.end_reload(third);
    }
}

#[test]
fn zones_are_served_with_their_digest_alone_where_that_is_asked_for() {
    let sound = include_str!("../semantics/good/zonemd.zone");
    let options = ServerOptions { arguments: vec!["--zonemd".into()], ..ServerOptions::default() };
    let server = Server::start(&options, |directory| {
        zones::install(directory, "example.zone", sound);
        zones::install(directory, "one.test.zone", &zones::small("one.test.", 1, 3));
    });
    assert_eq!(server.wire().serial("example."), Some(2_018_031_900));
    let refused = zone(&server, "one.test.").unwrap();
    assert_eq!(refused["state"], "broken");
    assert!(refused["error"].as_str().unwrap().contains("[zonemd-missing]"), "{refused}");
    assert_eq!(rcode(&server, "one.test."), ResponseCode::ServFail);
    // One record more that the digest does not know of.
    zones::install(&server.zones, "example.zone", &format!("{sound}www A 192.0.2.1\n"));
    let (code, _, error) = reload(&server, &[]);
    assert!(code == Some(1) && error.contains("[zonemd-mismatch]"), "{error}");
    assert_eq!(server.wire().serial("example."), Some(2_018_031_900));
}
