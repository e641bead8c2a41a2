//! A generation as a reader sees it: the directory's layers, each group's stack, and the way from a name to its zone.
//!
//! Lookups allocate nothing and take no lock: a [`ZoneSet`] never changes, a reader swaps it for the next one whole.

use std::fmt;

use crate::directory::{EntryRef, ZoneState};
use crate::hash::HashKey;
use crate::ids::{GroupId, LayerId};
use crate::kind::Kind;
use crate::lookup_name::LookupName;
use crate::map::{Mapping, SegmentOctets};
use crate::name::NameRef;
use crate::stack::{LAYERS_MAX, Layer, Stack};
use crate::zone::Zone;

/// A generation: every zone of it, as of one moment.
#[derive(Debug)]
pub struct ZoneSet<B = Mapping> {
    /// The generation's number.
    generation: u64,
    /// The key of the name hash of all its segments.
    key: HashKey,
    /// The layers of the directory, newest first.
    directory: Vec<Layer<B>>,
    /// Which numbers of labels the apexes have: bit n for n labels.
    label_counts: u128,
    /// The groups' stacks, by id.
    groups: Vec<(GroupId, Stack<B>)>,
}

/// The same layers once more: cheap beside them, and theirs to keep however long.
impl<B> Clone for ZoneSet<B> {
    fn clone(&self) -> Self {
        ZoneSet {
            generation: self.generation,
            key: self.key,
            directory: self.directory.clone(),
            label_counts: self.label_counts,
            groups: self.groups.clone(),
        }
    }
}

impl<B: SegmentOctets> ZoneSet<B> {
    /// Puts a generation together: the directory's layers newest first, and each group's stack.
    pub fn new(
        generation: u64,
        directory: Vec<Layer<B>>,
        groups: Vec<(GroupId, Stack<B>)>,
    ) -> Result<ZoneSet<B>, ZoneSetError> {
        Self::after(None, generation, directory, groups)
    }

    /// The same for one that follows another: what is kept in memory of changes is made from what was kept before, at the cost of what is
    /// new.
    pub fn after(
        before: Option<&ZoneSet<B>>,
        generation: u64,
        directory: Vec<Layer<B>>,
        mut groups: Vec<(GroupId, Stack<B>)>,
    ) -> Result<ZoneSet<B>, ZoneSetError> {
        groups.sort_by_key(|(group, _)| *group);
        if let Some(pair) = groups.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(ZoneSetError::GroupTwice { group: pair[0].0 });
        }
        let mut key = None;
        check_layers(&directory, Kind::Directory, &mut key)?;
        for (_, stack) in &groups {
            check_layers(stack.layers(), Kind::Zones, &mut key)?;
        }
        for (group, stack) in &mut groups {
            stack.prepare(before.and_then(|before| before.stack(*group)));
        }
        let label_counts = directory.iter().fold(0, |counts, layer| counts | layer.segment.label_counts());
        Ok(ZoneSet { generation, key: key.unwrap_or_default(), directory, label_counts, groups })
    }

    /// The generation's number.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The key that names are hashed with: what a [`LookupName`] is prepared with.
    pub fn key(&self) -> HashKey {
        self.key
    }

    /// The zone to answer a name from: the one with the longest apex at or above it.
    pub fn find_zone(&self, name: &LookupName) -> Option<Zone<'_, B>> {
        self.find_zone_of(name, name.label_count())
    }

    /// As [`find_zone`](ZoneSet::find_zone), quicker where it is the same zone as that of another name, which many queries are for one after the
    /// other.
    #[inline]
    pub fn find_zone_again<'z>(&'z self, name: &LookupName, last: Option<&Zone<'z, B>>) -> Option<Zone<'z, B>> {
        match last {
            Some(last) if self.is_closest(name, last) => Some(*last),
            _ => self.find_zone(name),
        }
    }

    /// Whether a name is in a zone, and no apex has so many labels that it could stand in between.
    fn is_closest(&self, name: &LookupName, zone: &Zone<'_, B>) -> bool {
        let (labels, apex_labels) = (name.label_count(), zone.apex_label_count());
        if apex_labels > labels {
            return false;
        }
        // A name has at most 127 labels.
        let between = self.label_counts & (u128::MAX >> (127 - labels)) & (u128::MAX << apex_labels << 1);
        between == 0 && name.is_at_or_below(zone.apex())
    }

    /// The zone strictly above a name: where the DS records of an apex are (RFC 4035, section 3.1.4.1).
    pub fn find_zone_above(&self, name: &LookupName) -> Option<Zone<'_, B>> {
        self.find_zone_of(name, name.label_count().checked_sub(1)?)
    }

    /// The zone with exactly this apex.
    pub fn zone(&self, apex: NameRef<'_>) -> Option<Zone<'_, B>> {
        let name = LookupName::new(self.key, apex);
        self.probe(&name, name.label_count())
    }

    /// All zones, layer by layer; in canonical order when the directory has one layer.
    pub fn zones(&self) -> impl Iterator<Item = Zone<'_, B>> {
        self.directory
            .iter()
            .enumerate()
            .flat_map(move |(depth, layer)| {
                layer.segment.entries().filter(move |entry| {
                    let name = LookupName::new(self.key, entry.apex());
                    let wire = name.name().as_wire();
                    depth == 0
                        || self.entry(&self.directory[..depth], name.hash(self.key, name.label_count()), wire).is_none()
                })
            })
            .filter_map(move |entry| self.zone_of(entry))
    }

    /// The groups and their stacks, by id.
    pub fn groups(&self) -> &[(GroupId, Stack<B>)] {
        &self.groups
    }

    /// The layers of the directory, newest first.
    pub fn directory(&self) -> &[Layer<B>] {
        &self.directory
    }

    /// The zone with the longest apex of up to `labels_max` labels at or above a name.
    fn find_zone_of(&self, name: &LookupName, labels_max: usize) -> Option<Zone<'_, B>> {
        // A name has at most 127 labels.
        let mut left = self.label_counts & (u128::MAX >> (127 - labels_max));
        while let Some(labels) = left.checked_ilog2() {
            if let Some(zone) = self.probe(name, labels as usize) {
                return Some(zone);
            }
            left ^= 1 << labels;
        }
        None
    }

    /// The zone whose apex is the last `labels` labels of a name.
    fn probe(&self, name: &LookupName, labels: usize) -> Option<Zone<'_, B>> {
        let wire = name.suffix(labels).as_wire();
        self.entry(&self.directory, name.hash(self.key, labels), wire).and_then(|entry| self.zone_of(entry))
    }

    /// The newest entry of a folded apex in these layers.
    fn entry<'a>(&self, layers: &'a [Layer<B>], hash: u64, lowercase_wire: &[u8]) -> Option<EntryRef<'a>> {
        layers.iter().find_map(|layer| layer.segment.entry(hash, lowercase_wire))
    }

    /// The zone of an entry; none for a removed one.
    fn zone_of<'a>(&'a self, entry: EntryRef<'a>) -> Option<Zone<'a, B>> {
        if entry.state() == ZoneState::Removed {
            return None;
        }
        Some(Zone::of_entry(entry, self.key, self.stack(entry.group())))
    }

    /// The stack of a group.
    fn stack(&self, group: GroupId) -> Option<&Stack<B>> {
        let at = self.groups.binary_search_by_key(&group, |(group, _)| *group).ok()?;
        self.groups.get(at).map(|(_, stack)| stack)
    }

    /// Octets of this process's own memory that are kept about changes above bases, beside the segments.
    pub fn private_octets(&self) -> usize {
        self.groups.iter().map(|(_, stack)| stack.private_octets()).sum()
    }
}

/// Checks that layers are of one kind and key, newest first, and not too many.
fn check_layers<B: SegmentOctets>(
    layers: &[Layer<B>],
    kind: Kind,
    key: &mut Option<HashKey>,
) -> Result<(), ZoneSetError> {
    if layers.len() > LAYERS_MAX {
        return Err(ZoneSetError::TooManyLayers { expected_max: LAYERS_MAX, found: layers.len() });
    }
    if let Some(pair) = layers.windows(2).find(|pair| pair[0].id <= pair[1].id) {
        return Err(ZoneSetError::NotNewestFirst { layer: pair[0].id, older: pair[1].id });
    }
    for layer in layers {
        let found = layer.segment.kind();
        if found != kind {
            return Err(ZoneSetError::Kind { layer: layer.id, expected: kind, found });
        }
        if *key.get_or_insert(layer.segment.key()) != layer.segment.key() {
            return Err(ZoneSetError::KeyDiffers { layer: layer.id });
        }
    }
    Ok(())
}

/// Why segments do not make a generation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ZoneSetError {
    /// A layer's name hash has another key than those before it. Keys are not shown.
    KeyDiffers {
        /// The layer.
        layer: LayerId,
    },
    /// A layer is of the wrong kind.
    Kind {
        /// The layer.
        layer: LayerId,
        /// The kind it should be.
        expected: Kind,
        /// The kind it is.
        found: Kind,
    },
    /// The layers of a stack do not come newest first.
    NotNewestFirst {
        /// A layer.
        layer: LayerId,
        /// The one behind it, which should be older.
        older: LayerId,
    },
    /// A stack has more layers than a lookup may ask.
    TooManyLayers {
        /// The limit.
        expected_max: usize,
        /// How many there are.
        found: usize,
    },
    /// A group has two stacks.
    GroupTwice {
        /// The group.
        group: GroupId,
    },
}

impl std::error::Error for ZoneSetError {}

impl fmt::Display for ZoneSetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ZoneSetError::KeyDiffers { layer } => {
                write!(f, "layer {layer}: expected the hash key of the other segments, found another")
            }
            ZoneSetError::Kind { layer, expected, found } => {
                write!(f, "layer {layer}: expected a segment of kind {expected}, found {found}")
            }
            ZoneSetError::NotNewestFirst { layer, older } => {
                write!(f, "layer {older} stands behind layer {layer}: expected an older one, newest come first")
            }
            ZoneSetError::TooManyLayers { expected_max, found } => {
                write!(f, "a stack has too many layers: expected up to {expected_max}, found {found}")
            }
            ZoneSetError::GroupTwice { group } => write!(f, "group {group}: expected one stack, found two"),
        }
    }
}
