//! How much is told of what anybody can cause: [`Telling`] bounds the lines of a log, and counts those left out.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many lines a second, and no more.
#[derive(Debug)]
pub(super) struct Telling {
    /// The second that is under way.
    second: Mutex<Second>,
}

/// A second.
#[derive(Debug)]
struct Second {
    /// When it began.
    began: Instant,
    /// Lines told in it.
    told: u32,
    /// Lines left out since one was told.
    left_out: u64,
}

impl Telling {
    /// Nothing was told yet.
    pub(super) fn new(now: Instant) -> Self {
        Self { second: Mutex::new(Second { began: now, told: 0, left_out: 0 }) }
    }

    /// Whether one more line may be told; if so, how many were left out before.
    pub(super) fn may_tell(&self, now: Instant) -> Option<u64> {
        // A panic while it was locked leaves a count that is off by one.
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(second.began) >= SECOND {
            second.began = now;
            second.told = 0;
        }
        if second.told >= LINES_MAX {
            second.left_out += 1;
            return None;
        }
        second.told += 1;
        Some(std::mem::take(&mut second.left_out))
    }
}

/// The time that lines are counted over.
const SECOND: Duration = Duration::from_secs(1);

/// Lines in that time: enough to see who is refused, too few to fill a disk.
const LINES_MAX: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted_and_told_with_the_next() {
        let began = Instant::now();
        let telling = Telling::new(began);
        for number in 0..100 {
            assert_eq!(telling.may_tell(began).is_some(), number < LINES_MAX, "{number}");
        }
        assert_eq!(telling.may_tell(began + SECOND), Some(100 - u64::from(LINES_MAX)));
        assert_eq!(telling.may_tell(began + SECOND), Some(0));
    }
}
