//! What figures should be.

use super::crowd::Crowd;
use super::incoming::{Incoming, Row};
use super::link::HandedOver;
use super::whole::Whole;
use crate::goals::{Goal, Limit};
use crate::update::sample::Sample;

/// The goals of all of a zone to one client.
pub fn of_whole(whole: &Whole) -> Vec<Goal> {
    let Some((trine, peers)) = whole.rows.split_first() else { return Vec::new() };
    let mut goals: Vec<Goal> = peers
        .iter()
        .map(|peer| {
            let pairs = peer.times.0.iter().zip(&trine.times.0);
            let ratios = Sample(pairs.map(|(theirs, ours)| theirs / ours).collect());
            Goal {
                what: format!("all of a zone to one client, records a second, against {}", peer.server.name()),
                names: whole.names,
                limit: Limit::AtLeast(1.0),
                found: Some(ratios.median()),
                spread: ratios.spread(),
                tolerance: ratios.error(),
                unit: "×",
            }
        })
        .collect();
    goals.push(memory("xfrout's own memory with one client", whole.names, 16.0, whole.peak));
    goals
}

/// The goals of many clients at once.
pub fn of_crowd(crowd: &Crowd) -> Vec<Goal> {
    let ratios = crowd.ratios();
    vec![
        memory("xfrout's own memory with 20 clients", crowd.names, 64.0, crowd.peak),
        Goal {
            what: "answers beside 20 transfers, p99, against without".into(),
            names: crowd.names,
            limit: Limit::AtMost(1.2),
            found: Some(ratios.median()),
            spread: ratios.spread(),
            tolerance: ratios.error(),
            unit: "×",
        },
    ]
}

/// The goals of zones taken from a primary.
pub fn of_incoming(incoming: &Incoming) -> Vec<Goal> {
    let Some((trine, peers)) = incoming.rows.split_first() else { return Vec::new() };
    let against = |what: &str, peer: &Row, limit, of: fn(&Row) -> &Sample| {
        let (ours, theirs) = (of(trine), of(peer));
        Goal {
            what: format!("{what}, p50, against {}", peer.server.name()),
            names: incoming.names,
            limit: Limit::AtMost(limit),
            found: Some(ours.median() / theirs.median()),
            spread: ours.spread().max(theirs.spread()),
            tolerance: ours.error().max(theirs.error()),
            unit: "×",
        }
    };
    let mut goals: Vec<Goal> = peers
        .iter()
        .map(|peer| against("all of a zone taken, from the query to an answer", peer, 0.8, |row| &row.whole))
        .collect();
    goals.push(Goal {
        what: "one record added, from the primary's last octet to an answer, p50".into(),
        names: incoming.names,
        limit: Limit::AtMost(5.0),
        found: Some(trine.added.median() / 1e3),
        spread: trine.added.spread(),
        tolerance: trine.added.error(),
        unit: "ms",
    });
    goals.extend(peers.iter().map(|peer| against("the same", peer, 0.5, |row| &row.added)));
    goals
}

/// The goal of sockets handed over.
pub fn of_link(handed: &HandedOver) -> Vec<Goal> {
    vec![Goal {
        what: "sockets handed over a second".into(),
        names: 0,
        limit: Limit::AtLeast(20_000.0),
        found: Some(handed.a_second.median()),
        spread: handed.a_second.spread(),
        tolerance: handed.a_second.error(),
        unit: "",
    }]
}

/// A goal of memory, in MiB.
fn memory(what: &str, names: usize, limit: f64, octets: u64) -> Goal {
    Goal {
        what: what.to_owned(),
        names,
        limit: Limit::AtMost(limit),
        found: Some(octets as f64 / f64::from(1 << 20)),
        spread: 0.0,
        tolerance: 0.0,
        unit: "MiB",
    }
}
