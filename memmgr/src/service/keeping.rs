//! Generations that are kept after they were followed: on disk, mapped by no reader, for an operator to go back to; and what changed from one to
//! another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use bus::Message;
use bus::protocol::control::{CommandError, GenerationState, GenerationStatus, Reached, ZoneDifference};
use dns::types::Rtype;
use tracing::{info, warn};
use zone_segment::{Name, ZoneState};

use super::Service;
use super::changing::{AskedFor, Asker, Who};
use super::waiting::{Answer, Waiting};
use crate::builder::changes::Ask;
use crate::builder::record::{group_entries, layer_entries};
use crate::commits::{GenerationChanges, JournalError};
use crate::edit;
use crate::generation::State;
use crate::manifest::KeptEntry;

/// Generations kept.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// They, by number.
    pub(super) states: BTreeMap<u64, Arc<State>>,
    /// Those that an operator keeps, be they followed already or not.
    pub(super) pinned: BTreeSet<u64>,
    /// Generations alive that have the data of the one before them: layers were merged, and nothing else.
    pub(super) repeating: BTreeSet<u64>,
}

impl Kept {
    /// Those that the manifest names; the newest one is served, and only pinned.
    pub(super) fn of(recovered: &[(KeptEntry, State)], newest: u64) -> Self {
        let pinned = recovered.iter().filter(|(entry, _)| entry.is_pinned).map(|(entry, _)| entry.generation);
        let followed = recovered.iter().filter(|(entry, _)| entry.generation != newest);
        let states = followed.map(|(entry, state)| (entry.generation, Arc::new(state.clone())));
        Kept { pinned: pinned.collect(), states: states.collect(), repeating: BTreeSet::new() }
    }
}

/// Generations that may be pinned at a time.
const PINNED_MAX: usize = 64;

impl Service {
    /// Keeps a generation that was followed, if it is to be kept, and lets go of those that are too many by now.
    pub(super) fn keep(&mut self, state: Arc<State>) {
        self.kept.states.insert(state.generation, state);
        self.drop_kept();
    }

    /// Lets go of generations that nothing keeps.
    fn drop_kept(&mut self) {
        let Kept { states, pinned, .. } = &mut self.kept;
        let unpinned: Vec<u64> =
            states.keys().rev().filter(|generation| !pinned.contains(generation)).copied().collect();
        let dropped: Vec<Arc<State>> = unpinned
            .into_iter()
            .skip(self.options.keep_generations as usize)
            .filter_map(|generation| states.remove(&generation))
            .collect();
        for state in dropped {
            self.unlink_unused(&state);
            info!(generation = state.generation, "generation-dropped");
        }
    }

    /// What the manifest is to say of generations that are kept, or are to be.
    pub(super) fn note_kept(&self) {
        let states = self.kept.states.values().chain(self.states.values());
        let is_kept = |state: &&Arc<State>| {
            self.kept.states.contains_key(&state.generation) || self.kept.pinned.contains(&state.generation)
        };
        let entry = |state: &Arc<State>| KeptEntry {
            generation: state.generation,
            is_pinned: self.kept.pinned.contains(&state.generation),
            at_unix: self.made_at.get(&state.generation).copied(),
            directory: layer_entries(&state.contents.directory),
            groups: group_entries(&state.contents),
        };
        self.directory.set_kept(states.filter(is_kept).map(entry).collect());
    }

    /// Writes to disk what is pinned: a restart keeps it.
    fn save_pins(&mut self) -> Result<(), String> {
        let Some(state) = self.newest_committed().cloned() else { return Err("nothing is served yet".to_owned()) };
        self.save(&state, false).map_err(|error| error.to_string())
    }

    /// A generation that is alive or kept.
    fn known(&self, generation: u64) -> Result<&Arc<State>, String> {
        self.states.get(&generation).or_else(|| self.kept.states.get(&generation)).ok_or_else(|| {
            let alive = self.states.keys().chain(self.kept.states.keys()).copied().collect::<BTreeSet<u64>>();
            let alive: Vec<String> = alive.iter().map(ToString::to_string).collect();
            let remedy = "raise keep-generations, or pin one, to go back further";
            format!("generation {generation} is neither served nor kept; there are {}; {remedy}", alive.join(", "))
        })
    }

    /// Pins a generation.
    pub(super) fn pin(&mut self, message: &Message, generation: u64) {
        let is_known = self.known(generation).map(drop);
        match is_known {
            Ok(()) if self.kept.pinned.len() >= PINNED_MAX && !self.kept.pinned.contains(&generation) => {
                self.refuse(message, &format!("{PINNED_MAX} generations are pinned, and no more may be; unpin one"));
            }
            Ok(()) => {
                let is_new = self.kept.pinned.insert(generation);
                if let Err(error) = self.save_pins() {
                    if is_new {
                        self.kept.pinned.remove(&generation);
                    }
                    return self.refuse(message, &error);
                }
                info!(generation, "generation-pinned");
                self.answer_status(message, generation);
            }
            Err(error) => self.refuse(message, &error),
        }
    }

    /// Unpins a generation.
    pub(super) fn unpin(&mut self, message: &Message, generation: u64) {
        if !self.kept.pinned.remove(&generation) {
            return self.refuse(message, &format!("generation {generation} is not pinned"));
        }
        if let Err(error) = self.save_pins() {
            self.kept.pinned.insert(generation);
            return self.refuse(message, &error);
        }
        info!(generation, "generation-unpinned");
        self.answer_status(message, generation);
        self.drop_kept();
    }

    /// Answers with how a generation stands.
    fn answer_status(&self, message: &Message, generation: u64) {
        match self.all_generation_statuses().into_iter().find(|status| status.id == generation) {
            Some(status) => self.answer(message, &status),
            None => self.refuse(message, &format!("generation {generation} is gone")),
        }
    }

    /// Every generation alive and kept, newest first.
    pub(super) fn all_generation_statuses(&self) -> Vec<GenerationStatus> {
        let kept = self.kept.states.values().map(|state| GenerationStatus {
            id: state.generation,
            state: GenerationState::Kept,
            layers: state.contents.layers().count() as u64,
            bytes: state.bytes(),
            readers: 0,
            private_bytes: private_bytes(state),
            pinned: self.kept.pinned.contains(&state.generation),
            durable: self.is_durable(state.generation),
            at_unix: self.made_at.get(&state.generation).copied(),
        });
        let mut statuses: Vec<GenerationStatus> = kept.chain(self.generation_statuses()).collect();
        statuses.sort_by_key(|status| std::cmp::Reverse(status.id));
        statuses
    }

    /// Whether a power cut leaves a generation as it is.
    pub(super) fn is_durable(&self, generation: u64) -> bool {
        self.durable.borrow().generation >= generation
    }

    /// Waits for a generation.
    pub(super) fn wait_generation(&mut self, message: Message, generation: Option<u64>, until: Reached) {
        let newest = self.states.keys().next_back().copied().or(self.rotation.newest()).unwrap_or(0);
        let generation = generation.unwrap_or(newest);
        if generation > newest {
            let error = format!("there is no generation {generation} yet; the newest is {newest}");
            return self.refuse(&message, &error);
        }
        self.waiting.push(Waiting { generation, until, answer: Answer::Reached, message });
        self.answer_waiting();
    }

    /// Says what changed from one generation to another.
    pub(super) fn diff_generations(&mut self, message: Message, from: u64, to: u64, zone: Option<Name>) {
        let newest = self.rotation.newest().unwrap_or(0);
        if from > to || to > newest {
            let error = format!("expected two generations up to {newest}, the older one first, found {from} and {to}");
            return self.refuse(&message, &error);
        }
        let (journal, client) = (Arc::clone(&self.journal), self.client.clone());
        // Read from disk, beside the loop.
        tokio::task::spawn_blocking(move || {
            let found = journal.lock().unwrap_or_else(PoisonError::into_inner).of_generations(from, to, zone.as_ref());
            let sent = match differences(found, from, to) {
                Ok(shown) => client.reply(&message, &shown, &[]),
                Err(error) => client.reply(&message, &CommandError { error }, &[]),
            };
            if let Err(error) = sent {
                warn!(%error, to = %message.from, "answer-not-sent");
            }
        });
    }

    /// Serves the data of an older generation again.
    pub(super) fn rollback(&mut self, message: Message, generation: u64, zones: Vec<Name>, keeps_serial: bool) {
        match self.restorable(generation, zones, keeps_serial) {
            Ok(asks) => {
                info!(from = %message.from, generation, zones = asks.len(), "rollback-asked");
                let what = AskedFor::Rollback { data_of: generation, keeps_serial };
                self.change(Asker { who: Who::Asker(message), until: Reached::Visible, what }, asks);
            }
            Err(error) => self.refuse(&message, &error),
        }
    }

    /// Which zones are to be as they were, all of them or none.
    fn restorable(&self, generation: u64, zones: Vec<Name>, keeps_serial: bool) -> Result<Vec<Ask>, String> {
        let then = Arc::clone(self.known(generation)?);
        let newest = self.states.values().next_back().ok_or("nothing is served yet")?;
        let (Some(old), Some(new)) = (then.set.as_deref(), newest.set.as_deref()) else {
            return Err(format!("generation {generation} is damaged in part and can't be served"));
        };
        let named = !zones.is_empty();
        let zones: Vec<Name> = match named {
            true => zones,
            false => new.zones().map(|zone| zone.apex().to_name()).filter(|apex| !self.is_secondary(apex)).collect(),
        };
        let mut asks = Vec::new();
        for apex in zones {
            let now =
                new.zone(apex.as_ref()).filter(|zone| zone.state() == ZoneState::Serving && zone.serial().is_some());
            let before = old.zone(apex.as_ref()).filter(|zone| zone.serial().is_some());
            let (Some(now), Some(before)) = (now, before) else {
                if named {
                    return Err(format!("{apex} is not served both now and in generation {generation}"));
                }
                continue;
            };
            if now.is_same_data(&before) {
                continue;
            }
            let soa = before.apex_node().and_then(|apex| apex.rrset(Rtype::SOA.0));
            if soa.is_some_and(|soa| soa.signature_count() > 0) && !keeps_serial {
                return Err(format!(
                    "{apex} is signed: its signatures are good for its old serial alone; with --keep-serial it gets that too, and \
                     every secondary of it has to be made to transfer it anew"
                ));
            }
            asks.push(Ask::Restore { apex, from: Arc::clone(&then), keeps_serial });
        }
        Ok(asks)
    }

    /// Cuts the journal to its size.
    pub(super) fn prune_journal(&mut self) {
        let needed = self.directory.first_log();
        // One that is being read is cut the next time.
        let Ok(mut journal) = self.journal.try_lock() else { return };
        if let Err(error) = journal.prune(self.options.journal_octets, needed) {
            warn!(%error, "journal-not-pruned");
        }
    }
}

/// Octets that each reader of a generation keeps in its own memory about changes.
pub(super) fn private_bytes(state: &State) -> u64 {
    state.set.as_deref().map_or(0, |set| set.private_octets() as u64)
}

/// What changed, as it is shown; or why it can't be.
fn differences(
    found: Result<Option<Vec<GenerationChanges>>, JournalError>,
    from: u64,
    to: u64,
) -> Result<Vec<ZoneDifference>, String> {
    let found = found.map_err(|error| error.to_string())?.ok_or_else(|| {
        format!(
            "what changed from generation {from} to {to} is not in the journal any more, or never was; raise journal-size to \
             keep more of it"
        )
    })?;
    if let Some((generation, apex)) =
        found.iter().find_map(|changes| Some((changes.generation, changes.rewritten.first()?)))
    {
        return Err(format!(
            "{apex} was replaced as a whole in generation {generation}: what changed in it was not kept"
        ));
    }
    let shown = |changes: &GenerationChanges| {
        changes.sets.iter().map(|set| edit::shown(set, changes.generation)).collect::<Vec<_>>()
    };
    Ok(found.iter().flat_map(shown).collect())
}
