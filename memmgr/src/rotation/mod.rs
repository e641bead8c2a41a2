//! The rotation of generations, as a pure step function.
//!
//! [`Rotation::step`] takes the state by value, a time and an [`Event`], and gives the next state and the [`Action`]s that
//! memmgr carries out. Nothing here reads a clock, a file or a socket: the code that runs in memmgr is the code that the
//! seeded simulation in `tests/simulation` drives through its interleavings. Mapping, messages, the manifest and the transfer
//! leases are not for this module.
//!
//! ```text
//!              Built                Committed               all acknowledged
//!   Empty ─────────────► Committing ─────────► Switching ──────────────────────┐
//!                         ▲      │             N current,                      │
//!                         │      │             N+1 switching                   ▼
//!                         │      │ BuildFailed                             Releasing
//!    a candidate waits,   │      ▼                                         N+1 current,
//!    no older one in use  └── Settled ◄─────────────────────────────────── N releasing
//!                             N+1 current       all released: N retired
//! ```
//!
//! Beside the phase stands at most one candidate, the *updating* generation, which is built at any time and published only
//! from `Settled` (or `Empty`). So three generations are alive at the most: two published and the candidate, or one published,
//! one on its way into the manifest and the candidate after it.
//!
//! Every phase ends, whatever readers say or do not say:
//! - A switch waits for the readers that were there when it began, and for those that come back within the switch timeout with
//!   an older generation in use. A reader that joins with nothing is given the newest generation and is not waited for.
//! - A reader that has not acknowledged by the switch timeout, or not let go by the release timeout, is killed and forgotten
//!   in the same step. So is one with a stalled thread, and one that answers no ping.
//! - A reader that could not map a generation keeps the one it has and is not waited for: the files may be at fault, and then the
//!   next generation mends it. If they are whole it is told once more, and killed if it refuses again.
//! - A reader that is told of one generation is told of the next after its answer. It has a switch timeout for each, and so a
//!   switch lasts two of them at the most, for the readers present when it began.
//!
//! Files are immutable and held by descriptor: nothing here is needed for safety. The rotation bounds memory and time.
//!
//! The type to read first is [`Rotation`], then [`Event`] and [`Action`].

mod action;
mod clock;
mod event;
mod phase;
mod reader;
mod status;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use action::{Action, Ignored, KillReason};
pub use clock::TICK_GAP_MAX;
pub use event::{Event, ThreadProgress};
pub use reader::WATCHED_THREADS_MAX;
pub use status::{GenerationState, GenerationStatus, ReaderStatus};

use clock::Clock;
use phase::{Committing, Empty, Phase, Releasing, Settled, Switching};
use reader::Reader;

/// The state of a rotation: the generations that are alive and the readers that use them.
///
/// ```
/// use memmgr::rotation::{Action, Event, Rotation};
/// use std::time::Duration;
///
/// let rotation = Rotation::default();
/// let (rotation, actions) = rotation.step(Duration::ZERO, Event::Built { generation: 1 });
/// assert_eq!(actions, [Action::Commit { generation: 1 }, Action::StartBuild]);
/// let (rotation, actions) = rotation.step(Duration::ZERO, Event::Committed { generation: 1 });
/// assert_eq!(actions, [Action::BecameCurrent { generation: 1 }]);
/// assert_eq!(rotation.current(), Some(1));
/// ```
#[derive(Debug, Clone)]
pub struct Rotation {
    /// How long readers are waited for.
    deadlines: Deadlines,
    /// The time that counts.
    clock: Clock,
    /// The published generations.
    phase: Phase,
    /// The built generation that waits to be published.
    updating: Option<Candidate>,
    /// The highest number that a manifest may name. It is never given to other contents.
    committed_max: u64,
    /// Everyone who was announced to and is neither gone nor killed.
    readers: BTreeMap<ReaderId, Reader>,
    /// Those killed whose end was not seen yet: what they sent before it may still come in, and lets none of them in again.
    killed: BTreeSet<ReaderId>,
}

/// Who a reader is: the address of its connection, never used again for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReaderId(pub u64);

/// How long readers are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// From the announcement of a generation to its acknowledgement.
    pub switch_timeout: Duration,
    /// From the acknowledgement of a generation to the release of the one before.
    pub release_timeout: Duration,
    /// From one ping to the next; a quarter of the stall timeout if that is less, so that an idle reader's silence between two
    /// pings is never taken for a stall.
    pub ping_interval: Duration,
    /// Without progress of a thread that has work waiting, or without a pong.
    pub stall_timeout: Duration,
}

impl Deadlines {
    /// The shortest time that anyone is given.
    fn min(&self) -> Duration {
        self.switch_timeout.min(self.release_timeout).min(self.stall_timeout)
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            switch_timeout: Duration::from_secs(5),
            release_timeout: Duration::from_secs(60),
            ping_interval: Duration::from_secs(1),
            stall_timeout: Duration::from_secs(10),
        }
    }
}

/// A built generation that waits to be published.
#[derive(Debug, Clone)]
struct Candidate {
    /// Its number.
    generation: u64,
    /// Since when a candidate waits, this one or the one whose place it took. Readers that come later with an old generation
    /// in use are not waited for, else a reader that comes again and again could keep every update back.
    since: Duration,
}

impl Default for Rotation {
    /// A rotation in which nothing was ever published, with the default deadlines.
    fn default() -> Self {
        Self::new(Deadlines::default())
    }
}

impl Rotation {
    /// A rotation in which nothing was ever published.
    pub fn new(deadlines: Deadlines) -> Self {
        Self {
            deadlines,
            clock: Clock::new(deadlines.min()),
            phase: Phase::Empty(Empty),
            updating: None,
            committed_max: 0,
            readers: BTreeMap::new(),
            killed: BTreeSet::new(),
        }
    }

    /// A rotation after a restart of memmgr, from the generation that the manifest names. Readers that still run join again
    /// and say what they hold.
    pub fn recovered(generation: u64, deadlines: Deadlines) -> Self {
        Self {
            phase: Phase::Settled(Settled { current: generation }),
            committed_max: generation,
            ..Self::new(deadlines)
        }
    }

    /// A rotation after a restart of memmgr that found the manifest's generation damaged: nothing is published, and no number
    /// up to that generation's is given to other contents.
    pub fn empty_after(generation: u64, deadlines: Deadlines) -> Self {
        Self { committed_max: generation, ..Self::new(deadlines) }
    }

    /// The next state and what is to be done. `at` is a monotonic time from any fixed start.
    pub fn step(mut self, at: Duration, event: Event) -> (Self, Vec<Action>) {
        let mut actions = Vec::new();
        self.clock.advance(at);
        match event {
            Event::Built { generation } => self.built(generation, &mut actions),
            Event::Committed { generation } => self.committed(generation, &mut actions),
            Event::BuildFailed { generation } => self.build_failed(generation, &mut actions),
            Event::ReaderJoined { reader, holds } => self.reader_joined(reader, holds, &mut actions),
            Event::Acknowledged { reader, generation } => self.acknowledged(reader, generation, &mut actions),
            Event::Released { reader, generation } => {
                self.take_word(reader, &mut actions, |state, _| state.release(generation));
            }
            Event::Refused { reader, generation } => self.refused(reader, generation, &mut actions),
            Event::Examined { generation } => self.examined(generation, &mut actions),
            Event::ReaderGone { reader } => self.reader_gone(reader),
            Event::Pong { reader, threads } => {
                self.take_word(reader, &mut actions, |state, now| {
                    state.pong(now, &threads);
                    Ok(())
                });
            }
            Event::Tick => self.tick(&mut actions),
        }
        self.advance(&mut actions);
        (self, actions)
    }

    /// The newest generation that readers are told of.
    pub fn newest(&self) -> Option<u64> {
        self.phase.newest()
    }

    /// The generation that operators are shown as `current`.
    pub fn current(&self) -> Option<u64> {
        self.phase.current()
    }

    /// The candidate that waits to be published.
    pub fn candidate(&self) -> Option<u64> {
        self.updating.as_ref().map(|candidate| candidate.generation)
    }

    /// Whether the place of the *updating* generation is free.
    pub fn may_build(&self) -> bool {
        self.updating.is_none()
    }

    /// The lowest number for the next candidate.
    pub fn next_generation(&self) -> u64 {
        self.candidate().unwrap_or(self.committed_max).saturating_add(1)
    }

    /// A candidate is complete.
    fn built(&mut self, generation: u64, actions: &mut Vec<Action>) {
        let waiting = self.updating.take();
        let expected_min = waiting.as_ref().map_or(self.committed_max.saturating_add(1), |older| older.generation);
        if generation < expected_min {
            self.updating = waiting;
            actions.push(ignored(None, Ignored::StaleBuild { generation, expected_min }));
            return;
        }
        if let Some(older) = waiting.as_ref().filter(|older| older.generation != generation) {
            actions.push(Action::Retire { generation: older.generation });
        }
        let since = waiting.map_or(self.clock.now(), |older| older.since);
        self.updating = Some(Candidate { generation, since });
    }

    /// The manifest names the generation: readers are told.
    fn committed(&mut self, generation: u64, actions: &mut Vec<Action>) {
        match std::mem::replace(&mut self.phase, Phase::Empty(Empty)) {
            Phase::Committing(state) if state.next == generation => {
                self.phase = Phase::Switching(state.publish(self.clock.now()));
                let readers: Vec<ReaderId> = self.readers.keys().copied().collect();
                for reader in readers {
                    self.announce(reader, actions);
                }
            }
            other => {
                self.phase = other;
                actions.push(ignored(None, Ignored::NotCandidate { generation }));
            }
        }
    }

    /// The candidate is given up, before or while it is committed.
    fn build_failed(&mut self, generation: u64, actions: &mut Vec<Action>) {
        if self.candidate() == Some(generation) {
            self.updating = None;
            actions.extend([Action::Retire { generation }, Action::StartBuild]);
            return;
        }
        match std::mem::replace(&mut self.phase, Phase::Empty(Empty)) {
            Phase::Committing(state) if state.next == generation => {
                self.phase = state.abandon();
                actions.push(Action::Retire { generation });
            }
            other => {
                self.phase = other;
                actions.push(ignored(None, Ignored::NotCandidate { generation }));
            }
        }
    }

    /// A reader asks for generations, and is given the newest unless it has it.
    fn reader_joined(&mut self, reader: ReaderId, holds: Option<u64>, actions: &mut Vec<Action>) {
        if self.readers.contains_key(&reader) {
            actions.push(ignored(Some(reader), Ignored::AlreadyJoined));
            return;
        }
        if self.killed.contains(&reader) {
            actions.push(ignored(Some(reader), Ignored::Killed));
            return;
        }
        self.readers.insert(reader, Reader::new(self.clock.now(), holds, self.phase.newest()));
        self.announce(reader, actions);
    }

    /// A reader's connection has ended; no news of one that was killed.
    fn reader_gone(&mut self, reader: ReaderId) {
        self.readers.remove(&reader);
        self.killed.remove(&reader);
    }

    /// A reader has switched. If a newer generation was published meanwhile, it is told of that one next.
    fn acknowledged(&mut self, reader: ReaderId, generation: u64, actions: &mut Vec<Action>) {
        if self.take_word(reader, actions, |state, now| state.acknowledge(now, generation)) {
            self.announce(reader, actions);
        }
    }

    /// A reader could not take a generation. If a newer one was published meanwhile, it is told of that one next.
    fn refused(&mut self, reader: ReaderId, generation: u64, actions: &mut Vec<Action>) {
        if self.take_word(reader, actions, |state, _| state.refuse(generation)) {
            if self.phase.newest() == Some(generation) {
                actions.push(Action::Examine { generation });
            }
            self.announce(reader, actions);
        }
    }

    /// A generation that was refused is whole: those that refused it are told once more, with a deadline.
    fn examined(&mut self, generation: u64, actions: &mut Vec<Action>) {
        let refused = self.readers.iter_mut().filter_map(|(id, reader)| reader.take_refusal(generation).then_some(*id));
        let refused: Vec<ReaderId> = refused.collect();
        for reader in refused {
            self.announce(reader, actions);
        }
    }

    /// Lets a known reader's word act on its state; anything stale or untrue is reported and changes nothing.
    fn take_word(
        &mut self,
        reader: ReaderId,
        actions: &mut Vec<Action>,
        word: impl FnOnce(&mut Reader, Duration) -> Result<(), Ignored>,
    ) -> bool {
        let outcome = match self.readers.get_mut(&reader) {
            Some(state) => word(state, self.clock.now()),
            None => Err(Ignored::UnknownReader),
        };
        if let Err(why) = outcome {
            actions.push(ignored(Some(reader), why));
        }
        outcome.is_ok()
    }

    /// Tells a reader of the newest generation, unless it has it, could not take it, or owes an answer about another.
    fn announce(&mut self, reader: ReaderId, actions: &mut Vec<Action>) {
        let (Some(newest), Some(state)) = (self.phase.newest(), self.readers.get_mut(&reader)) else {
            return;
        };
        if state.announced.is_none() && state.acknowledged != Some(newest) && !state.has_refused(newest) {
            state.announce(self.clock.now(), newest);
            actions.push(Action::Announce { reader, generation: newest });
        }
    }

    /// Time has passed: whoever missed a deadline is killed, the others are asked for a sign of life.
    fn tick(&mut self, actions: &mut Vec<Action>) {
        if self.clock.take_judgement() {
            self.kill_overdue(actions);
        }
        self.ping(actions);
    }

    /// Asks each reader whose ping is due.
    fn ping(&mut self, actions: &mut Vec<Action>) {
        for (reader, state) in &mut self.readers {
            if state.take_ping(self.clock.now(), &self.deadlines) {
                actions.push(Action::Ping { reader: *reader });
            }
        }
    }

    /// Kills and forgets each reader that has missed a deadline: no state waits for the dead.
    fn kill_overdue(&mut self, actions: &mut Vec<Action>) {
        let (now, deadlines) = (self.clock.now(), self.deadlines);
        let killed = &mut self.killed;
        self.readers.retain(|reader, state| match state.missed(now, &deadlines) {
            Some(missed) => {
                let (reason, generation, waited) = (missed.reason, missed.generation, missed.waited);
                actions.push(Action::Kill { reader: *reader, reason, generation, waited });
                killed.insert(*reader);
                if killed.len() > KILLED_MAX {
                    killed.pop_first();
                }
                false
            }
            None => true,
        });
    }

    /// Moves through the phases as far as nothing is waited for. At most one round: after `Releasing` comes `Settled`, and
    /// `Committing` waits for its event.
    fn advance(&mut self, actions: &mut Vec<Action>) {
        let now = self.clock.now();
        let mut phase = std::mem::replace(&mut self.phase, Phase::Empty(Empty));
        if let Phase::Switching(state) = phase {
            phase = if self.is_switch_awaited(&state) {
                Phase::Switching(state)
            } else {
                actions.push(Action::BecameCurrent { generation: state.switching });
                state.complete(now)
            };
        }
        if let Phase::Releasing(state) = phase {
            phase = if self.is_release_awaited(&state) {
                Phase::Releasing(state)
            } else {
                actions.push(Action::Retire { generation: state.releasing });
                Phase::Settled(state.retire())
            };
        }
        self.phase = match phase {
            Phase::Empty(state) => match self.take_candidate(None, actions) {
                Some(generation) => Phase::Committing(state.commit(generation)),
                None => Phase::Empty(state),
            },
            Phase::Settled(state) => match self.take_candidate(Some(state.current), actions) {
                Some(generation) => Phase::Committing(state.commit(generation)),
                None => Phase::Settled(state),
            },
            other @ (Phase::Committing(Committing { .. }) | Phase::Switching(_) | Phase::Releasing(_)) => other,
        };
    }

    /// Whether a reader that counts has not acknowledged: one that was there at the publication, or came back soon after with
    /// an older generation in use.
    fn is_switch_awaited(&self, switch: &Switching) -> bool {
        let returned_by = switch.since.saturating_add(self.deadlines.switch_timeout);
        self.readers.values().any(|reader| {
            let is_old = reader.joined <= returned_by && reader.holds_other_than(switch.switching);
            reader.excused != Some(switch.switching)
                && reader.acknowledged != Some(switch.switching)
                && (reader.was_there(switch.since) || is_old)
        })
    }

    /// Whether a reader that counts has not let go: one that came before the release timeout was over.
    fn is_release_awaited(&self, release: &Releasing) -> bool {
        let returned_by = release.since.saturating_add(self.deadlines.release_timeout);
        self.readers.values().any(|reader| {
            reader.excused != Some(release.current) && reader.joined <= returned_by && reader.holds(release.releasing)
        })
    }

    /// The candidate to publish, unless a reader that counts still uses something older than the current generation.
    fn take_candidate(&mut self, current: Option<u64>, actions: &mut Vec<Action>) -> Option<u64> {
        let candidate = self.updating.take()?;
        // Before the first publication nobody was told anything, so that there is nothing anyone could let go.
        let is_awaited = current.is_some_and(|current| {
            self.readers.values().any(|reader| {
                reader.excused != Some(current) && reader.was_there(candidate.since) && reader.holds_other_than(current)
            })
        });
        if is_awaited {
            self.updating = Some(candidate);
            return None;
        }
        self.committed_max = candidate.generation;
        actions.extend([Action::Commit { generation: candidate.generation }, Action::StartBuild]);
        Some(candidate.generation)
    }
}

/// The report of an event without effect.
fn ignored(reader: Option<ReaderId>, why: Ignored) -> Action {
    Action::Ignored { reader, why }
}

/// The most killed readers that are remembered, the latest ones. Their ends are seen within moments, if at all.
const KILLED_MAX: usize = 1024;
