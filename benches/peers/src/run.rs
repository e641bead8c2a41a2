//! Subjects measured together, and the figures of a whole run.

use measure::{Measurement, PREPARED_OPERATIONS_MAX, Settings, Subject, interleaved, plain_loop};
use workload::Kind;

/// How calls are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Each by itself: none begins before the one before it has ended.
    Single,
    /// In a plain loop: the processor may overlap them.
    Loop,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// Two reads of memory: nothing is asked for.
    Memory,
    /// Names that are there.
    Hit,
    /// The same, few of them often (Zipf).
    Popular,
    /// Names below zone cuts.
    Referral,
    /// Names that are not there.
    Missing,
    /// Names that are not there, with the NSEC record before them.
    Denial,
}

impl Set {
    /// What it is called in tables.
    pub fn name(self) -> &'static str {
        match self {
            Set::Memory => "two dependent reads",
            Set::Hit => "hit",
            Set::Popular => "hit, Zipf",
            Set::Referral => "below a cut",
            Set::Missing => "missing",
            Set::Denial => "missing, with NSEC predecessor",
        }
    }
}

/// One measured figure.
#[derive(Debug)]
pub struct Figure {
    /// The kind of the zone.
    pub kind: Kind,
    /// Its names, as the kind counts them.
    pub names: usize,
    /// How calls were made.
    pub mode: Mode,
    /// What was asked for.
    pub set: Set,
    /// The figure.
    pub measured: Measurement,
}

/// Subjects to measure together, each with what it asks for.
pub type Group<'a> = Vec<(Set, Box<dyn Subject + 'a>)>;

/// All figures of a run.
#[derive(Debug, Default)]
pub struct Figures(pub Vec<Figure>);

impl Figures {
    /// Measures a group, after all of it was seen to find the same.
    pub fn measure(&mut self, kind: Kind, names: usize, mode: Mode, group: Group<'_>, settings: &Settings) {
        let (sets, mut subjects): (Vec<Set>, Vec<Box<dyn Subject + '_>>) = group.into_iter().unzip();
        assert_agreement(&sets, &mut subjects);
        let measured = match mode {
            Mode::Single => interleaved(&mut subjects, settings),
            Mode::Loop => plain_loop(&mut subjects, settings),
        };
        for (set, measured) in sets.into_iter().zip(measured) {
            println!(
                "{:>8} {:>9} {:<6} {:<30} {:<24} {:>9.1} ns  spread {:>4.1} %  checksum {:016x}",
                kind.name(),
                names,
                if mode == Mode::Single { "single" } else { "loop" },
                set.name(),
                measured.name,
                measured.mean(),
                measured.spread() * 100.0,
                measured.checksum
            );
            self.0.push(Figure { kind, names, mode, set, measured });
        }
    }

    /// The figure of a subject.
    pub fn find(&self, kind: Kind, names: usize, mode: Mode, set: Set, name: &str) -> Option<&Measurement> {
        let is_it = |figure: &&Figure| {
            (figure.kind, figure.names, figure.mode, figure.set) == (kind, names, mode, set)
                && figure.measured.name == name
        };
        self.0.iter().find(is_it).map(|figure| &figure.measured)
    }
}

/// Sees that all subjects that ask for the same find the same.
///
/// # Panics
///
/// When they don't: then they are not asked the same, or one is broken.
fn assert_agreement(sets: &[Set], subjects: &mut [Box<dyn Subject + '_>]) {
    let mut expected: Vec<(Set, String, u64)> = Vec::new();
    for (set, subject) in sets.iter().zip(subjects).filter(|(set, _)| **set != Set::Memory) {
        let calls = PREPARED_OPERATIONS_MAX / subject.operations_per_call();
        let sum = (0..CHECKED_ROUNDS).fold(0_u64, |sum, round| {
            let at = round * PREPARED_OPERATIONS_MAX;
            subject.prepare(at, PREPARED_OPERATIONS_MAX);
            sum.wrapping_add(subject.run(at, calls))
        });
        match expected.iter().find(|(other, ..)| other == set) {
            Some((_, first, found)) => {
                assert_eq!(sum, *found, "{set:?}: {} finds other data than {first}", subject.name());
            }
            None => expected.push((*set, subject.name().to_owned(), sum)),
        }
    }
}

/// Rounds of 256 lookups that have to agree.
const CHECKED_ROUNDS: usize = 64;
