//! Whole builds on files of a directory of the test's own.

mod layers;

use std::fmt::Write;
use std::sync::atomic::AtomicU64;

use tempfile::TempDir;
use zone_segment::ZoneState;

use super::*;
use crate::apex::Apex;
use crate::catalogue::{Condition, Shard, ZoneInfo};
use crate::manifest::StateDir;

/// A zone of so many addresses at one name.
fn text(serial: u32, addresses: u32) -> String {
    let mut text = format!("@ 3600 SOA ns hostmaster {serial} 1 1 1 1\n@ 3600 NS ns\n");
    for address in 1..=addresses {
        writeln!(text, "ns 3600 A {}", std::net::Ipv4Addr::from_bits((10 << 24) + address)).unwrap();
    }
    text
}

/// Builds all zones on a base.
fn build_all(root: &TempDir, base: Option<&Arc<State>>) -> Outcome {
    build_scope(root, base, Scope::all())
}

/// Builds what is in scope on a base.
fn build_scope(root: &TempDir, base: Option<&Arc<State>>, scope: Scope) -> Outcome {
    build(&request(root, base, scope)).unwrap()
}

/// What to build.
fn request(root: &TempDir, base: Option<&Arc<State>>, scope: Scope) -> BuildRequest {
    let directory = StateDir::new(root.path().join("state"));
    directory.create().unwrap();
    let generation = base.map_or(1, |base| base.generation + 1);
    BuildRequest {
        base: base.cloned(),
        generation,
        key: HashKey([7; 16]),
        scope,
        zones: root.path().to_owned(),
        segments: directory.segments(),
        catalogues: Arc::new(CatalogueStore { directory, next: AtomicU64::new(generation) }),
        distrusted: BTreeSet::new(),
        zonemd: false,
        numbers: Arc::new(AtomicU64::new(base.map_or(1, |base| base.next.layer))),
        secondaries: Arc::default(),
        received: Arc::default(),
        progress: Arc::default(),
    }
}

#[test]
fn records_that_make_no_segment_are_the_fault_of_their_zone_alone() {
    let root = tempfile::tempdir().unwrap();
    let put = |name: &str, text: String| std::fs::write(root.path().join(name), text).unwrap();
    let (big, good) = ("big.test.".parse::<Name>().unwrap(), "good.test.".parse::<Name>().unwrap());
    put("big.test.zone", text(1, 65_536));
    put("good.test.zone", text(1, 1));
    let Outcome { candidate, report, .. } = build_all(&root, None);
    assert_eq!(report.changed, [good]);
    assert!(matches!(&report.failed[..], [(zone, _)] if *zone == big), "{report:?}");
    // With data of before it is stale, and nothing is written for it.
    put("big.test.zone", text(2, 1));
    let base = Arc::new(build_all(&root, candidate.map(Arc::new).as_ref()).candidate.unwrap());
    put("big.test.zone", text(3, 65_536));
    let Outcome { candidate, zones, report, .. } = build_all(&root, Some(&base));
    assert!(candidate.is_none() && report.changed.is_empty(), "{report:?}");
    let zone = zones.get(&Apex::new(big)).unwrap();
    assert_eq!((zone.condition, zone.serial), (Condition::Stale, Some(2)));
}

/// Two zones in a directory, and how one of them stands after build upon build.
struct Expiring {
    /// The directory.
    root: TempDir,
    /// What was built last.
    base: Arc<State>,
}

impl Expiring {
    /// Both served.
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for name in ["one.test.zone", "two.test.zone"] {
            std::fs::write(root.path().join(name), text(1, 1)).unwrap();
        }
        let base = Arc::new(build_all(&root, None).candidate.unwrap());
        Expiring { root, base }
    }

    /// The zone's name.
    fn name() -> Name {
        "one.test.".parse().unwrap()
    }

    /// Puts another file of it in place.
    fn put(&self, text: &str) {
        std::fs::write(self.root.path().join("one.test.zone"), text).unwrap();
    }

    /// Builds what is in scope, and goes on from there.
    fn build(&mut self, scope: Scope) -> (Report, bool) {
        let Outcome { candidate, zones, report, .. } = build_scope(&self.root, Some(&self.base), scope);
        let is_candidate = candidate.is_some();
        self.base = Arc::new(candidate.unwrap_or_else(|| State { zones, ..State::clone(&self.base) }));
        (report, is_candidate)
    }

    /// How the zone stands, its serial, whether there is an error, and what the zone directory says of it.
    fn stands(&self) -> (Condition, Option<u32>, bool, ZoneState) {
        let zone = self.base.zones.get(&Apex::new(Self::name())).unwrap();
        let set = self.base.contents.zone_set(self.base.generation, None).unwrap();
        let state = set.zone(Self::name().as_ref()).unwrap().state();
        (zone.condition, zone.serial, zone.error.is_some(), state)
    }

    /// The layers of all groups.
    fn groups(&self) -> Vec<LayerId> {
        self.base.contents.groups.values().flatten().map(|layer| layer.id).collect()
    }
}

#[test]
fn b57_a_zone_expires_and_is_refreshed_by_name_without_its_group_being_written() {
    let mut zones = Expiring::new();
    let groups = zones.groups();
    let (report, is_candidate) = zones.build(Scope::expiring("ONE.test.".parse().unwrap()));
    assert!(is_candidate && report.changed == [Expiring::name()] && report.failed.is_empty(), "{report:?}");
    let set = zones.base.contents.zone_set(zones.base.generation, None).unwrap();
    let apex = set.zone(Expiring::name().as_ref()).unwrap().apex().to_name();
    assert_eq!((report.changed[0].to_string(), apex.to_string()), ("one.test.".to_owned(), "one.test.".to_owned()));
    let expired = (Condition::Expired, Some(1), false, ZoneState::Expired);
    assert_eq!(zones.stands(), expired);
    // Once more, and what leaves it as it is: nothing to publish.
    for scope in [Scope::expiring(Expiring::name()), Scope::all(), Scope::none()] {
        let (report, is_candidate) = zones.build(scope);
        assert!(!is_candidate && report.changed.is_empty() && report.failed.is_empty(), "{report:?}");
        assert_eq!(zones.stands(), expired);
    }
    let (report, is_candidate) = zones.build(Scope::zone(Expiring::name()).and(Scope::all()));
    assert!(is_candidate && report.changed == [Expiring::name()] && report.unchanged == 1, "{report:?}");
    assert_eq!(zones.stands(), (Condition::Serving, Some(1), false, ZoneState::Serving));
    assert_eq!(zones.groups(), groups);
}

#[test]
fn b57_a_changed_source_refreshes_a_zone_and_a_broken_one_does_not() {
    let mut zones = Expiring::new();
    zones.build(Scope::expiring(Expiring::name()));
    zones.put("@ 3600 SOA\n");
    let failed = (Condition::Expired, Some(1), true, ZoneState::Expired);
    for scope in [Scope::all(), Scope::zone(Expiring::name())] {
        let (report, is_candidate) = zones.build(scope);
        assert!(!is_candidate && report.failed.len() == 1, "{report:?}");
        assert_eq!(zones.stands(), failed);
    }
    // As it was: sound, and as old as it was.
    zones.put(&text(1, 1));
    zones.build(Scope::all());
    assert_eq!(zones.stands(), (Condition::Expired, Some(1), false, ZoneState::Expired));
    zones.put(&text(2, 1));
    let (report, _) = zones.build(Scope::all());
    assert_eq!(report.changed, [Expiring::name()]);
    assert_eq!(zones.stands(), (Condition::Serving, Some(2), false, ZoneState::Serving));
    // Its time passes while its source can't be taken.
    zones.put("@ 3600 SOA\n");
    zones.build(Scope::all());
    assert_eq!(zones.stands(), (Condition::Stale, Some(2), true, ZoneState::Serving));
    zones.build(Scope::expiring(Expiring::name()));
    assert_eq!(zones.stands(), (Condition::Expired, Some(2), true, ZoneState::Expired));
    // Together with other data it is refreshed, or else a refresh would be lost.
    zones.put(&text(3, 1));
    zones.build(Scope::expiring(Expiring::name()).and(Scope::all()));
    assert_eq!(zones.stands(), (Condition::Serving, Some(3), false, ZoneState::Serving));
}

#[test]
fn b57_what_is_lost_of_an_expired_zone_is_read_again_and_stays_expired() {
    let mut zones = Expiring::new();
    zones.build(Scope::expiring(Expiring::name()));
    let expired = zones.stands();
    let group = zones.base.zones.get(&Apex::new(Expiring::name())).unwrap().group;
    let mut state = State::clone(&zones.base);
    // A group that recovery could not open.
    let lost = state.contents.groups.remove(&group).unwrap();
    zones.base = Arc::new(state);
    let request = |distrusted| BuildRequest { distrusted, ..request(&zones.root, Some(&zones.base), Scope::all()) };
    zones.base = Arc::new(build(&request(BTreeSet::from([lost[0].id]))).unwrap().candidate.unwrap());
    assert_eq!(zones.stands(), expired);
    // A catalogue that could not be read: how the source looked is not known, the serial is.
    let mut state = State::clone(&zones.base);
    let apex = Apex::new(Expiring::name());
    let mut shard = state.zones.shard(apex.shard()).zones.clone();
    let zone =
        ZoneInfo { stamps: Vec::new(), source: std::path::Path::new("").into(), ..ZoneInfo::clone(&shard[&apex]) };
    shard.insert(apex.clone(), Arc::new(zone));
    state.zones.set(apex.shard(), Shard::new(shard));
    zones.base = Arc::new(state);
    zones.build(Scope::all());
    assert_eq!(zones.stands(), expired);
    assert!(!zones.base.zones.get(&apex).unwrap().stamps.is_empty());
}

#[test]
fn b57_what_is_not_served_does_not_expire() {
    let mut zones = Expiring::new();
    std::fs::write(zones.root.path().join("broken.test.zone"), "@ 3600 SOA\n").unwrap();
    zones.build(Scope::all());
    for (apex, why) in [("broken.test.", "is broken"), ("nowhere.test.", "is not served here")] {
        let (report, is_candidate) = zones.build(Scope::expiring(apex.parse().unwrap()));
        assert!(!is_candidate && report.failed[0].1.contains(why), "{report:?}");
    }
    // Without sources too, a zone expires.
    let request = request(&zones.root, Some(&zones.base), Scope::expiring(Expiring::name()));
    let request = BuildRequest { zones: zones.root.path().join("nowhere"), ..request };
    let Outcome { candidate, report, .. } = build(&request).unwrap();
    assert!(report.failed.is_empty() && report.unlisted.is_none(), "{report:?}");
    zones.base = Arc::new(candidate.unwrap());
    assert_eq!(zones.stands(), (Condition::Expired, Some(1), false, ZoneState::Expired));
}
