//! Layers, and stacks of them.

use std::sync::Arc;

use crate::ids::LayerId;
use crate::map::Mapping;
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
}

impl<B> Clone for Stack<B> {
    fn clone(&self) -> Self {
        Stack { layers: self.layers.clone() }
    }
}

impl<B> Stack<B> {
    /// A stack of layers, newest first.
    pub fn new(layers: Vec<Layer<B>>) -> Stack<B> {
        Stack { layers }
    }

    /// Its layers, newest first.
    pub fn layers(&self) -> &[Layer<B>] {
        &self.layers
    }
}

/// The most layers of a stack: a lookup may ask each of them.
pub const LAYERS_MAX: usize = 8;
