//! memmgr in the simulated world: the rotation takes its steps, and its actions are carried out.

use std::time::Duration;

use memmgr::rotation::{Action, Event, GenerationStatus, KillReason, ReaderId, ReaderStatus};

use super::World;
use crate::invariant::{self, Standing};
use crate::occurrence::{Entry, Occurrence, Order};

impl World {
    /// A message of a session reaches memmgr.
    pub(super) fn arrive(&mut self, run: u64, event: Event) -> Result<(), String> {
        if run != self.memmgr.run || self.memmgr.rotation.is_none() {
            return Ok(());
        }
        match &event {
            Event::ReaderJoined { reader, .. } => {
                let (now, reader) = (self.now, *reader);
                if let Some(session) = self.session_mut(reader) {
                    session.joined.get_or_insert(now);
                }
            }
            Event::ReaderGone { reader } => {
                self.ended.insert(*reader);
            }
            Event::Acknowledged { reader, generation } | Event::Refused { reader, generation }
                if self.owed.get(reader) == Some(generation) =>
            {
                self.owed.remove(reader);
            }
            _ => {}
        }
        self.step(event)
    }

    /// memmgr's timer, which does not pile up while memmgr sleeps.
    pub(super) fn tick(&mut self) -> Result<(), String> {
        let after = self.random.delay(300, 1_000);
        self.arrange(after, Occurrence::Tick);
        if self.memmgr.is_asleep || self.memmgr.rotation.is_none() {
            return Ok(());
        }
        self.step(Event::Tick)
    }

    /// memmgr goes on: the timer first, then what lies unread.
    pub(super) fn wake(&mut self) -> Result<(), String> {
        if !self.memmgr.is_asleep {
            return Ok(());
        }
        self.tell("memmgr wakes".to_owned());
        self.memmgr.is_asleep = false;
        self.step(Event::Tick)?;
        std::mem::take(&mut self.memmgr.held).into_iter().try_for_each(|occurrence| self.befall(occurrence))
    }

    /// A build that memmgr had begun is complete, or fails.
    pub(super) fn build_ends(&mut self, occurrence: Occurrence) -> Result<(), String> {
        if self.memmgr.is_asleep {
            self.memmgr.held.push(occurrence);
            return Ok(());
        }
        self.memmgr.is_building = false;
        let waiting = self.memmgr.rotation.as_ref().and_then(|rotation| rotation.candidate());
        let generation = match waiting {
            // The candidate that waits is either gathered into or replaced.
            Some(waiting) if self.random.one_in(2) => waiting,
            _ => self.memmgr.next_generation(),
        };
        if waiting.is_some_and(|waiting| waiting != generation) {
            self.note("candidate replaced");
        }
        self.memmgr.files.insert(generation);
        self.memmgr.candidate_since.get_or_insert(self.now);
        self.last_built = generation;
        self.step(Event::Built { generation })?;
        if !self.is_peace && self.random.one_in(10) {
            self.note("build failed");
            // Nothing is written of a candidate that is given up.
            self.memmgr.committing = self.memmgr.committing.filter(|committing| *committing != generation);
            self.step(Event::BuildFailed { generation })?;
        }
        Ok(())
    }

    /// The manifest is written, or can't be.
    pub(super) fn commit_ends(&mut self, generation: u64, occurrence: Occurrence) -> Result<(), String> {
        if self.memmgr.is_asleep {
            self.memmgr.held.push(occurrence);
            return Ok(());
        }
        if self.memmgr.committing != Some(generation) {
            return Ok(());
        }
        self.memmgr.committing = None;
        if !self.is_peace && self.random.one_in(10) {
            self.note("commit failed");
            return self.step(Event::BuildFailed { generation });
        }
        self.memmgr.manifest_previous = self.memmgr.manifest;
        self.memmgr.manifest = generation;
        if !self.is_peace && self.random.one_in(20) {
            self.tell(format!("memmgr dies after the manifest of generation {generation}"));
            self.memmgr_dies();
            return Ok(());
        }
        self.step(Event::Committed { generation })
    }

    /// memmgr has looked at the files of a generation that was refused. Damaged ones are built anew, if the build succeeds.
    pub(super) fn examination_ends(&mut self, generation: u64, occurrence: Occurrence) -> Result<(), String> {
        if self.memmgr.is_asleep {
            self.memmgr.held.push(occurrence);
            return Ok(());
        }
        if !self.is_peace && self.random.one_in(3) {
            self.note("refused: damaged");
            self.begin_build();
            return Ok(());
        }
        self.note("refused: sound");
        self.step(Event::Examined { generation })
    }

    /// memmgr begins a build unless one is under way.
    pub(super) fn begin_build(&mut self) {
        if self.memmgr.rotation.is_some() && !self.memmgr.is_building {
            self.memmgr.is_building = true;
            let after = self.random.delay(1, 5_000);
            let run = self.memmgr.run;
            self.arrange(after, Occurrence::BuildEnds { run });
        }
    }

    /// memmgr dies, and every connection with it.
    pub(super) fn memmgr_dies(&mut self) {
        self.note("memmgr died");
        self.memmgr.die();
        self.standing = Standing::default();
        let processes: Vec<u64> = self.processes.keys().copied().collect();
        for process in processes {
            self.disconnect(process);
        }
        let after = self.random.delay(10, 5_000);
        self.arrange(after, Occurrence::Starts);
    }

    /// memmgr starts again.
    pub(super) fn start_memmgr(&mut self) {
        if self.memmgr.rotation.is_none() {
            self.memmgr.start(self.now);
            self.tell(format!("memmgr starts with generation {}", self.memmgr.manifest));
        }
    }

    /// The rotation takes a step, and its actions are carried out.
    pub(super) fn step(&mut self, event: Event) -> Result<(), String> {
        let said = |world: &Self| {
            let rotation = world.memmgr.rotation.as_ref();
            rotation.map(|rotation| (rotation.generations(), rotation.readers()))
        };
        let before = matches!(
            event,
            Event::Acknowledged { .. } | Event::Released { .. } | Event::Refused { .. } | Event::ReaderJoined { .. }
        )
        .then(|| said(self));
        let is_first_tick = matches!(event, Event::Tick);
        let early = self.is_early_release(&event);
        let is_publication = matches!(event, Event::Committed { .. });
        let actions = self.memmgr.step(self.now, event.clone());
        self.history.push((self.now, Entry::Step(event, actions.clone())));
        if let Some(before) = before
            && matches!(actions.as_slice(), [Action::Ignored { .. }])
            && !is_alike(&before, &said(self))
        {
            return Err("an ignored message has changed the rotation".to_owned());
        }
        if early && actions.is_empty() {
            self.note("early release");
        }
        if is_publication {
            self.note_publication(&actions);
        }
        for action in actions {
            if matches!(action, Action::Kill { .. }) && !is_first_tick {
                return Err("killed without a tick".to_owned());
            }
            self.carry_out(action)?;
        }
        invariant::check(self)
    }

    /// Whether a release comes before the acknowledgement that it belongs to.
    pub(super) fn is_early_release(&self, event: &Event) -> bool {
        let Event::Released { reader, generation } = event else {
            return false;
        };
        let readers = self.memmgr.rotation.as_ref().map(|rotation| rotation.readers()).unwrap_or_default();
        readers.iter().any(|known| {
            known.reader == *reader && known.acknowledged == Some(*generation) && known.announced.is_some()
        })
    }

    /// Notes who is there at a publication, and whether anyone still owes an answer about the generation before.
    pub(super) fn note_publication(&mut self, actions: &[Action]) {
        let announced = actions.iter().filter(|action| matches!(action, Action::Announce { .. })).count();
        let readers = self.memmgr.rotation.as_ref().map(|rotation| rotation.readers()).unwrap_or_default();
        self.present_at_publication = readers.iter().map(|reader| reader.reader).collect();
        if announced > 0 {
            self.note("announced at publication");
        }
        if announced < readers.len() {
            self.note("second announcement queued");
        }
    }

    /// Does what the rotation asks for.
    pub(super) fn carry_out(&mut self, action: Action) -> Result<(), String> {
        match action {
            Action::Commit { generation } => {
                invariant::check_commit(self)?;
                self.memmgr.committing = Some(generation);
                self.memmgr.candidate_since = None;
                let after = self.random.delay(1, 2_000);
                let run = self.memmgr.run;
                self.arrange(after, Occurrence::CommitEnds { run, generation });
            }
            Action::Announce { reader, generation } => {
                invariant::check_announcement(self, reader, generation)?;
                self.owed.insert(reader, generation);
                self.order(reader, Order::Switch(generation));
            }
            Action::Ping { reader } => self.order(reader, Order::Ping),
            Action::Kill { reader, reason, .. } => self.kill(reader, reason)?,
            Action::BecameCurrent { generation } => {
                self.note("generation became current");
                invariant::check_current(self, generation)?;
            }
            Action::Retire { generation } => {
                self.note("generation retired");
                if !self.memmgr.files.remove(&generation) {
                    return Err(format!("generation {generation} is retired twice"));
                }
            }
            Action::StartBuild => {
                if self.memmgr.rotation.as_ref().is_some_and(|rotation| rotation.may_build()) {
                    self.memmgr.candidate_since = None;
                }
                if !self.is_peace && self.random.one_in(2) {
                    self.begin_build();
                }
            }
            Action::Examine { generation } => {
                let after = self.random.delay(1, 3_000);
                let run = self.memmgr.run;
                self.arrange(after, Occurrence::ExaminationEnds { run, generation });
            }
            Action::Ignored { .. } => self.note("ignored message"),
        }
        Ok(())
    }

    /// Ends a reader for memmgr: a child dies, another loses its connection.
    pub(super) fn kill(&mut self, reader: ReaderId, reason: KillReason) -> Result<(), String> {
        self.note(match reason {
            KillReason::SwitchTimeout => "killed: switch",
            KillReason::ReleaseTimeout => "killed: release",
            KillReason::Stalled { .. } => "killed: stall",
            KillReason::PingTimeout => "killed: ping",
            KillReason::Refused => "killed: refused",
        });
        self.ended.insert(reader);
        let Some(number) = self.owners.get(&reader).copied() else {
            return Ok(());
        };
        let Some(process) = self.processes.get(&number) else {
            return Ok(());
        };
        if process.session.as_ref().is_none_or(|session| session.id != reader) {
            return Ok(());
        }
        if process.is_clean {
            return Err(format!("{reader:?} did nothing wrong and is killed: {reason}"));
        }
        if process.is_child {
            self.die(number)
        } else {
            self.disconnect(number)
        }
        Ok(())
    }
}

/// What can be seen of a rotation: its generations and its readers.
type Seen = Option<(Vec<GenerationStatus>, Vec<ReaderStatus>)>;

/// Whether two views differ in nothing but the passing of time.
fn is_alike(before: &Seen, after: &Seen) -> bool {
    let timeless = |seen: &Seen| {
        seen.clone().map(|(generations, mut readers)| {
            readers.iter_mut().for_each(|reader| reader.pong_age = Duration::ZERO);
            (generations, readers)
        })
    };
    timeless(before) == timeless(after)
}
