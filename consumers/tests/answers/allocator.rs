//! No allocation on the way of a query: an allocator that counts for each thread, and the tests that read it (`DESIGN.md`, section 6).

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use config::process::RateLimitOptions;
use consumers::auth::answer::{Cookies, PREPARED_MAX, Policy, Scratch, Transport, prepare, respond};
use consumers::auth::relay::Relay;
use consumers::auth::udp::{QueryThread, QueryThreadOptions};
use consumers::progress::ProgressTable;
use nix::unistd::gettid;

use crate::ask::{Ask, client};
use crate::found::ZONES;

/// Counts, then passes on to the system's allocator.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations by thread id; threads of one test run are few, so that none share a place.
static ALLOCATIONS: [AtomicU64; 65_536] = [const { AtomicU64::new(0) }; 65_536];

thread_local! {
    /// This thread's id, 0 before it is known.
    static THREAD: Cell<i32> = const { Cell::new(0) };
}

/// The count of a thread.
fn allocations_of(thread: i32) -> &'static AtomicU64 {
    &ALLOCATIONS[thread as usize % ALLOCATIONS.len()]
}

/// Counts an allocation of this thread.
fn count() {
    let thread = THREAD.try_with(|known| {
        if known.get() == 0 {
            known.set(gettid().as_raw());
        }
        known.get()
    });
    if let Ok(thread) = thread {
        allocations_of(thread).fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call is passed on to the system's allocator as it is; counting allocates nothing.
#[expect(unsafe_code, reason = "an allocator is unsafe to implement; this one counts for tests")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Queries of every kind.
fn queries() -> Vec<Vec<u8>> {
    let names = [
        "www",
        "nope",
        "x.wild",
        "alias",
        "loop1",
        "a.dname",
        "x.long",
        "sub",
        "child",
        "ent",
        "to-served",
        "www.child",
    ];
    let kinds = ["A", "A +do", "ANY", "RRSIG", "NS", "DS +do"];
    let lines = names.iter().flat_map(|name| kinds.map(|kind| format!("{name}.example. {kind}")));
    let mut queries: Vec<Vec<u8>> = lines.map(|line| Ask::new(&line).message).collect();
    queries.push(Ask::new("www.elsewhere. A +do").message);
    queries.push(b"\0\0\0\0\0\x02\0\0\0\0\0\0".to_vec());
    queries
}

#[test]
fn an_answer_allocates_nothing() {
    let queries = queries();
    let (mut room, mut scratches) = (vec![0; 1232], vec![Scratch::default(); PREPARED_MAX]);
    let policy = Policy { cookies: Cookies::new(&[[7; 16]]), rotate_rrsets: true, ..Policy::default() };
    let client = client(Transport::Udp);
    let zones = Arc::clone(&ZONES);
    let here = allocations_of(gettid().as_raw());
    for batch in queries.chunks(PREPARED_MAX) {
        let before = here.load(Ordering::Relaxed);
        prepare(batch.iter().map(Vec::as_slice), &zones, &mut scratches);
        for (query, scratch) in batch.iter().zip(&mut scratches) {
            let answer = respond(query, Some(&*zones), &client, &policy, &mut room, scratch);
            assert_eq!(here.load(Ordering::Relaxed), before, "{query:02x?}");
            assert!(answer.is_some());
        }
    }
    drop(vec![1]);
    assert!(here.load(Ordering::Relaxed) > 0, "the allocator counts");
}

#[test]
fn a_query_thread_allocates_nothing_once_it_runs() {
    assert_no_allocation(7, None);
}

#[test]
fn a_query_thread_that_limits_allocates_nothing_once_it_runs() {
    // Nearly every answer is beyond the rate and goes out truncated.
    let one = RateLimitOptions {
        responses_per_second: 1,
        nxdomains_per_second: 1,
        errors_per_second: 1,
        slip: 1,
        ..Default::default()
    };
    assert_no_allocation(6, Some(one));
}

/// Asks the query thread of a slot, which no other test uses, and asserts that it allocates nothing after a while.
fn assert_no_allocation(slot: usize, rate_limit: Option<RateLimitOptions>) {
    let sockets: Vec<Vec<UdpSocket>> = (0..8).map(|_| vec![UdpSocket::bind("127.0.0.1:0").unwrap()]).collect();
    let target = sockets[slot][0].local_addr().unwrap();
    let (descriptor, _view) = ProgressTable::create(1).unwrap();
    // The thread is found by its name, which has the slot.
    let thread = QueryThread::start(QueryThreadOptions {
        slot,
        sockets,
        zones: Arc::new(ArcSwapOption::from(Some(Arc::clone(&ZONES)))),
        progress: Arc::new(ProgressTable::open(descriptor).unwrap()),
        line: 0,
        policy: Arc::new(Policy::default()),
        rate_limit,
        relay: Relay::new(Arc::default()).0,
    })
    .unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut answer = [0; 2048];
    let mut ask_all = || {
        for queries in queries().chunks(16) {
            queries.iter().for_each(|query| assert_eq!(client.send_to(query, target).unwrap(), query.len()));
            queries.iter().for_each(|_| assert!(client.recv(&mut answer).unwrap() >= 12));
        }
    };
    ask_all();
    let there = allocations_of(thread_named(&format!("query-{slot}")));
    let before = there.load(Ordering::Relaxed);
    for _ in 0..20 {
        ask_all();
    }
    assert_eq!(there.load(Ordering::Relaxed), before);
    assert!(before > 0, "the allocator counts");
    thread.stop();
}

/// The id of this process's thread of a name.
fn thread_named(name: &str) -> i32 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap());
    let mut named =
        tasks.filter(|task| std::fs::read_to_string(task.path().join("comm")).is_ok_and(|comm| comm.trim() == name));
    named.next().unwrap().file_name().to_str().unwrap().parse().unwrap()
}
