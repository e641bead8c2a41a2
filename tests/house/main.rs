//! The house itself: that what `docs/` says of the tree is so.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod messages;
mod tree;
mod unsafe_code;
