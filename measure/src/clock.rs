//! The clock's own cost, which every timed call contains and which is taken off.

use std::hint::black_box;
use std::sync::atomic::{Ordering, fence};
use std::time::Instant;

use crate::subject::Subject;

/// How many empty calls are timed for one figure: some tens of microseconds.
const EMPTY_CALLS: usize = 512;

/// A subject that does nothing: what is timed of it is the clock and the call.
struct Nothing;

impl Subject for Nothing {
    fn name(&self) -> &str {
        "nothing"
    }

    fn call(&mut self, at: usize) -> u64 {
        at as u64
    }
}

/// What timing one call costs, in nanoseconds, of this moment: the mean of the middle half of many.
pub(crate) fn cost() -> f64 {
    let mut nothing: Box<dyn Subject> = black_box(Box::new(Nothing));
    let mut costs = [0; EMPTY_CALLS];
    let mut calls = Calls::new();
    for cost in &mut costs {
        *cost = calls.timed(&mut *nothing, 0).0;
    }
    costs.sort_unstable();
    let middle = &costs[EMPTY_CALLS / 4..EMPTY_CALLS * 3 / 4];
    middle.iter().sum::<u64>() as f64 / middle.len() as f64
}

/// Calls one after the other: none begins before the one before it has given its checksum and the clock was read.
pub(crate) struct Calls {
    /// Zero, which the compiler does not know.
    zero: u64,
    /// The checksum of the call before.
    checksum: u64,
    /// A moment before the first call.
    epoch: Instant,
}

impl Calls {
    /// Before the first call.
    pub(crate) fn new() -> Calls {
        Calls { zero: black_box(0), checksum: 0, epoch: Instant::now() }
    }

    /// Times one call; gives nanoseconds and when it ended.
    pub(crate) fn timed(&mut self, subject: &mut dyn Subject, at: usize) -> (u64, Instant) {
        // The fence keeps reads of a call from being moved before the one before it. It does not keep the processor from
        // beginning a call while it still works on the time read from the clock (16 ns were seen to vanish that way). So
        // the position depends on both, as far as compiler and processor can tell, and whatever needs it waits for them.
        fence(Ordering::SeqCst);
        let begin = Instant::now();
        let before = begin.duration_since(self.epoch).as_nanos() as u64 ^ self.checksum;
        let position = at.wrapping_add((before & self.zero) as usize);
        self.checksum = black_box(subject.call(position));
        let end = Instant::now();
        (end.duration_since(begin).as_nanos() as u64, end)
    }
}
