//! A reader process as the kernel sees it: what it really has mapped, whatever it says.
//!
//! [`Process`] keeps the rules of the reader library, unless its [`Mood`] says otherwise.

use std::collections::BTreeSet;
use std::time::Duration;

use memmgr::rotation::{ReaderId, ThreadProgress};

use crate::occurrence::Occurrence;
use crate::random::Random;

/// The fault that a process has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// None.
    Sound,
    /// Switches and does not say so.
    NeverAcknowledges,
    /// Uses an old generation without end.
    NeverReleases,
    /// Can map nothing.
    Refuses,
    /// Answers no ping.
    Silent,
    /// A query thread hangs with work waiting; the rest goes on.
    ThreadHangs,
    /// Messages to and from it are lost, doubled and late.
    Lossy,
    /// Says what is not so.
    Lies,
}

/// All moods that are faults.
pub(crate) const FAULTS: [Mood; 7] = [
    Mood::NeverAcknowledges,
    Mood::NeverReleases,
    Mood::Refuses,
    Mood::Silent,
    Mood::ThreadHangs,
    Mood::Lossy,
    Mood::Lies,
];

/// A connection to memmgr.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// Its address.
    pub(crate) id: ReaderId,
    /// The run of memmgr that it belongs to.
    pub(crate) run: u64,
    /// When memmgr took the join, once it has.
    pub(crate) joined: Option<Duration>,
    /// What the reader said to hold.
    pub(crate) claimed: Option<u64>,
    /// The process may have something mapped from before that memmgr knows nothing of, and could not wait for. What it has is
    /// judged as soon as memmgr knows it and it has the newest alone, or nothing.
    pub(crate) is_exempt: bool,
    /// The newest that was announced in this session; older announcements are late ones.
    pub(crate) announced: Option<u64>,
    /// When the last message sent arrives: the next one does not overtake it.
    pub(crate) last_arrival: Duration,
}

/// A reader process.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    /// Its connection.
    pub(crate) session: Option<Session>,
    /// The generation that it answers from.
    pub(crate) current: Option<u64>,
    /// The generation that it is about to switch to.
    pub(crate) mapping: Option<u64>,
    /// What it has mapped.
    pub(crate) maps: BTreeSet<u64>,
    /// Its fault.
    pub(crate) mood: Mood,
    /// It never had a fault, so that nothing justifies its end.
    pub(crate) is_clean: bool,
    /// It has told lies, so that what it has mapped is its own affair.
    pub(crate) has_lied: bool,
    /// Started by the supervisor, which can kill it; others are dropped from the bus and live on.
    pub(crate) is_child: bool,
    /// Stopped by a signal; what happens to it meanwhile is kept.
    pub(crate) is_stopped: bool,
    /// What happened while it was stopped.
    pub(crate) held: Vec<Occurrence>,
    /// Work waits for its thread at each pong.
    is_busy: bool,
    /// The counter of its thread.
    progress: u64,
}

impl Process {
    /// A process that has just been started.
    pub(crate) fn new(random: &mut Random) -> Self {
        Self {
            session: None,
            current: None,
            mapping: None,
            maps: BTreeSet::new(),
            mood: Mood::Sound,
            is_clean: true,
            has_lied: false,
            is_child: !random.one_in(4),
            is_stopped: false,
            held: Vec::new(),
            is_busy: random.one_in(2),
            progress: 0,
        }
    }

    /// Gives it a fault.
    pub(crate) fn fall_ill(&mut self, mood: Mood) {
        self.mood = mood;
        self.is_clean = false;
        self.has_lied |= mood == Mood::Lies;
    }

    /// What it says of its threads: one idle, one that works or hangs.
    pub(crate) fn threads(&mut self) -> Vec<ThreadProgress> {
        let hangs = self.mood == Mood::ThreadHangs;
        self.progress += u64::from(self.is_busy && !hangs);
        vec![
            ThreadProgress { progress: 0, waiting: false },
            ThreadProgress { progress: self.progress, waiting: self.is_busy || hangs },
        ]
    }

    /// Whether it has anything mapped, or is about to, that is not among these.
    pub(crate) fn uses_other_than(&self, generations: &[u64]) -> Option<u64> {
        self.maps.iter().copied().chain(self.mapping).find(|generation| !generations.contains(generation))
    }
}
