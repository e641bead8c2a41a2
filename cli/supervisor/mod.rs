//! The supervisor, `trine serve`: opens every socket, starts the processes, restarts them with back-off, kills on
//! request. It reads no DNS and maps no zone data, so that nothing a client or a zone file holds can bring it down.
//!
//! One loop over a signal descriptor and one socket pair a process; [`Slot`] is a process's place, [`watch`] tells whose
//! sockets the siblings have to read.

mod child;
mod loading;
pub(crate) mod lock;
mod owner;
mod ready;
mod roles;
mod slot;
mod sockets;
mod watch;

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use bus::protocol::supervisor::{Child, Record};
use config::serve::Serve;
use consumers::progress::ProgressView;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::exit::Exit;
use loading::{Load, Loading};
pub(crate) use roles::BUS_SOCKET;
use roles::Setup;
use slot::Slot;
use watch::{Change, Watched};

/// The loop looks at counters and queues this often.
const TICK: Duration = Duration::from_millis(25);

/// Processes get this long to end by themselves; with the kill that follows, the whole stays under 2 s.
const STOP_GRACE: Duration = Duration::from_millis(1500);

/// memmgr is asked for a sign of life this often.
const PING_EVERY: Duration = Duration::from_secs(1);

/// Serves until told to stop.
///
/// # Errors
///
/// [`ServeError`] when it can't start, or memmgr says that it never will.
pub(crate) fn run(options: &Serve) -> Result<(), ServeError> {
    raise_descriptor_limit();
    let signals = block_signals().map_err(|error| ServeError::Io { doing: "blocking signals", error })?;
    let setup = Setup::open(options)?;
    Supervisor::new(setup, signals).run()
}

/// The running supervisor.
struct Supervisor {
    /// Sockets, options, tables.
    setup: Setup,
    /// SIGCHLD, SIGTERM, SIGINT, SIGHUP.
    signals: SignalFd,
    /// memmgr's place.
    memmgr: Slot,
    /// One place for each auth process.
    auth: Vec<Slot>,
    /// The place of the process that gives zones away.
    xfrout: Slot,
    /// What is known of each auth process's query thread.
    watched: Vec<Watched>,
    /// When the loop began.
    began: Instant,
    /// The last ping to memmgr: its number, when it went, whether it was answered.
    ping: Ping,
    /// Whether `ready:` was printed.
    announced: bool,
    /// What people and the service manager are shown of loads.
    loading: Loading,
}

/// A sign of life asked for.
struct Ping {
    /// Its number.
    number: u64,
    /// When it was sent.
    sent: Instant,
    /// When memmgr last answered, or started.
    answered: Instant,
}

/// Why the loop ends.
enum End {
    /// Somebody asked for it.
    Asked,
    /// memmgr can't work with what it is given.
    Unusable,
}

impl Supervisor {
    /// Nothing started yet.
    fn new(setup: Setup, signals: SignalFd) -> Self {
        let slots = setup.sockets.udp.len();
        let now = Instant::now();
        Supervisor {
            watched: (0..slots).map(|slot| Watched::new(counter(&setup.progress, slot))).collect(),
            auth: (0..slots).map(|_| Slot::new()).collect(),
            memmgr: Slot::new(),
            xfrout: Slot::new(),
            setup,
            signals,
            began: now,
            ping: Ping { number: 0, sent: now, answered: now },
            announced: false,
            loading: Loading::new(),
        }
    }

    /// The loop.
    fn run(mut self) -> Result<(), ServeError> {
        let end = loop {
            self.start_due();
            self.wait()?;
            if let Some(end) = self.turn() {
                break end;
            }
        };
        self.stop();
        match end {
            End::Asked => Ok(()),
            End::Unusable => Err(ServeError::Memmgr),
        }
    }

    /// Waits for a signal, a record or the next tick.
    fn wait(&self) -> Result<(), ServeError> {
        let mut descriptors = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        let links = self.slots().filter_map(Slot::link);
        descriptors.extend(links.map(|link| PollFd::new(link.as_fd(), PollFlags::POLLIN)));
        let timeout = PollTimeout::try_from(TICK).unwrap_or(PollTimeout::ZERO);
        match poll(&mut descriptors, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
            Err(errno) => Err(ServeError::Io { doing: "waiting for events", error: errno.into() }),
        }
    }

    /// Does what is to be done: signals, deaths, records, stalls.
    fn turn(&mut self) -> Option<End> {
        while let Ok(Some(signal)) = self.signals.read_signal() {
            match Signal::try_from(signal.ssi_signo.cast_signed()) {
                Ok(Signal::SIGTERM | Signal::SIGINT) => return Some(End::Asked),
                Ok(Signal::SIGHUP) => {
                    self.memmgr.send(Record::Reload);
                }
                _ => {}
            }
        }
        if let Some(end) = self.records() {
            return Some(end);
        }
        if let Some(end) = self.deaths() {
            return Some(end);
        }
        self.stalls();
        self.ping_memmgr();
        None
    }

    /// Starts what is missing and due.
    fn start_due(&mut self) {
        let now = Instant::now();
        if self.memmgr.is_due(now) {
            match self.setup.start_memmgr() {
                Ok(started) => {
                    self.memmgr.fill(started);
                    self.ping.answered = now;
                    tracing::info!(pid = self.memmgr.pid(), role = "memmgr", "process-started");
                }
                Err(error) => {
                    tracing::error!(error = %Chain(&error), "process-not-started");
                    self.memmgr.failed();
                }
            }
        }
        for slot in 0..self.auth.len() {
            if !self.auth[slot].is_due(now) {
                continue;
            }
            match self.setup.start_auth(slot) {
                Ok(started) => {
                    self.auth[slot].fill(started);
                    tracing::info!(pid = self.auth[slot].pid(), role = "auth", slot, "process-started");
                    self.tell_what_is_drained(slot);
                }
                Err(error) => {
                    tracing::error!(error = %Chain(&error), "process-not-started");
                    self.auth[slot].failed();
                }
            }
        }
        self.start_xfrout_if_due(now);
    }

    /// Starts the process that gives zones away, if it is missing and due. Nothing waits for it.
    fn start_xfrout_if_due(&mut self, now: Instant) {
        if !self.xfrout.is_due(now) {
            return;
        }
        match self.setup.start_xfrout() {
            Ok(started) => {
                self.xfrout.fill(started);
                tracing::info!(pid = self.xfrout.pid(), role = "xfrout", "process-started");
            }
            Err(error) => {
                tracing::error!(error = %Chain(&error), "process-not-started");
                self.xfrout.failed();
            }
        }
    }

    /// Every place.
    fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.auth.iter().chain([&self.xfrout, &self.memmgr])
    }

    /// Tells a process that has just started whose sockets it has to read besides its own.
    fn tell_what_is_drained(&self, to: usize) {
        for sibling in (0..self.watched.len()).filter(|sibling| *sibling != to) {
            if self.watched[sibling].is_drained() {
                self.auth[to].send(Record::Drain { slot: narrow(sibling) });
            }
        }
    }

    /// Reaps what has ended.
    fn deaths(&mut self) -> Option<End> {
        if let Some((pid, status)) = self.memmgr.reap() {
            tracing::warn!(pid, role = "memmgr", %status, "process-ended");
            // Once there is something to serve, that goes on; memmgr is tried again.
            if !self.announced && status.code() == Some(i32::from(Exit::Unusable.number())) {
                return Some(End::Unusable);
            }
        }
        for slot in 0..self.auth.len() {
            if let Some((pid, status)) = self.auth[slot].reap() {
                tracing::warn!(pid, role = "auth", slot, %status, "process-ended");
                let change = self.watched[slot].died(counter(&self.setup.progress, slot));
                self.tell_siblings(slot, change);
            }
        }
        if let Some((pid, status)) = self.xfrout.reap() {
            tracing::warn!(pid, role = "xfrout", %status, "process-ended");
        }
        None
    }

    /// Looks at counters and queues.
    fn stalls(&mut self) {
        let now = self.began.elapsed();
        for slot in 0..self.auth.len() {
            let queued = self.setup.sockets.udp[slot].iter().any(|socket| has_packets(socket.as_fd()));
            let counter = counter(&self.setup.progress, slot);
            let change = self.watched[slot].observe(now, counter, queued);
            self.tell_siblings(slot, change);
        }
    }

    /// Tells the siblings what changed for this slot.
    fn tell_siblings(&self, slot: usize, change: Option<Change>) {
        let Some(change) = change else { return };
        let record = match change {
            Change::Drain => Record::Drain { slot: narrow(slot) },
            Change::Undrain => Record::Undrain { slot: narrow(slot) },
        };
        tracing::info!(slot, ?change, "sibling-drain");
        for sibling in (0..self.auth.len()).filter(|sibling| *sibling != slot) {
            self.auth[sibling].send(record);
        }
    }

    /// Asks memmgr for a sign of life, and ends one that gives none.
    fn ping_memmgr(&mut self) {
        let now = Instant::now();
        if now.duration_since(self.ping.sent) < PING_EVERY {
            return;
        }
        self.ping.number += 1;
        self.ping.sent = now;
        self.memmgr.send(Record::Ping { number: self.ping.number });
        let silent = now.duration_since(self.ping.answered);
        if silent > self.setup.stall_timeout && self.memmgr.pid().is_some() {
            tracing::error!(pid = self.memmgr.pid(), silent_ms = silent.as_millis(), "memmgr-stalled-killed");
            self.memmgr.signal(Signal::SIGKILL);
            self.ping.answered = now;
        }
    }

    /// Carries out what the processes ask for.
    fn records(&mut self) -> Option<End> {
        for slot in self.auth.iter().chain([&self.xfrout]) {
            slot.receive().into_iter().for_each(|other| tracing::warn!(?other, "supervisor-record-unexpected"));
        }
        for record in self.memmgr.receive() {
            match record {
                Record::Ready { generation, zones, records, auth } => {
                    if !self.announced {
                        self.announced = true;
                        self.loading.ready(generation, zones, records);
                        ready::announce(&self.setup.sockets, generation, zones, records, auth);
                    }
                }
                Record::Kill { child, slot, pid, reason, generation, waited_ms } => {
                    let place = match child {
                        Child::Auth => self.auth.get(slot as usize),
                        Child::Xfrout => Some(&self.xfrout),
                    };
                    let Some(place) = place.filter(|place| place.pid() == Some(pid)) else { continue };
                    let (role, reason) = (child.as_str(), reason.as_str());
                    tracing::error!(pid, role, slot, reason, generation, waited_ms, "process-killed");
                    place.signal(Signal::SIGKILL);
                }
                Record::StopAll => return Some(End::Asked),
                Record::Loading { zones_done, zones, octets_done, octets, records, elapsed_ms } => {
                    let elapsed = Duration::from_millis(elapsed_ms);
                    self.loading.moved(Load { zones_done, zones, octets_done, octets, records, elapsed });
                }
                Record::Serving { generation, zones, records } => self.loading.ended(generation, zones, records),
                Record::Pong { .. } => self.ping.answered = Instant::now(),
                other => tracing::warn!(?other, "supervisor-record-unexpected"),
            }
        }
        None
    }

    /// Ends every process: asked first, killed after the grace.
    fn stop(&mut self) {
        self.loading.stopping();
        let deadline = Instant::now() + STOP_GRACE;
        let signal_all = |this: &Self, signal| this.slots().for_each(|slot| slot.signal(signal));
        signal_all(self, Signal::SIGTERM);
        // A stopped process takes SIGTERM only once it continues.
        signal_all(self, Signal::SIGCONT);
        while Instant::now() < deadline && self.running() {
            std::thread::sleep(Duration::from_millis(5));
        }
        signal_all(self, Signal::SIGKILL);
        while self.running() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether any process is left, reaping those that are not.
    fn running(&mut self) -> bool {
        let slots = self.auth.iter_mut().chain([&mut self.xfrout, &mut self.memmgr]);
        slots.fold(false, |any, slot| {
            slot.reap();
            any | slot.pid().is_some()
        })
    }
}

/// A slot's number as records carry it.
fn narrow(slot: usize) -> u32 {
    u32::try_from(slot).unwrap_or(u32::MAX)
}

/// The progress counter of a slot's query thread.
fn counter(progress: &ProgressView, slot: usize) -> u64 {
    progress.read(slot).map_or(0, |progress| progress.counter)
}

/// Whether a packet stands in the socket's queue.
fn has_packets(socket: std::os::fd::BorrowedFd<'_>) -> bool {
    let mut descriptors = [PollFd::new(socket, PollFlags::POLLIN)];
    poll(&mut descriptors, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

/// The signals we live by, taken from a descriptor. Children inherit the mask and empty it first thing.
fn block_signals() -> io::Result<SignalFd> {
    let mut mask = SigSet::empty();
    for signal in [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        mask.add(signal);
    }
    mask.thread_block()?;
    Ok(SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?)
}

/// Takes as many descriptors as the hard limit allows; the children inherit it.
fn raise_descriptor_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
    {
        tracing::warn!(%error, soft, hard, "descriptor-limit-not-raised");
    }
}

/// An error with its causes in one line.
pub(crate) struct Chain<'a>(pub(crate) &'a dyn std::error::Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// The server can't be started, or not kept up.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum ServeError {
    /// The state directory can't be had.
    Lock(lock::LockError),
    /// An address can't be had.
    Listen(sockets::ListenError),
    /// The certificate of TLS is not sound.
    Certificate(consumers::auth::tls::CertificateError),
    /// The bus's socket can't be had.
    Bus(bus::listen::ListenError),
    /// The progress table can't be made.
    Progress(consumers::progress::ProgressError),
    /// memmgr ended for a reason that a restart can't mend; its log line says which.
    Memmgr,
    /// The kernel refused something.
    Io {
        /// What was being done.
        doing: &'static str,
        /// What it said.
        error: io::Error,
    },
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lock(error) => error.fmt(f),
            Self::Listen(error) => error.fmt(f),
            Self::Certificate(error) => error.fmt(f),
            Self::Bus(error) => error.fmt(f),
            Self::Progress(error) => error.fmt(f),
            Self::Memmgr => write!(f, "memmgr can't work with this state directory; the lines above say why"),
            Self::Io { doing, .. } => write!(f, "{doing}"),
        }
    }
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Lock(error) => error.source(),
            Self::Listen(error) => error.source(),
            Self::Certificate(error) => error.source(),
            Self::Bus(error) => error.source(),
            Self::Progress(error) => error.source(),
            Self::Io { error, .. } => Some(error),
            Self::Memmgr => None,
        }
    }
}
