//! Debian's servers as secondaries of Trine, one hop further down a chain.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::primary::{Kind, free_address};
use crate::harness::until;
use crate::harness::wire::Wire;
use crate::peers::installed;

/// A running secondary. Ends with the value.
pub(super) struct Downstream {
    /// Whose it is.
    kind: Kind,
    /// Where it answers.
    pub(super) address: SocketAddr,
    /// The process.
    process: Option<Child>,
    /// Its files.
    directory: tempfile::TempDir,
}

impl Downstream {
    /// One that is not started yet, so that its address is known; none where it is not installed.
    pub(super) fn reserve(test: &str, kind: Kind) -> Option<Self> {
        if installed(kind.program()).is_none() {
            crate::harness::skip(test, &format!("{} is not installed", kind.program()));
            return None;
        }
        Some(Downstream { kind, address: free_address(), process: None, directory: tempfile::tempdir().unwrap() })
    }

    /// Starts it on a zone that it has from this server, and waits until it serves it.
    pub(super) fn start(&mut self, apex: &str, from: SocketAddr) {
        self.run(&self.configuration(apex, from));
        until("the secondary serves the zone", || Wire::to(self.address).serial(apex));
    }

    /// Starts it on a catalog that it has from this server, whose members it has from there, too.
    pub(super) fn start_on_catalog(&mut self, apex: &str, from: SocketAddr) {
        let text = self.configuration(apex, from);
        let (primary, its, path) = (from.ip(), from.port(), self.directory.path().display());
        let text = match self.kind {
            Kind::Named => text.replace(
                "serial-query-rate 1000;",
                &format!(
                    "serial-query-rate 1000; catalog-zones {{ zone \"{apex}\" default-primaries {{ {primary} port {its}; }} \
                     in-memory yes zone-directory \"{path}\" min-update-interval 1; }};"
                ),
            ),
            Kind::Knotd => {
                let member = format!("  - id: member\n    storage: {path}\n    acl: all\n    master: up\nzone:\n");
                text.replace("zone:\n", &member) + "    catalog-role: interpret\n    catalog-template: member\n"
            }
            Kind::Nsd => panic!("NSD reads no catalogs"),
        };
        self.run(&text);
    }

    /// Runs it.
    fn run(&mut self, text: &str) {
        let configuration = self.directory.path().join("secondary.conf");
        std::fs::write(&configuration, text).unwrap();
        let log = std::fs::File::create(self.log()).unwrap();
        let arguments: &[&str] = match self.kind {
            Kind::Named => &["-g", "-n", "1", "-c"],
            Kind::Knotd => &["-c"],
            Kind::Nsd => &["-d", "-c"],
        };
        let mut command = Command::new(installed(self.kind.program()).unwrap());
        command.args(arguments).arg(&configuration).stdin(Stdio::null());
        self.process = Some(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
    }

    /// Waits until it serves a zone no more.
    pub(super) fn until_gone(&self, apex: &str) {
        until(&format!("{:?} serves {apex} no more", self.kind), || {
            Wire::to(self.address).serial(apex).is_none().then_some(())
        });
    }

    /// Waits until it serves a serial.
    pub(super) fn until_serial(&self, apex: &str, serial: u32) {
        until(&format!("{:?} serves {apex} {serial}", self.kind), || {
            (Wire::to(self.address).serial(apex) == Some(serial)).then_some(())
        });
    }

    /// Its log.
    fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// Its configuration.
    fn configuration(&self, apex: &str, from: SocketAddr) -> String {
        let (path, ip, port) = (self.directory.path().display(), self.address.ip(), self.address.port());
        let (primary, its) = (from.ip(), from.port());
        match self.kind {
            Kind::Named => format!(
                "options {{ directory \"{path}\"; pid-file none; session-keyfile none; listen-on-v6 {{ none; }};
                listen-on port {port} {{ {ip}; }}; recursion no; notify no; dnssec-validation no; empty-zones-enable no;
                allow-transfer {{ any; }}; serial-query-rate 1000; }};\ncontrols {{ }};\n\
                zone \"{apex}\" {{ type secondary; primaries {{ {primary} port {its}; }}; file \"zone\"; }};\n"
            ),
            Kind::Knotd => format!(
                "server:\n  rundir: {path}\n  listen: {ip}@{port}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n\
                 log:\n  - target: stderr\n    any: info\ndatabase:\n  storage: {path}\nremote:\n  - id: up\n    address: {primary}@{its}\n\
                 acl:\n  - id: all\n    address: 127.0.0.0/8\n    action: [transfer, notify]\n\
                 template:\n  - id: default\n    storage: {path}\n    semantic-checks: off\n    acl: all\n    master: up\n\
                 zone:\n  - domain: {apex}\n"
            ),
            Kind::Nsd => format!(
                "server:\n  ip-address: {ip}@{port}\n  do-ip6: no\n  server-count: 1\n  username: \"\"\n  chroot: \"\"\n  database: \"\"\n\
                 \x20 pidfile: \"{path}/pid\"\n  zonelistfile: \"{path}/list\"\n  xfrdfile: \"{path}/xfrd\"\n  xfrdir: \"{path}\"\n\
                 \x20 zonesdir: \"{path}\"\n  rrl-ratelimit: 0\n  verbosity: 2\nremote-control:\n  control-enable: no\n\
                 zone:\n  name: \"{apex}\"\n  zonefile: \"zone\"\n  allow-notify: 127.0.0.0/8 NOKEY\n  request-xfr: {primary}@{its} NOKEY\n\
                 \x20 provide-xfr: 127.0.0.0/8 NOKEY\n"
            ),
        }
    }
}

impl Drop for Downstream {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("---- log of {:?}\n{}----", self.kind, std::fs::read_to_string(self.log()).unwrap_or_default());
        }
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
