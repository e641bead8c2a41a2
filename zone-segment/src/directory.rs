//! The zone directory: which zones there are, in which group each lies, and from which layer on it is to be seen.
//!
//! ```text
//! entry:  0 u32 length of the record   12 u8 state             16 u64 floor
//!         4 u32 group                  13 u8 length of name    24 the apex name
//!         8 u32 zone                   14 u8 labels, 15 zero
//! ```

use std::fmt;

use crate::error::WriteError;
use crate::fold::is_folded;
use crate::ids::{GroupId, LayerId, ZoneId};
use crate::name::{Name, NameRef};
use crate::octets::{REFERENCE_UNIT, from_reference, next_reference, u8_at, u32_at, u64_at};

/// Octets before the name.
const FIXED_OCTETS: usize = 24;

/// What is to be done with queries for a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ZoneState {
    /// Answered from its data.
    Serving,
    /// Its source could not be loaded and there is no older data: SERVFAIL.
    Broken,
    /// A secondary zone whose data is too old: SERVFAIL until it is refreshed.
    Expired,
    /// Not served any more: hides the entry of an older layer.
    Removed,
}

impl ZoneState {
    /// The number in an entry.
    fn number(self) -> u8 {
        match self {
            ZoneState::Serving => 1,
            ZoneState::Broken => 2,
            ZoneState::Expired => 3,
            ZoneState::Removed => 4,
        }
    }

    /// The state of a number in an entry. An unknown one is damage: nothing is answered from such a zone.
    fn from_number(number: u8) -> ZoneState {
        [ZoneState::Serving, ZoneState::Expired, ZoneState::Removed]
            .into_iter()
            .find(|state| state.number() == number)
            .unwrap_or(ZoneState::Broken)
    }
}

impl fmt::Display for ZoneState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ZoneState::Serving => "serving",
            ZoneState::Broken => "broken",
            ZoneState::Expired => "expired",
            ZoneState::Removed => "removed",
        })
    }
}

/// One zone of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The zone's apex.
    pub apex: Name,
    /// The group it lies in.
    pub group: GroupId,
    /// Its id in the group's segments.
    pub zone: ZoneId,
    /// What is to be done with queries for it.
    pub state: ZoneState,
    /// Layers below this one are invisible for it.
    pub floor: LayerId,
}

/// An entry as it lies in a segment.
#[derive(Clone, Copy)]
pub(crate) struct EntryRef<'a> {
    /// The record, at least as long as its fixed part.
    record: &'a [u8],
}

impl<'a> EntryRef<'a> {
    /// The entry at a reference; none when it is not wholly inside the arena.
    pub(crate) fn at(arena: &'a [u8], reference: u32) -> Option<EntryRef<'a>> {
        let rest = from_reference(arena, reference);
        let record = rest.get(..usize::try_from(u32_at(rest, 0)).ok()?)?;
        (record.len() >= FIXED_OCTETS).then_some(EntryRef { record })
    }

    /// Whether it is the entry of this apex, which is folded.
    pub(crate) fn is(&self, lowercase_wire: &[u8]) -> bool {
        is_folded(self.name_octets(), lowercase_wire)
    }

    /// The octets where the apex name should be.
    fn name_octets(&self) -> &'a [u8] {
        let length = usize::from(u8_at(self.record, 13));
        self.record.get(FIXED_OCTETS..FIXED_OCTETS + length).unwrap_or_default()
    }

    /// The zone's apex.
    pub(crate) fn apex(&self) -> NameRef<'a> {
        NameRef::from_wire(self.name_octets()).unwrap_or(NameRef::ROOT)
    }

    /// How many labels `apex`, its own, has: written beside it, and counted only where damage shows.
    pub(crate) fn labels(&self, apex: NameRef<'_>) -> usize {
        match usize::from(u8_at(self.record, 14)) {
            labels if 2 * labels < apex.as_wire().len() => labels,
            _ => apex.label_count(),
        }
    }

    /// The group it lies in.
    pub(crate) fn group(&self) -> GroupId {
        GroupId(u32_at(self.record, 4))
    }

    /// Its id in the group's segments.
    pub(crate) fn zone(&self) -> ZoneId {
        ZoneId(u32_at(self.record, 8))
    }

    /// What is to be done with queries for it.
    pub(crate) fn state(&self) -> ZoneState {
        ZoneState::from_number(u8_at(self.record, 12))
    }

    /// Layers below this one are invisible for it.
    pub(crate) fn floor(&self) -> LayerId {
        LayerId(u64_at(self.record, 16))
    }

    /// An owned copy.
    pub(crate) fn to_entry(self) -> DirectoryEntry {
        DirectoryEntry {
            apex: self.apex().to_name(),
            group: self.group(),
            zone: self.zone(),
            state: self.state(),
            floor: self.floor(),
        }
    }
}

/// Appends one entry to the arena.
pub(crate) fn write_entry(arena: &mut Vec<u8>, entry: &DirectoryEntry) -> Result<u32, WriteError> {
    let reference = next_reference(arena).ok_or(WriteError::Full { octets: arena.len() })?;
    let name = entry.apex.as_wire();
    let length = (FIXED_OCTETS + name.len()).next_multiple_of(REFERENCE_UNIT);
    let start = arena.len();
    arena.extend_from_slice(&(length as u32).to_le_bytes());
    arena.extend_from_slice(&entry.group.0.to_le_bytes());
    arena.extend_from_slice(&entry.zone.0.to_le_bytes());
    // A name has at most 255 octets and 127 labels.
    arena.extend_from_slice(&[entry.state.number(), name.len() as u8, entry.apex.label_count() as u8, 0]);
    arena.extend_from_slice(&entry.floor.0.to_le_bytes());
    arena.extend_from_slice(name);
    arena.resize(start + length, 0);
    Ok(reference)
}
