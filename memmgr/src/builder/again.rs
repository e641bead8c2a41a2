//! Zones that were damaged and read from their sources again: what was changed since in another way than by the source is changed again, from
//! the journal, before anybody sees them.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::{error, info, warn};
use zone_segment::Name;

use super::changes::{self, Ask, ChangesRequest};
use super::{BuildRequest, Outcome, distrusted_groups};
use crate::apex::Apex;
use crate::commits::Journal;
use crate::generation::State;

/// The same outcome, with the changes since that the journal has of zones that were damaged.
pub(crate) fn with_changes(request: &BuildRequest, outcome: Outcome, journal: &Mutex<Journal>) -> Outcome {
    let (Some(base), false) = (&request.base, request.distrusted.is_empty()) else { return outcome };
    let Some(candidate) = &outcome.candidate else { return outcome };
    let damaged = distrusted_groups(base, request);
    let is_damaged =
        |apex: &&Name| base.zones.get(&Apex::new((*apex).clone())).is_some_and(|zone| damaged.contains(&zone.group));
    let mut asks = Vec::new();
    for apex in outcome.report.changed.iter().filter(is_damaged) {
        asks.extend(changes_since(base, candidate, apex, journal));
    }
    if asks.is_empty() {
        return outcome;
    }
    let changes_request = ChangesRequest {
        base: Arc::new(candidate.clone()),
        generation: candidate.generation,
        key: request.key,
        segments: request.segments.clone(),
        numbers: Arc::clone(&request.numbers),
        merged: Vec::new(),
        leaps: None,
        asks,
        now: 0,
    };
    match changes::build(&changes_request) {
        Ok(again) => {
            let Some(state) = again.candidate else { return outcome };
            info!(generation = state.generation, changes = again.changes.len(), "changes-made-again");
            Outcome { zones: state.zones.clone(), candidate: Some(state), ..outcome }
        }
        Err(error) => {
            error!(%error, "changes-not-made-again");
            outcome
        }
    }
}

/// What leads a zone from its source to what was served of it.
fn changes_since(base: &State, candidate: &State, apex: &Name, journal: &Mutex<Journal>) -> Vec<Vec<Ask>> {
    let serial = |state: &State| state.zones.get(&Apex::new(apex.clone()))?.serial;
    let (Some(served), Some(read)) = (serial(base), serial(candidate)) else { return Vec::new() };
    if served == read {
        return Vec::new();
    }
    let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
    match journal.between(apex, read, served, base.generation) {
        Ok(Some(sets)) => sets.into_iter().map(|set| vec![Ask::Again(set)]).collect(),
        found => {
            let error = found.err().map(|error| error.to_string());
            warn!(zone = %apex, served, read, error, "changes-since-unknown");
            Vec::new()
        }
    }
}
