//! The query thread over loopback: answers, generations seen, siblings' sockets drained.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use consumers::auth::answer::Policy;
use consumers::auth::relay::Relay;
use consumers::auth::udp::{QueryThread, QueryThreadOptions, StartError};
use consumers::progress::{ProgressTable, ProgressView};
use zone_segment::ZoneSet;

use crate::ask::{Ask, text};
use crate::found::{EXAMPLE, ZONES};
use crate::zones::{generation, zone};

/// A query thread with what its process has around it.
struct Running {
    /// The thread.
    thread: QueryThread,
    /// The current generation.
    zones: Arc<ArcSwapOption<ZoneSet>>,
    /// The supervisor's view of its progress.
    view: ProgressView,
}

/// Starts the thread of one slot.
fn start(slot: usize, sockets: &[Vec<UdpSocket>], zones: Option<Arc<ZoneSet>>) -> Running {
    let (descriptor, view) = ProgressTable::create(1).unwrap();
    let zones = Arc::new(ArcSwapOption::from(zones));
    let thread = QueryThread::start(QueryThreadOptions {
        slot,
        sockets: sockets.iter().map(|slot| slot.iter().map(|socket| socket.try_clone().unwrap()).collect()).collect(),
        zones: Arc::clone(&zones),
        progress: Arc::new(ProgressTable::open(descriptor).unwrap()),
        line: 0,
        policy: Arc::new(Policy::default()),
        rate_limit: None,
        relay: Relay::new(Arc::default()).0,
    })
    .unwrap();
    Running { thread, zones, view }
}

/// A socket on loopback, and its address.
fn bound() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Sends a query; the answer comes to the socket returned, or an error after a while.
fn send(target: SocketAddr, line: &str) -> UdpSocket {
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    client.send_to(&Ask::new(line).message, target).unwrap();
    client
}

/// The answer that comes to a socket.
fn receive(client: &UdpSocket) -> String {
    let mut answer = [0; 2048];
    let length = client.recv(&mut answer).unwrap();
    text(&answer[..length])
}

/// Waits until something is so.
fn wait_until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        std::thread::yield_now();
    }
}

#[test]
fn queries_on_every_socket_of_the_slot_are_answered() {
    let (first, first_address) = bound();
    let (second, second_address) = bound();
    let running = start(0, &[vec![first, second]], Some(Arc::clone(&ZONES)));
    let clients: Vec<UdpSocket> =
        (0..200).map(|n| send(if n % 2 == 0 { first_address } else { second_address }, "mail.example. A")).collect();
    for client in &clients {
        assert_eq!(receive(client), "NOERROR aa\nanswer mail.example. 3600 A 192.0.2.25\n");
    }
    wait_until(|| running.thread.statistics().sent() == 200);
    let statistics = running.thread.statistics();
    assert_eq!((statistics.received(), statistics.unsent(), statistics.receive_errors()), (200, 0, 0));
    assert!(running.view.read(0).unwrap().counter > 0);
    running.thread.stop();
}

#[test]
fn an_idle_thread_sees_a_generation_at_once() {
    let (socket, address) = bound();
    let running = start(0, &[vec![socket]], None);
    assert_eq!(running.thread.seen_generation(), 0);
    // What comes before there is anything to answer from is left in the socket: to the siblings, or until there is.
    let early = send(address, "www.new. A");
    assert!(!running.thread.has_work_waiting(), "nothing that this thread could do");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for number in [7, 8, 9] {
        let text = format!("@ 60 SOA ns a 1 2 3 4 5\n@ 60 NS ns\nwww 60 A 192.0.2.{number}\n");
        running.zones.store(Some(generation(number, vec![zone("new.", &text)])));
        runtime.block_on(running.thread.seen(number));
        let expected = format!("NOERROR aa\nanswer www.new. 60 A 192.0.2.{number}\n");
        if number == 7 {
            assert_eq!(receive(&early), expected);
        }
        assert_eq!(receive(&send(address, "www.new. A")), expected);
        // The boundary behind the batch.
        wait_until(|| running.view.read(0).unwrap().generation == number);
        wait_until(|| running.thread.seen_generation() == number);
    }
    // A generation passed already is not waited for.
    runtime.block_on(running.thread.seen(3));
}

#[test]
fn a_generation_seen_is_the_only_one_held() {
    let (socket, address) = bound();
    let old = generation(1, vec![zone("example.", EXAMPLE)]);
    let running = start(0, &[vec![socket]], Some(Arc::clone(&old)));
    receive(&send(address, "www.example. A"));
    running.zones.store(Some(generation(2, vec![zone("example.", EXAMPLE)])));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(running.thread.seen(2));
    assert_eq!(Arc::strong_count(&old), 1);
}

/// A thread between its wait and a batch is where a switch could be missed: it must count neither as waiting nor go on with an older generation.
#[test]
fn no_answer_is_older_than_a_generation_seen() {
    const SWITCHES: u64 = 2_000;
    let (socket, address) = bound();
    let made = |number: u64| {
        let text = format!("@ 60 SOA ns a 1 2 3 4 5\n@ 60 NS ns\nwww {number} A 192.0.2.1\n");
        generation(number, vec![zone("new.", &text)])
    };
    let running = start(0, &[vec![socket]], Some(made(1)));
    let (seen, is_over) = (AtomicU64::new(1), AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut asked = 0;
            while !is_over.load(Ordering::SeqCst) {
                let newest = seen.load(Ordering::SeqCst);
                let answer = receive(&send(address, "www.new. A"));
                let ttl = answer.lines().nth(1).unwrap().split(' ').nth(2).unwrap();
                assert!(ttl.parse::<u64>().unwrap() >= newest, "{answer} after generation {newest} was seen");
                asked += 1;
            }
            asked
        });
        for number in 2..=SWITCHES {
            let old = running.zones.swap(Some(made(number)));
            runtime.block_on(running.thread.seen(number));
            seen.store(number, Ordering::SeqCst);
            assert_eq!(old.as_ref().map(Arc::strong_count), Some(1), "generation {} is held", number - 1);
        }
        is_over.store(true, Ordering::SeqCst);
        assert!(asking.join().unwrap() > 0);
    });
}

#[test]
fn b61_a_siblings_socket_is_drained_when_told() {
    let (own, own_address) = bound();
    let (sibling, sibling_address) = bound();
    let running = start(0, &[vec![own], vec![sibling]], Some(Arc::clone(&ZONES)));
    let waiting = send(sibling_address, "mail.example. A");
    let answer = "NOERROR aa\nanswer mail.example. 3600 A 192.0.2.25\n";
    for _ in 0..50 {
        assert_eq!(receive(&send(own_address, "mail.example. A")), answer);
    }
    waiting.set_nonblocking(true).unwrap();
    assert_eq!(waiting.recv(&mut [0; 512]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    waiting.set_nonblocking(false).unwrap();
    running.thread.set_drained(1 << 1);
    assert_eq!(receive(&waiting), answer);
    assert_eq!(receive(&send(sibling_address, "mail.example. A")), answer);
    assert_eq!(receive(&send(own_address, "mail.example. A")), answer);
    // Told to stop, it leaves the queue to the sibling again, and serves its own on.
    running.thread.set_drained(0);
    assert_eq!(receive(&send(own_address, "mail.example. A")), answer);
    let before = running.thread.statistics().received();
    let waiting = send(sibling_address, "mail.example. A");
    assert_eq!(receive(&send(own_address, "mail.example. A")), answer);
    wait_until(|| running.thread.statistics().received() > before);
    assert_eq!(running.thread.statistics().received(), before + 1);
    running.thread.set_drained(u64::MAX);
    assert_eq!(receive(&waiting), answer);
}

#[test]
fn an_idle_thread_has_no_work_waiting() {
    let (socket, address) = bound();
    let running = start(0, &[vec![socket]], Some(Arc::clone(&ZONES)));
    receive(&send(address, "www.example. A"));
    wait_until(|| !running.thread.has_work_waiting());
}

#[test]
fn responses_are_never_answered() {
    let (socket, address) = bound();
    let running = start(0, &[vec![socket]], Some(Arc::clone(&ZONES)));
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut response = Ask::new("www.example. A").message;
    response[2] |= 0x80;
    client.send_to(&response, address).unwrap();
    receive(&send(address, "www.example. A"));
    wait_until(|| running.thread.statistics().received() == 2);
    wait_until(|| running.thread.statistics().sent() == 1);
    client.set_nonblocking(true).unwrap();
    assert!(client.recv(&mut [0; 512]).is_err());
}

#[test]
fn a_thread_without_a_slot_or_a_line_does_not_start() {
    let options = |slot, line| {
        let (descriptor, _view) = ProgressTable::create(1).unwrap();
        QueryThreadOptions {
            slot,
            sockets: vec![vec![bound().0]],
            zones: Arc::new(ArcSwapOption::from(None)),
            progress: Arc::new(ProgressTable::open(descriptor).unwrap()),
            line,
            policy: Arc::new(Policy::default()),
            rate_limit: None,
            relay: Relay::new(Arc::default()).0,
        }
    };
    assert!(matches!(QueryThread::start(options(1, 0)), Err(StartError::Slot { got: 1, .. })));
    assert!(matches!(QueryThread::start(options(0, 1)), Err(StartError::Line { got: 1, .. })));
}

#[test]
fn an_update_that_can_not_be_passed_on_is_answered_with_servfail() {
    let (socket, address) = bound();
    let running = start(0, &[vec![socket]], Some(Arc::clone(&ZONES)));
    for opcode in [4u8, 5] {
        let mut message = Ask::new("example. SOA +edns=1232").message;
        message[2] |= opcode << 3;
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.send_to(&message, address).unwrap();
        let mut answer = [0; 512];
        let length = client.recv(&mut answer).unwrap();
        assert_eq!((answer[2] >> 3 & 0xf, answer[3] & 0xf), (opcode, 2), "{:?}", &answer[..length]);
        assert_eq!(answer[..2], message[..2]);
    }
    running.thread.stop();
}
