//! Queries over TCP.

use std::time::Duration;

use super::values::{number_within, timeout};
use crate::declaration::{Declaration, Key, Kind, Opt, Preset};

/// Connections of a process.
pub const CONNECTIONS_MAX: Opt<u32> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "auth.tcp", key: "connections-max" }),
        kind: Kind::Number,
        value: "N",
        preset: Preset::Value("1000"),
        range: "1 to 100000",
        many: false,
        help: "Hold so many connections; for one more, the one that has been idle longest is closed",
    },
    parse: |text| number_within(text, 1, 100000),
};

/// Connections of one address.
pub const CONNECTIONS_PER_CLIENT_MAX: Opt<u32> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "auth.tcp", key: "connections-per-client-max" }),
        kind: Kind::Number,
        value: "N",
        preset: Preset::Value("100"),
        range: "1 to 100000",
        many: false,
        help: "Hold so many connections of one address; for one more, its own that has been idle longest is closed",
    },
    parse: |text| number_within(text, 1, 100000),
};

/// Queries answered in a row.
pub const PIPELINED_MAX: Opt<u32> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "auth.tcp", key: "pipelined-max" }),
        kind: Kind::Number,
        value: "N",
        preset: Preset::Value("128"),
        range: "1 to 10000",
        many: false,
        help: "Answer so many waiting queries of one connection before others have their turn",
    },
    parse: |text| number_within(text, 1, 10000),
};

/// How long a connection may be idle.
pub const IDLE_TIMEOUT: Opt<Duration> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "auth.tcp", key: "idle-timeout" }),
        kind: Kind::Text,
        value: "TIME",
        preset: Preset::Value("10s"),
        range: "100ms to 1h",
        many: false,
        help: "Close a connection that has not brought its next query whole within this time",
    },
    parse: timeout,
};

/// How long a client may take to read.
pub const WRITE_TIMEOUT: Opt<Duration> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "auth.tcp", key: "write-timeout" }),
        kind: Kind::Text,
        value: "TIME",
        preset: Preset::Value("10s"),
        range: "100ms to 1h",
        many: false,
        help: "Close a connection whose client does not read what it asked for within this time",
    },
    parse: timeout,
};

/// The queue of TCP Fast Open.
pub const FAST_OPEN: Opt<u32> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "auth.tcp", key: "fast-open" }),
        kind: Kind::Number,
        value: "N",
        preset: Preset::Value("0"),
        range: "0 to 65535",
        many: false,
        help: "Let so many connections wait that were opened with their first query (RFC 7413); 0 switches that off, and \
               net.ipv4.tcp_fastopen of the system has to allow it",
    },
    parse: |text| number_within(text, 0, 65535),
};
