//! The layers a reader has mapped, by number and content.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use bus::protocol::reader::{GroupLayers, LayerIdentity};
use zone_segment::{GroupId, Layer, LayerId, Segment, Stack, ZoneSet};

/// Layers mapped.
#[derive(Debug, Default)]
pub(super) struct Layers {
    /// Each with what it was announced as.
    held: BTreeMap<u64, (LayerIdentity, Arc<Segment>)>,
}

impl Layers {
    /// Maps a layer that was sent.
    ///
    /// # Errors
    ///
    /// When it does not map, does not check out, or is another than was announced.
    pub(super) fn take(&mut self, identity: LayerIdentity, descriptor: OwnedFd) -> Result<(), LayerError> {
        let segment = zone_segment::map(File::from(descriptor))
            .map_err(|error| LayerError::Refused { id: identity.id, error: Box::new(error) })?;
        if segment.content_hash() != identity.content_hash {
            let (expected, found) = (identity.content_hash, segment.content_hash());
            return Err(LayerError::Content { id: identity.id, expected, found });
        }
        self.held.insert(identity.id, (identity, Arc::new(segment)));
        Ok(())
    }

    /// What is mapped.
    pub(super) fn identities(&self) -> Vec<LayerIdentity> {
        self.held.values().map(|(identity, _)| *identity).collect()
    }

    /// A generation of these layers. What is kept in memory of changes is made from what was kept for the one before.
    ///
    /// # Errors
    ///
    /// When a layer is missing, or they do not belong together.
    pub(super) fn assemble(
        &self,
        before: Option<&ZoneSet>,
        generation: u64,
        directory: &[u64],
        groups: &[GroupLayers],
    ) -> Result<ZoneSet, LayerError> {
        let stack = |ids: &[u64]| ids.iter().map(|id| self.layer(*id)).collect::<Result<Vec<Layer>, LayerError>>();
        let groups = groups
            .iter()
            .map(|group| Ok((GroupId(group.group), Stack::new(stack(&group.layers)?))))
            .collect::<Result<Vec<_>, LayerError>>()?;
        ZoneSet::after(before, generation, stack(directory)?, groups)
            .map_err(|error| LayerError::Set { generation, error: Box::new(error) })
    }

    /// Unmaps every layer that is in none of the generations in use.
    pub(super) fn keep_only(&mut self, used: &BTreeSet<u64>) {
        self.held.retain(|id, _| used.contains(id));
    }

    /// One layer.
    fn layer(&self, id: u64) -> Result<Layer, LayerError> {
        let (_, segment) = self.held.get(&id).ok_or(LayerError::Missing { id })?;
        Ok(Layer { id: LayerId(id), segment: Arc::clone(segment) })
    }
}

/// A layer or a generation that can't be taken.
#[derive(Debug)]
pub(super) enum LayerError {
    /// It does not map or check out.
    Refused {
        /// Its number.
        id: u64,
        /// Why.
        error: Box<zone_segment::OpenError>,
    },
    /// Its content is not what was announced.
    Content {
        /// Its number.
        id: u64,
        /// Announced.
        expected: u128,
        /// In the header.
        found: u128,
    },
    /// It was never sent.
    Missing {
        /// Its number.
        id: u64,
    },
    /// The layers do not belong together.
    Set {
        /// The generation.
        generation: u64,
        /// Why.
        error: Box<zone_segment::ZoneSetError>,
    },
}

impl fmt::Display for LayerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { id, error } => write!(f, "mapping layer {id}: {error}"),
            Self::Content { id, expected, found } => {
                write!(f, "mapping layer {id}: expected content {expected:032x}, found {found:032x}")
            }
            Self::Missing { id } => write!(f, "layer {id} is named and was not sent"),
            Self::Set { generation, error } => write!(f, "assembling generation {generation}: {error}"),
        }
    }
}
