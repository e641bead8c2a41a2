//! The declarations: an option's name, key, type, default, range and help stand here and nowhere else.
//!
//! Each is a constant [`Opt`](crate::declaration::Opt); [`ALL`] has those of the configuration file in the order of its tables.

mod answers;
mod peers;
mod rate_limit;
mod server;
mod tcp;
mod tls;
mod transfers;
mod values;
mod zones;

pub use answers::{COOKIE_SECRETS, COOKIES, IDENTITY, MINIMAL_RESPONSES, ROTATE_RRSETS, UDP_SIZE_MAX, VERSION};
pub use peers::{KEY_ALGORITHM, KEY_NAME, KEY_SECRET_FILE, REMOTE_ADDRESSES, REMOTE_KEY, REMOTE_NAME};
pub use rate_limit::{
    ERRORS_PER_SECOND, EXEMPT, IPV4_PREFIX, IPV6_PREFIX, NXDOMAINS_PER_SECOND, RESPONSES_PER_SECOND, SLIP, TABLE_SIZE,
};
pub use server::{
    AUTH, AUTH_MAX, BUS_ALLOW, CONFIG, JOURNAL_SIZE, KEEP_GENERATIONS, LEASE_TIMEOUT, LISTEN, RELEASE_TIMEOUT,
    STALL_TIMEOUT, STATE, STEER_BY_CPU, SWITCH_TIMEOUT, WATCH, ZONEMD, ZONES,
};
pub use tcp::{CONNECTIONS_MAX, CONNECTIONS_PER_CLIENT_MAX, FAST_OPEN, IDLE_TIMEOUT, PIPELINED_MAX, WRITE_TIMEOUT};
pub use tls::{TLS_CERTIFICATE, TLS_KEY, TLS_LISTEN, TLS_TABLE};
pub use transfers::{SEND_TIMEOUT, TRANSFERS_ALLOW, TRANSFERS_MAX, TRANSFERS_NOTIFY, TRANSFERS_PER_CLIENT_MAX};
pub use values::{TIMEOUT_MAX, TIMEOUT_MIN};
pub use zones::{
    CatalogKind, PolicyOptions, TEMPLATE, TEMPLATE_NAME, TEMPLATE_UPDATE, UpdateOptions, ZONE, ZONE_CATALOG_ROLE,
    ZONE_CATALOG_TEMPLATE, ZONE_NAME, ZONE_TEMPLATE, ZONE_UPDATE,
};

use crate::declaration::Declared;

/// A table of the file.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name, such as `auth.tcp`.
    pub name: &'static str,
    /// What it is about, in a sentence.
    pub about: &'static str,
    /// Whether it may stand more than once, each time for another thing: `[[name]]`.
    pub many: bool,
}

impl Table {
    /// A table that stands once.
    const fn once(name: &'static str, about: &'static str) -> Self {
        Table { name, about, many: false }
    }

    /// A table that stands once for each thing that it is about.
    const fn each(name: &'static str, about: &'static str) -> Self {
        Table { name, about, many: true }
    }

    /// Its name as it stands in the file, with its brackets.
    pub fn heading(&self) -> String {
        if self.many { format!("[[{}]]", self.name) } else { format!("[{}]", self.name) }
    }
}

/// The heading of a table by its name, such as `[server]`.
pub fn heading(name: &str) -> String {
    TABLES.iter().find(|table| table.name == name).map_or_else(|| format!("[{name}]"), Table::heading)
}

/// Every table of the file.
pub const TABLES: &[Table] = &[
    Table::once("server", "Where to answer, with how many processes, and where the state is kept."),
    Table::once("zones", "Which zones are served."),
    Table::once(
        "memmgr",
        "How long a process may hold up the others before it is killed and replaced, and what is kept of what was.",
    ),
    Table::once("control", "Who may ask and steer the running server."),
    Table::once("auth", "What answers are like."),
    Table::once("auth.tcp", "Queries over TCP. The limits are those of one auth process."),
    Table::once(
        TLS_TABLE,
        "What the server shows of itself over TLS. It has to be there with `tls-listen` of `[auth]`; limits and times are those of `[auth.tcp]`.",
    ),
    Table::once(
        RATE_LIMIT_TABLE,
        "Response rate limiting, for all auth processes together. It is off unless the file has this table.",
    ),
    Table::each("key", "A key that messages are signed with (TSIG, RFC 8945)."),
    Table::each("remote", "Another server: one that zones come from, or that is told of their changes."),
    Table::once("transfers", "Giving zones away (AXFR, IXFR), also those of the directory that have no `[[zone]]`."),
    Table::each("template", "What several zones have in common."),
    Table::each(
        "template.allow-update",
        "Somebody who may change zones of the template by dynamic updates; also written as an array, as the example above has it.",
    ),
    Table::each(
        "zone",
        "A zone with a policy of its own. What it does not say, its template does; what neither says, `[transfers]`.",
    ),
    Table::each(
        "zone.allow-update",
        "Somebody who may change the zone by dynamic updates; where a zone has such rules, its template's do not count.",
    ),
];

/// The table that switches response rate limiting on by being there.
pub const RATE_LIMIT_TABLE: &str = "auth.rate-limit";

/// Every option of the file, in the order of its tables.
pub const ALL: &[&dyn Declared] = &[
    &LISTEN,
    &AUTH,
    &STEER_BY_CPU,
    &STATE,
    &ZONES,
    &WATCH,
    &ZONEMD,
    &SWITCH_TIMEOUT,
    &RELEASE_TIMEOUT,
    &LEASE_TIMEOUT,
    &STALL_TIMEOUT,
    &JOURNAL_SIZE,
    &KEEP_GENERATIONS,
    &BUS_ALLOW,
    &UDP_SIZE_MAX,
    &MINIMAL_RESPONSES,
    &ROTATE_RRSETS,
    &VERSION,
    &IDENTITY,
    &COOKIES,
    &COOKIE_SECRETS,
    &TLS_LISTEN,
    &CONNECTIONS_MAX,
    &CONNECTIONS_PER_CLIENT_MAX,
    &PIPELINED_MAX,
    &IDLE_TIMEOUT,
    &WRITE_TIMEOUT,
    &FAST_OPEN,
    &TLS_CERTIFICATE,
    &TLS_KEY,
    &RESPONSES_PER_SECOND,
    &NXDOMAINS_PER_SECOND,
    &ERRORS_PER_SECOND,
    &SLIP,
    &IPV4_PREFIX,
    &IPV6_PREFIX,
    &TABLE_SIZE,
    &EXEMPT,
    &KEY_NAME,
    &KEY_ALGORITHM,
    &KEY_SECRET_FILE,
    &REMOTE_NAME,
    &REMOTE_ADDRESSES,
    &REMOTE_KEY,
    &TRANSFERS_ALLOW,
    &TRANSFERS_NOTIFY,
    &TRANSFERS_MAX,
    &TRANSFERS_PER_CLIENT_MAX,
    &SEND_TIMEOUT,
    &TEMPLATE_NAME,
    &TEMPLATE.primaries,
    &TEMPLATE.allow_transfer,
    &TEMPLATE.notify,
    &TEMPLATE.allow_notify,
    &TEMPLATE.size_max,
    &TEMPLATE.catalog_zone,
    &TEMPLATE.catalog_group,
    &TEMPLATE_UPDATE.key,
    &TEMPLATE_UPDATE.from,
    &TEMPLATE_UPDATE.names,
    &TEMPLATE_UPDATE.types,
    &ZONE_NAME,
    &ZONE_TEMPLATE,
    &ZONE.primaries,
    &ZONE.allow_transfer,
    &ZONE.notify,
    &ZONE.allow_notify,
    &ZONE.size_max,
    &ZONE.catalog_zone,
    &ZONE.catalog_group,
    &ZONE_CATALOG_ROLE,
    &ZONE_CATALOG_TEMPLATE,
    &ZONE_UPDATE.key,
    &ZONE_UPDATE.from,
    &ZONE_UPDATE.names,
    &ZONE_UPDATE.types,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declaration::{Kind, Preset};

    #[test]
    fn every_default_is_in_its_own_range() {
        for option in ALL {
            if let Preset::Value(text) = option.declaration().preset {
                assert_eq!(option.check(text), Ok(()), "{:?}", option.declaration());
            }
        }
    }

    #[test]
    fn every_option_stands_once_and_in_a_known_table() {
        let mut seen = std::collections::BTreeSet::new();
        for option in ALL {
            let key = option.declaration().key.unwrap();
            assert!(TABLES.iter().any(|table| table.name == key.table), "{key}");
            assert!(seen.insert(key), "{key} is there twice");
        }
    }

    #[test]
    fn switches_say_what_they_are_without_being_given() {
        for option in ALL.iter().map(|option| option.declaration()).filter(|option| option.kind == Kind::Switch) {
            assert!(matches!(option.preset, Preset::Value("true" | "false")), "{option:?}");
            // On the command line such an option can only be switched on.
            assert!(option.name.is_none() || option.preset == Preset::Value("false"), "{option:?}");
        }
    }

    #[test]
    fn what_is_out_of_range_is_refused_with_the_range() {
        let cases: [(&dyn Declared, &[&str], &str); 19] = [
            (&AUTH, &["0", "65", "-1", "x"], "from 1 to 64"),
            (&UDP_SIZE_MAX, &["511", "4097"], "from 512 to 4096"),
            (&SWITCH_TIMEOUT, &["1ms", "2h"], "100ms to 1h"),
            (&IDLE_TIMEOUT, &["99ms", "61m"], "100ms to 1h"),
            (&IPV4_PREFIX, &["0", "33"], "from 1 to 32"),
            (&IPV6_PREFIX, &["0", "129"], "from 1 to 128"),
            (&TABLE_SIZE, &["1KiB", "2GiB", "16", "16MB"], "KiB"),
            (&JOURNAL_SIZE, &["64KiB", "2048GiB"], "1MiB to 1024GiB"),
            (&KEEP_GENERATIONS, &["1001", "-1"], "from 0 to 1000"),
            (&IDENTITY, &["", "\u{7}"], "1 to 255"),
            (&LISTEN, &["localhost", "192.0.2.1"], "ADDRESS:PORT"),
            (&TLS_LISTEN, &["localhost:853", "192.0.2.1:"], "such as 192.0.2.1 or [2001:db8::1]:853"),
            (&KEY_NAME, &["", "a..b"], "a domain name"),
            (&KEY_ALGORITHM, &["hmac-sha3", "sha256"], "hmac-sha256"),
            (&REMOTE_ADDRESSES, &["primary.example.", "192.0.2.1:0", "::"], "192.0.2.1 or [2001:db8::1]:5353"),
            (&TRANSFERS_ALLOW, &["xfr.example.", "key:"], "key:NAME"),
            (&TRANSFERS_MAX, &["0", "10001"], "from 1 to 10000"),
            (&ZONE_UPDATE.names, &["*.a..b", "a..b"], "*.NAME"),
            (&ZONE_UPDATE.types, &["ANY", "AXFR", "OPT", "HOST"], "such as A"),
        ];
        for (option, texts, says) in cases {
            for text in texts {
                let error = option.check(text).unwrap_err();
                assert!(error.contains(says) && error.contains("found"), "{text}: {error}");
            }
        }
    }
}
