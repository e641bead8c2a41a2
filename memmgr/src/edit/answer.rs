//! Changes and rules in the words of the bus.

use bus::protocol::control::{SerialRule, ZoneDifference};
use dns::change::{ChangeSet, ChangedRecord};
use dns::text::present;
use dns::types::Rtype;

use super::SerialPolicy;

impl From<SerialRule> for SerialPolicy {
    fn from(rule: SerialRule) -> Self {
        match rule {
            SerialRule::Increment => Self::Increment,
            SerialRule::Date => Self::Date,
            SerialRule::UnixTime => Self::UnixTime,
        }
    }
}

/// How many records came and how many went by a change, SOA records not counted.
pub fn counts(set: &ChangeSet) -> (u64, u64) {
    let count = |records: &[ChangedRecord]| records.iter().filter(|record| record.rtype != Rtype::SOA).count() as u64;
    (count(&set.added), count(&set.removed))
}

/// A change as it is shown, and the generation that came with it.
pub fn shown(set: &ChangeSet, generation: u64) -> ZoneDifference {
    let line = |record: &ChangedRecord| present::record(record.owner.as_ref(), record.ttl, record.rtype, &record.rdata);
    ZoneDifference {
        zone: set.apex.to_string(),
        generation,
        from: set.from,
        to: set.to,
        removed: set.removed.iter().map(line).collect(),
        added: set.added.iter().map(line).collect(),
    }
}
