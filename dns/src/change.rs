//! A change of one zone, as it is gathered, logged, transferred and built: the one form that zone files, operators' edits, transfers and
//! dynamic updates are brought into.
//!
//! [`ChangeSet`] is what changed, record by record; [`ZoneChange`] has beside it what each owner concerned owns from then on, which is what
//! a delta is built of.

use std::collections::BTreeMap;

use zone_segment::{Name, OwnedRecord};

use crate::types::Rtype;

/// A record that came or went; its class is IN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedRecord {
    /// The owner, in the case it is stored in.
    pub owner: Name,
    /// The type.
    pub rtype: Rtype,
    /// The TTL in seconds.
    pub ttl: u32,
    /// The RDATA: uncompressed wire form.
    pub rdata: Box<[u8]>,
}

/// One difference between two versions of a zone (RFC 1995, section 4): the old SOA record and what went with it, the new SOA record and what
/// came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSet {
    /// The zone.
    pub apex: Name,
    /// The serial before.
    pub from: u32,
    /// The serial after. The same as before only where a source changed data under one serial: no secondary learns of that.
    pub to: u32,
    /// Records that went, the SOA record first.
    pub removed: Vec<ChangedRecord>,
    /// Records that came, the SOA record first.
    pub added: Vec<ChangedRecord>,
}

/// What each owner concerned owns from now on, signatures included; one that owns nothing is gone.
pub type OwnerChanges = BTreeMap<Name, Vec<OwnedRecord>>;

/// A change, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneChange {
    /// What changed.
    pub set: ChangeSet,
    /// What stands from then on, for each owner that it speaks of.
    pub owners: OwnerChanges,
}
