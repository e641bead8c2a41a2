//! Changes that were told to be durable, and what becomes of them when processes die, the power is cut, or files are damaged.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bus::protocol::control::Reached;
use consumers::reader::Reader;
use hickory_proto::rr::RecordType;
use zone_segment::Name;

use crate::changes::Changer;
use crate::damage::{Place, damage};
use crate::harness::{Faults, Server, processes, setting, until, zones};
use crate::recovery::named;

/// A small zone: it shares a group with others and is written whole when it changes.
const SMALL: &str = "small.test.";

/// A zone that has a group alone: its changes become deltas.
const LARGE: &str = "large.test.";

/// Hosts of the large zone: two records each.
const LARGE_HOSTS: usize = 3000;

/// Both.
const ZONES: [&str; 2] = [SMALL, LARGE];

/// A place with both zones, and another one beside the small one.
fn place() -> Place {
    Place::new(|directory| {
        zones::install(directory, "small.test.zone", &zones::small(SMALL, 1, 5));
        zones::install(directory, "beside.test.zone", &zones::small("beside.test.", 1, 5));
        zones::install(directory, "large.test.zone", &zones::small(LARGE, 1, LARGE_HOSTS));
    })
}

/// The change of this number: one name more, so that a zone of serial N has N - 1 of them.
fn change(number: u32) -> String {
    format!("add change{number} 300 TXT \"change {number}\"\n")
}

/// The same with so many octets that it is a layer of its own.
fn fat_change(number: u32) -> String {
    let mut text = change(number);
    (0..40).for_each(|n| writeln!(text, "add fat{n}.change{number} 300 TXT \"{}\"", "x".repeat(250)).unwrap());
    text
}

/// What the changes of a zone were answered with.
#[derive(Clone, Debug, Default)]
struct Acknowledged {
    /// The serial that each change brought, by its number.
    serials: BTreeMap<u32, u32>,
    /// The number of the next one.
    next: u32,
}

impl Acknowledged {
    /// Hands one change in; tells whether it was acknowledged.
    fn hand_in(&mut self, changer: &Changer, zone: &str, text: &str, wait: Reached) -> Result<(), String> {
        let number = self.next;
        self.next += 1;
        let done = changer.update(zone, text, wait)?;
        assert_eq!(done.state, wait);
        assert_eq!(done.to, done.from + 1);
        self.serials.insert(number, done.to);
        Ok(())
    }

    /// Hands in so many changes that all have to be taken.
    fn hand_in_many(&mut self, changer: &Changer, zone: &str, count: u32, wait: Reached) {
        (0..count).for_each(|_| self.hand_in(changer, zone, &change(self.next), wait).unwrap());
    }
}

/// The numbers of the changes that a zone has, by a reader that sees all of its names; and its serial.
fn changes_in(reader: &Reader, zone: &str) -> (u32, BTreeSet<u32>) {
    let set = reader.current().unwrap();
    let apex: Name = zone.parse().unwrap();
    let zone = set.zone(apex.as_ref()).unwrap();
    let number = |name: String| name.strip_prefix("change")?.split_once('.')?.0.parse().ok();
    let numbers = zone.nodes().filter_map(|node| number(node.name().to_string()));
    (zone.serial().unwrap(), numbers.collect())
}

/// Asserts that a zone is served as some moment after the last acknowledged change left it: with that change and all before it, and with as many
/// as its serial says.
fn assert_kept(server: &Server, zone: &str, acknowledged: &Acknowledged) -> u32 {
    let reader = Reader::attach(server.state.join("bus.sock")).unwrap();
    reader.wait(Duration::from_secs(20)).unwrap();
    let (serial, found) = changes_in(&reader, zone);
    for (number, brought) in &acknowledged.serials {
        assert!(
            found.contains(number) && *brought <= serial,
            "{zone}: change {number} of serial {brought} is lost, serial {serial}"
        );
    }
    assert_eq!(u32::try_from(found.len()).unwrap() + 1, serial, "{zone}: serial {serial} with {found:?}");
    assert_eq!(server.wire().serial(zone), Some(serial));
    for number in acknowledged.serials.keys().rev().take(3) {
        let answer = server.wire().udp(&format!("change{number}.{zone}"), RecordType::TXT);
        assert_eq!(answer.answers[0].data.to_string(), format!("change {number}"), "{zone}");
    }
    let host = server.wire().udp(&format!("host4.{zone}"), RecordType::A);
    assert_eq!(host.answers[0].data.to_string(), "192.0.2.4");
    serial
}

/// Asserts that a server can be changed and that what it then has is kept once more.
fn assert_goes_on(server: &Server, zone: &str, acknowledged: &mut Acknowledged) {
    let serial = assert_kept(server, zone, acknowledged);
    let changer = Changer::connect(&server.state);
    // Numbers of changes that were never answered may have been given to data; these are new.
    acknowledged.hand_in(&changer, zone, &change(acknowledged.next), Reached::Durable).unwrap();
    assert_eq!(assert_kept(server, zone, acknowledged), serial + 1);
}

/// Kills every process of a server at once, as the kernel does when it has no memory left.
pub(crate) fn kill_all(server: Server) {
    // Stopped, the supervisor starts nobody while its children are counted.
    Server::signal(server.pid(), "STOP");
    let children = processes::children(server.pid());
    for pid in children.iter().chain([&server.pid()]) {
        // One that has died meanwhile is as good.
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(*pid), nix::sys::signal::Signal::SIGKILL);
    }
    // With every thread: one that waits for the disk is not gone yet, nor is what it has open.
    let threads = |pid: &i32| std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    until("every thread is gone", || children.iter().all(|pid| threads(pid) <= 1).then_some(()));
    processes::until_gone(&children);
    drop(server);
}

/// The commit logs of a state directory, oldest first.
fn logs(state: &Path) -> Vec<PathBuf> {
    let mut logs: Vec<PathBuf> =
        std::fs::read_dir(state.join("commits")).unwrap().map(|entry| entry.unwrap().path()).collect();
    logs.sort();
    logs
}

/// The segments that no manifest names, so that nobody waited until they were on the disk.
fn unsynced(state: &Path) -> Vec<PathBuf> {
    let named = named(state);
    crate::generations::segments(state).into_iter().filter(|path| !named.contains(path)).collect()
}

#[test]
fn b33_durable_changes_outlive_the_death_of_everything_at_random() {
    let place = place();
    let (rounds, seed) = (setting("TRINE_CHAOS_ROUNDS", 25).div_ceil(4), setting("TRINE_CHAOS_SEED", 1));
    println!("{rounds} rounds, TRINE_CHAOS_SEED={seed}");
    let mut random = seed;
    let mut acknowledged = [Acknowledged::default(), Acknowledged::default()];
    let mut count = 0;
    for round in 0..rounds {
        let server = place.start();
        for (zone, acknowledged) in ZONES.iter().zip(&mut acknowledged) {
            assert_goes_on(&server, zone, acknowledged);
        }
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let moment = Duration::from_millis(50 + (random >> 33) % 600);
        let stop = Arc::new(AtomicBool::new(false));
        let state = server.state.clone();
        let threads: Vec<_> = ZONES
            .iter()
            .zip(acknowledged.clone())
            .map(|(zone, mut acknowledged)| {
                let (stop, state, zone) = (Arc::clone(&stop), state.clone(), (*zone).to_owned());
                std::thread::spawn(move || {
                    let changer = Changer::connect(&state);
                    while !stop.load(Ordering::Relaxed) {
                        let wait = if acknowledged.next % 3 == 0 { Reached::Visible } else { Reached::Durable };
                        if acknowledged.hand_in(&changer, &zone, &change(acknowledged.next), wait).is_err() {
                            break;
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        std::thread::sleep(moment);
        kill_all(server);
        stop.store(true, Ordering::Relaxed);
        for (acknowledged, thread) in acknowledged.iter_mut().zip(threads) {
            let before = acknowledged.serials.len();
            // Processes that die take nothing with them that was visible, durable or not: the kernel has it.
            *acknowledged = thread.join().unwrap();
            count += acknowledged.serials.len() - before;
        }
        println!("round {round}: {count} changes");
    }
    assert!(count > 0, "nothing was ever changed");
    let server = place.start();
    for (zone, acknowledged) in ZONES.iter().zip(&mut acknowledged) {
        assert_goes_on(&server, zone, acknowledged);
    }
    assert_eq!(server.wire().serial("beside.test."), Some(1));
    assert!(!server.log().contains("damaged"), "{}", server.log());
}

/// memmgr dies at a fault point while changes come; then everything dies; then the power is cut. `fat`: changes so large that layers merge.
fn dies_at(test: &str, point: &str, fat: bool) {
    let Some(faults) = Faults::new(test) else { return };
    let place = place();
    let options = faults.options(&[]);
    let text = if fat { fat_change } else { change };
    for zone in ZONES {
        let mut acknowledged = Acknowledged::default();
        for cut in [false, true] {
            let server = place.start_with(&options);
            if acknowledged.next > 0 {
                assert_goes_on(&server, zone, &mut acknowledged);
            }
            let (memmgr, auth) = (server.memmgr_pid(), server.auth_pids());
            faults.arm(point, "kill");
            let changer = Changer::connect(&server.state);
            let mut failures = 0;
            // The small zone shares its base with others, and is written whole: nothing of it merges by tiers.
            for _ in 0..60 {
                if acknowledged.hand_in(&changer, zone, &text(acknowledged.next), Reached::Durable).is_err() {
                    failures += 1;
                    break;
                }
            }
            if faults.is_armed(point) {
                until(&format!("{point} is passed"), || {
                    let _ = acknowledged.hand_in(&changer, zone, &text(acknowledged.next), Reached::Visible);
                    (!faults.is_armed(point)).then_some(())
                });
            }
            until("a new memmgr answers", || (server.memmgr_pid() != memmgr).then_some(()));
            until("the readers are adopted", || (server.auth_pids() == auth).then_some(()));
            assert_goes_on(&server, zone, &mut acknowledged);
            println!("{point}, {zone}: {} changes acknowledged, {failures} not", acknowledged.serials.len());
            kill_all(server);
            if cut {
                unsynced(&place.state).iter().for_each(|path| std::fs::remove_file(path).unwrap());
                place.cut_power();
            }
        }
        let mut server = place.start_with(&options);
        assert_goes_on(&server, zone, &mut acknowledged);
        assert!(!server.log().contains("commit-log-damaged"), "{}", server.log());
        server.stop();
    }
}

#[test]
fn b33_durable_changes_outlive_a_death_before_the_append() {
    dies_at("b33_durable_changes_outlive_a_death_before_the_append", "commit-append", false);
}

#[test]
fn b33_durable_changes_outlive_a_death_before_the_sync() {
    dies_at("b33_durable_changes_outlive_a_death_before_the_sync", "commit-sync", false);
}

#[test]
fn b33_durable_changes_outlive_a_death_as_changes_are_built() {
    dies_at("b33_durable_changes_outlive_a_death_as_changes_are_built", "changes-begin", false);
}

#[test]
fn b33_durable_changes_outlive_a_death_with_changes_built() {
    dies_at("b33_durable_changes_outlive_a_death_with_changes_built", "changes-end", false);
}

#[test]
fn b33_durable_changes_outlive_a_death_as_a_merge_begins() {
    dies_at("b33_durable_changes_outlive_a_death_as_a_merge_begins", "merge-begin", true);
}

#[test]
fn b33_durable_changes_outlive_a_death_with_a_merge_done() {
    dies_at("b33_durable_changes_outlive_a_death_with_a_merge_done", "merge-end", true);
}

#[test]
fn b33_durable_changes_outlive_a_death_before_the_record() {
    dies_at("b33_durable_changes_outlive_a_death_before_the_record", "memmgr-before-manifest", false);
}

#[test]
fn b33_durable_changes_outlive_a_death_behind_the_record() {
    dies_at("b33_durable_changes_outlive_a_death_behind_the_record", "memmgr-after-manifest", false);
}

#[test]
fn b33_durable_changes_outlive_a_death_before_files_are_removed() {
    dies_at("b33_durable_changes_outlive_a_death_before_files_are_removed", "memmgr-retire", false);
}

/// What a power cut may do to a file that nobody waited for.
type Loss = fn(&Path);

#[test]
fn b33_durable_changes_are_made_anew_from_the_log_after_a_power_cut() {
    let losses: [(&str, Loss); 5] = [
        ("removed", |path| std::fs::remove_file(path).unwrap()),
        ("empty", |path| damage(path, Vec::clear)),
        ("cut", |path| damage(path, |octets| octets.truncate(octets.len() / 2))),
        ("zeroes", |path| damage(path, |octets| octets.fill(0))),
        ("a page of zeroes at the end", |path| {
            damage(path, |octets| {
                let from = octets.len() - octets.len().min(64);
                octets[from..].fill(0);
            });
        }),
    ];
    for (what, lose) in losses {
        let place = place();
        let mut acknowledged = [Acknowledged::default(), Acknowledged::default()];
        let server = place.start();
        let changer = Changer::connect(&server.state);
        for (zone, acknowledged) in ZONES.iter().zip(&mut acknowledged) {
            acknowledged.hand_in_many(&changer, zone, 5, Reached::Durable);
            // These are layers of their own.
            for _ in 0..3 {
                acknowledged.hand_in(&changer, zone, &fat_change(acknowledged.next), Reached::Durable).unwrap();
            }
            acknowledged.hand_in_many(&changer, zone, 2, Reached::Durable);
        }
        kill_all(server);
        let lost = unsynced(&place.state);
        assert!(lost.len() >= 2, "{lost:?}");
        // All of them; then one at a time, newest first, after what was made anew.
        lost.iter().for_each(|path| lose(path));
        place.cut_power();
        let server = place.start();
        assert!(server.log().contains("layers-made-anew"), "{what}: {}", server.log());
        assert!(!server.log().contains("zone-loaded"), "{what}: {}", server.log());
        for (zone, acknowledged) in ZONES.iter().zip(&acknowledged) {
            assert_kept(&server, zone, acknowledged);
        }
        // Everything dies before anything else is written, and the power is cut once more.
        kill_all(server);
        place.cut_power();
        let server = place.start();
        for (zone, acknowledged) in ZONES.iter().zip(&mut acknowledged) {
            assert_kept(&server, zone, acknowledged);
            assert_goes_on(&server, zone, acknowledged);
        }
        kill_all(server);
        if let Some(newest) = unsynced(&place.state).last() {
            lose(newest);
        }
        place.cut_power();
        let mut server = place.start();
        for (zone, acknowledged) in ZONES.iter().zip(&mut acknowledged) {
            assert_goes_on(&server, zone, acknowledged);
        }
        assert_eq!(server.wire().serial("beside.test."), Some(1), "{what}");
        server.stop();
        let server = place.start();
        for (zone, acknowledged) in ZONES.iter().zip(&acknowledged) {
            assert_kept(&server, zone, acknowledged);
        }
        assert!(!server.log().contains("segment-refused"), "{what}: {}", server.log());
    }
}

#[test]
fn b33_a_torn_tail_of_the_log_loses_only_what_was_not_synced() {
    for cut in [1, 7, 47, 48, 60, 1000] {
        for garbage in [false, true] {
            let place = place();
            let mut durable = [Acknowledged::default(), Acknowledged::default()];
            let server = place.start();
            let changer = Changer::connect(&server.state);
            for (zone, acknowledged) in ZONES.iter().zip(&mut durable) {
                acknowledged.hand_in_many(&changer, zone, 3, Reached::Durable);
            }
            let log = logs(&place.state).pop().unwrap();
            let synced = std::fs::metadata(&log).unwrap().len();
            let mut visible = durable.clone();
            for (zone, acknowledged) in ZONES.iter().zip(&mut visible) {
                acknowledged.hand_in_many(&changer, zone, 2, Reached::Visible);
            }
            kill_all(server);
            assert_eq!(logs(&place.state).pop(), Some(log.clone()), "another log was begun");
            damage(&log, |octets| {
                let synced = usize::try_from(synced).unwrap();
                let kept = octets.len().saturating_sub(cut).max(synced);
                match garbage {
                    true => octets[kept..].fill(0),
                    false => octets.truncate(kept),
                }
            });
            unsynced(&place.state).iter().for_each(|path| std::fs::remove_file(path).unwrap());
            place.cut_power();
            let server = place.start();
            let log = server.log();
            assert!(!log.contains("commit-log-damaged"), "{log}");
            for (zone, acknowledged) in ZONES.iter().zip(&mut durable) {
                // Those that were visible have taken their numbers, whether they are lost or not.
                acknowledged.next += 2;
                assert_goes_on(&server, zone, acknowledged);
            }
            assert_eq!(server.status()["error"], serde_json::Value::Null);
            kill_all(server);
            let server = place.start();
            for (zone, acknowledged) in ZONES.iter().zip(&mut durable) {
                assert_goes_on(&server, zone, acknowledged);
            }
        }
    }
}

#[test]
fn b33_damage_in_the_middle_of_the_log_is_told_and_no_crash_loop() {
    for with_deltas in [true, false] {
        for place_of_damage in [0, 20, 70, 200] {
            let place = place();
            let mut acknowledged = Acknowledged::default();
            let server = place.start();
            let changer = Changer::connect(&server.state);
            acknowledged.hand_in_many(&changer, LARGE, 8, Reached::Durable);
            kill_all(server);
            let log = logs(&place.state).pop().unwrap();
            damage(&log, |octets| octets[place_of_damage] ^= 0x10);
            if !with_deltas {
                unsynced(&place.state).iter().for_each(|path| std::fs::remove_file(path).unwrap());
            }
            place.cut_power();
            let server = place.start();
            let text = server.log();
            assert!(text.contains("commit-log-damaged"), "octet {place_of_damage}: {text}");
            assert!(text.contains(log.to_str().unwrap()), "{text}");
            // What the lost records named may be all that is left of their changes.
            let kept = std::fs::read_dir(place.state.join("lost")).is_ok_and(|mut folders| folders.next().is_some());
            assert_eq!((kept, text.contains("segments-kept-aside")), (with_deltas, with_deltas), "{text}");
            // What is served is whole, and as it once was.
            let mut known = Acknowledged { next: 100, ..Acknowledged::default() };
            let serial = assert_kept(&server, LARGE, &known);
            assert!(serial <= 9);
            assert_eq!(server.status()["kills"], serde_json::json!([]));
            let memmgr = server.memmgr_pid();
            assert_goes_on_after_loss(&server, &mut known, 9);
            assert_eq!(server.memmgr_pid(), memmgr, "memmgr died");
            kill_all(server);
            let mut server = place.start();
            assert!(!server.log().contains("commit-log-damaged"), "told once: {}", server.log());
            assert_changes(&server, &known);
            server.stop();
        }
    }
}

/// Changes a zone after changes were lost: its serial is none that was given to other data.
fn assert_goes_on_after_loss(server: &Server, known: &mut Acknowledged, lost_up_to: u32) {
    let changer = Changer::connect(&server.state);
    let number = known.next;
    known.next += 1;
    let done = changer.update(LARGE, &change(number), Reached::Durable).unwrap();
    assert!(done.to > lost_up_to, "serial {} was that of other data", done.to);
    known.serials.insert(number, done.to);
}

/// Asserts that these changes are served.
fn assert_changes(server: &Server, known: &Acknowledged) {
    for number in known.serials.keys() {
        let answer = server.wire().udp(&format!("change{number}.{LARGE}"), RecordType::TXT);
        assert_eq!(answer.answers.len(), 1, "change {number}");
    }
}

#[test]
fn b33_a_damaged_base_under_durable_changes_takes_no_serial_back() {
    for is_cut in [true, false] {
        for zone in ZONES {
            let place = place();
            let mut acknowledged = Acknowledged::default();
            let server = place.start();
            let changer = Changer::connect(&server.state);
            acknowledged.hand_in_many(&changer, zone, 5, Reached::Durable);
            kill_all(server);
            let base = place.segment_of(zone);
            damage(&base, |octets| {
                let at = octets.windows(8).position(|window| window == b"serial 1").unwrap();
                octets[at] = b'S';
            });
            if is_cut {
                place.cut_power();
            }
            let server = place.start();
            until("the base is made anew", || server.log().contains("segment-damaged").then_some(()));
            until("answers are right", || {
                let answer = server.wire().try_udp(&format!("host4.{zone}"), RecordType::TXT, false)?;
                (answer.answers.first()?.data.to_string() == "serial 1").then_some(())
            });
            assert_goes_on(&server, zone, &mut acknowledged);
        }
    }
}

#[test]
fn b33_a_server_that_was_stopped_in_order_keeps_what_was_visible() {
    let place = place();
    let mut acknowledged = [Acknowledged::default(), Acknowledged::default()];
    for _ in 0..3 {
        let mut server = place.start();
        let changer = Changer::connect(&server.state);
        for (zone, acknowledged) in ZONES.iter().zip(&mut acknowledged) {
            assert_kept(&server, zone, acknowledged);
            acknowledged.hand_in_many(&changer, zone, 4, Reached::Visible);
        }
        server.stop();
        // A stop has written everything that is needed, so that a cut behind it takes nothing.
        unsynced(&place.state).iter().for_each(|path| std::fs::remove_file(path).unwrap());
        place.cut_power();
    }
    let server = place.start();
    for (zone, acknowledged) in ZONES.iter().zip(&acknowledged) {
        assert_kept(&server, zone, acknowledged);
    }
}

#[test]
fn a_generation_is_as_old_after_a_restart_as_before() {
    let place = place();
    let made = |server: &Server| {
        let current = until("a generation is current", || {
            let list = server.json(&["generation", "list"]);
            list.as_array()?.iter().find(|generation| generation["state"] == "current").cloned()
        });
        current["at_unix"].as_u64().unwrap_or_else(|| panic!("not known when: {current}"))
    };
    let server = place.start();
    let of_sources = made(&server);
    kill_all(server);
    let server = place.start();
    assert_eq!(made(&server), of_sources, "made of sources: the manifest knows");
    let changer = Changer::connect(&server.state);
    let mut acknowledged = Acknowledged::default();
    acknowledged.hand_in_many(&changer, SMALL, 3, Reached::Durable);
    let of_changes = made(&server);
    kill_all(server);
    let mut server = place.start();
    assert_eq!(made(&server), of_changes, "made of changes: the record knows");
    server.stop();
    let mut server = place.start();
    assert_eq!(made(&server), of_changes, "and the manifest of an orderly stop");
    server.stop();
}
