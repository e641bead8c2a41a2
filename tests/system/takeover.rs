//! One of several auth processes is stopped, hangs or is killed under load: the others answer what comes to its sockets (B61).
//!
//! What a process has received it holds: the one batch in its hands is waited for, or lost with it. All else has to be answered
//! within [`WAIT_MAX`].

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use consumers::auth::batch::BATCH_MAX;
use hickory_proto::rr::RecordType;
use hickory_proto::serialize::binary::BinEncodable;

use crate::harness::load::{Log, Reference, Stream};
use crate::harness::processes::{network_sockets, sockets};
use crate::harness::{
    Faults, IS_STRICT, Server, ServerOptions, assert_within, heavy, setting, until, wire, within, zones,
};

/// The longest a query may wait, but for the batch in the hands of the process that was stopped.
const WAIT_MAX: Duration = Duration::from_millis(500);

/// How long a process stays stopped: far longer than a query may wait, shorter than what gets it killed.
const STOPPED: Duration = Duration::from_secs(3);

/// Before and after what is done to a process the stream runs this long.
const UNDISTURBED: Duration = Duration::from_millis(500);

#[test]
fn b61_no_query_waits_for_a_stopped_process() {
    let _heavy = heavy();
    let (server, reference) = serving(&ServerOptions::default());
    let stopped = server.auth_pids()[0];
    let log = under_load(&server, &reference, || {
        Server::signal(stopped, "STOP");
        std::thread::sleep(STOPPED);
        Server::signal(stopped, "CONT");
    });
    assert_waits("one of two stopped", &log, 1);
    assert_eq!(server.auth_pids()[0], stopped, "it was to go on, not to be replaced");
    // Nothing was lost: the batch in its hands was answered when it went on.
    assert!(log.unanswered() <= log.server_drops + log.own_drops);
}

#[test]
fn b61_no_query_waits_for_two_stopped_processes_of_four() {
    let _heavy = heavy();
    let (server, reference) = serving(&ServerOptions { auth: 4, ..ServerOptions::default() });
    let stopped = &server.auth_pids()[..2];
    let log = under_load(&server, &reference, || {
        stopped.iter().for_each(|pid| Server::signal(*pid, "STOP"));
        std::thread::sleep(STOPPED);
        stopped.iter().for_each(|pid| Server::signal(*pid, "CONT"));
    });
    assert_waits("two of four stopped", &log, 2);
}

#[test]
fn b61_no_query_waits_for_a_query_thread_that_hangs() {
    let Some(faults) = Faults::new("b61_no_query_waits_for_a_query_thread_that_hangs") else { return };
    let _heavy = heavy();
    let (server, reference) = serving(&faults.options(&[]));
    let log = under_load(&server, &reference, || {
        faults.arm("auth-udp-batch", &format!("stall {}", STOPPED.as_millis()));
        std::thread::sleep(STOPPED);
    });
    assert_waits("a query thread hangs", &log, 1);
    assert!(log.slower_than(WAIT_MAX) > 0, "the batch in its hands had to wait");
    assert!(log.unanswered() <= log.server_drops + log.own_drops);
}

#[test]
fn b61_a_kill_loses_no_query_but_the_batch_in_hand() {
    let _heavy = heavy();
    let (server, reference) = serving(&ServerOptions::default());
    for kill in 0..4 {
        let killed = server.auth_pids()[kill % 2];
        let log = under_load(&server, &reference, || {
            Server::signal(killed, "KILL");
            let began = Instant::now();
            until("another process serves", || {
                let pids = server.auth_pids();
                (pids.len() == 2 && !pids.contains(&killed)).then_some(())
            });
            // The next kill follows soon, and a start that follows a short life has to wait.
            if kill == 0 {
                assert_within(Duration::from_secs(1), began.elapsed(), "a killed auth is replaced");
            }
        });
        assert_waits("one of two killed", &log, 1);
    }
}

#[test]
fn b61_a_process_without_zone_data_leaves_queries_to_its_sibling() {
    let _heavy = heavy();
    let (server, reference) = serving(&ServerOptions::default());
    let (memmgr, killed) = (server.memmgr_pid(), server.auth_pids()[0]);
    let log = under_load(&server, &reference, || {
        // Whoever follows the killed one gets no zone data until memmgr goes on.
        Server::signal(memmgr, "STOP");
        Server::signal(killed, "KILL");
        std::thread::sleep(STOPPED);
        Server::signal(memmgr, "CONT");
    });
    assert_waits("no zone data for a successor", &log, 1);
    until("the successor serves", || (server.auth_pids().len() == 2).then_some(()));
}

#[test]
fn b61_connections_of_a_killed_process_end_and_others_do_not() {
    let (server, _) = serving(&ServerOptions::default());
    let pids = server.auth_pids();
    let mut connections: Vec<(TcpStream, i32)> = Vec::new();
    until("both processes have connections", || {
        let mut stream = TcpStream::connect(server.address).unwrap();
        ask_over(&mut stream).unwrap();
        let owner = holder(&stream, server.address, &pids);
        connections.push((stream, owner));
        pids.iter().all(|pid| connections.iter().any(|(_, owner)| owner == pid)).then_some(())
    });
    Server::signal(pids[0], "KILL");
    for (stream, owner) in &mut connections {
        if *owner == pids[0] {
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let end = stream.read(&mut [0; 16]).map_err(|error| error.kind());
            assert!(matches!(end, Ok(0) | Err(ErrorKind::ConnectionReset)), "{end:?}");
        } else {
            ask_over(stream).unwrap();
        }
    }
    // The listening socket is the same: a client that comes again is served at once.
    assert_eq!(server.wire().tcp("host1.example.com.", RecordType::A, false).answers.len(), 1);
}

/// A server, and what is right to answer.
fn serving(options: &ServerOptions) -> (Server, Arc<Reference>) {
    let server = Server::start(options, |directory| {
        zones::install(directory, "load.test.zone", &zones::carrying(1));
        zones::install(directory, "example.com.zone", &zones::small("example.com.", 1, 3));
    });
    let mut reference = Reference::new(zones::carrying_questions());
    reference.learn(server.address);
    (server, Arc::new(reference))
}

/// Does something to a server while it is asked from every source port.
fn under_load(server: &Server, reference: &Arc<Reference>, what: impl FnOnce()) -> Log {
    let rate = setting("TRINE_LOAD_QPS", if IS_STRICT { 20_000 } else { 3_000 });
    let stream = Stream::start(server.address, reference, rate);
    std::thread::sleep(UNDISTURBED);
    what();
    std::thread::sleep(UNDISTURBED);
    let log = stream.stop();
    log.assert_right();
    log
}

/// Asserts that at most `batches` batches of queries had to wait longer than allowed, or were lost.
fn assert_waits(what: &str, log: &Log, batches: u64) {
    let (slow, lost) = (log.slower_than(WAIT_MAX), log.unanswered());
    let dropped = log.server_drops + log.own_drops;
    let longest = log.slowest_within(WAIT_MAX);
    println!(
        "{what}: {} queries, {slow} waited longer than {WAIT_MAX:?} or were lost ({lost}, of which {dropped} dropped by sockets); \
         longest other wait {longest:.1?}",
        log.asked.len()
    );
    let allowed = batches * BATCH_MAX as u64 + dropped;
    // A machine that is short of processors can keep an unoptimised server from answering in time, but never from answering.
    let counted = if IS_STRICT { slow } else { lost };
    assert!(counted <= allowed, "{what}: {counted} queries, allowed are {allowed}");
}

/// Asks something over a connection and reads the answer.
fn ask_over(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let query = wire::query("host1.example.com.", RecordType::A, false).to_bytes().unwrap();
    stream.write_all(&u16::try_from(query.len()).unwrap().to_be_bytes())?;
    stream.write_all(&query)?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    stream.read_exact(&mut vec![0; usize::from(u16::from_be_bytes(length))])
}

/// Which of these processes has taken a connection.
fn holder(stream: &TcpStream, server: SocketAddr, pids: &[i32]) -> i32 {
    let port = stream.local_addr().unwrap().port();
    let is_its_end = |local: u16, remote: u16| local == server.port() && remote == port;
    within(Duration::from_secs(5), "the connection is some process's", || {
        let ends = network_sockets("tcp");
        let end = ends.iter().find(|end| is_its_end(end.local_port, end.remote_port))?;
        pids.iter().copied().find(|pid| sockets(*pid).contains(&end.inode))
    })
}
