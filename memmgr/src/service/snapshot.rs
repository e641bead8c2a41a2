//! Manifests written between generations, so that the commit log stays short: what takes long is done beside, the manifest itself in the loop.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::{RETRY, Service};
use crate::builder::file_name;

/// Octets of a commit log after which there is a new manifest: a start reads as many.
const LOG_OCTETS_MAX: u64 = 4 << 20;

/// A manifest being prepared.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    /// The thread that waits for the disk.
    preparing: Option<JoinHandle<Result<(), String>>>,
    /// Whether one is wanted before the log has grown: files of the manifest's generation take room that is of no use any more.
    is_wanted: bool,
    /// When one failed last.
    failed_at: Option<Instant>,
    /// Whether files may lie around that no generation has any more.
    is_untidy: bool,
}

/// The preparation that runs, when it ends; never when there is none.
pub(super) async fn prepared(snapshots: &mut Snapshots) -> Result<(), String> {
    match &mut snapshots.preparing {
        Some(task) => task.await.unwrap_or_else(|error| Err(error.to_string())),
        None => std::future::pending().await,
    }
}

impl Service {
    /// Prepares a manifest when the log has grown.
    pub(super) fn look_for_snapshots(&mut self) {
        // A log that failed once has failed for good: a manifest makes durable what it could not.
        let is_long = self.directory.log_octets() >= LOG_OCTETS_MAX;
        let is_due = is_long || self.snapshots.is_wanted || self.durable.borrow().failed.is_some();
        let is_too_soon = self.snapshots.failed_at.is_some_and(|at| at.elapsed() < RETRY);
        if self.snapshots.preparing.is_some() || !is_due || is_too_soon {
            return;
        }
        let Some(state) = self.newest_committed().cloned() else { return };
        let catalogues = self.directory.catalogues();
        self.snapshots.preparing = Some(tokio::task::spawn_blocking(move || {
            state.contents.sync().map_err(|(path, error)| format!("syncing {}: {error}", path.display()))?;
            state.zones.write(&catalogues).map_err(|error| error.to_string())
        }));
    }

    /// What takes long is done: writes the manifest of the newest generation, which has little that was not synced.
    pub(super) fn prepared(&mut self, prepared: Result<(), String>) {
        self.snapshots.preparing = None;
        self.snapshots.is_wanted = false;
        let Some(state) = self.newest_committed().cloned() else { return };
        let saved = prepared.and_then(|()| self.save(&state, false).map_err(|error| error.to_string()));
        match saved {
            Ok(()) => info!(generation = state.generation, "snapshot-written"),
            Err(error) => {
                self.snapshots.failed_at = Some(Instant::now());
                warn!(error, "snapshot-not-written");
            }
        }
    }

    /// Asks for a manifest soon.
    pub(super) fn want_snapshot(&mut self) {
        self.snapshots.is_wanted = true;
    }

    /// Notes that files may lie around.
    pub(super) fn note_untidy(&mut self) {
        self.snapshots.is_untidy = true;
    }

    /// Removes segment files that no generation has, once nobody writes any.
    pub(super) fn tidy(&mut self) {
        let is_busy = self.updates.running.is_some() || self.changing.running.is_some() || self.merging.is_running();
        if !self.snapshots.is_untidy || is_busy || !self.changing.merged.is_empty() {
            return;
        }
        self.snapshots.is_untidy = false;
        let states = self.states.values().chain(&self.remains).chain(self.kept.states.values());
        let layers = states.flat_map(|state| state.contents.layers().map(|layer| layer.path.clone()));
        let segments = self.directory.segments();
        let named = self.named.iter().map(|layer| segments.join(file_name(*layer)));
        let used: BTreeSet<PathBuf> = layers.chain(named).chain(self.refused.iter().cloned()).collect();
        self.directory.remove_segments_but(&used);
    }
}
