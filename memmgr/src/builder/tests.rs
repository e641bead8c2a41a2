//! Whole builds on files of a directory of the test's own.

use std::fmt::Write;
use std::sync::atomic::AtomicU64;

use tempfile::TempDir;

use super::*;
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
    let directory = StateDir::new(root.path().join("state"));
    directory.create().unwrap();
    let generation = base.map_or(1, |base| base.generation + 1);
    build(&BuildRequest {
        base: base.cloned(),
        generation,
        key: HashKey([7; 16]),
        scope: Scope::All,
        zones: root.path().to_owned(),
        segments: directory.segments(),
        catalogues: Arc::new(CatalogueStore { directory, next: AtomicU64::new(generation) }),
        distrusted: BTreeSet::new(),
        zonemd: false,
        progress: Arc::default(),
    })
    .unwrap()
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
    let Outcome { candidate, zones, report } = build_all(&root, Some(&base));
    assert!(candidate.is_none() && report.changed.is_empty(), "{report:?}");
    let zone = zones.get(&crate::apex::Apex::new(big)).unwrap();
    assert_eq!((zone.condition, zone.serial), (crate::catalogue::Condition::Stale, Some(2)));
}
