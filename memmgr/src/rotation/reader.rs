//! What is known of one reader: what it was told, what it may have mapped, and whether it lives.
//!
//! Not for what its answers mean to the rotation, which is in the parent module. [`Reader`] is the type to read first.

use std::time::Duration;

use super::Deadlines;
use super::action::{Ignored, KillReason};
use super::event::ThreadProgress;

/// The most query threads watched for each reader. Above it a thread is not watched alone, the pings still are.
pub const WATCHED_THREADS_MAX: usize = 1024;

/// One reader.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    /// When it joined.
    pub(super) joined: Duration,
    /// What it was told and has not answered for good.
    pub(super) announced: Option<Announced>,
    /// The generation it answers from, by its own word.
    pub(super) acknowledged: Option<u64>,
    /// All that it may have mapped, oldest first: what it was told, what it answers from, what it has not let go. At most
    /// the three that can be told apart: one from before it joined, and the last two published.
    pub(super) holdings: Vec<Holding>,
    /// The generation that it could not take, until it is told of that one once more, or of another.
    refused: Option<Refused>,
    /// The generation that it is told of for the second time.
    told_again: Option<Refused>,
    /// The generation that it refused for the second time.
    refused_twice: Option<Refused>,
    /// The generation that it refused at least once, until it is told of another: nothing waits for it on account of that one.
    pub(super) excused: Option<u64>,
    /// When it was last asked, if ever.
    pinged: Option<Duration>,
    /// When it last answered; when it joined, before that.
    pub(super) ponged: Duration,
    /// One entry a query thread.
    threads: Vec<Thread>,
}

/// A generation on its way to the reader.
#[derive(Debug, Clone)]
pub(super) struct Announced {
    /// Which.
    pub(super) generation: u64,
    /// Since when the answer is awaited.
    since: Duration,
}

/// A generation that the reader could not take.
#[derive(Debug, Clone, Copy)]
struct Refused {
    /// Which.
    generation: u64,
    /// When it was told of it for the first time.
    since: Duration,
}

/// A generation that the reader may have mapped.
#[derive(Debug, Clone)]
pub(super) struct Holding {
    /// Which.
    pub(super) generation: u64,
    /// Since when the reader has a newer one in use, and is to let this one go.
    superseded: Option<Duration>,
    /// The reader has let go of it before it acknowledged the newer one. The two messages come from different threads of the
    /// reader, so either may be first; the acknowledgement makes both good.
    released_early: bool,
}

/// One query thread as its pongs show it.
#[derive(Debug, Clone)]
struct Thread {
    /// The counter in the latest pong.
    progress: u64,
    /// Since when the counter stands with work waiting.
    stands_since: Option<Duration>,
}

/// A deadline that has passed.
#[derive(Debug, Clone)]
pub(super) struct Missed {
    /// Which one.
    pub(super) reason: KillReason,
    /// The generation it is about.
    pub(super) generation: Option<u64>,
    /// How long the reader was waited for.
    pub(super) waited: Duration,
}

impl Reader {
    /// A reader that has just joined and may have a generation already. A number above the newest is of a history that was
    /// lost: it is to be let go, but says nothing about the generation that will have that number.
    pub(super) fn new(now: Duration, holds: Option<u64>, newest: Option<u64>) -> Self {
        Self {
            joined: now,
            announced: None,
            acknowledged: holds.filter(|&generation| newest.is_some_and(|newest| generation <= newest)),
            holdings: holds.map(Holding::new).into_iter().collect(),
            refused: None,
            told_again: None,
            refused_twice: None,
            excused: None,
            pinged: None,
            ponged: now,
            threads: Vec::new(),
        }
    }

    /// Notes that the generation is on its way.
    pub(super) fn announce(&mut self, now: Duration, generation: u64) {
        self.announced = Some(Announced { generation, since: now });
        self.refused = None;
        self.told_again = self.told_again.filter(|told| told.generation == generation);
        self.excused = self.excused.filter(|excused| *excused == generation);
        self.holdings.retain(|holding| holding.generation != generation);
        self.holdings.push(Holding::new(generation));
    }

    /// Takes the acknowledgement of what was announced.
    pub(super) fn acknowledge(&mut self, now: Duration, generation: u64) -> Result<(), Ignored> {
        match &self.announced {
            Some(announced) if announced.generation == generation => {}
            _ if self.acknowledged == Some(generation) => return Err(Ignored::AcknowledgedTwice { generation }),
            _ => return Err(self.not_announced(generation)),
        }
        self.announced = None;
        self.told_again = None;
        self.acknowledged = Some(generation);
        self.holdings.retain(|holding| holding.generation == generation || !holding.released_early);
        for holding in self.holdings.iter_mut().filter(|holding| holding.generation != generation) {
            holding.superseded.get_or_insert(now);
        }
        Ok(())
    }

    /// Takes the release of what is no longer in use.
    pub(super) fn release(&mut self, generation: u64) -> Result<(), Ignored> {
        let is_announced = self.announced.as_ref().is_some_and(|announced| announced.generation == generation);
        let Some(place) = self.holdings.iter().position(|holding| holding.generation == generation) else {
            return Err(Ignored::NotHeld { generation });
        };
        if self.acknowledged == Some(generation) && self.announced.is_some() && !is_announced {
            if self.holdings[place].released_early {
                return Err(Ignored::NotHeld { generation });
            }
            self.holdings[place].released_early = true;
            return Ok(());
        }
        if is_announced || self.acknowledged == Some(generation) {
            return Err(Ignored::StillInUse { generation });
        }
        self.holdings.remove(place);
        Ok(())
    }

    /// Takes the refusal of what was announced: the reader keeps what it has.
    pub(super) fn refuse(&mut self, generation: u64) -> Result<(), Ignored> {
        let since = match &self.announced {
            Some(announced) if announced.generation == generation => announced.since,
            _ => return Err(self.not_announced(generation)),
        };
        match self.told_again.take() {
            Some(told) => self.refused_twice = Some(told),
            None => self.refused = Some(Refused { generation, since }),
        }
        self.announced = None;
        self.excused = Some(generation);
        self.holdings.retain(|holding| holding.generation != generation);
        for holding in &mut self.holdings {
            holding.released_early = false;
        }
        Ok(())
    }

    /// Whether the reader could not take the generation, and is not to be told of it as things are.
    pub(super) fn has_refused(&self, generation: u64) -> bool {
        let refused = self.refused.or(self.refused_twice);
        refused.is_some_and(|refused| refused.generation == generation)
    }

    /// The generation is whole: if the reader has refused it, it may be told once more. Tells whether it has.
    pub(super) fn take_refusal(&mut self, generation: u64) -> bool {
        self.told_again = self.refused.take_if(|refused| refused.generation == generation).or(self.told_again);
        self.told_again.is_some_and(|told| told.generation == generation) && self.announced.is_none()
    }

    /// Takes the answer to a ping.
    pub(super) fn pong(&mut self, now: Duration, threads: &[ThreadProgress]) {
        self.ponged = now;
        let watched = &threads[..threads.len().min(WATCHED_THREADS_MAX)];
        self.threads.truncate(watched.len());
        for (place, said) in watched.iter().enumerate() {
            let before = self.threads.get(place);
            let stands = said.waiting && before.is_some_and(|before| before.progress == said.progress);
            let stands_since = match before.and_then(|before| before.stands_since) {
                Some(since) if stands => Some(since),
                _ => said.waiting.then_some(now),
            };
            let thread = Thread { progress: said.progress, stands_since };
            match self.threads.get_mut(place) {
                Some(known) => *known = thread,
                None => self.threads.push(thread),
            }
        }
    }

    /// Whether a ping is due, and if so notes that it is sent.
    pub(super) fn take_ping(&mut self, now: Duration, deadlines: &Deadlines) -> bool {
        let interval = deadlines.ping_interval.min(deadlines.stall_timeout / 4);
        let is_due = self.pinged.is_none_or(|pinged| now.saturating_sub(pinged) >= interval);
        if is_due {
            self.pinged = Some(now);
        }
        is_due
    }

    /// The deadline that has passed, if one has.
    pub(super) fn missed(&self, now: Duration, deadlines: &Deadlines) -> Option<Missed> {
        self.missed_switch(now, deadlines)
            .or_else(|| self.missed_release(now, deadlines))
            .or_else(|| self.missed_chance(now))
            .or_else(|| self.stalled(deadlines))
            .or_else(|| self.missed_ping(now, deadlines))
    }

    /// Whether the reader had joined at that time.
    pub(super) fn was_there(&self, at: Duration) -> bool {
        self.joined <= at
    }

    /// Whether the reader may have the generation mapped.
    pub(super) fn holds(&self, generation: u64) -> bool {
        self.holdings.iter().any(|holding| holding.generation == generation)
    }

    /// Whether the reader may have anything mapped but the generation.
    pub(super) fn holds_other_than(&self, generation: u64) -> bool {
        self.holdings.iter().any(|holding| holding.generation != generation)
    }

    /// The acknowledgement that is overdue.
    fn missed_switch(&self, now: Duration, deadlines: &Deadlines) -> Option<Missed> {
        let announced = self.announced.as_ref()?;
        let waited = now.saturating_sub(announced.since);
        (waited >= deadlines.switch_timeout).then_some(Missed {
            reason: KillReason::SwitchTimeout,
            generation: Some(announced.generation),
            waited,
        })
    }

    /// The second refusal of a generation that is whole: what is wrong is wrong with the reader.
    fn missed_chance(&self, now: Duration) -> Option<Missed> {
        self.refused_twice.map(|refused| Missed {
            reason: KillReason::Refused,
            generation: Some(refused.generation),
            waited: now.saturating_sub(refused.since),
        })
    }

    /// The release that is overdue.
    fn missed_release(&self, now: Duration, deadlines: &Deadlines) -> Option<Missed> {
        self.holdings.iter().find_map(|holding| {
            let waited = now.saturating_sub(holding.superseded?);
            (waited >= deadlines.release_timeout).then_some(Missed {
                reason: KillReason::ReleaseTimeout,
                generation: Some(holding.generation),
                waited,
            })
        })
    }

    /// The thread that stood still from one pong to another. Silence after the latest pong proves nothing about a thread and
    /// is left to the pings.
    fn stalled(&self, deadlines: &Deadlines) -> Option<Missed> {
        self.threads.iter().enumerate().find_map(|(thread, state)| {
            let waited = self.ponged.saturating_sub(state.stands_since?);
            (waited >= deadlines.stall_timeout).then_some(Missed {
                reason: KillReason::Stalled { thread },
                generation: self.acknowledged,
                waited,
            })
        })
    }

    /// The pong that is overdue.
    fn missed_ping(&self, now: Duration, deadlines: &Deadlines) -> Option<Missed> {
        let waited = now.saturating_sub(self.ponged);
        (waited >= deadlines.stall_timeout).then_some(Missed {
            reason: KillReason::PingTimeout,
            generation: self.acknowledged,
            waited,
        })
    }

    /// Why an answer about the generation has no effect.
    fn not_announced(&self, generation: u64) -> Ignored {
        let expected = self.announced.as_ref().map(|announced| announced.generation);
        Ignored::NotAnnounced { generation, expected }
    }
}

impl Holding {
    /// A generation that may be in use from here on.
    fn new(generation: u64) -> Self {
        Self { generation, superseded: None, released_early: false }
    }
}
