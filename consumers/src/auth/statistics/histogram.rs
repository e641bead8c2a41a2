//! How often a length or a time was seen, in steps whose number is fixed.

use std::array;
use std::collections::BTreeMap;

use super::counter::{Counter, add_at};

/// Lengths of messages, in steps of 16 octets up to 4,096, as RSSAC002 has them.
#[derive(Debug)]
pub(super) struct Lengths([Counter; LENGTH_STEPS]);

impl Default for Lengths {
    fn default() -> Self {
        Self(array::from_fn(|_| Counter::default()))
    }
}

impl Lengths {
    /// Counts a message.
    #[inline]
    pub(super) fn note(&self, octets: usize) {
        add_at(&self.0, octets / LENGTH_STEP, 1);
    }

    /// The steps that were seen, by their least length.
    pub(super) fn gather(&self) -> BTreeMap<u32, u64> {
        seen(&self.0).map(|(step, count)| ((step * LENGTH_STEP) as u32, count)).collect()
    }
}

/// Times, in steps of an eighth of their beginning: from nanoseconds to a minute. What took longer is in the last.
#[derive(Debug)]
pub(super) struct Times([Counter; TIME_STEPS]);

impl Default for Times {
    fn default() -> Self {
        Self(array::from_fn(|_| Counter::default()))
    }
}

impl Times {
    /// Counts so many that took so long.
    #[inline]
    pub(super) fn note(&self, nanoseconds: u64, count: u64) {
        add_at(&self.0, time_step(nanoseconds), count);
    }

    /// The steps that were seen, by their longest time.
    pub(super) fn gather(&self) -> BTreeMap<u64, u64> {
        seen(&self.0).map(|(step, count)| (time_of_step(step), count)).collect()
    }
}

/// The step of a time: eight a power of two.
fn time_step(nanoseconds: u64) -> usize {
    let shift = nanoseconds.checked_ilog2().unwrap_or(0).saturating_sub(STEP_BITS);
    ((shift as usize) << STEP_BITS) + (nanoseconds >> shift) as usize
}

/// The longest time of a step.
fn time_of_step(step: usize) -> u64 {
    let shift = (step >> STEP_BITS).saturating_sub(1);
    let first = step - (shift << STEP_BITS);
    ((first as u64 + 1) << shift) - 1
}

/// The steps that were seen, and how often.
fn seen(table: &[Counter]) -> impl Iterator<Item = (usize, u64)> {
    table.iter().map(Counter::value).enumerate().filter(|(_, count)| *count > 0)
}

/// Octets of a step of lengths.
const LENGTH_STEP: usize = 16;

/// Steps of lengths, and one for what is longer.
const LENGTH_STEPS: usize = 4096 / LENGTH_STEP + 1;

/// A power of two has 2 to the power of this many steps of time.
const STEP_BITS: u32 = 3;

/// Steps of time: up to 2^36 ns, over a minute.
const TIME_STEPS: usize = (36 - STEP_BITS as usize + 1) << STEP_BITS;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_fall_into_steps_of_16() {
        let lengths = Lengths::default();
        for octets in [0, 15, 16, 31, 4095, 4096, 65_535] {
            lengths.note(octets);
        }
        assert_eq!(lengths.gather(), [(0, 2), (16, 2), (4080, 1), (4096, 2)].into());
    }

    #[test]
    fn steps_of_time_are_an_eighth_and_leave_no_gap() {
        for step in 0..TIME_STEPS {
            let longest = time_of_step(step);
            assert_eq!((time_step(longest), time_step(longest + 1)), (step, step + 1));
        }
        for nanoseconds in [1, 77, 1_000, 123_456, 9_999_999, 60_000_000_000] {
            let longest = time_of_step(time_step(nanoseconds));
            assert!(longest >= nanoseconds && longest <= nanoseconds + nanoseconds / 8, "{nanoseconds} {longest}");
        }
    }

    #[test]
    fn a_time_counts_for_as_many_as_took_it() {
        let times = Times::default();
        times.note(5, 32);
        times.note(u64::MAX, 1);
        assert_eq!(times.gather(), [(5, 32), ((1 << 36) - 1, 1)].into());
    }
}
