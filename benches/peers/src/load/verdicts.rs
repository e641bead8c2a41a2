//! Goals of loading, and what was found.

use std::time::Duration;

use super::scan::{KZONECHECK, NSD_CHECKZONE, Scanner, TRINE};
use super::zones::Zones;
use super::{Load, median};
use crate::goals::{Goal, Limit};
use crate::servers::Server;
use crate::start::Start;

/// The scan of one file on one core.
pub fn of_scan(zones: &Zones, scanners: &[Scanner]) -> Vec<Goal> {
    let find = |name| scanners.iter().find(|scanner| scanner.name == name);
    let rate = |scanner: &Scanner| zones.records as f64 / seconds(scanner.median(|run| run.user));
    let Some(trine) = find(TRINE) else { return Vec::new() };
    let goal = |what: String, limit, found, spread, unit| Goal {
        what,
        names: zones.names,
        limit: Limit::AtLeast(limit),
        found: Some(found),
        spread,
        tolerance: spread,
        unit,
    };
    let mut goals = vec![goal(
        "scan into columns, one core, user time".into(),
        10.0,
        rate(trine) / 1e6,
        trine.spread(),
        "M records/s",
    )];
    for other in [KZONECHECK, NSD_CHECKZONE].into_iter().filter_map(find) {
        let what = format!("scan into columns, one core, user time, against {}", other.name);
        goals.push(goal(what, 12.0, rate(trine) / rate(other), trine.spread() + other.spread(), "× as fast"));
    }
    goals
}

/// From the start to ready, as records a second.
pub fn of_build(zones: &Zones, loads: &[Load]) -> Vec<Goal> {
    let Some(load) = trine(loads) else { return Vec::new() };
    let Some(ready) = median(&load.starts, |start| start.ready) else { return Vec::new() };
    let limit = if zones.names > 1_000_000 { 2.5 } else { 3.0 };
    let spread = spread(&load.starts);
    vec![Goal {
        what: "text to published generation, start of the server included".into(),
        names: zones.names,
        limit: Limit::AtLeast(limit),
        found: Some(zones.records as f64 / seconds(ready) / 1e6),
        spread,
        tolerance: spread,
        unit: "M records/s",
    }]
}

/// From the start to the first answer, beside the fastest of the others.
pub fn of_first_answer(zones: &Zones, loads: &[Load]) -> Vec<Goal> {
    let fastest = loads.iter().filter(|load| load.server.is_rival()).min_by_key(|load| load.first());
    let Some((load, fastest)) = trine(loads).zip(fastest) else { return Vec::new() };
    let found = load.first().zip(fastest.first()).map(|(first, other)| seconds(first) / seconds(other));
    let (name, is_many) = (fastest.server.name(), zones.files.len() > 1);
    let what = match is_many {
        true => format!("small zones from text to the last answer, against the fastest ({name})"),
        false => format!("start to first answer from text, against the fastest ({name})"),
    };
    let tolerance = spread(&load.starts) + spread(&fastest.starts);
    vec![Goal {
        what,
        names: zones.names,
        limit: Limit::AtMost(0.3),
        found,
        spread: spread(&load.starts),
        tolerance,
        unit: "×",
    }]
}

/// Memory while loading and while serving.
pub fn of_memory(zones: &Zones, loads: &[Load]) -> Vec<Goal> {
    let Some(load) = trine(loads) else { return Vec::new() };
    let goal = |what: String, limit, found, unit| Goal {
        what,
        names: zones.names,
        limit: Limit::AtMost(limit),
        found: Some(found),
        spread: 0.0,
        tolerance: 0.0,
        unit,
    };
    let mut goals = Vec::new();
    let peak = load.served.iter().map(|memory| memory.peak).max();
    if let Some((peak, segments)) = peak.zip(load.segments.filter(|octets| *octets > 0)) {
        let found = peak as f64 / segments as f64;
        goals.push(goal("peak memory of a load, pages of files included".into(), 2.5, found, "× the segment"));
    }
    if zones.files.len() > 1 || zones.names > 1_000_000 {
        return goals;
    }
    let of = |load: &Load| load.proportional() as f64 / load.records as f64;
    goals.push(goal("served memory".into(), 45.0, of(load), "octets a record"));
    for other in loads.iter().filter(|load| load.server.is_rival()) {
        let limit = if matches!(other.server, Server::Yadifa | Server::Gdnsd) { 0.45 } else { 0.25 };
        let what = format!("served memory a record, against {}", other.server.name());
        goals.push(goal(what, limit, of(load) / of(other), "×"));
    }
    goals
}

/// Starts on what was kept.
pub fn of_restart(zones: &Zones, loads: &[Load]) -> Vec<Goal> {
    let Some(load) = trine(loads) else { return Vec::new() };
    let Some(again) = median(&load.restarts, |start| Some(start.first)) else { return Vec::new() };
    let goal = |what: &str, limit, found, tolerance, unit| Goal {
        what: what.into(),
        names: zones.names,
        limit: Limit::AtMost(limit),
        found: Some(found),
        spread: spread(&load.restarts),
        tolerance,
        unit,
    };
    let own = spread(&load.restarts);
    let mut goals = vec![goal("restart without change to the first answer", 60.0, seconds(again) * 1e3, own, "ms")];
    let other = loads.iter().find(|load| load.server == Server::PowerDnsLmdb);
    if let Some(other) = other
        && let Some(time) = median(&other.restarts, |start| Some(start.first))
    {
        let tolerance = own + spread(&other.restarts);
        let found = seconds(again) / seconds(time);
        goals.push(goal("restart without change, against PowerDNS with LMDB", 1.0, found, tolerance, "×"));
    }
    goals
}

/// A goal as a line.
pub fn line(goal: &Goal) -> String {
    let found = goal.found.map_or_else(|| "–".to_owned(), |found| format!("{found:.3}"));
    let (what, names, limit) = (&goal.what, goal.names, goal.limit_text());
    format!("GOAL {what}, {names}: {limit}; found {found}: {}", goal.verdict())
}

/// How far starts lie apart, half of it, as a part of the one in the middle.
fn spread(starts: &[Start]) -> f64 {
    let times = || starts.iter().map(|start| seconds(start.first));
    let (least, most) = (times().fold(f64::MAX, f64::min), times().fold(0.0, f64::max));
    median(starts, |start| Some(start.first)).map_or(0.0, |middle| (most - least) / 2.0 / seconds(middle))
}

/// Trine's.
fn trine(loads: &[Load]) -> Option<&Load> {
    loads.iter().find(|load| load.server == Server::Trine)
}

/// A time in seconds, never none.
pub fn seconds(time: Duration) -> f64 {
    time.as_secs_f64().max(1e-9)
}
