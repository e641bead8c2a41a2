//! Which group a zone's data goes into: a big zone has one alone, small ones are packed by the hash of their apex, so that
//! many zones need few files and a change costs its group.

use std::sync::atomic::{AtomicU32, Ordering};

use zone_segment::GroupId;

use crate::catalogue::ZoneInfo;
use crate::manifest::SHARDS;

/// Groups that small zones are packed into; their numbers are 0 to this less one, each that of the shard whose zones it takes.
pub(crate) const PACKED_GROUPS: u32 = SHARDS;

/// A zone with more records has a group alone. Below, a rebuild of the group costs milliseconds.
const ALONE_ABOVE: u64 = 4096;

/// A zone that has a group alone keeps it down to this size, so that one at the border does not move to and fro.
const PACKED_BELOW: u64 = ALONE_ABOVE / 2;

/// The group for a zone of this shard and size. `next` is the first number no group has had; it moves when a new group is made.
pub(crate) fn choose(shard: u32, records: u64, before: Option<&ZoneInfo>, next: &AtomicU32) -> GroupId {
    let alone = before.map(|zone| zone.group).filter(|group| is_alone(*group));
    match alone {
        Some(group) if records > PACKED_BELOW => group,
        // Relaxed: the number only has to be another one.
        _ if records > ALONE_ABOVE => GroupId(next.fetch_add(1, Ordering::Relaxed)),
        _ => GroupId(shard),
    }
}

/// Whether a zone of so many records is to leave the packed group that it is in for one of its own.
pub(super) fn has_outgrown(group: GroupId, records: u64) -> bool {
    !is_alone(group) && records > ALONE_ABOVE
}

/// Whether a group has one zone alone.
pub(crate) fn is_alone(group: GroupId) -> bool {
    group.0 >= PACKED_GROUPS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn big_zones_get_groups_of_their_own() {
        let next = AtomicU32::new(PACKED_GROUPS);
        assert_eq!(choose(7, ALONE_ABOVE + 1, None, &next), GroupId(PACKED_GROUPS));
        assert_eq!(choose(7, ALONE_ABOVE + 1, None, &next), GroupId(PACKED_GROUPS + 1));
        assert_eq!(choose(7, ALONE_ABOVE, None, &next), GroupId(7));
        assert_eq!(next.into_inner(), PACKED_GROUPS + 2);
    }
}
