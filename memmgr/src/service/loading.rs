//! How far a load is: said to the supervisor, who says it to people and to the service manager, and to whoever asks for the status.

use std::time::{Duration, Instant, SystemTime};

use bus::protocol::control::LoadStatus;
use bus::protocol::supervisor::Record;

use super::Service;
use crate::progress::Reading;

/// The supervisor is told this often.
const TELL_EVERY: Duration = Duration::from_millis(250);

/// What the supervisor was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// When it was told last of the load under way.
    last: Option<Instant>,
}

impl Service {
    /// Tells the supervisor how far a load is, now and then.
    pub(super) fn tell_progress(&mut self) {
        let Some(running) = &self.updates.running else { return };
        let Reading { zones, zones_done, octets, octets_done, records } = running.progress.reading();
        let is_time = self.told.last.is_none_or(|last| last.elapsed() >= TELL_EVERY);
        if zones == 0 || !is_time {
            return;
        }
        self.told.last = Some(Instant::now());
        let elapsed_ms = milliseconds(running.began.elapsed());
        self.link.send(Record::Loading { zones_done, zones, octets_done, octets, records, elapsed_ms });
    }

    /// Tells the supervisor what is served, when that is another or a load that it was told of has ended.
    pub(super) fn tell_serving(&mut self) {
        self.told.last = None;
        let Some(state) = self.rotation.current().and_then(|current| self.states.get(&current)) else { return };
        let (zones, records) = state.zones.served();
        self.link.send(Record::Serving { generation: state.generation, zones, records });
    }

    /// Whether the supervisor was told of a load.
    pub(super) fn has_told(&self) -> bool {
        self.told.last.is_some()
    }

    /// Loads under way.
    pub(super) fn loads(&self) -> Vec<LoadStatus> {
        let one = |running: &super::updates::Running| {
            let Reading { zones, zones_done, octets, octets_done, records } = running.progress.reading();
            LoadStatus {
                since_unix: running.since.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()),
                elapsed_ms: milliseconds(running.began.elapsed()),
                zones_done,
                zones,
                octets_done,
                octets,
                records,
            }
        };
        self.updates.running.iter().map(one).collect()
    }
}

/// A time in milliseconds.
fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
