//! Somebody else's reader: `examples/reader.rs` under another user's id, with nothing but the bus's socket.

use std::io::{BufRead, BufReader, Lines};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::SystemTime;

use tempfile::TempDir;

use crate::harness::server::is_alive;
use crate::harness::{Server, ServerOptions, skip, until, zones};

/// A user id that nobody has and no server lets in unless told to.
const STRANGER: u32 = 64_990;

/// Another one.
const OTHER_STRANGER: u32 = 64_991;

/// Rotations a reader has to survive.
const ROTATIONS: u32 = 10;

/// A directory that any user may pass through, with a copy of the example that any user may run.
struct Place {
    /// The directory.
    base: TempDir,
}

impl Place {
    /// Sets it up.
    fn new() -> Self {
        let base = tempfile::tempdir().unwrap();
        let open = |path: &Path| std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
        open(base.path());
        let place = Place { base };
        std::fs::copy(example(), place.program()).unwrap();
        open(&place.program());
        std::fs::create_dir(place.zones()).unwrap();
        place.install(1);
        place
    }

    /// The copy of the example.
    fn program(&self) -> PathBuf {
        self.base.path().join("reader")
    }

    /// The zone files.
    fn zones(&self) -> PathBuf {
        self.base.path().join("zones")
    }

    /// Puts a version of the zone in place.
    fn install(&self, serial: u32) {
        zones::install(&self.zones(), "example.com.zone", &zones::small("example.com.", serial, 3));
    }

    /// Starts a server here that lets these users in. The segments are for its own eyes: readers have to get them by descriptor.
    fn serve(&self, users: &[u32]) -> Server {
        self.serve_with(users, &[])
    }

    /// The same, with further arguments.
    fn serve_with(&self, users: &[u32], arguments: &[&str]) -> Server {
        let users = users.iter().flat_map(|user| ["--bus-allow".to_owned(), user.to_string()]);
        let arguments = users.chain(arguments.iter().map(ToString::to_string)).collect();
        let options = ServerOptions { arguments, ..ServerOptions::default() };
        let server = Server::start_in(&options, &self.zones(), &self.base.path().join("state"));
        for entry in std::fs::read_dir(&server.state).unwrap().flatten() {
            if entry.file_name() != "bus.sock" {
                let mode = if entry.file_type().unwrap().is_dir() { 0o700 } else { 0o600 };
                std::fs::set_permissions(entry.path(), PermissionsExt::from_mode(mode)).unwrap();
            }
        }
        std::fs::set_permissions(self.zones(), PermissionsExt::from_mode(0o700)).unwrap();
        server
    }

    /// The example, about to run as a user with no group, no environment and no directory of its own.
    fn reader(&self, user: u32, server: &Server, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program());
        command.uid(user).gid(user).env_clear().current_dir("/").stdin(Stdio::null());
        command.arg(server.state.join("bus.sock")).args(arguments);
        command
    }
}

/// The example as cargo built it beside the tests. A run that builds some tests alone may not have built it: then it is built here.
fn example() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_trine")).with_file_name("examples").join("reader");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/reader.rs");
    let changed =
        |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    if changed(&program) < changed(&source) {
        let mut cargo = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
        cargo.args(["build", "--quiet", "--package", "trine", "--example", "reader", "--target-dir"]);
        cargo.arg(program.ancestors().nth(3).unwrap()).current_dir(env!("CARGO_MANIFEST_DIR"));
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        assert!(cargo.status().unwrap().success(), "building the example");
    }
    program
}

/// Whether this process may become another user; a recorded skip otherwise.
fn is_root(test: &str) -> bool {
    let is_root = nix::unistd::Uid::effective().is_root();
    if !is_root {
        skip(test, "running a program as another user needs root");
    }
    is_root
}

/// A reader that follows, ended with the test.
struct Following {
    /// It.
    child: Child,
    /// What it prints.
    lines: Lines<BufReader<ChildStdout>>,
}

impl Following {
    /// Starts one.
    fn start(mut command: Command) -> Self {
        let mut child = command.arg("--follow").stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Following { child, lines }
    }

    /// The next generation it prints, and its records.
    fn next(&mut self) -> (u64, String) {
        let mut line = || self.lines.next().expect("the reader ended").unwrap();
        let (heading, record) = (line(), line());
        (heading.strip_prefix("; generation ").unwrap().parse().unwrap(), record)
    }

    /// Its process.
    fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Segment files a process has mapped.
fn mapped(pid: i32) -> usize {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    maps.lines().filter(|line| line.contains("/state/")).count()
}

#[test]
fn a_strangers_reader_survives_ten_rotations() {
    if !is_root("a_strangers_reader_survives_ten_rotations") {
        return;
    }
    let place = Place::new();
    let server = place.serve(&[STRANGER]);
    let mut reader = Following::start(place.reader(STRANGER, &server, &["host1.example.com", "TXT"]));
    let record = |serial: u32| format!("host1.example.com. 300 IN TXT \"serial {serial}\"");
    assert_eq!(reader.next(), (1, record(1)));
    for serial in 2..2 + ROTATIONS {
        place.install(serial);
        // The reload comes back when every reader has the generation, this one among them.
        server.reload();
        assert_eq!(reader.next(), (u64::from(serial), record(serial)));
    }
    let status = server.status();
    let consumers = status["consumers"].as_array().unwrap();
    let ours = consumers.iter().find(|consumer| consumer["pid"] == reader.pid()).unwrap();
    assert_eq!((ours["role"].as_str(), ours["uid"].as_u64()), (Some("reader"), Some(STRANGER.into())), "{ours}");
    assert_eq!(ours["generation"].as_u64(), Some((1 + ROTATIONS).into()), "{ours}");
    assert_eq!(status["kills"].as_array().map(Vec::len), Some(0), "{status}");
    // A directory and one group: what was followed is unmapped.
    until("old segments are unmapped", || (mapped(reader.pid()) == 2).then_some(()));
}

#[test]
fn a_reader_outlives_memmgr() {
    if !is_root("a_reader_outlives_memmgr") {
        return;
    }
    let place = Place::new();
    let server = place.serve(&[STRANGER]);
    let mut reader = Following::start(place.reader(STRANGER, &server, &["host1.example.com", "TXT"]));
    assert_eq!(reader.next().0, 1);
    Server::signal(server.memmgr_pid(), "KILL");
    until("the reader is attached again", || {
        let output = server.trine(&["consumers", "--json"]);
        let consumers: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
        consumers.as_array()?.iter().any(|consumer| consumer["pid"] == reader.pid()).then_some(())
    });
    place.install(2);
    server.reload();
    assert_eq!(reader.next(), (2, "host1.example.com. 300 IN TXT \"serial 2\"".to_owned()));
}

#[test]
fn b22_a_strangers_reader_that_stands_still_is_dropped_and_not_killed() {
    let test = "b22_a_strangers_reader_that_stands_still_is_dropped_and_not_killed";
    if !is_root(test) {
        return;
    }
    let place = Place::new();
    let server = place.serve_with(&[STRANGER], &["--switch-timeout", "500ms"]);
    let mut reader = Following::start(place.reader(STRANGER, &server, &["host1.example.com", "TXT"]));
    assert_eq!(reader.next().0, 1);
    Server::signal(reader.pid(), "STOP");
    for serial in [2, 3, 4] {
        place.install(serial);
        server.reload();
        assert_eq!(server.wire().serial("example.com."), Some(serial));
    }
    let kills = &server.status()["kills"];
    assert_eq!((&kills[0]["pid"], &kills[0]["role"]), (&reader.pid().into(), &"reader".into()), "{kills}");
    assert!(is_alive(reader.pid()), "it is not the server's to kill");
    Server::signal(reader.pid(), "CONT");
    // What was on its way to it when it stopped may come first.
    while reader.next().0 != 4 {}
}

#[test]
fn b12_a_reader_of_a_user_who_is_not_let_in_is_told_so() {
    if !is_root("b12_a_reader_of_a_user_who_is_not_let_in_is_told_so") {
        return;
    }
    let place = Place::new();
    let server = place.serve(&[STRANGER]);
    let Output { status, stdout, stderr } =
        place.reader(OTHER_STRANGER, &server, &["host1.example.com"]).output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!((status.code(), stdout.len()), (Some(1), 0), "{said}");
    assert!(said.contains("bus.sock") && said.contains(&format!("user id {OTHER_STRANGER} may not")), "{said}");
    // The one who is let in may read, and change nothing.
    let reader = place.reader(STRANGER, &server, &["www.host1.example.com"]).output().unwrap();
    let said = String::from_utf8(reader.stderr).unwrap();
    assert_eq!(
        (reader.status.code(), said.contains("no such name in the zone example.com.")),
        (Some(1), true),
        "{said}"
    );
}

#[test]
fn a_reader_says_what_is_wrong() {
    let place = Place::new();
    let server = place.serve(&[]);
    let run = |arguments: &[&str]| {
        let output = Command::new(place.program()).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let bus = server.state.join("bus.sock");
    let bus = bus.to_str().unwrap();
    assert_eq!(run(&[bus, "host2.example.com"]).2, "host2.example.com. 300 IN A 192.0.2.2\n");
    assert_eq!(run(&[bus, "example.com", "NS"]).2, "example.com. 300 IN NS ns.example.com.\n");
    for (arguments, code, says) in [
        ("", 2, "usage: reader"),
        ("BUS", 2, "usage: reader"),
        ("BUS a..b", 2, "no domain name"),
        ("BUS example.com NOTYPE", 2, "no record type"),
        ("BUS example.com --unknown", 2, "unknown flag --unknown"),
        ("BUS example.org", 1, "no zone of this server"),
        ("BUS example.com MX", 1, "has no MX records"),
        ("/nowhere/bus.sock example.com", 1, "/nowhere/bus.sock"),
    ] {
        let words = arguments.split_whitespace().map(|word| if word == "BUS" { bus } else { word });
        let (found, said, printed) = run(&words.collect::<Vec<_>>());
        assert_eq!((found, printed.as_str()), (Some(code), ""), "{arguments}: {said}");
        assert!(said.contains(says), "{arguments}: {said}");
    }
}
