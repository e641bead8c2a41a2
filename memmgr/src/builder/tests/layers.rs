//! Builds upon builds, each against one from nothing: layers above layers must hold what one base of each group would.

use zone_segment::{LAYERS_MAX, Name};

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;

use super::*;
use crate::builder::changes::{self, Ask, ChangesRequest};
use crate::builder::group;
use dns::change::{ChangeSet, ChangedRecord};
use dns::types::Rtype;

/// A record: owner, type, TTL and RDATA.
type Plain = (Vec<u8>, u16, u32, Vec<u8>);

/// All zones and what they have.
fn dump(state: &State) -> BTreeMap<Name, Vec<Plain>> {
    let set = state.contents.zone_set(state.generation, None).unwrap();
    let served = set.zones().filter(|zone| zone.state() == ZoneState::Serving);
    let dumped = served.map(|zone| {
        let mut records: Vec<Plain> = zone
            .nodes()
            .flat_map(|node| {
                let owner = node.name().as_wire().to_vec();
                node.records().map(move |record| (owner.clone(), record.rtype, record.ttl, record.rdata.to_vec()))
            })
            .collect();
        assert_eq!(zone.record_count(), records.len() as u64, "{}", zone.apex());
        records.sort();
        (zone.apex().to_name(), records)
    });
    dumped.collect()
}

/// Numbers that are always the same.
struct Random(u64);

impl Random {
    /// A number below another.
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(end)) as u32
    }
}

/// Zones of one shard, and one that has a group alone.
struct Zones {
    /// Their directory.
    root: TempDir,
    /// Names that have files, or had.
    names: Vec<String>,
    /// The lines of each that has a file, but for the SOA.
    lines: BTreeMap<String, Vec<String>>,
    /// What was built last.
    base: Arc<State>,
    /// The serial that was given last.
    serial: u32,
}

impl Zones {
    /// So many small ones, and a big one.
    fn new(count: usize) -> Zones {
        let shard = |name: &String| Apex::new(name.parse().unwrap()).shard();
        let all = (0..).map(|number| format!("zone{number}.test."));
        let first = shard(&"zone0.test.".to_owned());
        let names: Vec<String> = all.filter(|name| shard(name) == first).take(count).collect();
        let lines = |addresses: u32| (0..addresses).map(|number| format!("n{number} 300 A 192.0.2.{}", number % 200));
        let mut all: BTreeMap<String, Vec<String>> =
            names.iter().map(|name| (name.clone(), lines(40).collect())).collect();
        all.insert("big.test.".to_owned(), lines(5000).collect());
        let root = tempfile::tempdir().unwrap();
        for (name, lines) in &all {
            std::fs::write(root.path().join(format!("{name}zone")), text_of(1, lines)).unwrap();
        }
        let base = Arc::new(build_all(&root, None).candidate.unwrap());
        Zones { root, names, lines: all, base, serial: 1 }
    }

    /// Writes a zone's file, or removes it.
    fn put(&mut self, name: &str, lines: Option<Vec<String>>) {
        self.serial += 1;
        let path = self.root.path().join(format!("{name}zone"));
        match lines {
            Some(lines) => {
                std::fs::write(path, text_of(self.serial, &lines)).unwrap();
                self.lines.insert(name.to_owned(), lines);
            }
            None => {
                drop(std::fs::remove_file(path));
                self.lines.remove(name);
            }
        }
    }

    /// Changes a zone in some way.
    fn change(&mut self, random: &mut Random) {
        let name = match random.below(4) {
            0 => "big.test.".to_owned(),
            _ => self.names[random.below(self.names.len() as u32) as usize].clone(),
        };
        let mut lines = self.lines.get(&name).cloned().unwrap_or_default();
        if random.below(10) == 0 && name != "big.test." {
            return self.put(&name, None);
        }
        if name == "big.test." && random.below(8) == 0 {
            // So few that it moves to the others, or so many that it moves away.
            let count = if lines.len() > 2000 { 100 } else { 5000 };
            lines = (0..count).map(|number| format!("n{number} 300 A 192.0.2.{}", number % 200)).collect();
        }
        for _ in 0..=random.below(4) {
            let line = format!("b{}.n{} {} A 10.0.0.{}", random.below(4), random.below(50), 300, random.below(3));
            match random.below(3) {
                0 if !lines.is_empty() => drop(lines.remove(random.below(lines.len() as u32) as usize)),
                1 => lines.push(line),
                _ => lines.insert(random.below(lines.len() as u32 + 1) as usize, line),
            }
        }
        self.put(&name, Some(lines));
    }

    /// Builds all on the base, compares that with a build from nothing, and goes on from there; gives what came of it.
    fn build(&mut self) -> Outcome {
        let mut outcome = build_all(&self.root, Some(&self.base));
        let before = dump(&self.base);
        if let Some(state) = outcome.candidate.take() {
            let after = dump(&state);
            let scratch = tempfile::tempdir().unwrap();
            for entry in std::fs::read_dir(self.root.path()).unwrap().map(Result::unwrap) {
                if entry.path().is_file() {
                    std::fs::copy(entry.path(), scratch.path().join(entry.file_name())).unwrap();
                }
            }
            assert_eq!(after, dump(&build_all(&scratch, None).candidate.unwrap()));
            for set in &outcome.changes {
                let mut records = before[&set.apex].clone();
                let plain = |record: &ChangedRecord| {
                    (record.owner.as_wire().to_vec(), record.rtype.0, record.ttl, record.rdata.to_vec())
                };
                for record in set.removed.iter().map(plain) {
                    records.remove(records.iter().position(|other| *other == record).unwrap());
                }
                records.extend(set.added.iter().map(plain));
                records.sort();
                assert_eq!(records, after[&set.apex]);
            }
            self.base = Arc::new(state);
        }
        outcome
    }

    /// How many layers the group of the small zones has, and that of the big one.
    fn depths(&self) -> (usize, usize) {
        let depths = |is_it: fn(GroupId) -> bool| {
            let groups = self.base.contents.groups.iter().filter(|(group, _)| is_it(**group));
            groups.map(|(_, layers)| layers.len()).max().unwrap_or(0)
        };
        (depths(|group| !group::is_alone(group)), depths(group::is_alone))
    }
}

/// The text of a zone.
fn text_of(serial: u32, lines: &[String]) -> String {
    let head = format!("@ 3600 SOA ns.test2. hostmaster {serial} 1 1 1 1\n@ 3600 NS ns.test2.\n");
    lines.iter().fold(head, |text, line| text + line + "\n")
}

#[test]
fn builds_upon_builds_are_as_one_from_nothing() {
    let mut zones = Zones::new(12);
    let mut random = Random(1);
    let mut deepest = (0, 0);
    for _ in 0..60 {
        for _ in 0..=random.below(2) {
            zones.change(&mut random);
        }
        let outcome = zones.build();
        assert!(outcome.report.failed.is_empty(), "{:?}", outcome.report);
        let depths = zones.depths();
        deepest = (deepest.0.max(depths.0), deepest.1.max(depths.1));
        assert!(depths.0 <= LAYERS_MAX && depths.1 <= LAYERS_MAX, "{depths:?}");
    }
    assert_eq!(deepest, (2, 2), "small layers are folded");
}

#[test]
fn a_change_of_one_zone_is_one_layer_and_its_change_set() {
    let mut zones = Zones::new(12);
    let (small, big) = (zones.names[3].clone(), "big.test.".to_owned());
    for name in [&small, &big] {
        let mut lines = zones.lines[name].clone();
        lines.remove(7);
        lines.push("new 60 TXT new".to_owned());
        let base = zones.base.contents.clone();
        zones.put(name, Some(lines));
        let Outcome { report, changes, .. } = zones.build();
        assert_eq!(report.changed.len(), 1);
        let [set] = &changes[..] else { panic!("one set, not {changes:?}") };
        assert_eq!((set.removed.len(), set.added.len(), set.to), (2, 2, zones.serial));
        let changed: Vec<&Vec<Arc<LayerFile>>> = zones
            .base
            .contents
            .groups
            .iter()
            .filter(|(group, layers)| base.groups[group].len() != layers.len())
            .map(|(_, layers)| layers)
            .collect();
        let [[above, below]] = changed.iter().map(|layers| &layers[..]).collect::<Vec<_>>()[..] else {
            panic!("one group has a second layer: {changed:?}")
        };
        assert!(above.length() < below.length(), "{} of {}", above.length(), below.length());
        assert_eq!(base.directory[0].id, zones.base.contents.directory[0].id, "the directory is as it was");
    }
    assert_eq!(zones.depths(), (2, 2));
}

#[test]
fn a_zone_that_goes_costs_a_directory_entry() {
    let mut zones = Zones::new(12);
    let layers =
        |zones: &Zones| zones.base.contents.groups.values().flatten().map(|layer| layer.id).collect::<Vec<_>>();
    let before = layers(&zones);
    for number in 0..5 {
        let name = zones.names[number].clone();
        zones.put(&name, None);
        assert_eq!(zones.build().report.changed.len(), 1);
        assert_eq!(layers(&zones), before);
    }
    // With most of them gone their group is written anew.
    for number in 5..8 {
        let name = zones.names[number].clone();
        zones.put(&name, None);
    }
    zones.build();
    assert_ne!(layers(&zones), before);
    assert_eq!(zones.depths(), (1, 1));
}

#[test]
fn other_text_of_the_same_records_changes_nothing() {
    let mut zones = Zones::new(3);
    for name in [zones.names[0].clone(), "big.test.".to_owned()] {
        let lines = zones.lines[&name].iter().rev().cloned().collect::<Vec<_>>();
        let text = format!("; another text\n{}", text_of(1, &lines));
        std::fs::write(zones.root.path().join(format!("{name}zone")), text).unwrap();
        let outcome = zones.build();
        assert!(outcome.candidate.is_none() && outcome.report.changed.is_empty(), "{:?}", outcome.report);
        assert_eq!(outcome.report.unchanged, 4);
    }
}

#[test]
fn a_big_zone_that_is_wrong_is_told_of_as_when_it_is_read_whole() {
    let mut zones = Zones::new(3);
    let mut lines = zones.lines["big.test."].clone();
    lines[10] = "n11 300 CNAME n12".to_owned();
    zones.put("big.test.", Some(lines.clone()));
    let outcome = zones.build();
    assert!(outcome.candidate.is_none());
    let [(_, error)] = &outcome.report.failed[..] else { panic!("{:?}", outcome.report) };
    assert!(error.contains(":13:1: error: ") || error.contains(":14:1: error: "), "{error}");
    lines[10] = "n11 300 A 192.0.2".to_owned();
    zones.put("big.test.", Some(lines));
    assert_eq!(zones.build().report.failed.len(), 1);
}

/// A set that gives a zone another SOA record.
fn next_soa(state: &State, zone: &str, rdata: impl Fn(&mut Vec<u8>)) -> Ask {
    let set = state.set.as_deref().unwrap();
    let zone = set.zone(zone.parse::<Name>().unwrap().as_ref()).unwrap();
    let old = zone.apex_node().unwrap().records().find(|record| record.rtype == Rtype::SOA.0).unwrap();
    let (apex, from) = (zone.apex().to_name(), zone.serial().unwrap());
    let record =
        |rdata: &[u8]| ChangedRecord { owner: apex.clone(), rtype: Rtype::SOA, ttl: old.ttl, rdata: rdata.into() };
    let mut new = old.rdata.to_vec();
    rdata(&mut new);
    let (removed, added) = (vec![record(old.rdata)], vec![record(&new)]);
    Ask::Again(ChangeSet { apex, from, to: from + 1, removed, added })
}

#[test]
fn what_is_asked_for_together_is_written_whole_or_not_at_all() {
    let zones = Zones::new(3);
    let state = &zones.base;
    let [one, two, three] = &zones.names[..] else { panic!("three zones") };
    let serial =
        |state: &State, name: &str| state.zones.get(&Apex::new(name.parse().unwrap())).unwrap().serial.unwrap();
    let sound = |name: &str| {
        next_soa(state, name, |rdata| {
            let at = rdata.len() - 20;
            rdata[at..at + 4].copy_from_slice(&(serial(state, name) + 1).to_be_bytes());
        })
    };
    let broken = next_soa(state, two, |rdata| rdata.truncate(1));
    let segments = StateDir::new(zones.root.path().join("state")).segments();
    let files =
        || -> BTreeSet<PathBuf> { std::fs::read_dir(&segments).unwrap().map(|entry| entry.unwrap().path()).collect() };
    let before = files();
    let request = ChangesRequest {
        base: Arc::clone(state),
        generation: state.generation + 1,
        key: state.key,
        segments: segments.clone(),
        numbers: Arc::new(AtomicU64::new(state.next.layer)),
        merged: Vec::new(),
        asks: vec![vec![sound(one), broken], vec![sound(three)]],
        leaps: None,
        now: 0,
    };
    let outcome = changes::build(&request).unwrap();
    let [Err(refused), Ok(done)] = &outcome.answers[..] else { panic!("{:?}", outcome.answers) };
    assert!(refused.reason.starts_with(two.as_str()), "{}", refused.reason);
    assert_eq!((done.len(), outcome.changes.len()), (1, 1));
    let candidate = outcome.candidate.unwrap();
    assert_eq!(serial(&candidate, one), serial(state, one), "what came with a broken one stays as it was");
    assert_eq!(serial(&candidate, three), serial(state, three) + 1);
    assert_eq!(files().difference(&before).count(), 1, "nothing is left of what was given up");
}
