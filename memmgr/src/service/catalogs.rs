//! Catalog zones (RFC 9432): those whose members are served, and those that list what is served.
//!
//! A catalog is a zone as any other, from primaries or a file. Whenever it is published with another serial it is read, and its members are added to
//! the secondary zones or taken from them; one that is broken changes nothing. [`Catalogs`] is the book, [`crate::source::catalog`] knows what
//! records mean.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use bus::protocol::control::{Member as ListedMember, Members as ListedMembers};
use config::policy::{Catalog as Role, ZonePolicy};
use config::process::MemmgrOptions;
use dns::columns::{Kind, Part};
use dns::types::Rtype;
use dns::{Columns, SortedZone};
use tracing::{info, warn};
use zone_segment::{Name, Zone};

use super::{Service, changing};
use crate::apex::Apex;
use crate::builder::{ReceivedZone, Scope};
use crate::catalogue::{Transferred, ZoneInfo};
use crate::edit::is_forward;
use crate::generation::State;
use crate::source::catalog::{Catalog, Members, Owner, Step, records};
use crate::source::zonefile::ReadZone;

/// Zones in a catalog that is made here, and the groups of each.
type Listed = BTreeMap<Name, Vec<Box<[u8]>>>;

/// The book of catalog zones.
#[derive(Debug)]
pub(super) struct Catalogs {
    /// Those whose members are served.
    read: BTreeMap<Name, Known>,
    /// Which zone is a member of which.
    members: Members,
    /// Counts changes of them, from a number that no other process began with.
    version: u64,
    /// Members whose data is to go before they come anew.
    resets: BTreeSet<Name>,
    /// Those that are made here, and what each listed last.
    made: BTreeMap<Name, Option<Listed>>,
}

/// A catalog whose members are served.
#[derive(Debug, Default)]
struct Known {
    /// The templates of its members.
    templates: Vec<String>,
    /// The serial that was looked at last.
    serial: Option<u32>,
    /// What was wrong with it.
    error: Option<String>,
}

impl Catalogs {
    /// Those of the configuration.
    pub(super) fn new(options: &MemmgrOptions) -> Self {
        let (mut read, mut made) = (BTreeMap::new(), BTreeMap::new());
        for (apex, policy) in options.policies.named() {
            match &policy.catalog {
                Some(Role::Interpret { templates }) => {
                    read.insert(apex.clone(), Known { templates: templates.clone(), ..Known::default() });
                }
                Some(Role::Generate) => drop(made.insert(apex.clone(), None)),
                None => {}
            }
        }
        let version = changing::now() << 20;
        Catalogs { read, members: Members::default(), version, resets: BTreeSet::new(), made }
    }

    /// What was made may never be published: it is made again.
    pub(super) fn forget_made(&mut self) {
        self.made.values_mut().for_each(|listed| *listed = None);
    }

    /// The template that a member is served by: the first of its groups that is one's name, or else the first of the catalog's.
    fn template(&self, Owner { catalog, member }: &Owner) -> Option<&str> {
        let templates = &self.read.get(catalog)?.templates;
        let is_named = |template: &&String| member.groups.iter().any(|group| **group == *template.as_bytes());
        templates.iter().find(is_named).or(templates.first()).map(String::as_str)
    }
}

/// Whether nobody knows any more where a zone came from: what was known of it was damaged.
fn is_of_unknown_source(zone: &ZoneInfo) -> bool {
    zone.transferred.is_none() && zone.source.as_os_str().is_empty()
}

impl Service {
    /// Takes up at the start what catalogs say. Where one can't be read, the zones that came from primaries without being configured stay its members.
    pub(super) fn begin_catalogs(&mut self) {
        let newest = self.states.values().next_back().or(self.remains.as_ref()).map(Arc::clone);
        let (Some(state), false) = (newest, self.catalogs.read.is_empty()) else { return };
        let catalogs: Vec<Name> = self.catalogs.read.keys().cloned().collect();
        catalogs.iter().for_each(|catalog| drop(self.read_catalog(&state, catalog)));
        let unread = self.catalogs.read.iter().find(|(_, known)| known.serial.is_none() || known.error.is_some());
        if let Some(catalog) = unread.map(|(catalog, _)| catalog.clone()) {
            let policies = &self.options.policies;
            let orphans = state
                .zones
                .zones()
                .filter(|(_, zone)| zone.transferred.is_some() || is_of_unknown_source(zone))
                .filter(|(apex, _)| !policies.names(apex.name().as_ref()));
            for (apex, _) in orphans {
                self.catalogs.members.adopt(&catalog, apex.name());
            }
        }
        let members: Vec<Name> = self.catalogs.members.iter().map(|(zone, _)| zone.clone()).collect();
        members.iter().for_each(|zone| self.add_member(zone));
    }

    /// Looks whether catalogs say something new, and, where there may be other zones than before, makes anew those that list what is served.
    pub(super) fn look_at_catalogs(&mut self, zones_may_differ: bool) {
        if self.catalogs.read.is_empty() && self.catalogs.made.is_empty() {
            return;
        }
        let newest = self.states.values().next_back().map(Arc::clone);
        let (Some(state), true) = (newest, self.secondaries.is_begun()) else { return };
        let mut scope = self.finish_resets(&state);
        let catalogs: Vec<Name> = self.catalogs.read.keys().cloned().collect();
        for catalog in catalogs {
            for step in self.read_catalog(&state, &catalog) {
                self.follow(&catalog, step, &state, &mut scope);
            }
        }
        if scope != Scope::none() {
            self.catalogs.version += 1;
            self.reload(scope, None);
        }
        if zones_may_differ {
            self.make_catalogs(&state);
        }
    }

    /// Reads a catalog if its serial is another than before; what follows.
    fn read_catalog(&mut self, state: &State, catalog: &Name) -> Vec<Step> {
        let zone = state.set.as_deref().and_then(|set| set.zone(catalog.as_ref()));
        let zone = zone.filter(|zone| zone.apex() == catalog.as_ref());
        let serial = zone.as_ref().and_then(Zone::serial);
        let Some(known) = self.catalogs.read.get_mut(catalog) else { return Vec::new() };
        let (Some(zone), true) = (zone, serial.is_some() && serial != known.serial) else { return Vec::new() };
        known.serial = serial;
        match Catalog::read(catalog, records_of(&zone)) {
            Ok(now) => {
                known.error = None;
                let policies = &self.options.policies;
                // A file of the directory configures a zone, too.
                let has_file = |zone: &Name| {
                    let zone = state.zones.get(&Apex::new(zone.clone()));
                    zone.is_some_and(|zone| zone.transferred.is_none() && !is_of_unknown_source(zone))
                };
                let is_configured = |zone: &Name| zone == catalog || policies.names(zone.as_ref()) || has_file(zone);
                let steps = self.catalogs.members.apply(catalog, &now, is_configured);
                info!(%catalog, serial, members = now.members.len(), changes = steps.len(), "catalog-read");
                steps
            }
            Err(error) => {
                let error = error.to_string();
                warn!(%catalog, serial, error, "catalog-broken");
                known.error = Some(error);
                Vec::new()
            }
        }
    }

    /// Does what follows from a catalog; `scope` is what is to be built for it.
    fn follow(&mut self, catalog: &Name, step: Step, state: &State, scope: &mut Scope) {
        match step {
            Step::Add { zone } if state.zones.get(&Apex::new(zone.clone())).is_some() => {
                // One that went before is yet to go.
                self.catalogs.resets.insert(zone.clone());
                scope.zones.insert(zone);
            }
            Step::Add { zone } => {
                info!(%catalog, %zone, "member-added");
                self.add_member(&zone);
                scope.zones.insert(zone);
            }
            Step::Remove { zone } => {
                info!(%catalog, %zone, "member-removed");
                self.remove_member(&zone);
                scope.zones.insert(zone);
            }
            Step::Reset { zone } => {
                info!(%catalog, %zone, "member-reset");
                self.remove_member(&zone);
                self.catalogs.resets.insert(zone.clone());
                scope.zones.insert(zone);
            }
            Step::Change { zone } => {
                info!(%catalog, %zone, "member-changed");
                self.remove_member(&zone);
                self.add_member(&zone);
                self.catalogs.version += 1;
            }
            Step::Clash { zone, with } => {
                let with = with.map_or_else(|| "the configuration".to_owned(), |other| format!("catalog {other}"));
                warn!(%catalog, %zone, with, "member-not-taken");
            }
        }
    }

    /// Adds those members whose old data is gone.
    fn finish_resets(&mut self, state: &State) -> Scope {
        let mut scope = Scope::none();
        for zone in std::mem::take(&mut self.catalogs.resets) {
            if self.catalogs.members.owner(&zone).is_none() {
                continue;
            }
            match state.zones.get(&Apex::new(zone.clone())) {
                // Its turn is yet to come.
                Some(info) if info.transferred.is_some() => drop(self.catalogs.resets.insert(zone)),
                // There is a file by now, which wins.
                Some(_) => self.catalogs.members.forget(&zone),
                None => {
                    self.add_member(&zone);
                    scope.zones.insert(zone);
                }
            }
        }
        scope
    }

    /// Has a member's primaries asked.
    fn add_member(&mut self, zone: &Name) {
        let template = self.catalogs.members.owner(zone).and_then(|owner| self.catalogs.template(owner));
        let Some(policy) = template.and_then(|template| self.options.policies.template(template)) else { return };
        self.secondaries.add(zone, policy, &self.options.remotes, &self.keys);
        self.begin_secondary(&Apex::new(zone.clone()));
    }

    /// Has a member's primaries asked no more.
    fn remove_member(&mut self, zone: &Name) {
        let waiters = self.secondaries.remove(zone);
        self.refuse_all(waiters, &format!("{zone} has gone from its catalog"));
    }

    /// What is to be known of a zone but its data: as it is configured, or as its catalog's template says.
    pub(super) fn policy(&self, zone: &Name) -> &ZonePolicy {
        let policies = &self.options.policies;
        let member = self.catalogs.members.owner(zone).and_then(|owner| self.catalogs.template(owner));
        member.and_then(|template| policies.template(template)).unwrap_or_else(|| policies.policy(zone.as_ref()))
    }

    /// The catalog that a zone is a member of.
    pub(super) fn catalog_of(&self, zone: &Name) -> Option<&Name> {
        self.catalogs.members.owner(zone).map(|owner| &owner.catalog)
    }

    /// What is wrong with a zone as a catalog.
    pub(super) fn catalog_error(&self, zone: &Name) -> Option<&str> {
        self.catalogs.read.get(zone)?.error.as_deref()
    }

    /// The members of all catalogs, for who does not know this version of them.
    pub(super) fn listed_members(&self, known: u64) -> ListedMembers {
        let Catalogs { members, version, .. } = &self.catalogs;
        let listed = |(zone, owner): (&Name, &Owner)| {
            let template = self.catalogs.template(owner)?.to_owned();
            Some(ListedMember { zone: zone.to_string(), template })
        };
        let is_new = known != *version;
        ListedMembers { version: *version, members: is_new.then(|| members.iter().filter_map(listed).collect()) }
    }

    /// Makes each catalog that lists what is served, where that is not what it listed before.
    fn make_catalogs(&mut self, state: &State) {
        let catalogs: Vec<Name> = self.catalogs.made.keys().cloned().collect();
        for catalog in catalogs {
            let mut listed = Listed::new();
            for (apex, _) in state.zones.zones() {
                let policy = self.policy(apex.name());
                if policy.catalog_zone.as_ref() == Some(&catalog) {
                    let group = policy.catalog_group.iter().map(|group| group.as_bytes().into());
                    listed.insert(apex.name().clone(), group.collect());
                }
            }
            let zone = state.set.as_deref().and_then(|set| set.zone(catalog.as_ref()));
            let zone = zone.filter(|zone| zone.apex() == catalog.as_ref());
            let served = || {
                let read = Catalog::read(&catalog, records_of(zone.as_ref()?)).ok()?;
                Some(read.members.into_iter().map(|(zone, member)| (zone, member.groups)).collect::<Listed>())
            };
            let before = self.catalogs.made.get(&catalog).cloned().flatten().or_else(served);
            let folded: Listed = listed.iter().map(|(zone, groups)| (zone.to_lowercase(), groups.clone())).collect();
            let is_same = before.as_ref() == Some(&folded);
            self.catalogs.made.insert(catalog.clone(), Some(folded));
            if is_same {
                continue;
            }
            let serial = next_serial(zone.as_ref().and_then(Zone::serial));
            let Some(zone) = made(&catalog, serial, &listed) else {
                warn!(%catalog, "catalog-not-made");
                continue;
            };
            info!(%catalog, serial, members = listed.len(), "catalog-made");
            let transferred = Transferred { refreshed_at: Some(changing::now()), expires_at: None };
            self.secondaries.received.insert(Apex::new(catalog.clone()), ReceivedZone { zone, transferred });
            self.reload(Scope::zone(catalog), None);
        }
    }
}

/// The records of a zone, as a catalog is read from.
fn records_of<'z>(zone: &'z Zone<'z>) -> impl Iterator<Item = (zone_segment::NameRef<'z>, Rtype, &'z [u8])> {
    zone.nodes().flat_map(|node| {
        let owner = node.name();
        node.records().map(move |record| (owner, Rtype(record.rtype), record.rdata))
    })
}

/// The serial of a catalog that had this one: the time, so that it goes forward even where the state was lost.
fn next_serial(before: Option<u32>) -> u32 {
    let now = u32::try_from(changing::now() & u64::from(u32::MAX)).unwrap_or_default();
    match before {
        Some(before) if !is_forward(before, now) => before.wrapping_add(1),
        _ => now,
    }
}

/// A catalog that lists these zones; none where its name is too long for that.
fn made(apex: &Name, serial: u32, listed: &Listed) -> Option<ReadZone> {
    let invalid = Name::from_labels([&b"invalid"[..]], Name::root().as_ref()).ok()?;
    let mut soa = [invalid.as_wire(), invalid.as_wire()].concat();
    [serial, REFRESH, RETRY, EXPIRE, 0].iter().for_each(|number| soa.extend(number.to_be_bytes()));
    let mut part = Part::default();
    let records = std::iter::once((apex.clone(), Rtype::SOA, soa)).chain(records(apex, listed).ok()?);
    let mut count = 0;
    for (owner, rtype, rdata) in records {
        part.owner(owner.as_ref());
        let kind = part.kind(Kind { rtype, ttl: 0, awaits_ttl: false, file: 0 });
        part.record(kind, 1, &rdata);
        count += 1;
    }
    let columns = Columns { parts: vec![part], files: vec![PathBuf::from(format!("catalog {apex}"))] };
    let zone = SortedZone::new(apex.clone(), columns);
    Some(ReadZone { zone, records: count, serial: Some(serial), stamps: Vec::new(), warnings: Vec::new() })
}

/// How often secondaries ask for a catalog that is made here: word of changes comes beside.
const REFRESH: u32 = 3600;

/// How soon they ask again.
const RETRY: u32 = 600;

/// How long it is good: as long as can be, for members that go because nobody could be asked would be a second failure behind the first.
const EXPIRE: u32 = 2_147_483_646;
