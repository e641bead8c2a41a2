//! Keys and other servers: `[[key]]` and `[[remote]]`, which stand once for each.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use dns::tsig::{Algorithm, UnknownAlgorithm};
use zone_segment::Name;

use super::values::{domain_name, path, shown};
use crate::declaration::{Declaration, Key, Kind, Opt, Preset};

/// The name of a key.
pub const KEY_NAME: Opt<Name> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "key", key: "name" }),
        kind: Kind::Text,
        value: "NAME",
        preset: Preset::Needed,
        range: "a domain name",
        many: false,
        help: "The key's name, the same at both ends",
    },
    parse: domain_name,
};

/// What a key is used with.
pub const KEY_ALGORITHM: Opt<Algorithm> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "key", key: "algorithm" }),
        kind: Kind::Text,
        value: "ALGORITHM",
        preset: Preset::Value("hmac-sha256"),
        range: "hmac-sha256, hmac-sha384, hmac-sha512, hmac-sha224, hmac-sha1 or hmac-md5",
        many: false,
        help: "Take signatures of this algorithm with the key, and of no other; the last two are for peers that know nothing better",
    },
    parse: |text| text.parse().map_err(|error: UnknownAlgorithm| error.to_string()),
};

/// Where a key's secret stands.
pub const KEY_SECRET_FILE: Opt<PathBuf> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "key", key: "secret-file" }),
        kind: Kind::Path,
        value: "FILE",
        preset: Preset::Needed,
        range: "a file that others may not read, of one line of base64",
        many: false,
        help: "The key's secret, as from: openssl rand -base64 32",
    },
    parse: path,
};

/// What another server is called.
pub const REMOTE_NAME: Opt<String> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "remote", key: "name" }),
        kind: Kind::Text,
        value: "NAME",
        preset: Preset::Needed,
        range: "1 to 255 octets of text",
        many: false,
        help: "What the server is called in this file",
    },
    parse: shown,
};

/// Where another server is.
pub const REMOTE_ADDRESSES: Opt<SocketAddr> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "remote", key: "addresses" }),
        kind: Kind::Text,
        value: "ADDRESS",
        preset: Preset::Needed,
        range: "an IP address, with a port if it is not 53",
        many: true,
        help: "Where the server is; addresses are tried in this order",
    },
    parse: address,
};

/// The key shared with another server.
pub const REMOTE_KEY: Opt<Name> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "remote", key: "key" }),
        kind: Kind::Text,
        value: "NAME",
        preset: Preset::Nothing,
        range: "the name of a [[key]]",
        many: false,
        help: "Sign what is asked of the server and sent to it with this key, and take nothing from it that is not signed with it",
    },
    parse: domain_name,
};

/// An address of a server, with port 53 unless it has another.
fn address(text: &str) -> Result<SocketAddr, String> {
    let with_port = text.parse::<SocketAddr>().ok();
    let alone = || text.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, PORT));
    match with_port.or_else(alone) {
        Some(address) if address.port() != 0 && !address.ip().is_unspecified() => Ok(address),
        _ => Err(format!(
            "expected ADDRESS or ADDRESS:PORT of a server, such as 192.0.2.1 or [2001:db8::1]:5353, found {text:?}"
        )),
    }
}

/// The port of DNS (RFC 1035, section 4.2).
const PORT: u16 = 53;
