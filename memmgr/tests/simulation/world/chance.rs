//! What goes wrong in the simulated world, and how it ends.

use memmgr::rotation::{Event, ReaderId};

use super::World;
use crate::occurrence::Occurrence;
use crate::process::{FAULTS, Mood};

impl World {
    /// Something goes wrong, or somebody changes a zone.
    pub(super) fn chance(&mut self) {
        if self.is_peace {
            return;
        }
        let after = self.random.delay(10, 4_000);
        self.arrange(after, Occurrence::Chance);
        let numbers: Vec<u64> = self.processes.keys().copied().collect();
        let victim = self.random.pick(&numbers);
        match (self.random.below(20), victim) {
            (0..=6, _) => self.begin_build(),
            (7..=9, _) => self.spawn(),
            (10, Some(victim)) => {
                self.note("reader died");
                self.die(victim);
            }
            (11, Some(victim)) => self.disconnect(victim),
            (12..=14, Some(victim)) => self.infect(victim),
            (15, Some(victim)) => self.stop_or_continue(victim),
            (16, Some(victim)) => self.say_nonsense(victim),
            (17, _) if self.random.one_in(2) => self.put_to_sleep(),
            (18, _) if self.random.one_in(4) && self.memmgr.rotation.is_some() => {
                self.tell("memmgr dies".to_owned());
                self.memmgr_dies();
                if self.memmgr.manifest_previous != 0 && self.random.one_in(8) {
                    self.note("manifest lost");
                    self.memmgr.lose_manifest();
                }
            }
            _ => {}
        }
    }

    /// A process gets a fault, or gets over one.
    pub(super) fn infect(&mut self, number: u64) {
        let mood = self.random.pick(&FAULTS).unwrap_or(Mood::Sound);
        if let Some(process) = self.processes.get_mut(&number) {
            if process.mood == Mood::Sound {
                process.fall_ill(mood);
                self.tell(format!("process {number} gets {mood:?}"));
            } else if self.random.one_in(3) {
                self.heal(number);
            }
        }
    }

    /// A process gets over its fault, and over what it did not do because of it.
    pub(super) fn heal(&mut self, number: u64) {
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        process.mood = Mood::Sound;
        let unused: Vec<u64> = process.maps.iter().copied().filter(|map| process.current != Some(*map)).collect();
        for generation in unused {
            let after = self.random.delay(1, 2_000);
            self.arrange(after, Occurrence::UseEnds { process: number, generation });
        }
        self.tell(format!("process {number} is sound"));
    }

    /// A process is stopped by a signal, or goes on.
    pub(super) fn stop_or_continue(&mut self, number: u64) {
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        process.is_stopped = !process.is_stopped;
        process.is_clean = false;
        let (is_stopped, held) = (process.is_stopped, std::mem::take(&mut process.held));
        self.tell(format!("process {number} stopped: {is_stopped}"));
        for occurrence in held {
            self.happen_to(number, occurrence);
        }
    }

    /// A liar says what comes to its mind; anybody can speak under an address that nobody has.
    pub(super) fn say_nonsense(&mut self, number: u64) {
        let generation = match self.random.below(4) {
            0 => u64::MAX,
            _ => self.random.below(self.last_built + 3),
        };
        let is_stranger = self.random.one_in(4);
        let choice = self.random.below(4);
        if let Some(process) = self.processes.get_mut(&number)
            && !is_stranger
        {
            process.fall_ill(Mood::Lies);
        }
        self.send(number, |own| {
            let reader = if is_stranger { ReaderId(u64::MAX) } else { own };
            match choice {
                0 => Event::Acknowledged { reader, generation },
                1 => Event::Released { reader, generation },
                2 => Event::Refused { reader, generation },
                _ if is_stranger => Event::Pong { reader, threads: Vec::new() },
                _ => Event::ReaderJoined { reader, holds: Some(generation) },
            }
        });
    }

    /// memmgr is stopped for a while.
    pub(super) fn put_to_sleep(&mut self) {
        if self.memmgr.rotation.is_some() && !self.memmgr.is_asleep {
            self.note("memmgr slept");
            self.tell("memmgr sleeps".to_owned());
            self.memmgr.is_asleep = true;
            let after = self.random.delay(100, 90_000);
            self.arrange(after, Occurrence::Wakes);
        }
    }

    /// Faults end: everyone is sound and running, and a last generation is built.
    pub(super) fn make_peace(&mut self) -> Result<(), String> {
        self.is_peace = true;
        self.tell("peace".to_owned());
        self.wake()?;
        self.start_memmgr();
        let numbers: Vec<u64> = self.processes.keys().copied().collect();
        for number in numbers {
            if self.processes.get(&number).is_some_and(|process| process.is_stopped) {
                self.stop_or_continue(number);
            }
            self.heal(number);
        }
        self.begin_build();
        Ok(())
    }
}
