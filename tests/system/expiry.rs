//! Zones that are told over the bus to expire, as whoever keeps their time does: SERVFAIL until their source is taken again.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use serde_json::{Value, json};

use crate::generations::segments;
use crate::harness::{Server, ServerOptions, until, zones};
use crate::updates::zone;

/// Puts a zone of this serial in place.
fn put(directory: &std::path::Path, apex: &str, serial: u32) {
    zones::install(directory, &format!("{apex}zone"), &zones::small(apex, serial, 3));
}

/// Runs a command with `--json`; its exit code, what it printed, and its standard error.
fn run(server: &Server, arguments: &[&str]) -> (Option<i32>, Value, String) {
    let output = server.trine(&[arguments, &["--json"]].concat());
    let printed = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code(), printed, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// One of its zones expires, which has to succeed.
fn expire(server: &Server) {
    let (code, printed, error) = run(server, &["zone", "expire", "ONE.test"]);
    assert_eq!((code, &printed["changed"]), (Some(0), &json!(["one.test."])), "{error}");
}

/// Checks that the zone is SERVFAIL with EDE 24, over UDP and TCP, and its siblings go on.
fn assert_expired(server: &Server) {
    for name in ["one.test.", "host0.one.test.", "nothing.one.test."] {
        for answer in [server.wire().udp(name, RecordType::A), server.wire().tcp(name, RecordType::A, true)] {
            assert_eq!(answer.metadata.response_code, ResponseCode::ServFail, "{name}");
            assert!(answer.answers.is_empty() && answer.authorities.is_empty(), "{name}");
            let edns = answer.edns.as_ref().unwrap();
            let error = edns.option(EdnsCode::Unknown(15));
            assert_eq!(error, Some(&EdnsOption::Unknown(15, vec![0, 24])), "{name}");
        }
    }
    assert_eq!(server.wire().serial("two.test."), Some(1));
    assert_eq!(server.wire().serial("below.one.test."), Some(1));
    assert_eq!(zone(server, "one.test.").unwrap()["state"], "expired");
    assert_eq!(zone(server, "two.test.").unwrap()["state"], "serving");
}

#[test]
fn b57_an_expired_zone_is_servfail_until_it_is_refreshed() {
    let mut server = Server::start(&ServerOptions::default(), |directory| {
        for apex in ["one.test.", "two.test.", "below.one.test."] {
            put(directory, apex, 1);
        }
    });
    expire(&server);
    assert_expired(&server);
    // What leaves the file as it was leaves the zone as it was.
    let (code, printed, _) = run(&server, &["reload"]);
    assert_eq!((code, &printed["changed"], &printed["unchanged"]), (Some(0), &json!([]), &json!(3)));
    assert_expired(&server);
    server.stop();
    let server = Server::start_in(&ServerOptions::default(), &server.zones, &server.state);
    assert!(server.ready.starts_with("ready: 2 zones, "), "{}", server.ready);
    assert_expired(&server);
    // memmgr alone.
    let memmgr = server.memmgr_pid();
    Server::signal(memmgr, "KILL");
    until("memmgr is another", || {
        let status: Value = serde_json::from_slice(&server.trine(&["status", "--json"]).stdout).ok()?;
        (status["memmgr_pid"] != memmgr && !status["memmgr_pid"].is_null()).then_some(())
    });
    assert_expired(&server);
    // By name its source is taken as it is, and no group is written.
    let before = segments(&server.state);
    let (code, printed, error) = run(&server, &["reload", "one.test"]);
    assert_eq!((code, &printed["changed"]), (Some(0), &json!(["one.test."])), "{error}");
    assert_eq!(server.wire().serial("one.test."), Some(1));
    assert_eq!(zone(&server, "one.test.").unwrap()["state"], "serving");
    let is_new = |path: &&_| !before.contains(*path);
    assert!(segments(&server.state).iter().filter(is_new).count() <= 1, "the zone directory and nothing else");
    // A changed file refreshes it, a broken one does not.
    expire(&server);
    zones::install(&server.zones, "one.test.zone", "@ SOA\n");
    let (code, _, error) = run(&server, &["reload", "one.test"]);
    assert!(code == Some(1) && error.contains("one.test.zone:1:"), "{error}");
    assert_expired(&server);
    assert_ne!(zone(&server, "one.test.").unwrap()["error"], Value::Null);
    put(&server.zones, "one.test.", 2);
    server.reload();
    assert_eq!(server.wire().serial("one.test."), Some(2));
    let one = zone(&server, "one.test.").unwrap();
    assert_eq!((&one["state"], &one["error"]), (&json!("serving"), &Value::Null));
}

#[test]
fn b57_a_zone_that_is_not_served_can_not_expire() {
    let server = Server::start(&ServerOptions::default(), |directory| put(directory, "one.test.", 1));
    for (name, why) in [("nowhere.test", "zone nowhere.test. is not served here"), ("a..b", "expected a zone's name")] {
        let (code, printed, error) = run(&server, &["zone", "expire", name]);
        assert_eq!((code, printed), (Some(1), Value::Null), "{error}");
        assert!(error.contains(why), "{error}");
    }
    assert_eq!(server.trine(&["zone", "expire"]).status.code(), Some(2));
    assert_eq!(server.generation(), 1);
}
