//! What operators are shown of a rotation: its generations and its readers.
//!
//! Read-only; nothing here decides. [`GenerationStatus`] is the type to read first.

use std::fmt;
use std::time::Duration;

use super::phase::Phase;
use super::{ReaderId, Rotation};

/// One generation that is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerationStatus {
    /// Its number.
    pub generation: u64,
    /// Where it stands.
    pub state: GenerationState,
    /// The readers that have acknowledged it and not let it go, in order.
    pub readers: Vec<ReaderId>,
}

/// Where a generation stands, in the words of `trine generation list`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GenerationState {
    /// Built, and not published.
    Updating,
    /// Published, and not acknowledged by all.
    Switching,
    /// Acknowledged by all.
    Current,
    /// The one before, not yet let go by all.
    Releasing,
}

impl GenerationState {
    /// The state in one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Updating => "updating",
            Self::Switching => "switching",
            Self::Current => "current",
            Self::Releasing => "releasing",
        }
    }
}

impl fmt::Display for GenerationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderStatus {
    /// Who it is.
    pub reader: ReaderId,
    /// The generation it answers from.
    pub acknowledged: Option<u64>,
    /// The generation whose acknowledgement is awaited.
    pub announced: Option<u64>,
    /// The generation that it could not take at first, and for which it is not waited.
    pub excused: Option<u64>,
    /// All that it may have mapped, oldest first.
    pub holding: Vec<u64>,
    /// The time since its latest pong, or since it joined.
    pub pong_age: Duration,
}

impl Rotation {
    /// The generations that are alive, newest first; never more than three.
    pub fn generations(&self) -> Vec<GenerationStatus> {
        use GenerationState::{Current, Releasing, Switching, Updating};
        let mut alive: Vec<(u64, GenerationState)> = Vec::new();
        alive.extend(self.candidate().map(|generation| (generation, Updating)));
        match &self.phase {
            Phase::Empty(_) => {}
            Phase::Settled(state) => alive.push((state.current, Current)),
            Phase::Committing(state) => {
                alive.push((state.next, Updating));
                alive.extend(state.current.map(|generation| (generation, Current)));
            }
            Phase::Switching(state) => {
                alive.push((state.switching, Switching));
                alive.extend(state.previous.map(|generation| (generation, Current)));
            }
            Phase::Releasing(state) => alive.extend([(state.current, Current), (state.releasing, Releasing)]),
        }
        alive
            .into_iter()
            .map(|(generation, state)| GenerationStatus { generation, state, readers: self.users(generation) })
            .collect()
    }

    /// The readers that are known, in order of their ids.
    pub fn readers(&self) -> Vec<ReaderStatus> {
        let now = self.clock.now();
        self.readers
            .iter()
            .map(|(reader, state)| ReaderStatus {
                reader: *reader,
                acknowledged: state.acknowledged,
                announced: state.announced.as_ref().map(|announced| announced.generation),
                excused: state.excused,
                holding: state.holdings.iter().map(|holding| holding.generation).collect(),
                pong_age: now.saturating_sub(state.ponged),
            })
            .collect()
    }

    /// Whether every reader there is answers from the generation.
    pub fn is_acknowledged_by_all(&self, generation: u64) -> bool {
        self.readers.values().all(|reader| reader.acknowledged == Some(generation))
    }

    /// The readers that use the generation by their own word.
    fn users(&self, generation: u64) -> Vec<ReaderId> {
        self.readers
            .iter()
            .filter(|(_, state)| {
                let is_announced = state.announced.as_ref().is_some_and(|announced| announced.generation == generation);
                state.holds(generation) && !is_announced
            })
            .map(|(reader, _)| *reader)
            .collect()
    }
}
