//! Calls in a plain loop, as many programs would make them: the processor may overlap one with the next.

use crate::measurement::Measurement;
use crate::settings::Settings;
use crate::subject::Subject;
use crate::turns::{self, Turn};

/// Measures subjects in slices that take turns, some hundred calls timed as a whole, without fences. Those that something else
/// interrupted do not count.
///
/// The percentiles of such a measurement are those of its slices: single calls are not timed.
pub fn plain_loop(subjects: &mut [Box<dyn Subject + '_>], settings: &Settings) -> Vec<Measurement> {
    turns::take(subjects, settings, |turn| slice(turn, settings))
}

/// One slice of one subject: as many calls as fill it by what the slices before took.
fn slice(turn: &mut Turn<'_, '_>, settings: &Settings) {
    let calls = (settings.slice.as_nanos() as f64 / turn.estimate.max(0.1)).max(1.0) as usize;
    let ran = turns::run(turn.subject, turn.at, calls, turn.estimate);
    turn.advance(calls);
    if ran.whole == 0 {
        // All of it was interrupted, or calls take longer than was thought.
        turn.estimate *= 2.0;
        return turn.measurement.end_slice(calls as u64, None, 0.0);
    }
    let mean = ran.nanoseconds as f64 / ran.whole as f64;
    // Half of what was thought before: a slice that was interrupted does not make the next one far too short.
    turn.estimate = (turn.estimate + mean) / 2.0;
    turn.measurement.record(mean);
    turn.measurement.end_slice(calls as u64, Some(mean), 0.0);
}
