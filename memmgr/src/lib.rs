//! Zone sources into segments, segments into generations.
