//! Small zones, each with one fault and named by it, or sound: what Trine says of each, and what its peers say.
//!
//! `good/` are zones that are served, `bad/` those that are not, `verdicts.txt` has a line for each: the rules that it breaks, what
//! `named-checkzone -i none`, `kzonecheck` and `nsd-checkzone` said, and why Trine goes its own way where it does not agree with two of
//! them. Who changes a zone or a rule changes its line; where peers are installed, the last test asks them again.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod peers;
#[path = "../harness/skip.rs"]
mod skip;
mod verdicts;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dns::check::Options;
use dns::columns::SortedZone;
use dns::text::zonefile;
use peers::Peer;
use verdicts::Verdict;
use zone_segment::Name;

/// When signatures have to be valid: on the first day of 2026.
const AT: u32 = 1_767_225_600;

/// The zones' folder.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/semantics")
}

/// The apex of a zone: `example.`, or what its first line says.
fn apex(path: &Path) -> String {
    let text = std::fs::read(path).unwrap();
    let first = text.split(|octet| *octet == b'\n').next().unwrap_or_default();
    let told = std::str::from_utf8(first).ok().and_then(|line| line.strip_prefix("; zone: ")).unwrap_or("example");
    if told.ends_with('.') { told.to_owned() } else { format!("{told}.") }
}

/// The rules that Trine says a zone breaks, errors first, and whether it serves the zone.
fn ask_trine(path: &Path) -> (Vec<&'static str>, bool) {
    let apex: Name = apex(path).parse().unwrap();
    let read = zonefile::read(path, &apex, &zonefile::Options::default());
    let mut rules: Vec<&'static str> = read.errors.iter().chain(&read.warnings).map(|e| e.reason.name()).collect();
    let mut is_served = read.errors.is_empty();
    if is_served {
        let options = Options { at: Some(AT), zonemd: false, findings_max: usize::MAX };
        let report = dns::check::all(&SortedZone::new(apex, read.columns), &options);
        is_served = report.errors.is_empty();
        rules.extend(report.errors.iter().chain(&report.warnings).map(|finding| finding.rule.name()));
    }
    let mut told = BTreeSet::new();
    rules.retain(|rule| told.insert(*rule));
    (rules, is_served)
}

#[test]
fn every_zone_has_a_verdict() {
    let mut files: Vec<String> = Vec::new();
    for part in ["bad", "good"] {
        for entry in std::fs::read_dir(folder().join(part)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            // What they include lies in a folder beside them.
            if name != "included" {
                files.push(format!("{part}/{}", name.strip_suffix(".zone").unwrap()));
            }
        }
    }
    files.sort();
    let listed: Vec<String> = verdicts::all().into_iter().map(|verdict| verdict.zone).collect();
    assert_eq!(files, listed);
    assert!(files.len() >= 200);
}

#[test]
fn trine_says_of_every_zone_what_is_written() {
    let mut wrong = Vec::new();
    for verdict in verdicts::all() {
        let (rules, is_served) = ask_trine(&verdict.path());
        if rules != verdict.rules || is_served != verdict.is_good() {
            wrong.push(format!("{}: {rules:?}, {}", verdict.zone, if is_served { "served" } else { "not served" }));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn trine_agrees_with_two_of_three_or_says_why_not() {
    let wrong: Vec<String> = verdicts::all()
        .into_iter()
        .filter(|verdict| (verdict.majority() == verdict.is_good()) != verdict.reason.is_empty())
        .map(|verdict| format!("{}: {:?}, reason: `{}`", verdict.zone, verdict.peers, verdict.reason))
        .collect();
    assert!(
        wrong.is_empty(),
        "a reason stands where there is none to give, or the other way round:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn peers_say_what_is_written() {
    let peers = match peers::find() {
        Ok(peers) => peers,
        Err(missing) => {
            skip::skip("peers_say_what_is_written", &format!("{missing} is not installed"));
            return;
        }
    };
    let verdicts = verdicts::all();
    let asked = ask(&peers, &verdicts);
    // Another version may have another verdict; what the majority says has to stay.
    let is_known_version = peers.iter().all(|peer| verdicts::header().contains(&peer.version));
    let (mut wrong, mut others) = (Vec::new(), Vec::new());
    for (verdict, said) in verdicts.iter().zip(asked) {
        if said == verdict.peers {
            continue;
        }
        let line = format!("{}: {said:?}, written: {:?}", verdict.zone, verdict.peers);
        let asked = Verdict { peers: said, ..verdict.clone() };
        if is_known_version || (asked.majority() != verdict.is_good() && verdict.reason.is_empty()) {
            wrong.push(line);
        } else {
            others.push(line);
        }
    }
    let versions: Vec<&str> = peers.iter().map(|peer| peer.version.as_str()).collect();
    if !others.is_empty() {
        eprintln!("{} say otherwise of {} zones:\n{}", versions.join(", "), others.len(), others.join("\n"));
    }
    assert!(wrong.is_empty(), "{}:\n{}", versions.join(", "), wrong.join("\n"));
}

/// Asks all peers about all zones, on all cores.
fn ask(peers: &[Peer; 3], verdicts: &[Verdict]) -> Vec<[bool; 3]> {
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get());
    let share = verdicts.len().div_ceil(threads);
    std::thread::scope(|scope| {
        let asking: Vec<_> = verdicts
            .chunks(share)
            .map(|verdicts| {
                scope.spawn(|| {
                    let of_zone = |verdict: &Verdict| peers.each_ref().map(|peer| peer.accepts(&verdict.path()));
                    verdicts.iter().map(of_zone).collect::<Vec<_>>()
                })
            })
            .collect();
        asking.into_iter().flat_map(|asking| asking.join().unwrap()).collect()
    })
}
