//! The query thread: takes batches of queries from UDP sockets, answers them from the current generation, sends the answers.
//!
//! Read [`QueryThread`] first, the handle by which the rest of the process steers and watches it. The thread takes no lock and allocates
//! nothing once it runs; it loads the generation once a batch and holds it no longer than that. Each of its sockets gets one batch
//! a round, so that none waits for another's flood.
//!
//! It serves the sockets of its own slot always, and those of a sibling's slot while that slot's bit is set
//! ([`QueryThread::set_drained`]). Idle, it waits in `poll`; a wake makes it pass a batch boundary at once, where it publishes the generation
//! it sees: from then on it uses no earlier one. While it waits it is *parked* and uses none at all, so a switch need not wake it.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwapOption;
use config::process::RateLimitOptions;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use tokio::sync::Notify;
use zone_segment::ZoneSet;

use super::answer::{
    Client, Data, PREPARED_MAX, Policy, Scratch, Transport, failure, is_relayed, prepare, respond_from,
};
use super::batch::{BATCH_MAX, Batch, QuerySocket};
use super::limit::Limiter;
use super::meter::Meter;
use super::relay::Relay;
use super::statistics::Block;
use crate::progress::{ProgressLine, ProgressTable};

/// What a query thread is made of.
#[derive(Debug)]
pub struct QueryThreadOptions {
    /// The thread's own slot, an index into `sockets`.
    pub slot: usize,
    /// The sockets of every slot, one an address; at most [`SLOTS_MAX`] slots.
    pub sockets: Vec<Vec<UdpSocket>>,
    /// The current generation; `None` before the first.
    pub zones: Arc<ArcSwapOption<ZoneSet>>,
    /// Where progress is shown.
    pub progress: Arc<ProgressTable>,
    /// The thread's line there.
    pub line: usize,
    /// What is answered with.
    pub policy: Arc<Policy>,
    /// How many like answers a prefix gets; `None` limits nothing.
    pub rate_limit: Option<RateLimitOptions>,
    /// Takes what memmgr answers.
    pub relay: Arc<Relay>,
}

/// The handle of a running query thread. Dropping it tells the thread to end, without waiting for it.
#[derive(Debug)]
pub struct QueryThread {
    /// What both sides see.
    shared: Arc<Shared>,
    /// The thread, to be joined.
    join: Option<thread::JoinHandle<()>>,
}

impl QueryThread {
    /// Starts a thread.
    ///
    /// # Errors
    ///
    /// [`StartError`] when the options name no line or slot, or the system refuses a resource.
    pub fn start(options: QueryThreadOptions) -> Result<Self, StartError> {
        let QueryThreadOptions { slot, sockets, zones, progress, line, policy, rate_limit, relay } = options;
        if sockets.len() > SLOTS_MAX || slot >= sockets.len() {
            return Err(StartError::Slot { expected_max: sockets.len().min(SLOTS_MAX), got: slot });
        }
        if line >= progress.lines() {
            return Err(StartError::Line { expected_max: progress.lines(), got: line });
        }
        let shared = Arc::new(Shared {
            slot,
            sockets: adopt(sockets).map_err(StartError::Socket)?,
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
                .map_err(|errno| StartError::Wake(errno.into()))?,
            drained: AtomicU64::new(0),
            is_ending: AtomicBool::new(false),
            seen: AtomicU64::new(0),
            seen_changed: Notify::new(),
            is_parked: AtomicBool::new(false),
            progress,
            line,
            block: Arc::new(Block::default()),
        });
        let worker = Worker { shared: Arc::clone(&shared), zones, policy, rate_limit, relay };
        let join = thread::Builder::new()
            .name(format!("query-{slot}"))
            .spawn(move || worker.run())
            .map_err(StartError::Thread)?;
        Ok(Self { shared, join: Some(join) })
    }

    /// The generation of the thread's last batch boundary: it uses no earlier one. 0 before the first.
    pub fn seen_generation(&self) -> u64 {
        // Acquire; pairs with the release store in `Shared::publish`.
        self.shared.seen.load(Ordering::Acquire)
    }

    /// Waits until the thread uses no generation before this one, which was swapped in before the call: until it has passed a batch boundary on
    /// it or a later one, or is parked. Wakes the thread itself where that is needed.
    pub async fn seen(&self, generation: u64) {
        if self.shared.is_parked_since() {
            return;
        }
        loop {
            let changed = self.shared.seen_changed.notified();
            tokio::pin!(changed);
            // Registered before the look, so that a change between the two is not lost.
            changed.as_mut().enable();
            if self.seen_generation() >= generation {
                return;
            }
            self.wake();
            changed.await;
        }
    }

    /// Makes the thread pass a batch boundary, and look at the generation and the drained slots, at once if it is idle.
    pub fn wake(&self) {
        self.shared.wake();
    }

    /// Says which siblings' slots the thread serves beside its own: bit `n` for slot `n`.
    pub fn set_drained(&self, slots: u64) {
        // Release; pairs with the acquire load in `Worker::run`.
        self.shared.drained.store(slots, Ordering::Release);
        self.wake();
    }

    /// Whether work waits for the thread: a batch is in its hands, or a query in a socket of its own slot that it could answer.
    pub fn has_work_waiting(&self) -> bool {
        let is_busy = self.shared.line().is_some_and(|line| line.load().is_busy);
        let can_answer = self.seen_generation() != NO_GENERATION;
        is_busy || can_answer && self.shared.served(0).any(|socket| socket.has_waiting())
    }

    /// What the thread has done so far.
    pub fn statistics(&self) -> &Block {
        &self.shared.block
    }

    /// Ends the thread and waits for it: its batch in hand is answered first.
    pub fn stop(mut self) {
        self.shared.end();
        if let Some(join) = self.join.take() {
            // A panic of the thread has been reported by its hook.
            let _ = join.join();
        }
    }
}

impl Drop for QueryThread {
    fn drop(&mut self) {
        self.shared.end();
    }
}

/// What the thread and its handle share.
#[derive(Debug)]
struct Shared {
    /// The thread's own slot.
    slot: usize,
    /// Every slot's sockets, each with its slot.
    sockets: Vec<(usize, Arc<QuerySocket>)>,
    /// An eventfd that ends a wait.
    wake: OwnedFd,
    /// Siblings' slots to serve, a bit each.
    drained: AtomicU64,
    /// Whether the thread is to end.
    is_ending: AtomicBool,
    /// The generation of the last batch boundary.
    seen: AtomicU64,
    /// Told when `seen` changes.
    seen_changed: Notify,
    /// Whether the thread waits for queries: it holds no generation, and loads the newest before it uses one.
    is_parked: AtomicBool,
    /// Where progress is shown.
    progress: Arc<ProgressTable>,
    /// The thread's line there.
    line: usize,
    /// What has been done.
    block: Arc<Block>,
}

impl Shared {
    /// The thread's progress line; checked to be there at the start.
    fn line(&self) -> Option<&ProgressLine> {
        self.progress.line(self.line)
    }

    /// The sockets to serve while these slots are drained.
    fn served(&self, drained: u64) -> impl Iterator<Item = &Arc<QuerySocket>> {
        let is_served = move |slot: usize| slot == self.slot || drained >> slot & 1 == 1;
        self.sockets.iter().filter(move |(slot, _)| is_served(*slot)).map(|(_, socket)| socket)
    }

    /// Ends a wait, now or at its beginning.
    fn wake(&self) {
        // Any count wakes, so the byte order does not matter. It fails only when the count is full, and then a wake is pending.
        let _ = rustix::io::write(&self.wake, &1u64.to_le_bytes());
    }

    /// Takes the wakes that have come.
    fn take_wake(&self) {
        let mut count = [0; 8];
        // It fails only when there is none.
        let _ = rustix::io::read(&self.wake, &mut count);
    }

    /// Tells the thread to end.
    fn end(&self) {
        // Release; pairs with the acquire load in `Worker::run`.
        self.is_ending.store(true, Ordering::Release);
        self.wake();
    }

    /// Parks the thread: it has let go of the generation it used.
    fn park(&self) {
        // Release; pairs with the acquire load in `is_parked_since`: whoever sees it sees that all use of a generation so far is over.
        self.is_parked.store(true, Ordering::Release);
    }

    /// Ends the park. What the thread loads of generations from here on is at least as new as what any call of `is_parked_since` that found
    /// it parked had been told of.
    fn unpark(&self) {
        self.is_parked.store(false, Ordering::Relaxed);
        // Pairs with the fence in `is_parked_since`; the argument is there.
        fence(Ordering::SeqCst);
    }

    /// Whether the thread is parked and, should it go on in this moment, uses no generation but those swapped in before this call, or later ones.
    ///
    /// The switch is a store of the pointer, a fence, a load of the flag; the thread's way on is a store of the flag, a fence, a load of the
    /// pointer. One of the two fences is first in their order. Is it that of the switch, the thread behind its own loads the pointer that was
    /// stored, or a later one. Is it the thread's, the load of the flag behind the other finds it cleared, or the thread parked again, which it
    /// does after it has let go of what it loaded. So no thread counts as parked that goes on with an older pointer.
    fn is_parked_since(&self) -> bool {
        fence(Ordering::SeqCst);
        // Acquire; pairs with the release store in `park`.
        self.is_parked.load(Ordering::Acquire)
    }

    /// Shows that a batch boundary is passed on `generation`.
    fn publish(&self, generation: u64) {
        if let Some(line) = self.line() {
            line.pass_boundary(generation);
        }
        // Only the thread itself stores it, so what it reads is its own last store.
        if self.seen.load(Ordering::Relaxed) != generation {
            // Release; pairs with the acquire load in `QueryThread::seen_generation`: whoever sees the new number sees that all use of an
            // earlier generation is over.
            self.seen.store(generation, Ordering::Release);
            self.seen_changed.notify_waiters();
        }
    }
}

/// The thread's side.
struct Worker {
    /// What the handle sees too.
    shared: Arc<Shared>,
    /// The current generation.
    zones: Arc<ArcSwapOption<ZoneSet>>,
    /// What is answered with.
    policy: Arc<Policy>,
    /// How many like answers a prefix gets.
    rate_limit: Option<RateLimitOptions>,
    /// Takes what memmgr answers.
    relay: Arc<Relay>,
}

/// What a batch needs; made once.
struct Tools {
    /// Buffers of queries and answers.
    batch: Batch,
    /// What an answer needs beside its buffer, for each query.
    scratches: Box<[Scratch]>,
    /// Limits and counts.
    meter: Meter,
}

impl Tools {
    /// Makes them, for answers under this policy.
    fn new(policy: &Policy, meter: Meter) -> Self {
        let scratches = vec![Scratch::default(); BATCH_MAX].into_boxed_slice();
        Self { batch: Batch::new(usize::from(policy.udp_octets_max)), scratches, meter }
    }
}

impl Worker {
    /// Serves until told to end. Each turn of the outer loop serves one set of sockets, until the drained slots change.
    fn run(&self) {
        let shared = &*self.shared;
        let meter = Meter::new(Arc::clone(&shared.block), self.rate_limit.as_ref().map(Limiter::new));
        let mut tools = Tools::new(&self.policy, meter);
        loop {
            // Acquire; pairs with the release store in `QueryThread::set_drained`.
            let drained = shared.drained.load(Ordering::Acquire);
            let sockets: Vec<&Arc<QuerySocket>> = shared.served(drained).collect();
            let mut waits: Vec<PollFd<'_>> = Vec::with_capacity(1 + sockets.len());
            waits.push(PollFd::new(&shared.wake, PollFlags::IN));
            waits.extend(sockets.iter().map(|socket| PollFd::new(&***socket, PollFlags::IN)));
            // Acquire; pairs with the release store in `QueryThread::set_drained`.
            while shared.drained.load(Ordering::Acquire) == drained {
                // Acquire; pairs with the release store in `Shared::end`.
                if shared.is_ending.load(Ordering::Acquire) {
                    return;
                }
                match self.current_generation() {
                    // Nothing can be answered: what arrives is left to the siblings, who are told to read it while the counter stands.
                    NO_GENERATION => self.wait_for_wake(),
                    generation => {
                        shared.publish(generation);
                        self.round(&mut waits, &sockets, &mut tools);
                    }
                }
            }
        }
    }

    /// Waits for a wake alone.
    fn wait_for_wake(&self) {
        let mut wait = [PollFd::new(&self.shared.wake, PollFlags::IN)];
        // A signal, or no memory for the moment, ends the wait too early, which does no harm.
        let _ = poll(&mut wait, None);
        self.shared.take_wake();
    }

    /// Waits for queries or a wake, and serves each socket that has some with one batch.
    fn round(&self, waits: &mut [PollFd<'_>], sockets: &[&Arc<QuerySocket>], tools: &mut Tools) {
        self.shared.park();
        let waited = poll(waits, None);
        self.shared.unpark();
        if waited.is_err() {
            // A signal; or no memory for the moment, which passes.
            return;
        }
        let Some((wake, waits)) = waits.split_first() else { return };
        if !wake.revents().is_empty() {
            self.shared.take_wake();
        }
        let (mut served, mut failed) = (false, false);
        for (socket, _) in sockets.iter().zip(waits).filter(|(_, wait)| !wait.revents().is_empty()) {
            match self.serve(socket, tools) {
                Ok(()) => served = true,
                Err(error) if is_passing(&error) => {}
                Err(_) => {
                    tools.meter.note_receive_error();
                    failed = true;
                }
            }
        }
        if failed && !served {
            // A socket that only fails is always ready: without a pause the thread would spin on it.
            thread::sleep(FAILURE_PAUSE);
        }
    }

    /// Receives a batch, answers it and sends the answers.
    fn serve(&self, socket: &Arc<QuerySocket>, tools: &mut Tools) -> io::Result<()> {
        let received = tools.batch.receive(socket)?;
        tools.meter.begin();
        if let Some(line) = self.shared.line() {
            line.begin_batch();
        }
        config::fault::hit("auth-udp-batch");
        let generation = self.answer(socket, tools, received);
        let sent = tools.batch.send(socket);
        tools.meter.end(received, &sent);
        self.shared.publish(generation);
        Ok(())
    }

    /// Answers the batch from the current generation, and gives that one's number.
    fn answer(&self, socket: &Arc<QuerySocket>, tools: &mut Tools, received: usize) -> u64 {
        let Tools { batch, scratches, meter } = tools;
        let loaded = self.zones.load();
        let zones = loaded.as_deref();
        // One query alone has nothing to share the memory's time with.
        let prepared = zones.filter(|_| received > 1).map(|zones| prepare(batch.queries(), zones, scratches));
        let mut places = scratches.iter_mut().zip(prepared.unwrap_or_default());
        // Only cookies have a time in them.
        let now = self.policy.cookies.as_ref().map_or(0, |_| unix_now());
        batch.answer_each(|query, datagram, room| {
            let client = Client { transport: Transport::Udp, address: datagram.ip(), now };
            let (scratch, closest) = places.next()?;
            let answered = match is_relayed(query) {
                true if self.relay.take_datagram(query, socket, datagram) => return None,
                true => failure(query, &client, &self.policy, room),
                false => {
                    let data = zones.map(|zones| Data { zones, closest });
                    respond_from(query, data, &client, &self.policy, room, scratch)
                }
            };
            meter.pass(query, &client, &self.policy, answered, room)
        });
        generation_of(zones)
    }

    /// The current generation's number.
    fn current_generation(&self) -> u64 {
        generation_of(self.zones.load().as_deref())
    }
}

/// The time in seconds since 1970, cut to 32 bits.
pub(super) fn unix_now() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as u32)
}

/// A generation's number.
fn generation_of(zones: Option<&ZoneSet>) -> u64 {
    zones.map_or(NO_GENERATION, ZoneSet::generation)
}

// Every query of a batch is prepared.
const _: () = assert!(BATCH_MAX <= PREPARED_MAX);

/// Whether a failed reception means nothing: no query was there after all, or the kernel tells of an earlier answer that did not arrive.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, Interrupted, NetworkUnreachable, WouldBlock};
    matches!(error.kind(), WouldBlock | Interrupted | ConnectionRefused | HostUnreachable | NetworkUnreachable)
}

/// Prepares every slot's sockets.
fn adopt(sockets: Vec<Vec<UdpSocket>>) -> io::Result<Vec<(usize, Arc<QuerySocket>)>> {
    let numbered = sockets.into_iter().enumerate();
    numbered
        .flat_map(|(slot, sockets)| sockets.into_iter().map(move |s| Ok((slot, Arc::new(QuerySocket::new(s)?)))))
        .collect()
}

/// Why a query thread did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// There is no such slot.
    Slot {
        /// The number of slots.
        expected_max: usize,
        /// The slot asked for.
        got: usize,
    },
    /// There is no such progress line.
    Line {
        /// The number of lines.
        expected_max: usize,
        /// The line asked for.
        got: usize,
    },
    /// A socket could not be prepared.
    Socket(io::Error),
    /// No descriptor to wake the thread by.
    Wake(io::Error),
    /// No thread.
    Thread(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slot { expected_max, got } => {
                write!(f, "starting a query thread: expected a slot below {expected_max}, got {got}")
            }
            Self::Line { expected_max, got } => {
                write!(f, "starting a query thread: expected a progress line below {expected_max}, got {got}")
            }
            Self::Socket(_) => f.write_str("starting a query thread: preparing a UDP socket"),
            Self::Wake(_) => f.write_str("starting a query thread: making its eventfd"),
            Self::Thread(_) => f.write_str("starting a query thread: making the thread"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Socket(source) | Self::Wake(source) | Self::Thread(source) => Some(source),
            Self::Slot { .. } | Self::Line { .. } => None,
        }
    }
}

/// The most slots: drained slots are bits of one word.
pub const SLOTS_MAX: usize = 64;

/// How long the thread rests when its sockets only fail: short against the 500 ms a query may wait for a sibling.
const FAILURE_PAUSE: Duration = Duration::from_millis(10);

/// Stands for the time before the first generation, which is 1.
const NO_GENERATION: u64 = 0;
