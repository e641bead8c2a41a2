//! Full disks, damaged segments, damaged manifests: what is served is right or nothing, and it mends itself from the sources.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use memmgr::manifest::{ManifestBody, StateDir, catalogue, encode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::generations::segments;
use crate::harness::small_disk::SmallDisk;
use crate::harness::{Faults, Server, ServerOptions, until, zones};
use crate::recovery::{manifest, named};
use crate::updates::zone;

/// So many small zones that two of them share a group, whatever the hash.
const ZONES: u32 = 70;

/// Hosts of each zone.
const HOSTS: usize = 3;

/// Directories of a server that is stopped and started.
pub(crate) struct Place {
    /// What both lie in.
    _directory: TempDir,
    /// Zone files.
    pub(crate) zones: PathBuf,
    /// State.
    pub(crate) state: PathBuf,
}

impl Place {
    /// With zone files that `fill` writes.
    pub(crate) fn new(fill: impl FnOnce(&Path)) -> Place {
        let directory = tempfile::tempdir().unwrap();
        let place = Place {
            zones: directory.path().join("zones"),
            state: directory.path().join("state"),
            _directory: directory,
        };
        std::fs::create_dir(&place.zones).unwrap();
        fill(&place.zones);
        place
    }

    /// With the one zone `one.test.`.
    fn with_one_zone() -> Place {
        Place::new(|directory| put(directory, "one.test.", 1))
    }

    /// Starts a server here.
    pub(crate) fn start(&self) -> Server {
        self.start_with(&ServerOptions::default())
    }

    /// The same with options.
    pub(crate) fn start_with(&self, options: &ServerOptions) -> Server {
        Server::start_in(options, &self.zones, &self.state)
    }

    /// Starts a server and stops it, so that there is something to damage.
    fn run_once(&self) {
        self.start().stop();
    }

    /// The file of the segment that holds this zone.
    pub(crate) fn segment_of(&self, apex: &str) -> PathBuf {
        let manifest = manifest(&self.state);
        let dir = StateDir::new(&self.state);
        let apex = apex.parse().unwrap();
        let mut zones = manifest.catalogue.iter().flat_map(|chunk| catalogue::read(&dir, chunk).unwrap());
        let zone = zones.find(|zone| zone.apex == apex).unwrap();
        let group = manifest.groups.iter().find(|group| group.id == zone.group).unwrap();
        self.segment(&group.layers[0].file)
    }

    /// The file of the zone directory.
    fn directory_segment(&self) -> PathBuf {
        self.segment(&manifest(&self.state).directory[0].file)
    }

    /// A segment file.
    fn segment(&self, file: &str) -> PathBuf {
        self.state.join("segments").join(file)
    }

    /// Lets the manifest say that the machine was restarted without a clean stop: a power cut.
    pub(crate) fn cut_power(&self) {
        self.rewrite_manifest(|body| {
            body.boot_id = "another boot".to_owned();
            body.clean_stop = false;
        });
    }

    /// Changes what the manifest says.
    fn rewrite_manifest(&self, change: impl FnOnce(&mut ManifestBody)) {
        let mut body = manifest(&self.state);
        change(&mut body);
        std::fs::write(self.state.join("manifest"), encode(&body).unwrap()).unwrap();
    }
}

/// Puts a small zone of this serial in place.
fn put(directory: &Path, apex: &str, serial: u32) {
    zones::install(directory, &format!("{apex}zone"), &zones::small(apex, serial, HOSTS));
}

/// Changes the octets of a file, which is read-only, as no program of ours would.
pub(crate) fn damage(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut octets = std::fs::read(file).unwrap();
    change(&mut octets);
    std::fs::remove_file(file).unwrap();
    std::fs::write(file, octets).unwrap();
}

/// Changes one octet of the text that every TXT record of a zone of this serial has, in the segment's contents.
fn damage_text(file: &Path, serial: u32) {
    let text = format!("serial {serial}");
    damage(file, |octets| {
        let at = octets.windows(text.len()).position(|window| window == text.as_bytes()).unwrap();
        octets[at] = b'S';
    });
}

/// Asserts that every host of a zone is answered with what its file has.
fn assert_right(server: &Server, apex: &str, serial: u32) {
    assert_eq!(server.wire().serial(apex), Some(serial), "{apex}\n{}", server.log());
    for host in 0..HOSTS {
        assert_eq!(text(server, host, apex), Some(format!("serial {serial}")), "host{host}.{apex}\n{}", server.log());
    }
}

/// The TXT record of a host.
fn text(server: &Server, host: usize, apex: &str) -> Option<String> {
    let answer = server.wire().udp(&format!("host{host}.{apex}"), RecordType::TXT);
    answer.answers.first().map(|record| record.data.to_string().trim_matches('"').to_owned())
}

/// The one zone's texts as they are answered.
fn is_right(server: &Server, apex: &str, serial: u32) -> bool {
    (0..HOSTS).all(|host| text(server, host, apex) == Some(format!("serial {serial}")))
}

/// The serial of a numbered zone.
fn serial_of(number: u32) -> u32 {
    100 + number
}

/// A numbered zone's apex.
fn apex_of(number: u32) -> String {
    format!("z{number}.test.")
}

/// A place with many small zones, and two of them that share a group.
fn many() -> (Place, u32, u32) {
    let place = Place::new(|directory| (0..ZONES).for_each(|n| put(directory, &apex_of(n), serial_of(n))));
    let mut server = place.start();
    let groups: Vec<Value> = (0..ZONES).map(|n| zone(&server, &apex_of(n)).unwrap()["group"].clone()).collect();
    server.stop();
    let mut first_of = BTreeMap::new();
    for (number, group) in (0..).zip(groups) {
        if let Some(first) = first_of.insert(group.as_u64().unwrap(), number) {
            return (place, first, number);
        }
    }
    unreachable!("{ZONES} zones, each in a group of its own")
}

#[test]
fn b36_a_full_disk_fails_the_build_and_nothing_else() {
    let test = "b36_a_full_disk_fails_the_build_and_nothing_else";
    let Some(disk) = SmallDisk::mount(test, 8 << 20) else { return };
    let files = tempfile::tempdir().unwrap();
    zones::install(files.path(), "one.test.zone", &zones::small("one.test.", 1, 5000));
    let state = disk.path().join("state");
    let server = Server::start_in(&ServerOptions::default(), files.path(), &state);
    let (auth, before) = (server.auth_pids(), segments(&state));
    disk.fill(64 << 10);
    zones::install(files.path(), "one.test.zone", &zones::small("one.test.", 2, 5000));
    let output = server.trine(&["reload"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("No space left on device") && error.contains(".segment"), "{error}");
    assert!(server.status()["error"].as_str().unwrap().contains("No space left on device"));
    assert_eq!(segments(&state), before, "something was left behind");
    assert_eq!(server.generations(), [(1, "current".to_owned())]);
    // Every page of what is mapped can be read.
    for host in (0..5000).step_by(50) {
        assert_eq!(text(&server, host, "one.test.").unwrap(), "serial 1");
    }
    assert_eq!(server.auth_pids(), auth);
    disk.empty();
    server.reload();
    assert_eq!(server.status()["error"], Value::Null);
    assert_eq!(text(&server, 4999, "one.test.").unwrap(), "serial 2");
    server.until_settled(2);
    assert_eq!(server.auth_pids(), auth);
    drop(server);
}

/// What waits in the way of a manifest until it is removed.
fn block_manifest(state: &Path) {
    std::fs::create_dir(state.join("manifest.new")).unwrap();
}

/// Takes it away.
fn unblock_manifest(state: &Path) {
    std::fs::remove_dir(state.join("manifest.new")).unwrap();
}

#[test]
fn b36_a_manifest_that_can_not_be_written_changes_nothing() {
    let place = Place::with_one_zone();
    let server = place.start();
    let before = segments(&place.state);
    block_manifest(&place.state);
    put(&place.zones, "one.test.", 2);
    let output = server.trine(&["reload"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("manifest.new"), "{output:?}");
    assert_eq!(server.generations(), [(1, "current".to_owned())]);
    assert_right(&server, "one.test.", 1);
    assert_eq!(segments(&place.state), before);
    unblock_manifest(&place.state);
    server.reload();
    assert_right(&server, "one.test.", 2);
    server.until_settled(server.generation());
    assert_eq!(segments(&place.state), named(&place.state));
}

#[test]
fn b36_what_waited_behind_a_manifest_that_failed_is_built_on_what_is_served() {
    let test = "b36_what_waited_behind_a_manifest_that_failed_is_built_on_what_is_served";
    let Some(faults) = Faults::new(test) else { return };
    let place = Place::new(|directory| {
        put(directory, "one.test.", 1);
        put(directory, "two.test.", 1);
    });
    let mut server = place.start_with(&faults.options(&[]));
    block_manifest(&place.state);
    put(&place.zones, "one.test.", 2);
    faults.arm("build-end", "stall 1000");
    let failing = server.begin_reload();
    faults.until_passed("build-end");
    // While that is built, another update is asked for; it begins in the moment in which the first one fails.
    put(&place.zones, "two.test.", 2);
    faults.arm("build-begin", "stall 1000");
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| server.trine(&["reload", "two.test."]));
        faults.until_passed("build-begin");
        unblock_manifest(&place.state);
        waiting.join().unwrap()
    });
    assert!(waiting.status.success(), "{waiting:?}");
    assert_eq!(failing.wait_with_output().unwrap().status.code(), Some(1));
    assert_right(&server, "two.test.", 2);
    assert_right(&server, "one.test.", 1);
    server.until_settled(server.generation());
    assert_eq!(segments(&place.state), named(&place.state), "the manifest names what is not there");
    server.reload();
    assert_right(&server, "one.test.", 2);
    server.stop();
    let server = place.start();
    assert_right(&server, "one.test.", 2);
    assert!(!server.log().contains("segment-refused"));
}

#[test]
fn b38_a_changed_octet_of_header_or_root_is_refused_and_the_segment_rebuilt() {
    let place = Place::with_one_zone();
    place.run_once();
    for is_directory in [false, true] {
        // The magic number, elsewhere in the header, and in the root, which lies before the block table's one entry.
        for offset in [Offset::Start(0), Offset::Start(9), Offset::Start(40), Offset::End(17)] {
            let file = if is_directory { place.directory_segment() } else { place.segment_of("one.test.") };
            damage(&file, |octets| {
                let at = match offset {
                    Offset::Start(at) => at,
                    Offset::End(at) => octets.len() - at,
                };
                octets[at] ^= 0x40;
            });
            let mut server = place.start();
            assert_right(&server, "one.test.", 1);
            let log = server.log();
            let line = log.lines().find(|line| line.contains("segment-refused")).unwrap();
            assert!(line.contains(file.to_str().unwrap()) && line.contains("found"), "{line}");
            until("what was damaged is gone", || (segments(&place.state) == named(&place.state)).then_some(()));
            server.stop();
            let mut server = place.start();
            assert!(!server.log().contains("segment-refused"), "{}", server.log());
            server.stop();
        }
    }
}

/// A place in a file.
#[derive(Clone, Copy, Debug)]
enum Offset {
    /// From its first octet.
    Start(usize),
    /// From behind its last.
    End(usize),
}

#[test]
fn b38_any_other_changed_octet_is_found_in_the_background_and_the_group_rebuilt() {
    let place = Place::with_one_zone();
    place.run_once();
    let file = place.segment_of("one.test.");
    damage_text(&file, 1);
    let mut server = place.start();
    until("the answers are right again", || is_right(&server, "one.test.", 1).then_some(()));
    let log = server.log();
    let line = log.lines().find(|line| line.contains("segment-damaged")).unwrap();
    assert!(line.contains(file.to_str().unwrap()) && line.contains("block 0"), "{line}");
    server.until_settled(2);
    assert!(!file.exists());
    assert_eq!(segments(&place.state), named(&place.state));
    server.stop();
    let server = place.start();
    until("the next start finds nothing", || server.log().contains("segments-verified").then_some(()));
    assert_right(&server, "one.test.", 1);
}

#[test]
fn b38_verify_names_block_and_file() {
    let place = Place::with_one_zone();
    place.run_once();
    let file = place.segment_of("one.test.");
    let verify = |file: &Path| {
        let output = crate::harness::server::trine().args(["segment", "verify"]).arg(file).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(verify(&file), (Some(0), String::new()));
    damage_text(&file, 1);
    let (code, error) = verify(&file);
    assert_eq!(code, Some(1));
    assert!(error.contains("block 0") && error.contains(file.to_str().unwrap()), "{error}");
}

#[test]
fn b38_damage_is_not_copied_into_a_new_segment() {
    let test = "b38_damage_is_not_copied_into_a_new_segment";
    let Some(faults) = Faults::new(test) else { return };
    let (place, changed, neighbour) = many();
    let file = place.segment_of(&apex_of(neighbour));
    assert_eq!(file, place.segment_of(&apex_of(changed)));
    damage_text(&file, serial_of(neighbour));
    // The update of its neighbour is built before the verification gets to it.
    put(&place.zones, &apex_of(changed), 999);
    faults.arm("verify-begin", "stall 2000");
    let server = place.start_with(&faults.options(&[]));
    until("the update is served", || (server.wire().serial(&apex_of(changed)) == Some(999)).then_some(()));
    assert_right(&server, &apex_of(changed), 999);
    assert_right(&server, &apex_of(neighbour), serial_of(neighbour));
}

#[test]
fn b38_readers_that_can_not_map_a_generation_live_on_and_it_is_built_anew() {
    let test = "b38_readers_that_can_not_map_a_generation_live_on_and_it_is_built_anew";
    let Some(faults) = Faults::new(test) else { return };
    let place = Place::with_one_zone();
    let server = place.start_with(&faults.options(&["--switch-timeout", "1s"]));
    let (auth, before) = (server.auth_pids(), segments(&place.state));
    faults.arm("memmgr-announce", "stall 1000");
    put(&place.zones, "one.test.", 2);
    let reload = server.begin_reload();
    faults.until_passed("memmgr-announce");
    let new = segments(&place.state).difference(&before).next().unwrap().clone();
    // In the file itself, under everybody's mappings.
    std::fs::set_permissions(&new, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let file = std::fs::File::options().write(true).open(&new).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"T", 1).unwrap();
    server.end_reload(reload);
    assert_right(&server, "one.test.", 2);
    server.until_settled(3);
    assert_eq!(server.auth_pids(), auth, "readers were killed for what they could not help");
    assert_eq!(server.status()["kills"], json!([]));
    let log = server.log();
    assert!(log.contains("generation-refused") && log.contains("segment-damaged"), "{log}");
    assert_eq!(segments(&place.state), named(&place.state));
}

#[test]
fn b38_no_zone_is_lost_with_a_damaged_directory() {
    let (place, changed, neighbour) = many();
    damage(&place.directory_segment(), |octets| octets[0] ^= 1);
    put(&place.zones, &apex_of(changed), 999);
    let server = place.start();
    assert_right(&server, &apex_of(changed), 999);
    for number in (0..ZONES).filter(|number| *number != changed) {
        assert_eq!(server.wire().serial(&apex_of(number)), Some(serial_of(number)));
    }
    assert_right(&server, &apex_of(neighbour), serial_of(neighbour));
}

#[test]
fn b38_after_a_power_cut_every_segment_is_verified_before_it_is_served() {
    let place = Place::with_one_zone();
    place.run_once();
    place.cut_power();
    let mut server = place.start();
    assert!(server.log().contains("segments-verifying"), "{}", server.log());
    assert_eq!(server.generation(), 1, "sound segments were built anew");
    assert_right(&server, "one.test.", 1);
    server.stop();
    // The same with damage: not one wrong answer, from the first on.
    damage_text(&place.segment_of("one.test."), 1);
    place.cut_power();
    let mut server = place.start();
    assert_right(&server, "one.test.", 1);
    assert!(server.log().contains("segment-damaged"), "{}", server.log());
    server.stop();
    // And when the source is gone too, nothing is served rather than something wrong.
    damage_text(&place.segment_of("one.test."), 1);
    place.cut_power();
    let source = place.zones.join("one.test.zone");
    std::fs::remove_file(&source).unwrap();
    std::os::unix::fs::symlink(&source, &source).unwrap();
    let server = place.start();
    assert_eq!(server.wire().udp("host0.one.test.", RecordType::TXT).metadata.response_code, ResponseCode::ServFail);
    assert_eq!(zone(&server, "one.test.").unwrap()["state"], "broken");
}

#[test]
fn b38_what_is_whole_is_served_although_the_sources_are_gone() {
    let (place, damaged, neighbour) = many();
    let lost = [&apex_of(damaged), &apex_of(neighbour)].map(String::clone);
    damage(&place.segment_of(&lost[0]), |octets| octets[0] ^= 1);
    let away = place.zones.with_file_name("away");
    std::fs::rename(&place.zones, &away).unwrap();
    let server = place.start();
    for number in 0..ZONES {
        let apex = apex_of(number);
        if lost.contains(&apex) {
            let answer = server.wire().udp(&apex, RecordType::SOA);
            assert_eq!(answer.metadata.response_code, ResponseCode::ServFail, "{apex}");
        } else {
            assert_eq!(server.wire().serial(&apex), Some(serial_of(number)));
        }
    }
    assert!(server.status()["error"].as_str().unwrap().contains("reading the zone directory"));
    std::fs::rename(&away, &place.zones).unwrap();
    server.reload();
    for apex in lost {
        assert!(server.wire().serial(&apex).is_some(), "{apex}");
    }
    assert_eq!(server.status()["error"], Value::Null);
}

#[test]
fn b33_a_segment_cut_short_lost_or_exchanged_is_built_anew() {
    let place = Place::with_one_zone();
    place.run_once();
    let is_new = |kind: &str, server: &mut Server| {
        assert_right(server, "one.test.", 1);
        assert!(server.log().contains("segment-refused"), "{kind}: {}", server.log());
        assert_eq!(server.status()["kills"], json!([]));
        until("what was damaged is gone", || (segments(&place.state) == named(&place.state)).then_some(()));
        server.stop();
    };
    damage(&place.segment_of("one.test."), |octets| octets.truncate(octets.len() / 2));
    is_new("cut short", &mut place.start());
    damage(&place.segment_of("one.test."), Vec::clear);
    is_new("empty", &mut place.start());
    std::fs::remove_file(place.segment_of("one.test.")).unwrap();
    is_new("lost", &mut place.start());
    damage(&place.directory_segment(), |octets| octets.extend([0; 4096]));
    is_new("too long", &mut place.start());
    // A sound segment of other contents under its name.
    let other = Place::new(|directory| put(directory, "one.test.", 2));
    other.run_once();
    std::fs::copy(other.segment_of("one.test."), place.state.join("exchanged")).unwrap();
    std::fs::rename(place.state.join("exchanged"), place.segment_of("one.test.")).unwrap();
    is_new("exchanged", &mut place.start());
}

/// What is done to a file.
type Change = fn(&mut Vec<u8>);

#[test]
fn b33_a_damaged_manifest_is_found_whatever_the_damage() {
    let changes: [(&str, Change); 6] = [
        ("cut", |octets| octets.truncate(octets.len() / 2)),
        ("one octet less", |octets| octets.truncate(octets.len() - 1)),
        ("empty", Vec::clear),
        ("changed", |octets| octets[100] ^= 1),
        ("other length", |octets| octets[17] = b'9'),
        ("garbage", |octets| octets.fill(0xa5)),
    ];
    for (what, change) in changes {
        let place = Place::with_one_zone();
        let mut server = place.start();
        put(&place.zones, "one.test.", 2);
        server.reload();
        server.stop();
        damage(&place.state.join("manifest"), change);
        let mut server = place.start();
        assert!(server.log().contains("manifest-damaged-previous-taken"), "{what}: {}", server.log());
        assert_right(&server, "one.test.", 2);
        assert!(server.generation() > 2, "{what}: a number was given out again");
        put(&place.zones, "one.test.", 3);
        server.reload();
        assert_right(&server, "one.test.", 3);
        server.stop();
        let server = place.start();
        assert_right(&server, "one.test.", 3);
        assert!(!server.log().contains("manifest-damaged"), "{what}: {}", server.log());
    }
}

#[test]
fn b33_without_any_sound_manifest_the_sources_are_loaded_anew() {
    for has_previous in [true, false] {
        let place = Place::with_one_zone();
        let mut server = place.start();
        put(&place.zones, "one.test.", 2);
        server.reload();
        server.stop();
        damage(&place.state.join("manifest"), |octets| octets[100] ^= 1);
        if has_previous {
            damage(&place.state.join("manifest.previous"), Vec::clear);
        } else {
            std::fs::remove_file(place.state.join("manifest.previous")).unwrap();
        }
        let mut server = place.start();
        assert!(server.log().contains("manifest-damaged"), "{}", server.log());
        assert_right(&server, "one.test.", 2);
        until("only what is named is left", || (segments(&place.state) == named(&place.state)).then_some(()));
        server.stop();
        assert_right(&place.start(), "one.test.", 2);
    }
}

#[test]
fn b33_a_manifest_of_the_past_leads_to_no_data_of_the_past() {
    let place = Place::with_one_zone();
    let mut server = place.start();
    let old = std::fs::read(place.state.join("manifest")).unwrap();
    put(&place.zones, "one.test.", 2);
    server.reload();
    server.until_settled(2);
    server.stop();
    std::fs::write(place.state.join("manifest"), old).unwrap();
    let server = place.start();
    assert_right(&server, "one.test.", 2);
}

#[test]
fn b33_memmgr_comes_back_to_a_damaged_manifest_under_running_readers() {
    let place = Place::with_one_zone();
    let server = place.start();
    let (auth, memmgr) = (server.auth_pids(), server.memmgr_pid());
    put(&place.zones, "one.test.", 2);
    server.reload();
    server.until_settled(2);
    damage(&place.state.join("manifest"), |octets| octets[100] ^= 1);
    Server::signal(memmgr, "KILL");
    until("a new memmgr answers", || (server.memmgr_pid() != memmgr).then_some(()));
    assert_right(&server, "one.test.", 2);
    put(&place.zones, "one.test.", 3);
    server.reload();
    assert_right(&server, "one.test.", 3);
    until("the readers are adopted", || (server.auth_pids() == auth).then_some(()));
    assert_eq!(server.status()["kills"], json!([]));
}

#[test]
fn b33_a_damaged_catalogue_costs_a_reading_of_the_sources_and_nothing_else() {
    let changes: [(&str, Change); 3] = [
        ("cut", |octets| octets.truncate(octets.len() / 2)),
        ("changed", |octets| octets.iter_mut().for_each(|octet| *octet ^= 1)),
        ("empty", Vec::clear),
    ];
    for (what, change) in changes {
        let place = Place::with_one_zone();
        put(&place.zones, "two.test.", 5);
        put(&place.zones, "three.test.", 6);
        place.run_once();
        for file in std::fs::read_dir(place.state.join("catalogue")).unwrap() {
            damage(&file.unwrap().path(), change);
        }
        // Meanwhile one is broken, one has gone and one has changed.
        zones::install(&place.zones, "two.test.zone", "@ SOA\n");
        std::fs::remove_file(place.zones.join("three.test.zone")).unwrap();
        put(&place.zones, "one.test.", 2);
        let mut server = place.start();
        assert!(server.ready.starts_with("ready: 3 zones, "), "{what}: {}", server.ready);
        assert_right(&server, "two.test.", 5);
        until("what changed is served", || (server.wire().serial("one.test.") == Some(2)).then_some(()));
        until("what has gone is not", || server.wire().serial("three.test.").is_none().then_some(()));
        assert!(server.log().contains("catalogue-damaged"), "{what}: {}", server.log());
        assert_right(&server, "two.test.", 5);
        let status = server.status();
        let two = status["zones"].as_array().unwrap().iter().find(|zone| zone["name"] == "two.test.").unwrap();
        assert_eq!(two["state"], "stale", "{what}");
        server.stop();
        let server = place.start();
        assert_right(&server, "one.test.", 2);
        assert_right(&server, "two.test.", 5);
        server.trine(&["reload"]);
        assert!(!server.log().contains("catalogue-damaged"), "{what}: {}", server.log());
    }
}
