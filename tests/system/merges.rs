//! Layers over layers: merges under queries, what they take on the disk, what a change writes, and a real series of zones applied as changes.
//! Whatever the way, what is served is what a fresh load of the same data serves.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bus::protocol::control::Reached;
use consumers::reader::Reader;
use hickory_proto::rr::RecordType;
use workload::{Kind, Workload};
use zone_segment::{Name, ZoneSet};

use crate::changes::Changer;
use crate::harness::load::{Question, Reference};
use crate::harness::{Server, ServerOptions, heavy, setting, until, zones};

/// The zone whose layers merge.
const ZONE: &str = "large.test.";

/// Hosts of it: two records each.
const HOSTS: usize = 5000;

/// Changes of it.
const CHANGES: u32 = 150;

/// A change may write this much, whatever the size of the zone.
const WRITTEN_MAX: u64 = 16 << 10;

/// What a name is and owns.
#[derive(Debug, PartialEq, Eq)]
struct Owner {
    /// The name as it is spelled.
    name: String,
    /// Whether it is a cut, is occluded, owns a DNAME, is a wildcard, has one as a child, owns nothing.
    is: [bool; 6],
    /// Its records: type, TTL and data, signatures behind what they cover.
    records: Vec<(u16, u32, Vec<u8>)>,
}

/// Every name of a zone in canonical order.
fn owners(set: &ZoneSet, zone: &str) -> Vec<Owner> {
    let apex: Name = zone.parse().unwrap();
    let zone = set.zone(apex.as_ref()).unwrap();
    let owner = |node: zone_segment::Node<'_>| Owner {
        name: node.name().to_string(),
        is: [
            node.is_cut(),
            node.is_occluded(),
            node.owns_dname(),
            node.is_wildcard(),
            node.has_wildcard_child(),
            node.is_empty_non_terminal(),
        ],
        records: node.records().map(|record| (record.rtype, record.ttl, record.rdata.to_vec())).collect(),
    };
    zone.nodes().map(owner).collect()
}

/// What a server's readers have of a zone at the moment.
fn served(server: &Server, zone: &str) -> Vec<Owner> {
    let reader = Reader::attach(server.state.join("bus.sock")).unwrap();
    let set = reader.wait(Duration::from_secs(30)).unwrap();
    owners(&set, zone)
}

/// Asserts that two servers have the same of a zone.
fn assert_same(left: &Server, right: &Server, zone: &str, what: &str) {
    let (left, right) = (served(left, zone), served(right, zone));
    for (left, right) in left.iter().zip(&right) {
        assert_eq!(left, right, "{what}");
    }
    assert_eq!(left.len(), right.len(), "{what}");
}

/// Asserts that two servers at rest answer questions alike, octet by octet.
fn assert_same_answers(left: &Server, right: &Server, questions: Vec<Question>, what: &str) {
    let mut reference = Reference::new(questions);
    reference.learn(left.address);
    reference.learn(right.address);
    for (number, question) in reference.questions.iter().enumerate() {
        assert_eq!(reference.answers[0][number], reference.answers[1][number], "{what}: {question:?}");
    }
}

/// The octets of all segments of a state directory; a file that goes meanwhile counts nothing.
fn octets(state: &Path, folder: &str) -> u64 {
    let entries = std::fs::read_dir(state.join(folder)).unwrap().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// The zone as text after its changes: each owner's lines by its name.
struct Model {
    /// Lines of zone-file text, by owner.
    lines: BTreeMap<String, Vec<String>>,
    /// The serial.
    serial: u32,
}

impl Model {
    /// The zone that the server is started on.
    fn new() -> Model {
        let mut model = Model { lines: BTreeMap::new(), serial: 1 };
        model.own("@", &["NS ns"]);
        model.own("ns", &["A 192.0.2.53"]);
        for host in 0..HOSTS {
            model.own(&format!("host{host}"), &[&format!("A 192.0.2.{}", host % 256), &format!("TXT \"host {host}\"")]);
        }
        model
    }

    /// Gives a name records.
    fn own(&mut self, name: &str, records: &[&str]) {
        self.lines.entry(name.to_owned()).or_default().extend(records.iter().map(ToString::to_string));
    }

    /// As a zone file.
    fn text(&self) -> String {
        let mut text = format!("$ORIGIN {ZONE}\n$TTL 300\n@ SOA ns hostmaster {} 3600 900 604800 60\n", self.serial);
        for (name, lines) in &self.lines {
            lines.iter().for_each(|line| writeln!(text, "{name} {line}").unwrap());
        }
        text
    }

    /// Changes it in the way of this number; the same as lines of a change file.
    fn change(&mut self, number: u32) -> String {
        let mut changes = String::new();
        let add = |model: &mut Model, changes: &mut String, name: &str, record: &str| {
            model.own(name, &[record]);
            writeln!(changes, "add {name} 300 {record}").unwrap();
        };
        let delete = |model: &mut Model, changes: &mut String, name: &str| {
            if model.lines.remove(name).is_some() {
                writeln!(changes, "delete {name}").unwrap();
            }
        };
        let at = |factor: u32| usize::try_from(number.wrapping_mul(factor)).unwrap() % HOSTS;
        // Names that are there go, others become cuts, wildcards and empty non-terminals, above names that are there as well.
        delete(self, &mut changes, &format!("host{}", at(7919)));
        delete(self, &mut changes, &format!("host{}", at(104_729)));
        let host = format!("host{}", at(1_299_709));
        match number % 5 {
            0 => {
                delete(self, &mut changes, &host);
                add(self, &mut changes, &host, "NS ns");
            }
            1 => add(self, &mut changes, &format!("a.b{number}.{host}"), "AAAA 2001:db8::1"),
            2 => add(self, &mut changes, &format!("*.{host}"), "TXT wild"),
            3 if number > 10 => delete(
                self,
                &mut changes,
                &format!("a.b{}.host{}", number - 2, {
                    let before = (number - 2).wrapping_mul(1_299_709);
                    usize::try_from(before).unwrap() % HOSTS
                }),
            ),
            _ => {}
        }
        for n in 0..12 {
            add(self, &mut changes, &format!("new{n}.change{number}"), &format!("TXT \"{}\"", "x".repeat(200)));
        }
        if number > 40 {
            (0..12).for_each(|n| delete(self, &mut changes, &format!("new{n}.change{}", number - 40)));
        }
        self.serial += 1;
        changes
    }
}

#[test]
fn deltas_merge_under_queries_into_what_a_fresh_load_has() {
    let _heavy = heavy();
    let mut model = Model::new();
    let server = Server::start(&ServerOptions::default(), |directory| {
        zones::install(directory, "large.test.zone", &model.text());
    });
    let base = octets(&server.state, "segments");
    let changer = Changer::connect(&server.state);
    // What is on the disk at the most, while an asker sees that a name that never changes is always answered.
    let (peak, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let watching = {
        let (peak, stop, state, wire) = (Arc::clone(&peak), Arc::clone(&stop), server.state.clone(), server.wire());
        std::thread::spawn(move || {
            let mut asked = 0;
            while !stop.load(Ordering::Relaxed) {
                peak.fetch_max(octets(&state, "segments"), Ordering::Relaxed);
                let answer = wire.udp("ns.large.test.", RecordType::A);
                assert_eq!(answer.answers.len(), 1, "{answer}");
                let missing = wire.udp("host5.nothing.large.test.", RecordType::A);
                assert_eq!(missing.authorities.len(), 1, "{missing}");
                asked += 1;
            }
            asked
        })
    };
    for number in 0..CHANGES {
        let changes = model.change(number);
        let done = changer.update(ZONE, &changes, Reached::Visible);
        let done = done.unwrap_or_else(|error| panic!("change {number}: {error}\n{changes}\n{}", server.log()));
        assert_eq!(done.to, model.serial);
    }
    until("merges are over", || {
        let log = server.log();
        let (begun, generations) = (log.matches("merge-begun").count(), server.generations());
        (begun > 0 && generations.len() == 1).then_some(())
    });
    stop.store(true, Ordering::Relaxed);
    let asked = watching.join().unwrap();
    let peak = peak.load(Ordering::Relaxed);
    let log = server.log();
    let merges = log.matches("merge-begun").count();
    println!("{merges} merges, {asked} queries, {} KiB at the most for a base of {} KiB", peak >> 10, base >> 10);
    assert!(merges >= 2, "{merges} merges");
    assert!(!log.contains("merge-failed") && !log.contains("reader-killed"), "{log}");
    // The snapshot's base and stack, the base and deltas in use, and a new base for that moment.
    assert!(peak <= base * 22 / 10 + (256 << 10), "{peak} octets on the disk for {base}");
    let fresh = Server::start(&ServerOptions::default(), |directory| {
        zones::install(directory, "large.test.zone", &model.text());
    });
    assert_same(&server, &fresh, ZONE, "after merges");
    let mut questions = Vec::new();
    for name in model.lines.keys().step_by(7).filter(|name| name.as_str() != "@") {
        for asked in [format!("{name}.{ZONE}"), format!("x.{name}.{ZONE}"), format!("{name}x.{ZONE}")] {
            questions.extend([RecordType::A, RecordType::TXT].map(|rtype| Question::new(asked.clone(), rtype, false)));
        }
    }
    assert_same_answers(&server, &fresh, questions, "after merges");
    // The same after a restart, from what lies on the disk.
    let mut server = server;
    server.stop();
    let again = Server::start_in(&ServerOptions::default(), &server.zones, &server.state);
    assert_same(&again, &fresh, ZONE, "after a restart");
    assert!(!again.log().contains("zone-loaded"), "{}", again.log());
}

/// What lies in the state directory beside sockets: segments, logs, catalogue and manifests.
fn inodes(state: &Path) -> BTreeMap<std::path::PathBuf, (u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let folders = ["segments", "commits", "catalogue"].map(|folder| state.join(folder));
    let files =
        folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()));
    let files = files.chain([state.join("manifest"), state.join("manifest.previous")]);
    let told = files.filter_map(|path| Some((path.clone(), std::fs::metadata(path).ok()?)));
    told.map(|(path, metadata)| (path, (metadata.ino(), metadata.len()))).collect()
}

/// Octets written between two looks: of files that are new, and of those that grew.
fn written(before: &BTreeMap<std::path::PathBuf, (u64, u64)>, state: &Path) -> u64 {
    let grown = |(path, (inode, length)): (std::path::PathBuf, (u64, u64))| match before.get(&path) {
        Some((same, before)) if *same == inode => length.saturating_sub(*before),
        _ => length,
    };
    inodes(state).into_iter().map(grown).sum()
}

#[test]
fn b41_what_a_change_of_a_large_zone_writes_is_in_proportion_to_the_change() {
    let _heavy = heavy();
    let names = setting("TRINE_LARGE_NAMES", 100_000);
    let workload = Workload::new(Kind::Tld, usize::try_from(names).unwrap(), 1);
    let apex = workload.apex();
    // Beside the delegations: names below one that is to be cut, and an address that many cuts use.
    let below = names / 10;
    let mut text = workload.text();
    text.push_str("shared.test. 3600 IN A 192.0.2.1\n");
    for n in 0..below {
        writeln!(text, "n{n}.under.test. 3600 IN A 192.0.2.2\ncut{n}.test. 3600 IN NS shared.test.").unwrap();
    }
    let server = Server::start(&ServerOptions::default(), |directory| {
        std::fs::write(directory.join(format!("{apex}zone")), &text).unwrap();
    });
    drop(text);
    let changer = Changer::connect(&server.state);
    // Background work at a start is over: the segments are verified and the state is at rest.
    server.until_settled(server.generation());
    let cases = [
        ("one record", "add one 300 A 192.0.2.9\n"),
        ("one record again", "delete one A\nadd one 300 A 192.0.2.10\n"),
        ("an NS above many names", "add under 3600 NS ns.elsewhere.example.\n"),
        ("an address that many cuts use", "delete shared A\nadd shared 3600 A 192.0.2.111\n"),
        ("the NS gone", "delete under NS\n"),
        ("the address gone", "delete shared A\nadd shared 3600 AAAA 2001:db8::1\n"),
    ];
    for (what, changes) in cases {
        let before = inodes(&server.state);
        let done = changer.update(apex, changes, Reached::Durable).unwrap();
        let written = written(&before, &server.state);
        println!("{what}: {written} octets");
        assert!(written <= WRITTEN_MAX, "{what}: {written} octets in generation {}", done.generation);
        match what {
            "an NS above many names" => {
                for n in [0, below / 2, below - 1] {
                    let answer = server.wire().udp(&format!("n{n}.under.test."), RecordType::A);
                    assert!(answer.answers.is_empty(), "{answer}");
                    assert_eq!(answer.authorities[0].data.to_string(), "ns.elsewhere.example.");
                }
            }
            "the NS gone" => {
                let answer = server.wire().udp(&format!("n{}.under.test.", below - 1), RecordType::A);
                assert_eq!(answer.answers[0].data.to_string(), "192.0.2.2");
            }
            "an address that many cuts use" | "the address gone" => {
                let glue = if what.contains("gone") { "2001:db8::1" } else { "192.0.2.111" };
                for n in [0, below / 3, below - 1] {
                    let answer = server.wire().udp(&format!("www.cut{n}.test."), RecordType::A);
                    assert_eq!(answer.additionals[0].data.to_string(), glue, "{answer}");
                }
            }
            _ => {}
        }
    }
    // What is mapped is in proportion too: each process has a base, and deltas that are small.
    for pid in server.auth_pids() {
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
        let count = maps.lines().filter(|line| line.contains(".segment")).count();
        assert!(count < 100, "{count} mappings");
    }
}

/// An apex of one of many small zones.
fn apex_of(number: u64) -> String {
    format!("zone{number}.many.test.")
}

/// Starts a server on so many small zones.
fn start_many(count: u64) -> Server {
    let server = Server::start(&ServerOptions::default(), |directory| {
        for number in 0..count {
            let apex = apex_of(number);
            std::fs::write(directory.join(format!("{apex}zone")), zones::small(&apex, 1, 3)).unwrap();
        }
    });
    server.until_settled(server.generation());
    server
}

#[test]
fn b40_what_a_change_of_one_of_many_zones_writes_is_of_that_zones_size() {
    let _heavy = heavy();
    let count = setting("TRINE_MANY_ZONES", 3000);
    let server = start_many(count);
    let changer = Changer::connect(&server.state);
    for number in [0, count / 2, count - 1] {
        let before = inodes(&server.state);
        changer.update(&apex_of(number), "add new 300 A 192.0.2.9\n", Reached::Durable).unwrap();
        let written = written(&before, &server.state);
        println!("one of {count} zones: {written} octets");
        assert!(written <= WRITTEN_MAX, "{written} octets");
        assert_eq!(server.wire().udp(&format!("new.{}", apex_of(number)), RecordType::A).answers.len(), 1);
    }
}

#[test]
fn b40_a_zone_file_that_changes_comes_or_goes_writes_what_that_zone_is() {
    let _heavy = heavy();
    let server = start_many(setting("TRINE_MANY_ZONES", 3000));
    let put =
        |apex: &str, serial| zones::install(&server.zones, &format!("{apex}zone"), &zones::small(apex, serial, 3));
    let reload = |what: &str, zone: &str| {
        let seen = inodes(&server.state);
        let output = server.trine(&["reload", zone]);
        assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
        let is_new = |path: &Path| path.starts_with(server.state.join("segments")) && !seen.contains_key(path);
        let new: u64 =
            inodes(&server.state).iter().filter(|(path, _)| is_new(path)).map(|(_, (_, length))| length).sum();
        println!("{what}: {new} octets of segments");
        assert!(new <= WRITTEN_MAX, "{what}: {new} octets of segments");
    };
    put(&apex_of(1), 2);
    reload("a zone changed", &apex_of(1));
    assert_eq!(server.wire().serial(&apex_of(1)), Some(2));
    put("coming.many.test.", 1);
    reload("a zone came", "coming.many.test.");
    assert_eq!(server.wire().serial("coming.many.test."), Some(1));
    std::fs::remove_file(server.zones.join(format!("{}zone", apex_of(2)))).unwrap();
    reload("a zone went", &apex_of(2));
    assert_eq!(server.wire().serial(&apex_of(2)), None);
    assert_eq!(server.wire().serial(&apex_of(3)), Some(1));
}

/// Questions about every top-level domain of a root zone, and names that are not there.
fn root_questions(text: &str) -> Vec<Question> {
    let owners: std::collections::BTreeSet<&str> =
        text.lines().filter_map(|line| line.split_whitespace().next()).filter(|owner| owner.ends_with('.')).collect();
    let mut questions = vec![];
    for rtype in [RecordType::SOA, RecordType::NS, RecordType::DNSKEY, RecordType::NSEC, RecordType::A] {
        questions.extend([true, false].map(|dnssec| Question::new(".", rtype, dnssec)));
    }
    for (number, owner) in owners.iter().filter(|owner| **owner != ".").enumerate() {
        questions.push(Question::new(*owner, RecordType::DS, true));
        if number % 4 == 0 {
            questions.push(Question::new(*owner, RecordType::NS, number % 8 == 0));
            questions.push(Question::new(format!("www.{owner}"), RecordType::A, true));
            questions.push(Question::new(format!("0{owner}"), RecordType::A, true));
        }
    }
    questions
}

#[test]
fn the_root_zone_series_by_reload_is_at_each_step_what_a_fresh_load_is() {
    let _heavy = heavy();
    let install = |directory: &Path, serial: &str| zones::install(directory, "root.zone", &zones::root(serial));
    let server = Server::start(&ServerOptions::default(), |directory| install(directory, zones::ROOT_SERIALS[0]));
    let serials = zones::ROOT_SERIALS;
    // There and back again.
    for serial in serials.iter().chain(serials[..4].iter().rev()) {
        install(&server.zones, serial);
        let output = server.trine(&["reload", "--json"]);
        assert!(output.status.success(), "{serial}: {}", String::from_utf8_lossy(&output.stderr));
        let fresh = Server::start(&ServerOptions::default(), |directory| install(directory, serial));
        assert_same(&server, &fresh, ".", serial);
        assert_same_answers(&server, &fresh, root_questions(&zones::root(serial)), serial);
    }
    println!(
        "{}",
        server.log().lines().filter(|line| line.contains("generation-built")).collect::<Vec<_>>().join("\n")
    );
}
