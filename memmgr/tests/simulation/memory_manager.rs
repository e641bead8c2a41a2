//! memmgr as far as the rotation needs it: files, a manifest, and a builder that takes its time.
//!
//! [`MemoryManager`] holds the rotation under test; the world carries out its actions.

use std::collections::BTreeSet;
use std::time::Duration;

use memmgr::rotation::{Deadlines, Event, Rotation, TICK_GAP_MAX};

use crate::occurrence::Occurrence;

/// The process memmgr and the state directory, which outlives it.
#[derive(Debug)]
pub(crate) struct MemoryManager {
    /// The rotation; none while the process is down.
    pub(crate) rotation: Option<Rotation>,
    /// Counts the process's starts. What belongs to an earlier one is void.
    pub(crate) run: u64,
    /// The generations whose files are there.
    pub(crate) files: BTreeSet<u64>,
    /// The generation that the manifest names; 0 before the first.
    pub(crate) manifest: u64,
    /// The generation that the manifest before names.
    pub(crate) manifest_previous: u64,
    /// The lowest number for a candidate, after a manifest was lost.
    pub(crate) number_min: u64,
    /// A build is under way.
    pub(crate) is_building: bool,
    /// The generation whose manifest is being written.
    pub(crate) committing: Option<u64>,
    /// When the oldest waiting candidate was built.
    pub(crate) candidate_since: Option<Duration>,
    /// Stopped by a signal; what arrives meanwhile is kept.
    pub(crate) is_asleep: bool,
    /// What arrived while it was stopped.
    pub(crate) held: Vec<Occurrence>,
    /// The time that readers are judged by, counted here a second time.
    pub(crate) counted: Duration,
    /// The time of the latest step.
    stepped: Duration,
    /// A gap between two steps was a sleep, and no tick has come since.
    has_slept: bool,
    /// Deadlines were judged in the latest step: a tick, and not the first one after a sleep.
    pub(crate) has_judged: bool,
}

impl MemoryManager {
    /// Before the first start on a new directory.
    pub(crate) fn new() -> Self {
        Self {
            rotation: Some(Rotation::new(Deadlines::default())),
            run: 0,
            files: BTreeSet::new(),
            manifest: 0,
            manifest_previous: 0,
            number_min: 1,
            is_building: false,
            committing: None,
            candidate_since: None,
            is_asleep: false,
            held: Vec::new(),
            counted: Duration::ZERO,
            stepped: Duration::ZERO,
            has_slept: false,
            has_judged: false,
        }
    }

    /// The process dies, with all that it knew.
    pub(crate) fn die(&mut self) {
        self.rotation = None;
        self.is_building = false;
        self.committing = None;
        self.candidate_since = None;
        self.is_asleep = false;
        self.has_slept = false;
        self.held.clear();
        self.run += 1;
    }

    /// The manifest turns out to be damaged, and the one before is taken. The numbers of what was lost stay unused.
    pub(crate) fn lose_manifest(&mut self) {
        self.number_min = self.manifest + 100;
        self.manifest = self.manifest_previous;
    }

    /// The process starts from what lies in the directory.
    pub(crate) fn start(&mut self, now: Duration) {
        // Orphans go. A generation that only the manifest before names may have lost files: they are made anew.
        self.files = BTreeSet::from([self.manifest]);
        self.files.remove(&0);
        self.stepped = now;
        self.rotation = Some(match self.manifest {
            0 => Rotation::new(Deadlines::default()),
            generation => Rotation::recovered(generation, Deadlines::default()),
        });
    }

    /// Lets the rotation take a step.
    pub(crate) fn step(&mut self, now: Duration, event: Event) -> Vec<memmgr::rotation::Action> {
        let Some(rotation) = self.rotation.take() else {
            return Vec::new();
        };
        let gap = now.saturating_sub(self.stepped);
        self.counted += gap.min(TICK_GAP_MAX);
        self.has_slept |= gap > TICK_GAP_MAX;
        let is_tick = matches!(event, Event::Tick);
        self.has_judged = is_tick && !self.has_slept;
        self.has_slept &= !is_tick;
        self.stepped = now;
        let (rotation, actions) = rotation.step(now, event);
        self.rotation = Some(rotation);
        actions
    }

    /// The number of the next candidate.
    pub(crate) fn next_generation(&self) -> u64 {
        self.rotation.as_ref().map_or(1, Rotation::next_generation).max(self.number_min)
    }
}
