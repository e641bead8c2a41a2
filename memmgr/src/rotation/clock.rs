//! The time that deadlines are measured in: the time during which memmgr itself was running.
//!
//! Not a source of time: every instant comes in with an event. [`Clock`] is the type to read first.

use std::time::Duration;

/// The longest time between two events that counts in full, or half of the shortest deadline if that is less. What is above it was
/// spent by memmgr asleep (stopped, swapped out, waiting for a disk, the machine suspended), with the readers' messages lying
/// unread, and is held against no reader. A caller that ticks more rarely has no deadlines.
pub const TICK_GAP_MAX: Duration = Duration::from_secs(2);

/// Turns the caller's monotonic time into the time that readers are judged by.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    /// The longest time between two events that counts in full.
    gap_max: Duration,
    /// The caller's time at the latest event; none before the first.
    seen: Option<Duration>,
    /// The time that counted so far.
    counted: Duration,
    /// A gap was over the limit, and no tick has come since.
    slept: bool,
}

impl Clock {
    /// A clock that stands at the beginning, for deadlines of which this is the shortest.
    pub(super) fn new(deadline_min: Duration) -> Self {
        Self { gap_max: TICK_GAP_MAX.min(deadline_min / 2), seen: None, counted: Duration::ZERO, slept: false }
    }

    /// Moves on to the caller's time. A time that runs backwards stands still.
    pub(super) fn advance(&mut self, at: Duration) {
        if let Some(seen) = self.seen {
            let gap = at.saturating_sub(seen);
            self.slept |= gap > self.gap_max;
            self.counted = self.counted.saturating_add(gap.min(self.gap_max));
        }
        self.seen = Some(self.seen.map_or(at, |seen| seen.max(at)));
    }

    /// Whether deadlines may be judged at this tick. Not at the first one after a sleep: what readers said meanwhile lies
    /// unread, and is read before the next.
    pub(super) fn take_judgement(&mut self) -> bool {
        !std::mem::take(&mut self.slept)
    }

    /// The time that counted so far.
    pub(super) fn now(&self) -> Duration {
        self.counted
    }
}
