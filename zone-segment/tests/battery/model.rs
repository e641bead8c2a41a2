//! What the answers are: plain ordered maps and the rules in the RFCs' words, one after the other.

use std::collections::{BTreeMap, BTreeSet};

use zone_segment::Name;

use crate::cases::ZoneCase;

/// The type NS.
pub(crate) const NS: u16 = 2;
/// The type DNAME.
pub(crate) const DNAME: u16 = 39;
/// The type NSEC.
pub(crate) const NSEC: u16 = 47;

/// A name as its folded labels from the right: lists of octets compare in canonical order.
type Key = Vec<Vec<u8>>;

/// What a zone says about a name, by names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It exists.
    Name(Name),
    /// At or below a zone cut.
    Cut(Name),
    /// Below the owner of a DNAME.
    Dname(Name),
    /// Source of synthesis and closest encloser.
    Wildcard(Name, Name),
    /// Closest encloser.
    NoName(Name),
}

/// A zone as a map from names to types; names without types are empty non-terminals.
pub(crate) struct ModelZone {
    /// The apex.
    pub(crate) apex: Name,
    /// Its key.
    apex_key: Key,
    /// All names.
    names: BTreeMap<Key, BTreeSet<u16>>,
}

/// The key of a name.
fn key(name: &Name) -> Key {
    let mut labels: Key = name.as_ref().labels().map(|label| label.to_ascii_lowercase()).collect();
    labels.reverse();
    labels
}

/// The name of a key.
fn name(key: &[Vec<u8>]) -> Name {
    Name::from_labels(key.iter().rev().map(Vec::as_slice), Name::root().as_ref()).expect("a name")
}

impl ModelZone {
    /// The model of a zone.
    fn of(zone: &ZoneCase) -> ModelZone {
        let apex_key = key(&zone.apex);
        let mut names: BTreeMap<Key, BTreeSet<u16>> = BTreeMap::new();
        names.entry(apex_key.clone()).or_default();
        for (owner, types) in &zone.owners {
            let owner = key(owner);
            for labels in apex_key.len()..owner.len() {
                names.entry(owner[..labels].to_vec()).or_default();
            }
            names.entry(owner).or_default().extend(types);
        }
        ModelZone { apex: zone.apex.clone(), apex_key, names }
    }

    /// All names in canonical order.
    pub(crate) fn names(&self) -> Vec<Name> {
        self.names.keys().map(|key| name(key)).collect()
    }

    /// Whether a name exists, occluded or not.
    pub(crate) fn exists(&self, name: &Name) -> bool {
        self.names.contains_key(&key(name))
    }

    /// The types a name owns.
    pub(crate) fn types(&self, name: &Name) -> Vec<u16> {
        self.names.get(&key(name)).map(|types| types.iter().copied().collect()).unwrap_or_default()
    }

    /// Whether a name owns a type.
    fn owns(&self, key: &[Vec<u8>], rtype: u16) -> bool {
        self.names.get(key).is_some_and(|types| types.contains(&rtype))
    }

    /// The zone cut at or above, or the DNAME owner above; walked down from the apex, the first one counts.
    fn hidden_by(&self, key: &[Vec<u8>]) -> Option<Answer> {
        (self.apex_key.len()..=key.len()).find_map(|labels| {
            let above = &key[..labels];
            if labels > self.apex_key.len() && self.owns(above, NS) {
                return Some(Answer::Cut(name(above)));
            }
            (labels < key.len() && self.owns(above, DNAME)).then(|| Answer::Dname(name(above)))
        })
    }

    /// Whether a name is below a zone cut or a DNAME owner.
    pub(crate) fn is_occluded(&self, name: &Name) -> bool {
        let key = key(name);
        match self.hidden_by(&key) {
            Some(Answer::Cut(cut)) => cut != *name,
            hidden => hidden.is_some(),
        }
    }

    /// RFC 1034, section 4.3.2, step 3, with RFC 4592 and RFC 6672.
    pub(crate) fn find(&self, asked: &Name) -> Answer {
        let asked_key = key(asked);
        if let Some(hidden) = self.hidden_by(&asked_key) {
            return hidden;
        }
        if self.names.contains_key(&asked_key) {
            return Answer::Name(asked.clone());
        }
        let mut encloser = asked_key;
        while !self.names.contains_key(&encloser) {
            encloser.pop();
        }
        let closest_encloser = name(&encloser);
        encloser.push(b"*".to_vec());
        match self.names.contains_key(&encloser) {
            true => Answer::Wildcard(name(&encloser), closest_encloser),
            false => Answer::NoName(closest_encloser),
        }
    }

    /// The last owner of NSEC at or before a name, of those with authority.
    pub(crate) fn predecessor(&self, asked: &Name) -> Option<Name> {
        self.names
            .range(..=key(asked))
            .rev()
            .filter(|(_, types)| types.contains(&NSEC))
            .map(|(key, _)| name(key))
            .find(|name| !self.is_occluded(name))
    }
}

/// Several zones.
pub(crate) struct ModelSet {
    /// In the order they were given.
    pub(crate) zones: Vec<ModelZone>,
}

impl ModelSet {
    /// The models of zones.
    pub(crate) fn of(zones: &[ZoneCase]) -> ModelSet {
        ModelSet { zones: zones.iter().map(ModelZone::of).collect() }
    }

    /// The apex with most labels at or above a name, or strictly above it.
    pub(crate) fn find_zone(&self, name: &Name, is_strict: bool) -> Option<Name> {
        self.zones
            .iter()
            .map(|zone| &zone.apex)
            .filter(|apex| name.is_at_or_below(apex.as_ref()) && !(is_strict && *apex == name))
            .max_by_key(|apex| apex.label_count())
            .cloned()
    }
}
