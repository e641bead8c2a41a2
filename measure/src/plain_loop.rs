//! Calls in a plain loop, as many programs would make them: the processor may overlap one with the next.

use crate::measurement::Measurement;
use crate::settings::Settings;
use crate::subject::Subject;
use crate::turns::{self, Turn};

/// Measures subjects in slices that take turns, each slice timed as a whole, without fences.
///
/// The percentiles of such a measurement are those of its slices: single calls are not timed.
pub fn plain_loop(subjects: &mut [Box<dyn Subject + '_>], settings: &Settings) -> Vec<Measurement> {
    turns::take(subjects, settings, |turn| slice(turn, settings))
}

/// One slice of one subject: as many calls as fill it by what the slices before took.
fn slice(turn: &mut Turn<'_, '_>, settings: &Settings) {
    let calls = (settings.slice.as_nanos() as f64 / turn.estimate.max(0.1)).max(1.0) as usize;
    let (_, time) = turns::run(turn.subject, turn.at, calls);
    let mean = time.as_nanos() as f64 / calls as f64;
    turn.advance(calls);
    // Half of what was thought before: a slice that was interrupted does not make the next one far too short.
    turn.estimate = (turn.estimate + mean) / 2.0;
    turn.measurement.record(mean);
    turn.measurement.end_slice(calls as u64, Some(mean), 0.0);
}
