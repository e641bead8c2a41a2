//! The zones that are asked, and the servers: one with defaults, one that tells all it can of itself. They end with the last test that uses them.

use std::net::SocketAddr;
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tempfile::TempDir;

use crate::harness::server::{Server, ServerOptions};

/// A server that tests share.
pub(crate) struct Shared {
    /// The server.
    server: Server,
    /// Its files.
    _directory: Option<TempDir>,
}

impl Deref for Shared {
    type Target = SocketAddr;

    fn deref(&self) -> &SocketAddr {
        &self.server.address
    }
}

/// A server with every option at its default.
pub(crate) fn plain() -> Arc<Shared> {
    static SHARED: Mutex<Weak<Shared>> = Mutex::new(Weak::new());
    share(&SHARED, || {
        let options = ServerOptions { auth: 1, ..ServerOptions::default() };
        Shared { server: Server::start(&options, install), _directory: None }
    })
}

/// A server that says who it is, and makes cookies of a known secret.
pub(crate) fn talkative() -> Arc<Shared> {
    static SHARED: Mutex<Weak<Shared>> = Mutex::new(Weak::new());
    share(&SHARED, || {
        let directory = tempfile::tempdir().unwrap();
        let [zones, state, secrets, file] =
            ["zones", "state", "secrets", "trine.toml"].map(|name| directory.path().join(name));
        std::fs::create_dir(&zones).unwrap();
        install(&zones);
        std::fs::write(&secrets, "00112233445566778899aabbccddeeff\n").unwrap();
        std::fs::set_permissions(&secrets, std::fs::Permissions::from_mode(0o600)).unwrap();
        let text = format!(
            "version = 1\n[server]\nlisten = ['127.0.0.1:0']\nauth = 1\nstate = '{}'\n[zones]\ndirectory = '{}'\n\
             [auth]\nversion = '{VERSION}'\nidentity = '{IDENTITY}'\ncookies = true\ncookie-secrets = '{}'\n\
             [auth.tcp]\nidle-timeout = '7s'\n",
            state.display(),
            zones.display(),
            secrets.display(),
        );
        std::fs::write(&file, text).unwrap();
        Shared { server: Server::start_configured(&file, &zones, &state), _directory: Some(directory) }
    })
}

/// The server in use, or another one.
fn share(shared: &Mutex<Weak<Shared>>, start: impl FnOnce() -> Shared) -> Arc<Shared> {
    // One test's failure is not that of the others.
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let server = Arc::new(start());
        *shared = Arc::downgrade(&server);
        server
    })
}

/// Writes all zone files.
fn install(directory: &Path) {
    for (apex, text) in ZONES {
        std::fs::write(directory.join(format!("{apex}zone")), text).unwrap();
    }
}

/// Apexes and zone files. Signed zones were signed once by BIND; their signatures end in 2037.
const ZONES: [(&str, &str); 6] = [
    ("plain.", include_str!("zones/plain.zone")),
    ("child.plain.", include_str!("zones/child.zone")),
    ("nsec.", include_str!("zones/nsec.zone")),
    ("nsec3.", include_str!("zones/nsec3.zone")),
    ("example.", include_str!("zones/rfc4592.zone")),
    // Cut short: it can't be served.
    ("broken.", "@ SOA"),
];

/// What the second server calls its version.
pub(crate) const VERSION: &str = "a version";

/// What it calls itself.
pub(crate) const IDENTITY: &str = "an identity";

/// For how long it keeps idle connections, in tenths of a second.
pub(crate) const IDLE_TENTHS: u16 = 70;
