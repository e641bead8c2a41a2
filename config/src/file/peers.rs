//! Keys, remotes, templates and zones: put together, each name that refers to another followed.
//!
//! Read [`resolve`] first. Everything that is wrong is told; what was refused while the file was taken apart is not told of again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::Path;

use dns::access::{AccessEntry, AccessList};

use super::values::{Element, Values};
use super::{FileError, FileErrorKind, Place, nearest, secrets};
use crate::declaration::Opt;
use crate::options::{self, CatalogKind, PolicyOptions, UpdateOptions};
use crate::peers::{Key, Remote};
use crate::policy::{Catalog, UpdateRule, ZonePolicy, Zones};

/// What a file says of other servers and of zones.
#[derive(Clone, Debug, Default)]
pub(super) struct Peers {
    /// Keys.
    pub(super) keys: Vec<Key>,
    /// Other servers.
    pub(super) remotes: Vec<Remote>,
    /// The policy of each zone.
    pub(super) policies: Zones,
}

/// Puts together what a file says.
pub(super) fn resolve(values: &Values, path: &Path) -> (Peers, Vec<FileError>) {
    let mut resolver = Resolver::new(path);
    let keys = resolver.keys(values);
    let remotes = resolver.remotes(values);
    let policies = resolver.zones(values);
    (Peers { keys, remotes, policies }, resolver.errors)
}

/// The names of one kind, each with its place.
#[derive(Debug)]
struct Known {
    /// The table that they stand in.
    table: &'static str,
    /// Them, letters folded.
    places: BTreeMap<String, Place>,
    /// Them as they are written.
    written: BTreeSet<String>,
    /// Whether there are others, whose names were refused.
    has_refused: bool,
}

impl Known {
    /// None so far.
    fn new(table: &'static str) -> Self {
        Known { table, places: BTreeMap::new(), written: BTreeSet::new(), has_refused: false }
    }
}

/// What is known so far, and what is wrong.
struct Resolver<'a> {
    /// The file.
    path: &'a Path,
    /// Names of keys.
    keys: Known,
    /// Names of remotes.
    remotes: Known,
    /// What is wrong.
    errors: Vec<FileError>,
}

/// What a template or a zone says of a policy.
#[derive(Clone, Debug, Default)]
struct Part {
    /// As in [`ZonePolicy`].
    primaries: Option<Vec<String>>,
    /// The same.
    allow_transfer: Option<AccessList>,
    /// The same.
    notify: Option<Vec<String>>,
    /// The same, and where it stands.
    allow_notify: Option<(AccessList, Place)>,
    /// The same.
    allow_update: Option<Vec<UpdateRule>>,
    /// The same.
    size_max: Option<u64>,
    /// The same, and where it stands.
    catalog_zone: Option<(zone_segment::Name, Place)>,
    /// The same.
    catalog_group: Option<String>,
}

impl Part {
    /// What this says, and what another says where this says nothing.
    fn or(self, other: Part) -> Part {
        Part {
            primaries: self.primaries.or(other.primaries),
            allow_transfer: self.allow_transfer.or(other.allow_transfer),
            notify: self.notify.or(other.notify),
            allow_notify: self.allow_notify.or(other.allow_notify),
            allow_update: self.allow_update.or(other.allow_update),
            size_max: self.size_max.or(other.size_max),
            catalog_zone: self.catalog_zone.or(other.catalog_zone),
            catalog_group: self.catalog_group.or(other.catalog_group),
        }
    }

    /// The policy.
    fn policy(self) -> ZonePolicy {
        ZonePolicy {
            allow_transfer: self.allow_transfer.unwrap_or_default(),
            notify: self.notify.unwrap_or_default(),
            primaries: self.primaries.unwrap_or_default(),
            allow_notify: self.allow_notify.map(|(list, _)| list).unwrap_or_default(),
            allow_update: self.allow_update.unwrap_or_default(),
            size_max: self.size_max,
            catalog: None,
            catalog_zone: self.catalog_zone.map(|(zone, _)| zone),
            catalog_group: self.catalog_group,
        }
    }
}

impl<'a> Resolver<'a> {
    /// Nothing known.
    fn new(path: &'a Path) -> Self {
        Resolver { path, keys: Known::new("key"), remotes: Known::new("remote"), errors: Vec::new() }
    }

    /// Keys, with their secrets.
    fn keys(&mut self, values: &Values) -> Vec<Key> {
        let mut known = Known::new("key");
        let mut keys = Vec::new();
        for element in values.list("key") {
            let name = self.declare(&mut known, element, &options::KEY_NAME);
            let file = self.needed(element, &options::KEY_SECRET_FILE);
            let algorithm = element.values.first(&options::KEY_ALGORITHM).map(|(algorithm, _)| algorithm);
            let algorithm = algorithm.or_else(|| options::KEY_ALGORITHM.preset_value());
            let secret = file.and_then(|(file, place)| match secrets::key_secret(&file, self.path, place) {
                Ok(secret) => Some(secret),
                Err(error) => {
                    self.errors.push(error);
                    None
                }
            });
            if let (Some(name), Some(algorithm), Some(secret)) = (name, algorithm, secret) {
                keys.push(Key { name, algorithm, secret });
            }
        }
        self.keys = known;
        keys
    }

    /// Other servers.
    fn remotes(&mut self, values: &Values) -> Vec<Remote> {
        let mut known = Known::new("remote");
        let mut remotes = Vec::new();
        for element in values.list("remote") {
            let name = self.declare(&mut known, element, &options::REMOTE_NAME);
            self.needed(element, &options::REMOTE_ADDRESSES);
            let addresses = self.some(&element.values, &options::REMOTE_ADDRESSES);
            let key = element.values.placed(&options::REMOTE_KEY).and_then(|mut keys| keys.pop());
            if let Some((key, place)) = &key {
                self.refer_to_key(key, *place);
            }
            if let (Some(name), Some(addresses)) = (name, addresses) {
                remotes.push(Remote { name, addresses, key: key.map(|(key, _)| key) });
            }
        }
        self.remotes = known;
        remotes
    }

    /// The policies: of all zones, of templates, of single zones.
    fn zones(&mut self, values: &Values) -> Zones {
        let of_all = Part {
            allow_transfer: self.access(values, &options::TRANSFERS_ALLOW),
            notify: self.remotes_of(values, &options::TRANSFERS_NOTIFY),
            ..Part::default()
        };
        let mut known = Known::new("template");
        let mut templates = BTreeMap::new();
        for element in values.list("template") {
            let name = self.declare(&mut known, element, &options::TEMPLATE_NAME);
            let part =
                self.part(&element.values, &options::TEMPLATE, &options::TEMPLATE_UPDATE, "template.allow-update");
            templates.extend(name.map(|name| (name, part)));
        }
        let mut zones = Zones::all(of_all.clone().policy());
        for (name, part) in &templates {
            zones.set_template(name.clone(), part.clone().or(of_all.clone()).policy());
        }
        let mut listed = Vec::new();
        let mut apexes = Known::new("zone");
        for element in values.list("zone") {
            let name = self.declare(&mut apexes, element, &options::ZONE_NAME);
            let mut part = self.part(&element.values, &options::ZONE, &options::ZONE_UPDATE, "zone.allow-update");
            let named = element.values.placed(&options::ZONE_TEMPLATE).and_then(|mut names| names.pop());
            if let Some((template, place)) = named {
                self.refer(&known, &template, place);
                part = part.or(templates.get(&template).cloned().unwrap_or_default());
            }
            self.notify_needs_primaries(element, &part);
            let catalog = self.catalog(element, &known, &zones, &part);
            listed.extend(part.catalog_zone.clone());
            if let Some(name) = name {
                zones.set(name, ZonePolicy { catalog, ..part.or(of_all.clone()).policy() });
            }
        }
        listed.extend(templates.into_values().filter_map(|part| part.catalog_zone));
        for (zone, place) in listed {
            if !zones.policy(zone.as_ref()).is_generated() && !apexes.has_refused {
                let text = format!(
                    "expected the name of a zone whose catalog-role is generate, found {zone}, which is none; write one as [[zone]]"
                );
                self.refuse(place, FileErrorKind::Contradiction { text });
            }
        }
        zones
    }

    /// What a zone is as a catalog.
    fn catalog(&mut self, element: &Element, templates: &Known, zones: &Zones, part: &Part) -> Option<Catalog> {
        let named = element.values.placed(&options::ZONE_CATALOG_TEMPLATE).unwrap_or_default();
        named.iter().for_each(|(name, place)| self.refer(templates, name, *place));
        let role = element.values.first(&options::ZONE_CATALOG_ROLE);
        let wrong = match (role, named.first()) {
            (Some((CatalogKind::Interpret, place)), None) => {
                Some((place, "expected catalog-template with this role, found none; name the template of its members"))
            }
            (Some((CatalogKind::Generate, _)) | None, Some((_, place))) => Some((
                *place,
                "expected catalog-template with the role interpret alone; leave it out, or change the role",
            )),
            (Some((CatalogKind::Generate, place)), _) if part.primaries.as_ref().is_some_and(|of| !of.is_empty()) => {
                Some((place, "expected no primaries with this role, found some: the zone is made here; leave one out"))
            }
            _ => None,
        };
        if let Some((place, text)) = wrong {
            self.refuse(place, FileErrorKind::Contradiction { text: text.to_owned() });
        }
        for (name, place) in &named {
            if zones.template(name).is_some_and(|policy| !policy.is_secondary()) {
                let text = format!(
                    "expected primaries in template {name:?}, since members of catalogs come from them, found none"
                );
                self.refuse(*place, FileErrorKind::Contradiction { text });
            }
        }
        Some(match role?.0 {
            CatalogKind::Interpret => {
                Catalog::Interpret { templates: named.into_iter().map(|(name, _)| name).collect() }
            }
            CatalogKind::Generate => Catalog::Generate,
        })
    }

    /// What a template or a zone says.
    fn part(&mut self, values: &Values, of: &PolicyOptions, rule: &UpdateOptions, rules: &'static str) -> Part {
        let place = values.given(&of.allow_notify).map(|given| given.place);
        let allow_update = values
            .lists
            .get(rules)
            .map(|elements| elements.iter().filter_map(|element| self.update_rule(element, rule, rules)).collect());
        Part {
            primaries: self.remotes_of(values, &of.primaries),
            allow_transfer: self.access(values, &of.allow_transfer),
            notify: self.remotes_of(values, &of.notify),
            allow_notify: self.access(values, &of.allow_notify).zip(place),
            allow_update,
            size_max: values.first(&of.size_max).map(|(octets, _)| octets),
            catalog_zone: values.first(&of.catalog_zone),
            catalog_group: values.first(&of.catalog_group).map(|(group, _)| group),
        }
    }

    /// One rule of updates.
    fn update_rule(&mut self, element: &Element, of: &UpdateOptions, table: &'static str) -> Option<UpdateRule> {
        let values = &element.values;
        let key = values.placed(&of.key).and_then(|mut keys| keys.pop());
        if let Some((key, place)) = &key {
            self.refer_to_key(key, *place);
        }
        let is_said = |is_given: bool, is_refused: bool| is_given || is_refused;
        if !is_said(key.is_some(), values.is_refused(&of.key))
            && !is_said(values.given(&of.from).is_some(), values.is_refused(&of.from))
        {
            let text = format!(
                "expected key, from or both in {}, found neither; to let everybody, write from = [\"0.0.0.0/0\", \"::/0\"]",
                options::heading(table)
            );
            self.refuse(element.place, FileErrorKind::Contradiction { text });
        }
        let from = self.some(values, &of.from);
        let names = self.some(values, &of.names);
        let types = self.some(values, &of.types);
        let key = key.map(|(key, _)| key);
        let who: AccessList = match from {
            Some(prefixes) => prefixes.into_iter().map(|prefix| AccessEntry::new(Some(prefix), key.clone())).collect(),
            None => key.map(|key| AccessEntry::new(None, Some(key))).into_iter().collect(),
        };
        Some(UpdateRule { who, names: names.unwrap_or_default(), types: types.unwrap_or_default() })
    }

    /// Word of changes is of use for a zone that comes from elsewhere.
    fn notify_needs_primaries(&mut self, element: &Element, part: &Part) {
        let Some((list, place)) = &part.allow_notify else { return };
        let has_primaries = part.primaries.as_ref().is_some_and(|primaries| !primaries.is_empty());
        if has_primaries || list.is_empty() || element.values.is_refused(&options::ZONE.primaries) {
            return;
        }
        // Of a template, it is the zone that lacks something.
        let at = if *place < element.place { element.place } else { *place };
        let text = format!(
            "expected primaries with allow-notify (line {}), found none; name the servers that the zone comes from, or leave allow-notify out",
            place.line
        );
        self.refuse(at, FileErrorKind::Contradiction { text });
    }

    /// An access list, whose keys have to be known.
    fn access(&mut self, values: &Values, option: &Opt<AccessEntry>) -> Option<AccessList> {
        let entries = values.placed(option)?;
        for (entry, place) in &entries {
            if let Some(key) = entry.key() {
                self.refer_to_key(key, *place);
            }
        }
        Some(entries.into_iter().map(|(entry, _)| entry).collect())
    }

    /// The names of other servers, which have to be known.
    fn remotes_of(&mut self, values: &Values, option: &Opt<String>) -> Option<Vec<String>> {
        let names = values.placed(option)?;
        let known = std::mem::replace(&mut self.remotes, Known::new("remote"));
        names.iter().for_each(|(name, place)| self.refer(&known, name, *place));
        self.remotes = known;
        Some(names.into_iter().map(|(name, _)| name).collect())
    }

    /// The values of an option that is there, of which there has to be one: an empty array would say the same as none, or all.
    fn some<T>(&mut self, values: &Values, option: &Opt<T>) -> Option<Vec<T>> {
        let given = values.given(option)?;
        let key = option.declaration.key.map_or("", |key| key.key);
        if given.values.is_empty() && !values.is_refused(option) {
            let text = format!("expected at least one value of {key}, found none; leave {key} out, or write one");
            self.refuse(given.place, FileErrorKind::Contradiction { text });
        }
        values.placed(option).map(|placed| placed.into_iter().map(|(value, _)| value).collect())
    }

    /// The value of an option that a table has to have, and where its key stands.
    fn needed<T>(&mut self, element: &Element, option: &Opt<T>) -> Option<(T, Place)> {
        if element.values.given(option).is_none() && !element.values.is_refused(option) {
            let declaration = &option.declaration;
            let (key, table) = declaration.key.map_or(("", ""), |key| (key.key, key.table));
            self.refuse(element.place, FileErrorKind::Lacking { key, table, range: declaration.range });
        }
        element.values.first(option)
    }

    /// The name of an element, which no other of its kind has.
    fn declare<T: Display>(&mut self, known: &mut Known, element: &Element, option: &Opt<T>) -> Option<T> {
        let Some((name, place)) = self.needed(element, option) else {
            known.has_refused = true;
            return None;
        };
        // Domain names are the same in either case, and the others need no two that differ in nothing else.
        let folded = name.to_string().to_ascii_lowercase();
        if let Some(other) = known.places.get(&folded) {
            let text = format!(
                "expected a name that no other {} has, found {folded:?} (the other is in line {}); leave one out",
                options::heading(known.table),
                other.line
            );
            self.refuse(place, FileErrorKind::Contradiction { text });
            return None;
        }
        known.written.insert(name.to_string());
        known.places.insert(folded, place);
        Some(name)
    }

    /// A key that is named.
    fn refer_to_key(&mut self, key: &zone_segment::Name, place: Place) {
        let known = std::mem::replace(&mut self.keys, Known::new("key"));
        self.refer(&known, &key.to_string(), place);
        self.keys = known;
    }

    /// A name that has to be known.
    fn refer(&mut self, known: &Known, name: &str, place: Place) {
        // Names of remotes and templates are found as they are written; the others are domain names.
        let is_known = match known.table {
            "remote" | "template" => known.written.contains(name),
            _ => known.places.contains_key(&name.to_ascii_lowercase()),
        };
        if known.has_refused || is_known {
            return;
        }
        let names: Vec<&str> = known.written.iter().map(String::as_str).collect();
        let remedy = match names.is_empty() {
            true => format!("there is none, write one as {}", options::heading(known.table)),
            false => nearest::among(&names, name),
        };
        self.refuse(place, FileErrorKind::Reference { table: known.table, found: name.to_owned(), remedy });
    }

    /// Notes what is wrong.
    fn refuse(&mut self, place: Place, kind: FileErrorKind) {
        self.errors.push(FileError { path: self.path.to_owned(), place: Some(place), kind });
    }
}
