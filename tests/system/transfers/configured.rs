//! A server with a configuration file, and keys beside it.

use std::io::Write;
use std::ops::Deref;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use config::peers::KeySecret;
use dns::tsig::Algorithm;
use tempfile::TempDir;

use crate::harness::Server;

/// The server. Ends with the value.
pub(super) struct Configured {
    /// It.
    server: Server,
    /// What it lies in.
    _directory: TempDir,
}

impl Deref for Configured {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl Configured {
    /// Starts a server whose file has these tables behind those that say where everything is; `fill` writes zone files.
    pub(super) fn start(listen: &str, tables: &str, fill: impl FnOnce(&Path)) -> Configured {
        Configured::start_many(1, listen, tables, fill)
    }

    /// The same with so many auth processes.
    pub(super) fn start_many(auth: usize, listen: &str, tables: &str, fill: impl FnOnce(&Path)) -> Configured {
        let directory = tempfile::tempdir().unwrap();
        let (zones, state) = (directory.path().join("zones"), directory.path().join("state"));
        std::fs::create_dir(&zones).unwrap();
        fill(&zones);
        for algorithm in Algorithm::ALL {
            write_secret(&directory.path().join(format!("{algorithm}.secret")));
        }
        let config = directory.path().join("trine.toml");
        let text = format!(
            "version = 1\n[server]\nlisten = [\"{listen}\"]\nauth = {auth}\nstate = \"{}\"\n[zones]\ndirectory = \"{}\"\n{tables}",
            state.display(),
            zones.display()
        );
        std::fs::write(&config, text).unwrap();
        Configured { server: Server::start_configured(&config, &zones, &state), _directory: directory }
    }
}

/// The secret of every key here, as `dig` and other servers take it too.
pub(super) const SECRET: &str = "bm8gc2VjcmV0IG9mIGFueWJvZHksIDMyIG9jdGV0cyE=";

/// Its octets.
pub(super) fn secret() -> Vec<u8> {
    SECRET.parse::<KeySecret>().unwrap().octets().to_vec()
}

/// The tables of a key for each algorithm, called as that and a dot.
pub(super) fn keys() -> String {
    let table = |algorithm: Algorithm| {
        format!("[[key]]\nname = \"{algorithm}.\"\nalgorithm = \"{algorithm}\"\nsecret-file = \"{algorithm}.secret\"\n")
    };
    Algorithm::ALL.into_iter().map(table).collect()
}

/// Writes the secret where nobody else reads it.
fn write_secret(path: &Path) {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
    writeln!(file, "{SECRET}").unwrap();
}
