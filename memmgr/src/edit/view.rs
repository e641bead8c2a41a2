//! A zone as it stands with the changes that are gathered and not published yet: [`View`].

use std::collections::BTreeMap;
use std::ops::Bound;

use dns::change::OwnerChanges;
use zone_segment::{LookupName, Name, NameRef, OwnedRecord, SegmentOctets, Zone};

use super::records::OwnerRecords;

/// A zone, and what is gathered of changes of it.
pub(super) struct View<'v, B> {
    /// The zone as it is published.
    pub(super) zone: &'v Zone<'v, B>,
    /// The owners that changed since, and what they own.
    pub(super) gathered: Option<&'v OwnerChanges>,
}

impl<B> Clone for View<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for View<'_, B> {}

impl<B: SegmentOctets> View<'_, B> {
    /// What a name owns.
    pub(super) fn owner(&self, name: NameRef<'_>) -> OwnerRecords {
        let owned = name.to_name();
        if let Some((owner, records)) = self.gathered.and_then(|gathered| gathered.get_key_value(&owned)) {
            return OwnerRecords::of_change(owner, records);
        }
        let node = self.zone.address_node(&LookupName::new(self.zone.key(), name));
        node.map_or_else(|| OwnerRecords::new(owned), OwnerRecords::of_node)
    }

    /// Whether there is a name, be it an empty non-terminal. One whose last records are about to go counts.
    pub(super) fn has_name(&self, name: NameRef<'_>) -> bool {
        let in_zone = || self.zone.address_node(&LookupName::new(self.zone.key(), name)).is_some();
        let is_owner = |records: &Vec<OwnedRecord>| !records.is_empty();
        in_zone() || self.gathered.is_some_and(|gathered| has_at_or_below(gathered, &name.to_name(), is_owner))
    }

    /// Some owner below a name that `owns_records` says yes to. Goes through the zone up to there: for what is rare.
    pub(super) fn descendant(&self, name: &Name, owns_records: impl Fn(&Name) -> bool) -> Option<Name> {
        let below = |other: &Name| *other != *name && other.is_at_or_below(name.as_ref());
        let in_gathered = || {
            let behind = self.gathered?.range((Bound::Excluded(name.clone()), Bound::Unbounded));
            let mut owners = behind.map(|(owner, _)| owner).take_while(|owner| below(owner));
            owners.find(|owner| owns_records(owner)).cloned()
        };
        let in_zone = || {
            let behind = self.zone.nodes().map(|node| node.name()).skip_while(|other| *other <= name.as_ref());
            let mut owners = behind.map(|owner| owner.to_name()).take_while(below);
            owners.find(|owner| owns_records(owner))
        };
        in_gathered().or_else(in_zone)
    }
}

/// Whether a map of owners has one at or below a name that `is_meant` says yes to: what is below a name follows it.
pub(super) fn has_at_or_below<T>(owners: &BTreeMap<Name, T>, name: &Name, is_meant: impl Fn(&T) -> bool) -> bool {
    let behind = owners.range((Bound::Included(name.clone()), Bound::Unbounded));
    behind.take_while(|(owner, _)| owner.is_at_or_below(name.as_ref())).any(|(_, value)| is_meant(value))
}
