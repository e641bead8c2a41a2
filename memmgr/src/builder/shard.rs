//! One shard of a build: its zones read, its groups written, by itself.
//!
//! What is read of a shard is kept until its groups are written and dropped then, so that a load of many zones holds as many shards
//! as there are cores, not all zones.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use dns::SortedZone;
use zone_segment::{GroupId, ZoneId};

use super::segments::Member;
use super::survey::{Found, Work};
use super::{BuildError, Job, Report, group, segments};
use crate::apex::Apex;
use crate::catalogue::{Condition, Shard, ZoneInfo, Zones};
use crate::generation::LayerFile;
use crate::manifest::SourceStamp;
use crate::source::stamp;
use crate::source::zonefile::{ReadZone, Reader, Refused};

/// Files above this are read one after the other: reading one of them is work for all cores.
const BIG_OCTETS: u64 = 4 << 20;

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
    /// Zones read anew and not written yet.
    fresh: BTreeMap<Apex, SortedZone>,
    /// Groups to be written.
    groups: BTreeSet<GroupId>,
    /// Groups written.
    written: BTreeMap<GroupId, Option<LayerFile>>,
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
    /// Its groups that were written; none where no zone is left in one.
    pub(super) groups: BTreeMap<GroupId, Option<LayerFile>>,
    /// What the zone directory has to be told.
    pub(super) moved: Moved,
    /// What happened.
    pub(super) report: Report,
}

impl<'a> ShardBuild<'a> {
    /// Begins with what needs no reading.
    pub(super) fn new(job: &Job<'a>, found: Found) -> Self {
        let Found { number, read, gone, ambiguous, unchanged, mended, distrusted } = found;
        let before = &job.zones.shard(number).zones;
        let mut shard = ShardBuild {
            number,
            before,
            zones: None,
            read,
            fresh: BTreeMap::new(),
            groups: distrusted,
            written: BTreeMap::new(),
            moved: Moved::new(),
            report: Report { unchanged, ..Report::default() },
        };
        gone.into_iter().for_each(|apex| shard.remove(apex));
        for (apex, id, error) in ambiguous {
            let refused = Refused { errors: vec![error], tried: Vec::new() };
            shard.failed(job, &apex, id, &Arc::from(job.request.zones.as_path()), refused);
        }
        mended.iter().for_each(|apex| shard.mark_sound(apex));
        shard
    }

    /// Reads the big zones, and writes those that get a group alone.
    pub(super) fn read_big(&mut self, job: &Job<'_>) -> Result<(), BuildError> {
        for work in self.read.extract_if(.., |work| work.size > BIG_OCTETS).collect::<Vec<_>>() {
            self.compare(job, &work, &mut Reader::new(0, job.request));
            self.write(job, group::is_alone)?;
        }
        Ok(())
    }

    /// Reads the others and writes what is left to be written.
    pub(super) fn finish(mut self, job: &Job<'_>) -> Result<BuiltShard, BuildError> {
        let mut reader = Reader::new(1, job.request);
        for work in std::mem::take(&mut self.read) {
            self.compare(job, &work, &mut reader);
        }
        self.write(job, |_| true)?;
        let ShardBuild { number, zones, written: groups, moved, report, .. } = self;
        Ok(BuiltShard { number, zones: zones.map(Shard::new), groups, moved, report })
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

    /// Compares one zone with its file, by content.
    fn compare(&mut self, job: &Job<'_>, work: &Work, reader: &mut Reader<'_>) {
        let Work { apex, id, path, size } = work;
        let usable = job.usable(apex);
        // What was touched, or is too fresh to tell, need not be parsed.
        let renewed = usable.filter(|zone| zone.source == *path).and_then(|zone| stamp::renewed(&zone.stamps));
        if let Some(stamps) = renewed {
            job.request.progress.octets_done(*size);
            job.request.progress.zone_done();
            return self.is_same(apex, path, stamps);
        }
        match reader.read(path, apex.name()) {
            Err(refused) => self.failed(job, apex, *id, path, refused),
            Ok(read) => {
                let warnings = read.warnings.iter().map(|warning| (apex.name().clone(), warning.clone()));
                self.report.warnings.extend(warnings);
                if usable.is_some_and(|zone| same_contents(&zone.stamps, &read.stamps)) {
                    self.is_same(apex, path, read.stamps);
                } else {
                    self.fresh(job, work, read);
                }
            }
        }
        job.request.progress.zone_done();
    }

    /// Touched or rewritten with the same octets: remembers how it looks, builds nothing.
    fn is_same(&mut self, apex: &Apex, path: &Arc<Path>, stamps: Vec<SourceStamp>) {
        self.report.unchanged += 1;
        let Some(zone) = self.zones().get(apex) else { return };
        if zone.stamps != stamps || zone.source != *path {
            let zone = ZoneInfo { stamps, source: Arc::clone(path), ..ZoneInfo::clone(zone) };
            self.set(apex, Some(zone));
        }
        self.mark_sound(apex);
    }

    /// The data served is what the source has: an error of before is over.
    fn mark_sound(&mut self, apex: &Apex) {
        if let Some(zone) = self.zones().get(apex).filter(|zone| zone.condition == Condition::Stale) {
            let zone =
                ZoneInfo { condition: Condition::Serving, error: None, tried: Vec::new(), ..ZoneInfo::clone(zone) };
            self.set(apex, Some(zone));
        }
    }

    /// Takes new data of a zone.
    fn fresh(&mut self, job: &Job<'_>, work: &Work, read: ReadZone) {
        let Work { apex, id, path, .. } = work;
        let ReadZone { zone: records, records: count, serial, stamps, warnings: _ } = read;
        let before = self.before.get(apex).map(Arc::as_ref);
        let group = group::choose(self.number, count, before, &job.next_group);
        if let Some(before) = before.filter(|zone| zone.has_data()) {
            self.groups.insert(before.group);
        }
        self.groups.insert(group);
        let zone = ZoneInfo {
            id: *id,
            group,
            condition: Condition::Serving,
            serial,
            records: count,
            source: Arc::clone(path),
            stamps,
            error: None,
            tried: Vec::new(),
        };
        self.set(apex, Some(zone));
        self.fresh.insert(apex.clone(), records);
        self.report.changed.push(apex.name().clone());
    }

    /// The source of a zone can't be taken: the data before goes on, or nothing is served.
    fn failed(&mut self, job: &Job<'_>, apex: &Apex, id: ZoneId, path: &Arc<Path>, refused: Refused) {
        let Refused { errors, tried } = refused;
        let error = errors.join("\n");
        self.report.failed.push((apex.name().clone(), error.clone()));
        let zone = match job.usable(apex) {
            Some(before) => ZoneInfo { condition: Condition::Stale, error: Some(error), tried, ..before.clone() },
            None => ZoneInfo {
                id,
                group: group::choose(self.number, 0, None, &job.next_group),
                condition: Condition::Broken,
                serial: None,
                records: 0,
                source: Arc::clone(path),
                stamps: Vec::new(),
                error: Some(error),
                tried,
            },
        };
        if self.before.get(apex).is_none_or(|before| **before != zone) {
            self.set(apex, Some(zone));
        }
    }

    /// Writes the groups that are to be written and that `which` holds for.
    fn write(&mut self, job: &Job<'_>, which: impl Fn(GroupId) -> bool) -> Result<(), BuildError> {
        for group in self.groups.extract_if(.., |group| which(*group)).collect::<Vec<_>>() {
            let mut fresh = std::mem::take(&mut self.fresh);
            let is_member = |zone: &ZoneInfo| zone.group == group && zone.has_data();
            let members: Vec<(&Apex, &ZoneInfo)> = self
                .zones()
                .iter()
                .map(|(apex, zone)| (apex, zone.as_ref()))
                .filter(|(_, zone)| is_member(zone))
                .collect();
            // Taken out before: what is written is dropped by the builder as soon as it can be.
            let members: Vec<Member<'_>> = members
                .into_iter()
                .map(|(apex, zone)| Member { apex, id: zone.id, fresh: fresh.remove(apex) })
                .collect();
            let layer = segments::write_group(job, group, members)?;
            self.fresh = fresh;
            self.written.insert(group, layer);
        }
        Ok(())
    }
}

impl<'a> Job<'a> {
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
