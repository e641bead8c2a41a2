//! The simulated world: its time, its processes, its messages, and what goes wrong in it.
//!
//! [`World::run`] is one run: a time of faults, then peace, in which everything must come to rest. What memmgr does is in
//! `serving`, what readers do in `reading`, what passes between them in `messages`, what goes wrong in `chance`.

mod chance;
mod messages;
mod reading;
mod serving;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use memmgr::rotation::ReaderId;

use crate::invariant::{self, Standing};
use crate::memory_manager::MemoryManager;
use crate::occurrence::{Entry, History, Occurrence};
use crate::process::Process;
use crate::random::Random;

/// What must have happened at least once in all runs together, else the simulation proves less than it says.
pub(crate) const EXPECTED: [&str; 20] = [
    "candidate replaced",
    "commit failed",
    "early release",
    "build failed",
    "generation became current",
    "generation retired",
    "ignored message",
    "announced at publication",
    "killed: ping",
    "killed: refused",
    "killed: release",
    "killed: stall",
    "killed: switch",
    "manifest lost",
    "memmgr died",
    "memmgr slept",
    "reader died",
    "refused: damaged",
    "refused: sound",
    "second announcement queued",
];

/// How long peace may take to bring rest: the longest release, and time for those that were killed to come back.
const PEACE_MAX: Duration = Duration::from_secs(300);

/// A run.
#[derive(Debug)]
pub(crate) struct World {
    /// Where chance comes from.
    random: Random,
    /// The present.
    now: Duration,
    /// What is to happen, by time and then in order of arrangement.
    queue: BTreeMap<(Duration, u64), Occurrence>,
    /// Counts what was arranged.
    arranged: u64,
    /// The memory manager.
    pub(crate) memmgr: MemoryManager,
    /// The living processes.
    pub(crate) processes: BTreeMap<u64, Process>,
    /// Which process has which address.
    owners: BTreeMap<ReaderId, u64>,
    /// The addresses whose end memmgr has seen or caused.
    pub(crate) ended: BTreeSet<ReaderId>,
    /// The announcements that memmgr has no answer to.
    pub(crate) owed: BTreeMap<ReaderId, u64>,
    /// The readers that memmgr knew at the latest publication.
    pub(crate) present_at_publication: BTreeSet<ReaderId>,
    /// Counts processes.
    started: u64,
    /// Counts addresses.
    connected: u64,
    /// The last candidate that was not given up.
    pub(crate) last_built: u64,
    /// Faults are over.
    is_peace: bool,
    /// How long the generations stand as they stand.
    pub(crate) standing: Standing,
    /// How often each thing happened.
    tally: BTreeMap<&'static str, u64>,
    /// What happened.
    pub(crate) history: History,
}

impl World {
    /// A world before its first second.
    pub(crate) fn new(seed: u64) -> Self {
        let mut world = Self {
            random: Random::new(seed),
            now: Duration::ZERO,
            queue: BTreeMap::new(),
            arranged: 0,
            memmgr: MemoryManager::new(),
            processes: BTreeMap::new(),
            owners: BTreeMap::new(),
            ended: BTreeSet::new(),
            owed: BTreeMap::new(),
            present_at_publication: BTreeSet::new(),
            started: 0,
            connected: 0,
            last_built: 0,
            is_peace: false,
            standing: Standing::default(),
            tally: BTreeMap::new(),
            history: History::new(),
        };
        world.arrange(Duration::ZERO, Occurrence::Tick);
        world.arrange(Duration::ZERO, Occurrence::Chance);
        for _ in 0..world.random.below(4) {
            world.arrange(Duration::ZERO, Occurrence::Spawn);
        }
        world
    }

    /// One run, faults and peace.
    pub(crate) fn run(&mut self) -> Result<(), String> {
        // Mostly short, so that there are many; at times long enough for release timeouts to follow each other.
        let peace_at = self.random.delay(20_000, 400_000);
        while self.now < peace_at {
            self.happen()?;
        }
        self.make_peace()?;
        while !invariant::is_at_rest(self) {
            if self.now > peace_at + PEACE_MAX {
                return Err(format!("no rest after {PEACE_MAX:?} of peace: {:?}", self.memmgr.rotation));
            }
            self.happen()?;
        }
        Ok(())
    }

    /// Adds how often each thing happened.
    pub(crate) fn count(&self, seen: &mut BTreeMap<&'static str, u64>) {
        for (what, times) in &self.tally {
            *seen.entry(what).or_default() += times;
        }
    }

    /// The next thing to happen.
    fn happen(&mut self) -> Result<(), String> {
        let Some(((at, _), occurrence)) = self.queue.pop_first() else {
            return Err("nothing is to happen any more".to_owned());
        };
        self.now = at;
        self.befall(occurrence)
    }

    /// Lets something happen at once.
    fn befall(&mut self, occurrence: Occurrence) -> Result<(), String> {
        match occurrence {
            Occurrence::ToMemmgr { .. } if self.memmgr.is_asleep => self.memmgr.held.push(occurrence),
            Occurrence::ToMemmgr { run, event } => self.arrive(run, event)?,
            Occurrence::Tick => self.tick()?,
            Occurrence::BuildEnds { run } if run == self.memmgr.run => self.build_ends(occurrence)?,
            Occurrence::CommitEnds { run, generation } if run == self.memmgr.run => {
                self.commit_ends(generation, occurrence)?;
            }
            Occurrence::ExaminationEnds { run, generation } if run == self.memmgr.run => {
                self.examination_ends(generation, occurrence)?;
            }
            Occurrence::BuildEnds { .. } | Occurrence::CommitEnds { .. } | Occurrence::ExaminationEnds { .. } => {}
            Occurrence::Wakes => self.wake()?,
            Occurrence::Starts => self.start_memmgr(),
            Occurrence::Spawn => self.spawn(),
            Occurrence::Chance => self.chance(),
            Occurrence::ToProcess { process, .. }
            | Occurrence::Swap { process, .. }
            | Occurrence::UseEnds { process, .. }
            | Occurrence::Attach { process } => self.happen_to(process, occurrence),
        }
        Ok(())
    }

    /// Arranges something for later.
    fn arrange(&mut self, after: Duration, occurrence: Occurrence) {
        self.arranged += 1;
        self.queue.insert((self.now + after, self.arranged), occurrence);
    }

    /// Counts that something happened.
    fn note(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    /// Writes a line of history.
    fn tell(&mut self, what: String) {
        self.history.push((self.now, Entry::World(what)));
    }
}
