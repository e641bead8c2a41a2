//! Merges under way: one at a time, beside everything else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tracing::{error, info};
use zone_segment::{GroupId, LayerId};

use super::Service;
use super::actions::unlink;
use crate::builder::BuildError;
use crate::builder::changes::{ChangesRequest, Merged};
use crate::builder::merge::{self, MergeRequest};

/// A merge that failed is tried again after this long.
const RETRY_MERGE: Duration = Duration::from_secs(30);

/// The merge that runs.
#[derive(Debug, Default)]
pub(super) struct Merging {
    /// The thread.
    running: Option<JoinHandle<Result<Merged, BuildError>>>,
    /// The generation that was looked at last, so that none is twice.
    seen: u64,
    /// Groups in which a merge failed, and when: they are left alone for a while.
    failed: BTreeMap<GroupId, Instant>,
    /// Octets of segments written by merges since the start.
    pub(super) octets: u64,
}

/// The merge that runs, when it ends; never when there is none.
pub(super) async fn ended(merging: &mut Merging) -> Result<Result<Merged, BuildError>, tokio::task::JoinError> {
    match &mut merging.running {
        Some(running) => running.await,
        None => std::future::pending().await,
    }
}

impl Merging {
    /// Whether one runs.
    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }
}

impl Service {
    /// Begins a merge, if none runs and a stack is in need of one.
    pub(super) fn look_for_merges(&mut self) {
        if self.merging.running.is_some() || !self.changing.merged.is_empty() || !self.distrusted.is_empty() {
            return;
        }
        // What is on its way has layers with lower numbers that will lie above, or has the last merge in it.
        let is_building = self.updates.running.is_some() || self.changing.running.is_some();
        if is_building || !self.rotation.may_build() {
            return;
        }
        let Some(state) = self.newest_committed().filter(|state| state.generation > self.merging.seen).cloned() else {
            return;
        };
        let Some(set) = state.set.clone() else { return };
        let stacks = state.contents.groups.iter().filter(|(_, stack)| stack.len() > 1);
        self.merging.failed.retain(|_, at| at.elapsed() < RETRY_MERGE);
        let mut stacks = stacks.filter(|(group, _)| !self.merging.failed.contains_key(group));
        let found = stacks.find_map(|(group, stack)| Some((*group, stack.clone(), merge::choose(stack)?)));
        let Some((group, stack, depths)) = found else {
            if self.merging.failed.is_empty() {
                self.merging.seen = state.generation;
            }
            return;
        };
        // Relaxed: the number only has to be another one. All that come later are higher.
        let id = LayerId(self.numbers.fetch_add(1, Ordering::Relaxed));
        let has_base = depths.end == stack.len();
        let layers = stack[depths].to_vec();
        let inputs: Vec<u64> = layers.iter().map(|layer| layer.id.0).collect();
        info!(group = group.0, layer = id.0, ?inputs, "merge-begun");
        let request =
            MergeRequest { group, layers, has_base, set, id, key: self.key, segments: self.directory.segments() };
        let give_back = self.give_back;
        self.merging.running = Some(tokio::task::spawn_blocking(move || {
            let merged = merge::merge(&request);
            if request.has_base {
                give_back();
            }
            if merged.is_err() {
                return merged.map_err(|error| match error {
                    BuildError::Damaged { .. } => error,
                    error => BuildError::Merge { group: request.group, error: Box::new(error) },
                });
            }
            merged
        }));
    }

    /// A merge has ended: its layer goes into the next generation.
    pub(super) fn merged(&mut self, merged: Result<Result<Merged, BuildError>, tokio::task::JoinError>) {
        self.merging.running = None;
        match merged {
            Ok(Ok(merged)) => {
                self.merging.octets += merged.layer.length();
                self.changing.merged.push(merged);
                self.start_build();
            }
            Ok(Err(BuildError::Damaged { layers, error })) => {
                error!(error, "segment-damaged");
                if self.distrust(&layers) {
                    self.reload(crate::builder::Scope::none(), None);
                }
            }
            Ok(Err(error)) => {
                if let BuildError::Merge { group, .. } = &error {
                    self.merging.failed.insert(*group, Instant::now());
                }
                error!(error = %super::updates::BuildFailure::Build(error), "merge-failed");
            }
            Err(error) => error!(%error, "merge-failed"),
        }
    }

    /// Leaves a group alone for a while.
    pub(super) fn note_merge_failed(&mut self, group: GroupId) {
        self.merging.failed.insert(group, Instant::now());
    }

    /// Removes merged layers that were handed to a build and found no place: what they were made of had gone meanwhile.
    pub(super) fn drop_merged_unused(&mut self, request: &ChangesRequest) {
        for merged in &request.merged {
            let is_used = |state: &Arc<crate::generation::State>| {
                state
                    .contents
                    .groups
                    .get(&merged.group)
                    .is_some_and(|stack| stack.iter().any(|l| l.id == merged.layer.id))
            };
            if !self.states.values().any(is_used) {
                unlink(&merged.layer.path);
            }
        }
    }
}
