//! Switches of generations: what stays while a reader lags, who is killed and who is not, what a death leaves behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::protocol::reader::FromReader;
use consumers::reader::Reader;
use serde_json::{Value, json};

use crate::harness::load::{Reference, Stream};
use crate::harness::raw_reader::RawReader;
use crate::harness::server::is_alive;
use crate::harness::{Faults, Server, ServerOptions, assert_within, setting, until, zones};

/// The zone of these tests: every RRset carries its serial.
const FILE: &str = "load.test.zone";

/// Its name.
const ZONE: &str = "load.test.";

/// Starts a server on version 1 of the zone.
fn start(options: &ServerOptions) -> Server {
    Server::start(options, |directory| zones::install(directory, FILE, &zones::carrying(1)))
}

/// Puts a version of the zone in place.
fn install(server: &Server, serial: u32) {
    zones::install(&server.zones, FILE, &zones::carrying(serial));
}

/// The segment files published or left.
pub(crate) fn segments(state: &Path) -> BTreeSet<PathBuf> {
    std::fs::read_dir(state.join("segments")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// The auth process that answers from this generation.
fn auth_on(server: &Server, generation: u64) -> Option<i32> {
    let status = server.status();
    let consumers = status["consumers"].as_array().unwrap();
    let mut auth = consumers.iter().filter(|consumer| consumer["role"] == "auth");
    let found = auth.find(|consumer| consumer["generation"] == generation)?;
    Some(i32::try_from(found["pid"].as_i64().unwrap()).unwrap())
}

/// Waits until a generation is being switched to and an auth process lags behind on the one before; that process.
fn until_one_lags(server: &Server, generation: u64) -> i32 {
    until("one auth has acknowledged and the other lags", || {
        let is_switching = server.generations().contains(&(generation, "switching".to_owned()));
        (is_switching && auth_on(server, generation).is_some()).then(|| auth_on(server, generation - 1))?
    })
}

/// Waits until as many auth processes as before are there, none of them `gone`, all on this generation.
fn until_replaced(server: &Server, gone: i32, generation: u64) {
    until("a new auth process is on the newest generation", || {
        let status = server.status();
        let auth: Vec<&Value> =
            status["consumers"].as_array().unwrap().iter().filter(|consumer| consumer["role"] == "auth").collect();
        let is_there = |consumer: &&Value| consumer["generation"] == generation && consumer["pid"] != gone;
        (auth.len() == 2 && auth.iter().all(is_there)).then_some(())
    });
}

/// The files that any process of the server has mapped or open after they were unlinked.
fn held_although_unlinked(server: &Server) -> Vec<String> {
    let mut pids = server.auth_pids();
    pids.push(server.memmgr_pid());
    let mut held = Vec::new();
    for pid in pids {
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
        held.extend(maps.lines().filter(|line| line.ends_with(".segment (deleted)")).map(str::to_owned));
        let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let links = descriptors.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        held.extend(links.map(|link| link.display().to_string()).filter(|link| link.ends_with(".segment (deleted)")));
    }
    held
}

/// Waits until nothing of what was unlinked takes room any more.
fn until_freed(server: &Server, files: &BTreeSet<PathBuf>) {
    until("the files of the generation before are unlinked", || files.iter().all(|file| !file.exists()).then_some(()));
    until("their bytes are freed", || held_although_unlinked(server).is_empty().then_some(()));
}

/// What the status says of the last reader killed.
fn last_kill(server: &Server) -> Option<Value> {
    server.status()["kills"].as_array().unwrap().last().cloned()
}

#[test]
fn b20_queries_are_answered_through_ten_switches_each_from_one_generation() {
    let server = start(&ServerOptions::default());
    let mut reference = Reference::new(zones::carrying_questions());
    for serial in 1..=11 {
        install(&server, serial);
        server.reload();
        reference.learn(server.address);
    }
    let reference = Arc::new(reference);
    let before = server.generation();
    let stream = Stream::start(server.address, &reference, 400);
    for serial in 1..=10 {
        install(&server, serial);
        server.reload();
        assert_eq!(server.wire().serial(ZONE), Some(serial), "an answer after the reload is from before it");
    }
    let log = stream.stop();
    log.assert_right();
    assert_eq!(log.unanswered(), 0, "unanswered, of {}", log.asked.len());
    assert_eq!(server.generation(), before + 10);
    let seen = log.asked.iter().fold(0, |seen, asked| seen | asked.versions);
    assert!(seen.count_ones() >= 8, "few versions were seen: {seen:b}");
}

#[test]
fn b21_old_files_stay_until_the_last_reader_has_acknowledged() {
    let test = "b21_old_files_stay_until_the_last_reader_has_acknowledged";
    let Some(faults) = Faults::new(test) else { return };
    let server = start(&faults.options(&[]));
    let old = segments(&server.state);
    faults.arm("reader-switch", "stall 3000");
    install(&server, 2);
    let reload = server.begin_reload();
    until_one_lags(&server, 2);
    let both = segments(&server.state);
    assert!(old.is_subset(&both), "{old:?} are not all in {both:?}");
    assert_eq!(server.generations(), [(2, "switching".to_owned()), (1, "current".to_owned())]);
    server.end_reload(reload);
    server.until_settled(2);
    let new = segments(&server.state);
    assert!(new.is_subset(&both) && new != both, "{new:?}");
    until_freed(&server, &old.difference(&new).cloned().collect());
}

#[test]
fn b21_old_files_go_when_the_last_reader_on_them_dies() {
    let test = "b21_old_files_go_when_the_last_reader_on_them_dies";
    let Some(faults) = Faults::new(test) else { return };
    let server = start(&faults.options(&["--switch-timeout", "1m"]));
    let old = segments(&server.state);
    faults.arm("reader-switch", "stall 60000");
    install(&server, 2);
    let reload = server.begin_reload();
    let lagging = until_one_lags(&server, 2);
    assert!(old.is_subset(&segments(&server.state)));
    Server::signal(lagging, "KILL");
    server.end_reload(reload);
    server.until_settled(2);
    until_replaced(&server, lagging, 2);
    let gone = old.difference(&segments(&server.state)).cloned().collect::<BTreeSet<_>>();
    assert!(!gone.is_empty());
    until_freed(&server, &gone);
}

#[test]
fn b21_a_generation_that_a_reader_holds_is_releasing_until_it_lets_go() {
    let server = start(&ServerOptions::default());
    let reader = Reader::attach(server.state.join("bus.sock")).unwrap();
    let held = reader.wait(Duration::from_secs(20)).unwrap();
    assert_eq!(held.generation(), 1);
    let old = segments(&server.state);
    install(&server, 2);
    server.reload();
    assert_eq!(server.generations(), [(2, "current".to_owned()), (1, "releasing".to_owned())]);
    assert!(old.is_subset(&segments(&server.state)));
    // The next one is built and waits: never more than three are alive.
    install(&server, 3);
    let reload = server.begin_reload();
    until("the next generation waits", || (server.generations().len() == 3).then_some(()));
    assert_eq!(server.generations()[0], (3, "updating".to_owned()));
    assert_eq!(server.wire().serial(ZONE), Some(2));
    drop(held);
    server.end_reload(reload);
    server.until_settled(3);
    assert_eq!(server.wire().serial(ZONE), Some(3));
    assert_eq!(reader.current().unwrap().generation(), 3);
    until_freed(&server, &old.difference(&segments(&server.state)).cloned().collect());
}

#[test]
fn b22_a_stopped_auth_is_killed_and_replaced_and_the_rotation_completes() {
    let server =
        start(&ServerOptions { arguments: vec!["--switch-timeout".into(), "1s".into()], ..ServerOptions::default() });
    let stopped = server.auth_pids()[0];
    Server::signal(stopped, "STOP");
    install(&server, 2);
    let began = Instant::now();
    server.reload();
    assert_within(Duration::from_secs(3), began.elapsed(), "switch-timeout + 2 s: a reload past a stopped auth");
    assert_killed_for_switch(&server, stopped);
    server.until_settled(2);
    until_replaced(&server, stopped, 2);
    assert_eq!(server.wire().serial(ZONE), Some(2));
}

#[test]
fn b22_an_auth_whose_query_thread_loops_is_killed_and_replaced() {
    let test = "b22_an_auth_whose_query_thread_loops_is_killed_and_replaced";
    let Some(faults) = Faults::new(test) else { return };
    let server = start(&faults.options(&["--switch-timeout", "1s"]));
    let before = server.auth_pids();
    hang_a_query_thread(&server, &faults);
    install(&server, 2);
    let began = Instant::now();
    server.reload();
    assert_within(Duration::from_secs(3), began.elapsed(), "switch-timeout + 2 s: a reload past a looping thread");
    let kill = last_kill(&server).unwrap();
    let looping = i32::try_from(kill["pid"].as_i64().unwrap()).unwrap();
    assert!(before.contains(&looping), "{kill} of {before:?}");
    assert_killed_for_switch(&server, looping);
    server.until_settled(2);
    until_replaced(&server, looping, 2);
}

#[test]
fn b22_a_query_thread_that_stands_still_is_found_without_a_switch() {
    let test = "b22_a_query_thread_that_stands_still_is_found_without_a_switch";
    let Some(faults) = Faults::new(test) else { return };
    let server = start(&faults.options(&["--stall-timeout", "2s"]));
    let before = server.auth_pids();
    hang_a_query_thread(&server, &faults);
    let kill = until("the stalled auth is killed", || {
        // What stands in the queue of the one that loops is the work that waits for it; its sibling takes it away in turn.
        server.wire().try_udp(ZONE, hickory_proto::rr::RecordType::SOA, false);
        last_kill(&server)
    });
    let looping = i32::try_from(kill["pid"].as_i64().unwrap()).unwrap();
    assert!(before.contains(&looping), "{kill} of {before:?}");
    assert!(kill["reason"].as_str().unwrap().starts_with("stall-timeout: thread 0"), "{kill}");
    assert!(kill["waited_ms"].as_u64().unwrap() >= 2000, "{kill}");
    until_replaced(&server, looping, 1);
    let other = before.into_iter().find(|pid| *pid != looping).unwrap();
    assert!(server.auth_pids().contains(&other), "its sibling was replaced too");
}

#[test]
fn b22_an_idle_reader_is_never_killed() {
    let server = start(&ServerOptions {
        arguments: ["--switch-timeout", "2s", "--stall-timeout", "3s", "--release-timeout", "3s"]
            .map(Into::into)
            .into(),
        ..ServerOptions::default()
    });
    let reader = Reader::attach(server.state.join("bus.sock")).unwrap();
    reader.wait(Duration::from_secs(20)).unwrap();
    let before = server.auth_pids();
    // Longer than every deadline, and not a single query.
    std::thread::sleep(Duration::from_secs(setting("TRINE_IDLE_SECONDS", 4)));
    let rotations = setting("TRINE_IDLE_ROTATIONS", 30);
    for rotation in 1..=rotations {
        install(&server, u32::try_from(rotation % 150).unwrap() + 2);
        server.reload();
    }
    assert_eq!(server.generation(), 1 + rotations);
    assert_eq!(server.auth_pids(), before);
    assert_eq!(server.status()["kills"], json!([]));
    assert_eq!(reader.current().unwrap().generation(), 1 + rotations);
}

#[test]
fn b22_a_reader_that_refuses_is_told_once_more_and_holds_nothing_up() {
    let server = start(&ServerOptions::default());
    let auth = server.auth_pids();
    let mut reader = RawReader::connect(&server.state);
    reader.attach();
    reader.follow();
    install(&server, 2);
    let reload = server.begin_reload();
    let announced = reader.announced();
    assert_eq!((announced.generation, announced.layers.len()), (2, 1));
    reader.say(&FromReader::Refuse { generation: 2, error: "a test".to_owned() });
    server.until_settled(2);
    assert_eq!(server.wire().serial(ZONE), Some(2));
    // What it has of the generation is not known, so that all of it is sent; this time it is taken.
    let announced = reader.follow();
    assert_eq!((announced.generation, announced.layers.len()), (2, 2));
    reader.say(&FromReader::Release { generation: 1 });
    server.end_reload(reload);
    // Refused twice, and there is nothing wrong with the files: something is wrong with the reader.
    install(&server, 3);
    let reload = server.begin_reload();
    for _ in 0..2 {
        assert_eq!(reader.announced().generation, 3);
        reader.say(&FromReader::Refuse { generation: 3, error: "a test".to_owned() });
    }
    server.end_reload(reload);
    server.until_settled(3);
    let kill = last_kill(&server).unwrap();
    assert_eq!((&kill["role"], &kill["generation"]), (&json!("reader"), &json!(3)));
    assert!(kill["reason"].as_str().unwrap().starts_with("refused"), "{kill}");
    assert_eq!(server.auth_pids(), auth);
}

#[test]
fn b23_a_reader_that_dies_before_the_announcement_holds_nothing_up() {
    let test = "b23_a_reader_that_dies_before_the_announcement_holds_nothing_up";
    let Some(faults) = Faults::new(test) else { return };
    let server = start(&faults.options(&["--switch-timeout", "1m"]));
    let victim = server.auth_pids()[0];
    faults.arm("memmgr-announce", "stall 1000");
    install(&server, 2);
    let reload = server.begin_reload();
    faults.until_passed("memmgr-announce");
    Server::signal(victim, "KILL");
    server.end_reload(reload);
    server.until_settled(2);
    until_replaced(&server, victim, 2);
}

#[test]
fn b23_a_reader_that_dies_between_announcement_and_acknowledgement_holds_nothing_up() {
    let test = "b23_a_reader_that_dies_between_announcement_and_acknowledgement_holds_nothing_up";
    let Some(faults) = Faults::new(test) else { return };
    let server = start(&faults.options(&["--switch-timeout", "1m"]));
    let before = server.auth_pids();
    faults.arm("reader-switch", "kill");
    install(&server, 2);
    server.reload();
    let victim = *until("one of them is dead", || before.iter().find(|pid| !is_alive(**pid)));
    server.until_settled(2);
    until_replaced(&server, victim, 2);
}

#[test]
fn b23_a_reader_that_dies_while_releasing_holds_nothing_up() {
    let test = "b23_a_reader_that_dies_while_releasing_holds_nothing_up";
    let Some(faults) = Faults::new(test) else { return };
    let server = start(&faults.options(&["--release-timeout", "1m"]));
    let before = server.auth_pids();
    let old = segments(&server.state);
    faults.arm("reader-release", "kill");
    install(&server, 2);
    server.reload();
    let victim = *until("one of them is dead", || before.iter().find(|pid| !is_alive(**pid)));
    server.until_settled(2);
    until_replaced(&server, victim, 2);
    until_freed(&server, &old.difference(&segments(&server.state)).cloned().collect());
}

#[test]
fn b24_without_a_reader_an_update_is_published_at_once() {
    let server = start(&ServerOptions::default());
    // While its parent sleeps, nobody takes a dead auth's place.
    Server::signal(server.pid(), "STOP");
    server.auth_pids().into_iter().for_each(|pid| Server::signal(pid, "KILL"));
    until("no reader is left", || server.auth_pids().is_empty().then_some(()));
    install(&server, 2);
    server.reload();
    assert_eq!(server.generations(), [(2, "current".to_owned())]);
    Server::signal(server.pid(), "CONT");
    until("auth processes are back", || (server.auth_pids().len() == 2).then_some(()));
    until("they answer from what was published meanwhile", || (server.wire().serial(ZONE) == Some(2)).then_some(()));
}

#[test]
fn b25_a_reader_that_joins_while_an_update_is_built_is_given_the_current_generation() {
    let test = "b25_a_reader_that_joins_while_an_update_is_built_is_given_the_current_generation";
    let Some(faults) = Faults::new(test) else { return };
    let server = start(&faults.options(&[]));
    faults.arm("build-end", "stall 2000");
    install(&server, 2);
    let reload = server.begin_reload();
    faults.until_passed("build-end");
    let mut reader = RawReader::connect(&server.state);
    assert_eq!(reader.attach().generation, Some(1));
    assert_eq!(reader.follow().generation, 1);
    assert_eq!(reader.follow().generation, 2);
    reader.say(&FromReader::Release { generation: 1 });
    server.end_reload(reload);
    server.until_settled(2);
}

#[test]
fn b25_a_reader_that_joins_during_a_switch_is_given_the_switching_generation_alone() {
    let test = "b25_a_reader_that_joins_during_a_switch_is_given_the_switching_generation_alone";
    let Some(faults) = Faults::new(test) else { return };
    let server = start(&faults.options(&[]));
    faults.arm("reader-switch", "stall 4000");
    install(&server, 2);
    let reload = server.begin_reload();
    until_one_lags(&server, 2);
    let mut raw = RawReader::connect(&server.state);
    assert_eq!(raw.attach().generation, Some(2));
    let announced = raw.announced();
    assert_eq!(announced.generation, 2);
    assert_eq!(announced.layers.len(), 2, "a directory and one group: {announced:?}");
    raw.say(&FromReader::Acknowledge { generation: 2 });
    let reader = Reader::attach(server.state.join("bus.sock")).unwrap();
    assert_eq!(reader.wait(Duration::from_secs(20)).unwrap().generation(), 2);
    assert_eq!(
        server.generations()[0],
        (2, "switching".to_owned()),
        "the switch was over before the reader had joined"
    );
    server.end_reload(reload);
    server.until_settled(2);
}

#[test]
fn b25_a_reader_that_joins_while_the_one_before_is_released_is_given_the_newest() {
    let server = start(&ServerOptions::default());
    let slow = Reader::attach(server.state.join("bus.sock")).unwrap();
    let held = slow.wait(Duration::from_secs(20)).unwrap();
    install(&server, 2);
    server.reload();
    assert_eq!(server.generations()[1], (1, "releasing".to_owned()));
    let reader = Reader::attach(server.state.join("bus.sock")).unwrap();
    assert_eq!(reader.wait(Duration::from_secs(20)).unwrap().generation(), 2);
    assert_eq!(held.generation(), 1);
}

#[test]
fn b29_stale_and_untrue_messages_are_logged_and_change_nothing() {
    let server = start(&ServerOptions::default());
    let auth = server.auth_pids();
    let stranger = RawReader::connect(&server.state);
    stranger.say(&FromReader::Acknowledge { generation: 1 });
    let mut reader = RawReader::connect(&server.state);
    reader.attach();
    assert_eq!(reader.follow().generation, 1);
    let untrue = [
        json!({"type": "acknowledge", "generation": 1}),
        json!({"type": "acknowledge", "generation": 0}),
        json!({"type": "acknowledge", "generation": u64::MAX}),
        json!({"type": "release", "generation": 1}),
        json!({"type": "release", "generation": 77}),
        json!({"type": "refuse", "generation": 3, "error": "no such thing"}),
        json!({"type": "attach", "role": "auth", "slot": 0, "generation": 9, "holds": []}),
        json!({"type": "acknowledge", "generation": -1}),
        json!({"type": "acknowledge"}),
        json!({"type": "elsewhere"}),
        json!("acknowledge"),
        json!([1, 2, 3]),
        Value::Null,
    ];
    untrue.iter().for_each(|message| reader.say(message));
    let expected: BTreeMap<&str, usize> =
        [("rotation-event-ignored", 6), ("reader-message-from-stranger", 1), ("bus-message-unreadable", 6)].into();
    until("each of them is logged", || {
        let log = server.log();
        let counted = expected.keys().map(|event| (*event, log.matches(event).count())).collect::<BTreeMap<_, _>>();
        (counted == expected).then_some(())
    });
    assert_eq!(server.generations(), [(1, "current".to_owned())]);
    assert_eq!(server.auth_pids(), auth);
    let status = server.status();
    let consumers = status["consumers"].as_array().unwrap();
    let own = consumers.iter().find(|consumer| consumer["address"] == reader.address()).unwrap();
    assert_eq!((&own["role"], &own["generation"]), (&json!("reader"), &json!(1)));
    install(&server, 2);
    let reload = server.begin_reload();
    assert_eq!(reader.follow().generation, 2);
    reader.say(&FromReader::Release { generation: 1 });
    server.end_reload(reload);
    server.until_settled(2);
}

#[test]
fn b37_published_bytes_never_change_and_no_reader_can_write_them() {
    let server = start(&ServerOptions::default());
    let mut raw = RawReader::connect(&server.state);
    raw.attach();
    let mut published = Vec::new();
    take_layers(&mut raw, &mut published);
    for generation in 2..=5 {
        assert_mapped_read_only(&server);
        install(&server, u32::try_from(generation).unwrap());
        let reload = server.begin_reload();
        assert_eq!(take_layers(&mut raw, &mut published), generation);
        raw.say(&FromReader::Release { generation: generation - 1 });
        server.end_reload(reload);
    }
    server.until_settled(5);
    assert_eq!(published.len(), 6, "a directory and five versions of the zone");
    for (mut file, before) in published {
        assert!(octets(&mut file) == before, "{file:?} has changed");
        zone_segment::map(&file).unwrap().verify().unwrap();
    }
}

/// Takes the next generation, and of each layer sent its descriptor, which has to be good for reading alone, and its octets.
fn take_layers(raw: &mut RawReader, published: &mut Vec<(File, Vec<u8>)>) -> u64 {
    let announced = raw.follow();
    for (identity, descriptor) in announced.layers {
        assert_read_only(&descriptor);
        let mut file = File::from(descriptor);
        assert_eq!(zone_segment::map(&file).unwrap().content_hash(), identity.content_hash);
        let octets = octets(&mut file);
        published.push((file, octets));
    }
    announced.generation
}

/// Everything in a file.
fn octets(file: &mut File) -> Vec<u8> {
    let mut octets = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut octets).unwrap();
    octets
}

/// Asserts that nothing can be written through a descriptor, and that the file's mode allows it to nobody.
fn assert_read_only(descriptor: &OwnedFd) {
    use rustix::io::Errno;
    assert_eq!(rustix::io::pwrite(descriptor, b"x", 0), Err(Errno::BADF));
    assert!(matches!(rustix::fs::ftruncate(descriptor, 0), Err(Errno::INVAL | Errno::BADF)));
    assert_eq!(rustix::fs::fstat(descriptor).unwrap().st_mode & 0o777, 0o444);
}

/// Asserts that each auth process has its segments mapped, and none of them to be written.
fn assert_mapped_read_only(server: &Server) {
    for pid in server.auth_pids() {
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
        let segments: Vec<&str> = maps.lines().filter(|line| line.contains(".segment")).collect();
        assert!(!segments.is_empty(), "auth {pid} maps no segment");
        for line in segments {
            assert_eq!(line.split_whitespace().nth(1), Some("r--s"), "{line}");
        }
    }
}

/// Makes the query thread of one auth process loop for ever in the middle of a batch.
fn hang_a_query_thread(server: &Server, faults: &Faults) {
    faults.arm("auth-udp-batch", "loop");
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(&[0; 12], server.address).unwrap();
    faults.until_passed("auth-udp-batch");
}

/// Asserts that this process was killed for the acknowledgement of generation 2, and that status and log say so.
fn assert_killed_for_switch(server: &Server, pid: i32) {
    let kill = last_kill(server).unwrap();
    assert_eq!((&kill["pid"], &kill["role"], &kill["generation"]), (&json!(pid), &json!("auth"), &json!(2)));
    assert_eq!(kill["reason"], "switch-timeout");
    let waited = kill["waited_ms"].as_u64().unwrap();
    assert!((1000..3000).contains(&waited), "{kill}");
    // The reload is answered as the kill is asked for; the supervisor carries it out a moment later.
    until("the process killed has ended", || (!is_alive(pid)).then_some(()));
    let log = server.log();
    let line = log.lines().find(|line| line.contains("reader-killed")).unwrap();
    assert!(line.contains(&format!("pid={pid}")) && line.contains("generation=2"), "{line}");
}
