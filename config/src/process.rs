//! What the supervisor hands to each process it starts: its typed part of the configuration and the numbers of its
//! inherited descriptors, as JSON in a sealed memfd on descriptor [`START_DESCRIPTOR`].

use std::net::SocketAddr;
use std::path::PathBuf;

use dns::access::Prefix;
use serde::{Deserialize, Serialize};

use crate::defaults;
use crate::peers::{Key, Remote, TransferOptions};
use crate::policy::Zones;
use crate::secret::CookieSecret;

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
    /// The process that gives zones away.
    Xfrout {
        /// Its options.
        options: XfroutOptions,
        /// Its descriptors.
        descriptors: XfroutDescriptors,
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
    /// How long a lease may be without progress, in milliseconds.
    pub lease_timeout_ms: u64,
    /// How long a query thread may stand still with work waiting, in milliseconds.
    pub stall_timeout_ms: u64,
    /// How many octets of changes that were made are kept.
    pub journal_octets: u64,
    /// How many generations that were followed are kept on disk.
    pub keep_generations: u32,
    /// Users besides root and the server's own that may connect to the bus.
    pub bus_allow: Vec<u32>,
    /// The addresses answered at, for the status.
    pub listen: Vec<SocketAddr>,
    /// The supervisor's process.
    pub supervisor_pid: i32,
    /// Keys shared with other servers.
    pub keys: Vec<Key>,
    /// Other servers.
    pub remotes: Vec<Remote>,
    /// Which zones come from others, and who may change and announce them.
    pub policies: Zones,
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
    /// The socket file at which connections are handed to xfrout.
    pub xfrout: PathBuf,
    /// Which of the auth processes this is, from 0.
    pub slot: u32,
    /// The addresses answered at.
    pub listen: Vec<SocketAddr>,
    /// What answers are like.
    pub answers: AnswerOptions,
    /// Keys that queries may be signed with.
    pub keys: Vec<Key>,
    /// The TCP side.
    pub tcp: TcpOptions,
    /// The TLS side; `None` where there is no address for it.
    pub tls: Option<TlsOptions>,
    /// Response rate limiting, with the number of processes that share it; `None` switches it off.
    pub rate_limit: Option<RateLimitOptions>,
    /// Whether the kernel gives each process the queries that arrive on the processor of its slot's number.
    pub steer_by_cpu: bool,
}

/// What answers are like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerOptions {
    /// The largest datagram sent, in octets.
    pub udp_size_max: u16,
    /// Whether nothing is added to an answer that its asker does not need.
    pub minimal_responses: bool,
    /// Whether the records of an RRset come in another order from answer to answer.
    pub rotate_rrsets: bool,
    /// What is told to who asks for the server's version; `None` refuses to.
    pub version: Option<String>,
    /// What is told to who asks which server this is, by name or by NSID; `None` refuses to.
    pub identity: Option<String>,
    /// The secrets of server cookies: the first makes them, all of them are accepted. None at all switches cookies off.
    pub cookie_secrets: Vec<CookieSecret>,
}

impl Default for AnswerOptions {
    fn default() -> Self {
        Self {
            udp_size_max: defaults::UDP_SIZE_MAX,
            minimal_responses: defaults::MINIMAL_RESPONSES,
            rotate_rrsets: defaults::ROTATE_RRSETS,
            version: None,
            identity: None,
            cookie_secrets: Vec::new(),
        }
    }
}

/// The TCP side of an auth process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpOptions {
    /// Connections at a time; one more, and the one that has been idle longest goes.
    pub connections_max: u32,
    /// Connections at a time of one client's address; one more, and its own that has been idle longest goes.
    pub connections_per_client_max: u32,
    /// How long a connection may take to bring its next query whole, in milliseconds.
    pub idle_timeout_ms: u64,
    /// How long a client may take to read what is written at once, in milliseconds.
    pub write_timeout_ms: u64,
    /// Connections opened with their first query (RFC 7413) that may wait to be taken; 0 switches that off.
    pub fast_open: u32,
    /// Queries of one connection that are answered before others have their turn.
    pub pipelined_max: u32,
}

impl Default for TcpOptions {
    fn default() -> Self {
        Self {
            connections_max: defaults::CONNECTIONS_MAX,
            connections_per_client_max: defaults::CONNECTIONS_PER_CLIENT_MAX,
            idle_timeout_ms: defaults::IDLE_TIMEOUT_MS,
            write_timeout_ms: defaults::WRITE_TIMEOUT_MS,
            fast_open: defaults::FAST_OPEN,
            pipelined_max: defaults::PIPELINED_MAX,
        }
    }
}

/// What the server shows of itself over TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsOptions {
    /// The file of its certificate, with those that vouch for it.
    pub certificate: PathBuf,
    /// The file of the certificate's private key.
    pub key: PathBuf,
}

/// Response rate limiting. A rate of 0 leaves its class of answers unlimited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimitOptions {
    /// Like answers with data, or like referrals, a second to one prefix.
    pub responses_per_second: u32,
    /// Errors a second to one prefix.
    pub errors_per_second: u32,
    /// Denials of one zone (NXDOMAIN, NODATA) a second to one prefix.
    pub nxdomains_per_second: u32,
    /// Of so many limited answers one goes out truncated and empty, so that a real asker comes again over TCP; 0 drops all, 1 none.
    pub slip: u32,
    /// Leading bits of an IPv4 address that count as one asker.
    pub ipv4_prefix: u8,
    /// Leading bits of an IPv6 address that count as one asker.
    pub ipv6_prefix: u8,
    /// Memory for counting, in octets.
    pub table_octets: u64,
    /// Askers that are not limited.
    pub exempt: Vec<Prefix>,
    /// Processes that the queries of one prefix are spread over: each gives this part of the rates.
    pub processes: u32,
}

impl Default for RateLimitOptions {
    fn default() -> Self {
        Self {
            responses_per_second: defaults::RESPONSES_PER_SECOND,
            errors_per_second: defaults::ERRORS_PER_SECOND,
            nxdomains_per_second: defaults::NXDOMAINS_PER_SECOND,
            slip: defaults::SLIP,
            ipv4_prefix: defaults::IPV4_PREFIX,
            ipv6_prefix: defaults::IPV6_PREFIX,
            table_octets: defaults::TABLE_OCTETS,
            exempt: Vec::new(),
            processes: 1,
        }
    }
}

impl RateLimitOptions {
    /// What each of so many processes gets, among which the kernel spreads what one prefix sends: its part of the memory. The rates stay as
    /// they are, and how many processes there are goes with them, since the parts of small rates are no whole numbers.
    #[must_use]
    pub fn share(&self, processes: u32) -> Self {
        let processes = processes.max(1);
        Self { processes, table_octets: self.table_octets / u64::from(processes), ..self.clone() }
    }
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
    /// The same for TLS.
    pub tls: Vec<i32>,
}

/// The options of the process that gives zones away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct XfroutOptions {
    /// The bus's socket file.
    pub bus: PathBuf,
    /// Keys shared with other servers.
    pub keys: Vec<Key>,
    /// Other servers.
    pub remotes: Vec<Remote>,
    /// How many transfers there may be, and how slow.
    pub transfers: TransferOptions,
    /// Who may have which zone, and who is told of its changes.
    pub policies: Zones,
}

/// The inherited descriptors of the process that gives zones away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct XfroutDescriptors {
    /// The socket pair with the supervisor.
    pub supervisor: i32,
    /// The listening socket at which auth processes hand connections over.
    pub link: i32,
}
