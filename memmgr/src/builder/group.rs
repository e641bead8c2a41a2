//! Which group a zone's data goes into: a big zone has one alone, small ones are packed by the hash of their apex, so that
//! many zones need few files and a change costs its group.

use zone_segment::{GroupId, Name};

use crate::generation::ZoneInfo;

/// Groups that small zones are packed into; their numbers are 0 to this less one.
pub(crate) const PACKED_GROUPS: u32 = 64;

/// A zone with more records has a group alone. Below, a rebuild of the group costs milliseconds.
const ALONE_ABOVE: u64 = 4096;

/// A zone that has a group alone keeps it down to this size, so that one at the border does not move to and fro.
const PACKED_BELOW: u64 = ALONE_ABOVE / 2;

/// The group for a zone of this size. `next` is the first number no group has had; it moves when a new group is made.
pub(crate) fn choose(apex: &Name, records: u64, before: Option<&ZoneInfo>, next: &mut u32) -> GroupId {
    let alone = before.map(|zone| zone.group).filter(|group| group.0 >= PACKED_GROUPS);
    match alone {
        Some(group) if records > PACKED_BELOW => group,
        _ if records > ALONE_ABOVE => {
            let group = GroupId((*next).max(PACKED_GROUPS));
            *next = group.0 + 1;
            group
        }
        _ => packed(apex),
    }
}

/// The packed group of an apex. The hash only spreads, so it needs no key; it is stable, so that groups are.
fn packed(apex: &Name) -> GroupId {
    let hash = xxhash_rust::xxh3::xxh3_64(apex.to_lowercase().as_ref().as_wire());
    GroupId(u32::try_from(hash % u64::from(PACKED_GROUPS)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_move_a_zone() {
        let mut next = PACKED_GROUPS;
        let group = |text: &str, next: &mut u32| choose(&text.parse().unwrap(), 10, None, next);
        assert_eq!(group("example.com.", &mut next), group("EXAMPLE.com.", &mut next));
        assert_eq!(next, PACKED_GROUPS);
    }

    #[test]
    fn big_zones_get_groups_of_their_own() {
        let mut next = 0;
        let apex: Name = "example.".parse().unwrap();
        assert_eq!(choose(&apex, ALONE_ABOVE + 1, None, &mut next), GroupId(PACKED_GROUPS));
        assert_eq!(choose(&apex, ALONE_ABOVE + 1, None, &mut next), GroupId(PACKED_GROUPS + 1));
        assert!(choose(&apex, ALONE_ABOVE, None, &mut next).0 < PACKED_GROUPS);
    }
}
