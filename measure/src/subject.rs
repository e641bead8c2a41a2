//! What can be measured: work on prepared keys that gives a checksum.

/// The most operations that keys are prepared for at once: what they take stays in the processor's own caches.
pub const PREPARED_OPERATIONS_MAX: usize = 256;

/// One thing that is measured.
pub trait Subject {
    /// What it is called in tables and plots.
    fn name(&self) -> &str;

    /// How many operations one call does: 1, or the size of a batch. Figures are a single operation's.
    fn operations_per_call(&self) -> usize {
        1
    }

    /// Prepares the keys of so many operations from position `at` on, [`PREPARED_OPERATIONS_MAX`] at most. It is called before them
    /// and not timed: a server has the key of a query in its cache when it looks it up, it does not read it from a long list.
    fn prepare(&mut self, _at: usize, _operations: usize) {}

    /// Does its operations on its keys from position `at` on, which goes on beyond their number: take the remainder.
    ///
    /// The checksum must need every result. The position depends on the checksum of the call before, so a subject whose
    /// first read needs `at` can't begin before that call has ended.
    fn call(&mut self, at: usize) -> u64;

    /// Does `calls` calls in a row that may overlap; gives the sum of their checksums.
    fn run(&mut self, at: usize, calls: usize) -> u64 {
        let operations = self.operations_per_call();
        (0..calls).fold(0, |sum: u64, call| sum.wrapping_add(self.call(at.wrapping_add(call * operations))))
    }
}
