//! What is known of the zones, after a start: read when readers have what they need, so that the first answer waits for none of it.

use std::sync::Arc;

use bus::Message;
use tokio::task::JoinHandle;
use tracing::debug;

use super::Service;
use crate::catalogue::Catalogue;
use crate::generation::State;
use crate::recovery::{self, Patches};

/// What a start leaves for later.
#[derive(Debug)]
pub(super) struct Unread {
    /// Whether it was begun.
    is_begun: bool,
    /// Whether the segments are to be verified.
    is_unverified: bool,
    /// Whether the manifest is to be written anew.
    is_closed: bool,
    /// The thread that reads the catalogue, while it does.
    pub(super) reading: Option<JoinHandle<Catalogue>>,
    /// What changed of the catalogue after the manifest.
    patches: Patches,
    /// Commands that can't be answered without the catalogue.
    pub(super) deferred: Vec<Message>,
}

impl Unread {
    /// Nothing begun.
    pub(super) fn new(is_unverified: bool, is_closed: bool, patches: Patches) -> Self {
        Unread { is_begun: false, is_unverified, is_closed, reading: None, patches, deferred: Vec::new() }
    }
}

impl Service {
    /// Begins with what was left for later, once.
    pub(super) fn look_closer(&mut self) {
        if std::mem::replace(&mut self.zones.is_begun, true) {
            return;
        }
        let Some(state) = self.states.values().next_back().or(self.remains.as_ref()) else { return };
        if self.zones.is_closed {
            // Nothing is written before: builds wait for what is begun here.
            let state = Arc::clone(state);
            if self.directory.reopen(&state, self.made_at.get(&state.generation).copied()) {
                self.saved(&state);
            }
        }
        let Some(state) = self.states.values().next_back().or(self.remains.as_ref()) else { return };
        let patches = std::mem::take(&mut self.zones.patches);
        if state.zones.is_unread() {
            self.zones.reading = Some(recovery::zones::read_in_background(self.directory.root(), state, patches));
        }
        if self.zones.is_unverified {
            self.verification = Some(recovery::verify_in_background(state));
        }
    }

    /// Whether what is known of the zones is yet to be read.
    pub(super) fn awaits_zones(&self) -> bool {
        self.states.values().chain(&self.remains).any(|state| state.zones.is_unread())
    }

    /// The catalogue was read.
    pub(super) fn zones_read(&mut self, zones: Catalogue) {
        self.zones.reading = None;
        debug!(zones = zones.len(), "catalogue-read");
        for state in self.states.values_mut().chain(&mut self.remains).filter(|state| state.zones.is_unread()) {
            *state = Arc::new(State { zones: zones.clone(), ..State::clone(state) });
        }
        // Before anything is built: what is a member of a catalog is not to be taken for what has no file.
        self.begin_secondaries();
        for message in std::mem::take(&mut self.zones.deferred) {
            self.message(message);
        }
        self.start_build();
    }
}
