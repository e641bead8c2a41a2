//! Changes that are handed in, and merged layers, into a candidate: at the cost of what they change.
//!
//! Nothing here waits for the disk. What was changed goes into a record of the commit log, from which the layers written here can be made again
//! ([`crate::commits`]). Changes are taken one after the other, each by itself: one that can't be made is answered with the reason, and
//! those behind it are made as if it had not been there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use dns::change::{ChangeSet, OwnerChanges, ZoneChange};
use zone_segment::{GroupId, HashKey, LayerId, Name, SegmentBuilder, Zone, ZoneId, ZoneSet};

use super::layering::{ChangedZone, changed_stack};
use super::layers::verified;
use super::segments::Files;
use super::shard::Moved;
use super::{BuildError, directory, group};
use crate::apex::Apex;
use crate::catalogue::{Condition, Shard, ZoneInfo};
use crate::edit::{self, Edit, Gathered, NewSerial, SerialPolicy};
use crate::generation::{LayerFile, NextNumbers, State};

/// What to build.
#[derive(Debug)]
pub(crate) struct ChangesRequest {
    /// The generation to start from.
    pub(crate) base: Arc<State>,
    /// The number of the candidate.
    pub(crate) generation: u64,
    /// The key of every hash.
    pub(crate) key: HashKey,
    /// Where segments are written.
    pub(crate) segments: PathBuf,
    /// Where layers' numbers are drawn from.
    pub(crate) numbers: Arc<AtomicU64>,
    /// Layers that take the place of others.
    pub(crate) merged: Vec<Merged>,
    /// What is asked for, in the order in which it came: what comes together is made as a whole or not at all.
    pub(crate) asks: Vec<Vec<Ask>>,
    /// Where serials were lost: the zones that have left them free already.
    pub(crate) leaps: Option<BTreeSet<Name>>,
    /// The time in seconds since 1970.
    pub(crate) now: u64,
}

/// A change that is asked for.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// An operator's lines.
    Edit(Edit),
    /// A zone is to be as it was in another generation.
    Restore {
        /// The zone.
        apex: Name,
        /// The generation.
        from: Arc<State>,
        /// Whether its serial is to be that of then too.
        keeps_serial: bool,
    },
    /// A change that was made before and is made again, after layers were lost.
    Again(ChangeSet),
}

impl Ask {
    /// The zone.
    fn apex(&self) -> &Name {
        match self {
            Ask::Edit(edit) => &edit.apex,
            Ask::Restore { apex, .. } => apex,
            Ask::Again(set) => &set.apex,
        }
    }
}

/// Layers of a group merged into one.
#[derive(Clone, Debug)]
pub(crate) struct Merged {
    /// The group.
    pub(crate) group: GroupId,
    /// The layers that it takes the place of, newest first.
    pub(crate) inputs: Vec<LayerId>,
    /// Whether it is the group's base.
    pub(crate) is_base: bool,
    /// It.
    pub(crate) layer: Arc<LayerFile>,
}

/// What became of what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    /// The zone.
    pub(crate) apex: Name,
    /// Its serial before.
    pub(crate) from: u32,
    /// Its serial from then on.
    pub(crate) to: u32,
    /// Records that went; the SOA record is not counted.
    pub(crate) removed: usize,
    /// Records that came.
    pub(crate) added: usize,
    /// What zone checks say of it.
    pub(crate) warnings: Vec<String>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct ChangesOutcome {
    /// The candidate, if anything changed.
    pub(crate) candidate: Option<State>,
    /// What changed in zones, in order.
    pub(crate) changes: Vec<ChangeSet>,
    /// What became of what was asked for together, in order.
    pub(crate) answers: Vec<Result<Vec<Done>, String>>,
}

/// A zone while it is being changed.
#[derive(Clone)]
struct Changing {
    /// Its number.
    id: ZoneId,
    /// Its group.
    group: GroupId,
    /// What changed.
    gathered: Gathered,
    /// Which of those that asked it is for.
    asks: Vec<usize>,
}

/// Requests that can't be written, by their place, and why.
type Refused = BTreeMap<usize, String>;

/// Builds a candidate.
///
/// # Errors
///
/// [`BuildError`]; nothing that was there before has changed.
pub(crate) fn build(request: &ChangesRequest) -> Result<ChangesOutcome, BuildError> {
    config::fault::hit("changes-begin");
    let mut refused = Refused::new();
    loop {
        // Each turn but the last refuses requests, so there is an end.
        match build_without(request, &mut refused)? {
            Some(outcome) => return Ok(outcome),
            None => continue,
        }
    }
}

/// The same without some requests. None where others can't be written either: they are refused then, with all that they ask for, and it is to be
/// built again.
fn build_without(request: &ChangesRequest, refused: &mut Refused) -> Result<Option<ChangesOutcome>, BuildError> {
    let base = &request.base;
    let set = base.set.as_deref().ok_or_else(|| BuildError::Damaged {
        layers: Vec::new(),
        error: "the generation before is not whole".to_owned(),
    })?;
    let mut zones: BTreeMap<Name, Changing> = BTreeMap::new();
    let mut answers: Vec<Result<Vec<Done>, String>> = Vec::new();
    for (number, asks) in request.asks.iter().enumerate() {
        if let Some(error) = refused.get(&number) {
            answers.push(Err(error.clone()));
            continue;
        }
        // One by itself leaves nothing behind when it can't be made.
        let before = (asks.len() > 1).then(|| zones.clone());
        let done = asks.iter().map(|ask| resolve(request, set, &mut zones, number, ask)).collect::<Result<_, _>>();
        if let (Err(_), Some(before)) = (&done, before) {
            zones = before;
        }
        answers.push(done);
    }
    let files = Files::new(&request.segments, &request.numbers);
    let mut contents = base.contents.clone();
    let mut is_changed = false;
    for merged in &request.merged {
        is_changed |= contents.groups.get_mut(&merged.group).is_some_and(|stack| adopt(stack, merged));
    }
    let mut written: Vec<Arc<LayerFile>> = Vec::new();
    let mut groups: BTreeMap<GroupId, Vec<ChangedZone>> = BTreeMap::new();
    for (apex, zone) in zones.iter().filter(|(_, zone)| !zone.gathered.is_empty()) {
        let changed = ChangedZone { apex: apex.clone(), id: zone.id, owners: zone.gathered.owners.clone() };
        groups.entry(zone.group).or_default().push(changed);
    }
    for (group, changed) in groups {
        let stack = contents.groups.get(&group).map_or(&[][..], Vec::as_slice);
        let stack = match changed_stack(&files, request.key, set, group, stack, &changed) {
            Ok(stack) => stack,
            // Its records are at fault, and nobody else's.
            Err(BuildError::Segment(zone_segment::BuildError::Records { apex, source, .. })) => {
                let asks = zones.get(&apex).map(|zone| zone.asks.clone()).unwrap_or_default();
                if asks.is_empty() {
                    let error = format!("{apex}: {source}");
                    return Err(BuildError::Damaged { layers: Vec::new(), error });
                }
                refused.extend(asks.into_iter().map(|number| (number, format!("{apex}: {source}"))));
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        written.extend(stack.first().cloned());
        contents.groups.insert(group, stack);
        is_changed = true;
    }
    if !is_changed {
        files.place(written.iter())?;
        return Ok(Some(ChangesOutcome { candidate: None, changes: Vec::new(), answers }));
    }
    let generation = request.generation;
    let mut set = contents.zone_set(generation, Some(set)).map_err(BuildError::Set)?;
    let mut catalogue = base.zones.clone();
    let (mut next_group, mut moved) = (base.next.group, Moved::new());
    for apex in zones.iter().filter(|(_, zone)| !zone.gathered.is_empty()).map(|(apex, _)| Apex::new(apex.clone())) {
        let shard = catalogue.shard(apex.shard());
        let (Some(info), Some(zone)) = (shard.zones.get(&apex), set.zone(apex.name().as_ref())) else { continue };
        let (serial, records) = (zone.serial(), zone.record_count());
        let mut info = ZoneInfo { serial, records, ..ZoneInfo::clone(info) };
        if group::has_outgrown(info.group, records) {
            info.group = GroupId(next_group);
            next_group += 1;
            let layer = Arc::new(files.write(|directory, name| {
                let mut builder = SegmentBuilder::new(request.key);
                builder.copy_zone(info.id, &zone).map_err(BuildError::Segment)?;
                builder.write_unpublished(directory, name).map_err(BuildError::Segment)
            })?);
            written.push(Arc::clone(&layer));
            contents.groups.insert(info.group, vec![layer]);
        }
        let info = Arc::new(info);
        if info.group.0 >= base.next.group {
            moved.insert(apex.clone(), Some(Arc::clone(&info)));
        }
        let mut zones = shard.zones.clone();
        zones.insert(apex.clone(), info);
        catalogue.set(apex.shard(), Shard::new(zones));
    }
    if !moved.is_empty() {
        contents.directory = directory::write(&files, request.key, &contents.directory, true, &catalogue, &moved)?;
        written.extend(contents.directory.first().cloned());
        set = contents.zone_set(generation, Some(&set)).map_err(BuildError::Set)?;
    }
    let layer = files.place(written.iter())?;
    let changes = zones.into_values().flat_map(|zone| zone.gathered.sets).collect();
    let next = NextNumbers { layer, group: next_group, ..base.next };
    let candidate = State { generation, key: request.key, contents, zones: catalogue, next, set: Some(Arc::new(set)) };
    config::fault::hit("changes-end");
    Ok(Some(ChangesOutcome { candidate: Some(candidate), changes, answers }))
}

/// What a change comes to, with those that came before it.
fn resolve(
    request: &ChangesRequest,
    set: &ZoneSet,
    zones: &mut BTreeMap<Name, Changing>,
    number: usize,
    ask: &Ask,
) -> Result<Done, String> {
    let apex = ask.apex();
    let known = request.base.zones.get(&Apex::new(apex.clone()));
    let info = known.ok_or_else(|| format!("{apex} is not served here; `trine zone list` shows what is"))?;
    let is_served = matches!(info.condition, Condition::Serving | Condition::Stale);
    let zone = set.zone(apex.as_ref()).filter(|zone| is_served && zone.serial().is_some());
    let zone = zone.ok_or_else(|| format!("{apex} is not served: what is wrong with it `trine zone list` says"))?;
    // As the zone spells it.
    let apex = &zone.apex().to_name();
    let gathered = zones.get(apex).map(|zone| &zone.gathered.owners);
    let leaps = request.leaps.as_ref().is_some_and(|done| !done.contains(apex)) && gathered.is_none();
    let (change, warnings) = change(&zone, gathered, ask, request.now, leaps)?;
    let from = gathered_serial(&zone, zones.get(apex));
    let Some(change) = change else {
        return Ok(Done { apex: apex.clone(), from, to: from, removed: 0, added: 0, warnings });
    };
    let count = |records: &[dns::change::ChangedRecord]| {
        records.iter().filter(|record| record.rtype != dns::types::Rtype::SOA).count()
    };
    let (removed, added) = (count(&change.set.removed), count(&change.set.added));
    let done = Done { apex: apex.clone(), from, to: change.set.to, removed, added, warnings };
    let changing = zones.entry(apex.clone()).or_insert_with(|| Changing {
        id: info.id,
        group: info.group,
        gathered: Gathered::default(),
        asks: Vec::new(),
    });
    changing.gathered.push(change);
    changing.asks.push(number);
    Ok(done)
}

/// The change that an ask is, and what zone checks say of it.
fn change(
    zone: &Zone<'_>,
    gathered: Option<&OwnerChanges>,
    ask: &Ask,
    now: u64,
    leaps: bool,
) -> Result<(Option<ZoneChange>, Vec<String>), String> {
    let by = |policy| if leaps { SerialPolicy::Leap } else { policy };
    match ask {
        Ask::Edit(edit) => {
            let edit = Edit { serial: by(edit.serial), ..edit.clone() };
            let resolution = edit::resolve(zone, gathered, &edit, now).map_err(|error| error.to_string())?;
            Ok((resolution.change, resolution.warnings.iter().map(ToString::to_string).collect()))
        }
        Ask::Again(set) => Ok((Some(edit::again(zone, gathered, set)), Vec::new())),
        Ask::Restore { apex, from, keeps_serial } => {
            if gathered.is_some() {
                return Err(format!("{apex} has changed meanwhile; ask again"));
            }
            let generation = from.generation;
            let before = from.set.as_deref().and_then(|set| set.zone(apex.as_ref()));
            let layers = before.and_then(|zone| from.contents.groups.get(&zone.group())).into_iter().flatten();
            for layer in layers {
                // Damage is not to be served under a sound hash.
                verified(layer).map_err(|error| format!("generation {generation} can't be gone back to: {error}"))?;
            }
            let before = before.filter(|zone| zone.serial().is_some());
            let before = before.ok_or_else(|| format!("{apex} was not served in generation {generation}"))?;
            let serial = match keeps_serial {
                true => NewSerial::Keep,
                false => NewSerial::Raise(by(SerialPolicy::Increment), now),
            };
            let change = edit::difference(zone, &before, serial).map_err(|error| error.to_string())?;
            Ok((change, Vec::new()))
        }
    }
}

/// The serial of a zone with what is gathered.
fn gathered_serial(zone: &Zone<'_>, changing: Option<&Changing>) -> u32 {
    let last = changing.and_then(|zone| zone.gathered.sets.last()).map(|set| set.to);
    last.or(zone.serial()).unwrap_or(0)
}

/// Puts a merged layer where its inputs are; tells whether they are there. Newer ones of them may have been folded into what lies above, which
/// then says what they said, or something newer.
fn adopt(stack: &mut Vec<Arc<LayerFile>>, merged: &Merged) -> bool {
    let is_input = |layer: &Arc<LayerFile>| merged.inputs.contains(&layer.id);
    let Some(oldest) = merged.inputs.last() else { return false };
    if stack.iter().all(|layer| layer.id != *oldest) {
        return false;
    }
    let Some(first) = stack.iter().position(is_input) else { return false };
    stack.retain(|layer| !is_input(layer));
    stack.insert(first, Arc::clone(&merged.layer));
    true
}
