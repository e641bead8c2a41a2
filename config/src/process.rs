//! What the supervisor hands to each process it starts: its typed part of the configuration and the numbers of its
//! inherited descriptors, as JSON in a sealed memfd on descriptor [`START_DESCRIPTOR`].

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The descriptor a started process finds its [`Start`] at: the first after the standard three.
pub const START_DESCRIPTOR: i32 = 3;

/// A started process's part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "kebab-case")]
pub enum Start {
    /// The memory manager.
    Memmgr {
        /// Its options.
        options: MemmgrOptions,
        /// Its descriptors.
        descriptors: MemmgrDescriptors,
    },
    /// A process that answers queries.
    Auth {
        /// Its options.
        options: AuthOptions,
        /// Its descriptors.
        descriptors: AuthDescriptors,
    },
}

/// memmgr's options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemmgrOptions {
    /// The directory of zone files.
    pub zones: PathBuf,
    /// Whether that directory is watched.
    pub watch: bool,
    /// Whether zones have to have a digest that agrees with them (RFC 8976).
    pub zonemd: bool,
    /// The state directory: manifest and segments.
    pub state: PathBuf,
    /// Auth processes that will attach.
    pub auth: u32,
    /// How long a reader may take to acknowledge, in milliseconds.
    pub switch_timeout_ms: u64,
    /// How long a reader may hold a generation that was followed, in milliseconds.
    pub release_timeout_ms: u64,
    /// How long a query thread may stand still with work waiting, in milliseconds.
    pub stall_timeout_ms: u64,
    /// Users besides root and the server's own that may connect to the bus.
    pub bus_allow: Vec<u32>,
    /// The addresses answered at, for the status.
    pub listen: Vec<SocketAddr>,
    /// The supervisor's process.
    pub supervisor_pid: i32,
}

/// memmgr's inherited descriptors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemmgrDescriptors {
    /// The socket pair with the supervisor.
    pub supervisor: i32,
    /// The bus's listening socket.
    pub bus: i32,
}

/// An auth process's options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthOptions {
    /// The bus's socket file.
    pub bus: PathBuf,
    /// Which of the auth processes this is, from 0.
    pub slot: u32,
    /// The addresses answered at.
    pub listen: Vec<SocketAddr>,
}

/// An auth process's inherited descriptors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthDescriptors {
    /// The socket pair with the supervisor.
    pub supervisor: i32,
    /// The progress table.
    pub progress: i32,
    /// For each slot, one UDP socket an address: its own, and its siblings' to drain.
    pub udp: Vec<Vec<i32>>,
    /// One listening socket an address, shared by all.
    pub tcp: Vec<i32>,
}
