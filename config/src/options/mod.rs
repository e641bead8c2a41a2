//! The declarations: an option's name, key, type, default, range and help stand here and nowhere else.
//!
//! Each is a constant [`Opt`](crate::declaration::Opt); [`ALL`] has those of the configuration file in the order of its tables.

mod answers;
mod rate_limit;
mod server;
mod tcp;
mod values;

pub use answers::{COOKIE_SECRETS, COOKIES, IDENTITY, MINIMAL_RESPONSES, ROTATE_RRSETS, UDP_SIZE_MAX, VERSION};
pub use rate_limit::{
    ERRORS_PER_SECOND, EXEMPT, IPV4_PREFIX, IPV6_PREFIX, NXDOMAINS_PER_SECOND, RESPONSES_PER_SECOND, SLIP, TABLE_SIZE,
};
pub use server::{
    AUTH, AUTH_MAX, BUS_ALLOW, CONFIG, JOURNAL_SIZE, KEEP_GENERATIONS, LEASE_TIMEOUT, LISTEN, RELEASE_TIMEOUT,
    STALL_TIMEOUT, STATE, STEER_BY_CPU, SWITCH_TIMEOUT, WATCH, ZONEMD, ZONES,
};
pub use tcp::{CONNECTIONS_MAX, CONNECTIONS_PER_CLIENT_MAX, FAST_OPEN, IDLE_TIMEOUT, PIPELINED_MAX, WRITE_TIMEOUT};
pub use values::{TIMEOUT_MAX, TIMEOUT_MIN};

use crate::declaration::Declared;

/// A table of the file.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name, such as `auth.tcp`.
    pub name: &'static str,
    /// What it is about, in a sentence.
    pub about: &'static str,
}

/// Every table of the file.
pub const TABLES: &[Table] = &[
    Table { name: "server", about: "Where to answer, with how many processes, and where the state is kept." },
    Table { name: "zones", about: "Which zones are served." },
    Table {
        name: "memmgr",
        about: "How long a process may hold up the others before it is killed and replaced, and what is kept of what was.",
    },
    Table { name: "control", about: "Who may ask and steer the running server." },
    Table { name: "auth", about: "What answers are like." },
    Table { name: "auth.tcp", about: "Queries over TCP. The limits are those of one auth process." },
    Table {
        name: RATE_LIMIT_TABLE,
        about: "Response rate limiting, for all auth processes together. It is off unless the file has this table.",
    },
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
    &CONNECTIONS_MAX,
    &CONNECTIONS_PER_CLIENT_MAX,
    &PIPELINED_MAX,
    &IDLE_TIMEOUT,
    &WRITE_TIMEOUT,
    &FAST_OPEN,
    &RESPONSES_PER_SECOND,
    &NXDOMAINS_PER_SECOND,
    &ERRORS_PER_SECOND,
    &SLIP,
    &IPV4_PREFIX,
    &IPV6_PREFIX,
    &TABLE_SIZE,
    &EXEMPT,
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
        let cases: [(&dyn Declared, &[&str], &str); 11] = [
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
        ];
        for (option, texts, says) in cases {
            for text in texts {
                let error = option.check(text).unwrap_err();
                assert!(error.contains(says) && error.contains("found"), "{text}: {error}");
            }
        }
    }
}
