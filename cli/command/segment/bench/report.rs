//! What was measured, as JSON and as a table.

use measure::{Measurement, PageSizes};
use serde_json::{Map, Value, json};
use zone_segment::Segment;

use super::SEED;
use super::questions::Questions;
use crate::command::print;
use crate::exit::Exit;

/// Two dependent reads at random cache lines.
pub(super) const PAIR: &str = "pair of reads";
/// The same once more, which shows what differences mean nothing.
pub(super) const CONTROL: &str = "pair of reads, control";
/// Folding and hashing a name, which each lookup below does too.
pub(super) const KEY: &str = "fold and hash";
/// The same in batches.
pub(super) const KEY_BATCH: &str = "fold and hash, batches of 32";
/// Names that exist, one at a time.
pub(super) const HIT: &str = "hit";
/// Names that exist, in batches.
pub(super) const HIT_BATCH: &str = "hit, batches of 32";
/// Zone cuts and names below them, one at a time.
pub(super) const REFERRAL: &str = "referral";
/// Zone cuts and names below them, in batches.
pub(super) const REFERRAL_BATCH: &str = "referral, batches of 32";
/// Names that do not exist, one at a time.
pub(super) const MISS: &str = "miss";
/// Names that do not exist, in batches.
pub(super) const MISS_BATCH: &str = "miss, batches of 32";
/// The owner of the NSEC record before a name that does not exist, one at a time.
pub(super) const PREDECESSOR: &str = "predecessor";
/// The same in batches.
pub(super) const PREDECESSOR_BATCH: &str = "predecessor, batches of 32";

/// The subjects in the order they are printed in, and their keys in JSON.
const SUBJECTS: [(&str, &str); 12] = [
    (PAIR, "dram_pair_ns"),
    (CONTROL, "dram_pair_control_ns"),
    (KEY, "key_ns"),
    (KEY_BATCH, "key_batch32_ns"),
    (HIT, "hit_ns"),
    (HIT_BATCH, "hit_batch32_ns"),
    (REFERRAL, "referral_ns"),
    (REFERRAL_BATCH, "referral_batch32_ns"),
    (MISS, "miss_ns"),
    (MISS_BATCH, "miss_batch32_ns"),
    (PREDECESSOR, "predecessor_ns"),
    (PREDECESSOR_BATCH, "predecessor_batch32_ns"),
];

/// The tables that find a name by its hash.
const INDEX_PARTS: [&str; 1] = ["index"];

/// The tables that find a name by its place in the canonical order.
const ORDER_PARTS: [&str; 3] = ["order", "separators", "blocks"];

/// What was measured, and of what.
pub(super) struct Report<'a> {
    /// The segment.
    pub(super) segment: &'a Segment,
    /// What was asked.
    pub(super) questions: &'a Questions<'a>,
    /// How it is mapped.
    pub(super) pages: PageSizes,
    /// How many questions of each kind were wanted.
    pub(super) queries: u32,
    /// The figures.
    pub(super) measurements: Vec<Measurement>,
    /// Whether names have predecessors: the zone is signed with NSEC.
    pub(super) is_proven: bool,
}

impl Report<'_> {
    /// A line that says what was measured: the title of a plot.
    pub(super) fn title(&self) -> String {
        let statistics = self.segment.statistics();
        let zones = match self.questions.zones.as_slice() {
            [zone] => format!("zone {}", zone.apex()),
            zones => format!("{} zones", zones.len()),
        };
        format!("Lookups in {zones}: segment of {} names, {} octets", statistics.names, statistics.octets)
    }

    /// The figures of a subject; none when there was nothing to ask.
    fn measurement(&self, name: &str) -> Option<&Measurement> {
        self.measurements.iter().find(|measurement| measurement.name == name)
    }

    /// What is plotted: the lookups, and the pair once.
    pub(super) fn plotted(&self) -> impl Iterator<Item = &Measurement> {
        self.measurements.iter().filter(|measurement| ![CONTROL, KEY, KEY_BATCH].contains(&measurement.name.as_str()))
    }

    /// How many names a subject's questions were drawn from.
    fn names(&self, name: &str) -> Option<u64> {
        let drawn = match name {
            HIT | HIT_BATCH => &self.questions.hits,
            REFERRAL | REFERRAL_BATCH => &self.questions.referrals,
            KEY | KEY_BATCH | MISS | MISS_BATCH | PREDECESSOR | PREDECESSOR_BATCH => &self.questions.missing,
            _ => return None,
        };
        (!drawn.is_empty()).then_some(drawn.names)
    }

    /// One number of what all lookups found: the same in every run on the same segment with as many queries.
    fn checksum(&self) -> u64 {
        let mix = |sum: u64, measurement: &Measurement| sum.rotate_left(7) ^ measurement.checksum;
        self.measurements.iter().fold(0, mix)
    }

    /// Octets of some tables for each name.
    fn octets_per_name(&self, parts: &[&str]) -> f64 {
        let statistics = self.segment.statistics();
        let of_parts = statistics.parts.iter().filter(|part| parts.contains(&part.part));
        of_parts.map(|part| part.octets).sum::<u64>() as f64 / statistics.names.max(1) as f64
    }

    /// An object for programs. Times are nanoseconds a lookup.
    pub(super) fn json(&self) -> Value {
        let statistics = self.segment.statistics();
        let mut object = Map::new();
        for (name, key) in SUBJECTS {
            let figures = self.measurement(name).map(|measurement| {
                json!({
                    "p50": rounded(measurement.p50()),
                    "p99": rounded(measurement.p99()),
                    "mean": rounded(measurement.mean()),
                    "spread": rounded(measurement.spread()),
                    "drawn_from_names": self.names(name),
                })
            });
            object.insert(key.to_owned(), figures.unwrap_or_default());
        }
        let octets_per_name = statistics.octets as f64 / statistics.names.max(1) as f64;
        let rest = json!({
            "octets": statistics.octets,
            "zones": statistics.zones,
            "names": statistics.names,
            "records": statistics.records,
            "octets_per_name": rounded(octets_per_name),
            "index_octets_per_name": rounded(self.octets_per_name(&INDEX_PARTS)),
            "order_octets_per_name": rounded(self.octets_per_name(&ORDER_PARTS)),
            "page_sizes": {
                "kernel_page_octets": self.pages.kernel_page_size,
                "rss_octets": self.pages.rss,
                "huge_octets": self.pages.huge(),
                "file_pmd_mapped_octets": self.pages.file_pmd_mapped,
                "shmem_pmd_mapped_octets": self.pages.shmem_pmd_mapped,
                "anon_huge_octets": self.pages.anon_huge_pages,
            },
            "queries": self.queries,
            "seed": SEED,
            "checksum": format!("{:016x}", self.checksum()),
            "has_predecessors": self.is_proven,
        });
        object.extend(rest.as_object().cloned().unwrap_or_default());
        Value::Object(object)
    }

    /// A table for people.
    pub(super) fn print(&self) -> Exit {
        let statistics = self.segment.statistics();
        let octets_per_name = statistics.octets as f64 / statistics.names.max(1) as f64;
        let clock = self.measurements.first().and_then(|pair| pair.clock_costs.first()).copied().unwrap_or_default();
        print::text_line(&format!(
            "{}\n{octets_per_name:.1} octets a name, of them index {:.1}, order {:.1}; {}\n\
             {} queries of each kind, seed {SEED}, checksum {:016x}; {clock:.0} ns for the clock are taken off each call\n",
            self.title(),
            self.octets_per_name(&INDEX_PARTS),
            self.octets_per_name(&ORDER_PARTS),
            self.pages,
            self.queries,
            self.checksum(),
        ));
        let rows: Vec<[String; 7]> = SUBJECTS.iter().map(|(name, _)| self.row(name)).collect();
        let exit = print::table(["NS A LOOKUP", "MEAN", "/ PAIR", "P50", "P99", "SPREAD", "DRAWN FROM"], &rows);
        if self.is_proven || self.questions.missing.is_empty() {
            return exit;
        }
        print::text_line(
            "\nNo name has a predecessor: the zone is not signed with NSEC. The search for one was measured all the same.",
        )
    }

    /// The row of a subject.
    fn row(&self, name: &str) -> [String; 7] {
        let dash = || "-".to_owned();
        let Some(measurement) = self.measurement(name) else {
            return [name.to_owned(), dash(), dash(), dash(), dash(), dash(), dash()];
        };
        let pair = self.measurement(PAIR).map_or(0.0, Measurement::mean);
        [
            name.to_owned(),
            format!("{:.1}", measurement.mean()),
            if pair > 0.0 { format!("{:.2}", measurement.mean() / pair) } else { dash() },
            format!("{:.1}", measurement.p50()),
            format!("{:.1}", measurement.p99()),
            format!("{:.0} %", measurement.spread() * 100.0),
            self.names(name).map_or_else(dash, |names| format!("{names} names")),
        ]
    }
}

/// A number with two digits behind the point: there is no more in it.
fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
