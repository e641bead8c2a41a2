//! What every whole-system test stands on: a real server in a directory of its own, asked by real packets.
//!
//! [`Server`] starts the `trine` this package builds and ends it with the test; [`Wire`] asks questions over UDP and TCP; [`Faults`]
//! makes processes die or stall at chosen places; [`raw_reader`] speaks to the bus; [`zones`] writes zone files; [`load`] asks
//! thousands of questions a second; [`processes`] looks into `/proc`; [`wait`] waits for conditions; [`heavy`] is for tests that use
//! the whole machine; [`skip`] records what this machine can't run.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

pub(crate) mod faults;
pub(crate) mod heavy;
pub(crate) mod load;
pub(crate) mod processes;
pub(crate) mod raw_reader;
pub(crate) mod server;
pub(crate) mod skip;
pub(crate) mod small_disk;
pub(crate) mod wait;
pub(crate) mod wire;
pub(crate) mod zones;

pub(crate) use faults::Faults;
pub(crate) use heavy::{IS_STRICT, assert_within, heavy, setting};
pub(crate) use server::{Server, ServerOptions};
pub(crate) use skip::skip;
pub(crate) use wait::{until, within};
pub(crate) use wire::{Answer, Wire};
