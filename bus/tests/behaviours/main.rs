//! The behaviours of the bus (B01 to B18), each against a real broker on a real socket in a directory of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod child;
mod deadlines;
mod descriptors;
mod harness;
mod hostile;
mod listening;
mod membership;
mod monitor;
mod order;
mod overflow;
mod raw;
mod requests;
mod sessions;
mod users;
