//! What a rotation asks memmgr to do, and why it let a message pass without effect.
//!
//! Actions of one step are carried out in their order. [`Action`] is the type to read first.

use std::fmt;
use std::time::Duration;

use super::ReaderId;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Make the manifest that names the generation durable, then say [`super::Event::Committed`], or
    /// [`super::Event::BuildFailed`] when that cannot be done. No reader hears of the generation before.
    Commit {
        /// The generation to name.
        generation: u64,
    },
    /// Give the generation to the reader, with its descriptors. Never more than one at a time for each reader: the next
    /// comes after the answer to this one.
    Announce {
        /// To whom.
        reader: ReaderId,
        /// What.
        generation: u64,
    },
    /// Ask the reader for a pong.
    Ping {
        /// Whom to ask.
        reader: ReaderId,
    },
    /// End the reader: the supervisor kills and replaces its own children, others are dropped from the bus. The rotation
    /// has already forgotten it.
    Kill {
        /// Whom to end.
        reader: ReaderId,
        /// The deadline that it missed.
        reason: KillReason,
        /// The generation that it did not acknowledge or release; for the others the one it answers from, if any.
        generation: Option<u64>,
        /// How long it was waited for.
        waited: Duration,
    },
    /// A reader could not map the generation: look whether its files are whole. If they are, say [`super::Event::Examined`]; if
    /// not, build what is damaged anew. Meanwhile the reader keeps what it has and nothing waits for it.
    Examine {
        /// The generation that was refused.
        generation: u64,
    },
    /// Every reader that was waited for has acknowledged the generation.
    BecameCurrent {
        /// The generation that is `current` from here on.
        generation: u64,
    },
    /// The generation is gone, or never came to be: files that no other generation names may be unlinked.
    Retire {
        /// The generation that is no longer counted.
        generation: u64,
    },
    /// The place of the *updating* generation is free: what has gathered may be built.
    StartBuild,
    /// The event was stale or untrue and changed nothing. To be logged.
    Ignored {
        /// Who sent it, if a reader did.
        reader: Option<ReaderId>,
        /// Why it has no effect.
        why: Ignored,
    },
}

/// The deadline that a reader missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KillReason {
    /// No acknowledgement within the switch timeout.
    SwitchTimeout,
    /// A superseded generation was not let go within the release timeout.
    ReleaseTimeout,
    /// A thread had work waiting and made no progress for the stall timeout.
    Stalled {
        /// The thread's place in the reader's pongs.
        thread: usize,
    },
    /// No answer to any ping for the stall timeout.
    PingTimeout,
    /// It refused a generation whose files are whole, was told of it once more, and refused it again.
    Refused,
}

impl fmt::Display for KillReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SwitchTimeout => f.write_str("switch-timeout"),
            Self::ReleaseTimeout => f.write_str("release-timeout"),
            Self::Stalled { thread } => write!(f, "stall-timeout: thread {thread} stands still with work waiting"),
            Self::PingTimeout => f.write_str("stall-timeout: no answer to a ping"),
            Self::Refused => f.write_str("refused: a sound generation, twice"),
        }
    }
}

/// Why an event changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ignored {
    /// The reader never joined, or was killed.
    UnknownReader,
    /// A reader of this id is there already.
    AlreadyJoined,
    /// The reader was killed, and its end is still to come.
    Killed,
    /// The generation was acknowledged before.
    AcknowledgedTwice {
        /// The generation named.
        generation: u64,
    },
    /// The generation was not announced to this reader, or a later one has taken its place.
    NotAnnounced {
        /// The generation named.
        generation: u64,
        /// The one whose answer is awaited, if any.
        expected: Option<u64>,
    },
    /// The reader holds no such generation.
    NotHeld {
        /// The generation named.
        generation: u64,
    },
    /// The reader says to have let go of the only generation it can answer from.
    StillInUse {
        /// The generation named.
        generation: u64,
    },
    /// The number of the candidate is not above all that were committed or wait.
    StaleBuild {
        /// The generation named.
        generation: u64,
        /// The lowest number that would do.
        expected_min: u64,
    },
    /// The generation is not the one that is to be committed, or no candidate at all.
    NotCandidate {
        /// The generation named.
        generation: u64,
    },
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownReader => f.write_str("the reader is not known"),
            Self::AlreadyJoined => f.write_str("the reader has joined before"),
            Self::Killed => f.write_str("the reader was killed"),
            Self::AcknowledgedTwice { generation } => write!(f, "generation {generation} was acknowledged before"),
            Self::NotAnnounced { generation, expected: Some(expected) } => {
                write!(f, "generation {generation} is not the one awaited: expected {expected}")
            }
            Self::NotAnnounced { generation, expected: None } => {
                write!(f, "generation {generation} is not awaited: nothing is")
            }
            Self::NotHeld { generation } => write!(f, "generation {generation} is not held by the reader"),
            Self::StillInUse { generation } => write!(f, "generation {generation} is the only one the reader has"),
            Self::StaleBuild { generation, expected_min } => {
                write!(f, "candidate {generation} is too old: expected {expected_min} or above")
            }
            Self::NotCandidate { generation } => write!(f, "generation {generation} is not a candidate"),
        }
    }
}
