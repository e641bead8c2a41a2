//! A client that comes back: [`Session`] makes one connection after another, with a growing wait between failures.
//!
//! Each connection is new in all respects. Addresses, subscriptions and requests of the one before mean nothing in it, so a
//! session hands out a fresh [`Client`] and keeps nothing of the old one.

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::client::{Client, ConnectError, Incoming};

/// The wait after the first failure.
const WAIT_MIN: Duration = Duration::from_millis(10);
/// The longest wait, and how long a connection has to last so that the next failure counts as a first one.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Where to connect, under which name, and how it went so far.
#[derive(Debug)]
pub struct Session {
    /// The socket file.
    path: PathBuf,
    /// What the client calls itself.
    name: String,
    /// The next wait, `None` if there is no reason to wait.
    wait: Option<Duration>,
    /// When the last connection was made.
    connected: Option<Instant>,
}

impl Session {
    /// A session that has not connected.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, name: impl Into<String>) -> Self {
        Self { path: path.into(), name: name.into(), wait: None, connected: None }
    }

    /// Connects, trying until it works. Call it again when [`Incoming`] has ended; subscribe again then.
    ///
    /// The waits start at 10 ms, double up to 1 s, and vary by chance, so that many clients of a broker that comes back do not
    /// all come at once. A connection that lasted less than a second counts as a failure.
    pub async fn connect(&mut self) -> (Client, Incoming) {
        loop {
            match self.try_connect().await {
                Ok(connected) => return connected,
                Err(ConnectError::Refused { reason }) => {
                    tracing::warn!(path = %self.path.display(), reason, "bus-connect-refused");
                }
                Err(error) => {
                    let wait_ms = self.wait.unwrap_or_default().as_millis() as u64;
                    tracing::debug!(path = %self.path.display(), %error, wait_ms, "bus-connect-failed");
                }
            }
        }
    }

    /// Connects once, after the wait that is due.
    pub async fn try_connect(&mut self) -> Result<(Client, Incoming), ConnectError> {
        self.wait = next_wait(self.wait, self.connected.take().map(|connected| connected.elapsed()));
        if let Some(wait) = self.wait {
            tokio::time::sleep(vary(wait, RandomState::new().hash_one(&self.name))).await;
        }
        let result = Client::connect(&self.path, &self.name).await;
        match &result {
            Ok(_) => self.connected = Some(Instant::now()),
            Err(_) => self.wait = Some(self.wait.unwrap_or_default()),
        }
        result
    }
}

/// The wait before the next try, from the one before and how long the connection lasted that it led to, if it did.
///
/// `None` as the wait before says that nothing has been tried, or that what was tried has lasted.
fn next_wait(before: Option<Duration>, lasted: Option<Duration>) -> Option<Duration> {
    match (before, lasted) {
        (_, Some(lasted)) if lasted >= WAIT_MAX => Some(WAIT_MIN),
        (None, None) => None,
        (None, Some(_)) => Some(WAIT_MIN),
        (Some(before), _) => Some((before * 2).clamp(WAIT_MIN, WAIT_MAX)),
    }
}

/// A wait between half of `wait` and all of it, as `chance` says.
fn vary(wait: Duration, chance: u64) -> Duration {
    let half = wait / 2;
    half + half.mul_f64(chance as f64 / u64::MAX as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_second() {
        let mut wait = None;
        let mut waits = Vec::new();
        for _ in 0..9 {
            wait = next_wait(Some(wait.unwrap_or_default()), None);
            waits.extend(wait);
        }
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 1000, 1000].map(Duration::from_millis));
    }

    #[test]
    fn only_a_connection_that_lasted_starts_over() {
        let second = Duration::from_secs(1);
        assert_eq!(next_wait(None, None), None);
        assert_eq!(next_wait(Some(second), Some(second)), Some(WAIT_MIN));
        assert_eq!(next_wait(Some(second), Some(second / 2)), Some(second));
        assert_eq!(next_wait(None, Some(second / 2)), Some(WAIT_MIN));
    }

    #[test]
    fn waits_vary_by_half() {
        assert_eq!(vary(WAIT_MAX, 0), WAIT_MAX / 2);
        assert_eq!(vary(WAIT_MAX, u64::MAX), WAIT_MAX);
    }
}
