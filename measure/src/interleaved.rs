//! One call at a time: each timed by itself, none overlapping the next.

use std::time::Instant;

use crate::clock::{self, Calls};
use crate::measurement::Measurement;
use crate::settings::Settings;
use crate::subject::Subject;
use crate::turns::{self, INTERRUPTION_NS_MIN, Turn};

/// Measures subjects in slices that take turns, each call timed by itself with a fence before it.
///
/// What the clock costs is measured before each slice and taken off each call. A call that something else interrupted counts
/// in the percentiles and not in the slice's mean: on a busy machine the mean would be the other program's.
pub fn interleaved(subjects: &mut [Box<dyn Subject + '_>], settings: &Settings) -> Vec<Measurement> {
    turns::take(subjects, settings, |turn| slice(turn, settings))
}

/// One slice of one subject.
fn slice(turn: &mut Turn<'_, '_>, settings: &Settings) {
    let clock = clock::cost();
    let mut calls = Calls::new();
    // What is slow by itself may take ten times as long as in the overlapping calls of the warm-up, and no more.
    let interrupted = INTERRUPTION_NS_MIN.saturating_add((turn.estimate * 10.0) as u64);
    let mut count = 0;
    let (mut whole, mut total) = (0_u64, 0_u64);
    let begin = Instant::now();
    loop {
        turn.subject.prepare(turn.at, turn.measurement.operations_per_call);
        let (elapsed, end) = calls.timed(turn.subject, turn.at);
        turn.measurement.record(elapsed as f64 - clock);
        turn.advance(1);
        count += 1;
        if elapsed < interrupted {
            whole += 1;
            total += elapsed;
        }
        if end.duration_since(begin) >= settings.slice {
            break;
        }
    }
    let mean = total as f64 / whole.max(1) as f64 - clock;
    turn.measurement.end_slice(count, (whole > 0).then_some(mean.max(0.0)), clock);
}
