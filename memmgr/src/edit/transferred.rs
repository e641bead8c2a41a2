//! Changes that a primary made (RFC 1995), made here on the zone that they begin with: [`transferred`].
//!
//! They are taken to the letter: what goes has to be there and what comes has not, or else the zone here is not what the primary takes it for, and the whole of it
//! is to be asked for.

use std::fmt;
use std::path::Path;

use dns::change::{ChangeSet, ChangedRecord, OwnerChanges, ZoneChange};
use dns::text::present;
use zone_segment::{Name, SegmentOctets, Zone};

use super::draft::Draft;
use super::error::EditError;
use super::records::OwnerRecords;
use super::sound;
use super::view::View;

/// Makes changes, one after the other, and checks what the last of them leaves where `is_checked` does not say that somebody did.
///
/// # Errors
///
/// [`TransferError`]; none of the changes is to be made then.
pub fn transferred<B: SegmentOctets>(
    zone: &Zone<'_, B>,
    gathered: Option<&OwnerChanges>,
    sets: &[ChangeSet],
    is_checked: bool,
) -> Result<Vec<ZoneChange>, TransferError> {
    let mut draft = Draft::new(View { zone, gathered }).map_err(|error| TransferError::Rules(Box::new(error)))?;
    let mut changes = Vec::with_capacity(sets.len());
    for set in sets {
        let served = draft.serial_now();
        if served != set.from {
            return Err(TransferError::Serial { served, found: set.from });
        }
        changes.push(apply(&mut draft, set)?);
        if draft.serial_now() != set.to {
            return Err(TransferError::Serial { served: draft.serial_now(), found: set.to });
        }
    }
    if !is_checked {
        sound::check(&draft, Path::new("")).map_err(|error| TransferError::Rules(Box::new(error)))?;
    }
    Ok(changes)
}

/// Makes one change.
fn apply<B: SegmentOctets>(draft: &mut Draft<'_, B>, set: &ChangeSet) -> Result<ZoneChange, TransferError> {
    let mut touched = std::collections::BTreeSet::new();
    for record in &set.removed {
        if !draft.touch(record.owner.clone(), 0).now.remove(record.rtype, &record.rdata) {
            return Err(TransferError::NotThere { record: shown(record) });
        }
        touched.insert(record.owner.clone());
    }
    for record in &set.added {
        let owner = &mut draft.touch(record.owner.clone(), 0).now;
        if owner.has_record(record.rtype, &record.rdata) {
            return Err(TransferError::Twice { record: shown(record) });
        }
        if owner.is_empty() {
            owner.owner = record.owner.clone();
        }
        owner.add(record.rtype, record.ttl, &record.rdata, 0);
        touched.insert(record.owner.clone());
    }
    let stands = |name: &Name| {
        let owner: &OwnerRecords = &draft.touch(name.clone(), 0).now;
        (owner.owner.clone(), owner.to_owned_records())
    };
    Ok(ZoneChange { set: set.clone(), owners: touched.iter().map(stands).collect() })
}

/// A record for people.
fn shown(record: &ChangedRecord) -> String {
    present::record(record.owner.as_ref(), record.ttl, record.rtype, &record.rdata)
}

/// Changes that can't be made here.
#[derive(Debug)]
#[non_exhaustive]
pub enum TransferError {
    /// They begin with, or lead to, another serial.
    Serial {
        /// The zone's.
        served: u32,
        /// Theirs.
        found: u32,
    },
    /// A record that goes is not there.
    NotThere {
        /// It.
        record: String,
    },
    /// A record that comes is there.
    Twice {
        /// It.
        record: String,
    },
    /// The zone has no data, or would break rules that it keeps now.
    Rules(Box<EditError>),
}

impl fmt::Display for TransferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial { served, found } => write!(f, "expected a change at serial {served}, found one at {found}"),
            Self::NotThere { record } => {
                write!(f, "expected changes of what is served, found one that removes what is not there: {record}")
            }
            Self::Twice { record } => {
                write!(f, "expected changes of what is served, found one that adds what is there: {record}")
            }
            Self::Rules(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TransferError {}
