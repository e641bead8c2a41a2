//! What one kind of answer to one prefix has used of its rate.
//!
//! An account is kept as the moment at which everything used will be earned again, so nothing has to be added up as time passes: a moment
//! that has passed is an account without entries. Times are nanoseconds on the caller's clock.

/// A rate, as an account needs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    /// Nanoseconds in which one answer is earned.
    cost: u64,
    /// Nanoseconds that may be used ahead: what goes out at once after silence, one second's answers of the whole server. Not the share's
    /// alone, since chance brings more of a client's queries to one process than to another; a client below the rate is not limited for it.
    ahead: u64,
    /// Nanoseconds of silence, beside those used ahead, that an account may come to owe.
    debt: u64,
}

impl Rate {
    /// One process's share, of `processes`, of so many answers a second; none for 0, which does not limit.
    pub(super) fn new(per_second: u32, processes: u32, window_seconds: u32) -> Option<Self> {
        let per_second = u64::from(per_second);
        let cost = (NANOSECONDS * u64::from(processes.max(1))).checked_div(per_second)?.max(1);
        Some(Self { cost, ahead: cost * per_second, debt: NANOSECONDS * u64::from(window_seconds) })
    }
}

/// One account. Four fit a cache line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Account {
    /// When everything used is earned again.
    pub(super) settled_at: u64,
    /// Which one it is, among those that may stand in its place.
    pub(super) tag: u32,
    /// Answers limited since it stands here, around 2^32.
    limited: u32,
}

impl Account {
    /// One without entries.
    pub(super) fn new(tag: u32) -> Self {
        Self { settled_at: 0, tag, limited: 0 }
    }

    /// Takes an answer's cost; says whether the answer is within the rate. One that is not costs the same, up to the debt an account
    /// may have: who goes on asking stays limited.
    #[inline]
    pub(super) fn take(&mut self, rate: &Rate, now: u64) -> bool {
        let latest = now.saturating_add(rate.ahead);
        let settled_at = self.settled_at.max(now).saturating_add(rate.cost);
        let is_within = settled_at <= latest;
        if is_within {
            self.settled_at = settled_at;
        } else {
            self.settled_at = settled_at.min(latest.saturating_add(rate.debt));
            self.limited = self.limited.wrapping_add(1);
        }
        is_within
    }

    /// Answers limited.
    pub(super) fn limited(&self) -> u32 {
        self.limited
    }
}

/// In a second.
const NANOSECONDS: u64 = 1_000_000_000;

const _: () = assert!(size_of::<Account>() == 16);
