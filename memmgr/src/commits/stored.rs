//! Change sets and names as serde has them, for its `with`: names and RDATA are octets in wire form, lent by what they are read from.
//!
//! Of a record's owner nothing is written while it is that of the record before it, or the apex at the beginning: a name has at least one
//! octet, so none means that. It is compared with its case, which is kept.

use dns::change::{ChangeSet, ChangedRecord};
use dns::types::Rtype;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zone_segment::{Name, NameError};

/// Octets of something longer.
#[derive(Clone, Copy, Deserialize)]
struct Octets<'a>(#[serde(borrow)] &'a [u8]);

impl Serialize for Octets<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// A change set.
#[derive(Serialize, Deserialize)]
struct StoredSet<'a> {
    /// The apex.
    #[serde(borrow)]
    apex: Octets<'a>,
    /// The serial before.
    from: u32,
    /// The serial after.
    to: u32,
    /// Records that went.
    removed: Vec<StoredRecord<'a>>,
    /// Records that came.
    added: Vec<StoredRecord<'a>>,
}

/// A record of a change set.
#[derive(Serialize, Deserialize)]
struct StoredRecord<'a> {
    /// The owner, or nothing.
    #[serde(borrow)]
    owner: Octets<'a>,
    /// The type.
    rtype: u16,
    /// The TTL.
    ttl: u32,
    /// The RDATA.
    rdata: Octets<'a>,
}

impl<'a> StoredSet<'a> {
    /// A change set as it is written.
    fn new(set: &'a ChangeSet) -> Self {
        let records = |records: &'a [ChangedRecord]| {
            let mut previous = set.apex.as_wire();
            let stored = records.iter().map(|record| {
                let wire = record.owner.as_wire();
                let owner = if wire == previous { &[][..] } else { wire };
                previous = wire;
                StoredRecord {
                    owner: Octets(owner),
                    rtype: record.rtype.0,
                    ttl: record.ttl,
                    rdata: Octets(&record.rdata),
                }
            });
            stored.collect()
        };
        StoredSet {
            apex: Octets(set.apex.as_wire()),
            from: set.from,
            to: set.to,
            removed: records(&set.removed),
            added: records(&set.added),
        }
    }

    /// The change set that was written.
    fn read(self) -> Result<ChangeSet, NameError> {
        let apex = Name::from_wire(self.apex.0)?;
        let records = |stored: Vec<StoredRecord<'_>>| -> Result<Vec<ChangedRecord>, NameError> {
            let mut previous = apex.clone();
            let read = stored.into_iter().map(|record| {
                if !record.owner.0.is_empty() {
                    previous = Name::from_wire(record.owner.0)?;
                }
                let (owner, rtype) = (previous.clone(), Rtype(record.rtype));
                Ok(ChangedRecord { owner, rtype, ttl: record.ttl, rdata: record.rdata.0.into() })
            });
            read.collect()
        };
        let (removed, added) = (records(self.removed)?, records(self.added)?);
        Ok(ChangeSet { apex, from: self.from, to: self.to, removed, added })
    }
}

/// Change sets.
pub(super) mod sets {
    use super::*;

    /// Writes them.
    pub(in super::super) fn serialize<S: Serializer>(sets: &[ChangeSet], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(sets.iter().map(StoredSet::new))
    }

    /// Reads them.
    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<ChangeSet>, D::Error> {
        let stored = Vec::<StoredSet<'de>>::deserialize(deserializer)?;
        stored.into_iter().map(|set| set.read().map_err(D::Error::custom)).collect()
    }
}

/// Names.
pub(super) mod names {
    use super::*;

    /// Writes them.
    pub(in super::super) fn serialize<S: Serializer>(names: &[Name], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(names.iter().map(|name| Octets(name.as_wire())))
    }

    /// Reads them.
    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Name>, D::Error> {
        let stored = Vec::<Octets<'de>>::deserialize(deserializer)?;
        stored.into_iter().map(|octets| Name::from_wire(octets.0).map_err(D::Error::custom)).collect()
    }
}
