//! Who is asked: a bare echo, the same again, and servers. All of them run until the end, on the same core.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::cores::{Cores, on_core};
use super::pressure::Target;
use crate::Outcome;
use crate::lookup::say;
use crate::question::free_port;
use crate::servers::{Server, Site, find};
use crate::start::{Running, Wait};

/// Who is asked.
pub struct Subject {
    /// Its name in tables.
    pub name: &'static str,
    /// Which server it is; none for an echo.
    pub server: Option<Server>,
    /// Where it is.
    pub target: Target,
    /// Its folder.
    pub folder: TempDir,
    /// Its processes, which end with the value.
    _running: Process,
}

/// What runs.
enum Process {
    /// A server.
    Server {
        /// Its processes.
        _running: Running,
    },
    /// An echo.
    Echo(Child),
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Process::Echo(child) = self {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// All who are asked.
pub struct Subjects {
    /// They, two echoes first.
    pub all: Vec<Subject>,
    /// Who is not there, and why.
    pub notes: Vec<String>,
}

impl Subjects {
    /// Starts two echoes and servers on zones, and waits until each answers for a name.
    pub fn start(
        servers: &[Server],
        trine: &Path,
        zones: &[(String, PathBuf)],
        name: &[u8],
        scratch: &Path,
        cores: Cores,
    ) -> Outcome<Subjects> {
        let mut subjects = Subjects { all: Vec::new(), notes: Vec::new() };
        for name in [ECHO, CONTROL] {
            subjects.all.push(echo(name, scratch, cores)?);
        }
        for server in servers {
            let program = match server {
                Server::Trine => Some(trine.to_owned()),
                _ => find(server.program()),
            };
            let Some(program) = program else {
                subjects.note(format!("MISSING: {} is not installed; its rows are left out", server.name()));
                continue;
            };
            match start(*server, &program, zones, name, scratch, cores) {
                Ok(subject) => subjects.all.push(subject),
                Err(error) if *server == Server::Trine => return Err(error),
                Err(error) => subjects.note(format!("FAILED: {}: {error}", server.name())),
            }
        }
        Ok(subjects)
    }

    /// Says something, and keeps it for the page.
    fn note(&mut self, text: String) {
        say(&text);
        self.notes.push(text);
    }
}

/// Starts a server.
fn start(
    server: Server,
    program: &Path,
    zones: &[(String, PathBuf)],
    name: &[u8],
    scratch: &Path,
    cores: Cores,
) -> Outcome<Subject> {
    say(&format!("starting {}", server.name()));
    let (folder, port) = (TempDir::new_in(scratch)?, free_port()?);
    let command = server.configure(
        program,
        &Site { folder: folder.path(), port, zones, threads: 1, is_changeable: false, is_given: false },
    )?;
    let log = folder.path().join("log.txt");
    let wait = Wait { port, names: &[name.to_vec()], log: &log, limit: START_MAX };
    let running = Running::start(on_core(command, cores.server), server == Server::Trine, &wait)?;
    let target = Target { port, process: running.process(), is_checked: true };
    Ok(Subject {
        name: server.name(),
        server: Some(server),
        target,
        folder,
        _running: Process::Server { _running: running },
    })
}

/// Starts an echo.
fn echo(name: &'static str, scratch: &Path, cores: Cores) -> Outcome<Subject> {
    let (folder, port) = (TempDir::new_in(scratch)?, free_port()?);
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("echo-once").arg(port.to_string());
    let child = on_core(command, cores.server).stdin(Stdio::null()).spawn()?;
    let target = Target { port, process: child.id(), is_checked: false };
    Ok(Subject { name, server: None, target, folder, _running: Process::Echo(child) })
}

/// The echo.
pub const ECHO: &str = "echo";

/// The same again: what it differs by is noise.
pub const CONTROL: &str = "echo again";

/// How long a start may take.
const START_MAX: Duration = Duration::from_secs(120);
