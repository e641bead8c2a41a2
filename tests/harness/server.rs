//! A server of a test's own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::wait::{until, within};
use super::wire::Wire;

/// A start takes this long at the most; a debug build on a busy machine parses a real zone in a second.
const START_MAX: Duration = Duration::from_secs(60);

/// What a server is started with.
#[derive(Clone, Debug)]
pub(crate) struct ServerOptions {
    /// Auth processes.
    pub(crate) auth: usize,
    /// Addresses; port 0 takes a free one.
    pub(crate) listen: Vec<String>,
    /// Further arguments of `trine serve`.
    pub(crate) arguments: Vec<String>,
    /// Further variables, such as `TRINE_FAULTS`.
    pub(crate) environment: Vec<(String, String)>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        ServerOptions { auth: 2, listen: vec!["127.0.0.1:0".into()], arguments: Vec::new(), environment: Vec::new() }
    }
}

/// A running `trine serve`. Ends with the value.
#[derive(Debug)]
pub(crate) struct Server {
    /// The supervisor.
    child: Child,
    /// The first address it answers at.
    pub(crate) address: SocketAddr,
    /// The line it printed.
    pub(crate) ready: String,
    /// From the start of the process to that line.
    pub(crate) ready_after: Duration,
    /// Directory of zone files.
    pub(crate) zones: PathBuf,
    /// State directory.
    pub(crate) state: PathBuf,
    /// Its log.
    log: PathBuf,
    /// What both lie in, unless the test keeps it.
    directory: Option<TempDir>,
}

impl Server {
    /// Starts a server on zone files that `fill` writes into its directory.
    pub(crate) fn start(options: &ServerOptions, fill: impl FnOnce(&Path)) -> Server {
        let directory = tempfile::tempdir().unwrap();
        let (zones, state) = (directory.path().join("zones"), directory.path().join("state"));
        std::fs::create_dir(&zones).unwrap();
        fill(&zones);
        let mut server = Self::start_in(options, &zones, &state);
        server.directory = Some(directory);
        server
    }

    /// Starts a server on directories that the test keeps.
    pub(crate) fn start_in(options: &ServerOptions, zones: &Path, state: &Path) -> Server {
        Self::try_start_in(options, zones, state).unwrap_or_else(|log| panic!("trine serve did not get ready:\n{log}"))
    }

    /// The same; a server that ends before it is ready gives its log.
    pub(crate) fn try_start_in(options: &ServerOptions, zones: &Path, state: &Path) -> Result<Server, String> {
        let mut command = trine();
        command.arg("serve").arg("--zones").arg(zones).arg("--state").arg(state);
        command.arg("--auth").arg(options.auth.to_string());
        command.args(options.listen.iter().flat_map(|address| ["--listen", address]));
        command.args(&options.arguments).envs(options.environment.iter().cloned());
        Self::launch(command, zones, state)
    }

    /// Starts a server whose configuration file names these directories.
    pub(crate) fn start_configured(config: &Path, zones: &Path, state: &Path) -> Server {
        let mut command = trine();
        command.arg("serve").arg("--config").arg(config);
        Self::launch(command, zones, state).unwrap_or_else(|log| panic!("trine serve did not get ready:\n{log}"))
    }

    /// Runs a command that serves, and waits until it is ready.
    fn launch(mut command: Command, zones: &Path, state: &Path) -> Result<Server, String> {
        let log = state.with_extension(format!("{}.log", LOGS.fetch_add(1, std::sync::atomic::Ordering::Relaxed)));
        command.stdout(Stdio::piped()).stderr(std::fs::File::create(&log).unwrap());
        let began = Instant::now();
        let mut child = command.spawn().unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        let out = child.stdout.take().unwrap();
        std::thread::spawn(move || BufReader::new(out).lines().map_while(Result::ok).try_for_each(|l| sender.send(l)));
        let ready = match receiver.recv_timeout(START_MAX) {
            Ok(line) => line,
            Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(std::fs::read_to_string(&log).unwrap_or_default());
            }
        };
        let ready_after = began.elapsed();
        assert!(ready.starts_with("ready: "), "{ready}");
        let listening = ready.rsplit_once("listening on ").unwrap().1;
        let address = listening.split(", ").next().unwrap().parse().unwrap();
        let (zones, state) = (zones.to_owned(), state.to_owned());
        Ok(Server { child, address, ready, ready_after, zones, state, log, directory: None })
    }

    /// Somebody who asks it questions.
    pub(crate) fn wire(&self) -> Wire {
        Wire::to(self.address)
    }

    /// Runs a `trine` command on its state directory, such as `["zone", "list"]`.
    pub(crate) fn trine(&self, arguments: &[&str]) -> Output {
        trine().args(arguments).arg("--state").arg(&self.state).output().unwrap()
    }

    /// Runs a command with `--json`.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.trine(&[arguments, &["--json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("trine {arguments:?}: {error}\n{}\n{}", String::from_utf8_lossy(&output.stderr), self.log())
        })
    }

    /// `trine status --json`.
    pub(crate) fn status(&self) -> Value {
        self.json(&["status"])
    }

    /// `trine reload`, which has to succeed.
    pub(crate) fn reload(&self) {
        let output = self.trine(&["reload"]);
        assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), self.log());
    }

    /// Starts `trine reload` and does not wait for it.
    pub(crate) fn begin_reload(&self) -> Child {
        let mut command = trine();
        command.arg("reload").arg("--state").arg(&self.state).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Waits for a reload begun before; it has to succeed.
    pub(crate) fn end_reload(&self, reload: Child) {
        let output = reload.wait_with_output().unwrap();
        assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), self.log());
    }

    /// `trine stop`: an orderly end, after which everything is as it will be found by the next start.
    pub(crate) fn stop(&mut self) {
        let output = self.trine(&["stop"]);
        assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), self.log());
        assert_eq!(self.wait_for_end(Duration::from_secs(10)), Some(0));
    }

    /// Every generation alive as number and state, newest first.
    pub(crate) fn generations(&self) -> Vec<(u64, String)> {
        let list = self.json(&["generation", "list"]);
        let one =
            |generation: &Value| (generation["id"].as_u64().unwrap(), generation["state"].as_str().unwrap().to_owned());
        list.as_array().unwrap().iter().map(one).collect()
    }

    /// Waits until a generation is current and alive alone.
    pub(crate) fn until_settled(&self, generation: u64) {
        until(&format!("generation {generation} is current alone"), || {
            (self.generations() == [(generation, "current".to_owned())]).then_some(())
        });
    }

    /// The supervisor's process.
    pub(crate) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// memmgr's process, by the status.
    pub(crate) fn memmgr_pid(&self) -> i32 {
        number(&self.status()["memmgr_pid"])
    }

    /// The auth processes that are attached, by slot.
    pub(crate) fn auth_pids(&self) -> Vec<i32> {
        let status = self.status();
        let consumers = status["consumers"].as_array().unwrap();
        let mut auth: Vec<(i64, i32)> = consumers
            .iter()
            .filter(|consumer| consumer["role"] == "auth")
            .map(|consumer| (consumer["slot"].as_i64().unwrap(), number(&consumer["pid"])))
            .collect();
        auth.sort_unstable();
        auth.into_iter().map(|(_, pid)| pid).collect()
    }

    /// The process that gives zones away, once it is attached, with the generation that it acknowledged last.
    pub(crate) fn xfrout(&self) -> Option<(i32, Option<u64>)> {
        let status = self.status();
        let consumers = status["consumers"].as_array().unwrap();
        let xfrout = consumers.iter().find(|consumer| consumer["role"] == "xfrout")?;
        Some((number(&xfrout["pid"]), xfrout["generation"].as_u64()))
    }

    /// Waits until that process is attached and on the newest generation; its number. A server is ready without it.
    pub(crate) fn until_xfrout(&self) -> i32 {
        until("xfrout is on the newest generation", || {
            let newest = self.generation();
            self.xfrout().filter(|(_, generation)| *generation == Some(newest)).map(|(pid, _)| pid)
        })
    }

    /// The newest generation's number.
    pub(crate) fn generation(&self) -> u64 {
        self.status()["generation"].as_u64().unwrap()
    }

    /// Sends a signal to one of its processes, by name: `KILL`, `STOP`, `CONT`, `TERM`, `HUP`.
    pub(crate) fn signal(pid: i32, name: &str) {
        let signal: nix::sys::signal::Signal = format!("SIG{name}").parse().unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).unwrap();
    }

    /// Waits until the supervisor has ended; its exit code.
    pub(crate) fn wait_for_end(&mut self, at_most: Duration) -> Option<i32> {
        within(at_most, "the supervisor ends", || self.child.try_wait().unwrap()).code()
    }

    /// Everything it logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// Numbers log files, since one test may start several servers on one directory.
static LOGS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("---- log of trine serve, pid {}\n{}----", self.pid(), self.log());
        }
        if matches!(self.child.try_wait(), Ok(None)) {
            let pid = nix::unistd::Pid::from_raw(self.pid());
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
            let deadline = Instant::now() + Duration::from_secs(5);
            while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The executable of this package.
pub(crate) fn trine() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trine"));
    command.arg0("trine").env_remove("TRINE_FAULTS");
    command
}

/// A process number out of JSON.
fn number(value: &Value) -> i32 {
    i32::try_from(value.as_i64().unwrap()).unwrap()
}

/// Whether a process of this number lives and is no zombie.
pub(crate) fn is_alive(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X'])))
}
