//! What a build has to do: each zone in scope compared with its source by how that looks, nothing read yet.
//!
//! All zones of a directory are looked at on all cores. When some are asked for, or it is known which files changed, those alone are
//! looked for, and the directory is listed only where that does not settle which file is whose.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use zone_segment::{GroupId, Name, ZoneId};

use super::{BuildError, Job, Report};
use crate::apex::Apex;
use crate::catalogue::{Condition, ZoneInfo, Zones};
use crate::manifest::SHARDS;
use crate::source::directory::{self, Directory, ListError, Listing};
use crate::source::stamp;

/// The work of a build, as far as it is known before anything is read.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// The shards that anything is to be done in, or of which anything is to be said.
    pub(super) shards: Vec<Found>,
    /// What is to be said of the sources as a whole.
    pub(super) report: Report,
}

/// What is to be done in a shard.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The shard.
    pub(super) number: u32,
    /// Zones to read.
    pub(super) read: Vec<Work>,
    /// Zones whose file is gone.
    pub(super) gone: Vec<Apex>,
    /// Zones that can't be told which file is theirs, with the number each has or gets.
    pub(super) ambiguous: Vec<(Apex, ZoneId, String)>,
    /// Zones found unchanged.
    pub(super) unchanged: u64,
    /// Beside those, unchanged zones whose source was at fault and is again as it was, or that had expired and are asked for.
    pub(super) mended: Vec<Apex>,
    /// Zones that expire.
    pub(super) expiring: Vec<Apex>,
    /// Groups that are damaged.
    pub(super) distrusted: BTreeSet<GroupId>,
    /// Zones that come from primaries and were not known to, with the number each has or gets.
    pub(super) secondaries: Vec<(Apex, ZoneId)>,
    /// Those whose data is damaged.
    pub(super) lost: Vec<(Apex, ZoneId)>,
    /// Those that came as a whole, with the number each has or gets, and their records.
    pub(super) received: Vec<(Apex, ZoneId, u64)>,
}

/// A zone to read.
#[derive(Debug)]
pub(super) struct Work {
    /// Its apex.
    pub(super) apex: Apex,
    /// Its number.
    pub(super) id: ZoneId,
    /// Its file.
    pub(super) path: Arc<Path>,
    /// The file's length in octets.
    pub(super) size: u64,
}

/// Looks at the sources. `next_zone` moves by the zones that are new.
///
/// # Errors
///
/// [`BuildError::List`] when the sources can't be listed and nothing is to be repaired.
pub(super) fn make(job: &Job<'_>, next_zone: &mut u32) -> Result<Survey, BuildError> {
    let is_damaged = !job.distrusted.is_empty() || job.request.distrusts_directory();
    let mut report = Report::default();
    let mut sources = match Sources::find(job) {
        Ok(sources) => sources,
        // What is whole is served rather than nothing.
        Err(error) if is_damaged => {
            report.unlisted = Some(error.to_string());
            Sources::none()
        }
        Err(error) => return Err(BuildError::List(error)),
    };
    report.unnamed.append(&mut sources.listing.unnamed);
    report.unnamed.extend(sources.listing.leave_out(&job.request.zones, &job.request.secondaries));
    if sources.directory.is_some() {
        report.failed = sources.missing(job, &job.request.scope.zones);
    }
    let mut listed: Vec<Vec<(Apex, OsString)>> = (0..SHARDS).map(|_| Vec::new()).collect();
    for (apex, file) in std::mem::take(&mut sources.listing.zones) {
        if let Some(shard) = listed.get_mut(apex.shard() as usize) {
            shard.push((apex, file));
        }
    }
    let mut shards: Vec<Found> =
        (0..SHARDS).into_par_iter().zip(listed).map(|(number, listed)| sources.compare(job, number, listed)).collect();
    shards.retain(|found| !found.is_empty());
    for found in &mut shards {
        found.number_zones(job, next_zone);
    }
    let work = shards.iter().flat_map(|found| &found.read);
    job.request.progress.expect(work.clone().count() as u64, work.map(|work| work.size).sum());
    Ok(Survey { shards, report })
}

/// Where the zones in scope are found.
struct Sources {
    /// The directory; none when there is none.
    directory: Option<Directory>,
    /// The zones in scope that have a file.
    listing: Listing,
    /// Which zones are in scope; none means all.
    asked: Option<BTreeSet<Apex>>,
}

impl Sources {
    /// No directory, and no zone in scope.
    fn none() -> Self {
        Sources { directory: None, listing: Listing::default(), asked: Some(BTreeSet::new()) }
    }

    /// Finds the files of the zones in scope.
    fn find(job: &Job<'_>) -> Result<Self, ListError> {
        let (path, scope) = (&job.request.zones, &job.request.scope);
        // Files of zones that come from primaries are not looked for.
        let of_primaries = |apex: &&Name| job.request.secondaries.contains(&Apex::new((*apex).clone()));
        let zones: BTreeSet<Name> = scope.zones.iter().filter(|apex| !of_primaries(apex)).cloned().collect();
        let has_others = !scope.expiring.is_empty() || zones.len() < scope.zones.len();
        if !scope.is_all && zones.is_empty() && scope.files.is_empty() && has_others {
            // Zones expire whether sources can be had or not.
            return Ok(Sources::none());
        }
        let directory = Directory::open(path)?;
        if scope.is_all {
            return Ok(Sources { directory: Some(directory), listing: directory::list(path)?, asked: None });
        }
        let (candidates, is_settled) = candidates(job, &directory, &zones, &scope.files);
        let mut listing = if is_settled {
            let there = candidates.values().flatten().filter(|name| directory.has(name));
            directory::of_names(path, there.cloned().collect::<BTreeSet<_>>().into_iter().collect())
        } else {
            directory::list(path)?
        };
        let asked: BTreeSet<Apex> = candidates.into_keys().collect();
        listing.zones.retain(|(apex, _)| asked.contains(apex));
        listing.ambiguous.retain(|apex, _| asked.contains(apex));
        Ok(Sources { directory: Some(directory), listing, asked: Some(asked) })
    }

    /// Whether a zone is in scope.
    fn includes(&self, apex: &Apex) -> bool {
        self.asked.as_ref().is_none_or(|asked| asked.contains(apex))
    }

    /// Says of each zone asked for by name and known nowhere that it is unknown.
    fn missing(&self, job: &Job<'_>, asked: &BTreeSet<Name>) -> Vec<(Name, String)> {
        let listed: BTreeSet<&Apex> =
            self.listing.zones.iter().map(|(apex, _)| apex).chain(self.listing.ambiguous.keys()).collect();
        let asked = asked.iter().cloned().map(Apex::new);
        let missing = asked.filter(|apex| !listed.contains(apex) && job.zones.get(apex).is_none());
        let error = |apex| format!("{}: error: no file of zone {apex} here", job.request.zones.display());
        missing.map(|apex| (apex.name().clone(), error(apex))).collect()
    }

    /// Compares the zones of a shard with their files.
    fn compare(&self, job: &Job<'_>, number: u32, listed: Vec<(Apex, OsString)>) -> Found {
        let zones = &job.zones.shard(number).zones;
        let mut found = Found { number, ..Found::default() };
        for (apex, error) in &self.listing.ambiguous {
            if apex.shard() == number {
                found.ambiguous.push((apex.clone(), ZoneId(0), error.clone()));
            }
        }
        let expiring = job.request.scope.expiring.iter().cloned().map(Apex::new);
        let expiring = expiring.filter(|apex| apex.shard() == number);
        // As it is written here: the zone directory has it from this.
        let known = |apex: Apex| zones.get_key_value(&apex).map_or(apex, |(known, _)| known.clone());
        found.expiring = expiring.map(known).collect();
        found.gone = self.gone(job, zones, &listed);
        found.look_at_secondaries(job, zones);
        if let Some(directory) = &self.directory {
            listed.into_iter().for_each(|(apex, file)| found.compare(job, directory, apex, &file));
        }
        self.add_distrusted(job, zones, &mut found);
        found
    }

    /// The zones in scope whose file is gone. `listed` is in the order of apexes, as `zones` are.
    fn gone(&self, job: &Job<'_>, zones: &Zones, listed: &[(Apex, OsString)]) -> Vec<Apex> {
        let mut listed = listed.iter().map(|(apex, _)| apex).peekable();
        let is_gone = |apex: &&Apex| {
            while listed.next_if(|next| next < apex).is_some() {}
            let is_listed = listed.peek() == Some(apex) || self.listing.ambiguous.contains_key(*apex);
            !is_listed && self.includes(apex) && !job.request.secondaries.contains(*apex)
        };
        zones.keys().filter(is_gone).cloned().collect()
    }

    /// Adds the zones in damaged groups that are not compared anyway: what is damaged can't be copied.
    fn add_distrusted(&self, job: &Job<'_>, zones: &Zones, found: &mut Found) {
        if job.distrusted.is_empty() {
            return;
        }
        for (apex, zone) in zones.iter().filter(|(_, zone)| zone.has_data() && job.distrusted.contains(&zone.group)) {
            found.distrusted.insert(zone.group);
            if job.request.secondaries.contains(apex) {
                found.lost.push((apex.clone(), zone.id));
            } else if !self.includes(apex) {
                let size = stamp::Look::at(&zone.source).map_or(0, |look| look.size);
                found.read.push(Work { apex: apex.clone(), id: zone.id, path: Arc::clone(&zone.source), size });
            }
        }
        // One that no zone is said to lie in goes.
        found.distrusted.extend(job.distrusted.get(&GroupId(found.number)));
    }
}

impl Found {
    /// Whether there is nothing to do or to say.
    fn is_empty(&self) -> bool {
        let Found { number: _, read, gone, ambiguous, unchanged, mended, expiring, distrusted, .. } = self;
        let Found { secondaries, lost, received, .. } = self;
        read.is_empty()
            && gone.is_empty()
            && ambiguous.is_empty()
            && *unchanged == 0
            && mended.is_empty()
            && expiring.is_empty()
            && distrusted.is_empty()
            && secondaries.is_empty()
            && lost.is_empty()
            && received.is_empty()
    }

    /// Looks at the zones that come from primaries.
    fn look_at_secondaries(&mut self, job: &Job<'_>, zones: &Zones) {
        let request = job.request;
        let received = request.received.of_shard(self.number);
        let is_received = |apex: &Apex| received.iter().any(|(received, _)| received == apex);
        if request.scope.is_all {
            let is_known = |apex: &Apex| zones.get(apex).is_some_and(|zone| zone.transferred.is_some());
            let of_shard = request.secondaries.iter().filter(|apex| apex.shard() == self.number);
            let unknown = of_shard.filter(|apex| !is_known(apex) && !is_received(apex));
            self.secondaries = unknown.map(|apex| (apex.clone(), ZoneId(0))).collect();
        }
        let asked = request.scope.zones.iter().cloned().map(Apex::new).filter(|apex| apex.shard() == self.number);
        for apex in asked.filter(|apex| request.secondaries.contains(apex) && !is_received(apex)) {
            match zones.get_key_value(&apex) {
                None if !request.scope.is_all => self.secondaries.push((apex, ZoneId(0))),
                Some(_) if job.usable(&apex).is_none() => {}
                Some((known, zone)) if zone.condition == Condition::Expired && request.scope.refreshes(apex.name()) => {
                    self.mended.push(known.clone());
                }
                Some(_) => self.unchanged += 1,
                None => {}
            }
        }
        self.received = received.into_iter().map(|(apex, records)| (apex, ZoneId(0), records)).collect();
    }

    /// Compares one zone with its file.
    fn compare(&mut self, job: &Job<'_>, directory: &Directory, apex: Apex, file: &OsStr) {
        let look = directory.look(file);
        let is_forced = job.request.scope.forced.contains(apex.name());
        let usable = job.usable(&apex).filter(|_| !is_forced).filter(|zone| {
            let (Some(look), Some((own, included))) = (look, zone.stamps.split_first()) else { return false };
            let is_own = look.is_of(own) && own.path == zone.source && directory.is_at(&zone.source, file);
            is_own && included.iter().all(stamp::matches_metadata)
        });
        match usable {
            Some(zone) if zone.error.is_some() => self.mended.push(apex),
            Some(zone) if zone.condition == Condition::Expired && job.request.scope.refreshes(apex.name()) => {
                self.mended.push(apex);
            }
            Some(_) => self.unchanged += 1,
            None => {
                let (path, size) = (directory.file(file).into(), look.map_or(0, |look| look.size));
                self.read.push(Work { apex, id: ZoneId(0), path, size });
            }
        }
    }

    /// Gives each zone its number: the one it has, or a new one.
    fn number_zones(&mut self, job: &Job<'_>, next: &mut u32) {
        let zones = &job.zones.shard(self.number).zones;
        let read = self.read.iter_mut().map(|work| (&work.apex, &mut work.id));
        let ambiguous = self.ambiguous.iter_mut().map(|(apex, id, _)| (&*apex, id));
        let secondaries = self.secondaries.iter_mut().map(|(apex, id)| (&*apex, id));
        let received = self.received.iter_mut().map(|(apex, id, _)| (&*apex, id));
        for (apex, id) in read.chain(ambiguous).chain(secondaries).chain(received) {
            *id = zones.get(apex).map_or_else(
                || {
                    let new = ZoneId(*next);
                    *next += 1;
                    new
                },
                |zone| zone.id,
            );
        }
    }
}

/// The names that the files of zones may have which are asked for by name, or by a file that came, went or changed; and whether
/// nothing but those has to be looked at to know which file is whose.
fn candidates(
    job: &Job<'_>,
    directory: &Directory,
    zones: &BTreeSet<Name>,
    files: &BTreeSet<OsString>,
) -> (BTreeMap<Apex, BTreeSet<OsString>>, bool) {
    let mut candidates: BTreeMap<Apex, BTreeSet<OsString>> = BTreeMap::new();
    for apex in zones {
        candidates.entry(Apex::new(apex.clone())).or_default().extend(usual_names(apex));
    }
    let (zone_files, others): (Vec<&OsString>, Vec<&OsString>) =
        files.iter().partition(|name| directory::is_zone_file(name));
    for name in zone_files {
        // One that names no zone is told of when all are compared.
        if let Ok(apex) = dns::text::origin_from_path(Path::new(name)) {
            candidates.entry(Apex::new(apex)).or_default().insert(name.clone());
        }
    }
    for apex in including(job, directory, &others) {
        candidates.entry(apex).or_default();
    }
    let mut is_settled = true;
    for (apex, names) in &mut candidates {
        match job.zones.get(apex) {
            Some(zone) => {
                names.extend(directory.name_of(&zone.source).map(OsStr::to_owned));
                // What is at fault may be that there are two files.
                is_settled &= zone.has_data() && zone.error.is_none();
            }
            None => is_settled &= !zones.contains(apex.name()) || names.iter().any(|name| directory.has(name)),
        }
    }
    (candidates, is_settled)
}

/// The zones that include one of these files of the directory, or did when they were last found wrong.
fn including(job: &Job<'_>, directory: &Directory, names: &[&OsString]) -> Vec<Apex> {
    if names.is_empty() {
        return Vec::new();
    }
    let is_of_them = |path: &Path| names.iter().any(|name| directory.is_at(path, name));
    let includes = |zone: &ZoneInfo| {
        let mut included = zone.stamps.iter().skip(1).map(|stamp| &stamp.path).chain(zone.tried.iter().skip(1));
        included.any(|path| is_of_them(path))
    };
    let zones = job.zones.zones().filter(|(_, zone)| includes(zone));
    zones.map(|(apex, _)| apex.clone()).collect()
}

/// The names that a zone's file usually has.
fn usual_names(apex: &Name) -> Vec<OsString> {
    if apex.is_root() {
        return vec!["root.zone".into(), "..zone".into()];
    }
    let text = apex.to_string();
    vec![format!("{}.zone", text.strip_suffix('.').unwrap_or(&text).replace('/', "%2F")).into()]
}
