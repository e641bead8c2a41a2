//! How long to measure, and in slices of what length.

use std::time::Duration;

/// How long to measure, and in slices of what length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long a subject works before the next one's turn: short enough that all see the same machine, long enough that
    /// what the one before left in the caches does not count.
    pub slice: Duration,
    /// How long each subject works in all, a slice at least.
    pub total_per_subject: Duration,
    /// How long each subject works before anything is measured.
    pub warm_up: Duration,
    /// The order of the subjects in each round follows from it.
    pub seed: u64,
}

impl Settings {
    /// A few milliseconds in all: for tests that want the work done and not a figure.
    pub fn quick() -> Settings {
        Settings {
            slice: Duration::from_millis(1),
            total_per_subject: Duration::from_millis(3),
            warm_up: Duration::ZERO,
            seed: 1,
        }
    }

    /// How many slices a subject gets: the time for it, rounded up.
    pub(crate) fn slices(&self) -> usize {
        let slices = self.total_per_subject.as_nanos().div_ceil(self.slice.as_nanos().max(1));
        usize::try_from(slices).unwrap_or(usize::MAX).max(1)
    }
}

impl Default for Settings {
    /// A second for each subject, in slices of 10 ms.
    fn default() -> Settings {
        Settings {
            slice: Duration::from_millis(10),
            total_per_subject: Duration::from_secs(1),
            warm_up: Duration::from_millis(50),
            seed: 1,
        }
    }
}
