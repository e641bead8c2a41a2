//! Reader processes in the simulated world: they keep the rules of the reader library, but for their faults.

use memmgr::rotation::{Event, ReaderId};

use super::World;
use crate::occurrence::{Occurrence, Order};
use crate::process::{Mood, Process, Session};

/// The most processes at a time.
const PROCESSES_MAX: usize = 6;

impl World {
    /// Something happens to a process, now or when it goes on.
    pub(super) fn happen_to(&mut self, number: u64, occurrence: Occurrence) {
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        if process.is_stopped {
            process.held.push(occurrence);
            return;
        }
        match occurrence {
            Occurrence::ToProcess { session, order, .. } => self.obey(number, session, order),
            Occurrence::Swap { session, generation, .. } => self.swap(number, session, generation),
            Occurrence::UseEnds { generation, .. } => self.use_ends(number, generation),
            Occurrence::Attach { .. } => self.attach(number),
            _ => {}
        }
    }

    /// A process is started.
    pub(super) fn spawn(&mut self) {
        if self.processes.len() >= PROCESSES_MAX {
            return;
        }
        self.started += 1;
        let number = self.started;
        let process = Process::new(&mut self.random);
        self.processes.insert(number, process);
        self.tell(format!("process {number} starts"));
        let after = self.random.delay(1, 500);
        self.arrange(after, Occurrence::Attach { process: number });
    }

    /// A process dies, and its supervisor may start another.
    pub(super) fn die(&mut self, number: u64) {
        self.disconnect(number);
        self.processes.remove(&number);
        self.tell(format!("process {number} is dead"));
        if self.random.one_in(2) {
            let after = self.random.delay(10, 3_000);
            self.arrange(after, Occurrence::Spawn);
        }
    }

    /// A process loses its connection; memmgr learns it, and the process tries again.
    pub(super) fn disconnect(&mut self, number: u64) {
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        process.mapping = None;
        if let Some(session) = process.session.take() {
            // The kernel tells it: never lost, and after all that was sent.
            let after = session.last_arrival.saturating_sub(self.now) + self.random.delay(0, 100);
            let event = Event::ReaderGone { reader: session.id };
            self.arrange(after, Occurrence::ToMemmgr { run: session.run, event });
        }
        let after = self.random.delay(50, 3_000);
        self.arrange(after, Occurrence::Attach { process: number });
    }

    /// A process connects and says what it holds.
    pub(super) fn attach(&mut self, number: u64) {
        let Some(process) = self.processes.get_mut(&number).filter(|process| process.session.is_none()) else {
            return;
        };
        if self.memmgr.rotation.is_none() {
            let after = self.random.delay(50, 1_000);
            return self.arrange(after, Occurrence::Attach { process: number });
        }
        self.connected += 1;
        let id = ReaderId(self.connected);
        let holds = process.current;
        process.session = Some(Session {
            id,
            run: self.memmgr.run,
            joined: None,
            claimed: holds,
            is_exempt: true,
            announced: None,
            last_arrival: self.now,
        });
        self.owners.insert(id, number);
        self.tell(format!("process {number} attaches as {id:?} with {holds:?}"));
        self.send_join(number, holds);
    }

    /// Sends the request to follow generations, which is repeated by the reader library until it is answered: not lossy.
    pub(super) fn send_join(&mut self, number: u64, holds: Option<u64>) {
        let after = self.random.delay(0, 300);
        let Some(session) = self.processes.get_mut(&number).and_then(|process| process.session.as_mut()) else {
            return;
        };
        session.last_arrival = self.now + after;
        let (run, reader) = (session.run, session.id);
        self.arrange(after, Occurrence::ToMemmgr { run, event: Event::ReaderJoined { reader, holds } });
    }

    /// A process takes a message of memmgr.
    pub(super) fn obey(&mut self, number: u64, from: ReaderId, order: Order) {
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        let Some(session) = process.session.as_mut().filter(|session| session.id == from) else {
            return;
        };
        let Order::Switch(generation) = order else {
            if process.mood != Mood::Silent {
                let threads = process.threads();
                self.send(number, |reader| Event::Pong { reader, threads });
            }
            return;
        };
        if session.announced.is_some_and(|announced| announced > generation) {
            return;
        }
        session.announced = Some(generation);
        if process.mood == Mood::Refuses {
            // It keeps what it has, and nobody waits until that is gone.
            session.is_exempt = true;
            session.claimed = None;
            return self.send(number, |reader| Event::Refused { reader, generation });
        }
        if process.current == Some(generation) {
            return self.send(number, |reader| Event::Acknowledged { reader, generation });
        }
        if process.mapping != Some(generation) {
            process.mapping = Some(generation);
            let after = self.random.delay(1, 3_000);
            self.arrange(after, Occurrence::Swap { process: number, session: from, generation });
        }
    }

    /// A process answers from another generation from here on.
    pub(super) fn swap(&mut self, number: u64, from: ReaderId, generation: u64) {
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        let is_same_session = process.session.as_ref().is_some_and(|session| session.id == from);
        if !is_same_session || process.mapping != Some(generation) {
            return;
        }
        process.mapping = None;
        process.maps.insert(generation);
        let (old, mood) = (process.current.replace(generation), process.mood);
        // The last use may end, and be told, before the acknowledgement is.
        let is_early = self.random.one_in(5);
        if let Some(old) = old.filter(|_| is_early) {
            self.use_ends(number, old);
        }
        if mood != Mood::NeverAcknowledges {
            self.send(number, |reader| Event::Acknowledged { reader, generation });
        }
        if let Some(old) = old.filter(|_| !is_early) {
            let after = self.random.delay(1, 40_000);
            self.arrange(after, Occurrence::UseEnds { process: number, generation: old });
        }
    }

    /// The last use of a generation ends, unless it is one without end.
    pub(super) fn use_ends(&mut self, number: u64, generation: u64) {
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        if process.current == Some(generation) || process.mood == Mood::NeverReleases {
            return;
        }
        if process.maps.remove(&generation) {
            self.send(number, |reader| Event::Released { reader, generation });
        }
    }
}
