//! Other people's servers as secondaries of ours: `named` of BIND, `knotd` of Knot DNS and `nsd`, each on a port of its own with everything it
//! writes in a temporary directory.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::configured::SECRET;
use crate::harness::Wire;

/// Whose server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// BIND's `named`.
    Named,
    /// Knot DNS's `knotd`.
    Knotd,
    /// NSD's `nsd`.
    Nsd,
}

/// All of them.
pub(super) const ALL: [Kind; 3] = [Kind::Named, Kind::Knotd, Kind::Nsd];

/// A secondary that runs. Ends with the value.
pub(super) struct Peer {
    /// Whose it is.
    pub(super) kind: Kind,
    /// Where it answers.
    pub(super) address: SocketAddr,
    /// The process.
    process: Child,
    /// Its files.
    directory: TempDir,
}

impl Peer {
    /// Starts one at an address; it takes a zone from a primary with the key of HMAC-SHA256, and takes word of changes that is signed with that.
    pub(super) fn start(kind: Kind, program: &Path, address: SocketAddr, primary: SocketAddr, apex: &str) -> Peer {
        Peer::start_with(kind, program, address, |directory| kind.configuration(directory, address, primary, apex))
    }

    /// Starts one at an address with a configuration of a test's own, which is told its folder.
    pub(super) fn start_with(
        kind: Kind,
        program: &Path,
        address: SocketAddr,
        configure: impl FnOnce(&Path) -> String,
    ) -> Peer {
        let directory = tempfile::tempdir().unwrap();
        let configuration = directory.path().join("peer.conf");
        std::fs::write(&configuration, configure(directory.path())).unwrap();
        let out = std::fs::File::create(directory.path().join("log")).unwrap();
        let process = Command::new(program)
            .args(kind.arguments())
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        Peer { kind, address, process, directory }
    }

    /// The serial that it has of a zone.
    pub(super) fn serial(&self, apex: &str) -> Option<u32> {
        // Nobody listens there until it is up.
        std::net::TcpStream::connect(self.address).ok()?;
        Wire::to(self.address).serial(apex)
    }

    /// What it wrote to its log.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("---- log of {:?}\n{}----", self.kind, self.log());
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Kind {
    /// The program, where it is installed: in the search path or where Debian puts servers.
    pub(super) fn program(self) -> Option<PathBuf> {
        let name = match self {
            Kind::Named => "named",
            Kind::Knotd => "knotd",
            Kind::Nsd => "nsd",
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
        folders.map(|folder| folder.join(name)).find(|program| program.is_file())
    }

    /// Arguments before the configuration's path.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Kind::Named => &["-g", "-n", "1", "-c"],
            Kind::Knotd => &["-c"],
            Kind::Nsd => &["-d", "-c"],
        }
    }

    /// A configuration that takes the zone and opens nothing but this address.
    pub(super) fn configuration(
        self,
        directory: &Path,
        address: SocketAddr,
        primary: SocketAddr,
        apex: &str,
    ) -> String {
        let (path, ip, port) = (directory.display(), address.ip(), address.port());
        let (primary_ip, primary_port) = (primary.ip(), primary.port());
        match self {
            Kind::Named => format!(
                "key \"{KEY}\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};
                options {{ directory \"{path}\"; pid-file none; session-keyfile none; listen-on-v6 {{ none; }};
                listen-on port {port} {{ {ip}; }}; recursion no; notify no; dnssec-validation no; empty-zones-enable no;
                serial-query-rate 1000; startup-notify-rate 1000; transfer-source {ip}; }};
                controls {{ }};
                zone \"{apex}\" {{ type secondary; file \"zone\"; masterfile-format text; check-names ignore;
                primaries port {primary_port} {{ {primary_ip} key \"{KEY}\"; }}; allow-notify {{ key \"{KEY}\"; }};
                allow-transfer {{ {ip}; }}; }};\n"
            ),
            Kind::Knotd => format!(
                "server:\n  rundir: {path}\n  listen: {ip}@{port}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n\
                 log:\n  - target: stderr\n    any: info\ndatabase:\n  storage: {path}\n\
                 key:\n  - id: {KEY}\n    algorithm: hmac-sha256\n    secret: {SECRET}\n\
                 remote:\n  - id: primary\n    address: {primary_ip}@{primary_port}\n    key: {KEY}\n\
                 acl:\n  - id: told\n    key: {KEY}\n    action: notify\n  - id: compared\n    address: {ip}\n    action: transfer\n\
                 zone:\n  - domain: {apex}\n    storage: {path}\n    zonefile-sync: -1\n    semantic-checks: off\n    master: primary\n\
                 \x20   acl: [told, compared]\n"
            ),
            Kind::Nsd => format!(
                "server:\n  ip-address: {ip}@{port}\n  do-ip6: no\n  server-count: 1\n  username: \"\"\n  chroot: \"\"\n  database: \"\"\n\
                 \x20 pidfile: \"{path}/pid\"\n  zonelistfile: \"{path}/list\"\n  xfrdfile: \"{path}/xfrd\"\n  xfrdir: \"{path}\"\n\
                 \x20 zonesdir: \"{path}\"\n  rrl-ratelimit: 0\n  xfrd-reload-timeout: 0\n  verbosity: 2\n\
                 remote-control:\n  control-enable: no\n\
                 key:\n  name: \"{KEY}\"\n  algorithm: hmac-sha256\n  secret: \"{SECRET}\"\n\
                 zone:\n  name: \"{apex}\"\n  zonefile: \"zone\"\n  request-xfr: {primary_ip}@{primary_port} {KEY}\n\
                 \x20 allow-notify: {primary_ip} {KEY}\n  provide-xfr: {ip} NOKEY\n"
            ),
        }
    }
}

/// An address on loopback whose port is free for UDP and TCP, for whoever has to know it before somebody has it.
pub(super) fn free_address() -> SocketAddr {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = udp.local_addr().unwrap();
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// The key's name.
pub(super) const KEY: &str = "hmac-sha256.";
