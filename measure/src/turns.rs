//! Whose turn it is: every subject once a round, in an order drawn for each round.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::measurement::Measurement;
use crate::random::Random;
use crate::settings::Settings;
use crate::subject::{PREPARED_OPERATIONS_MAX, Subject};

/// Calls whose checksums a measurement shows: as many in every run, however fast the machine is.
const CHECKED_CALLS: usize = 1024;

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
        let (checksum, _) = run(subject, 0, CHECKED_CALLS);
        let measurement = Measurement::new(subject.name(), subject.operations_per_call(), checksum);
        let mut turn = Turn { subject, at: 0, measurement, estimate: 0.0 };
        let begin = Instant::now();
        let mut calls = 0;
        while calls == 0 || begin.elapsed() < settings.warm_up {
            black_box(run(turn.subject, turn.at, WARM_UP_CALLS));
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

/// Runs calls in a row, with their keys prepared some at a time. Gives the sum of their checksums, and the time without that for
/// the keys.
pub(crate) fn run(subject: &mut dyn Subject, at: usize, calls: usize) -> (u64, Duration) {
    let operations = subject.operations_per_call().max(1);
    let most = (PREPARED_OPERATIONS_MAX / operations).max(1);
    let (mut sum, mut time) = (0_u64, Duration::ZERO);
    for first in (0..calls).step_by(most) {
        let some = most.min(calls - first);
        let at = at.wrapping_add(first * operations);
        subject.prepare(at, some * operations);
        let begin = Instant::now();
        sum = sum.wrapping_add(black_box(subject.run(at, some)));
        time += begin.elapsed();
    }
    (sum, time)
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
