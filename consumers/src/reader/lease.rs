//! Leases: one version kept for longer than a generation may be held.
//!
//! [`Lease`] is what a program has, [`Leases`] where it asks for one. What the follower does about them is in [`Book`], which outlives
//! sessions, and [`Leasing`], which does not: at each new session memmgr is asked anew for those that are in the book.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use bus::protocol::control::CommandError;
use bus::protocol::reader::{FromReader, KeptLayer, Leased};
use bus::{Address, Client, Message, Recipient, RequestError};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{info, warn};
use zone_segment::ZoneSet;

/// How long an answer about a lease is waited for; memmgr gives it within milliseconds, or is being started again.
const LEASE_WAIT: Duration = Duration::from_secs(5);

/// So often within the time after which a lease ends is memmgr told of progress, if there was any.
const LOOKS: u32 = 8;

/// The shortest time between two looks, however short a lease's time is.
const LOOK_MIN: Duration = Duration::from_millis(10);

/// One version of the data, for as long as there is progress.
///
/// The generation itself is let go: the server publishes later ones meanwhile. Dropping it ends it.
#[derive(Debug)]
pub struct Lease {
    /// The data.
    zones: ZoneSet,
    /// What the follower sees of it.
    shared: Arc<Shared>,
    /// Its number.
    number: u64,
    /// To the follower.
    commands: mpsc::UnboundedSender<Command>,
}

impl Lease {
    /// The data: the same from the first call to the last, and still whole after the end.
    pub fn zones(&self) -> &ZoneSet {
        &self.zones
    }

    /// Notes progress; to be called whenever there is any, it costs next to nothing.
    pub fn renew(&self) {
        // Relaxed: says nothing of other memory.
        self.shared.has_progress.store(true, Ordering::Relaxed);
    }

    /// Whether it has ended, for want of progress or since there is no reader any more: what it is for is to be given up, and this dropped,
    /// since its memory is in use until then.
    pub fn is_ended(&self) -> bool {
        // Relaxed: says nothing of other memory.
        self.shared.is_ended.load(Ordering::Relaxed) || self.commands.is_closed()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Without a follower there is nobody to tell, and its connection has ended.
        let _ = self.commands.send(Command::End(self.number));
    }
}

/// Where leases are asked for; from any thread.
#[derive(Clone, Debug)]
pub struct Leases {
    /// To the follower. There are at most two commands a lease, and whoever asks for one waits: the queue is short.
    commands: mpsc::UnboundedSender<Command>,
    /// Numbers given out.
    numbers: Arc<AtomicU64>,
}

impl Leases {
    /// Asks for a lease of a generation in use and waits for the answer. Not for a thread that others wait for.
    ///
    /// # Errors
    ///
    /// [`LeaseError`] when memmgr refuses, as it does when there are too many, or does not answer.
    pub fn take(&self, zones: &Arc<ZoneSet>) -> Result<Lease, LeaseError> {
        let generation = zones.generation();
        let (answer, answered) = sync_channel(1);
        let lease = self.ask(zones, Waiting::Thread(answer))?;
        match answered.recv_timeout(LEASE_WAIT) {
            Ok(answer) => answer.map(|()| lease).map_err(|reason| LeaseError::Refused { generation, reason }),
            Err(RecvTimeoutError::Timeout) => Err(LeaseError::NoAnswer { generation, waited: LEASE_WAIT }),
            Err(RecvTimeoutError::Disconnected) => Err(LeaseError::NoReader),
        }
    }

    /// The same for a task.
    ///
    /// # Errors
    ///
    /// As of [`take`](Self::take).
    pub async fn take_in_task(&self, zones: &Arc<ZoneSet>) -> Result<Lease, LeaseError> {
        let generation = zones.generation();
        let (answer, answered) = oneshot::channel();
        let lease = self.ask(zones, Waiting::Task(answer))?;
        match tokio::time::timeout(LEASE_WAIT, answered).await {
            Ok(Ok(answer)) => answer.map(|()| lease).map_err(|reason| LeaseError::Refused { generation, reason }),
            Ok(Err(_)) => Err(LeaseError::NoReader),
            Err(_) => Err(LeaseError::NoAnswer { generation, waited: LEASE_WAIT }),
        }
    }

    /// Asks for a lease. What is given is none before the answer; dropped, it ends what may still be under way.
    fn ask(&self, zones: &Arc<ZoneSet>, waiting: Waiting) -> Result<Lease, LeaseError> {
        // Relaxed: only the numbers have to differ.
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let (shared, generation) = (Arc::new(Shared::default()), zones.generation());
        let asked = Entry { generation, layers: layers_of(zones), shared: Arc::clone(&shared), answer: Some(waiting) };
        self.commands.send(Command::Take(number, asked)).map_err(|_| LeaseError::NoReader)?;
        Ok(Lease { zones: ZoneSet::clone(zones), shared, number, commands: self.commands.clone() })
    }
}

/// Where whoever asked for a lease waits.
#[derive(Debug)]
enum Waiting {
    /// A thread.
    Thread(SyncSender<Result<(), String>>),
    /// A task.
    Task(oneshot::Sender<Result<(), String>>),
}

/// What a lease and the follower both see.
#[derive(Debug, Default)]
struct Shared {
    /// Whether there was progress since memmgr was told of any.
    has_progress: AtomicBool,
    /// Whether it has ended.
    is_ended: AtomicBool,
}

/// What the follower is asked for.
#[derive(Debug)]
pub(super) enum Command {
    /// A lease of this number.
    Take(u64, Entry),
    /// Its end.
    End(u64),
}

/// A lease as the follower has it.
#[derive(Debug)]
pub(super) struct Entry {
    /// The generation.
    generation: u64,
    /// Its layers, with their lengths.
    layers: BTreeMap<u64, u64>,
    /// What its holder sees.
    shared: Arc<Shared>,
    /// Where whoever asked for it waits.
    answer: Option<Waiting>,
}

impl Entry {
    /// Tells whoever waits; one who has given up has sent the end of it too.
    fn answer(&mut self, answer: Result<(), String>) {
        match self.answer.take() {
            Some(Waiting::Thread(waiting)) => drop(waiting.try_send(answer)),
            Some(Waiting::Task(waiting)) => drop(waiting.send(answer)),
            None => {}
        }
    }
}

/// The leases of a process, whatever becomes of the connection.
#[derive(Debug)]
pub(super) struct Book {
    /// By number.
    leases: BTreeMap<u64, Entry>,
    /// What is asked for.
    commands: mpsc::UnboundedReceiver<Command>,
    /// Where to ask.
    handle: Leases,
}

impl Book {
    /// An empty one.
    pub(super) fn new() -> Self {
        let (commands, receiver) = mpsc::unbounded_channel();
        let handle = Leases { commands, numbers: Arc::new(AtomicU64::new(1)) };
        Book { leases: BTreeMap::new(), commands: receiver, handle }
    }

    /// Where to ask for leases.
    pub(super) fn handle(&self) -> Leases {
        self.handle.clone()
    }

    /// The next thing asked for; never `None`, since the book itself could ask.
    pub(super) async fn next(&mut self) -> Option<Command> {
        self.commands.recv().await
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.leases.is_empty()
    }

    /// One has ended, or never begun.
    pub(super) fn ended(&mut self, number: u64, reason: String) {
        let Some(mut entry) = self.leases.remove(&number) else { return };
        // Relaxed: says nothing of other memory.
        entry.shared.is_ended.store(true, Ordering::Relaxed);
        if entry.answer.is_none() {
            warn!(lease = number, generation = entry.generation, reason, "reader-lease-ended");
        }
        entry.answer(Err(reason));
    }
}

/// The same of one connection.
pub(super) struct Leasing {
    /// To speak.
    client: Client,
    /// To whom.
    memmgr: Address,
    /// Requests on their way.
    asking: JoinSet<(u64, Result<Message, RequestError>)>,
    /// Leases that memmgr knows.
    known: BTreeSet<u64>,
    /// The time between two looks for progress.
    interval: Duration,
    /// The next one.
    next_look: Instant,
}

impl Leasing {
    /// Asks anew for what is in the book; `newest` are the layers of the generation answered from.
    pub(super) fn begin(client: Client, memmgr: Address, book: &Book, newest: &BTreeSet<u64>) -> Self {
        let (interval, next_look) = (LEASE_WAIT, Instant::now());
        let mut leasing =
            Leasing { client, memmgr, asking: JoinSet::new(), known: BTreeSet::new(), interval, next_look };
        for (number, entry) in &book.leases {
            leasing.ask_again(*number, entry, newest);
        }
        leasing
    }

    /// Carries out what was asked for.
    pub(super) fn carry_out(&mut self, book: &mut Book, command: Command) {
        match command {
            Command::Take(number, entry) => {
                self.ask(FromReader::Lease { lease: number, generation: entry.generation, kept: None }, number);
                book.leases.insert(number, entry);
            }
            Command::End(number) => {
                book.leases.remove(&number);
                // One that is still on its way is ended when it is there.
                if self.known.remove(&number) {
                    self.send(&FromReader::EndLease { lease: number });
                }
            }
        }
    }

    /// The next answer; never when none is awaited.
    pub(super) async fn answered(&mut self) -> (u64, Result<Message, RequestError>) {
        loop {
            match self.asking.join_next().await {
                Some(Ok(answered)) => return answered,
                // A task that panicked, which sending does not.
                Some(Err(_)) => {}
                None => return std::future::pending().await,
            }
        }
    }

    /// Takes in what memmgr said of one.
    pub(super) fn take_in(
        &mut self,
        book: &mut Book,
        number: u64,
        reply: Result<Message, RequestError>,
        newest: &BTreeSet<u64>,
    ) {
        match reply {
            Ok(reply) => match reply.parse::<Leased>() {
                Ok(Leased { timeout_ms }) => self.begun(book, number, Duration::from_millis(timeout_ms)),
                Err(error) => {
                    let said = reply.parse::<CommandError>().map(|said| said.error);
                    book.ended(number, said.unwrap_or_else(|_| error.to_string()));
                }
            },
            // The next session asks anew.
            Err(_) if self.client.is_closed() => {}
            Err(RequestError::DeadlinePassed { .. }) => {
                if let Some(entry) = book.leases.get(&number) {
                    self.ask_again(number, entry, newest);
                }
            }
            Err(error) => book.ended(number, error.to_string()),
        }
    }

    /// memmgr knows one.
    fn begun(&mut self, book: &mut Book, number: u64, timeout: Duration) {
        let Some(entry) = book.leases.get_mut(&number) else {
            return self.send(&FromReader::EndLease { lease: number });
        };
        info!(lease = number, generation = entry.generation, "reader-lease-begun");
        entry.answer(Ok(()));
        self.known.insert(number);
        self.interval = (timeout / LOOKS).max(LOOK_MIN);
        self.next_look = self.next_look.min(Instant::now() + self.interval);
    }

    /// When it is time to look for progress.
    pub(super) fn next_look(&self) -> Instant {
        self.next_look
    }

    /// Tells memmgr which leases made progress.
    pub(super) fn renew(&mut self, book: &Book) {
        self.next_look = Instant::now() + self.interval;
        for (number, entry) in book.leases.iter().filter(|(number, _)| self.known.contains(number)) {
            // Relaxed: says nothing of other memory.
            if entry.shared.has_progress.swap(false, Ordering::Relaxed) {
                self.send(&FromReader::Renew { lease: *number });
            }
        }
    }

    /// Asks for one that is there, whatever memmgr knows of its generation.
    fn ask_again(&mut self, number: u64, entry: &Entry, newest: &BTreeSet<u64>) {
        let kept = entry.layers.iter().filter(|(id, _)| !newest.contains(id));
        let kept = Some(kept.map(|(id, octets)| KeptLayer { id: *id, octets: *octets }).collect());
        self.ask(FromReader::Lease { lease: number, generation: entry.generation, kept }, number);
    }

    /// Asks memmgr, beside the loop.
    fn ask(&mut self, ask: FromReader, number: u64) {
        let (client, to) = (self.client.clone(), Recipient::Address(self.memmgr));
        self.asking.spawn(async move { (number, client.request(&to, &ask, &[], LEASE_WAIT).await) });
    }

    /// Says something to memmgr.
    fn send(&self, body: &FromReader) {
        if let Err(error) = self.client.send(&Recipient::Address(self.memmgr), body, &[]) {
            // The connection is gone, which the next read will tell.
            warn!(%error, "reader-message-not-sent");
        }
    }
}

/// A generation's layers with their lengths.
fn layers_of(zones: &ZoneSet) -> BTreeMap<u64, u64> {
    let groups = zones.groups().iter().flat_map(|(_, stack)| stack.layers());
    zones.directory().iter().chain(groups).map(|layer| (layer.id.0, layer.segment.len())).collect()
}

/// A lease that there is not.
#[derive(Debug)]
#[non_exhaustive]
pub enum LeaseError {
    /// memmgr refuses it.
    Refused {
        /// The generation.
        generation: u64,
        /// Why.
        reason: String,
    },
    /// memmgr does not answer.
    NoAnswer {
        /// The generation.
        generation: u64,
        /// How long was waited.
        waited: Duration,
    },
    /// The reader has ended.
    NoReader,
}

impl fmt::Display for LeaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { generation, reason } => write!(f, "leasing generation {generation}: {reason}"),
            Self::NoAnswer { generation, waited } => {
                write!(f, "leasing generation {generation}: no answer within {} s", waited.as_secs())
            }
            Self::NoReader => f.write_str("leasing a generation: the reader has ended"),
        }
    }
}

impl std::error::Error for LeaseError {}
