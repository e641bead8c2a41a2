//! Queries and transfers over TLS: `tls-listen` of `[auth]`, and `[auth.tls]`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use super::values::path;
use crate::declaration::{Declaration, Key, Kind, Opt, Preset};

/// Where to answer over TLS.
pub const TLS_LISTEN: Opt<SocketAddr> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "auth", key: "tls-listen" }),
        kind: Kind::Text,
        value: "ADDRESS:PORT",
        preset: Preset::Nothing,
        range: "an IP address, with a port if it is not 853; port 0 takes a free one",
        many: true,
        help: "Answer at this address over TLS (RFC 7858, RFC 9103); needs [auth.tls]",
    },
    parse: address,
};

/// The certificate.
pub const TLS_CERTIFICATE: Opt<PathBuf> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: TLS_TABLE, key: "certificate" }),
        kind: Kind::Path,
        value: "FILE",
        preset: Preset::Needed,
        range: "a file of certificates in PEM, the server's own first",
        many: false,
        help: "Show this certificate, with those behind it, to who connects; taken anew within seconds when the file changes",
    },
    parse: path,
};

/// Its key.
pub const TLS_KEY: Opt<PathBuf> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: TLS_TABLE, key: "key" }),
        kind: Kind::Path,
        value: "FILE",
        preset: Preset::Needed,
        range: "a file that others may not read, of a private key in PEM",
        many: false,
        help: "The certificate's private key, taken anew with it",
    },
    parse: path,
};

/// The table of the certificate, which has to be there with `tls-listen`, and not without.
pub const TLS_TABLE: &str = "auth.tls";

/// An address to listen at, with port 853 unless it has another.
fn address(text: &str) -> Result<SocketAddr, String> {
    let alone = || text.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, PORT));
    text.parse().ok().or_else(alone).ok_or_else(|| {
        format!("expected ADDRESS or ADDRESS:PORT, such as 192.0.2.1 or [2001:db8::1]:853, found {text:?}")
    })
}

/// The port of DNS over TLS (RFC 7858, section 3.1).
const PORT: u16 = 853;
