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
        /// Whether the one that is named is to be as its file has it, even where it was changed since in another way.
        #[serde(default)]
        force: bool,
    },
    /// A zone's data is too old to be answered from (RFC 1035, section 3.3.13): SERVFAIL until its source has other data, or a
    /// [`Reload`](Command::Reload) names the zone. For whoever keeps a zone's time; answered by [`Reloaded`] once that is visible
    /// everywhere.
    ExpireZone {
        /// The zone's apex.
        zone: String,
    },
    /// Asks the primaries of a secondary zone for what is new; answered by [`Refreshed`] once that is visible everywhere.
    RefreshZone {
        /// The zone's apex.
        zone: String,
        /// Whether all of it is taken anew, whatever serial the primaries have.
        whole: bool,
    },
    /// Stops the whole server; answered by [`Stopping`].
    Stop {},
    /// The generations alive and kept; answered by a list of [`GenerationStatus`].
    Generations {},
    /// The readers; answered by a list of [`ConsumerStatus`].
    Consumers {},
    /// The zones; answered by a list of [`ZoneStatus`].
    Zones {},
    /// Changes records of a zone, all that is asked for or nothing; answered by [`Updated`].
    UpdateZone {
        /// The zone's apex.
        zone: String,
        /// What is to be changed: the text of a change file (`docs/change-files.md`).
        changes: String,
        /// The name of that file in messages.
        name: String,
        /// How the serial is raised where the changes bring no SOA record.
        serial: SerialRule,
        /// What is waited for before the answer.
        wait: Reached,
    },
    /// Waits until a generation has come so far; answered by [`GenerationReached`].
    WaitGeneration {
        /// Its number, or the newest that there is.
        generation: Option<u64>,
        /// How far.
        until: Reached,
    },
    /// What changed from one generation to another; answered by a list of [`ZoneDifference`], oldest first.
    DiffGenerations {
        /// The older generation: its changes are not among them.
        from: u64,
        /// The newer one: its changes are.
        to: u64,
        /// One zone's apex, or every zone.
        zone: Option<String>,
    },
    /// The members of catalog zones, for whoever gives them away; answered by [`Members`].
    Members {
        /// The version that whoever asks knows; 0 for none.
        known: u64,
    },
    /// What changed in a zone from one serial to another, for whoever sends it on; answered by [`Changes`].
    Changes {
        /// The zone's apex.
        zone: String,
        /// The serial that whoever asks has.
        from: u32,
        /// The zone's serial in the generation.
        to: u32,
        /// The generation: nothing newer is looked at.
        generation: u64,
    },
    /// Serves the data of an older generation that is kept, as a new generation; answered by [`RolledBack`] once that is visible everywhere.
    Rollback {
        /// The generation whose data is to be served.
        generation: u64,
        /// The zones, by their apexes; none for all that differ.
        zones: Vec<String>,
        /// Whether zones get their old serials back too, in place of higher ones. Their secondaries have to be told by hand.
        keep_serial: bool,
    },
    /// Keeps a generation on disk until it is unpinned; answered by its [`GenerationStatus`].
    Pin {
        /// Its number.
        generation: u64,
    },
    /// Lets a pinned generation go once nothing else keeps it; answered by its [`GenerationStatus`] as it is then, or was.
    Unpin {
        /// Its number.
        generation: u64,
    },
}

/// How far a generation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reached {
    /// It is complete, and not published yet.
    Built,
    /// Every process answers from it, or from a newer one.
    Visible,
    /// The same, and a power cut does not take it back.
    Durable,
}

/// How a serial is raised; always forward (RFC 1982).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SerialRule {
    /// By one; 0 is left out.
    Increment,
    /// To YYYYMMDD00, or by one where that is no way forward.
    Date,
    /// To the seconds since 1970, or by one where that is no way forward.
    UnixTime,
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
    /// Where it comes from: a file, or `transfer`.
    pub source: String,
    /// What is known of its primaries, where it comes from such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TransferStatus>,
    /// The catalog zone that it is a member of, where it comes from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<String>,
}

/// What is known of the primaries of a secondary zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferStatus {
    /// Their addresses, in the order in which they are asked.
    pub primaries: Vec<String>,
    /// When the data was last known to be good, in seconds since 1970.
    pub refreshed_unix: Option<u64>,
    /// When it expires, the same way, unless it is known to be good once more.
    pub expires_unix: Option<u64>,
    /// When the primaries are asked next, the same way; none while they are.
    pub next_refresh_unix: Option<u64>,
}

/// A secondary zone that is as new as its primary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refreshed {
    /// The zone.
    pub zone: String,
    /// Its serial.
    pub serial: u32,
    /// The generation that has it.
    pub generation: u64,
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
    /// Octets that each reader keeps in its own memory about changes above bases, beside the segments.
    pub private_bytes: u64,
    /// Whether an operator keeps it.
    pub pinned: bool,
    /// Whether a power cut leaves it as it is.
    pub durable: bool,
    /// When it was made, in seconds since 1970, where that is known.
    pub at_unix: Option<u64>,
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
    /// Its leases.
    pub leases: u64,
    /// Octets of the layers that only its leases keep: no generation alive has them.
    pub leased_bytes: u64,
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
    /// Notifications of changes that were refused, since they came from nobody that may send them.
    #[serde(default)]
    pub notifications_refused: u64,
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

/// The reply to an update of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Updated {
    /// The zone's apex.
    pub zone: String,
    /// The generation that holds the change; the newest one where nothing changed.
    pub generation: u64,
    /// The serial before.
    pub from: u32,
    /// The serial from then on; the same where nothing changed.
    pub to: u32,
    /// Records that came, the SOA record not counted.
    pub added: u64,
    /// Records that went, the SOA record not counted.
    pub removed: u64,
    /// How far that generation has come.
    pub state: Reached,
    /// What is to be told of the changes though they were made, each as a line.
    pub warnings: Vec<String>,
}

/// The reply to who waits for a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerationReached {
    /// Its number.
    pub generation: u64,
    /// How far it has come.
    pub state: Reached,
}

/// One difference between two versions of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneDifference {
    /// The zone's apex.
    pub zone: String,
    /// The generation that came with it.
    pub generation: u64,
    /// The serial before.
    pub from: u32,
    /// The serial after.
    pub to: u32,
    /// Records that went, each as a line of a zone file, the SOA record first.
    pub removed: Vec<String>,
    /// Records that came, the same.
    pub added: Vec<String>,
}

/// The reply to who asks what changed in a zone from one serial to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// How many change sets.
    pub sets: u64,
    /// Octets of the sealed memfd that comes with it: the records as `dns::change_list` has them. None, and no memfd, where not all of it is in
    /// the journal, or it is more than the zone: then the zone itself is to be sent.
    pub octets: Option<u64>,
}

/// The reply to who asks for the members of catalog zones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    /// Which version of them this is. It differs whenever they do.
    pub version: u64,
    /// All of them; none where whoever asked knows this version.
    pub members: Option<Vec<Member>>,
}

/// A member of a catalog zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its apex.
    pub zone: String,
    /// The template by which it is served.
    pub template: String,
}

/// The reply to a rollback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolledBack {
    /// The generation that holds the older data; the newest one where nothing differed.
    pub generation: u64,
    /// The generation whose data it is.
    pub data_of: u64,
    /// The zones that changed by it.
    pub zones: Vec<ZoneRolledBack>,
}

/// A zone that has older data again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneRolledBack {
    /// Its apex.
    pub name: String,
    /// The serial before.
    pub from: u32,
    /// The serial from then on.
    pub to: u32,
    /// Records that came back, the SOA record not counted.
    pub added: u64,
    /// Records that went, the SOA record not counted.
    pub removed: u64,
    /// Whether its secondaries have to be made to transfer it anew, since its serial went back.
    pub retransfer: bool,
}

/// The reply to a stop: the processes end after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopping {
    /// The supervisor, whose end is the server's.
    pub supervisor_pid: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_as_the_documentation_has_them() {
        let update = Command::UpdateZone {
            zone: "example.".to_owned(),
            changes: "delete a\n".to_owned(),
            name: "c".to_owned(),
            serial: SerialRule::UnixTime,
            wait: Reached::Built,
        };
        let texts = [
            (
                update,
                r#"{"command":"update-zone","zone":"example.","changes":"delete a\n","name":"c","serial":"unixtime","wait":"built"}"#,
            ),
            (
                Command::WaitGeneration { generation: None, until: Reached::Durable },
                r#"{"command":"wait-generation","generation":null,"until":"durable"}"#,
            ),
            (
                Command::DiffGenerations { from: 1, to: 2, zone: None },
                r#"{"command":"diff-generations","from":1,"to":2,"zone":null}"#,
            ),
            (
                Command::Rollback { generation: 1, zones: Vec::new(), keep_serial: false },
                r#"{"command":"rollback","generation":1,"zones":[],"keep_serial":false}"#,
            ),
            (Command::Pin { generation: 1 }, r#"{"command":"pin","generation":1}"#),
            (Command::Unpin { generation: 1 }, r#"{"command":"unpin","generation":1}"#),
        ];
        for (command, text) in texts {
            assert_eq!(serde_json::to_string(&command).unwrap(), text);
            assert_eq!(serde_json::from_str::<Command>(text).unwrap(), command);
        }
        assert!(Reached::Built < Reached::Visible && Reached::Visible < Reached::Durable);
    }
}
