//! Whose turn it is: every subject once a round, in an order drawn for each round.

use std::hint::black_box;
use std::time::Instant;

use crate::measurement::Measurement;
use crate::random::Random;
use crate::settings::Settings;
use crate::subject::{PREPARED_OPERATIONS_MAX, Subject};

/// Calls whose checksums a measurement shows: as many in every run, however fast the machine is.
const CHECKED_CALLS: usize = 1024;

/// The least that an interruption takes: a time slice given to another program is longer, a few reads of memory are shorter.
pub(crate) const INTERRUPTION_NS_MIN: u64 = 50_000;

/// How much longer than they are thought to take some calls may take without having been interrupted.
const LONGER_MAX: f64 = 4.0;

/// How often the clock is looked at while warming up.
const WARM_UP_CALLS: usize = 64;

/// A subject and how far it is.
pub(crate) struct Turn<'s, 'a> {
    /// The subject.
    pub(crate) subject: &'s mut (dyn Subject + 'a),
    /// The position its next call starts from.
    pub(crate) at: usize,
    /// What was measured.
    pub(crate) measurement: Measurement,
    /// Nanoseconds of a call, as the warm-up found.
    pub(crate) estimate: f64,
}

impl<'s, 'a> Turn<'s, 'a> {
    /// Takes the checksum of a fixed number of calls, then warms up.
    fn start(subject: &'s mut (dyn Subject + 'a), settings: &Settings) -> Turn<'s, 'a> {
        let checksum = run(subject, 0, CHECKED_CALLS, f64::INFINITY).checksum;
        let measurement = Measurement::new(subject.name(), subject.operations_per_call(), checksum);
        let mut turn = Turn { subject, at: 0, measurement, estimate: 0.0 };
        let begin = Instant::now();
        let mut calls = 0;
        while calls == 0 || begin.elapsed() < settings.warm_up {
            run(turn.subject, turn.at, WARM_UP_CALLS, f64::INFINITY);
            turn.advance(WARM_UP_CALLS);
            calls += WARM_UP_CALLS;
        }
        turn.estimate = begin.elapsed().as_nanos() as f64 / calls as f64;
        turn
    }

    /// Moves on behind some calls.
    pub(crate) fn advance(&mut self, calls: usize) {
        self.at = self.at.wrapping_add(calls * self.measurement.operations_per_call);
    }
}

/// Calls in a row that were timed.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    /// The sum of the checksums of all calls.
    pub(crate) checksum: u64,
    /// How many calls nothing interrupted.
    pub(crate) whole: usize,
    /// The time of those, in nanoseconds.
    pub(crate) nanoseconds: u64,
}

/// Runs calls in a row, with their keys prepared some at a time and outside of the time. Some that take far longer than a call is
/// thought to take were interrupted, and do not count.
pub(crate) fn run(subject: &mut dyn Subject, at: usize, calls: usize, estimate: f64) -> Ran {
    let operations = subject.operations_per_call().max(1);
    let most = (PREPARED_OPERATIONS_MAX / operations).max(1);
    let mut ran = Ran::default();
    for first in (0..calls).step_by(most) {
        let some = most.min(calls - first);
        let at = at.wrapping_add(first * operations);
        subject.prepare(at, some * operations);
        let begin = Instant::now();
        ran.checksum = ran.checksum.wrapping_add(black_box(subject.run(at, some)));
        let nanoseconds = begin.elapsed().as_nanos() as u64;
        if nanoseconds < INTERRUPTION_NS_MIN.saturating_add((estimate * some as f64 * LONGER_MAX) as u64) {
            ran.whole += some;
            ran.nanoseconds += nanoseconds;
        }
    }
    ran
}

/// Lets `slice` work on each subject in turn until each has its share.
pub(crate) fn take(
    subjects: &mut [Box<dyn Subject + '_>],
    settings: &Settings,
    mut slice: impl FnMut(&mut Turn<'_, '_>),
) -> Vec<Measurement> {
    let mut turns: Vec<Turn<'_, '_>> =
        subjects.iter_mut().map(|subject| Turn::start(subject.as_mut(), settings)).collect();
    let mut order: Vec<usize> = (0..turns.len()).collect();
    let mut random = Random::new(settings.seed);
    for _ in 0..settings.slices() {
        random.shuffle(&mut order);
        order.iter().for_each(|turn| slice(&mut turns[*turn]));
    }
    turns.into_iter().map(|turn| turn.measurement).collect()
}
