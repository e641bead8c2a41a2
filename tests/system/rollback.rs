//! Generations that are kept, pinned and gone back to: B35.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Output;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use serde_json::{Value, json};

use crate::generations::segments;
use crate::harness::{Server, ServerOptions, until, zones};

/// The zone of these tests.
const ZONE: &str = "one.test.";

/// Hosts of a zone that has a group alone.
const MANY_HOSTS: usize = 3000;

/// Starts a server that keeps so many generations, on two zones of serial 1: one with so many hosts, and a small one.
fn start(keeps: &str, hosts: usize) -> Server {
    let arguments = ["--keep-generations", keeps].map(Into::into).into();
    Server::start(&ServerOptions { arguments, ..ServerOptions::default() }, |directory| {
        zones::install(directory, "one.test.zone", &zones::small(ZONE, 1, hosts));
        zones::install(directory, "two.test.zone", &zones::small("two.test.", 1, 3));
    })
}

/// Runs a command; what it printed, with `--json`.
fn run(server: &Server, arguments: &[&str]) -> (Output, Value) {
    let output = server.trine(&[arguments, &["--json"]].concat());
    let printed = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output, printed)
}

/// Runs a command that has to succeed.
fn done(server: &Server, arguments: &[&str]) -> Value {
    let (output, printed) = run(server, arguments);
    assert!(output.status.success(), "{arguments:?}: {}\n{}", String::from_utf8_lossy(&output.stderr), server.log());
    printed
}

/// Runs a command that has to be refused; why.
fn refused(server: &Server, arguments: &[&str]) -> String {
    let (output, _) = run(server, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Changes a zone.
fn update(server: &Server, zone: &str, changes: &str) -> Value {
    let file = server.state.with_extension("changes");
    std::fs::write(&file, changes).unwrap();
    done(server, &["zone", "update", zone, "--file", file.to_str().unwrap()])
}

/// The generations of a state, by number.
fn of_state(server: &Server, state: &str) -> Vec<u64> {
    let mut found: Vec<u64> =
        server.generations().into_iter().filter(|(_, is)| is == state).map(|(id, _)| id).collect();
    found.sort_unstable();
    found
}

/// Waits until the newest generation is current, and only kept ones beside; their numbers.
fn until_quiet(server: &Server) -> Vec<u64> {
    until("no generation is on its way", || {
        let generations = server.generations();
        generations.iter().all(|(_, state)| state == "current" || state == "kept").then_some(())
    });
    of_state(server, "kept")
}

/// The texts that a name has, asked so often that every process answers.
fn texts(server: &Server, name: &str) -> Option<BTreeSet<String>> {
    let ask = || {
        let answer = server.wire().udp(name, RecordType::TXT);
        let texts = answer.answers.iter().map(|record| record.data.to_string()).collect();
        (answer.metadata.response_code == ResponseCode::NoError).then_some(texts)
    };
    let first = ask();
    (0..16).for_each(|_| assert_eq!(ask(), first, "{name}: processes differ"));
    first
}

/// One text.
fn text(text: &str) -> Option<BTreeSet<String>> {
    Some(BTreeSet::from([text.to_owned()]))
}

#[test]
fn b35_the_data_of_before_is_served_again_with_a_serial_that_goes_forward() {
    for hosts in [3, MANY_HOSTS] {
        let server = start("2", hosts);
        update(&server, ZONE, "delete host0\nadd new 300 TXT here\ndelete host1 TXT\nadd host1 300 TXT other\n");
        update(&server, ZONE, "add newer 300 TXT here\nadd @ 300 TXT apex\n");
        assert_eq!(until_quiet(&server), [1, 2]);
        let rolled_back = done(&server, &["generation", "rollback", "1"]);
        assert_eq!((&rolled_back["generation"], &rolled_back["data_of"]), (&json!(4), &json!(1)));
        let zones = rolled_back["zones"].as_array().unwrap();
        assert_eq!(zones.len(), 1);
        assert_eq!((&zones[0]["name"], &zones[0]["from"], &zones[0]["to"]), (&json!(ZONE), &json!(3), &json!(4)));
        assert_eq!(
            (&zones[0]["added"], &zones[0]["removed"], &zones[0]["retransfer"]),
            (&json!(3), &json!(4), &json!(false))
        );
        // By the time the command ends, in every process.
        for (name, expected) in [
            ("host0.one.test.", text("serial 1")),
            ("host1.one.test.", text("serial 1")),
            ("new.one.test.", None),
            ("newer.one.test.", None),
            ("one.test.", Some(BTreeSet::new())),
        ] {
            assert_eq!(texts(&server, name), expected, "{name}");
        }
        assert_eq!(server.wire().serial(ZONE), Some(4));
        assert_eq!(server.wire().serial("two.test."), Some(1));
        // What is in the journal of it is a change like others.
        let diff = done(&server, &["generation", "diff", "3", "4"]);
        assert_eq!((diff.as_array().unwrap().len(), &diff[0]["from"], &diff[0]["to"]), (1, &json!(3), &json!(4)));
        assert_eq!(diff[0]["added"].as_array().unwrap().len(), 4);
        // And forth again, to what was rolled back from; then there is nothing left to do.
        done(&server, &["generation", "rollback", "3"]);
        assert_eq!(texts(&server, "newer.one.test."), text("here"));
        assert_eq!(server.wire().serial(ZONE), Some(5));
        let again = done(&server, &["generation", "rollback", "3"]);
        assert_eq!(again["zones"].as_array().unwrap().len(), 0, "{again}");
        assert_eq!(server.wire().serial(ZONE), Some(5));
    }
}

#[test]
fn b35_a_file_zone_stays_rolled_back_until_its_file_changes() {
    let directory = tempfile::tempdir().unwrap();
    let (files, state) = (directory.path().join("zones"), directory.path().join("state"));
    std::fs::create_dir(&files).unwrap();
    let install = |serial| zones::install(&files, "one.test.zone", &zones::small(ZONE, serial, 3));
    install(1);
    let options =
        ServerOptions { arguments: ["--keep-generations", "1"].map(Into::into).into(), ..ServerOptions::default() };
    let mut server = Server::start_in(&options, &files, &state);
    install(5);
    server.reload();
    assert_eq!(until_quiet(&server), [1]);
    done(&server, &["generation", "rollback", "1"]);
    assert_eq!((texts(&server, "host0.one.test."), server.wire().serial(ZONE)), (text("serial 1"), Some(6)));
    server.reload();
    assert_eq!((texts(&server, "host0.one.test."), server.wire().serial(ZONE)), (text("serial 1"), Some(6)));
    server.stop();
    let server = Server::start_in(&options, &files, &state);
    server.reload();
    assert_eq!((texts(&server, "host0.one.test."), server.wire().serial(ZONE)), (text("serial 1"), Some(6)));
    install(7);
    server.reload();
    assert_eq!((texts(&server, "host0.one.test."), server.wire().serial(ZONE)), (text("serial 7"), Some(7)));
}

#[test]
fn b35_a_signed_zone_goes_back_with_its_serial_alone() {
    let [old, new, ..] = zones::ROOT_SERIALS;
    let options =
        ServerOptions { arguments: ["--keep-generations", "1"].map(Into::into).into(), ..ServerOptions::default() };
    let server = Server::start(&options, |directory| {
        zones::install(directory, "root.zone", &zones::root(old));
        zones::install(directory, "one.test.zone", &zones::small(ZONE, 1, 3));
    });
    let before = server.wire().udp_dnssec(".", RecordType::SOA).answers;
    zones::install(&server.zones, "root.zone", &zones::root(new));
    zones::install(&server.zones, "one.test.zone", &zones::small(ZONE, 2, 3));
    server.reload();
    assert_eq!(until_quiet(&server), [1]);
    let after = server.wire().udp_dnssec(".", RecordType::SOA).answers;
    let error = refused(&server, &["generation", "rollback", "1"]);
    assert!(error.contains(". is signed") && error.contains("--keep-serial"), "{error}");
    // All of them or none.
    assert_eq!(server.wire().serial(ZONE), Some(2));
    assert_eq!(server.wire().udp_dnssec(".", RecordType::SOA).answers, after);
    let (output, rolled_back) = run(&server, &["generation", "rollback", "1", "--zone", ".", "--keep-serial"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(rolled_back["zones"].as_array().unwrap().len(), 1);
    let root = &rolled_back["zones"][0];
    assert_eq!((root["to"].to_string().as_str(), &root["retransfer"]), (old, &json!(true)));
    assert_eq!(server.wire().udp_dnssec(".", RecordType::SOA).answers, before);
    assert_eq!(server.wire().serial(ZONE), Some(2));
    assert!(server.log().contains("rollback-asked"));
    // An unsigned zone beside it goes forward.
    let rolled_back = done(&server, &["generation", "rollback", "2", "--zone", ZONE]);
    assert_eq!(rolled_back["zones"], json!([]));
}

#[test]
fn b35_one_zone_may_go_back_without_the_others() {
    let server = start("3", 3);
    update(&server, ZONE, "add new 300 TXT here\n");
    update(&server, "two.test.", "add new 300 TXT here\n");
    until_quiet(&server);
    done(&server, &["generation", "rollback", "1", "--zone", "two.test"]);
    assert_eq!(texts(&server, "new.two.test."), None);
    assert_eq!(texts(&server, "new.one.test."), text("here"));
    assert_eq!((server.wire().serial(ZONE), server.wire().serial("two.test.")), (Some(2), Some(3)));
    // Who is there now and was not then is left alone, unless it is asked for.
    zones::install(&server.zones, "three.test.zone", &zones::small("three.test.", 1, 3));
    server.reload();
    until_quiet(&server);
    let error = refused(&server, &["generation", "rollback", "3", "--zone", "three.test"]);
    assert!(error.contains("three.test. is not served both now and in generation 3"), "{error}");
    done(&server, &["generation", "rollback", "3"]);
    assert_eq!(server.wire().serial("three.test."), Some(1));
    let error = refused(&server, &["generation", "rollback", "3", "--zone", "a..b"]);
    assert!(error.contains("a..b"), "{error}");
}

#[test]
fn b35_what_is_not_kept_can_not_be_gone_back_to() {
    let server = start("0", 3);
    update(&server, ZONE, "add new 300 TXT here\n");
    server.until_settled(2);
    let error = refused(&server, &["generation", "rollback", "1"]);
    assert!(error.contains("generation 1 is neither served nor kept") && error.contains("keep-generations"), "{error}");
    assert!(refused(&server, &["generation", "pin", "1"]).contains("generation 1 is neither served nor kept"));
    assert!(refused(&server, &["generation", "unpin", "2"]).contains("generation 2 is not pinned"));
    assert!(refused(&server, &["generation", "rollback", "99"]).contains("generation 99"));
    assert_eq!(texts(&server, "new.one.test."), text("here"));
    assert_eq!(server.generation(), 2);
}

/// The segments of what is alive and kept, once nothing is on its way, have to be all that there are: how many files.
fn files(server: &Server) -> BTreeSet<PathBuf> {
    until_quiet(server);
    segments(&server.state)
}

#[test]
fn generations_are_kept_and_dropped_with_their_files() {
    let server = start("2", MANY_HOSTS);
    for serial in 2..=6 {
        zones::install(&server.zones, "one.test.zone", &zones::small(ZONE, serial, MANY_HOSTS));
        server.reload();
    }
    assert_eq!(until_quiet(&server), [4, 5]);
    let kept = files(&server);
    let mapped = |pid: i32| {
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
        let lines = maps.lines().filter(|line| line.contains(".segment"));
        lines.filter_map(|line| line.rsplit('/').next()).map(str::to_owned).collect::<BTreeSet<String>>()
    };
    // No reader has the older ones mapped.
    for pid in server.auth_pids() {
        let mapped = mapped(pid);
        assert!(mapped.len() < kept.len(), "{mapped:?} of {kept:?}");
        assert!(mapped.iter().all(|name| !name.ends_with("(deleted)")), "{mapped:?}");
    }
    let status = done(&server, &["generation", "pin", "4"]);
    assert_eq!((&status["id"], &status["pinned"], &status["state"]), (&json!(4), &json!(true), &json!("kept")));
    for serial in 7..=9 {
        zones::install(&server.zones, "one.test.zone", &zones::small(ZONE, serial, MANY_HOSTS));
        server.reload();
    }
    assert_eq!(until_quiet(&server), [4, 7, 8]);
    let with_pinned = files(&server);
    let rolled_back = done(&server, &["generation", "rollback", "4"]);
    assert_eq!(rolled_back["data_of"], 4);
    assert_eq!((texts(&server, "host2999.one.test."), server.wire().serial(ZONE)), (text("serial 4"), Some(10)));
    done(&server, &["generation", "unpin", "4"]);
    assert_eq!(until_quiet(&server), [8, 9]);
    let without = files(&server);
    assert!(with_pinned.difference(&without).count() >= 1, "{with_pinned:?} {without:?}");
    for generation in [4, 5, 6, 7] {
        assert!(
            refused(&server, &["generation", "rollback", &generation.to_string()]).contains("neither served nor kept")
        );
    }
    // The current one may be pinned before it is followed.
    let current = server.generation();
    done(&server, &["generation", "pin", &current.to_string()]);
    for number in 0..4 {
        update(&server, ZONE, &format!("add n{number} 300 TXT x\n"));
    }
    assert_eq!(until_quiet(&server), [current, current + 2, current + 3]);
    done(&server, &["generation", "rollback", &current.to_string(), "--zone", ZONE]);
    assert_eq!(texts(&server, "n0.one.test."), None);
}

#[test]
fn a_pinned_generation_outlives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let (files, state) = (directory.path().join("zones"), directory.path().join("state"));
    std::fs::create_dir(&files).unwrap();
    zones::install(&files, "one.test.zone", &zones::small(ZONE, 1, 3));
    let mut server = Server::start_in(&ServerOptions::default(), &files, &state);
    done(&server, &["generation", "pin", "1"]);
    update(&server, ZONE, "add new 300 TXT here\n");
    assert_eq!(until_quiet(&server), [1]);
    server.stop();
    let server = Server::start_in(&ServerOptions::default(), &files, &state);
    assert_eq!(of_state(&server, "kept"), [1], "a pin was forgotten");
    done(&server, &["generation", "rollback", "1"]);
    assert_eq!(texts(&server, "new.one.test."), None);
}

#[test]
fn b35_a_rollback_waits_its_turn_behind_a_switch() {
    let arguments = ["--keep-generations", "2", "--switch-timeout", "60s", "--stall-timeout", "60s"];
    let options = ServerOptions { arguments: arguments.map(Into::into).into(), ..ServerOptions::default() };
    let server = Server::start(&options, |directory| {
        zones::install(directory, "one.test.zone", &zones::small(ZONE, 1, 3));
    });
    update(&server, ZONE, "add a 300 TXT here\n");
    assert_eq!(until_quiet(&server), [1]);
    let stopped = server.auth_pids()[0];
    Server::signal(stopped, "STOP");
    let file = server.state.with_extension("changes");
    std::fs::write(&file, "add b 300 TXT here\n").unwrap();
    done(&server, &["zone", "update", ZONE, "--file", file.to_str().unwrap(), "--wait", "built"]);
    let rolled_back = std::thread::scope(|scope| {
        let rollback = scope.spawn(|| done(&server, &["generation", "rollback", "1"]));
        until("it was asked for", || server.log().contains("rollback-asked").then_some(()));
        Server::signal(stopped, "CONT");
        rollback.join().unwrap()
    });
    assert_eq!((&rolled_back["zones"][0]["from"], &rolled_back["zones"][0]["to"]), (&json!(3), &json!(4)));
    assert_eq!((texts(&server, "a.one.test."), texts(&server, "b.one.test.")), (None, None));
}
