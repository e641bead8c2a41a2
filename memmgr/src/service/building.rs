//! Builds: started when something was asked for and a place is free, taken in when they end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bus::Message;
use dns::change::ChangeSet;
use tracing::{error, info, warn};
use zone_segment::{LayerId, Name};

use super::updates::{self, BuildFailure, Published, Running};
use super::{RETRY, Service};
use crate::builder::{self, BuildError, BuildRequest, Outcome, Received, Scope};
use crate::catalogue::Catalogue;
use crate::generation::State;
use crate::progress::Progress;
use crate::rotation::Event;
use crate::source::watch::Watch;

/// What a build of sources changed, for the journal.
#[derive(Debug, Default)]
pub(super) struct Sourced {
    /// What changed, where that is known.
    pub(super) changes: Vec<ChangeSet>,
    /// Zones that changed.
    pub(super) rewritten: Vec<Name>,
}

impl Service {
    /// Compares sources, now or as soon as a place is free.
    pub(super) fn reload(&mut self, scope: Scope, waiter: Option<Message>) {
        self.updates.ask(scope, waiter);
        self.start_build();
    }

    /// Builds what has gathered, if a place for it is free.
    pub(super) fn start_build(&mut self) {
        // A build compares with what is known of the zones.
        let is_running = self.updates.running.is_some() || self.changing.running.is_some();
        if is_running || self.awaits_zones() || !self.rotation.may_build() {
            return;
        }
        // In between, for there may be no other moment in which nothing is on its way.
        self.look_for_merges();
        // Sources and changes take turns; above what is known to be damaged no change can be made, and sources are what that is made anew from.
        let are_sources_first = self.changing.was_last || !self.distrusted.is_empty();
        if self.changing.is_waiting() && !(are_sources_first && self.updates.is_waiting()) {
            return self.start_changes();
        }
        let base = self.states.values().next_back().or(self.remains.as_ref()).cloned();
        let Some(gathered) = self.updates.next(base.is_some()) else { return };
        self.changing.was_last = false;
        let mut scope = gathered.scope;
        self.secondaries.keep_expiring(&mut scope);
        let progress = Arc::new(Progress::default());
        let request = BuildRequest {
            base,
            generation: self.rotation.next_generation(),
            key: self.key,
            scope: scope.clone(),
            numbers: Arc::clone(&self.numbers),
            zones: self.options.zones.clone(),
            segments: self.directory.segments(),
            catalogues: self.directory.catalogues(),
            distrusted: self.distrusted.clone(),
            zonemd: self.options.zonemd,
            progress: Arc::clone(&progress),
            secondaries: Arc::clone(&self.secondaries.apexes),
            received: Arc::new(Received::new(std::mem::take(&mut self.secondaries.received))),
        };
        let give_back = self.give_back;
        let journal = Arc::clone(&self.journal);
        let task = tokio::task::spawn_blocking(move || {
            let outcome =
                builder::build(&request).map(|outcome| builder::again::with_changes(&request, outcome, &journal));
            // A load takes more memory than what is served needs; between loads that is the system's.
            give_back();
            outcome
        });
        let (since, began) = (SystemTime::now(), Instant::now());
        self.updates.running = Some(Running { task, scope, waiters: gathered.waiters, progress, since, began });
    }

    /// A build has ended.
    pub(super) fn built(&mut self, outcome: Result<Outcome, BuildFailure>) {
        let (scope, waiters) = match self.updates.running.take() {
            Some(Running { scope, waiters, .. }) => (scope, waiters),
            None => (Scope::none(), Vec::new()),
        };
        match outcome {
            Ok(outcome) => self.take_outcome(outcome, scope, waiters),
            Err(BuildFailure::Build(BuildError::Damaged { layers, error })) if self.distrust(&layers) => {
                error!(error, "segment-damaged");
                self.secondaries_built(&scope, 0, Err(&error));
                self.updates.ask_again(scope, waiters);
            }
            Err(error) => {
                error!(%error, "build-failed");
                self.source_error = Some(error.to_string());
                self.secondaries_built(&scope, 0, Err(&error.to_string()));
                self.refuse_all(waiters, &error.to_string());
                self.refuse_refused(&error.to_string());
                self.owe(scope);
            }
        }
        self.remove_catalogues();
        self.start_build();
    }

    /// Whether changes of sources are taken without a reload.
    pub(super) fn is_watching(&self) -> bool {
        self.watch.as_ref().is_some_and(Watch::is_watching)
    }

    /// Removes the files of the catalogue that nothing names any more. No build runs, so that none is being written.
    fn remove_catalogues(&self) {
        let states = self.states.values().chain(&self.remains).chain(self.kept.states.values());
        let used = states.flat_map(|state| state.zones.chunks()).map(|chunk| chunk.file).collect();
        self.directory.remove_catalogues(&used);
    }

    /// Marks layers as damaged; tells whether one of them was not known as such.
    pub(super) fn distrust(&mut self, layers: &[LayerId]) -> bool {
        let before = self.distrusted.len();
        self.distrusted.extend(layers);
        self.distrusted.len() > before
    }

    /// Forgets damaged layers that no generation has any more.
    pub(super) fn forget_repaired(&mut self) {
        let states = self.states.values().chain(&self.remains);
        let used: BTreeSet<LayerId> = states.flat_map(|state| state.contents.layers().map(|layer| layer.id)).collect();
        self.distrusted.retain(|layer| used.contains(layer));
    }

    /// Keeps what a build had in scope that came to nothing, where nobody would ask for it again.
    pub(super) fn owe(&mut self, scope: Scope) {
        let due = Instant::now() + RETRY;
        if self.rotation.newest().is_none() || !self.distrusted.is_empty() {
            self.updates.owe(scope.and(Scope::all()), due);
        } else if self.watch.is_some() {
            // The kernel tells of a change once.
            self.updates.owe(scope, due);
        }
    }

    /// Tries again what has failed.
    pub(super) fn retry(&mut self) {
        if self.updates.ask_owed(Instant::now()) {
            self.start_build();
        }
    }

    /// Takes in what a build found.
    pub(super) fn take_outcome(&mut self, outcome: Outcome, scope: Scope, waiters: Vec<Message>) {
        let Outcome { candidate, zones, report, changes } = outcome;
        let source_errors: Vec<&str> = report.unlisted.iter().chain(&report.unnamed).map(String::as_str).collect();
        self.source_error = (!source_errors.is_empty()).then(|| source_errors.join("\n"));
        report.failed.iter().for_each(|(zone, error)| warn!(%zone, error, "zone-not-loaded"));
        let failed: Vec<Name> = report.failed.iter().map(|(zone, _)| zone.clone()).collect();
        report.warnings.iter().for_each(|(_, warning)| warn!(warning, "zone-check"));
        if let Some(state) = candidate {
            let generation = state.generation;
            info!(generation, changed = report.changed.len(), "generation-built");
            let (changes, rewritten) = (changes, report.changed.clone());
            self.sourced.insert(generation, Sourced { changes, rewritten });
            self.states.insert(generation, Arc::new(state));
            self.secondaries_built(&scope, generation, Ok(&report));
            self.secondaries_lost(&failed);
            self.updates.published.push(Published { generation, scope, report, waiters });
            self.step(Event::Built { generation });
            return self.look_at_catalogs(true);
        }
        self.note_zones(zones);
        if self.has_told() {
            self.tell_serving();
        }
        let generation = self.states.keys().next_back().copied().unwrap_or(0);
        self.secondaries_built(&scope, generation, Ok(&report));
        self.secondaries_lost(&failed);
        if self.rotation.current().is_some_and(|current| current >= generation) {
            self.answer_all(waiters, &updates::reloaded(generation, &report, self.is_watching()));
        } else {
            self.updates.published.push(Published { generation, scope, report, waiters });
        }
        self.look_at_catalogs(true);
    }

    /// Notes what was found about zones whose data did not change.
    pub(super) fn note_zones(&mut self, zones: Catalogue) {
        let Some(newest) = self.states.values().next_back().filter(|state| !state.zones.is_same(&zones)) else {
            return;
        };
        let state = Arc::new(State { zones, ..State::clone(newest) });
        let generation = state.generation;
        self.states.insert(generation, Arc::clone(&state));
        if self.rotation.newest() == Some(generation)
            && let Err(error) = self.save(&state, false)
        {
            warn!(%error, "manifest-not-written");
        }
    }

    /// The verification has ended: what is damaged is built anew.
    pub(super) fn verified(&mut self, damaged: Vec<LayerId>) {
        self.verification = None;
        if damaged.is_empty() {
            return info!("segments-verified");
        }
        self.distrust(&damaged);
        self.reload(Scope::none(), None);
    }
}
