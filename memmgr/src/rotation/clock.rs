//! The time that deadlines are measured in: the time during which memmgr itself was running.
//!
//! Not a source of time: every instant comes in with an event. [`Clock`] is the type to read first.

use std::time::Duration;

/// The longest time between two events that counts in full. What is above it was spent by memmgr asleep (stopped, swapped
/// out, the machine suspended), with the readers' messages lying unread, and is held against no reader.
pub const TICK_GAP_MAX: Duration = Duration::from_secs(2);

/// Turns the caller's monotonic time into the time that readers are judged by.
#[derive(Debug, Clone, Default)]
pub(super) struct Clock {
    /// The caller's time at the latest event; none before the first.
    seen: Option<Duration>,
    /// The time that counted so far.
    counted: Duration,
}

impl Clock {
    /// Moves on to the caller's time. A time that runs backwards stands still.
    pub(super) fn advance(&mut self, at: Duration) {
        if let Some(seen) = self.seen {
            self.counted = self.counted.saturating_add(at.saturating_sub(seen).min(TICK_GAP_MAX));
        }
        self.seen = Some(self.seen.map_or(at, |seen| seen.max(at)));
    }

    /// The time that counted so far.
    pub(super) fn now(&self) -> Duration {
        self.counted
    }
}
