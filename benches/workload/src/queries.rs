//! Names to ask for, and which: what is there, what is not, and what lies below a zone cut.

use zone_segment::NameRef;

use crate::apex::name;
use crate::random::Random;

/// Which names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QuerySet {
    /// Names with records: hosts; in a registry's zone the delegated names themselves.
    Hits,
    /// Names that do not exist: NXDOMAIN.
    Misses,
    /// Names below zone cuts, which only a registry's zone has; elsewhere there are none of them.
    BelowCuts,
}

/// What makes names of picks.
pub(crate) trait Askable {
    /// How many names there are to pick from.
    fn query_count(&self) -> usize;

    /// Appends a name with records.
    fn push_hit(&self, pick: usize, out: &mut Vec<u8>);

    /// Appends a name that does not exist, beside the picked one where that has a meaning.
    fn push_missing(&self, pick: usize, random: &mut Random, out: &mut Vec<u8>);

    /// Appends a name below a zone cut; nothing where there are no cuts.
    fn push_below_cut(&self, _pick: usize, _out: &mut Vec<u8>) {}
}

/// Names in lower case in wire form, all in one buffer.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// One name behind the other.
    octets: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Names {
    /// How many.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The wire form of a name.
    ///
    /// # Panics
    ///
    /// When there are not so many.
    pub fn wire(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.octets[start..self.ends[index]]
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = NameRef<'_>> {
        (0..self.len()).map(|index| name(self.wire(index)))
    }

    /// Adds what `push` appends, unless it is nothing.
    fn add(&mut self, push: impl FnOnce(&mut Vec<u8>)) {
        let start = self.octets.len();
        push(&mut self.octets);
        if self.octets.len() > start {
            self.ends.push(self.octets.len());
        }
    }
}

/// Makes names.
pub(crate) fn of(zone: &impl Askable, set: QuerySet, picks: impl IntoIterator<Item = usize>, seed: u64) -> Names {
    let mut random = Random::new(seed);
    let mut names = Names::default();
    for pick in picks {
        names.add(|out| match set {
            QuerySet::Hits => zone.push_hit(pick, out),
            QuerySet::Misses => zone.push_missing(pick, &mut random, out),
            QuerySet::BelowCuts => zone.push_below_cut(pick, out),
        });
    }
    names
}

/// Picks below a limit without end, each as likely, in an order of the seed's.
pub fn uniform(limit: usize, seed: u64) -> impl Iterator<Item = usize> {
    let mut random = Random::new(seed);
    std::iter::repeat_with(move || random.below(limit))
}
