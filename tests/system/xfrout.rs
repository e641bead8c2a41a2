//! Xfrout as a process: started beside auth, a reader like it, replaced when it dies or hangs, and waited for by nobody.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::time::{Duration, Instant};

use crate::harness::processes::sockets;
use crate::harness::server::is_alive;
use crate::harness::{Faults, Server, ServerOptions, assert_within, until, zones};

/// The zone served.
const ZONE: &str = "example.com.";

/// A killed process is followed by another within this time.
const REPLACE_MAX: Duration = Duration::from_secs(1);

/// A server with one small zone.
fn start(options: &ServerOptions) -> Server {
    Server::start(options, |directory| zones::install(directory, "example.com.zone", &zones::small(ZONE, 1, 3)))
}

/// Puts another version of the zone into its file.
fn install(server: &Server, serial: u32) {
    zones::install(&server.zones, "example.com.zone", &zones::small(ZONE, serial, 3));
}

#[test]
fn xfrout_follows_generations_and_is_shown() {
    let server = start(&ServerOptions::default());
    assert!(server.ready.contains(", 2 auth, "), "{}", server.ready);
    let pid = server.until_xfrout();
    install(&server, 2);
    server.reload();
    assert_eq!(server.xfrout(), Some((pid, Some(2))), "a reload is done when every reader has it");
    server.until_settled(2);
    for command in ["status", "consumers"] {
        let output = server.trine(&[command]);
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find(|line| line.contains("xfrout")).unwrap_or_else(|| panic!("{command}: {text}"));
        assert!(line.contains(&pid.to_string()), "{command}: {line}");
    }
}

#[test]
fn the_link_is_for_the_servers_own_user_alone() {
    let server = start(&ServerOptions::default());
    let link = std::fs::metadata(server.state.join("xfrout.sock")).unwrap();
    assert!(link.file_type().is_socket());
    assert_eq!(link.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_killed_xfrout_is_followed_by_one_with_its_socket() {
    let server = start(&ServerOptions::default());
    let (old, auth) = (server.until_xfrout(), server.auth_pids());
    let inherited = |pid: i32| -> Vec<u64> {
        let ours = sockets(server.pid());
        sockets(pid).into_iter().filter(|socket| ours.contains(socket)).collect()
    };
    let link = inherited(old);
    assert_eq!(link.len(), 1, "the listening socket: {link:?}");
    let began = Instant::now();
    Server::signal(old, "KILL");
    let new = until("another is started", || server.xfrout().map(|(pid, _)| pid).filter(|pid| *pid != old));
    assert_within(REPLACE_MAX, began.elapsed(), "a killed xfrout is replaced");
    assert_eq!(server.until_xfrout(), new);
    assert_eq!(inherited(new), link);
    install(&server, 2);
    server.reload();
    assert_eq!((server.wire().serial(ZONE), server.auth_pids()), (Some(2), auth));
}

#[test]
fn an_xfrout_that_holds_up_a_generation_is_killed_and_replaced() {
    let Some(faults) = Faults::new("an_xfrout_that_holds_up_a_generation_is_killed_and_replaced") else { return };
    let server = start(&faults.options(&["--switch-timeout", "1s"]));
    let (old, auth) = (server.until_xfrout(), server.auth_pids());
    faults.arm("xfrout-switch", "stall 60000");
    install(&server, 2);
    server.reload();
    // The reload waits for every reader, or for its end; a killed process is there for a moment more.
    until("it is ended", || (!is_alive(old)).then_some(()));
    assert_eq!(server.wire().serial(ZONE), Some(2));
    assert_ne!(server.until_xfrout(), old);
    assert_eq!(server.auth_pids(), auth);
    let status = server.status();
    let kills = status["kills"].as_array().unwrap();
    assert_eq!(kills.len(), 1, "{status}");
    assert_eq!((&kills[0]["role"], &kills[0]["pid"]), (&"xfrout".into(), &old.into()));
    let log = server.log();
    let killed = log.lines().find(|line| line.contains("process-killed")).unwrap();
    assert!(killed.contains("role=\"xfrout\"") && killed.contains("switch-timeout"), "{killed}");
}

#[test]
fn a_server_is_ready_without_xfrout() {
    let Some(faults) = Faults::new("a_server_is_ready_without_xfrout") else { return };
    faults.arm("xfrout-switch", "stall 60000");
    let mut server = start(&faults.options(&["--switch-timeout", "1m"]));
    faults.until_passed("xfrout-switch");
    assert_eq!(server.wire().serial(ZONE), Some(1));
    let (pid, generation) = server.xfrout().unwrap();
    assert_eq!(generation, None, "it is the one that is stalled");
    server.stop();
    assert!(!is_alive(pid));
}
