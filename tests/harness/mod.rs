//! What every whole-system test stands on: a real server in a directory of its own, asked by real packets.
//!
//! [`Server`] starts the `trine` this package builds and ends it with the test; [`Wire`] asks questions over UDP and TCP;
//! [`zones`] writes zone files; [`wait`] waits for conditions; [`skip`] records what this machine can't run.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

pub(crate) mod server;
pub(crate) mod skip;
pub(crate) mod wait;
pub(crate) mod wire;
pub(crate) mod zones;

pub(crate) use server::{Server, ServerOptions};
pub(crate) use skip::skip;
pub(crate) use wait::{until, within};
pub(crate) use wire::{Answer, Wire};
