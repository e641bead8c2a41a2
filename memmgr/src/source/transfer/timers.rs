//! When a secondary zone's primaries are asked, and which (RFC 1034, section 4.3.5; RFC 1996, section 3.11): [`Schedule`].
//!
//! ```text
//!            due, NOTIFY                 none of them could be taken
//!  waiting ──────────────► asking the first ──► the next ──► … ──────► waiting for the retry interval
//!     ▲                        │                  │
//!     └── refresh interval ◄───┴── up to date, or taken
//! ```
//!
//! Time comes in as what has passed since some moment; what a schedule does follows from that, its events and its seed alone. Beside all of it data
//! expires when no primary could be asked for the zone's expire interval.

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64_with_seed;

#[cfg(test)]
mod tests;

/// The shortest interval, whatever an SOA record says: a zone is not asked for more often than once a second.
pub(crate) const INTERVAL_MIN: Duration = Duration::from_secs(1);

/// The longest refresh interval: four weeks.
pub(crate) const REFRESH_MAX: Duration = Duration::from_secs(28 * 24 * 3600);

/// The longest retry interval: two weeks.
pub(crate) const RETRY_MAX: Duration = Duration::from_secs(14 * 24 * 3600);

/// The longest expire interval: 24 weeks.
pub(crate) const EXPIRE_MAX: Duration = Duration::from_secs(24 * 7 * 24 * 3600);

/// A zone that never had data is asked for again after this long, then after twice as long each time.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// The longest that becomes.
const FIRST_RETRY_MAX: Duration = Duration::from_secs(600);

/// By up to this part of it an interval is shortened, so that zones that were asked for together do not stay together.
const JITTER_PART: u32 = 4;

/// The intervals of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Intervals {
    /// Between two questions whether there is anything new.
    pub(crate) refresh: Duration,
    /// The same when the first was not answered.
    pub(crate) retry: Duration,
    /// How long data is good without an answer.
    pub(crate) expire: Duration,
}

impl Intervals {
    /// Those in the RDATA of an SOA record, within bounds; data never expires before it could be asked for twice.
    pub(crate) fn of_soa(rdata: &[u8]) -> Option<Self> {
        let numbers = rdata.last_chunk::<20>()?;
        let seconds = |at: usize| {
            let octets = numbers.get(at..)?.first_chunk::<4>()?;
            Some(Duration::from_secs(u64::from(u32::from_be_bytes(*octets))))
        };
        let (refresh, retry, expire) = (seconds(4)?, seconds(8)?, seconds(12)?);
        let refresh = refresh.clamp(INTERVAL_MIN, REFRESH_MAX);
        let retry = retry.clamp(INTERVAL_MIN, RETRY_MAX);
        Some(Intervals { refresh, retry, expire: expire.clamp(refresh + retry, EXPIRE_MAX) })
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A primary is to be asked. [`Schedule::succeeded`] or [`Schedule::failed`] tells what came of it, before anything else is asked.
    Ask {
        /// Which, by its place among them.
        primary: usize,
        /// Whether the whole zone is wanted, whatever its serial is.
        is_whole: bool,
    },
    /// The data is too old to be served.
    Expire,
}

/// What a schedule waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// For a time.
    Waiting {
        /// Which.
        until: Duration,
        /// The primary to begin with.
        first: usize,
    },
    /// For what comes of a question.
    Asking {
        /// The primary begun with.
        first: usize,
        /// Primaries asked before this one.
        tried: usize,
    },
}

/// When a zone's primaries are asked.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    /// How many primaries there are; one at the least.
    primaries: usize,
    /// Where jitter comes from.
    seed: u64,
    /// How often it was drawn.
    draws: u64,
    /// The zone's intervals; none while it never had data.
    intervals: Option<Intervals>,
    /// When its data expires; none where it has none, or where that has happened.
    expires: Option<Duration>,
    /// What it waits for.
    state: State,
    /// Rounds that failed, one after the other.
    failures: u32,
    /// Whether the whole zone is wanted.
    is_whole: bool,
    /// Another round is wanted after this one, and the primary to begin with.
    again: Option<usize>,
}

impl Schedule {
    /// One of a zone without data: its primaries are asked at once.
    pub(crate) fn new(primaries: usize, seed: u64) -> Self {
        Schedule {
            primaries: primaries.max(1),
            seed,
            draws: 0,
            intervals: None,
            expires: None,
            state: State::Waiting { until: Duration::ZERO, first: 0 },
            failures: 0,
            is_whole: false,
            again: None,
        }
    }

    /// The zone has data that is good for so much longer. Its primaries are asked at once all the same: word of a change may have come while nobody was
    /// there to hear it. Data of which that is not known did not come from them: all of the zone is wanted then.
    pub(crate) fn with_data(mut self, intervals: Intervals, left: Option<Duration>, now: Duration) -> Self {
        self.intervals = Some(intervals);
        // A clock that was set back makes nothing good for longer.
        self.expires = Some(now + left.unwrap_or(intervals.expire).min(intervals.expire));
        self.is_whole = left.is_none();
        self
    }

    /// The data is not to be served any more, whatever its age is.
    pub(crate) fn expire(&mut self) {
        self.expires = None;
    }

    /// The zone's data has expired.
    pub(crate) fn expired(mut self, intervals: Intervals) -> Self {
        (self.intervals, self.expires) = (Some(intervals), None);
        self
    }

    /// When there is something to be done next; none while a question is out and no data can expire.
    pub(crate) fn due(&self) -> Option<Duration> {
        let asks = match self.state {
            State::Waiting { until, .. } => Some(until),
            State::Asking { .. } => None,
        };
        asks.into_iter().chain(self.expires).min()
    }

    /// When the data expires.
    pub(crate) fn expires(&self) -> Option<Duration> {
        self.expires
    }

    /// When a primary is asked next; none while one is asked.
    pub(crate) fn next_round(&self) -> Option<Duration> {
        match self.state {
            State::Waiting { until, .. } => Some(until),
            State::Asking { .. } => None,
        }
    }

    /// What is to be done, if anything is. To be asked until there is nothing.
    pub(crate) fn poll(&mut self, now: Duration) -> Option<Action> {
        if self.expires.is_some_and(|expires| expires <= now) {
            self.expires = None;
            return Some(Action::Expire);
        }
        match self.state {
            State::Waiting { until, first } if until <= now => {
                self.state = State::Asking { first, tried: 0 };
                Some(Action::Ask { primary: first, is_whole: self.is_whole })
            }
            _ => None,
        }
    }

    /// Word came that there may be something new, from the primary in this place where it is known to be one: the round begins at once, with that one.
    /// While one is under way, another follows it: what the primary asked has may be older than what was heard of.
    pub(crate) fn notified(&mut self, from: Option<usize>, now: Duration) {
        let first = from.filter(|primary| *primary < self.primaries).unwrap_or(0);
        match self.state {
            State::Waiting { until, .. } => self.state = State::Waiting { until: until.min(now), first },
            State::Asking { .. } => self.again = Some(first),
        }
    }

    /// The whole zone is wanted, whatever serial the primaries have; at once.
    pub(crate) fn retransfer(&mut self, now: Duration) {
        self.is_whole = true;
        self.notified(None, now);
    }

    /// The primary asked was up to date with what is served, or what it sent is: the zone is good again for its expire interval. `was_whole` is what the action
    /// said.
    pub(crate) fn succeeded(&mut self, intervals: Intervals, was_whole: bool, now: Duration) {
        (self.intervals, self.expires) = (Some(intervals), Some(now + intervals.expire));
        self.failures = 0;
        // Asked for meanwhile, it is yet to come.
        self.is_whole &= !was_whole;
        self.wait(intervals.refresh, now);
    }

    /// Nothing could be taken from the primary asked: the next one is asked, or all of them again after the retry interval.
    pub(crate) fn failed(&mut self, now: Duration) -> Option<Action> {
        if let State::Asking { first, tried } = self.state
            && tried + 1 < self.primaries
        {
            self.state = State::Asking { first, tried: tried + 1 };
            let primary = (first + tried + 1) % self.primaries;
            return Some(Action::Ask { primary, is_whole: self.is_whole });
        }
        let first_retry = FIRST_RETRY.saturating_mul(1 << self.failures.min(16)).min(FIRST_RETRY_MAX);
        self.failures = self.failures.saturating_add(1);
        self.wait(self.intervals.map_or(first_retry, |intervals| intervals.retry), now);
        None
    }

    /// Waits for an interval, or for nothing where another round is wanted.
    fn wait(&mut self, interval: Duration, now: Duration) {
        let until = now + self.shortened(interval);
        self.state = match self.again.take() {
            Some(first) => State::Waiting { until: now, first },
            None => State::Waiting { until, first: 0 },
        };
    }

    /// An interval less some of it.
    fn shortened(&mut self, interval: Duration) -> Duration {
        self.draws += 1;
        let drawn = xxh3_64_with_seed(&self.draws.to_le_bytes(), self.seed) >> 32;
        // Of 2^32 as many parts; an interval has far fewer nanoseconds than 2^64 of them.
        let part = ((interval / JITTER_PART).as_nanos() * u128::from(drawn)) >> 32;
        interval - Duration::from_nanos(u64::try_from(part).unwrap_or(0))
    }
}
