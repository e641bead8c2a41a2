//! A change that was made before, made again on the zone as it was: after layers were lost that a log has the changes of.

use dns::change::{ChangeSet, ChangedRecord, OwnerChanges, ZoneChange};
use zone_segment::{Name, SegmentOctets, Zone};

use super::records::OwnerRecords;
use super::view::View;

/// What owners own after a change that was found good once: nothing is checked again, and what is not there need not be taken away.
pub fn again<B: SegmentOctets>(zone: &Zone<'_, B>, gathered: Option<&OwnerChanges>, set: &ChangeSet) -> ZoneChange {
    let view = View { zone, gathered };
    let mut owners: std::collections::BTreeMap<Name, OwnerRecords> = std::collections::BTreeMap::new();
    fn of<'o, B: SegmentOctets>(
        owners: &'o mut std::collections::BTreeMap<Name, OwnerRecords>,
        view: View<'_, B>,
        record: &ChangedRecord,
    ) -> &'o mut OwnerRecords {
        owners.entry(record.owner.clone()).or_insert_with(|| view.owner(record.owner.as_ref()))
    }
    for record in &set.removed {
        of(&mut owners, view, record).remove(record.rtype, &record.rdata);
    }
    for record in &set.added {
        let owner = of(&mut owners, view, record);
        owner.owner = record.owner.clone();
        owner.add(record.rtype, record.ttl, &record.rdata, 0);
    }
    let owners = owners.into_values().map(|owner| (owner.owner.clone(), owner.to_owned_records())).collect();
    ZoneChange { set: set.clone(), owners }
}
