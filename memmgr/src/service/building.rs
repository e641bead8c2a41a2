//! Builds: started when something was asked for and a place is free, taken in when they end.

use std::collections::BTreeSet;
use std::sync::Arc;

use bus::Message;
use tracing::{error, info, warn};
use zone_segment::LayerId;

use super::Service;
use super::updates::{self, BuildFailure, Published, Running};
use crate::builder::{self, BuildRequest, Outcome, Scope};
use crate::generation::{Catalogue, State};
use crate::rotation::Event;

impl Service {
    /// Compares sources, now or as soon as a place is free.
    pub(super) fn reload(&mut self, scope: Scope, waiter: Option<Message>) {
        self.updates.ask(scope, waiter);
        self.start_build();
    }

    /// Builds what has gathered, if a place for it is free.
    pub(super) fn start_build(&mut self) {
        if self.updates.running.is_some() || !self.rotation.may_build() {
            return;
        }
        let Some(gathered) = self.updates.gathered.take() else { return };
        let request = BuildRequest {
            base: self.states.values().next_back().or(self.remains.as_ref()).cloned(),
            generation: self.rotation.next_generation(),
            key: self.key,
            scope: gathered.scope,
            zones: self.options.zones.clone(),
            segments: self.directory.segments(),
            distrusted: self.distrusted.clone(),
        };
        let task = tokio::task::spawn_blocking(move || builder::build(&request));
        self.updates.running = Some(Running { task, waiters: gathered.waiters });
    }

    /// A build has ended.
    pub(super) fn built(&mut self, outcome: Result<Outcome, BuildFailure>) {
        let waiters = self.updates.running.take().map(|running| running.waiters).unwrap_or_default();
        match outcome {
            Ok(outcome) => self.take_outcome(outcome, waiters),
            Err(error) => {
                error!(%error, "build-failed");
                self.source_error = Some(error.to_string());
                self.refuse_all(waiters, &error.to_string());
            }
        }
        self.start_build();
    }

    /// Takes in what a build found.
    pub(super) fn take_outcome(&mut self, outcome: Outcome, waiters: Vec<Message>) {
        let Outcome { candidate, zones, report } = outcome;
        self.source_error = (!report.unnamed.is_empty()).then(|| report.unnamed.join("\n"));
        report.failed.iter().for_each(|(zone, error)| warn!(%zone, error, "zone-not-loaded"));
        report.warnings.iter().for_each(|warning| warn!(warning, "zone-check"));
        if let Some(state) = candidate {
            let generation = state.generation;
            info!(generation, changed = report.changed.len(), "generation-built");
            let in_use = |id: &LayerId| state.contents.layers().any(|layer| layer.id == *id);
            self.distrusted.retain(in_use);
            self.states.insert(generation, Arc::new(state));
            self.updates.published.push(Published { generation, report, waiters });
            self.step(Event::Built { generation });
            return;
        }
        self.note_zones(zones);
        let generation = self.states.keys().next_back().copied().unwrap_or(0);
        if self.rotation.current().is_some_and(|current| current >= generation) {
            self.answer_all(waiters, &updates::reloaded(generation, &report));
        } else {
            self.updates.published.push(Published { generation, report, waiters });
        }
    }

    /// Notes what was found about zones whose data did not change.
    pub(super) fn note_zones(&mut self, zones: Catalogue) {
        let Some(newest) = self.states.values().next_back().filter(|state| state.zones != zones) else { return };
        let state = Arc::new(State { zones, ..State::clone(newest) });
        let generation = state.generation;
        self.states.insert(generation, Arc::clone(&state));
        if self.rotation.newest() == Some(generation)
            && let Err(error) = self.directory.save(&state, false)
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
        self.distrusted.extend(damaged);
        self.updates.ask(Scope::Zones(BTreeSet::new()), None);
        self.start_build();
    }
}
