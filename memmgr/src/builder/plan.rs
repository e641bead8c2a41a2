//! What a build has to do: each zone in scope compared with its source, what changed read and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zone_segment::{GroupId, Name, ZoneId};

use super::{BuildError, BuildRequest, Report, group};
use crate::generation::{Catalogue, Condition, NextNumbers, State, ZoneInfo};
use crate::source::directory::{self, Listing};
use crate::source::{stamp, zonefile};

/// The work of a build.
#[derive(Debug)]
pub(super) struct Plan {
    /// Every zone as it will stand.
    pub(super) zones: Catalogue,
    /// The records of zones read anew.
    pub(super) fresh: BTreeMap<Name, Vec<dns::Record>>,
    /// Groups whose segment is to be written.
    pub(super) groups: BTreeSet<GroupId>,
    /// Numbers not used so far.
    pub(super) next: NextNumbers,
    /// What happened.
    pub(super) report: Report,
}

/// Compares the sources with the base.
///
/// # Errors
///
/// [`BuildError::List`] when the sources can't be listed and nothing is to be repaired.
pub(super) fn make(request: &BuildRequest) -> Result<Plan, BuildError> {
    let base = Base::new(request);
    let mut planner = Planner { request, plan: base.start(), base };
    let listing = match directory::list(&request.zones) {
        Ok(listing) => listing,
        // What is whole is served rather than nothing.
        Err(error) if planner.base.is_damaged => {
            planner.plan.report.unlisted = Some(error.to_string());
            planner.rewrite_distrusted(|_| false);
            return Ok(planner.plan);
        }
        Err(error) => return Err(BuildError::List(error)),
    };
    planner.plan.report.unnamed.clone_from(&listing.unnamed);
    planner.remove_missing(&listing);
    for (apex, path) in &listing.zones {
        if request.scope.includes(apex) {
            planner.compare(apex, path);
        }
    }
    for (apex, error) in listing.ambiguous.iter().filter(|(apex, _)| request.scope.includes(apex)) {
        planner.failed(apex, &request.zones, error.clone());
    }
    planner.report_missing(&listing);
    planner.rewrite_distrusted(|apex| request.scope.includes(apex));
    Ok(planner.plan)
}

/// What the build starts from.
#[derive(Debug)]
struct Base {
    /// The zones before.
    zones: Catalogue,
    /// Groups of which a layer is damaged.
    distrusted: BTreeSet<GroupId>,
    /// Whether anything in it is damaged.
    is_damaged: bool,
    /// Numbers not used before.
    next: NextNumbers,
}

impl Base {
    /// The base of a request.
    fn new(request: &BuildRequest) -> Self {
        let Some(state) = &request.base else {
            let next = NextNumbers { layer: 1, zone: 1, group: group::PACKED_GROUPS };
            return Base { zones: Catalogue::new(), distrusted: BTreeSet::new(), is_damaged: false, next };
        };
        let distrusted = distrusted_groups(state, request);
        let is_damaged = !distrusted.is_empty() || request.distrusts_directory();
        Base { zones: state.zones.clone(), distrusted, is_damaged, next: state.next }
    }

    /// A plan that changes nothing.
    fn start(&self) -> Plan {
        Plan {
            zones: self.zones.clone(),
            fresh: BTreeMap::new(),
            groups: BTreeSet::new(),
            next: self.next,
            report: Report::default(),
        }
    }

    /// A zone before, if its data can be used.
    fn usable(&self, apex: &Name) -> Option<&ZoneInfo> {
        self.zones.get(apex).filter(|zone| zone.has_data() && !self.distrusted.contains(&zone.group))
    }
}

/// Groups with a damaged layer.
fn distrusted_groups(state: &Arc<State>, request: &BuildRequest) -> BTreeSet<GroupId> {
    let damaged =
        |layers: &[Arc<crate::generation::LayerFile>]| layers.iter().any(|l| request.distrusted.contains(&l.id));
    let mut groups: BTreeSet<GroupId> =
        state.contents.groups.iter().filter(|(_, layers)| damaged(layers)).map(|(group, _)| *group).collect();
    // A group that recovery could not open at all is not in the contents.
    let known = |zone: &&ZoneInfo| !state.contents.groups.contains_key(&zone.group);
    groups.extend(state.zones.values().filter(|zone| zone.has_data()).filter(known).map(|zone| zone.group));
    groups
}

/// The plan being made.
struct Planner<'a> {
    /// What to build.
    request: &'a BuildRequest,
    /// What it starts from.
    base: Base,
    /// The plan so far.
    plan: Plan,
}

impl Planner<'_> {
    /// Drops zones in scope whose file is gone.
    fn remove_missing(&mut self, listing: &Listing) {
        let gone: Vec<Name> = self
            .base
            .zones
            .keys()
            .filter(|apex| self.request.scope.includes(apex))
            .filter(|apex| !listing.zones.contains_key(apex) && !listing.ambiguous.contains_key(apex))
            .cloned()
            .collect();
        for apex in gone {
            if let Some(zone) = self.plan.zones.remove(&apex) {
                if zone.has_data() {
                    self.plan.groups.insert(zone.group);
                }
                self.plan.report.changed.push(apex);
            }
        }
    }

    /// Says of each zone asked for by name and known nowhere that it is unknown.
    fn report_missing(&mut self, listing: &Listing) {
        let super::Scope::Zones(asked) = &self.request.scope else { return };
        for apex in asked {
            let known = listing.zones.contains_key(apex)
                || listing.ambiguous.contains_key(apex)
                || self.base.zones.contains_key(apex);
            if !known {
                let error = format!("{}: error: no file of zone {apex} here", self.request.zones.display());
                self.plan.report.failed.push((apex.clone(), error));
            }
        }
    }

    /// Compares one zone with its file.
    fn compare(&mut self, apex: &Name, path: &Path) {
        if self.is_unchanged(apex, path) {
            self.plan.report.unchanged += 1;
            self.mark_sound(apex);
            return;
        }
        match zonefile::read(path, apex) {
            Err(errors) => self.failed(apex, path, errors.join("\n")),
            Ok(read) => {
                self.plan.report.warnings.extend(read.warnings);
                let same = self.base.usable(apex).is_some_and(|zone| same_contents(&zone.stamps, &read.stamps));
                if same {
                    // Touched or rewritten with the same octets: remember how it looks, build nothing.
                    if let Some(zone) = self.plan.zones.get_mut(apex) {
                        zone.stamps = read.stamps;
                        zone.source = path.to_owned();
                    }
                    self.plan.report.unchanged += 1;
                    self.mark_sound(apex);
                } else {
                    self.fresh(apex, path, read.stamps, read.records);
                }
            }
        }
    }

    /// Whether the data served was read from the file as it stands.
    fn is_unchanged(&self, apex: &Name, path: &Path) -> bool {
        self.base.usable(apex).is_some_and(|zone| {
            zone.source == path && !zone.stamps.is_empty() && zone.stamps.iter().all(stamp::matches_metadata)
        })
    }

    /// The data served is what the source has: an error of before is over.
    fn mark_sound(&mut self, apex: &Name) {
        if let Some(zone) = self.plan.zones.get_mut(apex)
            && zone.condition == Condition::Stale
        {
            zone.condition = Condition::Serving;
            zone.error = None;
        }
    }

    /// Takes new data of a zone.
    fn fresh(
        &mut self,
        apex: &Name,
        path: &Path,
        stamps: Vec<crate::manifest::SourceStamp>,
        records: Vec<dns::Record>,
    ) {
        let count = records.len() as u64;
        let before = self.base.zones.get(apex);
        let group = group::choose(apex, count, before, &mut self.plan.next.group);
        if let Some(before) = before.filter(|zone| zone.has_data()) {
            self.plan.groups.insert(before.group);
        }
        self.plan.groups.insert(group);
        let zone = ZoneInfo {
            id: self.zone_id(apex),
            group,
            condition: Condition::Serving,
            serial: dns::check::serial(apex, &records),
            records: count,
            source: path.to_owned(),
            stamps,
            error: None,
        };
        self.plan.zones.insert(apex.clone(), zone);
        self.plan.fresh.insert(apex.clone(), records);
        self.plan.report.changed.push(apex.clone());
    }

    /// The source of a zone can't be taken: the data before goes on, or nothing is served.
    fn failed(&mut self, apex: &Name, path: &Path, error: String) {
        self.plan.report.failed.push((apex.clone(), error.clone()));
        let zone = match self.base.usable(apex) {
            Some(before) => ZoneInfo { condition: Condition::Stale, error: Some(error), ..before.clone() },
            None => self.broken(apex, path.to_owned(), error),
        };
        self.plan.zones.insert(apex.clone(), zone);
    }

    /// A zone without any data that could be served.
    fn broken(&mut self, apex: &Name, source: PathBuf, error: String) -> ZoneInfo {
        ZoneInfo {
            id: self.zone_id(apex),
            group: group::choose(apex, 0, None, &mut self.plan.next.group),
            condition: Condition::Broken,
            serial: None,
            records: 0,
            source,
            stamps: Vec::new(),
            error: Some(error),
        }
    }

    /// The zone's number: the one it has, or a new one.
    fn zone_id(&mut self, apex: &Name) -> ZoneId {
        self.base.zones.get(apex).map_or_else(
            || {
                let id = ZoneId(self.plan.next.zone);
                self.plan.next.zone += 1;
                id
            },
            |zone| zone.id,
        )
    }

    /// Writes every group with a damaged layer anew. Zones in it that were not compared are read too: what is damaged can't
    /// be copied.
    fn rewrite_distrusted(&mut self, is_compared: impl Fn(&Name) -> bool) {
        let affected: Vec<(Name, PathBuf)> = self
            .base
            .zones
            .iter()
            .filter(|(_, zone)| zone.has_data() && self.base.distrusted.contains(&zone.group))
            .map(|(apex, zone)| (apex.clone(), zone.source.clone()))
            .collect();
        for (apex, path) in affected {
            if !is_compared(&apex) && self.plan.zones.contains_key(&apex) {
                self.compare(&apex, &path);
            }
        }
        self.plan.groups.extend(self.base.distrusted.iter().copied());
    }
}

/// Whether the files hold the same octets, wherever they lie and whenever they were written.
fn same_contents(before: &[crate::manifest::SourceStamp], after: &[crate::manifest::SourceStamp]) -> bool {
    let hashes =
        |stamps: &[crate::manifest::SourceStamp]| stamps.iter().map(|s| (s.size, s.content_hash)).collect::<Vec<_>>();
    !before.is_empty() && hashes(before) == hashes(after)
}
