//! A slot: a place in the table of roles where one process lives, dies and is followed by another.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use bus::protocol::supervisor::{RECORD_LENGTH, Record};
use rustix::net::{RecvFlags, SendFlags};

use super::child::Started;

/// Wait before the second restart in a row; it doubles with each further one.
const BACK_OFF_FIRST: Duration = Duration::from_millis(100);

/// The longest wait before a restart: an operator's repair is seen within it.
const BACK_OFF_MAX: Duration = Duration::from_secs(5);

/// A process that lived this long ends the row: its death is news, not a loop.
const BACK_OFF_RESET: Duration = Duration::from_secs(10);

/// Records read from one process before the others' turn.
const RECORDS_A_TURN: usize = 64;

/// What lives in a slot.
#[derive(Debug)]
enum Occupant {
    /// A process.
    Running {
        /// It, and the link to it.
        started: Started,
        /// Since when.
        since: Instant,
    },
    /// Nobody until this moment.
    Waiting {
        /// When the next is due.
        until: Instant,
    },
}

/// A place for one process.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Who is in it.
    occupant: Occupant,
    /// The wait before the next restart.
    back_off: Duration,
}

impl Slot {
    /// An empty slot, due at once.
    pub(crate) fn new() -> Self {
        Slot { occupant: Occupant::Waiting { until: Instant::now() }, back_off: Duration::ZERO }
    }

    /// Whether a process is to be started.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        matches!(self.occupant, Occupant::Waiting { until } if until <= now)
    }

    /// Puts a process in.
    pub(crate) fn fill(&mut self, started: Started) {
        self.occupant = Occupant::Running { started, since: Instant::now() };
    }

    /// A start failed: tries again later.
    pub(crate) fn failed(&mut self) {
        self.vacate(Duration::ZERO);
    }

    /// The process in it.
    pub(crate) fn pid(&self) -> Option<i32> {
        match &self.occupant {
            Occupant::Running { started, .. } => i32::try_from(started.child.id()).ok(),
            Occupant::Waiting { .. } => None,
        }
    }

    /// Our end of the link to it.
    pub(crate) fn link(&self) -> Option<&OwnedFd> {
        match &self.occupant {
            Occupant::Running { started, .. } => Some(&started.link),
            Occupant::Waiting { .. } => None,
        }
    }

    /// Reaps the process if it has ended.
    pub(crate) fn reap(&mut self) -> Option<(i32, std::process::ExitStatus)> {
        let pid = self.pid()?;
        let Occupant::Running { started, since } = &mut self.occupant else { return None };
        let status = started.child.try_wait().ok().flatten()?;
        let lived = since.elapsed();
        self.vacate(lived);
        Some((pid, status))
    }

    /// Sends a signal to the process. It is our child and not reaped, so the number can't be another's.
    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        if let Some(pid) = self.pid() {
            // It may have ended and wait to be reaped, which is as good.
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal);
        }
    }

    /// Sends a record; one that finds the link full or closed is lost, and whoever waits for its effect asks again.
    pub(crate) fn send(&self, record: Record) -> bool {
        self.link().is_some_and(|link| {
            rustix::net::send(link, &record.encode(), SendFlags::DONTWAIT | SendFlags::NOSIGNAL).is_ok()
        })
    }

    /// Reads the records that have come.
    pub(crate) fn receive(&self) -> Vec<Record> {
        let mut records = Vec::new();
        let Some(link) = self.link() else { return records };
        for _ in 0..RECORDS_A_TURN {
            let mut octets = [0; RECORD_LENGTH];
            match rustix::net::recv(link, &mut octets, RecvFlags::DONTWAIT).map_err(io::Error::from) {
                Ok((_, 0)) | Err(_) => break,
                Ok((_, length)) => match Record::decode(octets.get(..length).unwrap_or(&octets)) {
                    Ok(record) => records.push(record),
                    Err(error) => tracing::warn!(pid = self.pid(), %error, "supervisor-record-unreadable"),
                },
            }
        }
        records
    }

    /// Empties the slot after a life of this length.
    fn vacate(&mut self, lived: Duration) {
        if lived >= BACK_OFF_RESET {
            self.back_off = Duration::ZERO;
        }
        self.occupant = Occupant::Waiting { until: Instant::now() + self.back_off };
        self.back_off = (self.back_off * 2).clamp(BACK_OFF_FIRST, BACK_OFF_MAX);
    }
}
