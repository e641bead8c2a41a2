//! A source compared with the zone that is served: [`Comparison`] finds what differs while the source is read, and keeps that alone.
//!
//! Each record of the source is looked for in the zone and marked there (`matching`); those not found are kept. Behind the last part, what is
//! not marked in the zone is gone from the source. The owners of both are put together as the source has them by now, checked as at any load, and
//! compared with what they own in the zone (`difference`, `context`). So a source of ten million records in which ten differ costs the time
//! to read it, and the memory of marks.
//!
//! A match is a matter of speed alone: what was not recognised as the same is compared once more owner by owner. Where what differs is
//! not known for sure without all of the source, or is so much that a zone is better built anew, the answer is [`Outcome::Whole`].

mod context;
mod difference;
mod matching;
#[cfg(test)]
mod tests;

use crate::change::ZoneChange;
use crate::check::CheckReport;
use crate::columns::{Columns, Part};
use crate::text::zonefile::TakeParts;
use matching::Matcher;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use zone_segment::{Mapping, Marks, SegmentOctets, Zone};

/// A comparison under way. Many threads may hand parts to it.
pub struct Comparison<'z, B = Mapping> {
    /// What is served.
    zone: Zone<'z, B>,
    /// Which of its records the source has.
    marks: Marks<'z>,
    /// The records that the zone does not have, those of each part by its number.
    kept: Mutex<Vec<(u64, Part)>>,
    /// How many records there were.
    seen: AtomicU64,
    /// How many of them were kept.
    differing: AtomicU64,
    /// Whether so much differs that nothing more is compared.
    is_given_up: AtomicBool,
    /// Whether the source can be had once only, so that all of it has to be there in the end.
    is_once: bool,
}

/// What came of a comparison.
#[derive(Debug)]
pub enum Outcome {
    /// The source has what is served.
    Same {
        /// How many records it has, duplicates and all.
        records: u64,
        /// What the checks found that keeps nothing from being served.
        warnings: CheckReport,
    },
    /// It has something else.
    Changed(Box<Changed>),
    /// What it has is to be read whole.
    Whole(Reason),
}

/// A source that differs from what is served.
#[derive(Debug)]
pub struct Changed {
    /// How.
    pub change: ZoneChange,
    /// How many records it has, duplicates and all.
    pub records: u64,
    /// What the checks found in the owners concerned that does not keep the zone from being served.
    pub warnings: CheckReport,
}

/// Why a source is to be read whole.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// More than a quarter of it differs: a delta would cost more than it saves.
    Much,
    /// The parameters of its NSEC3 chain differ, and with them all of the chain.
    Nsec3Parameters,
    /// A check found an error, or may find one that shows in the whole zone only.
    Check,
    /// Which spelling of a name or record stands first in the source counts, and is not known.
    Spelling,
}

/// Up to so many records may differ, of however few: a delta of them is nothing.
const DIFFERING_ALWAYS: u64 = 1024;

/// Where more than half of so many records differ, it is not waited for more of them.
const DIFFERING_EARLY: u64 = 1 << 17;

impl<'z, B: SegmentOctets> Comparison<'z, B> {
    /// Begins a comparison with a zone.
    pub fn new(zone: Zone<'z, B>) -> Self {
        Comparison {
            zone,
            marks: Marks::new(&zone),
            kept: Mutex::default(),
            seen: AtomicU64::new(0),
            differing: AtomicU64::new(0),
            is_given_up: AtomicBool::new(false),
            is_once: false,
        }
    }

    /// The same for a source that can be had once only, such as a transfer: where it would have to be read whole, what was taken of it is put together
    /// again, out of what was marked in the zone and what was kept ([`Comparison::into_parts`], [`Comparison::finish_once`]).
    pub fn once(zone: Zone<'z, B>) -> Self {
        Comparison { is_once: true, ..Comparison::new(zone) }
    }

    /// Compares a part of the source; `number` is its place among the others. Whether to go on: if not, it is known already that the source is to be
    /// read whole.
    pub fn take(&self, number: u64, part: &Part) -> bool {
        // Relaxed throughout: counters that are read for good once all threads have ended.
        if self.is_given_up.load(Ordering::Relaxed) {
            return false;
        }
        let kept = Matcher::new(&self.zone, &self.marks).unmatched(part);
        let seen = self.seen.fetch_add(part.records(), Ordering::Relaxed) + part.records();
        let differing = self.differing.fetch_add(kept.records(), Ordering::Relaxed) + kept.records();
        if differing > self.differing_max() || differing > DIFFERING_EARLY && differing > seen / 2 {
            self.is_given_up.store(true, Ordering::Relaxed);
            if !self.is_once {
                self.kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
                return false;
            }
        }
        if !kept.is_empty() {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).push((number, kept));
        }
        !self.is_given_up.load(Ordering::Relaxed)
    }

    /// Forgets all parts: the source is read once more from its beginning. No part may be on its way.
    pub fn start_over(&self) {
        self.marks.clear();
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.seen.store(0, Ordering::Relaxed);
        self.differing.store(0, Ordering::Relaxed);
        self.is_given_up.store(false, Ordering::Relaxed);
    }

    /// What came of it, once all parts were taken. `files` are those that parts speak of.
    pub fn finish(self, files: Vec<PathBuf>) -> Outcome
    where
        B: Send + Sync,
    {
        difference::find(self, files).0
    }

    /// The same for a source that can be had [once](Comparison::once) only; where it would have to be read whole, what it has in place of that.
    pub fn finish_once(self, files: Vec<PathBuf>) -> Result<Outcome, (Reason, Columns)>
    where
        B: Send + Sync,
    {
        match difference::find(self, files) {
            (Outcome::Whole(reason), left) => Err((reason, left)),
            (outcome, _) => Ok(outcome),
        }
    }

    /// All that was taken of a source that can be had [once](Comparison::once) only: what was marked in the zone, as the zone spells it and in its order, then
    /// what was kept. For a comparison that was given up.
    pub fn into_parts(self) -> Vec<Part> {
        let mut kept = self.kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        kept.sort_by_key(|(number, _)| *number);
        let mut parts = difference::marked_in(&self.zone, &self.marks);
        parts.extend(kept.into_iter().map(|(_, part)| part));
        parts
    }

    /// Octets of memory that the marks take.
    pub fn octets(&self) -> usize {
        self.marks.octets()
    }

    /// Up to so many records may differ.
    fn differing_max(&self) -> u64 {
        (self.zone.record_count() / 4).max(DIFFERING_ALWAYS)
    }
}

impl<B: SegmentOctets + Send + Sync> TakeParts for Comparison<'_, B> {
    fn take(&self, number: u64, part: Part) -> bool {
        Comparison::take(self, number, &part)
    }

    fn start_over(&self) {
        Comparison::start_over(self);
    }
}

impl<B> std::fmt::Debug for Comparison<'_, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (seen, differing) = (self.seen.load(Ordering::Relaxed), self.differing.load(Ordering::Relaxed));
        f.debug_struct("Comparison")
            .field("zone", &self.zone)
            .field("seen", &seen)
            .field("differing", &differing)
            .finish()
    }
}
