//! What the logs promise: what was synced is there, what is torn or damaged is found, and no octets of another life are taken for ours.

mod catch_up;
mod damage;
mod format;
mod journal;
mod log;
mod syncer;

use dns::change::{ChangeSet, ChangedRecord};
use dns::types::Rtype;
use tempfile::TempDir;
use zone_segment::Name;

use super::*;
use crate::manifest::{GroupEntry, LayerEntry, StateDir, ZoneEntry, ZoneState};

/// A state directory that is there.
fn directory() -> (TempDir, StateDir) {
    let temporary = TempDir::new().unwrap();
    let directory = StateDir::new(temporary.path());
    directory.create().unwrap();
    (temporary, directory)
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// A change of a zone from one serial to the next, which replaces an address.
fn set(apex: &str, from: u32, to: u32) -> ChangeSet {
    let record = |owner: &str, rtype, number: u32| ChangedRecord {
        owner: name(owner),
        rtype,
        ttl: 3600,
        rdata: number.to_be_bytes().into(),
    };
    let host = format!("Host{to}.{apex}");
    ChangeSet {
        apex: name(apex),
        from,
        to,
        removed: vec![record(apex, Rtype::SOA, from), record(&host, Rtype::A, from)],
        added: vec![record(apex, Rtype::SOA, to), record(&host, Rtype::A, to), record(&host, Rtype::A, !to)],
    }
}

fn layer(id: u64) -> LayerEntry {
    LayerEntry { id, file: format!("{id}.segment"), length: 4096 * id, content_hash: u128::from(id) << 90 }
}

fn zone(apex: &str, serial: u32) -> ZoneEntry {
    ZoneEntry {
        apex: name(apex),
        zone: 1,
        group: 1,
        state: ZoneState::Serving,
        serial: Some(serial),
        records: 3,
        source: std::path::Path::new("/zones/file").into(),
        stamps: Vec::new(),
        error: None,
    }
}

/// A generation that changed example.com from its own number as a serial to the next one, in a new layer of group 1.
fn record(generation: u64) -> CommitRecord {
    let serial = u32::try_from(generation).unwrap();
    CommitRecord {
        generation,
        at_unix: 1_700_000_000 + generation,
        changes: vec![set("example.com.", serial, serial + 1)],
        groups: vec![GroupEntry { id: 1, layers: vec![layer(generation), layer(1)] }],
        zones: vec![zone("example.com.", serial + 1)],
        next_layer: generation + 1,
        next_zone: 2,
        next_group: 3,
        served_zones: 1,
        served_records: generation,
        ..CommitRecord::default()
    }
}

/// A log with records of these generations.
fn log_of(directory: &StateDir, number: u64, after: u64, generations: impl IntoIterator<Item = u64>) -> CommitLog {
    let mut log = CommitLog::create(directory, number, after).unwrap();
    for generation in generations {
        log.append(&record(generation)).unwrap();
    }
    log.sync().sync().unwrap();
    log
}

/// The generations of what was replayed.
fn generations(replayed: &Replayed) -> Vec<u64> {
    replayed.records.iter().map(|(_, record)| record.generation).collect()
}
