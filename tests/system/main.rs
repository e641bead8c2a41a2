//! The whole system from outside: real processes, real packets, real signals. One module a subject.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "../harness/mod.rs"]
mod harness;

mod changes;
mod commands;
mod configuration;
mod damage;
mod durability;
mod dynamic_update;
mod dynamic_update_edges;
mod expiry;
mod generations;
mod lease;
mod limits;
mod load;
mod many;
mod memory;
mod merges;
mod peers;
mod reader;
mod recovery;
mod rollback;
mod secondary;
mod segments;
mod start;
mod statistics;
mod supervisor;
mod takeover;
mod transfers;
mod updates;
mod watch;
mod xfrout;
