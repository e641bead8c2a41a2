//! Changes that are handed in, and merged layers, into a candidate: at the cost of what they change.
//!
//! Nothing here waits for the disk. What was changed goes into a record of the commit log, from which the layers written here can be made again
//! ([`crate::commits`]). Changes are taken one after the other, each by itself: one that can't be made is answered with the reason, and
//! those behind it are made as if it had not been there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use dns::change::{ChangeSet, ChangedRecord, OwnerChanges, ZoneChange};
use dns::text::changes::Request;
use dns::types::{Rcode, Rtype};
use zone_segment::{
    GroupId, HashKey, LAYERS_MAX, LayerId, LookupName, Name, NameRef, SegmentBuilder, Zone, ZoneId, ZoneSet,
};

use super::layering::{ChangedZone, changed_stack};
use super::layers::verified;
use super::segments::Files;
use super::shard::Moved;
use super::{BuildError, directory, group};
use crate::apex::Apex;
use crate::catalogue::{Condition, Shard, Transferred, ZoneInfo};
use crate::edit::{self, Edit, Gathered, NewSerial, SerialPolicy, Update, UpdateRefused};
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

impl ChangesRequest {
    /// Whether all of it takes no longer than to hand it to another thread and wake the loop again, so that the loop can build it itself: a few
    /// lines for zones that have their groups alone, that neither add nor take away what rules over other names, for owners of few records, and
    /// nothing merged.
    pub(crate) fn is_small(&self) -> bool {
        let Some(set) = self.base.set.as_deref().filter(|_| self.merged.is_empty()) else { return false };
        let groups = &self.base.contents.groups;
        let mut lines_left = SMALL_LINES;
        let mut records_left = SMALL_RECORDS;
        groups.len() <= SMALL_GROUPS
            && self.asks.iter().flatten().all(|ask| {
                let Some(left) = ask.lines().and_then(|lines| lines_left.checked_sub(lines)) else { return false };
                lines_left = left;
                // One that is not served is refused at once.
                let Some(zone) = set.zone(ask.apex().as_ref()) else { return true };
                let has_room = groups.get(&zone.group()).is_some_and(|stack| stack.len() < LAYERS_MAX);
                let mut spend = |name: NameRef<'_>| {
                    let node = zone.address_node(&LookupName::new(zone.key(), name));
                    let count = node.map_or(0, |node| node.records().take(SMALL_RECORDS + 1).count());
                    records_left.checked_sub(count).map(|left| records_left = left).is_some()
                };
                group::is_alone(zone.group())
                    && has_room
                    && spend(ask.apex().as_ref())
                    && match ask {
                        Ask::Edit(edit) => {
                            edit.lines.iter().all(|line| !is_structural(&line.request) && spend(line.request.owner()))
                        }
                        Ask::Transferred { sets, .. } => {
                            let mut records = sets.iter().flat_map(|set| set.removed.iter().chain(&set.added));
                            records.all(|record| !rules_others(record.rtype) && spend(record.owner.as_ref()))
                        }
                        Ask::Restore { .. } | Ask::Update(_) | Ask::Again(_) => false,
                    }
            })
    }
}

/// Whether a line may change what stands of names that it does not speak of.
fn is_structural(request: &Request) -> bool {
    match request {
        Request::Add(ChangedRecord { rtype, .. })
        | Request::Delete { rtype, .. }
        | Request::DeleteRrset { rtype, .. } => rules_others(*rtype),
        Request::DeleteOwner { .. } => true,
    }
}

/// Whether records of a type may change what stands of names that they do not belong to.
fn rules_others(rtype: Rtype) -> bool {
    matches!(rtype, Rtype::NS | Rtype::DNAME | Rtype::NSEC3PARAM)
}

/// Lines that the loop builds itself.
const SMALL_LINES: usize = 16;

/// Records of the owners concerned, the apexes among them: what is there is read, checked and written again.
const SMALL_RECORDS: usize = 128;

/// Groups of a generation that the loop builds on: each costs an entry of a list that is copied.
const SMALL_GROUPS: usize = 1024;

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
    /// A dynamic update.
    Update(Update),
    /// A change that was made before and is made again, after layers were lost.
    Again(ChangeSet),
    /// Changes that the primary of a secondary zone made, one after the other.
    Transferred {
        /// The zone.
        apex: Name,
        /// They.
        sets: Vec<ChangeSet>,
        /// Whether what they lead to was checked.
        is_checked: bool,
        /// What is known of the zone from then on.
        transferred: Transferred,
    },
}

impl Ask {
    /// How many lines or records it has, where that says how long it takes.
    fn lines(&self) -> Option<usize> {
        match self {
            Ask::Edit(edit) => Some(edit.lines.len()),
            Ask::Transferred { sets, .. } => Some(sets.iter().map(|set| set.removed.len() + set.added.len()).sum()),
            Ask::Restore { .. } | Ask::Update(_) | Ask::Again(_) => None,
        }
    }

    /// The zone.
    pub(crate) fn apex(&self) -> &Name {
        match self {
            Ask::Edit(edit) => &edit.apex,
            Ask::Update(update) => &update.apex,
            Ask::Restore { apex, .. } | Ask::Transferred { apex, .. } => apex,
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
    pub(crate) answers: Vec<Result<Vec<Done>, Refusal>>,
}

/// Why nothing of what was asked for was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What who asked over the wire is told.
    pub(crate) rcode: Rcode,
    /// The reason in words.
    pub(crate) reason: String,
}

impl From<String> for Refusal {
    /// A reason that is not of the asker's making.
    fn from(reason: String) -> Self {
        Self { rcode: Rcode::SERVFAIL, reason }
    }
}

impl From<UpdateRefused> for Refusal {
    fn from(UpdateRefused { rcode, reason }: UpdateRefused) -> Self {
        Self { rcode, reason }
    }
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
    /// What is known of it from then on, where its primary changed it.
    transferred: Option<Transferred>,
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
    let mut answers: Vec<Result<Vec<Done>, Refusal>> = Vec::new();
    for (number, asks) in request.asks.iter().enumerate() {
        if let Some(error) = refused.get(&number) {
            answers.push(Err(error.clone().into()));
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
        let before = info.place();
        let mut info = ZoneInfo { serial, records, ..ZoneInfo::clone(info) };
        if let Some(transferred) = zones.get(apex.name()).and_then(|zone| zone.transferred) {
            // Whatever was wrong with what there was of it is over.
            (info.condition, info.error, info.transferred) = (Condition::Serving, None, Some(transferred));
        }
        // What its primaries have given away is their data, anything else not that of its file.
        info.is_edited = info.transferred.is_none();
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
        if info.place() != before {
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
) -> Result<Done, Refusal> {
    let apex = ask.apex();
    let known = request.base.zones.get(&Apex::new(apex.clone()));
    let info = known.ok_or_else(|| format!("{apex} is not served here; `trine zone list` shows what is"))?;
    // Data that has expired is replaced by what its primary has.
    let is_transferred = matches!(ask, Ask::Transferred { .. });
    let is_served = match info.condition {
        Condition::Serving | Condition::Stale => true,
        Condition::Expired => is_transferred,
        Condition::Broken => false,
    };
    if info.transferred.is_some() && matches!(ask, Ask::Edit(_) | Ask::Restore { .. }) {
        return Err(format!("{apex} comes from its primaries: it is to be changed there").into());
    }
    let zone = set.zone(apex.as_ref()).filter(|zone| is_served && zone.serial().is_some());
    let zone = zone.ok_or_else(|| format!("{apex} is not served: what is wrong with it `trine zone list` says"))?;
    // As the zone spells it.
    let apex = &zone.apex().to_name();
    let gathered = zones.get(apex).map(|zone| &zone.gathered.owners);
    let leaps = request.leaps.as_ref().is_some_and(|done| !done.contains(apex)) && gathered.is_none();
    let (changes, warnings) = change(&zone, gathered, ask, request.now, leaps)?;
    let from = gathered_serial(&zone, zones.get(apex));
    let mut done = Done { apex: apex.clone(), from, to: from, removed: 0, added: 0, warnings };
    if changes.is_empty() {
        return Ok(done);
    }
    let count = |records: &[ChangedRecord]| records.iter().filter(|record| record.rtype != Rtype::SOA).count();
    let changing = zones.entry(apex.clone()).or_insert_with(|| Changing {
        id: info.id,
        group: info.group,
        gathered: Gathered::default(),
        asks: Vec::new(),
        transferred: None,
    });
    for change in changes {
        done.to = change.set.to;
        done.removed += count(&change.set.removed);
        done.added += count(&change.set.added);
        changing.gathered.push(change);
    }
    changing.asks.push(number);
    if let Ask::Transferred { transferred, .. } = ask {
        changing.transferred = Some(*transferred);
    }
    Ok(done)
}

/// The changes that an ask is, mostly one, and what zone checks say of them.
fn change(
    zone: &Zone<'_>,
    gathered: Option<&OwnerChanges>,
    ask: &Ask,
    now: u64,
    leaps: bool,
) -> Result<(Vec<ZoneChange>, Vec<String>), Refusal> {
    let by = |policy| if leaps { SerialPolicy::Leap } else { policy };
    match ask {
        Ask::Edit(edit) => {
            let edit = Edit { serial: by(edit.serial), ..edit.clone() };
            let resolution = edit::resolve(zone, gathered, &edit, now).map_err(|error| error.to_string())?;
            let change = resolution.change.into_iter().collect();
            Ok((change, resolution.warnings.iter().map(ToString::to_string).collect()))
        }
        Ask::Again(set) => Ok((vec![edit::again(zone, gathered, set)], Vec::new())),
        Ask::Transferred { sets, is_checked, .. } => {
            let changes = edit::transferred(zone, gathered, sets, *is_checked).map_err(|error| error.to_string())?;
            Ok((changes, Vec::new()))
        }
        Ask::Update(update) => {
            let update = Update { serial: by(update.serial), ..update.clone() };
            let resolution = edit::update(zone, gathered, &update, now)?;
            let change = resolution.change.into_iter().collect();
            Ok((change, resolution.warnings.iter().map(ToString::to_string).collect()))
        }
        Ask::Restore { apex, from, keeps_serial } => {
            if gathered.is_some() {
                return Err(format!("{apex} has changed meanwhile; ask again").into());
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
            Ok((change.into_iter().collect(), Vec::new()))
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
