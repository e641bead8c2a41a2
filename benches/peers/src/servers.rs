//! The servers, and the least each has to be told to serve some zones on a port.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::lookup::say;
use crate::{Outcome, machine};

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// This project's.
    Trine,
    /// NSD.
    Nsd,
    /// Knot DNS.
    Knot,
    /// BIND, from text.
    Bind,
    /// BIND, from what `named-compilezone -F raw` makes.
    BindRaw,
    /// YADIFA.
    Yadifa,
    /// gdnsd.
    Gdnsd,
    /// PowerDNS with its backend that reads what BIND reads.
    PowerDnsBind,
    /// PowerDNS with its LMDB, filled by `pdnsutil load-zone`.
    PowerDnsLmdb,
}

impl Server {
    /// Those that load zones from text, or from a form of it that BIND makes.
    pub const FROM_TEXT: [Server; 8] = [
        Server::Trine,
        Server::Yadifa,
        Server::Knot,
        Server::Nsd,
        Server::Gdnsd,
        Server::Bind,
        Server::BindRaw,
        Server::PowerDnsBind,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Server::Trine => "Trine",
            Server::Nsd => "NSD",
            Server::Knot => "Knot",
            Server::Bind => "BIND",
            Server::BindRaw => "BIND, raw",
            Server::Yadifa => "YADIFA",
            Server::Gdnsd => "gdnsd",
            Server::PowerDnsBind => "PowerDNS, BIND backend",
            Server::PowerDnsLmdb => "PowerDNS, LMDB",
        }
    }

    /// The program; not Trine's.
    pub fn program(self) -> &'static str {
        match self {
            Server::Trine => "trine",
            Server::Nsd => "nsd",
            Server::Knot => "knotd",
            Server::Bind | Server::BindRaw => "named",
            Server::Yadifa => "yadifad",
            Server::Gdnsd => "gdnsd",
            Server::PowerDnsBind | Server::PowerDnsLmdb => "pdns_server",
        }
    }

    /// Whether it is one of those that goals name: NSD, Knot, BIND, YADIFA and gdnsd, from text.
    pub fn is_rival(self) -> bool {
        matches!(self, Server::Nsd | Server::Knot | Server::Bind | Server::Yadifa | Server::Gdnsd)
    }

    /// Writes its configuration into a folder, and gives the command that starts it in the foreground.
    pub fn configure(self, program: &Path, site: &Site<'_>) -> Outcome<Command> {
        let (folder, threads) = (site.folder, site.threads.to_string());
        let mut command = Command::new(program);
        match self {
            Server::Trine => {
                let zones = folder.join("zones");
                link_all(site, &zones, |apex| format!("{apex}zone"))?;
                command.arg("serve").arg("--zones").arg(&zones).arg("--state").arg(folder.join("state"));
                command.arg("--listen").arg(format!("127.0.0.1:{}", site.port)).args(["--auth", &threads]);
            }
            Server::Nsd => {
                fs::write(folder.join("nsd.conf"), nsd(site)?)?;
                command.arg("-d").arg("-c").arg(folder.join("nsd.conf"));
            }
            Server::Knot => {
                fs::write(folder.join("knot.conf"), knot(site)?)?;
                command.arg("-c").arg(folder.join("knot.conf"));
            }
            Server::Bind | Server::BindRaw => {
                let format = if self == Server::BindRaw { " masterfile-format raw;" } else { "" };
                fs::write(folder.join("named.conf"), bind(site, format)?)?;
                command.arg("-g").arg("-c").arg(folder.join("named.conf")).args(["-n", &threads, "-U", &threads]);
            }
            Server::Yadifa => {
                for name in ["zones", "keys", "log", "xfr"] {
                    fs::create_dir_all(folder.join(name))?;
                }
                fs::write(folder.join("yadifad.conf"), yadifa(site)?)?;
                command.arg("-c").arg(folder.join("yadifad.conf"));
            }
            Server::Gdnsd => {
                for name in ["etc", "run", "state"] {
                    fs::create_dir_all(folder.join(name))?;
                }
                link_all(site, &folder.join("etc/zones"), |apex| apex.trim_end_matches('.').to_owned())?;
                fs::write(folder.join("etc/config"), gdnsd(site))?;
                command.arg("-c").arg(folder.join("etc")).arg("start");
            }
            Server::PowerDnsBind => {
                let mut zones = String::new();
                for (apex, file) in site.zones {
                    let apex = apex.trim_end_matches('.');
                    writeln!(zones, "zone \"{apex}\" {{ type master; file \"{}\"; }};", file.display())?;
                }
                fs::write(folder.join("named.conf"), zones)?;
                let backend =
                    format!("launch=bind\nbind-config={}/named.conf\nbind-check-interval=0\n", folder.display());
                fs::write(folder.join("pdns.conf"), backend + &power_dns(site))?;
                command.arg(format!("--config-dir={}", folder.display()));
            }
            Server::PowerDnsLmdb => {
                let backend = format!(
                    "launch=lmdb\nlmdb-filename={}/pdns.lmdb\nlmdb-shards=1\nlmdb-sync-mode=nosync\n",
                    folder.display()
                );
                fs::write(folder.join("pdns.conf"), backend + &power_dns(site))?;
                command.arg(format!("--config-dir={}", folder.display()));
            }
        }
        Ok(command)
    }
}

/// Where a server is run, and what with.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// Its folder.
    pub folder: &'a Path,
    /// Its port.
    pub port: u16,
    /// Apexes, each with the dot at its end, and files.
    pub zones: &'a [(String, PathBuf)],
    /// Threads or processes that answer.
    pub threads: usize,
    /// Whether who asks from this machine may change zones (RFC 2136).
    pub is_changeable: bool,
    /// Whether who asks from this machine may transfer zones.
    pub is_given: bool,
}

/// Finds a program where Debian has it.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Builds Trine from the same tree.
pub fn build_trine() -> Outcome<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    say("building trine");
    let status = Command::new("cargo").args(["build", "--release", "--bin", "trine"]).current_dir(&root).status()?;
    if !status.success() {
        return Err(format!("building trine: {status}").into());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("release/trine").canonicalize()?)
}

/// Versions of servers that were compared with, as Debian names them.
pub fn versions(servers: impl Iterator<Item = Server>) -> Vec<(&'static str, String)> {
    let package = |server| match server {
        Server::Trine | Server::PowerDnsBind => None,
        Server::Nsd => Some("nsd"),
        Server::Knot => Some("knot"),
        Server::Yadifa => Some("yadifa"),
        Server::Gdnsd => Some("gdnsd"),
        Server::PowerDnsLmdb => Some("pdns-server"),
        Server::Bind | Server::BindRaw => Some("bind9"),
    };
    let mut packages: Vec<&str> = servers.filter_map(package).collect();
    packages.sort_unstable();
    packages.dedup();
    let version = |package| (package, machine::output("dpkg-query", &["-W", "-f", "${Version}", package]));
    packages.into_iter().map(version).collect()
}

/// Links all zone files into a folder, as a server that reads a folder wants them named.
fn link_all(site: &Site<'_>, folder: &Path, name: impl Fn(&str) -> String) -> Outcome<()> {
    if folder.exists() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    for (apex, file) in site.zones {
        fs::hard_link(file, folder.join(name(apex)))?;
    }
    Ok(())
}

/// The configuration of NSD.
fn nsd(site: &Site<'_>) -> Result<String, std::fmt::Error> {
    let (folder, port, threads) = (site.folder.display(), site.port, site.threads);
    let mut text = format!(
        "server:\n  ip-address: 127.0.0.1@{port}\n  do-ip6: no\n  server-count: {threads}\n  database: \"\"\n  username: \"\"\n  chroot: \"\"\n  \
         pidfile: \"{folder}/nsd.pid\"\n  zonelistfile: \"{folder}/zone.list\"\n  xfrdfile: \"{folder}/xfrd.state\"\n  \
         xfrdir: \"{folder}\"\n  zonesdir: \"{folder}\"\n  rrl-ratelimit: 0\n  minimal-responses: yes\nremote-control:\n  control-enable: no\n"
    );
    for (apex, file) in site.zones {
        writeln!(text, "zone:\n  name: \"{apex}\"\n  zonefile: \"{}\"", file.display())?;
        if site.is_given {
            writeln!(text, "  provide-xfr: 127.0.0.0/8 NOKEY")?;
        }
    }
    Ok(text)
}

/// The configuration of Knot: no journal, so that a start is one from text.
fn knot(site: &Site<'_>) -> Result<String, std::fmt::Error> {
    let (given, acl) = match site.is_given {
        true => ("acl:\n  - id: given\n    address: 127.0.0.0/8\n    action: transfer\n", "    acl: given\n"),
        false => ("", ""),
    };
    let (folder, port, threads) = (site.folder.display(), site.port, site.threads);
    let mut text = format!(
        "server:\n  rundir: \"{folder}\"\n  listen: 127.0.0.1@{port}\n  udp-workers: {threads}\n  tcp-workers: {threads}\n  background-workers: {threads}\n\
         log:\n  - target: stderr\n    any: warning\ndatabase:\n  storage: \"{folder}/db\"\n\
         {given}template:\n  - id: default\n    storage: \"{folder}\"\n    semantic-checks: off\n    journal-content: none\n    zonefile-sync: -1\n{acl}zone:\n"
    );
    for (apex, file) in site.zones {
        writeln!(text, "  - domain: \"{apex}\"\n    file: \"{}\"", file.display())?;
    }
    Ok(text)
}

/// The configuration of BIND.
fn bind(site: &Site<'_>, format: &str) -> Result<String, std::fmt::Error> {
    let (folder, port) = (site.folder.display(), site.port);
    let mut text = format!(
        "options {{ directory \"{folder}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; pid-file none; \
         session-keyfile none; managed-keys-directory \"{folder}\"; recursion no; notify no; minimal-responses yes; dnssec-validation no; \
         allow-transfer {{ none; }}; empty-zones-enable no; }};\ncontrols {{}};\n"
    );
    let update = if site.is_changeable { " allow-update { 127.0.0.1; };" } else { "" };
    let given = if site.is_given { " allow-transfer { 127.0.0.0/8; };" } else { "" };
    for (apex, file) in site.zones {
        writeln!(text, "zone \"{apex}\" {{ type primary; file \"{}\";{format}{update}{given} }};", file.display())?;
    }
    Ok(text)
}

/// The configuration of YADIFA.
fn yadifa(site: &Site<'_>) -> Result<String, std::fmt::Error> {
    let (folder, port, threads) = (site.folder.display(), site.port, site.threads);
    let mut text = format!(
        "<main>\n daemon off\n datapath \"{folder}/zones\"\n keyspath \"{folder}/keys\"\n logpath \"{folder}/log\"\n \
         xfrpath \"{folder}/xfr\"\n pidfile \"{folder}/yadifad.pid\"\n listen 127.0.0.1 port {port}\n uid {user}\n gid {group}\n \
         statistics off\n cpu-count-override {threads}\n thread-count-by-address {threads}\n</main>\n<channels>\n all STDOUT\n</channels>\n\
         <loggers>\n * err,warning,crit,alert,emerg all\n</loggers>\n",
        user = rustix::process::getuid().as_raw(),
        group = rustix::process::getgid().as_raw(),
    );
    let update = if site.is_changeable { " allow-update 127.0.0.1\n" } else { "" };
    for (apex, file) in site.zones {
        writeln!(text, "<zone>\n type master\n domain {apex}\n file \"{}\"\n{update}</zone>", file.display())?;
    }
    Ok(text)
}

/// The configuration of gdnsd.
fn gdnsd(site: &Site<'_>) -> String {
    let (folder, port, threads) = (site.folder.display(), site.port, site.threads);
    format!(
        "options => {{ listen => \"127.0.0.1:{port}\", run_dir => \"{folder}/run\", state_dir => \"{folder}/state\", \
         udp_threads => {threads}, tcp_threads => 1 }}\n"
    )
}

/// What PowerDNS is told with either backend.
fn power_dns(site: &Site<'_>) -> String {
    let (folder, port, threads) = (site.folder.display(), site.port, site.threads);
    format!(
        "local-address=127.0.0.1\nlocal-port={port}\nsocket-dir={folder}\nguardian=no\ndaemon=no\ndisable-syslog=yes\n\
         receiver-threads={threads}\ndistributor-threads={threads}\nsecurity-poll-suffix=\nloglevel=4\nsetuid=\nsetgid=\n"
    )
}
