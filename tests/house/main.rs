//! The house itself: that what `docs/` says of the tree is so.

mod messages;
mod tree;
mod unsafe_code;
