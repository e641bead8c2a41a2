//! Deaths of memmgr in each place of a rotation, and restarts of everything: what is served meanwhile, and after.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use consumers::reader::Reader;
use memmgr::manifest::{Loaded, Manifest, ManifestBody, StateDir};
use serde_json::{Value, json};

use crate::generations::segments;
use crate::harness::load::{Reference, Stream};
use crate::harness::{Faults, Server, ServerOptions, assert_within, heavy, processes, setting, until, zones};
use crate::updates::zone;

/// The zone of these tests: every RRset carries its serial.
const FILE: &str = "load.test.zone";

/// Its name.
const ZONE: &str = "load.test.";

/// How many queries a second are asked while memmgr dies.
const RATE: u64 = 300;

/// Starts a server on version 1 of the zone.
fn start(options: &ServerOptions) -> Server {
    Server::start(options, |directory| zones::install(directory, FILE, &zones::carrying(1)))
}

/// Puts a version of the zone in place.
fn install(server: &Server, serial: u32) {
    zones::install(&server.zones, FILE, &zones::carrying(serial));
}

/// Questions and right answers of versions 1 to 3.
fn reference() -> &'static Arc<Reference> {
    static REFERENCE: OnceLock<Arc<Reference>> = OnceLock::new();
    REFERENCE.get_or_init(|| {
        let server = start(&ServerOptions::default());
        let mut reference = Reference::new(zones::carrying_questions());
        for serial in 1..=3 {
            install(&server, serial);
            server.reload();
            reference.learn(server.address);
        }
        Arc::new(reference)
    })
}

/// What the manifest in a state directory says.
pub(crate) fn manifest(state: &std::path::Path) -> ManifestBody {
    match Manifest::new(StateDir::new(state)).load().unwrap() {
        Loaded::Newest(body) => body,
        other => panic!("no sound manifest: {other:?}"),
    }
}

/// The files that the manifest names.
pub(crate) fn named(state: &std::path::Path) -> BTreeSet<PathBuf> {
    manifest(state).layers().map(|layer| state.join("segments").join(&layer.file)).collect()
}

/// How often an event was logged of a generation.
fn logged(server: &Server, event: &str, generation: u64) -> usize {
    let field = format!("generation={generation} ");
    let log = server.log();
    // The event's name comes before the fields or after them.
    log.lines().map(|line| format!("{line} ")).filter(|line| line.contains(event) && line.contains(&field)).count()
}

/// Waits until another memmgr answers than this one.
fn until_memmgr_is_back(server: &Server, before: i32) {
    until("a new memmgr answers", || (server.memmgr_pid() != before).then_some(()));
}

/// Kills memmgr at a fault point of the rotation to version 2 and checks everything that has to hold then. `builds` is how often
/// version 2 is built: again, if no manifest named it.
fn memmgr_dies_at(test: &str, point: &str, builds: usize) {
    let Some(faults) = Faults::new(test) else { return };
    let server = start(&faults.options(&[]));
    let (auth, memmgr) = (server.auth_pids(), server.memmgr_pid());
    let stream = Stream::start(server.address, reference(), RATE);
    faults.arm(point, "kill");
    install(&server, 2);
    let reload = server.begin_reload();
    faults.until_passed(point);
    until_memmgr_is_back(&server, memmgr);
    // Whether the command had its answer depends on the place; it does not hang.
    reload.wait_with_output().unwrap();
    until("version 2 is served", || (server.wire().serial(ZONE) == Some(2)).then_some(()));
    server.until_settled(2);
    assert_eq!(logged(&server, "generation-built", 2), builds, "{}", server.log());
    assert_eq!(segments(&server.state), named(&server.state), "orphans are left");
    assert_eq!(manifest(&server.state).generation, 2);
    install(&server, 3);
    server.reload();
    assert_eq!(server.wire().serial(ZONE), Some(3));
    server.until_settled(3);
    assert_eq!(server.auth_pids(), auth, "readers were not adopted");
    assert_eq!(server.status()["kills"], json!([]));
    let log = stream.stop();
    log.assert_right();
    assert_eq!(log.unanswered(), 0, "of {} queries", log.asked.len());
}

#[test]
fn b32_memmgr_dies_with_a_segment_written() {
    memmgr_dies_at("b32_memmgr_dies_with_a_segment_written", "build-segment-written", 1);
}

#[test]
fn b32_memmgr_dies_before_the_manifest() {
    memmgr_dies_at("b32_memmgr_dies_before_the_manifest", "memmgr-before-manifest", 2);
}

#[test]
fn b32_memmgr_dies_between_manifest_and_announcement() {
    memmgr_dies_at("b32_memmgr_dies_between_manifest_and_announcement", "memmgr-after-manifest", 1);
}

#[test]
fn b32_memmgr_dies_at_the_announcement() {
    memmgr_dies_at("b32_memmgr_dies_at_the_announcement", "memmgr-announce", 1);
}

#[test]
fn b32_memmgr_dies_before_the_old_files_are_unlinked() {
    memmgr_dies_at("b32_memmgr_dies_before_the_old_files_are_unlinked", "memmgr-retire", 1);
}

#[test]
fn b32_memmgr_dies_while_one_reader_lags() {
    let Some(faults) = Faults::new("b32_memmgr_dies_while_one_reader_lags") else { return };
    let server = start(&faults.options(&[]));
    let (auth, memmgr) = (server.auth_pids(), server.memmgr_pid());
    let stream = Stream::start(server.address, reference(), RATE);
    faults.arm("reader-switch", "stall 2000");
    install(&server, 2);
    let reload = server.begin_reload();
    until("one has acknowledged", || {
        let status = server.status();
        let consumers = status["consumers"].as_array().unwrap();
        let mut auth = consumers.iter().filter(|consumer| consumer["role"] == "auth");
        auth.any(|consumer| consumer["generation"] == 2).then_some(())
    });
    Server::signal(memmgr, "KILL");
    until_memmgr_is_back(&server, memmgr);
    reload.wait_with_output().unwrap();
    install(&server, 3);
    server.reload();
    // The one that lags comes back when it can, and is given the newest.
    until("both are adopted", || (server.auth_pids() == auth).then_some(()));
    until("both are on the newest", || {
        let status = server.status();
        let consumers = status["consumers"].as_array().unwrap().clone();
        consumers.iter().all(|consumer| consumer["generation"] == 3).then_some(())
    });
    server.until_settled(3);
    assert_eq!(server.status()["kills"], json!([]));
    assert_eq!(segments(&server.state), named(&server.state));
    let log = stream.stop();
    log.assert_right();
    assert_eq!(log.unanswered(), 0, "of {} queries", log.asked.len());
}

#[test]
fn b32_memmgr_dies_at_rest_and_readers_are_adopted_as_they_are() {
    let server = start(&ServerOptions::default());
    install(&server, 2);
    server.reload();
    server.until_settled(2);
    let reader = Reader::attach(server.state.join("bus.sock")).unwrap();
    let held = reader.wait(Duration::from_secs(20)).unwrap();
    let (auth, memmgr) = (server.auth_pids(), server.memmgr_pid());
    server.until_xfrout();
    let switched = server.log().matches("reader-switched").count();
    let stream = Stream::start(server.address, reference(), RATE);
    Server::signal(memmgr, "KILL");
    until_memmgr_is_back(&server, memmgr);
    until("every reader is back on what it had", || {
        let status = server.status();
        let consumers = status["consumers"].as_array().unwrap().clone();
        (consumers.len() == 4 && consumers.iter().all(|consumer| consumer["generation"] == 2)).then_some(())
    });
    assert_eq!(server.auth_pids(), auth);
    assert_eq!(server.log().matches("reader-switched").count(), switched, "a reader was told of what it had");
    assert!(Arc::ptr_eq(&held, &reader.current().unwrap()));
    drop(held);
    install(&server, 3);
    server.reload();
    server.until_settled(3);
    assert_eq!(reader.current().unwrap().generation(), 3);
    let log = stream.stop();
    log.assert_right();
    assert_eq!(log.unanswered(), 0, "of {} queries", log.asked.len());
}

#[test]
fn b32_a_reader_with_an_older_generation_is_waited_for_after_the_restart() {
    let Some(faults) = Faults::new("b32_a_reader_with_an_older_generation_is_waited_for_after_the_restart") else {
        return;
    };
    let server = start(&faults.options(&[]));
    let reader = Reader::attach(server.state.join("bus.sock")).unwrap();
    let held = reader.wait(Duration::from_secs(20)).unwrap();
    let memmgr = server.memmgr_pid();
    faults.arm("memmgr-after-manifest", "kill");
    install(&server, 2);
    let reload = server.begin_reload();
    faults.until_passed("memmgr-after-manifest");
    until_memmgr_is_back(&server, memmgr);
    reload.wait_with_output().unwrap();
    until("the reader is on the newest", || {
        (reader.current().unwrap().generation() == 2 && server.wire().serial(ZONE) == Some(2)).then_some(())
    });
    // It holds generation 1, by its own word: the third one is built and waits until that is gone.
    install(&server, 3);
    let reload = server.begin_reload();
    until("the third generation waits", || server.generations().contains(&(3, "updating".to_owned())).then_some(()));
    assert_eq!(server.generation(), 2);
    drop(held);
    server.end_reload(reload);
    server.until_settled(3);
}

#[test]
fn b32_random_deaths_leave_every_answer_right_and_everything_whole() {
    let server = start(&ServerOptions {
        arguments: ["--switch-timeout", "1s", "--stall-timeout", "3s"].map(Into::into).into(),
        ..ServerOptions::default()
    });
    let stream = Stream::start(server.address, reference(), RATE);
    let (rounds, seed) = (setting("TRINE_CHAOS_ROUNDS", 25), setting("TRINE_CHAOS_SEED", 1));
    println!("{rounds} rounds, TRINE_CHAOS_SEED={seed}");
    let (mut random, mut stopped, mut reloads) = (seed, Vec::new(), Vec::new());
    for round in 0..rounds {
        // Knuth's MMIX generator; its upper bits are good enough for this.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let chance = random >> 33;
        let children = processes::children(server.pid());
        let victim = children.get(usize::try_from(chance / 8).unwrap() % children.len().max(1)).copied();
        match (chance % 8, victim) {
            (0..=3, _) => {
                install(&server, u32::try_from(round % 3).unwrap() + 1);
                reloads.push(server.begin_reload());
            }
            (4 | 5, Some(victim)) => signal_if_alive(victim, "KILL"),
            (6, Some(victim)) => {
                signal_if_alive(victim, "STOP");
                stopped.push(victim);
            }
            _ => stopped.drain(..).for_each(|pid| signal_if_alive(pid, "CONT")),
        }
        std::thread::sleep(Duration::from_millis(chance / 64 % 300));
    }
    stopped.drain(..).for_each(|pid| signal_if_alive(pid, "CONT"));
    // Each of them ends, whatever became of whom it asked.
    reloads.into_iter().for_each(|reload| drop(reload.wait_with_output().unwrap()));
    until("everybody is back", || (server.auth_pids().len() == 2).then_some(()));
    install(&server, 2);
    server.reload();
    server.until_settled(server.generation());
    assert_eq!(server.wire().serial(ZONE), Some(2));
    assert_eq!(segments(&server.state), named(&server.state));
    let log = stream.stop();
    log.assert_right();
    let deaths = server.log().matches("process-ended").count();
    println!("{deaths} deaths, {} of {} queries unanswered", log.unanswered(), log.asked.len());
    assert!(deaths > 0, "nobody died");
}

/// Sends a signal to a process unless it is gone.
fn signal_if_alive(pid: i32, name: &str) {
    let signal: nix::sys::signal::Signal = format!("SIG{name}").parse().unwrap();
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal);
}

#[test]
fn b34_a_restart_with_unchanged_sources_parses_and_builds_nothing() {
    let Some(faults) = Faults::new("b34_a_restart_with_unchanged_sources_parses_and_builds_nothing") else { return };
    let directory = tempfile::tempdir().unwrap();
    let (files, state) = (directory.path().join("zones"), directory.path().join("state"));
    std::fs::create_dir(&files).unwrap();
    zones::install(&files, "root.zone", &zones::root("2018012900"));
    zones::install(&files, FILE, &zones::carrying(1));
    let options = faults.options(&[]);
    let mut server = Server::start_in(&options, &files, &state);
    let answer = server.wire().udp_dnssec("www.example.com.", hickory_proto::rr::RecordType::A);
    server.stop();
    let before = segments(&state);
    for point in ["source-read", "build-segment-written"] {
        faults.arm(point, "kill");
    }
    let server = Server::start_in(&options, &files, &state);
    let again = server.wire().udp_dnssec("www.example.com.", hickory_proto::rr::RecordType::A);
    assert_eq!(again.authorities, answer.authorities);
    // A reload is answered when its comparison, after the one of the start, is done.
    server.reload();
    assert!(faults.is_armed("source-read"), "a zone file was read");
    assert!(faults.is_armed("build-segment-written"), "a segment was built");
    assert_eq!(server.generation(), 1);
    assert_eq!(segments(&state), before);
}

#[test]
fn b34_sources_that_can_not_be_read_do_not_delay_a_restart() {
    let _heavy = heavy();
    let directory = tempfile::tempdir().unwrap();
    let (files, state) = (directory.path().join("zones"), directory.path().join("state"));
    std::fs::create_dir(&files).unwrap();
    zones::install(&files, "root.zone", &zones::root("2018012900"));
    zones::install(&files, FILE, &zones::carrying(1));
    Server::start_in(&ServerOptions::default(), &files, &state).stop();
    // The best of three: what is promised is what a start costs, not what else the machine does.
    let restart = || {
        let mut server = Server::start_in(&ServerOptions::default(), &files, &state);
        let ready_after = server.ready_after;
        server.stop();
        ready_after
    };
    let unchanged = (0..3).map(|_| restart()).min().unwrap();
    assert_within(Duration::from_millis(300), unchanged, "ready after a restart with unchanged sources");
    for file in ["root.zone", FILE] {
        std::fs::remove_file(files.join(file)).unwrap();
        std::os::unix::fs::symlink(file, files.join(file)).unwrap();
    }
    let unreadable = (0..3).map(|_| restart()).min().unwrap();
    assert_within(Duration::from_millis(300), unreadable, "ready after a restart with sources that can't be read");
    let server = Server::start_in(&ServerOptions::default(), &files, &state);
    assert_eq!(server.wire().serial("."), Some(2_018_012_900));
    assert_eq!(server.wire().serial(ZONE), Some(1));
    for (apex, file) in [(".", "root.zone"), (ZONE, FILE)] {
        until("the status says what is wrong", || {
            let zone = zone(&server, apex)?;
            let error = zone["error"].as_str()?;
            (zone["state"] == "stale" && error.contains(file) && error.contains("symbolic links")).then_some(())
        });
    }
    assert_eq!(server.generation(), 1);
    // They are served again from their files once these can be read.
    std::fs::remove_file(files.join(FILE)).unwrap();
    zones::install(&files, FILE, &zones::carrying(2));
    assert_eq!(server.trine(&["reload"]).status.code(), Some(1));
    assert_eq!(server.wire().serial(ZONE), Some(2));
    assert_eq!(zone(&server, ZONE).unwrap()["error"], Value::Null);
}
