//! What happens in the simulated world, each at its time.

use std::time::Duration;

use memmgr::rotation::{Action, Event, ReaderId};

/// One thing that happens.
#[derive(Debug, Clone)]
pub(crate) enum Occurrence {
    /// A message of a session arrives at memmgr.
    ToMemmgr {
        /// The run of memmgr that the session belongs to.
        run: u64,
        /// What it says.
        event: Event,
    },
    /// A message arrives at a process.
    ToProcess {
        /// Which.
        process: u64,
        /// Over which session.
        session: ReaderId,
        /// What it says.
        order: Order,
    },
    /// A process has mapped a generation and swaps its pointer.
    Swap {
        /// Which.
        process: u64,
        /// The session over which it was announced.
        session: ReaderId,
        /// The generation.
        generation: u64,
    },
    /// The last use of a generation ends.
    UseEnds {
        /// In which process.
        process: u64,
        /// Of which generation.
        generation: u64,
    },
    /// A process connects and asks for generations.
    Attach {
        /// Which.
        process: u64,
    },
    /// The supervisor starts another process.
    Spawn,
    /// A candidate is complete.
    BuildEnds {
        /// The run of memmgr that began it.
        run: u64,
    },
    /// The manifest is written, or can't be.
    CommitEnds {
        /// The run of memmgr that began it.
        run: u64,
        /// The generation that it names.
        generation: u64,
    },
    /// The files of a generation that was refused are examined.
    ExaminationEnds {
        /// The run of memmgr that began it.
        run: u64,
        /// The generation.
        generation: u64,
    },
    /// memmgr's timer.
    Tick,
    /// memmgr goes on after it was stopped.
    Wakes,
    /// memmgr is started again.
    Starts,
    /// Something goes wrong, or somebody changes a zone.
    Chance,
}

/// A message of memmgr to a reader.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Order {
    /// A generation with its descriptors.
    Switch(u64),
    /// Asks for a pong.
    Ping,
}

/// A line of the history that a failure prints.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    /// memmgr's rotation took a step.
    Step(Event, Vec<Action>),
    /// The world moved otherwise.
    World(String),
}

/// When it was, and what.
pub(crate) type History = Vec<(Duration, Entry)>;
