//! Other people's servers, each run by the test on a port of its own with configuration and state in a temporary directory: `named` of
//! BIND, `knotd` of Knot DNS and `nsd`, all set to answer as minimally as they can.

use std::fmt::Write;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::exchange::{Transport, ask};
use super::message::{AA, Edns, Question, SOA, name_wire};

/// Whose server it is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) enum Kind {
    /// BIND's `named`.
    Named,
    /// Knot DNS's `knotd`.
    Knotd,
    /// NSD's `nsd`.
    Nsd,
}

/// A zone to serve.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    /// Its apex, with the final dot.
    pub(super) apex: String,
    /// Its zone file.
    pub(super) text: String,
}

/// A running peer. Ends with the value.
pub(super) struct Peer {
    /// Whose it is.
    pub(super) kind: Kind,
    /// Where it answers.
    pub(super) address: SocketAddr,
    /// The process.
    process: Child,
    /// Its files.
    _directory: tempfile::TempDir,
}

impl Peer {
    /// Starts every peer that is installed, all on the same zones. `TRINE_PEERS` may name the ones wanted.
    ///
    /// # Panics
    ///
    /// When one that is installed does not serve a zone.
    pub(super) fn start_all(zones: &[Zone]) -> Vec<Peer> {
        let wanted = std::env::var("TRINE_PEERS").unwrap_or_else(|_| "named,knotd,nsd".into());
        let is_wanted = |kind: &Kind| wanted.split(',').any(|name| name == kind.program());
        let kinds = [Kind::Named, Kind::Knotd, Kind::Nsd].into_iter().filter(is_wanted);
        let peers: Vec<Peer> = kinds.filter_map(|kind| Peer::start(kind, zones)).collect();
        // NSD by itself says little: what it does alone is known, and told from what all do by asking the others.
        if peers.iter().all(|peer| peer.kind == Kind::Nsd) { Vec::new() } else { peers }
    }

    /// Starts one; `None` when it is not installed.
    fn start(kind: Kind, zones: &[Zone]) -> Option<Peer> {
        let program = installed(kind.program())?;
        // The port is chosen by the system, but free for a moment until the peer has it: someone else may come first.
        (0..STARTS_MAX)
            .find_map(|_| Peer::try_start(kind, &program, zones))
            .or_else(|| panic!("{kind:?} does not start"))
    }

    /// Starts one on a free port; `None`, with its log on standard error, when it ends before it serves all zones.
    fn try_start(kind: Kind, program: &Path, zones: &[Zone]) -> Option<Peer> {
        let directory = tempfile::tempdir().unwrap();
        let address = free_address();
        for zone in zones {
            std::fs::write(directory.path().join(file_of(&zone.apex)), &zone.text).unwrap();
        }
        let configuration = directory.path().join("peer.conf");
        std::fs::write(&configuration, kind.configuration(directory.path(), address, zones)).unwrap();
        let log = directory.path().join("log");
        let out = std::fs::File::create(&log).unwrap();
        let process = Command::new(program)
            .args(kind.arguments())
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        let mut peer = Peer { kind, address, process, _directory: directory };
        let began = Instant::now();
        while !zones.iter().all(|zone| peer.serves(&zone.apex)) {
            let has_ended = peer.process.try_wait().unwrap().is_some();
            if has_ended || began.elapsed() > START_MAX {
                eprintln!("{kind:?} is not ready:\n{}", std::fs::read_to_string(&log).unwrap_or_default());
                return None;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(peer)
    }

    /// Whether it answers for a zone with authority.
    fn serves(&self, apex: &str) -> bool {
        let is_up = std::net::TcpStream::connect(self.address).is_ok();
        let question = Question::new(&name_wire(apex), SOA, Edns::Plain);
        is_up && ask(self.address, Transport::Tcp, &[question]).iter().all(|answer| answer.has(AA) && answer.rcode == 0)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Kind {
    /// The program's name.
    pub(super) fn program(self) -> &'static str {
        match self {
            Kind::Named => "named",
            Kind::Knotd => "knotd",
            Kind::Nsd => "nsd",
        }
    }

    /// Arguments before the configuration's path.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Kind::Named => &["-g", "-n", "1", "-c"],
            Kind::Knotd => &["-c"],
            Kind::Nsd => &["-d", "-c"],
        }
    }

    /// A configuration that serves the zones on this address and opens nothing else.
    fn configuration(self, directory: &Path, address: SocketAddr, zones: &[Zone]) -> String {
        let (path, ip, port) = (directory.display(), address.ip(), address.port());
        let mut text = match self {
            Kind::Named => format!(
                "options {{ directory \"{path}\"; pid-file none; session-keyfile none; listen-on-v6 {{ none; }};
                listen-on port {port} {{ {ip}; }}; recursion no; minimal-responses yes; minimal-any no; notify no;
                dnssec-validation no; empty-zones-enable no; max-udp-size 1232; edns-udp-size 1232; zero-no-soa-ttl no;
                allow-transfer {{ none; }}; version none; }};\ncontrols {{ }};\n"
            ),
            Kind::Knotd => format!(
                "server:\n  rundir: {path}\n  listen: {ip}@{port}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n\
                 log:\n  - target: stderr\n    any: info\ndatabase:\n  storage: {path}\ntemplate:\n  - id: default\n\
                 \x20   storage: {path}\n    zonefile-sync: -1\n    journal-content: none\n    semantic-checks: off\nzone:\n"
            ),
            Kind::Nsd => format!(
                "server:\n  ip-address: {ip}@{port}\n  do-ip6: no\n  server-count: 1\n  username: \"\"\n  chroot: \"\"\n  database: \"\"\n\
                 \x20 pidfile: \"{path}/pid\"\n  zonelistfile: \"{path}/list\"\n  xfrdfile: \"{path}/xfrd\"\n  xfrdir: \"{path}\"\n\
                 \x20 zonesdir: \"{path}\"\n  rrl-ratelimit: 0\n  minimal-responses: yes\n  round-robin: no\n  ipv4-edns-size: 1232\n\
                 \x20 tcp-query-count: 0\n  hide-version: yes\nremote-control:\n  control-enable: no\n"
            ),
        };
        for Zone { apex, .. } in zones {
            let file = file_of(apex);
            let zone = match self {
                Kind::Named => format!(
                    "zone \"{apex}\" {{ type primary; file \"{file}\"; check-names ignore; check-integrity no; }};\n"
                ),
                Kind::Knotd => format!("  - domain: {apex}\n    file: {file}\n"),
                Kind::Nsd => format!("zone:\n  name: \"{apex}\"\n  zonefile: \"{file}\"\n"),
            };
            text.write_str(&zone).unwrap();
        }
        text
    }
}

/// A program by its name, in the search path or where Debian puts servers.
pub(crate) fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

/// The file name of a zone.
fn file_of(apex: &str) -> String {
    if apex == "." { "root.zone".into() } else { format!("{apex}zone") }
}

/// An address on loopback whose port is free for UDP and TCP.
fn free_address() -> SocketAddr {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = udp.local_addr().unwrap();
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// How often a start is tried: only the port may be in the way.
const STARTS_MAX: usize = 3;

/// A start takes this long at the most; on an idle machine a tenth of a second.
const START_MAX: Duration = Duration::from_secs(60);
