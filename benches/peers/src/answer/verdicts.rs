//! Goals of answering, and what was found.

use super::pressure::Pressure;
use super::subjects::{CONTROL, ECHO};
use super::{Report, Row, Table};
use crate::goals::{Goal, Limit};
use crate::servers::Server;

/// All goals of what was measured.
pub fn of(report: &Report) -> Vec<Goal> {
    let mut goals = Vec::new();
    if let Some(table) = &report.datagrams {
        goals.extend(of_datagrams(table));
    }
    if let Some(table) = &report.signed {
        goals.extend(of_signed(table));
    }
    if let Some(table) = &report.streams {
        goals.extend(of_streams(table));
    }
    goals.extend(of_latency(report));
    goals
}

/// A goal as a line.
pub fn line(goal: &Goal) -> String {
    let found = goal.found.map_or_else(|| "–".to_owned(), |found| format!("{found:.3}"));
    let (what, names, limit) = (&goal.what, goal.names, goal.limit_text());
    format!("GOAL {what}, {names}: {limit}; found {found}: {}", goal.verdict())
}

/// The zone of hosts over UDP.
fn of_datagrams(table: &Table) -> Vec<Goal> {
    let user = |run: &Pressure| run.user();
    let make = Maker::of(table);
    let best = [Server::Nsd, Server::Knot]
        .into_iter()
        .filter_map(|server| table.find(server.name()))
        .min_by(|one, other| median(one, user).total_cmp(&median(other, user)));
    let trine = table.find(Server::Trine.name());
    let mut goals = vec![
        make.ratio("processor time a query against a bare echo", Limit::AtMost(1.2), ECHO, Pressure::time),
        Goal {
            found: trine.map(|row| median(row, user) / 1e3),
            spread: trine.map_or(0.0, |row| spread(row, user)),
            ..make.goal("user time a query".into(), Limit::AtMost(0.3), "µs")
        },
        make.ratio("user time a query against gdnsd", Limit::AtMost(0.4), Server::Gdnsd.name(), user),
    ];
    if let Some(best) = best {
        let what = format!("user time a query against the best of NSD and Knot ({})", best.name);
        goals.push(make.ratio(&what, Limit::AtMost(0.15), best.name, user));
    }
    let rate = "answers a second on the same core against";
    let (gdnsd, nsd) = (Server::Gdnsd.name(), Server::Nsd.name());
    goals.push(make.ratio(&format!("{rate} gdnsd"), Limit::AtLeast(1.15), gdnsd, Pressure::rate));
    goals.push(make.ratio(&format!("{rate} NSD"), Limit::AtLeast(1.5), nsd, Pressure::rate));
    goals
}

/// The signed zone.
fn of_signed(table: &Table) -> Option<Goal> {
    let best = [Server::Nsd, Server::Knot]
        .into_iter()
        .filter_map(|server| table.find(server.name()))
        .max_by(|one, other| median(one, Pressure::rate).total_cmp(&median(other, Pressure::rate)))?;
    let what = format!("signed zone with DO, answers a second against the best of NSD and Knot ({})", best.name);
    Some(Maker::of(table).ratio(&what, Limit::AtLeast(1.8), best.name, Pressure::rate))
}

/// The zone of hosts over TCP.
fn of_streams(table: &Table) -> Option<Goal> {
    let gdnsd = table.find(Server::Gdnsd.name())?;
    let what = "TCP, pipelined on connections that stay: processor time a query against gdnsd";
    Some(Maker::of(table).ratio(what, Limit::AtMost(1.0), gdnsd.name, Pressure::time))
}

/// Latency while generations follow each other.
fn of_latency(report: &Report) -> Option<Goal> {
    let mut ratios: Vec<f64> = report
        .latencies
        .iter()
        .map(|(calm, switched, _)| switched.percentile(9_900) / calm.percentile(9_900).max(1.0))
        .collect();
    ratios.sort_by(f64::total_cmp);
    let found = *ratios.get(ratios.len() / 2)?;
    let half = (ratios.last()? - ratios.first()?) / 2.0 / found;
    let names = report.datagrams.as_ref().map_or(0, |table| table.names);
    Some(Goal {
        what: "p99 at half the rate while a generation follows another each second, against without".into(),
        names,
        limit: Limit::AtMost(1.5),
        found: Some(found),
        spread: half,
        tolerance: 0.0,
        unit: "×",
    })
}

/// Makes goals of a table.
struct Maker<'t> {
    /// The table.
    table: &'t Table,
    /// How near to its limit a figure is drawn: what two equal echoes differ by.
    tolerance: f64,
}

impl Maker<'_> {
    /// For a table.
    fn of(table: &Table) -> Maker<'_> {
        let echoes = table.find(ECHO).zip(table.find(CONTROL));
        let tolerance = echoes.and_then(|(echo, control)| ratio(control, echo, Pressure::time));
        Maker { table, tolerance: tolerance.map_or(0.0, |ratio| (ratio - 1.0).abs()) }
    }

    /// Trine's figure against another's, from round to round.
    fn ratio(&self, what: &str, limit: Limit, other: &str, of: impl Fn(&Pressure) -> f64 + Copy) -> Goal {
        let rows = self.table.find(Server::Trine.name()).zip(self.table.find(other));
        Goal {
            found: rows.and_then(|(trine, other)| ratio(trine, other, of)),
            spread: rows.map_or(0.0, |(trine, _)| spread(trine, of)),
            ..self.goal(what.to_owned(), limit, "×")
        }
    }

    /// A goal without a figure.
    fn goal(&self, what: String, limit: Limit, unit: &'static str) -> Goal {
        let names = self.table.names;
        Goal { what, names, limit, found: None, spread: 0.0, tolerance: self.tolerance, unit }
    }
}

/// The ratio in the middle of those of all rounds.
pub fn ratio(row: &Row, other: &Row, of: impl Fn(&Pressure) -> f64) -> Option<f64> {
    let pairs = row.runs.iter().zip(&other.runs);
    middle(pairs.map(|(one, other)| of(one) / of(other).max(1e-9)).collect())
}

/// The figure in the middle.
pub fn median(row: &Row, of: impl Fn(&Pressure) -> f64) -> f64 {
    middle(row.runs.iter().map(of).collect()).unwrap_or(0.0)
}

/// How far figures lie apart, half of it, as a part of the one in the middle.
pub fn spread(row: &Row, of: impl Fn(&Pressure) -> f64 + Copy) -> f64 {
    let figures = || row.runs.iter().map(of);
    let (least, most) = (figures().fold(f64::MAX, f64::min), figures().fold(0.0, f64::max));
    (most - least) / 2.0 / median(row, of).max(1e-9)
}

/// The one in the middle.
fn middle(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}
