//! One shard of a build: its zones read, its groups written, by itself.
//!
//! What is read of a shard is kept until its groups are written and dropped then, so that a load of many zones holds as many shards
//! as there are cores, not all zones.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use dns::SortedZone;
use dns::change::{ChangeSet, ZoneChange};
use zone_segment::{GroupId, Name, WriteError, ZoneChanges, ZoneId};

use super::journal::Difference;
use super::layers::Written;
use super::segments::{Fresh, Member};
use super::survey::{Found, Work};
use super::{BuildError, Job, ReceivedZone, Report, group, journal, segments};
use crate::apex::Apex;
use crate::catalogue::{Condition, Shard, TRANSFER_SOURCE, Transferred, ZoneInfo, Zones};
use crate::edit::is_forward;
use crate::generation::LayerFile;
use crate::manifest::SourceStamp;
use crate::source::stamp;
use crate::source::zonefile::{ComparedZone, ReadZone, Reader, Refused};

/// Files above this are read one after the other: reading one of them is work for all cores.
const BIG_OCTETS: u64 = 4 << 20;

/// Zones from primaries with more records are written one after the other, for the same reason.
const BIG_RECORDS: u64 = 1 << 16;

/// What is said of a zone that is yet to come.
const NOT_TRANSFERRED: &str = "no data yet: none of its primaries has given it away";

/// What is said of a zone whose data is to come anew.
const LOST: &str = "its segment is damaged: it is taken from its primaries anew";

/// What became of a zone's entry in the directory: none when the zone went.
pub(super) type Moved = BTreeMap<Apex, Option<Arc<ZoneInfo>>>;

/// A shard being built.
pub(super) struct ShardBuild<'a> {
    /// Its number.
    number: u32,
    /// Its zones before.
    before: &'a Zones,
    /// Its zones as they will stand, once anything differs.
    zones: Option<Zones>,
    /// Zones still to read.
    read: Vec<Work>,
    /// Zones that came as a whole from primaries, not looked at yet, with their numbers and records.
    received: Vec<(Apex, ZoneId, u64)>,
    /// Zones read anew and not written yet.
    fresh: BTreeMap<Apex, SortedZone>,
    /// What changed of zones that were compared with their sources, not written yet.
    changes: BTreeMap<Apex, ZoneChanges>,
    /// What changed of those, and of zones read anew where that is known.
    sets: BTreeMap<Apex, ChangeSet>,
    /// All zones with new data, written or not.
    read_anew: BTreeSet<Apex>,
    /// Groups to be written.
    groups: BTreeSet<GroupId>,
    /// Groups written.
    written: BTreeMap<GroupId, Written>,
    /// What the zone directory has to be told.
    moved: Moved,
    /// What happened.
    report: Report,
}

/// A shard that was built.
pub(super) struct BuiltShard {
    /// Its number.
    pub(super) number: u32,
    /// Its zones, when anything differs.
    pub(super) zones: Option<Shard>,
    /// Its groups that were written.
    pub(super) groups: BTreeMap<GroupId, Written>,
    /// What changed in its zones, where that is known.
    pub(super) changes: Vec<ChangeSet>,
    /// What the zone directory has to be told.
    pub(super) moved: Moved,
    /// What happened.
    pub(super) report: Report,
}

impl<'a> ShardBuild<'a> {
    /// Begins with what needs no reading.
    pub(super) fn new(job: &Job<'a>, found: Found) -> Self {
        let Found { number, read, gone, ambiguous, unchanged, mended, expiring, distrusted, .. } = found;
        let Found { secondaries, lost, received, .. } = found;
        let before = &job.zones.shard(number).zones;
        let mut shard = ShardBuild {
            number,
            before,
            zones: None,
            read,
            received,
            fresh: BTreeMap::new(),
            changes: BTreeMap::new(),
            sets: BTreeMap::new(),
            read_anew: BTreeSet::new(),
            groups: distrusted,
            written: BTreeMap::new(),
            moved: Moved::new(),
            report: Report { unchanged, ..Report::default() },
        };
        expiring.iter().for_each(|apex| shard.expire(job, apex));
        gone.into_iter().for_each(|apex| shard.remove(apex));
        for (apex, id, error) in ambiguous {
            let refused = Refused { errors: vec![error], tried: Vec::new() };
            shard.failed(job, &apex, id, &Arc::from(job.request.zones.as_path()), refused);
        }
        mended.iter().for_each(|apex| shard.mark_sound(job, apex));
        secondaries.iter().for_each(|(apex, id)| shard.begin_secondary(job, apex, *id));
        for (apex, id) in lost {
            let refused = Refused { errors: vec![LOST.to_owned()], tried: Vec::new() };
            shard.failed(job, &apex, id, &Arc::from(Path::new(TRANSFER_SOURCE)), refused);
        }
        shard
    }

    /// Reads the big zones, and writes those that get a group alone.
    pub(super) fn read_big(&mut self, job: &Job<'_>) -> Result<(), BuildError> {
        for work in self.read.extract_if(.., |work| work.size > BIG_OCTETS).collect::<Vec<_>>() {
            self.compare(job, &work, &mut Reader::new(0, job.request))?;
            self.write(job, group::is_alone)?;
        }
        let is_big = |(_, _, records): &mut (Apex, ZoneId, u64)| *records > BIG_RECORDS;
        for (apex, id, _) in self.received.extract_if(.., is_big).collect::<Vec<_>>() {
            self.receive(job, apex, id)?;
            self.write(job, group::is_alone)?;
        }
        Ok(())
    }

    /// Reads the others and writes what is left to be written.
    pub(super) fn finish(mut self, job: &Job<'_>) -> Result<BuiltShard, BuildError> {
        let mut reader = Reader::new(1, job.request);
        for work in std::mem::take(&mut self.read) {
            self.compare(job, &work, &mut reader)?;
        }
        for (apex, id, _) in std::mem::take(&mut self.received) {
            self.receive(job, apex, id)?;
        }
        self.write(job, |_| true)?;
        let ShardBuild { number, zones, written: groups, moved, report, sets, .. } = self;
        let changes = sets.into_values().collect();
        Ok(BuiltShard { number, zones: zones.map(Shard::new), groups, changes, moved, report })
    }

    /// The zones as they stand so far.
    fn zones(&self) -> &Zones {
        self.zones.as_ref().unwrap_or(self.before)
    }

    /// Puts a zone in, or takes one out.
    fn set(&mut self, apex: &Apex, zone: Option<ZoneInfo>) {
        let zone = zone.map(Arc::new);
        let place = |zone: &Arc<ZoneInfo>| zone.place();
        if self.before.get(apex).map(place) == zone.as_ref().map(place) {
            self.moved.remove(apex);
        } else {
            self.moved.insert(apex.clone(), zone.clone());
        }
        let zones = self.zones.get_or_insert_with(|| self.before.clone());
        match zone {
            Some(zone) => zones.insert(apex.clone(), zone),
            None => zones.remove(apex),
        };
    }

    /// Drops a zone whose file is gone.
    fn remove(&mut self, apex: Apex) {
        let Some(zone) = self.before.get(&apex) else { return };
        if zone.has_data() {
            self.groups.insert(zone.group);
        }
        self.set(&apex, None);
        self.report.changed.push(apex.name().clone());
    }

    /// A zone comes from primaries from now on: what there is of it is served until they have given it away, but for its source.
    fn begin_secondary(&mut self, job: &Job<'_>, apex: &Apex, id: ZoneId) {
        let transferred = Some(Transferred::default());
        let source: Arc<Path> = Path::new(TRANSFER_SOURCE).into();
        let zone = match job.usable(apex) {
            Some(zone) => {
                ZoneInfo { source, transferred, is_edited: false, stamps: Vec::new(), error: None, ..zone.clone() }
            }
            None => ZoneInfo {
                id,
                group: group::choose(self.number, 0, None, &job.next_group),
                condition: Condition::Broken,
                serial: None,
                records: 0,
                source,
                transferred,
                is_edited: false,
                stamps: Vec::new(),
                error: Some(NOT_TRANSFERRED.to_owned()),
                tried: Vec::new(),
            },
        };
        self.set(apex, Some(zone));
        self.report.changed.push(apex.name().clone());
    }

    /// Takes a zone that came as a whole from its primary.
    fn receive(&mut self, job: &Job<'_>, apex: Apex, id: ZoneId) -> Result<(), BuildError> {
        let Some(ReceivedZone { zone, transferred }) = job.request.received.take(&apex) else { return Ok(()) };
        let work = Work { apex, id, path: Path::new(TRANSFER_SOURCE).into(), size: 0 };
        self.compare_whole(job, &work, zone)?;
        let apex = &work.apex;
        if let Some(zone) = self.zones().get(apex).map(Arc::clone) {
            self.set(apex, Some(ZoneInfo { transferred: Some(transferred), ..ZoneInfo::clone(&zone) }));
        }
        Ok(())
    }

    /// Compares one zone with its file, by content.
    fn compare(&mut self, job: &Job<'_>, work: &Work, reader: &mut Reader<'_>) -> Result<(), BuildError> {
        let Work { apex, id, path, size } = work;
        let usable = job.usable(apex);
        // What was touched, or is too fresh to tell, need not be parsed.
        let unforced = usable.filter(|zone| zone.source == *path && !job.forces(apex));
        let renewed = unforced.and_then(|zone| stamp::renewed(&zone.stamps));
        if let Some(stamps) = renewed {
            job.request.progress.octets_done(*size);
            job.request.progress.zone_done();
            self.is_same(job, apex, path, stamps);
            return Ok(());
        }
        if !self.compare_alone(job, work, reader) {
            match reader.read(path, apex.name()) {
                Err(refused) => self.failed(job, apex, *id, path, refused),
                Ok(read) => self.compare_whole(job, work, read)?,
            }
        }
        job.request.progress.zone_done();
        Ok(())
    }

    /// Compares a zone that has a group alone with its file while that is read; tells whether that was enough.
    fn compare_alone(&mut self, job: &Job<'_>, work: &Work, reader: &mut Reader<'_>) -> bool {
        let Work { apex, path, .. } = work;
        let usable = job.usable(apex).filter(|zone| group::is_alone(zone.group));
        // Where its layers are damaged, its file is read whole; what is done about them, others decide.
        let served = |zone: &ZoneInfo| job.before.as_ref()?.zone(zone.group, apex.name()).ok();
        let Some((zone, served)) = usable.and_then(|zone| Some((zone, served(zone)?))) else {
            return false;
        };
        let Some(ComparedZone { change, records, stamps, warnings }) = reader.compare(path, apex.name(), served) else {
            return false;
        };
        let Some(ZoneChange { set, owners }) = change else {
            self.warn(apex, &warnings);
            self.is_in_step(job, apex, path, stamps);
            return true;
        };
        if group::choose(self.number, records, Some(zone), &job.next_group) != zone.group {
            return false;
        }
        let Ok(changes) = ZoneChanges::new(&served, &owners) else { return false };
        if !changes.fits(&served) {
            return false;
        }
        if self.refuse_behind(job, work, Some(set.to), &stamps) {
            return true;
        }
        self.warn(apex, &warnings);
        self.take(job, work, New { records, serial: Some(set.to), stamps });
        self.changes.insert(apex.clone(), changes);
        self.sets.insert(apex.clone(), set);
        true
    }

    /// Compares a zone that was read with what is served of it.
    ///
    /// # Errors
    ///
    /// [`BuildError::Damaged`]: a layer is not to be put above what is damaged.
    fn compare_whole(&mut self, job: &Job<'_>, work: &Work, read: ReadZone) -> Result<(), BuildError> {
        let Work { apex, path, .. } = work;
        let ReadZone { zone, records, serial, stamps, warnings } = read;
        self.warn(apex, &warnings);
        let usable = job.usable(apex);
        if usable.is_some_and(|zone| same_contents(&zone.stamps, &stamps)) && !job.forces(apex) {
            self.is_same(job, apex, path, stamps);
            return Ok(());
        }
        // A zone alone was compared already.
        let served = usable.zip(job.before.as_ref()).filter(|(zone, _)| !group::is_alone(zone.group));
        let served = served.map(|(zone, before)| before.zone(zone.group, apex.name())).transpose()?;
        let set = match served.map(|served| journal::difference(served, &zone)) {
            Some(Difference::None) => {
                self.is_in_step(job, apex, path, stamps);
                return Ok(());
            }
            Some(Difference::Set(set)) => Some(set),
            Some(Difference::Whole) | None => None,
        };
        if self.refuse_behind(job, work, serial, &stamps) {
            return Ok(());
        }
        self.take(job, work, New { records, serial, stamps });
        self.fresh.insert(apex.clone(), zone);
        self.sets.extend(set.map(|set| (apex.clone(), set)));
        Ok(())
    }

    /// Notes what the checks found in a zone.
    fn warn(&mut self, apex: &Apex, warnings: &[String]) {
        let warnings = warnings.iter().map(|warning| (apex.name().clone(), warning.clone()));
        self.report.warnings.extend(warnings);
    }

    /// The file has what is served, whichever came to be like the other.
    fn is_in_step(&mut self, job: &Job<'_>, apex: &Apex, path: &Arc<Path>, stamps: Vec<SourceStamp>) {
        if let Some(zone) = self.zones().get(apex).filter(|zone| zone.is_edited).map(Arc::clone) {
            self.set(apex, Some(ZoneInfo { is_edited: false, ..ZoneInfo::clone(&zone) }));
        }
        self.is_same(job, apex, path, stamps);
    }

    /// Refuses a file that changed, where the zone was changed in another way since it was read and the file's serial says that it knows nothing of
    /// that: what was answered as durable is not taken back by an edit of a comment. Tells whether it was refused.
    fn refuse_behind(&mut self, job: &Job<'_>, work: &Work, serial: Option<u32>, stamps: &[SourceStamp]) -> bool {
        let Work { apex, id, path, .. } = work;
        let edited = job.usable(apex).filter(|zone| zone.is_edited && zone.transferred.is_none());
        let serials = edited.and_then(|zone| zone.serial).zip(serial);
        let Some((from, to)) = serials.filter(|(from, to)| !is_forward(*from, *to) && !job.forces(apex)) else {
            return false;
        };
        let error = format!(
            "{}: error: the file changed and its serial is {to}, not ahead of {from}, which is served: {apex} was changed since it was read, by updates or by \
             hand, and the file would take that back; put into the file what is to stay and raise its serial above {from}, or take it as it is with \
             `trine reload --force {apex}`",
            path.display()
        );
        let tried = stamps.iter().map(|stamp| Arc::clone(&stamp.path)).collect();
        self.failed(job, apex, *id, path, Refused { errors: vec![error], tried });
        true
    }

    /// Touched or rewritten with the same octets: remembers how it looks, builds nothing.
    fn is_same(&mut self, job: &Job<'_>, apex: &Apex, path: &Arc<Path>, stamps: Vec<SourceStamp>) {
        let Some(zone) = self.zones().get(apex) else { return };
        if zone.stamps != stamps || zone.source != *path || zone.transferred.is_some() {
            // What came from primaries before comes from its file now.
            let zone = ZoneInfo { stamps, source: Arc::clone(path), transferred: None, ..ZoneInfo::clone(zone) };
            self.set(apex, Some(zone));
        }
        self.mark_sound(job, apex);
    }

    /// The data is what the source has: an error of before is over, and data that expired is good again if it was asked for.
    fn mark_sound(&mut self, job: &Job<'_>, apex: &Apex) {
        let Some(zone) = self.zones().get(apex).map(Arc::clone) else { return };
        let is_refreshed = zone.condition == Condition::Expired && job.request.scope.refreshes(apex.name());
        if is_refreshed {
            self.report.changed.push(apex.name().clone());
        } else {
            self.report.unchanged += 1;
        }
        let condition = match zone.condition {
            Condition::Expired if !is_refreshed => Condition::Expired,
            _ => Condition::Serving,
        };
        if zone.condition != condition || zone.error.is_some() {
            self.set(apex, Some(ZoneInfo { condition, error: None, tried: Vec::new(), ..ZoneInfo::clone(&zone) }));
        }
    }

    /// A zone expires: nothing of it is answered, while its data stays where it is.
    fn expire(&mut self, job: &Job<'_>, apex: &Apex) {
        match job.zones.to_expire(apex) {
            Ok(zone) if zone.condition == Condition::Expired => self.report.unchanged += 1,
            Ok(zone) => {
                self.set(apex, Some(ZoneInfo { condition: Condition::Expired, ..ZoneInfo::clone(zone) }));
                self.report.changed.push(apex.name().clone());
            }
            Err(error) => self.report.failed.push((apex.name().clone(), error)),
        }
    }

    /// Whether what there was of a zone has expired by now.
    fn has_expired(&self, job: &Job<'_>, apex: &Apex) -> bool {
        let is_expired = |zone: &Arc<ZoneInfo>| zone.condition == Condition::Expired;
        self.before.get(apex).is_some_and(is_expired) || job.request.scope.expiring.contains(apex.name())
    }

    /// Takes new data of a zone.
    fn take(&mut self, job: &Job<'_>, work: &Work, new: New) {
        let Work { apex, id, path, .. } = work;
        let New { records: count, serial, stamps } = new;
        let before = self.before.get(apex).map(Arc::as_ref);
        if let (Some(from), Some(to)) = (before.and_then(|zone| zone.serial), serial)
            && !is_forward(from, to)
        {
            let warning = format!(
                "{}: warning: the data changed and the serial went from {from} to {to}, which is no way forward (RFC 1982): \
                 secondaries keep what they have; raise it above {from}",
                path.display()
            );
            self.warn(apex, &[warning]);
        }
        // What was damaged is not taken back: it is made again, above the file.
        if job.usable(apex).is_some_and(|zone| zone.is_edited) {
            let warning = format!(
                "{}: warning: the file takes the place of what {apex} was changed to since it was read, by updates or by hand",
                path.display()
            );
            self.warn(apex, &[warning]);
        }
        let group = group::choose(self.number, count, before, &job.next_group);
        if let Some(before) = before.filter(|zone| zone.has_data()) {
            self.groups.insert(before.group);
        }
        self.groups.insert(group);
        // What was lost of a zone that expired is read again, and is no newer for that.
        let is_as_expired = self.has_expired(job, apex)
            && !job.request.scope.refreshes(apex.name())
            && before.is_some_and(|zone| match &zone.stamps[..] {
                [] => zone.serial == serial,
                before => same_contents(before, &stamps),
            });
        let zone = ZoneInfo {
            id: *id,
            group,
            condition: if is_as_expired { Condition::Expired } else { Condition::Serving },
            serial,
            records: count,
            source: Arc::clone(path),
            is_edited: false,
            transferred: None,
            stamps,
            error: None,
            tried: Vec::new(),
        };
        self.set(apex, Some(zone));
        self.read_anew.insert(apex.clone());
        self.report.changed.push(apex.name().clone());
    }

    /// The source of a zone can't be taken: the data before goes on, unless it has expired, or nothing is served.
    fn failed(&mut self, job: &Job<'_>, apex: &Apex, id: ZoneId, path: &Arc<Path>, refused: Refused) {
        let Refused { errors, tried } = refused;
        let error = errors.join("\n");
        self.report.failed.push((apex.name().clone(), error.clone()));
        let condition = if self.has_expired(job, apex) { Condition::Expired } else { Condition::Stale };
        let zone = match job.usable(apex) {
            Some(before) => ZoneInfo { condition, error: Some(error), tried, ..before.clone() },
            None => ZoneInfo {
                id,
                group: group::choose(self.number, 0, None, &job.next_group),
                condition: Condition::Broken,
                serial: None,
                records: 0,
                source: Arc::clone(path),
                is_edited: false,
                transferred: job.request.secondaries.contains(apex).then(Transferred::default),
                stamps: Vec::new(),
                error: Some(error),
                tried,
            },
        };
        // As it stands by now: it may have been taken before it could not be written.
        if self.zones().get(apex).is_none_or(|before| **before != zone) {
            self.set(apex, Some(zone));
        }
    }

    /// Writes the groups that are to be written and that `which` holds for.
    fn write(&mut self, job: &Job<'_>, which: impl Fn(GroupId) -> bool) -> Result<(), BuildError> {
        // Groups of one zone first: a zone that can't be written there stays in the packed group that it was to leave.
        while let Some(group) = self.groups.iter().rev().copied().find(|group| which(*group)) {
            self.groups.remove(&group);
            if self.is_as_before(job, group) {
                self.written.remove(&group);
                continue;
            }
            match self.write_group(job, group) {
                Ok(Written::AsBefore) => drop(self.written.remove(&group)),
                Ok(written) => drop(self.written.insert(group, written)),
                Err(BuildError::Segment(zone_segment::BuildError::Records { apex, source, .. })) => {
                    self.refuse(job, group, apex, source)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes one group.
    fn write_group(&mut self, job: &Job<'_>, group: GroupId) -> Result<Written, BuildError> {
        let mut fresh = std::mem::take(&mut self.fresh);
        // Nothing else is in a group alone, so that nothing else would have to be written again.
        let mut own = |apex: &Apex| if group::is_alone(group) { fresh.remove(apex).map(Fresh::Own) } else { None };
        let mut changes = std::mem::take(&mut self.changes);
        let mut members: Vec<Member<'_>> = members(self.zones(), group)
            .map(|(apex, id)| Member { apex, id, fresh: own(apex), changes: changes.remove(apex) })
            .collect();
        for member in members.iter_mut().filter(|member| member.fresh.is_none()) {
            member.fresh = fresh.get(member.apex).map(Fresh::Lent);
        }
        let written = segments::write_group(job, group, members);
        if written.is_ok() {
            let is_written = |apex: &Apex| self.zones().get(apex).is_some_and(|zone| zone.group == group);
            fresh.retain(|apex, _| !is_written(apex));
        }
        self.fresh = fresh;
        self.changes = changes;
        written
    }

    /// Whether a group has the zones that it had, none of them read anew.
    fn is_as_before(&self, job: &Job<'_>, group: GroupId) -> bool {
        let is_fresh = |apex: &Apex| self.read_anew.contains(apex);
        !job.distrusted.contains(&group)
            && members(self.zones(), group).eq(members(self.before, group))
            && !members(self.zones(), group).any(|(apex, _)| is_fresh(apex))
    }

    /// The records of a zone make no segment: that is the fault of its source. Its group is to be written again without them.
    ///
    /// # Errors
    ///
    /// The same error again, when the records are not from a source but from the generation before.
    fn refuse(&mut self, job: &Job<'_>, group: GroupId, apex: Name, source: WriteError) -> Result<(), BuildError> {
        let zone = self.zones().get(&Apex::new(apex.clone())).map(Arc::clone);
        let apex = Apex::new(apex);
        let Some(zone) = zone.filter(|_| self.read_anew.remove(&apex)) else {
            let (zone, apex) = (ZoneId(0), apex.name().clone());
            return Err(BuildError::Segment(zone_segment::BuildError::Records { zone, apex, source }));
        };
        self.fresh.remove(&apex);
        self.sets.remove(&apex);
        self.report.changed.retain(|changed| changed != apex.name());
        self.groups.insert(group);
        self.groups.extend(job.usable(&apex).map(|before| before.group));
        let errors = vec![format!("{}: error: {source}", zone.source.display())];
        let tried = zone.stamps.iter().map(|stamp| Arc::clone(&stamp.path)).collect();
        self.failed(job, &apex, zone.id, &zone.source, Refused { errors, tried });
        Ok(())
    }
}

/// New data of a zone, but for the data.
struct New {
    /// How many records it has.
    records: u64,
    /// The serial of its SOA record.
    serial: Option<u32>,
    /// Every file read, as it was.
    stamps: Vec<SourceStamp>,
}

/// The zones of a group that have data.
fn members(zones: &Zones, group: GroupId) -> impl Iterator<Item = (&Apex, ZoneId)> {
    let members = zones.iter().filter(move |(_, zone)| zone.group == group && zone.has_data());
    members.map(|(apex, zone)| (apex, zone.id))
}

impl<'a> Job<'a> {
    /// The layers of a group before, newest first.
    pub(super) fn layers(&self, group: GroupId) -> &'a [Arc<LayerFile>] {
        self.before.as_ref().map_or(&[], |before| before.layers(group))
    }

    /// Whether a zone is to be as its file has it, whatever it was changed to since.
    fn forces(&self, apex: &Apex) -> bool {
        self.request.scope.forced.contains(apex.name())
    }

    /// A zone before, if its data can be used.
    pub(super) fn usable(&self, apex: &Apex) -> Option<&'a ZoneInfo> {
        let zone = self.zones.get(apex).map(Arc::as_ref);
        zone.filter(|zone| zone.has_data() && !self.distrusted.contains(&zone.group))
    }
}

/// Whether the files hold the same octets, wherever they lie and whenever they were written.
fn same_contents(before: &[SourceStamp], after: &[SourceStamp]) -> bool {
    let hashes = |stamps: &[SourceStamp]| stamps.iter().map(|s| (s.size, s.content_hash)).collect::<Vec<_>>();
    !before.is_empty() && hashes(before) == hashes(after)
}
