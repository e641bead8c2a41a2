//! The server as a whole: addresses, processes, zones, deadlines, who may steer it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::values::{number_within, path, size_within, switch, timeout};
use crate::declaration::{Declaration, Key, Kind, Opt, Preset};
use crate::{listen, user};

/// The configuration file.
pub const CONFIG: Opt<PathBuf> = Opt {
    declaration: Declaration {
        name: Some("config"),
        key: None,
        kind: Kind::Path,
        value: "FILE",
        preset: Preset::Nothing,
        range: "a configuration file",
        many: false,
        help: "Read options from this file; those of the command line win over it",
    },
    parse: path,
};

/// Where to answer.
pub const LISTEN: Opt<SocketAddr> = Opt {
    declaration: Declaration {
        name: Some("listen"),
        key: Some(Key { table: "server", key: "listen" }),
        kind: Kind::Text,
        value: "ADDRESS:PORT",
        preset: Preset::Words("127.0.0.1:5300 and [::1]:5300"),
        range: "an IP address and a port; port 0 takes a free one",
        many: true,
        help: "Answer at this address, over UDP and TCP",
    },
    parse: |text| listen::parse(text).map_err(|error| error.to_string()),
};

/// How many auth processes.
pub const AUTH: Opt<u32> = Opt {
    declaration: Declaration {
        name: Some("auth"),
        key: Some(Key { table: "server", key: "auth" }),
        kind: Kind::Number,
        value: "N",
        preset: Preset::Words("one a processor, at most 4"),
        range: "1 to 64",
        many: false,
        help: "Processes that answer queries, 1 to 64",
    },
    parse: |text| number_within(text, 1, AUTH_MAX),
};

/// The most auth processes: each inherits every sibling's sockets, and drained slots are one bit each in 64.
pub const AUTH_MAX: u32 = 64;

/// Whether queries go to the process of the processor they arrive on.
pub const STEER_BY_CPU: Opt<bool> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "server", key: "steer-by-cpu" }),
        kind: Kind::Switch,
        value: "BOOLEAN",
        preset: Preset::Value("false"),
        range: "true or false",
        many: false,
        help: "Give the first auth process the queries that arrive on processor 0, the second those of processor 1, and so on; for network \
               cards that spread queries over as many processors",
    },
    parse: switch,
};

/// Where the state is kept.
pub const STATE: Opt<PathBuf> = Opt {
    declaration: Declaration {
        name: Some("state"),
        key: Some(Key { table: "server", key: "state" }),
        kind: Kind::Path,
        value: "DIR",
        preset: Preset::Words("$XDG_STATE_HOME/trine or ~/.local/state/trine"),
        range: "a directory on a local file system",
        many: false,
        help: "Keep segments, manifest and the bus's socket here",
    },
    parse: path,
};

/// Where the zone files are.
pub const ZONES: Opt<PathBuf> = Opt {
    declaration: Declaration {
        name: Some("zones"),
        key: Some(Key { table: "zones", key: "directory" }),
        kind: Kind::Path,
        value: "DIR",
        preset: Preset::Nothing,
        range: "a directory of zone files",
        many: false,
        help: "Serve every *.zone file of this directory, each as the zone of its name",
    },
    parse: path,
};

/// Whether the zone files are watched.
pub const WATCH: Opt<bool> = Opt {
    declaration: Declaration {
        name: Some("watch"),
        key: Some(Key { table: "zones", key: "watch" }),
        kind: Kind::Switch,
        value: "BOOLEAN",
        preset: Preset::Value("false"),
        range: "true or false",
        many: false,
        help: "Watch the directory of zone files and take what changes in it, without a reload",
    },
    parse: switch,
};

/// Whether zones have to have a digest.
pub const ZONEMD: Opt<bool> = Opt {
    declaration: Declaration {
        name: Some("zonemd"),
        key: Some(Key { table: "zones", key: "zonemd" }),
        kind: Kind::Switch,
        value: "BOOLEAN",
        preset: Preset::Value("false"),
        range: "true or false",
        many: false,
        help: "Take a zone only with a ZONEMD record that agrees with it (RFC 8976), whenever it is read",
    },
    parse: switch,
};

/// How long a switch may take.
pub const SWITCH_TIMEOUT: Opt<Duration> = Opt {
    declaration: Declaration {
        name: Some("switch-timeout"),
        key: Some(Key { table: "memmgr", key: "switch-timeout" }),
        kind: Kind::Text,
        value: "TIME",
        preset: Preset::Value("5s"),
        range: "100ms to 1h",
        many: false,
        help: "Kill a reader that has not acknowledged a new generation within this time, 100ms to 1h",
    },
    parse: timeout,
};

/// How long a release may take.
pub const RELEASE_TIMEOUT: Opt<Duration> = Opt {
    declaration: Declaration {
        name: Some("release-timeout"),
        key: Some(Key { table: "memmgr", key: "release-timeout" }),
        kind: Kind::Text,
        value: "TIME",
        preset: Preset::Value("60s"),
        range: "100ms to 1h",
        many: false,
        help: "Kill a reader that still holds a followed generation after this time, 100ms to 1h",
    },
    parse: timeout,
};

/// How long a lease may be without progress.
pub const LEASE_TIMEOUT: Opt<Duration> = Opt {
    declaration: Declaration {
        name: Some("lease-timeout"),
        key: Some(Key { table: "memmgr", key: "lease-timeout" }),
        kind: Kind::Text,
        value: "TIME",
        preset: Preset::Value("60s"),
        range: "100ms to 1h",
        many: false,
        help: "End a lease, such as that of a transfer, that has made no progress for this time, 100ms to 1h",
    },
    parse: timeout,
};

/// How long a thread may stand still.
pub const STALL_TIMEOUT: Opt<Duration> = Opt {
    declaration: Declaration {
        name: Some("stall-timeout"),
        key: Some(Key { table: "memmgr", key: "stall-timeout" }),
        kind: Kind::Text,
        value: "TIME",
        preset: Preset::Value("10s"),
        range: "100ms to 1h",
        many: false,
        help: "Kill a reader of which a query thread stands still with work waiting for this time, 100ms to 1h",
    },
    parse: timeout,
};

/// How much of the journal is kept.
pub const JOURNAL_SIZE: Opt<u64> = Opt {
    declaration: Declaration {
        name: Some("journal-size"),
        key: Some(Key { table: "memmgr", key: "journal-size" }),
        kind: Kind::Text,
        value: "SIZE",
        preset: Preset::Value("64MiB"),
        range: "1MiB to 1024GiB",
        many: false,
        help: "Keep so many octets of changes that were made, for who asks what changed; what is needed after a crash is kept in any case",
    },
    parse: |text| size_within(text, 1 << 20, 1 << 40),
};

/// How many generations are kept on disk.
pub const KEEP_GENERATIONS: Opt<u32> = Opt {
    declaration: Declaration {
        name: Some("keep-generations"),
        key: Some(Key { table: "memmgr", key: "keep-generations" }),
        kind: Kind::Number,
        value: "N",
        preset: Preset::Value("0"),
        range: "0 to 1000",
        many: false,
        help: "Keep the files of so many generations that were followed, to go back to; pinned ones are kept besides",
    },
    parse: |text| number_within(text, 0, 1000),
};

/// Who else may connect to the bus: numbers of users.
pub const BUS_ALLOW: Opt<u32> = Opt {
    declaration: Declaration {
        name: Some("bus-allow"),
        key: Some(Key { table: "control", key: "allow" }),
        kind: Kind::Text,
        value: "USER",
        preset: Preset::Nothing,
        range: "a user this machine knows, or its number",
        many: true,
        help: "Let this user's processes connect to the bus, besides root's and the server's own",
    },
    parse: user::parse,
};
