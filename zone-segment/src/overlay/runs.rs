//! Which entries of a base do not count any more: runs of numbers, so that a search that meets one leaves a whole run behind in one step,
//! however many names were deleted one beside the other.

use super::ordered::Ordered;

/// Numbers that do not count.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs {
    /// The runs, ascending.
    runs: Ordered<Run>,
    /// How many numbers they have.
    count: u32,
}

/// Entries that follow each other, the first and the last; what lies between them and is no entry is not asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The first.
    pub(super) start: u32,
    /// The last.
    pub(super) end: u32,
}

impl Runs {
    /// How many numbers.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Octets that they take.
    pub(super) fn octets(&self) -> usize {
        self.runs.octets()
    }

    /// The run that an entry is in.
    #[inline]
    pub(super) fn run_of(&self, number: u32) -> Option<Run> {
        let place = self.runs.behind(|run| run.start <= number);
        self.runs.before(place).filter(|run| number <= run.end)
    }

    /// Adds an entry. `before` gives the entry before another one.
    pub(super) fn add(&mut self, number: u32, before: impl Fn(u32) -> Option<u32>) {
        let place = self.runs.behind(|run| run.start <= number);
        let (left, right) = (self.runs.before(place), self.runs.at(place));
        if left.is_some_and(|run| number <= run.end) {
            return;
        }
        self.count += 1;
        let left = left.filter(|run| before(number) == Some(run.end));
        let right = right.filter(|run| before(run.start) == Some(number));
        match (left, right) {
            (Some(left), Some(right)) => {
                self.runs.replace_before(place, Run { start: left.start, end: right.end });
                let behind = self.runs.behind(|run| run.start <= right.start);
                self.runs.remove_before(behind);
            }
            (Some(left), None) => self.runs.replace_before(place, Run { end: number, ..left }),
            (None, Some(right)) => {
                let behind = self.runs.behind(|run| run.start <= right.start);
                self.runs.replace_before(behind, Run { start: number, ..right });
            }
            (None, None) => self.runs.insert(place, Run { start: number, end: number }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn neighbours_are_one_run(numbers in prop::collection::vec(0u32..300, 0..600)) {
            // Every third number is an entry.
            let before = |number: u32| number.checked_sub(3);
            let (mut runs, mut model) = (Runs::default(), BTreeSet::new());
            for number in numbers.into_iter().map(|number| number / 3 * 3) {
                runs.add(number, before);
                model.insert(number);
                prop_assert_eq!(runs.count() as usize, model.len());
            }
            for number in (0..303).step_by(3) {
                let found = runs.run_of(number);
                prop_assert_eq!(found.is_some(), model.contains(&number));
                if let Some(run) = found {
                    prop_assert!((run.start..=run.end).step_by(3).all(|number| model.contains(&number)));
                    prop_assert!(run.start == 0 || !model.contains(&(run.start - 3)));
                    prop_assert!(!model.contains(&(run.end + 3)));
                }
            }
        }
    }
}
