//! Named fault points: places at which a test makes a process stall, fail or die.
//!
//! They exist in debug builds and with the feature `fault-points`; elsewhere [`hit`] is empty. A point is armed by a
//! file of its name in the directory named by `TRINE_FAULTS`; the file's content is the action. The file is removed
//! as the point is hit, so each arming acts once, whichever process comes by first.
//!
//! | content | action |
//! |---|---|
//! | `kill` | the process ends at once, as by SIGKILL |
//! | `loop` | the thread spins for ever |
//! | `stall MILLISECONDS` | the thread sleeps that long |

/// The variable that names the directory in which points are armed.
pub const DIRECTORY_VARIABLE: &str = "TRINE_FAULTS";

/// Passes a fault point.
#[cfg(any(debug_assertions, feature = "fault-points"))]
pub fn hit(point: &'static str) {
    armed::hit(point);
}

/// Passes a fault point; this build has none.
#[cfg(not(any(debug_assertions, feature = "fault-points")))]
#[inline(always)]
pub fn hit(_point: &'static str) {}

/// Whether this build has fault points.
pub const fn compiled_in() -> bool {
    cfg!(any(debug_assertions, feature = "fault-points"))
}

/// The builds that have fault points.
#[cfg(any(debug_assertions, feature = "fault-points"))]
mod armed {
    use std::path::PathBuf;
    use std::sync::OnceLock;
    use std::time::Duration;

    /// The directory to look in, read once: unset in every run but a test's.
    static DIRECTORY: OnceLock<Option<PathBuf>> = OnceLock::new();

    /// Acts if the point is armed.
    pub(super) fn hit(point: &'static str) {
        let directory = DIRECTORY.get_or_init(|| std::env::var_os(super::DIRECTORY_VARIABLE).map(PathBuf::from));
        let Some(directory) = directory else { return };
        let file = directory.join(point);
        let Ok(action) = std::fs::read_to_string(&file) else { return };
        if std::fs::remove_file(&file).is_ok() {
            act(point, action.trim());
        }
    }

    /// Carries an action out.
    fn act(point: &str, action: &str) {
        match action.split_once(' ').unwrap_or((action, "")) {
            ("kill", _) => std::process::abort(),
            ("loop", _) => loop {
                std::hint::spin_loop();
            },
            ("stall", ms) => std::thread::sleep(Duration::from_millis(ms.parse().unwrap_or(0))),
            (other, _) => panic!("fault point {point}: unknown action {other:?}; expected kill, loop or stall"),
        }
    }
}
