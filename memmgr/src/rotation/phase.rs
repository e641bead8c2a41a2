//! Where the published generations stand: a struct for each state, and only the moves that exist.
//!
//! Not for readers and their deadlines, which are in `reader`. [`Phase`] is the type to read first.

use std::time::Duration;

/// The state of the published generations.
#[derive(Debug, Clone)]
pub(super) enum Phase {
    /// Nothing was ever published.
    Empty(Empty),
    /// One generation, and nothing under way.
    Settled(Settled),
    /// The next one is being made durable; no reader knows of it.
    Committing(Committing),
    /// The next one is published and the readers move over.
    Switching(Switching),
    /// All have moved and the one before is being let go.
    Releasing(Releasing),
}

impl Phase {
    /// The newest generation that readers are told of.
    pub(super) fn newest(&self) -> Option<u64> {
        match self {
            Self::Empty(Empty) => None,
            Self::Settled(state) => Some(state.current),
            Self::Committing(state) => state.current,
            Self::Switching(state) => Some(state.switching),
            Self::Releasing(state) => Some(state.current),
        }
    }

    /// The generation that operators are shown as `current`.
    pub(super) fn current(&self) -> Option<u64> {
        match self {
            Self::Switching(state) => state.previous,
            other => other.newest(),
        }
    }

    /// The state of rest with or without a generation.
    fn at_rest(current: Option<u64>) -> Self {
        match current {
            Some(current) => Self::Settled(Settled { current }),
            None => Self::Empty(Empty),
        }
    }
}

/// Nothing was ever published.
#[derive(Debug, Clone)]
pub(super) struct Empty;

impl Empty {
    /// Takes up a candidate, the first.
    pub(super) fn commit(self, generation: u64) -> Committing {
        Committing { current: None, next: generation }
    }
}

/// One generation, and nothing under way.
#[derive(Debug, Clone)]
pub(super) struct Settled {
    /// The one that all readers have or are about to have.
    pub(super) current: u64,
}

impl Settled {
    /// Takes up a candidate.
    pub(super) fn commit(self, generation: u64) -> Committing {
        Committing { current: Some(self.current), next: generation }
    }
}

/// A candidate is being made durable.
#[derive(Debug, Clone)]
pub(super) struct Committing {
    /// What readers have meanwhile.
    pub(super) current: Option<u64>,
    /// What they will be told of.
    pub(super) next: u64,
}

impl Committing {
    /// The candidate is durable and from here on published.
    pub(super) fn publish(self, now: Duration) -> Switching {
        Switching { previous: self.current, switching: self.next, since: now }
    }

    /// The candidate is given up.
    pub(super) fn abandon(self) -> Phase {
        Phase::at_rest(self.current)
    }
}

/// Readers move from one generation to the next.
#[derive(Debug, Clone)]
pub(super) struct Switching {
    /// What they move away from; none at the very first.
    pub(super) previous: Option<u64>,
    /// What they move to.
    pub(super) switching: u64,
    /// When it was published.
    pub(super) since: Duration,
}

impl Switching {
    /// All that were waited for have moved.
    pub(super) fn complete(self, now: Duration) -> Phase {
        match self.previous {
            Some(releasing) => Phase::Releasing(Releasing { current: self.switching, releasing, since: now }),
            None => Phase::at_rest(Some(self.switching)),
        }
    }
}

/// The generation before is being let go.
#[derive(Debug, Clone)]
pub(super) struct Releasing {
    /// What all have.
    pub(super) current: u64,
    /// What is let go.
    pub(super) releasing: u64,
    /// When the switch was complete.
    pub(super) since: Duration,
}

impl Releasing {
    /// All that were waited for have let go.
    pub(super) fn retire(self) -> Settled {
        Settled { current: self.current }
    }
}
