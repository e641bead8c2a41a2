//! Waiting for conditions, never for times.

use std::time::{Duration, Instant};

/// How long a condition that has no bound of its own may take; far above what it needs, so that only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until the condition gives a value.
///
/// # Panics
///
/// When it has not within half a minute; says what was waited for.
pub(crate) fn until<T>(what: &str, condition: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, what, condition)
}

/// Waits until the condition gives a value, at most this long.
///
/// # Panics
///
/// When it has not by then; says what was waited for.
pub(crate) fn within<T>(at_most: Duration, what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(began.elapsed() < at_most, "not within {at_most:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
