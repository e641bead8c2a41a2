//! Numbers from a seed (SplitMix64): good enough to spread names, and the same everywhere.

/// A source of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The numbers of a seed.
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The numbers of one thing of a seed's: what is drawn for it does not depend on what was drawn before.
    pub(crate) fn of(seed: u64, words: &[u64]) -> Random {
        let mut random = Random(seed);
        for word in words {
            random.0 = random.next() ^ word;
        }
        Random(random.next())
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below a limit.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }

    /// Whether something that happens this often does.
    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of some octets.
    pub(crate) fn one_of<'t>(&mut self, some: &[&'t [u8]]) -> &'t [u8] {
        some[self.below(some.len())]
    }

    /// Fills octets.
    pub(crate) fn fill(&mut self, octets: &mut [u8]) {
        for chunk in octets.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_be_bytes()[..chunk.len()]);
        }
    }
}
