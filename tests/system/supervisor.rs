//! The supervisor: one Trine per state directory and address, ends within two seconds, restarts what dies.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use tempfile::TempDir;

use crate::harness::processes::{children, sockets, until_gone};
use crate::harness::server::{is_alive, trine};
use crate::harness::{Faults, Server, ServerOptions, Wire, assert_within, skip, until, within, zones};

/// A server ends within this time, whatever its processes do.
const STOP_MAX: Duration = Duration::from_secs(2);

/// A killed process is followed by another within this time.
const REPLACE_MAX: Duration = Duration::from_secs(1);

/// Directories that several servers use one after the other.
struct Directories {
    /// What they lie in.
    base: TempDir,
}

impl Directories {
    /// A directory of zones with one small zone.
    fn new() -> Self {
        let base = tempfile::tempdir().unwrap();
        let directories = Directories { base };
        std::fs::create_dir(directories.zones()).unwrap();
        zones::install(&directories.zones(), "example.com.zone", &zones::small("example.com.", 1, 3));
        directories
    }

    /// The zone files.
    fn zones(&self) -> std::path::PathBuf {
        self.base.path().join("zones")
    }

    /// A state directory.
    fn state(&self, name: &str) -> std::path::PathBuf {
        self.base.path().join(name)
    }

    /// A server on these zones.
    fn serve(&self, options: &ServerOptions, state: &str) -> Server {
        Server::start_in(options, &self.zones(), &self.state(state))
    }
}

/// A server with one small zone.
fn small(options: &ServerOptions) -> Server {
    Server::start(options, |directory| {
        zones::install(directory, "example.com.zone", &zones::small("example.com.", 1, 3));
    })
}

/// Runs `trine serve` where it has to fail; what it said and its exit code.
fn refused(zones: &Path, state: &Path, listen: SocketAddr) -> (String, Option<i32>) {
    let mut command = trine();
    command.args(["serve", "--auth", "1", "--listen", &listen.to_string()]);
    let Output { status, stdout, stderr } =
        command.arg("--zones").arg(zones).arg("--state").arg(state).output().unwrap();
    assert_eq!(String::from_utf8(stdout).unwrap(), "", "nothing is ready");
    (String::from_utf8(stderr).unwrap(), status.code())
}

/// Every process of a server, the supervisor first.
fn processes(server: &Server) -> Vec<i32> {
    let mut pids = vec![server.pid()];
    pids.extend(children(server.pid()));
    pids
}

/// Whether a zone is answered from.
fn answers(server: &Server) -> bool {
    server.wire().serial("example.com.").is_some()
}

#[test]
fn b17_a_second_trine_on_a_state_directory_names_the_first() {
    let server = small(&ServerOptions::default());
    let (said, code) = refused(&server.zones, &server.state, "127.0.0.1:0".parse().unwrap());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("in use by the Trine with pid {};", server.pid())), "{said}");
    assert!(answers(&server));
    server.reload();
}

#[test]
fn b17_a_second_trine_on_an_address_names_the_first() {
    let server = small(&ServerOptions::default());
    let other = tempfile::tempdir().unwrap();
    let (said, code) = refused(&server.zones, &other.path().join("state"), server.address);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("{}: in use by trine with pid {};", server.address, server.pid())), "{said}");
    assert!(answers(&server));
    server.reload();
}

#[test]
fn b17_an_address_of_a_foreign_process_is_refused_by_its_name() {
    let directories = Directories::new();
    let own = std::process::id();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    for address in [udp.local_addr().unwrap(), tcp.local_addr().unwrap()] {
        let (said, code) = refused(&directories.zones(), &directories.state("state"), address);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(&address.to_string()) && said.contains(&format!("with pid {own};")), "{said}");
    }
}

#[test]
fn b17_all_end_with_a_killed_supervisor_and_another_starts() {
    let directories = Directories::new();
    let mut server = directories.serve(&ServerOptions::default(), "state");
    let pids = processes(&server);
    assert_eq!(pids.len(), 5, "supervisor, memmgr, two auth, xfrout");
    Server::signal(server.pid(), "KILL");
    // The next one is started at once, while the old processes may still hold the sockets.
    let options = ServerOptions { listen: vec![server.address.to_string()], ..ServerOptions::default() };
    let next = directories.serve(&options, "state");
    assert!(pids[1..].iter().all(|pid| !is_alive(*pid)), "two never share an address");
    server.wait_for_end(STOP_MAX);
    assert_eq!(next.address, server.address);
    assert!(answers(&next));
    next.reload();
}

#[test]
fn b17_stopped_processes_end_with_a_killed_supervisor_too() {
    let directories = Directories::new();
    let server = directories.serve(&ServerOptions::default(), "state");
    let pids = processes(&server);
    pids[1..].iter().for_each(|pid| Server::signal(*pid, "STOP"));
    Server::signal(server.pid(), "KILL");
    assert_within(STOP_MAX, until_gone(&pids[1..]), "stopped processes end with their supervisor");
    let next = directories
        .serve(&ServerOptions { listen: vec![server.address.to_string()], ..ServerOptions::default() }, "state");
    assert!(answers(&next));
}

/// Ends a server by `end`, and asserts that nothing of it is left in time, and that its processes ended by themselves.
fn ends_in_time(stop_one: bool, what: &str, end: impl FnOnce(&Server)) {
    let mut server = small(&ServerOptions::default());
    server.until_xfrout();
    let pids = processes(&server);
    if stop_one {
        Server::signal(server.auth_pids()[0], "STOP");
    }
    let began = Instant::now();
    end(&server);
    assert_eq!(server.wait_for_end(Duration::from_secs(15)), Some(0), "{}", server.log());
    assert_within(STOP_MAX, began.elapsed(), what);
    assert!(pids.iter().all(|pid| !is_alive(*pid)), "a process is left");
    let stopped = |event: &str| server.log().lines().filter(|line| line.contains(event)).count();
    let all_stopped = (stopped("auth-stopped"), stopped("xfrout-stopped"), stopped("memmgr-stopped"));
    assert_eq!(all_stopped, (2, 1, 1), "killed: {}", server.log());
    assert!(UdpSocket::bind(server.address).is_ok() && TcpListener::bind(server.address).is_ok());
    assert_eq!(server.trine(&["status"]).status.code(), Some(3));
}

#[test]
fn sigterm_ends_all() {
    ends_in_time(false, "SIGTERM", |server| Server::signal(server.pid(), "TERM"));
    ends_in_time(true, "SIGTERM with an auth stopped", |server| Server::signal(server.pid(), "TERM"));
}

#[test]
fn sigint_ends_all() {
    ends_in_time(false, "SIGINT", |server| Server::signal(server.pid(), "INT"));
    ends_in_time(true, "SIGINT with an auth stopped", |server| Server::signal(server.pid(), "INT"));
}

#[test]
fn sigterm_ends_a_memmgr_that_is_stopped() {
    ends_in_time(false, "SIGTERM with memmgr stopped", |server| {
        Server::signal(server.memmgr_pid(), "STOP");
        Server::signal(server.pid(), "TERM");
    });
}

#[test]
fn trine_stop_ends_all_and_waits_for_it() {
    for stop_one in [false, true] {
        ends_in_time(stop_one, "trine stop", |server| {
            let pids = processes(server);
            let output = server.trine(&["stop"]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            // The supervisor itself is our child and waits to be reaped.
            assert!(pids.iter().all(|pid| !is_alive(*pid)), "trine stop came back too early");
        });
    }
}

#[test]
fn b32_memmgr_is_killed_and_comes_back_to_the_same_readers() {
    let server = small(&ServerOptions::default());
    let (memmgr, auth) = (server.memmgr_pid(), server.auth_pids());
    let generation = server.generation();
    Server::signal(memmgr, "KILL");
    let mut asked = 0;
    until("the readers are attached again", || {
        assert!(answers(&server), "a query was not answered while memmgr was away");
        asked += 1;
        let output = server.trine(&["status", "--json", "--timeout", "5s"]);
        let status: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
        let auth = status["consumers"].as_array()?.iter().filter(|consumer| consumer["role"] == "auth");
        (auth.count() == 2).then_some(())
    });
    println!("{asked} queries answered meanwhile");
    assert_ne!(server.memmgr_pid(), memmgr);
    assert_eq!(server.auth_pids(), auth, "the readers were to be adopted, not replaced");
    assert_eq!(server.generation(), generation);
    zones::install(&server.zones, "example.com.zone", &zones::small("example.com.", 2, 3));
    server.reload();
    assert_eq!(server.wire().serial("example.com."), Some(2));
    assert_eq!(server.auth_pids(), auth);
}

#[test]
fn memmgr_that_hangs_is_replaced() {
    let options = ServerOptions { arguments: vec!["--stall-timeout".into(), "1s".into()], ..ServerOptions::default() };
    let server = small(&options);
    let (memmgr, auth) = (server.memmgr_pid(), server.auth_pids());
    Server::signal(memmgr, "STOP");
    until("it is killed", || (!is_alive(memmgr)).then_some(()));
    until("another has the readers", || (server.auth_pids() == auth).then_some(()));
    assert!(server.log().contains("memmgr-stalled-killed"));
    server.reload();
}

#[test]
fn a_killed_auth_is_followed_within_a_second_by_one_with_its_sockets() {
    let server = small(&ServerOptions { auth: 1, ..ServerOptions::default() });
    let old = server.auth_pids()[0];
    let listening = |pid: i32| -> Vec<u64> {
        let ours = sockets(server.pid());
        sockets(pid).into_iter().filter(|socket| ours.contains(socket)).collect()
    };
    let inherited = listening(old);
    assert!(inherited.len() >= 2, "a UDP and a TCP socket: {inherited:?}");
    let began = Instant::now();
    Server::signal(old, "KILL");
    // There is no sibling: the answer is the successor's.
    assert!(answers(&server));
    assert_within(REPLACE_MAX, began.elapsed(), "a query is answered by the next auth");
    let new = until("the next auth is attached", || server.auth_pids().first().copied().filter(|pid| *pid != old));
    assert_eq!(listening(new), inherited);
}

#[test]
fn a_process_that_dies_again_and_again_is_started_less_and_less_often() {
    let Some(faults) = Faults::new("a_process_that_dies_again_and_again_is_started_less_and_less_often") else {
        return;
    };
    let options = ServerOptions { auth: 1, ..faults.options(&[]) };
    let server = small(&options);
    let starts =
        || server.log().lines().filter(|line| line.contains("process-started") && line.contains("slot=0")).count();
    assert_eq!(starts(), 1);
    faults.arm("reader-switch", "kill");
    Server::signal(server.auth_pids()[0], "KILL");
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        if !faults.is_armed("reader-switch") {
            faults.arm("reader-switch", "kill");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    // At once, then after 100, 200, 400, 800 and 1600 ms.
    assert!((3..=8).contains(&starts()), "{} starts in 4 s", starts());
    faults.disarm("reader-switch");
    within(Duration::from_secs(10), "it serves again", || (server.auth_pids().len() == 1).then_some(()));
    assert!(answers(&server));
}

#[test]
fn port_0_takes_a_free_one_at_each_address() {
    let listen = vec!["127.0.0.1:0".to_owned(), "127.0.0.2:0".to_owned()];
    let server = small(&ServerOptions { listen, ..ServerOptions::default() });
    let addresses = listening(&server.ready);
    assert_eq!(addresses.len(), 2);
    for address in addresses {
        assert_ne!(address.port(), 0);
        assert_eq!(Wire::to(address).serial("example.com."), Some(1));
        assert_eq!(
            Wire::to(address).tcp("example.com.", RecordType::SOA, false).metadata.response_code,
            ResponseCode::NoError
        );
    }
}

#[test]
fn an_answer_leaves_from_the_address_that_was_asked() {
    let server = small(&ServerOptions { listen: vec!["0.0.0.0:0".into()], ..ServerOptions::default() });
    for ip in ["127.0.0.1", "127.0.0.77"] {
        // The asker's socket is connected, and takes answers from nowhere else.
        let asked = SocketAddr::new(ip.parse().unwrap(), server.address.port());
        assert_eq!(Wire::to(asked).serial("example.com."), Some(1));
    }
    let specific = SocketAddr::new("127.0.0.1".parse().unwrap(), server.address.port());
    let (said, code) = refused(&server.zones, &server.state.with_extension("other"), specific);
    assert!(said.contains(&format!("in use by trine with pid {};", server.pid())) && code == Some(1), "{said}");
}

#[test]
fn ipv6_is_answered_at_like_ipv4() {
    if UdpSocket::bind("[::1]:0").is_err() {
        return skip("ipv6_is_answered_at_like_ipv4", "this machine has no IPv6");
    }
    let server =
        small(&ServerOptions { listen: vec!["[::1]:0".into(), "127.0.0.1:0".into()], ..ServerOptions::default() });
    assert!(server.address.is_ipv6());
    for address in listening(&server.ready) {
        assert_eq!(Wire::to(address).serial("example.com."), Some(1));
        assert_eq!(Wire::to(address).tcp("example.com.", RecordType::SOA, false).answers.len(), 1);
    }
    let (said, code) = refused(&server.zones, &server.state.with_extension("other"), server.address);
    assert!(said.contains(&format!("with pid {};", server.pid())) && code == Some(1), "{said}");
}

/// The addresses of a ready line.
fn listening(ready: &str) -> Vec<SocketAddr> {
    let addresses = ready.rsplit_once("listening on ").unwrap().1.split(", ");
    addresses.map(|address| address.parse().unwrap()).collect()
}

#[test]
fn zones_alone_are_enough_to_serve() {
    let test = "zones_alone_are_enough_to_serve";
    let directories = Directories::new();
    let mut command = trine();
    command.arg("serve").arg("--zones").arg(directories.zones()).env_remove("XDG_STATE_HOME");
    command.env("HOME", directories.base.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut server = Ended(command.spawn().unwrap());
    let mut ready = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    if ready.is_empty() {
        let said = std::io::read_to_string(server.0.stderr.take().unwrap()).unwrap();
        assert!(said.contains("127.0.0.1:5300: in use") || said.contains("[::1]:5300: in use"), "{said}");
        return skip(test, "port 5300, the default, is in use on this machine");
    }
    assert!(ready.starts_with("ready: 1 zone, ") && ready.contains("listening on 127.0.0.1:5300"), "{ready}");
    assert_eq!(ready.contains("[::1]:5300"), UdpSocket::bind("[::1]:0").is_ok(), "{ready}");
    let processors = std::thread::available_parallelism().unwrap().get();
    assert!(ready.contains(&format!(" {} auth, ", processors.min(4))), "{ready}");
    assert_eq!(Wire::to("127.0.0.1:5300".parse().unwrap()).serial("example.com."), Some(1));
    assert!(directories.base.path().join(".local/state/trine/bus.sock").exists());
    let stop = trine().arg("stop").env_remove("XDG_STATE_HOME").env("HOME", directories.base.path()).status().unwrap();
    assert!(stop.success());
}

/// A process that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
