//! Numbers from a seed (SplitMix64): the same everywhere, and cheap enough to stand in the middle of what is measured.

/// Numbers from a seed.
#[derive(Clone, Debug)]
pub struct Random {
    /// What the next number is mixed from.
    state: u64,
}

impl Random {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Random {
        Random { state: seed }
    }

    /// The next number.
    pub fn next_number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mix(self.state)
    }

    /// The next number below a limit; 0 when the limit is.
    pub fn below(&mut self, limit: u64) -> u64 {
        reduce(self.next_number(), limit)
    }

    /// The next number from 0 up to, not including, 1.
    pub fn fraction(&mut self) -> f64 {
        // The 53 bits that a double has.
        (self.next_number() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Puts a slice into random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

/// The number at a place of a sequence, without the ones before.
pub(crate) fn number_at(seed: u64, place: u64) -> u64 {
    mix(seed.wrapping_add(place.wrapping_mul(STEP)))
}

/// Spreads a number over a range by its upper bits: one multiplication, no division.
pub(crate) fn reduce(number: u64, limit: u64) -> u64 {
    ((u128::from(number) * u128::from(limit)) >> 64) as u64
}

/// Mixes the bits of a state.
fn mix(state: u64) -> u64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The step of the state: odd, so that it takes every value.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
