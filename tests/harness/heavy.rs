//! One heavy test at a time, and bounds that a machine under load can hold.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Taken by tests that use the whole machine, so that they do not disturb one another. Light tests do not wait for it.
pub(crate) fn heavy() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    // A test that failed while it held the lock leaves nothing behind that the next one could trip over.
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether bounds are asserted as they are promised: of optimised builds they are; of others figures are printed.
pub(crate) const IS_STRICT: bool = !cfg!(debug_assertions);

/// Prints how long something took, and asserts the promised bound in a strict build. A debug build gets five times as long,
/// so that a hang is found there too.
///
/// # Panics
///
/// When it took longer.
pub(crate) fn assert_within(promised: Duration, took: Duration, what: &str) {
    println!("{what}: {} ms of {} ms", took.as_millis(), promised.as_millis());
    let bound = if IS_STRICT { promised } else { promised * 5 };
    assert!(took <= bound, "{what}: took {took:?}, promised are {promised:?}");
}

/// A number from the environment, such as `TRINE_LOAD_QPS`, or its default.
///
/// # Panics
///
/// When the variable is set to something else.
pub(crate) fn setting(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| {
        text.parse().unwrap_or_else(|_| panic!("{variable}: expected a whole number, found {text:?}"))
    })
}
