//! What figures should be: goals of changes, of what is written for them and of lookups above them.

use super::layers::Lookups;
use super::octets::{Octets, Written};
use super::reload::Reloads;
use super::sample::{Sample, ratios, together};
use super::visible::Changes;
use crate::goals::{Goal, Limit};
use crate::servers::Server;

/// The goals of one changed record; `smaller` is the smallest zone of the run.
pub fn of_changes(changes: &Changes, smaller: Option<&Changes>) -> Vec<Goal> {
    let Some((trine, peers)) = changes.rows.split_first() else { return Vec::new() };
    let (told, rounds) = (together(&trine.told), Sample(trine.told.iter().map(Sample::median).collect()));
    let goal = |what: String, limit, found: f64, of: &Sample, unit| Goal {
        what,
        names: changes.names,
        limit: Limit::AtMost(limit),
        found: Some(found),
        spread: of.spread(),
        tolerance: of.error(),
        unit,
    };
    let mut goals = Vec::new();
    match smaller {
        Some(smaller) => {
            let below = together(&smaller.rows[0].told).median();
            let what =
                format!("one change to visible, p50, against {} names", crate::page::thousands(smaller.names as u64));
            goals.push(goal(what, 1.3, told.median() / below, &rounds, "×"));
        }
        None => {
            goals.push(goal("one change to visible, p50".into(), 0.8, told.median() / 1e3, &rounds, "ms"));
            goals.push(goal("one change to visible, p99".into(), 5.0, told.quantile(0.99) / 1e3, &rounds, "ms"));
        }
    }
    for peer in peers {
        let ratios = ratios(&trine.seen, &peer.seen);
        let what = format!("one change until an answer has it, p50, against {}", peer.server.name());
        goals.push(goal(what, 1.0, ratios.median(), &ratios, "×"));
    }
    goals.push(Goal {
        what: "answers right after a change was told to be visible that have it".into(),
        names: changes.names,
        limit: Limit::AtLeast(100.0),
        found: Some(100.0 * trine.asked as f64 / (trine.asked + trine.old) as f64),
        spread: 0.0,
        tolerance: 0.0,
        unit: "%",
    });
    if !changes.durable.is_empty() {
        let part = |((durable, told), append): ((&Sample, &Sample), &Sample)| {
            durable.median() / (told.median() + APPEND * append.median())
        };
        let rounds = changes.durable.iter().zip(&trine.told).zip(&changes.append).map(part);
        let rounds = Sample(rounds.collect());
        let what = "one change to durable, p50, against visible and 1.2 appends with fdatasync";
        goals.push(goal(what.into(), 1.0, rounds.median(), &rounds, "×"));
    }
    goals
}

/// The goals of what is written for a change.
pub fn of_octets(written: &Written) -> Vec<Goal> {
    let goal = |row: &super::octets::Row| {
        let all = Sample(row.writes.iter().map(|octets: &Octets| octets.all() as f64 / KIB).collect());
        Goal {
            what: format!("written for {}", row.what),
            names: written.names,
            limit: Limit::AtMost(WRITTEN_KIB_MAX),
            found: Some(all.quantile(1.0)),
            spread: all.spread(),
            tolerance: 0.0,
            unit: "KiB",
        }
    };
    written.rows.iter().map(goal).collect()
}

/// The goals of lookups: the stack that takes longest.
pub fn of_lookups(lookups: &Lookups) -> Vec<Goal> {
    let mut goals = Vec::new();
    for table in &lookups.tables {
        let [none, control, stacks @ ..] = &table.figures[..] else { continue };
        let of_median = control.spread() / (control.slice_means.len().max(1) as f64).sqrt();
        let tolerance = (control.mean() / none.mean() - 1.0).abs().max(of_median);
        let goal = |stack: &measure::Measurement| Goal {
            what: format!("{}, {}", table.what, stack.name),
            names: lookups.names,
            limit: Limit::AtMost(table.limit),
            found: Some(stack.mean() / none.mean()),
            spread: stack.spread(),
            tolerance,
            unit: "×",
        };
        goals.extend(stacks.iter().map(goal));
    }
    goals
}

/// The goals of reloads.
pub fn of_reloads(reloads: &Reloads) -> Vec<Goal> {
    let Some((trine, peers)) = reloads.rows.split_first() else { return Vec::new() };
    // Reload by reload: the two are of the same round.
    let ratio = |these: &Sample, those: &Sample| {
        Sample(these.0.iter().zip(&those.0).filter(|(_, that)| **that > 0.0).map(|(this, that)| this / that).collect())
    };
    let goal = |what: String, limit, found: &Sample, unit| Goal {
        what,
        names: reloads.names,
        limit: Limit::AtMost(limit),
        found: Some(found.median()),
        spread: found.spread(),
        tolerance: found.error(),
        unit,
    };
    let parse = ratio(&trine.times, &reloads.parse);
    let mut goals = vec![goal("reload of a text with 100 changes, against parsing it".into(), 1.3, &parse, "×")];
    for peer in peers {
        let limit = if peer.server == Server::Gdnsd { 0.3 } else { 0.12 };
        let what = format!("reload of a text with 100 changes, against {}", peer.server.name());
        goals.push(goal(what, limit, &ratio(&trine.times, &peer.times), "×"));
    }
    let peaks = Sample(trine.peaks.0.iter().map(|peak| peak / reloads.segment_octets.max(1) as f64).collect());
    goals.push(goal("most memory of a reload, pages of files included".into(), 1.3, &peaks, "× the segment"));
    goals
}

/// How much of an append being durable may take.
const APPEND: f64 = 1.2;

/// What may be written for a change.
const WRITTEN_KIB_MAX: f64 = 16.0;

/// Octets of a KiB.
const KIB: f64 = 1024.0;
