//! Commands: what an operator's tool asks of memmgr, and what comes back.
//!
//! Each is a request to the group [`MEMMGR_GROUP`](super::MEMMGR_GROUP). The structures are what `--json` prints.

use serde::{Deserialize, Serialize};

/// A command to a running server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// The whole state; answered by [`Status`].
    Status {},
    /// Compares sources and publishes what changed; answered by [`Reloaded`] once that is visible everywhere.
    Reload {
        /// One zone's apex, or every zone. One that is named is served again if it had expired.
        zone: Option<String>,
    },
    /// A zone's data is too old to be answered from (RFC 1035, section 3.3.13): SERVFAIL until its source has other data, or a
    /// [`Reload`](Command::Reload) names the zone. For whoever keeps a zone's time; answered by [`Reloaded`] once that is visible
    /// everywhere.
    ExpireZone {
        /// The zone's apex.
        zone: String,
    },
    /// Stops the whole server; answered by [`Stopping`].
    Stop {},
    /// The generations alive and kept; answered by a list of [`GenerationStatus`].
    Generations {},
    /// The readers; answered by a list of [`ConsumerStatus`].
    Consumers {},
    /// The zones; answered by a list of [`ZoneStatus`].
    Zones {},
}

/// Why a command was not carried out; every reply is either its structure or this. It has nothing but the reason, by which
/// it is told from a structure that has a reason among other things.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandError {
    /// The reason, with a remedy where there is one.
    pub error: String,
}

/// The state of a zone as operators see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ZoneCondition {
    /// Served from its source as it stands.
    Serving,
    /// Served from older data, since its source can't be taken; `error` says why.
    Stale,
    /// Not served (SERVFAIL), since no data of it was ever good; `error` says why.
    Broken,
    /// Not served (SERVFAIL), since its data has expired; `error` says what is wrong with its source, if anything is.
    Expired,
}

/// One zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneStatus {
    /// Its apex in presentation format, with the final dot.
    pub name: String,
    /// The SOA's serial, when there is data.
    pub serial: Option<u32>,
    /// The number of resource records.
    pub records: u64,
    /// How it is served.
    pub state: ZoneCondition,
    /// What is wrong with its source: one line a fault, first the first.
    pub error: Option<String>,
    /// The group its data is in.
    pub group: u32,
    /// Where it comes from.
    pub source: String,
}

/// The life of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GenerationState {
    /// Being built, or built and waiting to be published.
    Updating,
    /// Published; not yet acknowledged by every reader.
    Switching,
    /// Acknowledged by every reader.
    Current,
    /// Followed by a newer one; some reader may still use it.
    Releasing,
    /// On disk for the operator, mapped by nobody.
    Kept,
}

/// One generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerationStatus {
    /// Its number.
    pub id: u64,
    /// Where it is in its life.
    pub state: GenerationState,
    /// Segments it names, the directory's included.
    pub layers: u64,
    /// Their lengths summed.
    pub bytes: u64,
    /// Readers that use it.
    pub readers: u64,
}

/// One reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerStatus {
    /// The part it plays: `auth`, `xfrout`, `reader`.
    pub role: String,
    /// Its process, as the kernel says.
    pub pid: i32,
    /// Its user, as the kernel says.
    pub uid: u32,
    /// The generation it acknowledged last.
    pub generation: Option<u64>,
    /// Its address on the bus.
    pub address: String,
    /// The supervisor's number for it, when it started it.
    pub slot: Option<u32>,
    /// Milliseconds since its last sign of life.
    pub last_seen_ms: u64,
    /// Why it did not take the newest generation, if it said so.
    pub error: Option<String>,
}

/// A reader that had to be killed, or dropped when it was not ours to kill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KillEvent {
    /// Its process.
    pub pid: i32,
    /// The part it played.
    pub role: String,
    /// The generation it held up.
    pub generation: Option<u64>,
    /// Which deadline passed.
    pub reason: String,
    /// How long it was waited for, in milliseconds.
    pub waited_ms: u64,
    /// When, in seconds since 1970.
    pub at_unix: u64,
}

/// The whole state of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// The newest published generation.
    pub generation: u64,
    /// memmgr's process.
    pub memmgr_pid: i32,
    /// The supervisor's process.
    pub supervisor_pid: i32,
    /// Seconds since memmgr started.
    pub uptime_seconds: u64,
    /// Addresses queries are answered at.
    pub listen: Vec<String>,
    /// What is wrong with the sources as a whole, such as an unreadable directory.
    pub error: Option<String>,
    /// Every zone, in canonical order.
    pub zones: Vec<ZoneStatus>,
    /// Every reader.
    pub consumers: Vec<ConsumerStatus>,
    /// Every generation.
    pub generations: Vec<GenerationStatus>,
    /// The last readers killed, newest last.
    pub kills: Vec<KillEvent>,
    /// Loads of zones under way.
    pub loads: Vec<LoadStatus>,
    /// Whether the zone directory is watched, so that changes are taken without a reload.
    pub watching: bool,
}

/// A load of zones under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadStatus {
    /// When it began, in seconds since 1970.
    pub since_unix: u64,
    /// For how long it has gone on, in milliseconds.
    pub elapsed_ms: u64,
    /// Zones read.
    pub zones_done: u64,
    /// Zones to read, those included; 0 while sources are compared.
    pub zones: u64,
    /// Octets of their files that were read.
    pub octets_done: u64,
    /// Octets of all their files.
    pub octets: u64,
    /// Records read.
    pub records: u64,
}

/// The reply to a reload, and to a zone's expiry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// The generation that holds what was found; the one before when nothing changed.
    pub generation: u64,
    /// Zones whose data changed, that came, went, expired, or are served again.
    pub changed: Vec<String>,
    /// Zones found unchanged.
    pub unchanged: u64,
    /// Zones whose source can't be taken, with the reason.
    pub failed: Vec<ZoneFailure>,
    /// Whether the zone directory is watched, so that a reload finds what was not taken anyway.
    pub watching: bool,
}

/// A zone whose source can't be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneFailure {
    /// Its apex.
    pub name: String,
    /// Why: `FILE:LINE:COLUMN: error: …` for a fault in a zone file.
    pub error: String,
}

/// The reply to a stop: the processes end after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopping {
    /// The supervisor, whose end is the server's.
    pub supervisor_pid: i32,
}
