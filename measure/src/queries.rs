//! What is asked, as indices of names: drawn from a seed, so that every run asks the same in the same order.

use crate::random::Random;

/// `count` indices below `names`, each as likely as any other.
pub fn uniform(seed: u64, names: u32, count: usize) -> Vec<u32> {
    let mut random = Random::new(seed);
    (0..count).map(|_| random.below(u64::from(names)) as u32).collect()
}

/// `count` indices below `names`, the one of rank r as likely as 1 / r to the power of `exponent`: few names are asked for
/// often and most seldom, as resolvers ask. Which name has which rank follows from the seed.
pub fn zipf(seed: u64, names: u32, count: usize, exponent: f64) -> Vec<u32> {
    let mut random = Random::new(seed);
    let mut of_rank: Vec<u32> = (0..names).collect();
    random.shuffle(&mut of_rank);
    let mut sum = 0.0;
    let up_to_rank: Vec<f64> = (1..=names)
        .map(|rank| {
            sum += f64::from(rank).powf(-exponent);
            sum
        })
        .collect();
    let draw = |_| {
        let part = random.fraction() * sum;
        let rank = up_to_rank.partition_point(|up_to| *up_to <= part);
        // Rounding may put the largest part behind the last rank.
        of_rank.get(rank).or(of_rank.last()).copied().unwrap_or(0)
    };
    (0..count).map(draw).collect()
}

/// The exponent that queries of resolvers are usually modelled with.
pub const ZIPF_EXPONENT: f64 = 1.0;
