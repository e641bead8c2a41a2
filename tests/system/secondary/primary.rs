//! Debian's `named`, `knotd` and `nsd` as primaries: each on a port of its own, with zones that change by updates or by their files.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::harness::wire::Wire;
use crate::harness::{Server, until, zones};
use crate::peers::installed;

/// Whose server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// BIND's.
    Named,
    /// Knot DNS's.
    Knotd,
    /// NLnet Labs'.
    Nsd,
}

/// All of them.
pub(crate) const KINDS: [Kind; 3] = [Kind::Named, Kind::Knotd, Kind::Nsd];

/// A key that both ends know.
pub(crate) const KEY: (&str, &str) = ("xfr.test.", "c2VjcmV0IHNlY3JldCBzZWNyZXQ=");

/// What a primary is to do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Task {
    /// Its zones and their files.
    pub(crate) zones: Vec<(String, String)>,
    /// Whether transfers need a signature, and by which algorithm.
    pub(crate) algorithm: Option<&'static str>,
    /// Who is told of changes.
    pub(crate) notify: Option<SocketAddr>,
    /// Whether its zones are signed: then they change by their files alone.
    pub(crate) is_signed: bool,
    /// Further lines for each zone in its configuration, and further ones for all.
    pub(crate) more: (String, String),
}

impl Task {
    /// One zone, given away to everybody.
    pub(crate) fn of(apex: &str, text: String) -> Self {
        Task { zones: vec![(apex.to_owned(), text)], ..Task::default() }
    }

    /// The same with somebody who is told of changes.
    pub(crate) fn notifying(self, whom: SocketAddr) -> Self {
        Task { notify: Some(whom), ..self }
    }
}

/// A running primary. Ends with the value.
pub(crate) struct Primary {
    /// Whose it is.
    pub(crate) kind: Kind,
    /// Where it answers.
    pub(crate) address: SocketAddr,
    /// What it does.
    task: Task,
    /// The process, while it runs.
    process: Option<Child>,
    /// Its files.
    directory: tempfile::TempDir,
}

impl Primary {
    /// Starts one; none where it is not installed, which is recorded.
    pub(crate) fn start(test: &str, kind: Kind, task: Task) -> Option<Primary> {
        if installed(kind.program()).is_none() {
            crate::harness::skip(test, &format!("{} is not installed", kind.program()));
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        for (apex, text) in &task.zones {
            zones::install(directory.path(), &file_of(apex), text);
        }
        let mut primary = Primary { kind, address: free_address(), task, process: None, directory };
        primary.run();
        Some(primary)
    }

    /// Runs it.
    fn run(&mut self) {
        let configuration = self.directory.path().join("primary.conf");
        std::fs::write(&configuration, self.configuration()).unwrap();
        let log = std::fs::File::create(self.log()).unwrap();
        let arguments: &[&str] = match self.kind {
            Kind::Named => &["-g", "-n", "1", "-c"],
            Kind::Knotd => &["-c"],
            Kind::Nsd => &["-d", "-c"],
        };
        let mut command = Command::new(installed(self.kind.program()).unwrap());
        command.args(arguments).arg(&configuration).stdin(Stdio::null());
        self.process = Some(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
        until("the primary serves its zones", || {
            let wire = Wire::to(self.address);
            self.task.zones.iter().all(|(apex, _)| wire.serial(apex).is_some()).then_some(())
        });
    }

    /// Gives a zone another content, and waits until that is served.
    pub(crate) fn put(&self, apex: &str, text: &str, serial: u32) {
        zones::install(self.directory.path(), &file_of(apex), text);
        Server::signal(self.process.as_ref().unwrap().id().cast_signed(), "HUP");
        self.until_serial(apex, serial);
    }

    /// Changes a zone by lines of `nsupdate`: those who take no updates do not.
    pub(crate) fn update(&self, apex: &str, lines: &str) {
        update(self.address, apex, lines);
    }

    /// The serial of a zone.
    pub(crate) fn serial(&self, apex: &str) -> Option<u32> {
        Wire::to(self.address).serial(apex)
    }

    /// Waits until a zone has a serial.
    pub(crate) fn until_serial(&self, apex: &str, serial: u32) {
        until(&format!("the primary serves {apex} {serial}"), || (self.serial(apex) == Some(serial)).then_some(()));
    }

    /// Its log.
    fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// Its configuration.
    fn configuration(&self) -> String {
        let mut text = match self.kind {
            Kind::Named => self.of_named(),
            Kind::Knotd => self.of_knotd(),
            Kind::Nsd => self.of_nsd(),
        };
        text.push_str(&self.task.more.1);
        for (apex, _) in &self.task.zones {
            let (file, more) = (file_of(apex), &self.task.more.0);
            match self.kind {
                Kind::Named => writeln!(
                    text,
                    "zone \"{apex}\" {{ type primary; file \"{file}\"; check-names ignore; check-integrity no; {more} }};"
                ),
                Kind::Knotd => writeln!(text, "  - domain: {apex}\n    file: {file}\n{more}"),
                Kind::Nsd => writeln!(text, "zone:\n  name: \"{apex}\"\n  zonefile: \"{file}\"\n{}{more}", self.xfr_of_nsd()),
            }
            .unwrap();
        }
        text
    }

    /// That of BIND but its zones.
    fn of_named(&self) -> String {
        let (path, ip, port) = (self.directory.path().display(), self.address.ip(), self.address.port());
        let (name, secret) = KEY;
        let mut text = String::new();
        let allowed = match self.task.algorithm {
            Some(algorithm) => {
                writeln!(text, "key \"{name}\" {{ algorithm {algorithm}; secret \"{secret}\"; }};").unwrap();
                format!("key \"{name}\"")
            }
            None => "any".to_owned(),
        };
        let notify = match self.task.notify {
            Some(whom) => format!(
                "notify explicit; also-notify {{ {} port {}; }}; notify-delay 0; notify-rate 1000",
                whom.ip(),
                whom.port()
            ),
            None => "notify no".to_owned(),
        };
        // Of a zone that may be updated, named makes old signatures anew.
        let updates = if self.task.is_signed { "" } else { "allow-update { any; };" };
        writeln!(
            text,
            "options {{ directory \"{path}\"; pid-file none; session-keyfile none; listen-on-v6 {{ none; }};
            listen-on port {port} {{ {ip}; }}; recursion no; {notify}; dnssec-validation no; empty-zones-enable no;
            ixfr-from-differences yes; allow-transfer {{ {allowed}; }}; max-journal-size 20m; {updates} }};\ncontrols {{ }};"
        )
        .unwrap();
        text
    }

    /// That of Knot DNS but its zones.
    fn of_knotd(&self) -> String {
        let (path, ip, port) = (self.directory.path().display(), self.address.ip(), self.address.port());
        let (name, secret) = KEY;
        let mut text = String::new();
        let mut key = String::new();
        if let Some(algorithm) = self.task.algorithm {
            write!(text, "key:\n  - id: {name}\n    algorithm: {algorithm}\n    secret: {secret}\n").unwrap();
            key = format!("    key: {name}\n");
        }
        let mut notify = "";
        if let Some(whom) = self.task.notify {
            writeln!(text, "remote:\n  - id: told\n    address: {}@{}", whom.ip(), whom.port()).unwrap();
            notify = "    notify: told\n";
        }
        write!(
            text,
            "server:\n  rundir: {path}\n  listen: {ip}@{port}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n\
             log:\n  - target: stderr\n    any: info\ndatabase:\n  storage: {path}\n\
             acl:\n  - id: given\n    action: transfer\n{key}  - id: changed\n    address: 127.0.0.0/8\n    action: update\n\
             template:\n  - id: default\n    storage: {path}\n    zonefile-sync: -1\n    zonefile-load: difference\n\
             \x20   journal-content: changes\n    semantic-checks: off\n    acl: [given, changed]\n{notify}zone:\n"
        )
        .unwrap();
        text
    }

    /// That of NSD but its zones.
    fn of_nsd(&self) -> String {
        let (path, ip, port) = (self.directory.path().display(), self.address.ip(), self.address.port());
        let (name, secret) = KEY;
        let mut text = format!(
            "server:\n  ip-address: {ip}@{port}\n  do-ip6: no\n  server-count: 1\n  username: \"\"\n  chroot: \"\"\n  database: \"\"\n\
             \x20 pidfile: \"{path}/pid\"\n  zonelistfile: \"{path}/list\"\n  xfrdfile: \"{path}/xfrd\"\n  xfrdir: \"{path}\"\n\
             \x20 zonesdir: \"{path}\"\n  rrl-ratelimit: 0\n  verbosity: 2\nremote-control:\n  control-enable: no\n"
        );
        if let Some(algorithm) = self.task.algorithm {
            write!(text, "key:\n  name: \"{name}\"\n  algorithm: {algorithm}\n  secret: \"{secret}\"\n").unwrap();
        }
        text
    }

    /// What NSD's zones say of transfers.
    fn xfr_of_nsd(&self) -> String {
        let key = if self.task.algorithm.is_some() { KEY.0 } else { "NOKEY" };
        let mut text = format!(
            "  provide-xfr: 127.0.0.0/8 {key}\n  store-ixfr: yes\n  create-ixfr: yes\n  ixfr-number: 200\n  ixfr-size: 100000000\n"
        );
        if let Some(whom) = self.task.notify {
            writeln!(text, "  notify: {}@{} NOKEY", whom.ip(), whom.port()).unwrap();
        }
        text
    }
}

impl Drop for Primary {
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

impl Kind {
    /// The program's name.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Kind::Named => "named",
            Kind::Knotd => "knotd",
            Kind::Nsd => "nsd",
        }
    }

    /// Whether its zones change by updates over the wire.
    pub(crate) fn takes_updates(self) -> bool {
        self != Kind::Nsd
    }
}

/// Changes a zone of a server by lines of `nsupdate`.
pub(crate) fn update(server: SocketAddr, apex: &str, lines: &str) {
    // Over TCP and with patience: on a busy disk it may take a while, and what is sent again would be another update.
    let patient = ["-v", "-t", "60"];
    let mut child =
        Command::new("nsupdate").args(patient).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let script = format!("server {} {}\nzone {apex}\n{lines}\nsend\n", server.ip(), server.port());
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{lines}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// The file of a zone.
pub(crate) fn file_of(apex: &str) -> String {
    if apex == "." { "root.zone".into() } else { format!("{apex}zone") }
}

/// An address on loopback whose port is free for UDP and TCP.
pub(crate) fn free_address() -> SocketAddr {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = udp.local_addr().unwrap();
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
