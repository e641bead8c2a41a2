//! Zones taken from their primaries: `named`, `knotd` and `nsd`, and one written for these tests, whose streams are broken in every way.

mod broken;
mod catalogs;
mod chain;
mod changes;
mod downstream;
mod hostile;
mod notify;
mod primary;
mod signed;
mod timers;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Server, until};

/// A server that takes zones from others, and its folder.
pub(crate) struct Secondary {
    /// The server.
    pub(crate) server: Server,
    /// Its configuration file.
    config: PathBuf,
    /// Where it lies.
    directory: TempDir,
}

impl Secondary {
    /// Starts one with these tables in its configuration, on a port that the system chooses.
    pub(crate) fn start(tables: &str) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), tables)
    }

    /// The same on an address that others know already.
    pub(crate) fn start_at(listen: SocketAddr, tables: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (zones, state) = (directory.path().join("zones"), directory.path().join("state"));
        std::fs::create_dir(&zones).unwrap();
        let config = directory.path().join("trine.toml");
        write_secret(&directory.path().join("xfr.secret"), primary::KEY.1);
        let text = format!(
            "version = 1\n[server]\nlisten = '{listen}'\nauth = 2\nstate = 'state'\n[zones]\ndirectory = 'zones'\n\
             [transfers]\nallow = ['127.0.0.0/8']\n{tables}"
        );
        std::fs::write(&config, text).unwrap();
        Secondary { server: Server::start_configured(&config, &zones, &state), config, directory }
    }

    /// Stops it and starts it again.
    pub(crate) fn restart(self) -> Self {
        let Secondary { mut server, config, directory } = self;
        server.stop();
        let (zones, state) = (directory.path().join("zones"), directory.path().join("state"));
        Secondary { server: Server::start_configured(&config, &zones, &state), config, directory }
    }

    /// Kills all its processes and starts it again.
    pub(crate) fn crash(self) -> Self {
        let Secondary { server, config, directory } = self;
        crate::durability::kill_all(server);
        let (zones, state) = (directory.path().join("zones"), directory.path().join("state"));
        Secondary { server: Server::start_configured(&config, &zones, &state), config, directory }
    }

    /// Where files of its own may be put.
    pub(crate) fn folder(&self) -> &Path {
        self.directory.path()
    }

    /// Has the primaries of a zone asked; the serial from then on, or what went wrong.
    pub(crate) fn refresh(&self, zone: &str) -> Result<u64, String> {
        self.ask("refresh", zone)
    }

    /// The same with all of the zone taken anew.
    pub(crate) fn retransfer(&self, zone: &str) -> Result<u64, String> {
        self.ask("retransfer", zone)
    }

    /// Runs one of these commands.
    fn ask(&self, command: &str, zone: &str) -> Result<u64, String> {
        let output = self.server.trine(&["zone", command, zone, "--json"]);
        match output.status.success() {
            true => Ok(serde_json::from_slice::<Value>(&output.stdout).unwrap()["serial"].as_u64().unwrap()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// What `trine zone list` says of a zone.
    pub(crate) fn listed(&self, zone: &str) -> Value {
        let zones = self.server.json(&["zone", "list"]);
        let found = zones.as_array().unwrap().iter().find(|listed| listed["name"] == zone);
        found.cloned().unwrap_or(Value::Null)
    }

    /// Waits until a zone is served with a serial.
    pub(crate) fn until_serial(&self, zone: &str, serial: u32) {
        let found = || self.server.wire().serial(zone);
        until(&format!("{zone} has serial {serial}, not {:?}", found()), || (found() == Some(serial)).then_some(()));
    }

    /// The records of a zone.
    pub(crate) fn records(&self, zone: &str) -> Vec<String> {
        records(self.server.address, zone)
    }
}

/// The records of a zone as `dig` gets them, each on a line, sorted. A server that does not give it away yet is asked again.
pub(crate) fn records(server: SocketAddr, zone: &str) -> Vec<String> {
    until(&format!("{server} gives {zone} away"), || {
        let mut dig = Command::new("dig");
        dig.arg(format!("@{}", server.ip())).args(["-p", &server.port().to_string(), zone, "AXFR"]);
        dig.args(["+noall", "+answer", "+onesoa", "+time=20", "+tries=1", "+nocookie"]);
        let text = String::from_utf8(dig.output().unwrap().stdout).unwrap();
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with(';'));
        // Owners in small letters: which they are written in is nobody's promise.
        let line = |line: &str| {
            let (owner, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            format!("{} {}", owner.to_lowercase(), rest.split_whitespace().collect::<Vec<_>>().join(" "))
        };
        let mut lines: Vec<String> = lines.map(line).collect();
        lines.sort();
        (!lines.is_empty()).then_some(lines)
    })
}

/// Another server in the configuration.
pub(crate) fn remote(name: &str, address: SocketAddr, key: Option<&str>) -> String {
    let key = key.map(|key| format!("key = '{key}'\n")).unwrap_or_default();
    format!("[[remote]]\nname = '{name}'\naddresses = ['{address}']\n{key}")
}

/// A key in the configuration, whose secret lies beside it.
pub(crate) fn key(name: &str, algorithm: &str) -> String {
    format!("[[key]]\nname = '{name}'\nalgorithm = '{algorithm}'\nsecret-file = 'xfr.secret'\n")
}

/// A zone of some primaries in the configuration, with further lines.
pub(crate) fn zone(apex: &str, primaries: &[&str], more: &str) -> String {
    format!("[[zone]]\nname = '{apex}'\nprimaries = {primaries:?}\n{more}\n")
}

/// Writes a secret where nobody else may read it.
fn write_secret(path: &Path, secret: &str) {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
    file.write_all(secret.as_bytes()).unwrap();
}
