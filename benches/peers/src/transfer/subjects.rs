//! The servers that give a zone away, and the zone.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use workload::{Kind, QuerySet, Workload};

use crate::Outcome;
use crate::lookup::say;
use crate::question::free_port;
use crate::servers::{Server, Site, find};
use crate::start::{Running, Wait};

/// A generated zone, and its text.
pub struct Zone {
    /// It.
    pub workload: Workload,
    /// What it is drawn from.
    pub seed: u64,
    /// Its file.
    text: PathBuf,
}

impl Zone {
    /// Writes a zone of so many names.
    pub fn write(names: usize, seed: u64, scratch: &Path) -> Outcome<Zone> {
        say(&format!("writing a zone of {names} names"));
        let (workload, text) = (Workload::new(Kind::Flat, names, seed), scratch.join("flat.zone"));
        workload.write_text(BufWriter::with_capacity(1 << 20, File::create(&text)?))?;
        rustix::fs::sync();
        Ok(Zone { workload, seed, text })
    }

    /// Its names.
    pub fn names(&self) -> usize {
        self.workload.query_count()
    }

    /// Its apex.
    pub fn apex(&self) -> &str {
        self.workload.apex()
    }
}

/// A running server that gives the zone away.
pub struct Subject {
    /// The server.
    pub server: Server,
    /// The port that it answers at.
    pub port: u16,
    /// Its processes.
    running: Running,
    /// Its folder.
    _folder: TempDir,
}

impl Subject {
    /// Starts a server on a zone, and waits until it answers for it.
    pub fn start(server: Server, trine: &Path, zone: &Zone, scratch: &Path) -> Outcome<Subject> {
        say(&format!("starting {}", server.name()));
        let program = match server {
            Server::Trine => trine.to_owned(),
            _ => find(server.program()).ok_or_else(|| format!("{} is not installed", server.name()))?,
        };
        let (folder, port) = (TempDir::new_in(scratch)?, free_port()?);
        let own = folder.path().join("given.zone");
        fs::hard_link(&zone.text, &own)?;
        let zones = [(zone.apex().to_owned(), own)];
        let site =
            Site { folder: folder.path(), port, zones: &zones, threads: THREADS, is_changeable: false, is_given: true };
        let command = server.configure(&program, &site)?;
        let log = folder.path().join("log.txt");
        let last = zone.workload.queries(QuerySet::Hits, [zone.names() - 1], zone.seed);
        let wait = Wait { port, names: &[last.wire(0).to_vec()], log: &log, limit: START_MAX };
        let running = Running::start(command, server == Server::Trine, &wait)?;
        Ok(Subject { server, port, running, _folder: folder })
    }

    /// The process that its others are below.
    pub fn process(&self) -> u32 {
        self.running.process()
    }
}

/// Threads or processes that answer.
const THREADS: usize = 2;

/// How long a start may take.
pub const START_MAX: Duration = Duration::from_secs(180);
