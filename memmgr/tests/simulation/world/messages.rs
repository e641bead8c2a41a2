//! What passes between memmgr and readers, on ways good and bad.

use std::time::Duration;

use memmgr::rotation::{Event, ReaderId};

use super::World;
use crate::occurrence::{Occurrence, Order};
use crate::process::{Mood, Session};

impl World {
    /// The session of an address, while its process has it.
    pub(super) fn session_mut(&mut self, reader: ReaderId) -> Option<&mut Session> {
        let process = self.processes.get_mut(self.owners.get(&reader)?)?;
        process.session.as_mut().filter(|session| session.id == reader)
    }

    /// Sends a message of memmgr.
    pub(super) fn order(&mut self, session: ReaderId, order: Order) {
        let Some(process) = self.owners.get(&session).copied() else {
            return;
        };
        let mood = self.processes.get(&process).map(|process| process.mood);
        for after in self.arrivals(mood) {
            self.arrange(after, Occurrence::ToProcess { process, session, order });
        }
    }

    /// Sends a message of a process, over its connection if it has one.
    pub(super) fn send(&mut self, number: u64, event: impl FnOnce(ReaderId) -> Event) {
        let mood = self.processes.get(&number).map(|process| process.mood);
        let arrivals = self.arrivals(mood);
        let (now, is_lossy) = (self.now, mood == Some(Mood::Lossy));
        let Some(session) = self.processes.get_mut(&number).and_then(|process| process.session.as_mut()) else {
            return;
        };
        let (run, event) = (session.run, event(session.id));
        let mut times = Vec::new();
        for after in arrivals {
            let at = if is_lossy { now + after } else { session.last_arrival.max(now + after) };
            session.last_arrival = session.last_arrival.max(at);
            times.push(at);
        }
        for at in times {
            self.arrange(at - now, Occurrence::ToMemmgr { run, event: event.clone() });
        }
    }

    /// When a message arrives: once and soon, unless its way is bad.
    pub(super) fn arrivals(&mut self, mood: Option<Mood>) -> Vec<Duration> {
        if mood != Some(Mood::Lossy) {
            return vec![self.random.delay(0, 300)];
        }
        match self.random.below(4) {
            0 => Vec::new(),
            1 => vec![self.random.delay(0, 20_000), self.random.delay(0, 20_000)],
            _ => vec![self.random.delay(0, 3_000)],
        }
    }
}
