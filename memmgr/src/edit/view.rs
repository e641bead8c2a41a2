//! A zone as it stands with the changes that are gathered and not published yet: [`View`].

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, ControlFlow};

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

    /// Shows names below some others, until it is told to stop: those that are gathered, then those of the zone.
    pub(super) fn visit_below(&self, tops: &BTreeSet<Name>, mut visit: impl FnMut(&Name) -> ControlFlow<()>) {
        for top in tops {
            let behind = self.gathered.map(|gathered| gathered.range((Bound::Excluded(top.clone()), Bound::Unbounded)));
            let below = behind.into_iter().flatten().take_while(|(name, _)| name.is_at_or_below(top.as_ref()));
            if below.map(|(name, _)| name).try_for_each(&mut visit).is_break() {
                return;
            }
        }
        for top in tops {
            let behind = self.zone.nodes_behind(&LookupName::new(self.zone.key(), top.as_ref()));
            let mut below = behind.map(|node| node.name()).take_while(|name| name.is_at_or_below(top.as_ref()));
            if below.try_for_each(|name| visit(&name.to_name())).is_break() {
                return;
            }
        }
    }
}

/// Whether a map of owners has one at or below a name that `is_meant` says yes to: what is below a name follows it.
pub(super) fn has_at_or_below<T>(owners: &BTreeMap<Name, T>, name: &Name, is_meant: impl Fn(&T) -> bool) -> bool {
    let behind = owners.range((Bound::Included(name.clone()), Bound::Unbounded));
    behind.take_while(|(owner, _)| owner.is_at_or_below(name.as_ref())).any(|(_, value)| is_meant(value))
}
