//! What figures should be, and whether they are: a ratio to what was measured in the same run, never a time.

use workload::Kind;

use crate::extras::Sizes;
use crate::run::{Figures, Mode, Set};

/// A goal and what was found.
#[derive(Debug)]
pub struct Goal {
    /// What it is about.
    pub what: String,
    /// Delegations of the zone.
    pub names: usize,
    /// The limit.
    pub limit: Limit,
    /// What was found; none where that was not measured.
    pub found: Option<f64>,
    /// How far the figure's slices lie apart, as a part of it.
    pub spread: f64,
    /// How near to its limit a figure is drawn, as a part of it: what two equal things differed by.
    pub tolerance: f64,
    /// What limit and figure are in.
    pub unit: &'static str,
}

/// On which side of a limit a figure should be.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Goal {
    /// `pass` or `fail`, and `drawn` beside it when the figure is nearer to its limit than two equal things are to each other.
    pub fn verdict(&self) -> &'static str {
        let Some(found) = self.found else { return "not measured" };
        let excess = match self.limit {
            Limit::AtMost(limit) => found / limit - 1.0,
            Limit::AtLeast(limit) => limit / found - 1.0,
        };
        match excess {
            excess if self.tolerance > 0.0 && excess.abs() <= self.tolerance => match excess <= 0.0 {
                true => "pass (drawn)",
                false => "fail (drawn)",
            },
            excess if excess <= 0.0 => "pass",
            _ => "fail",
        }
    }

    /// The limit as text.
    pub fn limit_text(&self) -> String {
        match self.limit {
            Limit::AtMost(limit) => format!("≤ {limit} {}", self.unit),
            Limit::AtLeast(limit) => format!("≥ {limit} {}", self.unit),
        }
    }
}

/// All goals, for sizes from a million names on, or for what there is.
pub fn of(figures: &Figures, sizes: &[Sizes]) -> Vec<Goal> {
    let is_large = |size: &&Sizes| size.delegations >= 1_000_000;
    let judged: Vec<&Sizes> = match sizes.iter().any(|size| is_large(&size)) {
        true => sizes.iter().filter(is_large).collect(),
        false => sizes.iter().collect(),
    };
    let mut goals = Vec::new();
    for size in &judged {
        goals.extend(of_times(figures, size.delegations));
    }
    goals.extend(judged.iter().map(|size| of_index(size)));
    // The one nearest to a million.
    goals.extend(judged.first().into_iter().flat_map(|size| of_octets(size)));
    goals.extend(sizes.iter().flat_map(of_opening));
    goals
}

/// The goals that are about time.
fn of_times(figures: &Figures, names: usize) -> Vec<Goal> {
    let find = |mode, set, name| figures.find(Kind::Tld, names, mode, set, name);
    // Two equal things: by how much they differ, and by how much each does from slice to slice.
    let tolerance = |set: Set| {
        let (pair, control) = match set {
            Set::Denial => (find(Mode::Single, Set::Memory, NSEC_PAIR), find(Mode::Single, Set::Memory, NSEC_CONTROL)),
            _ => (find(Mode::Single, Set::Memory, PAIR), find(Mode::Single, Set::Memory, CONTROL)),
        };
        pair.zip(control).map_or(0.0, |(pair, control)| {
            // A median is as much surer than one slice as the root of their number.
            let of_median = control.spread() / (control.slice_means.len().max(1) as f64).sqrt();
            (control.mean() / pair.mean() - 1.0).abs().max(of_median)
        })
    };
    let to_pair = |what: &str, set, subject, limit| {
        let pair = find(Mode::Single, Set::Memory, if set == Set::Denial { NSEC_PAIR } else { PAIR });
        let figure = find(Mode::Single, set, subject);
        Goal {
            what: what.to_owned(),
            names,
            limit: Limit::AtMost(limit),
            found: figure.zip(pair).map(|(figure, pair)| figure.mean() / pair.mean()),
            spread: figure.map_or(0.0, |figure| figure.spread()),
            tolerance: tolerance(set),
            unit: "× pair",
        }
    };
    let faster = |other: &'static str, subject, limit| {
        let (figure, slower) = (find(Mode::Loop, Set::Hit, subject), find(Mode::Loop, Set::Hit, other));
        let ratio = figure.zip(slower).map(|(figure, slower)| slower.mean() / figure.mean());
        let (limit, found, unit) = match limit {
            Limit::AtMost(_) => (limit, ratio.map(|ratio| 1.0 / ratio), "×"),
            Limit::AtLeast(_) => (limit, ratio, "× faster"),
        };
        let what = match subject {
            BATCHED => format!("hits in batches of 32 against {other}"),
            HASHING => format!("hit in a plain loop, folding and hashing included, against {other}"),
            _ => format!("hit in a plain loop against {other}"),
        };
        Goal {
            what,
            names,
            limit,
            found,
            spread: figure.map_or(0.0, |figure| figure.spread()),
            tolerance: tolerance(Set::Hit),
            unit,
        }
    };
    vec![
        to_pair("hit, one at a time", Set::Hit, TRINE, 1.2),
        to_pair("referral (name below a cut), one at a time", Set::Referral, TRINE, 1.2),
        to_pair("hits in batches of 32", Set::Hit, BATCHED, 0.16),
        faster("hashbrown, foldhash", TRINE, Limit::AtMost(1.0)),
        to_pair("missing name, no proof", Set::Missing, TRINE, 0.6),
        to_pair("missing name with NSEC predecessor, one at a time", Set::Denial, TRINE, 1.9),
        to_pair("missing name with NSEC predecessor, batches of 32", Set::Denial, BATCHED, 0.6),
        faster("LMDB get", TRINE, Limit::AtLeast(3.0)),
        faster("qp-trie", TRINE, Limit::AtLeast(2.5)),
        faster("rkyv ArchivedBTreeMap", TRINE, Limit::AtLeast(3.0)),
        faster("std HashMap", TRINE, Limit::AtLeast(1.3)),
        faster("LMDB get", BATCHED, Limit::AtLeast(12.0)),
        faster("hashbrown, foldhash", HASHING, Limit::AtMost(1.0)),
        faster("std HashMap", HASHING, Limit::AtLeast(1.3)),
    ]
}

/// The goal of the index.
fn of_index(size: &Sizes) -> Goal {
    Goal {
        what: "index and order".into(),
        names: size.delegations,
        limit: Limit::AtMost(12.0),
        found: Some(size.index_octets()),
        spread: 0.0,
        tolerance: 0.0,
        unit: "octets a name",
    }
}

/// The goals of the whole file.
fn of_octets(size: &Sizes) -> [Goal; 2] {
    let goal = |what: &str, limit, found, unit| Goal {
        what: what.into(),
        names: size.delegations,
        limit: Limit::AtMost(limit),
        found: Some(found),
        spread: 0.0,
        tolerance: 0.0,
        unit,
    };
    [
        goal("segment", 80.0, size.octets_a_name(), "octets a name"),
        goal("segment beside the zone's text", 0.6, size.part_of_text(), "× the text"),
    ]
}

/// The goals of opening a file.
fn of_opening(size: &Sizes) -> [Goal; 2] {
    let goal = |what: &str, limit, found, spread, unit| Goal {
        what: what.into(),
        names: size.delegations,
        limit: Limit::AtMost(limit),
        found: Some(found),
        spread,
        tolerance: 0.0,
        unit,
    };
    let opening = &size.opening;
    [
        goal("opening and checking", 100.0, opening.time.as_nanos() as f64 / 1_000.0, opening.spread, "µs"),
        // The header's, the root's, and one more where the root crosses a boundary; what else this process touches meanwhile counts too.
        goal("pages touched by it", OPENING_FAULTS_MAX, opening.faults as f64, 0.0, "page faults"),
    ]
}

/// The two reads beside which lookups are measured.
pub const PAIR: &str = "pair";
/// The same again, to see what two equal things differ by.
pub const CONTROL: &str = "pair again (control)";
/// The pair of the segment with NSEC records.
pub const NSEC_PAIR: &str = "pair, NSEC segment";
/// The same again.
pub const NSEC_CONTROL: &str = "pair again, NSEC segment (control)";
/// The segment, one name at a time.
pub const TRINE: &str = "Trine";
/// The segment, 32 names at a time.
pub const BATCHED: &str = "Trine, batches of 32";

/// The segment, one name at a time, each folded and hashed in the time.
pub const HASHING: &str = "Trine, hashing included";
/// The same, 32 names at a time.
pub const HASHING_BATCHED: &str = "Trine, batches, hashing included";

/// Page faults that opening may take.
const OPENING_FAULTS_MAX: f64 = 8.0;
