//! What follows from a step of the rotation: each action carried out, and the event that answers it.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bus::Recipient;
use bus::protocol::GENERATIONS_FAMILY;
use bus::protocol::control::KillEvent;
use bus::protocol::reader::ToReader;
use bus::protocol::supervisor::Record;
use tracing::{error, info, warn};
use zone_segment::LayerId;

use super::building::Sourced;
use super::updates::{self, Published};
use super::{PING_TIMEOUT, Service, readers};
use crate::builder::record::record_of;
use crate::generation::State;
use crate::manifest::SaveError;
use crate::rotation::{Action, Event, KillReason, ReaderId};

/// What follows from a step and can wait until answers are written.
pub(super) enum Aftermath {
    /// Every reader answers from this generation.
    Current(u64),
    /// This generation is gone.
    Gone(Arc<State>),
}

impl Service {
    /// Takes a step of the rotation and carries out what follows, further steps included.
    pub(super) fn step(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        let mut may_build = false;
        while let Some(event) = events.pop_front() {
            let (rotation, actions) = std::mem::take(&mut self.rotation).step(self.began.elapsed(), event);
            self.rotation = rotation;
            may_build |= actions.contains(&Action::StartBuild);
            for action in actions {
                events.extend(self.act(action));
            }
        }
        // Last: a candidate whose manifest could not be written is gone by now, and nothing is built on it.
        if may_build {
            self.start_build();
        }
        self.answer_visible();
        self.answer_waiting();
        self.tell_ready();
    }

    /// Carries one action out; some are answered by an event.
    pub(super) fn act(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Commit { generation } => return Some(self.commit(generation)),
            Action::Announce { reader, generation } => {
                config::fault::hit("memmgr-announce");
                if let Some(state) = self.states.get(&generation) {
                    self.readers.announce(&self.client, reader, state);
                }
            }
            Action::Ping { reader } => self.ping(reader),
            Action::Kill { reader, reason, generation, waited } => self.kill(reader, reason, generation, waited),
            Action::Examine { generation } => self.examine(generation),
            Action::BecameCurrent { generation } => self.aftermath.push(Aftermath::Current(generation)),
            Action::Retire { generation } => self.retire(generation),
            // Left to the end of the step.
            Action::StartBuild => {}
            Action::Ignored { reader, why } => warn!(?reader, %why, "rotation-event-ignored"),
        }
        None
    }

    /// Writes what a start has to find of a generation: a record where it was made of changes, else the manifest that names it.
    pub(super) fn commit(&mut self, generation: u64) -> Event {
        config::fault::hit("memmgr-before-manifest");
        let Some(state) = self.states.get(&generation).cloned() else { return Event::BuildFailed { generation } };
        self.made_at.insert(generation, super::changing::now());
        let failure = match self.records.remove(&generation) {
            Some(record) => match self.directory.append(&record) {
                Ok(log) => {
                    self.unsynced = Some((log, generation));
                    None
                }
                Err(error) => {
                    error!(generation, %error, "record-not-written");
                    self.want_snapshot();
                    Some(error.to_string())
                }
            },
            None => match self.save(&state, false) {
                Ok(()) => {
                    self.note_in_journal(&state);
                    None
                }
                // It is in place, and would be found by a start; only a power cut could still take it back.
                Err(error) if error.is_in_place() => {
                    error!(generation, %error, "manifest-not-synced");
                    self.name(&state);
                    None
                }
                Err(error) => {
                    error!(generation, %error, "manifest-not-written");
                    self.source_error = Some(error.to_string());
                    Some(error.to_string())
                }
            },
        };
        if let Some(error) = failure {
            self.made_at.remove(&generation);
            self.sourced.remove(&generation);
            self.transfers_abandoned(generation);
            for published in self.updates.abandoned(generation) {
                self.owe(published.scope);
                self.refuse_all(published.waiters, &error);
            }
            self.refuse_waiting(generation, &error);
            return Event::BuildFailed { generation };
        }
        config::fault::hit("memmgr-after-manifest");
        info!(generation, "generation-published");
        Event::Committed { generation }
    }

    /// Writes a manifest of a generation.
    pub(super) fn save(&mut self, state: &Arc<State>, clean_stop: bool) -> Result<(), SaveError> {
        self.note_kept();
        let made_unix = self.made_at.get(&state.generation).copied();
        self.directory.save(state, made_unix, clean_stop)?;
        self.saved(state);
        Ok(())
    }

    /// Notes which layers the manifest names.
    fn name(&mut self, state: &Arc<State>) {
        self.named = state.contents.layers().map(|layer| layer.id).collect();
    }

    /// A manifest of a generation is on the disk: what only the one before needed may go.
    pub(super) fn saved(&mut self, state: &Arc<State>) {
        self.unsynced = None;
        self.syncer.saved(state.generation);
        self.name(state);
        // What only the manifest before named has lost its last use.
        self.note_untidy();
        self.prune_journal();
    }

    /// Adds to the journal what changed by a generation that has a manifest of its own.
    fn note_in_journal(&mut self, state: &Arc<State>) {
        let Sourced { changes, rewritten } = self.sourced.remove(&state.generation).unwrap_or_default();
        let before = self.newest_committed().filter(|before| before.generation < state.generation);
        let Some(before) = before else { return self.directory.note_gap(state.generation) };
        let rewritten = rewritten.into_iter().filter(|apex| changes.iter().all(|set| set.apex != *apex)).collect();
        // Of the rest a start is told by the manifest; many zones at once would make a long record for nothing.
        let mut record = record_of(before, state, changes, rewritten);
        record.zones.clear();
        if let Err(error) = self.directory.append(&record) {
            warn!(generation = state.generation, %error, "journal-not-written");
            self.directory.note_gap(state.generation);
            self.want_snapshot();
        }
    }

    /// Asks a reader for a sign of life, without waiting for it here.
    pub(super) fn ping(&self, reader: ReaderId) {
        let Some(address) = self.readers.address(reader) else { return };
        let (client, pongs) = (self.client.clone(), self.pong_sender.clone());
        tokio::spawn(async move {
            let to = Recipient::Address(address);
            if let Ok(reply) = client.request(&to, &ToReader::Ping {}, &[], PING_TIMEOUT).await
                && let Ok(pong) = reply.parse()
            {
                // A loop that has ended needs no pong.
                let _ = pongs.send((reader, pong)).await;
            }
        });
    }

    /// Ends a reader: ours by the supervisor, who is its parent; anybody else's is only dropped.
    pub(super) fn kill(&mut self, id: ReaderId, reason: KillReason, generation: Option<u64>, waited: Duration) {
        let waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        let event = |reader: &readers::Reader| KillEvent {
            pid: reader.pid,
            role: reader.role.as_str().to_owned(),
            generation,
            reason: reason.to_string(),
            waited_ms,
            at_unix: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        };
        let Some((address, reader)) = self.readers.killed(id, event) else { return };
        let role = reader.role.as_str();
        warn!(pid = reader.pid, role, generation, waited_ms, %reason, "reader-killed");
        if let (Some(slot), Some(child)) = (reader.slot, readers::child_of(reader.role)) {
            let reason = readers::kill_record_reason(reason);
            let generation = generation.unwrap_or(0);
            self.link.send(Record::Kill { child, slot, pid: reader.pid, reason, generation, waited_ms });
        }
        if let Some(address) = address {
            self.broker.disconnect(&address, &reason.to_string());
        }
    }

    /// Does what nobody waits for, once those who wait have their answers.
    pub(super) async fn clear_up(&mut self) {
        if self.aftermath.is_empty() {
            return;
        }
        // The tasks that write answers have their turn.
        tokio::task::yield_now().await;
        for what in std::mem::take(&mut self.aftermath) {
            match what {
                Aftermath::Current(generation) => self.became_current(generation),
                Aftermath::Gone(state) => self.unlink_unused(&state),
            }
        }
    }

    /// Every reader answers from this generation.
    pub(super) fn became_current(&mut self, generation: u64) {
        info!(generation, "generation-current");
        self.tell_serving();
        if let Some(remains) = self.remains.take() {
            self.unlink_unused(&remains);
            self.forget_repaired();
        }
        for path in std::mem::take(&mut self.refused) {
            unlink(&path);
        }
        let _ = self
            .client
            .notify(GENERATIONS_FAMILY, &serde_json::json!({ "generation": generation, "state": "current" }));
    }

    /// Answers those whose update every reader has taken.
    fn answer_visible(&mut self) {
        let Some(current) = self.rotation.current().filter(|_| !self.updates.published.is_empty()) else { return };
        // While a reader can't take the newest, what it has is not what was asked for.
        if !self.readers.any_has_refused() {
            for Published { report, waiters, .. } in self.updates.visible(current) {
                self.answer_all(waiters, &updates::reloaded(current, &report, self.is_watching()));
            }
        }
    }

    /// Refuses those whose update readers could not take, when it could not be built anew either.
    pub(super) fn refuse_refused(&mut self, error: &str) {
        let Some(current) = self.rotation.current().filter(|_| self.readers.any_has_refused()) else { return };
        for Published { waiters, .. } in self.updates.visible(current) {
            self.refuse_all(waiters, error);
        }
    }

    /// A generation is gone: its files without other use are unlinked.
    pub(super) fn retire(&mut self, generation: u64) {
        config::fault::hit("memmgr-retire");
        if let Some(state) = self.states.remove(&generation) {
            self.records.remove(&generation);
            self.sourced.remove(&generation);
            let was_published = self.rotation.newest().is_some_and(|newest| newest >= generation);
            self.kept.repeating.remove(&generation);
            let follower = self.states.range(generation..).next();
            // Of generations with the same data the last one is kept.
            let is_repeated = follower.is_some_and(|(follower, _)| self.kept.repeating.contains(follower));
            let is_kept = self.options.keep_generations > 0 && !is_repeated;
            if was_published && (is_kept || self.kept.pinned.contains(&generation)) {
                self.keep(state);
            } else {
                self.made_at.remove(&generation);
                self.aftermath.push(Aftermath::Gone(state));
            }
            self.forget_repaired();
            info!(generation, "generation-released");
        }
    }

    /// Unlinks the files of a generation that no other one uses.
    pub(super) fn unlink_unused(&self, state: &State) {
        // What recovery left is used too: the next build starts from it while nothing is published.
        // A start begins from the manifest's, which those that follow may have folded into others; an operator may go back to those kept.
        let states = self.states.values().chain(&self.remains).chain(self.kept.states.values());
        let used = states.flat_map(|state| state.contents.layers().map(|layer| layer.id));
        let used: BTreeSet<LayerId> = used.chain(self.named.iter().copied()).collect();
        for layer in state.contents.layers().filter(|layer| !used.contains(&layer.id)) {
            unlink(&layer.path);
        }
    }

    /// Tells the supervisor once that every auth process answers.
    pub(super) fn tell_ready(&mut self) {
        let (false, Some(newest)) = (self.is_ready, self.rotation.newest()) else { return };
        let statuses = self.rotation.readers();
        let answering = self.readers.auth(&statuses).filter(|generation| *generation == Some(newest)).count();
        if answering < self.options.auth as usize {
            return;
        }
        let Some(state) = self.states.get(&newest) else { return };
        let (zones, records) = state.zones.served();
        self.is_ready = true;
        self.look_closer();
        self.link.send(Record::Ready { generation: newest, zones, records, auth: answering as u64 });
    }
}

/// Unlinks a segment file that nothing uses. One that is not there any more is as good.
pub(super) fn unlink(path: &Path) {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            warn!(path = %path.display(), %error, "segment-not-removed");
        }
        _ => {}
    }
}
