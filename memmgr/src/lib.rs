//! Zone sources into segments, segments into generations.

pub mod rotation;
