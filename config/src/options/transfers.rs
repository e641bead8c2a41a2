//! Giving zones away: `[transfers]`.

use std::time::Duration;

use dns::access::{AccessEntry, AccessError};

use super::values::{number_within, shown, timeout};
use crate::declaration::{Declaration, Key, Kind, Opt, Preset};

/// Who may transfer zones.
pub const TRANSFERS_ALLOW: Opt<AccessEntry> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "transfers", key: "allow" }),
        kind: Kind::Text,
        value: "ENTRY",
        preset: Preset::Nothing,
        range: "an address, a prefix, key:NAME, a prefix and key:NAME where both are needed, or any; with tls behind it where that is needed too",
        many: true,
        help: "Let these transfer zones that say nothing else; without a configuration file, this machine itself may",
    },
    parse: |text| text.parse().map_err(|error: AccessError| error.to_string()),
};

/// Who is told of changes.
pub const TRANSFERS_NOTIFY: Opt<String> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "transfers", key: "notify" }),
        kind: Kind::Text,
        value: "REMOTE",
        preset: Preset::Nothing,
        range: "the name of a [[remote]]",
        many: true,
        help: "Tell these servers of every change (RFC 1996) of zones that say nothing else",
    },
    parse: shown,
};

/// Transfers at a time.
pub const TRANSFERS_MAX: Opt<u32> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "transfers", key: "connections-max" }),
        kind: Kind::Number,
        value: "N",
        preset: Preset::Value("100"),
        range: "1 to 10000",
        many: false,
        help: "Give away so many zones at a time; who asks for one more is refused",
    },
    parse: |text| number_within(text, 1, 10_000),
};

/// Transfers at a time of one address.
pub const TRANSFERS_PER_CLIENT_MAX: Opt<u32> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "transfers", key: "connections-per-client-max" }),
        kind: Kind::Number,
        value: "N",
        preset: Preset::Value("10"),
        range: "1 to 10000",
        many: false,
        help: "Give away so many zones at a time to one address; if it asks for one more it is refused",
    },
    parse: |text| number_within(text, 1, 10_000),
};

/// How long a client may take nothing.
pub const SEND_TIMEOUT: Opt<Duration> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "transfers", key: "send-timeout" }),
        kind: Kind::Text,
        value: "TIME",
        preset: Preset::Value("30s"),
        range: "100ms to 1h",
        many: false,
        help: "End a transfer whose client has taken nothing for this time",
    },
    parse: timeout,
};
