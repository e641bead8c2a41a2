//! Writing a plan: a segment for each group that changed, the zone directory when it differs, everything else shared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zone_segment::{
    DirectoryEntry, DirectoryWriter, GroupId, LayerId, LookupName, Name, SegmentWriter, Zone, ZoneSet, ZoneState,
};

use super::plan::Plan;
use super::{BuildError, BuildRequest};
use crate::generation::{Catalogue, Condition, Contents, LayerFile, NextNumbers, State, ZoneInfo};

/// Writes what the plan asks for.
///
/// # Errors
///
/// [`BuildError`]; the files written so far are removed.
pub(super) fn write(request: &BuildRequest, plan: &Plan) -> Result<Option<State>, BuildError> {
    let base = request.base.as_deref();
    let directory_differs =
        base.is_none_or(|base| request.distrusts_directory() || entries(&base.zones) != entries(&plan.zones));
    if plan.groups.is_empty() && !directory_differs {
        return Ok(None);
    }
    let mut files = Files { directory: &request.segments, next: plan.next, written: Vec::new() };
    let before = base.map(Before::new);
    let mut contents = base.map_or_else(Contents::default, |base| base.contents.clone());
    for group in &plan.groups {
        let layer = write_group(request, plan, before.as_ref(), *group, &mut files)?;
        match layer {
            Some(layer) => contents.groups.insert(*group, vec![Arc::new(layer)]),
            None => contents.groups.remove(group),
        };
    }
    if directory_differs {
        contents.directory = vec![Arc::new(write_directory(request, plan, &mut files)?)];
    }
    // As each reader will do it: what none of them could take is not published.
    contents.zone_set(request.generation).map_err(BuildError::Set)?;
    let next = files.finish();
    let zones = plan.zones.clone();
    Ok(Some(State { generation: request.generation, key: request.key, contents, zones, next }))
}

/// What of the zones stands in the directory.
fn entries(zones: &Catalogue) -> BTreeMap<&Name, (GroupId, u32, bool)> {
    zones.iter().map(|(apex, zone)| (apex, (zone.group, zone.id.0, zone.has_data()))).collect()
}

/// Writes one group's base; `None` when no zone is left in it.
fn write_group(
    request: &BuildRequest,
    plan: &Plan,
    before: Option<&Before<'_>>,
    group: GroupId,
    files: &mut Files<'_>,
) -> Result<Option<LayerFile>, BuildError> {
    let members: Vec<(&Name, &ZoneInfo)> =
        plan.zones.iter().filter(|(_, zone)| zone.group == group && zone.has_data()).collect();
    if members.is_empty() {
        return Ok(None);
    }
    let mut writer = SegmentWriter::new(request.key);
    for (apex, zone) in members {
        let failed = |error| BuildError::Records { zone: apex.clone(), error };
        if let Some(records) = plan.fresh.get(apex) {
            writer.start_zone(zone.id, apex.as_ref()).map_err(failed)?;
            write_records(&mut writer, records).map_err(failed)?;
        } else if let Some(before) = before {
            writer.copy_zone(zone.id, &before.zone(group, apex)?).map_err(failed)?;
        }
    }
    let bytes = writer.finish().map_err(BuildError::Segment)?;
    files.write(bytes.as_ref()).map(Some)
}

/// The generation before, as unchanged zones are copied from it.
struct Before<'a> {
    /// It.
    state: &'a State,
    /// The same, to look zones up in stacks of several layers; none when its directory is damaged.
    set: Option<ZoneSet>,
}

impl<'a> Before<'a> {
    /// The generation before.
    fn new(state: &'a State) -> Self {
        Before { state, set: state.contents.zone_set(state.generation).ok() }
    }

    /// A zone of it, from layers that were verified: damage is not to be copied under a sound hash.
    fn zone(&self, group: GroupId, apex: &Name) -> Result<Zone<'_>, BuildError> {
        let layers = self.state.contents.groups.get(&group).map_or(&[][..], Vec::as_slice);
        for layer in layers {
            layer.verify().map_err(|error| BuildError::Damaged {
                layers: vec![layer.id],
                error: format!("segment {}: {error}", layer.path.display()),
            })?;
        }
        let zone = match layers {
            // One base is all there is of a group: the zone directory, which may be damaged, need not be asked.
            [base] => base
                .segment
                .find_zone(&LookupName::new(base.segment.key(), apex.as_ref()))
                .filter(|zone| zone.apex() == apex.as_ref()),
            _ => self.set.as_ref().and_then(|set| set.zone(apex.as_ref())),
        };
        zone.ok_or_else(|| BuildError::Damaged {
            layers: layers.iter().map(|layer| layer.id).collect(),
            error: format!("zone {apex} is said to lie in group {} and does not", group.0),
        })
    }
}

/// Puts a zone's records into a segment.
fn write_records(writer: &mut SegmentWriter, records: &[dns::Record]) -> Result<(), zone_segment::WriteError> {
    let mut rdata: Vec<&[u8]> = Vec::new();
    for rrset in dns::rrsets(records) {
        rdata.clear();
        rdata.extend(rrset.rdata());
        writer.rrset(rrset.owner(), rrset.rtype().0, rrset.ttl(), &rdata)?;
    }
    Ok(())
}

/// Writes the zone directory.
fn write_directory(request: &BuildRequest, plan: &Plan, files: &mut Files<'_>) -> Result<LayerFile, BuildError> {
    let mut writer = DirectoryWriter::new(request.key);
    for (apex, zone) in &plan.zones {
        let state = match zone.condition {
            Condition::Serving | Condition::Stale => ZoneState::Serving,
            Condition::Broken => ZoneState::Broken,
            Condition::Expired => ZoneState::Expired,
        };
        // With one base a group nothing lies below it that would have to be hidden.
        let floor = LayerId(0);
        writer.entry(DirectoryEntry { apex: apex.clone(), group: zone.group, zone: zone.id, state, floor });
    }
    let bytes = writer.finish().map_err(BuildError::Segment)?;
    files.write(bytes.as_ref())
}

/// The name of a layer's file.
pub(crate) fn file_name(layer: LayerId) -> String {
    format!("{:016x}.segment", layer.0)
}

/// The files a build writes; dropped before it is finished, it removes them.
struct Files<'a> {
    /// Where they are written.
    directory: &'a Path,
    /// The next number.
    next: NextNumbers,
    /// Written so far.
    written: Vec<PathBuf>,
}

impl Files<'_> {
    /// Writes a segment and opens it as readers will.
    fn write(&mut self, bytes: &[u8]) -> Result<LayerFile, BuildError> {
        let id = LayerId(self.next.layer);
        self.next.layer += 1;
        let name = file_name(id);
        zone_segment::write_file(self.directory, &name, bytes).map_err(BuildError::File)?;
        let path = self.directory.join(name);
        self.written.push(path.clone());
        config::fault::hit("build-segment-written");
        let layer = LayerFile::open(id, &path).map_err(BuildError::Layer)?;
        // Its hashes were computed from what it was just written from.
        layer.mark_sound();
        Ok(layer)
    }

    /// Keeps the files and tells what number comes next.
    fn finish(mut self) -> NextNumbers {
        self.written.clear();
        self.next
    }
}

impl Drop for Files<'_> {
    fn drop(&mut self) {
        for path in &self.written {
            // One that stays is found as an orphan at the next start.
            let _ = std::fs::remove_file(path);
        }
    }
}
