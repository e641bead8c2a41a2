//! A record on top of a manifest: [`apply`].

use std::{error, fmt};

use super::record::CommitRecord;
use crate::manifest::{GroupEntry, LayerEntry, ManifestBody};

/// Makes the manifest of a generation from the one before it. What a record says of zones is not in a manifest.
///
/// # Errors
///
/// The record does not follow, or contradicts itself. The manifest is then as it was.
pub fn apply(body: &mut ManifestBody, record: &CommitRecord) -> Result<(), ApplyError> {
    check(body, record)?;
    body.generation = record.generation;
    body.next_layer = record.next_layer;
    body.next_zone = record.next_zone;
    body.next_group = record.next_group;
    body.served_zones = record.served_zones;
    body.served_records = record.served_records;
    body.clean_stop = false;
    if let Some(directory) = &record.directory {
        body.directory.clone_from(directory);
    }
    if !body.groups.is_sorted_by_key(|group| group.id) {
        body.groups.sort_by_key(|group| group.id);
    }
    record.groups.iter().for_each(|group| set_group(&mut body.groups, group));
    Ok(())
}

/// Puts a group in its place in the order of their numbers.
fn set_group(groups: &mut Vec<GroupEntry>, group: &GroupEntry) {
    match groups.binary_search_by_key(&group.id, |group| group.id) {
        Ok(place) if group.layers.is_empty() => drop(groups.remove(place)),
        Ok(place) => groups[place].layers.clone_from(&group.layers),
        Err(_) if group.layers.is_empty() => {}
        Err(place) => groups.insert(place, group.clone()),
    }
}

/// Whether a record follows a manifest, and says nothing that can't be.
fn check(body: &ManifestBody, record: &CommitRecord) -> Result<(), ApplyError> {
    let (before, got) = (body.generation, record.generation);
    if got <= before {
        return Err(ApplyError::Generation { before, got });
    }
    let numbers = [
        ("next layer", body.next_layer, record.next_layer),
        ("next zone", u64::from(body.next_zone), u64::from(record.next_zone)),
        ("next group", u64::from(body.next_group), u64::from(record.next_group)),
    ];
    if let Some((what, before, got)) = numbers.into_iter().find(|(_, before, got)| got < before) {
        return Err(ApplyError::Falls { what, before, got });
    }
    let unused = |what, number, next| Err(ApplyError::Unused { what, number, next });
    let directory = record.directory.iter().flatten();
    for LayerEntry { id, file, .. } in directory.chain(record.groups.iter().flat_map(|group| &group.layers)) {
        if *id >= record.next_layer {
            return unused("layer", *id, record.next_layer);
        }
        if matches!(file.as_str(), "" | "." | "..") || file.contains(['/', '\0']) {
            return Err(ApplyError::File { layer: *id, file: file.clone() });
        }
    }
    if let Some(group) = record.groups.iter().find(|group| group.id >= record.next_group) {
        return unused("group", group.id.into(), record.next_group.into());
    }
    match record.zones.iter().find(|zone| zone.zone >= record.next_zone) {
        Some(zone) => unused("zone", zone.zone.into(), record.next_zone.into()),
        None => Ok(()),
    }
}

/// Why a record does not follow a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApplyError {
    /// Its generation is not greater.
    Generation {
        /// The manifest's.
        before: u64,
        /// Its own.
        got: u64,
    },
    /// The logs begin after a generation that the manifest does not reach.
    Gap {
        /// The manifest's.
        reached: u64,
        /// The one that they come after.
        after: u64,
    },
    /// A number that only rises would fall.
    Falls {
        /// Which.
        what: &'static str,
        /// The manifest's.
        before: u64,
        /// Its own.
        got: u64,
    },
    /// It uses a number that it says was never used.
    Unused {
        /// Of what.
        what: &'static str,
        /// The number.
        number: u64,
        /// The lowest that was never used.
        next: u64,
    },
    /// A layer's file has no plain name.
    File {
        /// The layer.
        layer: u64,
        /// The name.
        file: String,
    },
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Generation { before, got } => write!(f, "expected a generation after {before}, got {got}"),
            Self::Gap { reached, after } => {
                write!(f, "expected logs that follow generation {reached}, got some that follow {after}")
            }
            Self::Falls { what, before, got } => write!(f, "the {what} falls from {before} to {got}"),
            Self::Unused { what, number, next } => write!(f, "{what} {number} is not below the next {what} {next}"),
            Self::File { layer, file } => {
                write!(f, "layer {layer} has the file name {file:?}, which is not a plain one")
            }
        }
    }
}

impl error::Error for ApplyError {}
