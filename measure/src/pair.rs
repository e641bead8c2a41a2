//! The yardstick: two dependent reads at random cache lines, the least that a lookup in a hash table of records costs.

use crate::random::{number_at, reduce};
use crate::subject::Subject;

/// Octets of a cache line.
const LINE_OCTETS: usize = 64;

/// Two reads at random cache lines of some octets, where the second one's place depends on what the first one read.
///
/// The places come from a sequence that is computed on the way and touches no memory of its own. They depend on the
/// position as well, so that calls can't overlap where the caller makes the position depend on the call before.
#[derive(Debug)]
pub struct Pair<'a> {
    /// What it is called.
    name: String,
    /// What is read.
    octets: &'a [u8],
    /// How many whole cache lines there are.
    lines: u64,
    /// The places' seed.
    seed: u64,
}

impl<'a> Pair<'a> {
    /// Reads of these octets: a whole mapped file, whose octets begin at a cache line.
    pub fn new(name: impl Into<String>, octets: &'a [u8], seed: u64) -> Pair<'a> {
        Pair { name: name.into(), octets, lines: (octets.len() / LINE_OCTETS) as u64, seed }
    }

    /// The first eight octets of a line.
    fn line(&self, line: u64) -> u64 {
        let start = line as usize * LINE_OCTETS;
        let word = self.octets.get(start..).and_then(|rest| rest.first_chunk::<8>());
        word.map_or(0, |octets| u64::from_le_bytes(*octets))
    }
}

impl Subject for Pair<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn call(&mut self, at: usize) -> u64 {
        let place = (at as u64).wrapping_mul(2);
        let first = self.line(reduce(number_at(self.seed, place), self.lines));
        // A random number with anything added by exclusive or is as random: the file's contents don't steer the reads.
        let second = self.line(reduce(number_at(self.seed, place.wrapping_add(1)) ^ first, self.lines));
        first.wrapping_add(second)
    }
}
