//! The servers whose zone is changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bus::protocol::control::Reached;
use tempfile::TempDir;
use zone_segment::{Name, NameRef};

use super::control::Control;
use super::dynamic::Dynamic;
use super::probe::{Probe, SOCKETS};
use crate::Outcome;
use crate::lookup::say;
use crate::question::free_port;
use crate::servers::{Server, Site, find};
use crate::start::{Running, Wait};

/// A running server whose zone can be changed.
pub struct Subject {
    /// The server.
    pub server: Server,
    /// Its folder.
    pub folder: TempDir,
    /// How it is told.
    way: Way,
    /// How it is asked.
    pub probe: Probe,
    /// The zone's apex, with the dot at its end.
    apex: String,
    /// The port that it answers at.
    pub port: u16,
    /// Its processes.
    running: Running,
}

/// How a server is told of changes.
enum Way {
    /// Over Trine's bus.
    Bus(Control),
    /// By dynamic updates.
    Dynamic(Dynamic),
}

/// What a change took.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// Until the server said that it is made.
    pub told: Duration,
    /// Until an answer had it.
    pub seen: Duration,
    /// Answers with it that came after the server said that.
    pub asked: usize,
    /// Answers without it.
    pub old: usize,
}

impl Subject {
    /// Starts a server on a zone, waits until it answers for a name, and changes that name's address once.
    pub fn start(
        server: Server,
        trine: &Path,
        apex: &str,
        text: &Path,
        name: &[u8],
        scratch: &Path,
    ) -> Outcome<Subject> {
        say(&format!("starting {}", server.name()));
        let program = match server {
            Server::Trine => trine.to_owned(),
            _ => find(server.program()).ok_or_else(|| format!("{} is not installed", server.name()))?,
        };
        let (folder, port) = (TempDir::new_in(scratch)?, free_port()?);
        // A link of its own: some write a zone that they changed back to its file.
        let own = own_text(server, folder.path())?;
        fs::hard_link(text, &own)?;
        let zones = [(apex.to_owned(), own)];
        let site =
            Site { folder: folder.path(), port, zones: &zones, threads: THREADS, is_changeable: true, is_given: false };
        let command = server.configure(&program, &site)?;
        let log = folder.path().join("log.txt");
        let wait = Wait { port, names: &[name.to_vec()], log: &log, limit: START_MAX };
        let running = Running::start(command, server == Server::Trine, &wait)?;
        let way = match server {
            Server::Trine => Way::Bus(Control::connect(&folder.path().join("state"))?),
            _ => Way::Dynamic(Dynamic::connect(port, apex.parse::<Name>()?.as_ref().as_wire())?),
        };
        let (apex, probe) = (apex.to_owned(), Probe::connect(port)?);
        let mut subject = Subject { server, folder, way, probe, apex, port, running };
        subject.change(name, FIRST, Reached::Visible)?;
        Ok(subject)
    }

    /// Gives a name another address. Others than Trine have one way, which says no more than that it is done.
    pub fn change(&mut self, name: &[u8], address: [u8; 4], wait: Reached) -> Outcome<Change> {
        let lines = address_lines(name, address)?;
        let begin = Instant::now();
        match &mut self.way {
            Way::Bus(control) => {
                control.update(&self.apex, lines, wait)?;
            }
            Way::Dynamic(dynamic) => dynamic.set_address(name, TTL, address)?,
        }
        let told = begin.elapsed();
        let mut old = self.probe.until(name, address)?;
        let seen = begin.elapsed();
        let others = self.probe.count_other(name, address)?;
        old += others;
        Ok(Change { told, seen, asked: 1 + SOCKETS - others, old })
    }

    /// Hands lines to Trine.
    pub fn update(&self, lines: String) -> Outcome<()> {
        match &self.way {
            Way::Bus(control) => control.update(&self.apex, lines, Reached::Durable).map(drop),
            Way::Dynamic(_) => Err("lines are for Trine".into()),
        }
    }

    /// The process that its others are below.
    pub fn process(&self) -> u32 {
        self.running.process()
    }

    /// Trine's state directory.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }
}

/// Where a server's own link to the text is: YADIFA wants it in the folder of its data.
fn own_text(server: Server, folder: &Path) -> Outcome<PathBuf> {
    let folder = match server {
        Server::Yadifa => folder.join("zones"),
        _ => folder.join("text"),
    };
    fs::create_dir_all(&folder)?;
    Ok(folder.join("changed.zone"))
}

/// The lines that give a name one address.
pub fn address_lines(name: &[u8], [a, b, c, d]: [u8; 4]) -> Outcome<String> {
    let name = NameRef::from_wire(name)?;
    Ok(format!("delete {name} A\nadd {name} {TTL} A {a}.{b}.{c}.{d}\n"))
}

/// The TTL of addresses.
const TTL: u32 = 3_600;

/// The address of the change that is not measured.
const FIRST: [u8; 4] = [12, 0, 0, 0];

/// Threads or processes that answer.
const THREADS: usize = 2;

/// How long a start may take.
const START_MAX: Duration = Duration::from_secs(180);
