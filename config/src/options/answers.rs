//! What answers are like.

use std::path::PathBuf;

use super::values::{number_within, path, shown, switch};
use crate::declaration::{Declaration, Key, Kind, Opt, Preset};

/// The largest datagram.
pub const UDP_SIZE_MAX: Opt<u16> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "auth", key: "udp-size-max" }),
        kind: Kind::Number,
        value: "OCTETS",
        preset: Preset::Value("1232"),
        range: "512 to 4096",
        many: false,
        help: "Send no datagram longer than this, and tell askers that none longer is taken",
    },
    parse: |text| number_within(text, 512, 4096),
};

/// Whether nothing is added that an asker does not need.
pub const MINIMAL_RESPONSES: Opt<bool> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "auth", key: "minimal-responses" }),
        kind: Kind::Switch,
        value: "BOOLEAN",
        preset: Preset::Value("true"),
        range: "true or false",
        many: false,
        help: "Add no NS records and no addresses to an answer that is complete without them",
    },
    parse: switch,
};

/// Whether the order of records changes.
pub const ROTATE_RRSETS: Opt<bool> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "auth", key: "rotate-rrsets" }),
        kind: Kind::Switch,
        value: "BOOLEAN",
        preset: Preset::Value("false"),
        range: "true or false",
        many: false,
        help: "Begin an RRset with another of its records from answer to answer",
    },
    parse: switch,
};

/// What is said of the version.
pub const VERSION: Opt<String> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "auth", key: "version" }),
        kind: Kind::TextOrFalse,
        value: "TEXT",
        preset: Preset::Words("false"),
        range: "1 to 255 octets of text",
        many: false,
        help: "Answer this to who asks for version.bind or version.server in class CHAOS; false refuses to",
    },
    parse: shown,
};

/// What is said of which server it is.
pub const IDENTITY: Opt<String> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "auth", key: "identity" }),
        kind: Kind::TextOrFalse,
        value: "TEXT",
        preset: Preset::Words("false"),
        range: "1 to 255 octets of text",
        many: false,
        help: "Answer this to who asks for id.server or hostname.bind in class CHAOS, and to NSID (RFC 5001); false refuses to",
    },
    parse: shown,
};

/// Whether there are cookies.
pub const COOKIES: Opt<bool> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "auth", key: "cookies" }),
        kind: Kind::Switch,
        value: "BOOLEAN",
        preset: Preset::Value("true"),
        range: "true or false",
        many: false,
        help: "Give askers cookies and know them by these again (RFC 7873)",
    },
    parse: switch,
};

/// The secrets of cookies.
pub const COOKIE_SECRETS: Opt<PathBuf> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "auth", key: "cookie-secrets" }),
        kind: Kind::Path,
        value: "FILE",
        preset: Preset::Words("a random secret at each start"),
        range: "a file that others may not read, of one or two lines of 32 hexadecimal digits",
        many: false,
        help: "Make cookies with the first secret of this file and take those of each; servers of one address need the same file",
    },
    parse: path,
};
