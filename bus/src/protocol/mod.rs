//! The typed messages that Trine's processes exchange, declared once for both ends.
//!
//! - [`reader`]: how a process that maps zone data follows generations.
//! - [`control`]: what a command asks of a running server, and the answers.
//! - [`messages`]: DNS messages that memmgr answers.
//! - [`statistics`]: what processes that answer queries have done.
//! - [`supervisor`]: the fixed-size records between the supervisor and its processes.
//!
//! The modules hold plain data and know nothing of sockets; a program in another language can speak them from
//! `docs/bus-protocol.md` alone. Unknown fields are ignored, so that a newer end may say more than an older one reads.

pub mod control;
pub mod messages;
pub mod reader;
pub mod statistics;
pub mod supervisor;

use crate::group::Group;

/// The group memmgr subscribes to: readers attach and commands ask there.
pub const MEMMGR_GROUP: Group = Group::from_static("memmgr");

/// The group that processes subscribe to which answer queries: who wants to know what they do asks each of its members.
pub const AUTH_GROUP: Group = Group::from_static("auth");

/// The notification family that tells of generations as they are published, become current and go.
pub const GENERATIONS_FAMILY: &str = "generations";
