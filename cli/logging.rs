//! Logs: one event a line, a fixed name and fields, on standard error.

use tracing_subscriber::EnvFilter;

/// The variable that sets the level, as `TRINE_LOG=debug` or by module.
const LEVEL_VARIABLE: &str = "TRINE_LOG";

/// The level when nothing is said.
const LEVEL_DEFAULT: &str = "info";

/// Starts logging.
pub(crate) fn start() {
    let filter = EnvFilter::try_from_env(LEVEL_VARIABLE).unwrap_or_else(|_| EnvFilter::new(LEVEL_DEFAULT));
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(is_terminal).init();
}
