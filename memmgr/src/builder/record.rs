//! What a generation has other than the one before, as a record of the commit log.

use std::sync::Arc;
use std::time::SystemTime;

use dns::change::ChangeSet;
use zone_segment::Name;

use crate::apex::Apex;
use crate::catalogue::entry;
use crate::commits::CommitRecord;
use crate::generation::{Contents, LayerFile, State};
use crate::manifest::{GroupEntry, LayerEntry, SHARDS};

/// The record of a generation that was made from another. `rewritten` are zones whose data is another without a change set that says how.
pub(crate) fn record_of(before: &State, after: &State, changes: Vec<ChangeSet>, rewritten: Vec<Name>) -> CommitRecord {
    let (served_zones, served_records) = after.zones.served();
    let ids = |layers: &[Arc<LayerFile>]| layers.iter().map(|layer| layer.id).collect::<Vec<_>>();
    let changed =
        after.contents.groups.iter().filter(|(group, layers)| {
            before.contents.groups.get(group).is_none_or(|before| ids(before) != ids(layers))
        });
    let gone = before.contents.groups.keys().filter(|group| !after.contents.groups.contains_key(group));
    let gone = gone.map(|group| GroupEntry { id: group.0, layers: Vec::new() });
    let groups = changed.map(|(group, layers)| GroupEntry { id: group.0, layers: layer_entries(layers) }).chain(gone);
    let directory = (ids(&before.contents.directory) != ids(&after.contents.directory))
        .then(|| layer_entries(&after.contents.directory));
    let mut record = CommitRecord {
        generation: after.generation,
        at_unix: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        changes,
        rewritten,
        groups: groups.collect(),
        directory,
        next_layer: after.next.layer,
        next_zone: after.next.zone,
        next_group: after.next.group,
        served_zones,
        served_records,
        ..CommitRecord::default()
    };
    for number in 0..SHARDS {
        let (old, new) = (before.zones.shard(number), after.zones.shard(number));
        if std::ptr::eq(old, new) {
            continue;
        }
        let differs = |apex: &Apex, zone| old.zones.get(apex) != Some(zone);
        record.zones.extend(new.zones.iter().filter(|(apex, zone)| differs(apex, zone)).map(entry));
        let gone = old.zones.keys().filter(|apex| !new.zones.contains_key(apex));
        record.gone.extend(gone.map(|apex| apex.name().clone()));
    }
    record
}

/// A stack as the manifest names it.
pub(crate) fn layer_entries(files: &[Arc<LayerFile>]) -> Vec<LayerEntry> {
    files.iter().map(|file| layer_entry(file)).collect()
}

/// The groups' stacks as the manifest names them.
pub(crate) fn group_entries(contents: &Contents) -> Vec<GroupEntry> {
    let entry = |(group, files): (&zone_segment::GroupId, &Vec<Arc<LayerFile>>)| GroupEntry {
        id: group.0,
        layers: layer_entries(files),
    };
    contents.groups.iter().map(entry).collect()
}

/// A layer as the manifest names it.
fn layer_entry(file: &LayerFile) -> LayerEntry {
    let identity = file.identity();
    let name = file.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    LayerEntry { id: identity.id, file: name, length: file.length(), content_hash: identity.content_hash }
}
