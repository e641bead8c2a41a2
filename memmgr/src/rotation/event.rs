//! What can happen to a rotation: the words of the builder, of the readers and of the clock.
//!
//! Not for messages as they travel: memmgr turns those into events. [`Event`] is the type to read first.

use super::ReaderId;

/// One thing that happened. Each comes with the time at which memmgr saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A complete candidate lies on disk. It takes the place of an older candidate that still waits.
    Built {
        /// The candidate's number: above every number that was ever committed.
        generation: u64,
    },
    /// The manifest that names the generation is durable: the answer to [`super::Action::Commit`].
    Committed {
        /// The generation named by the action.
        generation: u64,
    },
    /// The candidate is given up: a check failed after it was built, or its manifest could not be written.
    BuildFailed {
        /// The candidate's number.
        generation: u64,
    },
    /// A reader asks for generations.
    ReaderJoined {
        /// The reader's address, never used by another one.
        reader: ReaderId,
        /// The generation that it already answers from, when it survived a restart of memmgr or of its connection.
        /// The caller says the number of a generation of ours only when the contents agree too.
        holds: Option<u64>,
    },
    /// Every query thread of the reader has passed a batch boundary on the generation.
    Acknowledged {
        /// Who says so.
        reader: ReaderId,
        /// The generation in use since.
        generation: u64,
    },
    /// The reader's last use of the generation has ended.
    Released {
        /// Who says so.
        reader: ReaderId,
        /// The generation no longer in use.
        generation: u64,
    },
    /// The reader could not map the generation and goes on with what it has.
    Refused {
        /// Who says so.
        reader: ReaderId,
        /// The generation that did not map or did not check out.
        generation: u64,
    },
    /// The files of a generation that readers refused are whole: the answer to [`super::Action::Examine`], unless something was
    /// found and is built anew.
    Examined {
        /// The generation named by the action.
        generation: u64,
    },
    /// The reader's connection has ended. Nothing comes from it after. For one that was killed it is
    /// no news, and does no harm.
    ReaderGone {
        /// Who went.
        reader: ReaderId,
    },
    /// The reader answers a ping.
    Pong {
        /// Who answers.
        reader: ReaderId,
        /// One entry a query thread, always in the same order.
        threads: Vec<ThreadProgress>,
    },
    /// Time passed. Deadlines are judged at ticks alone, and [`super::TICK_GAP_MAX`] is the longest time between two.
    Tick,
}

/// What a reader says of one of its query threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreadProgress {
    /// A counter that moves with each batch.
    pub progress: u64,
    /// Whether work waits for the thread. A thread without work is idle, whatever its counter.
    pub waiting: bool,
}
