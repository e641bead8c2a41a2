//! Which UDP sockets need a sibling's help: one whose queue stands while its owner's progress counter does not move.
//!
//! The counter tells stalls, never death: death is told by the kernel, at once. Pure: time and observations come in.

use std::time::Duration;

/// How long a queue may stand before the siblings are told. With the supervisor's tick and their wake-up it stays
/// within 200 ms.
pub(crate) const STALL_AFTER: Duration = Duration::from_millis(120);

/// What is known of one auth process's query thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Watched {
    /// The counter when it was last seen to move.
    counter: u64,
    /// Since when the queue has stood with the counter unmoved.
    standing_since: Option<Duration>,
    /// Whether the siblings read its sockets.
    drained: bool,
}

/// What has to be told to the siblings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Read its sockets too.
    Drain,
    /// It reads its own again.
    Undrain,
}

impl Watched {
    /// A process that has shown nothing so far. Its siblings answer until it does.
    pub(crate) fn new(counter: u64) -> Self {
        Watched { counter, standing_since: None, drained: false }
    }

    /// Whether siblings read its sockets.
    pub(crate) fn is_drained(&self) -> bool {
        self.drained
    }

    /// It died.
    pub(crate) fn died(&mut self, counter: u64) -> Option<Change> {
        self.counter = counter;
        self.standing_since = None;
        let change = (!self.drained).then_some(Change::Drain);
        self.drained = true;
        change
    }

    /// What was seen at `now`: its counter, and whether packets stand in one of its queues.
    pub(crate) fn observe(&mut self, now: Duration, counter: u64, queued: bool) -> Option<Change> {
        if counter != self.counter {
            self.counter = counter;
            self.standing_since = None;
            let change = self.drained.then_some(Change::Undrain);
            self.drained = false;
            return change;
        }
        if !queued {
            self.standing_since = None;
            return None;
        }
        let since = *self.standing_since.get_or_insert(now);
        if self.drained || now.saturating_sub(since) < STALL_AFTER {
            return None;
        }
        self.drained = true;
        Some(Change::Drain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds.
    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_queue_that_stands_is_drained_and_a_counter_that_moves_ends_it() {
        let mut watched = Watched::new(7);
        assert_eq!(watched.observe(at(0), 7, true), None);
        assert_eq!(watched.observe(at(119), 7, true), None);
        assert_eq!(watched.observe(at(120), 7, true), Some(Change::Drain));
        assert_eq!(watched.observe(at(200), 7, true), None);
        assert_eq!(watched.observe(at(300), 8, true), Some(Change::Undrain));
    }

    #[test]
    fn an_idle_thread_is_left_alone() {
        let mut watched = Watched::new(7);
        for ms in (0..600_000).step_by(50) {
            assert_eq!(watched.observe(at(ms), 7, false), None);
        }
        // The time before the first packet does not count.
        assert_eq!(watched.observe(at(600_000), 7, true), None);
    }

    #[test]
    fn death_drains_at_once_and_the_successor_ends_it() {
        let mut watched = Watched::new(7);
        assert_eq!(watched.died(9), Some(Change::Drain));
        assert_eq!(watched.died(9), None);
        assert_eq!(watched.observe(at(50), 9, false), None);
        assert_eq!(watched.observe(at(100), 10, false), Some(Change::Undrain));
    }
}
