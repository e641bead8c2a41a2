//! How far a load is: counters that the threads of a build move and the service reads.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use dns::text::zonefile;

/// The counters of one build. Each is for itself: they say nothing of other memory, and a reader may see one before another.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Zones to read.
    zones: AtomicU64,
    /// Of those, read.
    zones_done: AtomicU64,
    /// Octets of their files.
    octets: AtomicU64,
    /// What readers of text have read of them.
    text: zonefile::Progress,
}

/// What the counters say at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Zones to read.
    pub(crate) zones: u64,
    /// Of those, read.
    pub(crate) zones_done: u64,
    /// Octets of their files.
    pub(crate) octets: u64,
    /// Of those, read.
    pub(crate) octets_done: u64,
    /// Records read.
    pub(crate) records: u64,
}

impl Progress {
    /// There is more to read.
    pub(crate) fn expect(&self, zones: u64, octets: u64) {
        self.zones.fetch_add(zones, Relaxed);
        self.octets.fetch_add(octets, Relaxed);
    }

    /// A zone was read, or could not be.
    pub(crate) fn zone_done(&self) {
        self.zones_done.fetch_add(1, Relaxed);
    }

    /// Octets were read by other means than [`text`](Self::text).
    pub(crate) fn octets_done(&self, octets: u64) {
        self.text.octets.fetch_add(octets, Relaxed);
    }

    /// Where readers of text say how far they are.
    pub(crate) fn text(&self) -> &zonefile::Progress {
        &self.text
    }

    /// Where it stands.
    pub(crate) fn reading(&self) -> Reading {
        Reading {
            zones: self.zones.load(Relaxed),
            zones_done: self.zones_done.load(Relaxed),
            octets: self.octets.load(Relaxed),
            octets_done: self.text.octets.load(Relaxed),
            records: self.text.records.load(Relaxed),
        }
    }
}
