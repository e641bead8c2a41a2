//! Limits of the TCP side of a process.

use std::time::Duration;

use config::process::TcpOptions;

/// Limits of the TCP side of one process.
#[derive(Clone, Copy, Debug)]
pub struct TcpLimits {
    /// Connections at a time; one more, and the one that has been idle longest goes.
    pub connections_max: usize,
    /// Connections at a time of one address; one more, and its own that has been idle longest goes.
    pub connections_per_client_max: usize,
    /// How long a connection may take to bring its next query whole.
    pub idle_timeout: Duration,
    /// How long a client may take to read what is written at once.
    pub write_timeout: Duration,
    /// Queries of one connection that are answered before others have their turn.
    pub pipelined_max: usize,
}

impl Default for TcpLimits {
    fn default() -> Self {
        Self::from(TcpOptions::default())
    }
}

impl From<TcpOptions> for TcpLimits {
    fn from(options: TcpOptions) -> Self {
        let count = |option: u32| usize::try_from(option).unwrap_or(usize::MAX).max(1);
        Self {
            connections_max: count(options.connections_max),
            connections_per_client_max: count(options.connections_per_client_max),
            idle_timeout: Duration::from_millis(options.idle_timeout_ms),
            write_timeout: Duration::from_millis(options.write_timeout_ms),
            pipelined_max: count(options.pipelined_max),
        }
    }
}
