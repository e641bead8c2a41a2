//! Layers, and stacks of them.

use std::sync::Arc;

use crate::ids::{LayerId, ZoneId};
use crate::map::{Mapping, SegmentOctets};
use crate::overlay::{self, Overlay, Overlays};
use crate::segment::Segment;

/// One layer of a stack.
#[derive(Debug)]
pub struct Layer<B = Mapping> {
    /// Its id: higher is newer.
    pub id: LayerId,
    /// Its segment.
    pub segment: Arc<Segment<B>>,
}

impl<B> Clone for Layer<B> {
    fn clone(&self) -> Self {
        Layer { id: self.id, segment: Arc::clone(&self.segment) }
    }
}

/// The layers of a group, newest first.
#[derive(Debug)]
pub struct Stack<B = Mapping> {
    /// Newest first.
    layers: Vec<Layer<B>>,
    /// What was made of the changes in them, once the stack is part of a generation.
    overlays: Overlays<B>,
}

impl<B> Clone for Stack<B> {
    fn clone(&self) -> Self {
        Stack { layers: self.layers.clone(), overlays: Arc::clone(&self.overlays) }
    }
}

impl<B> Stack<B> {
    /// A stack of layers, newest first.
    pub fn new(layers: Vec<Layer<B>>) -> Stack<B> {
        Stack { layers, overlays: Arc::default() }
    }

    /// Its layers, newest first.
    pub fn layers(&self) -> &[Layer<B>] {
        &self.layers
    }

    /// What changed of a zone above its base.
    #[inline]
    pub(crate) fn overlay(&self, zone: ZoneId) -> Option<&Overlay<B>> {
        overlay::find(&self.overlays, zone)
    }
}

impl<B: SegmentOctets> Stack<B> {
    /// Makes what readers keep of changes, from what was made for the stack before where that is possible.
    pub(crate) fn prepare(&mut self, before: Option<&Stack<B>>) {
        let ids = |stack: &Stack<B>| stack.layers.iter().map(|layer| layer.id).collect::<Vec<_>>();
        self.overlays = match before {
            Some(before) if ids(before) == ids(self) => Arc::clone(&before.overlays),
            before => overlay::overlays(&self.layers, before.map_or(&[], |before| &before.overlays)),
        };
    }

    /// Octets of memory that readers keep of changes.
    pub(crate) fn private_octets(&self) -> usize {
        self.overlays.iter().map(Overlay::octets).sum()
    }
}

/// The most layers of a stack: a lookup of a name that changed may ask each of them.
pub const LAYERS_MAX: usize = 8;
