//! Response rate limiting.

use super::RATE_LIMIT_TABLE;
use super::values::{number_within, size_within};
use crate::declaration::{Declaration, Key, Kind, Opt, Preset};
use dns::access::{Prefix, PrefixError};

/// Rate of answers.
pub const RESPONSES_PER_SECOND: Opt<u32> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: RATE_LIMIT_TABLE, key: "responses-per-second" }),
        kind: Kind::Number,
        value: "N",
        preset: Preset::Value("200"),
        range: "0 to 1000000",
        many: false,
        help: "Give one prefix so many like answers a second; 0 for any number",
    },
    parse: |text| number_within(text, 0, RATE_MAX),
};

/// Rate of denials.
pub const NXDOMAINS_PER_SECOND: Opt<u32> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: RATE_LIMIT_TABLE, key: "nxdomains-per-second" }),
        kind: Kind::Number,
        value: "N",
        preset: Preset::Value("200"),
        range: "0 to 1000000",
        many: false,
        help: "Give one prefix so many denials (NXDOMAIN, NODATA) of one zone a second; 0 for any number",
    },
    parse: |text| number_within(text, 0, RATE_MAX),
};

/// Rate of errors.
pub const ERRORS_PER_SECOND: Opt<u32> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: RATE_LIMIT_TABLE, key: "errors-per-second" }),
        kind: Kind::Number,
        value: "N",
        preset: Preset::Value("50"),
        range: "0 to 1000000",
        many: false,
        help: "Give one prefix so many errors a second; 0 for any number",
    },
    parse: |text| number_within(text, 0, RATE_MAX),
};

/// How often a limited answer goes out truncated.
pub const SLIP: Opt<u32> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: RATE_LIMIT_TABLE, key: "slip" }),
        kind: Kind::Number,
        value: "N",
        preset: Preset::Value("2"),
        range: "0 to 100",
        many: false,
        help: "Of so many limited answers send one, empty and truncated, so that a real asker comes again over TCP; 0 drops all, 1 none",
    },
    parse: |text| number_within(text, 0, 100),
};

/// What counts as one asker, of IPv4.
pub const IPV4_PREFIX: Opt<u8> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: RATE_LIMIT_TABLE, key: "ipv4-prefix" }),
        kind: Kind::Number,
        value: "BITS",
        preset: Preset::Value("24"),
        range: "1 to 32",
        many: false,
        help: "Take IPv4 addresses for one asker that share so many leading bits",
    },
    parse: |text| number_within(text, 1, 32),
};

/// What counts as one asker, of IPv6.
pub const IPV6_PREFIX: Opt<u8> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: RATE_LIMIT_TABLE, key: "ipv6-prefix" }),
        kind: Kind::Number,
        value: "BITS",
        preset: Preset::Value("56"),
        range: "1 to 128",
        many: false,
        help: "Take IPv6 addresses for one asker that share so many leading bits",
    },
    parse: |text| number_within(text, 1, 128),
};

/// Memory for counting.
pub const TABLE_SIZE: Opt<u64> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: RATE_LIMIT_TABLE, key: "table-size" }),
        kind: Kind::Text,
        value: "SIZE",
        preset: Preset::Value("4MiB"),
        range: "64KiB to 1GiB",
        many: false,
        help: "Count in so much memory, all auth processes together",
    },
    parse: |text| size_within(text, 64 << 10, 1 << 30),
};

/// Who is not limited.
pub const EXEMPT: Opt<Prefix> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: RATE_LIMIT_TABLE, key: "exempt" }),
        kind: Kind::Text,
        value: "ADDRESS/BITS",
        preset: Preset::Nothing,
        range: "an address, or one with the bits of its prefix",
        many: true,
        help: "Do not limit these askers",
    },
    parse: |text| text.parse().map_err(|error: PrefixError| error.to_string()),
};

/// The highest rate: no prefix gets more than a processor can answer.
const RATE_MAX: u32 = 1_000_000;
