//! Who is to be told of what, and when: [`Notices`], without a clock or a socket. Times are counted from any beginning.
//!
//! ```text
//!              changed                  due                     answered
//! (nothing) ───────────▶ waits for 0 s ─────▶ waits for an answer ─────▶ (nothing)
//!                             ▲                  │ due again: 1, 2, 4 … 60 s later
//!                             └── changed ───────┤
//!                                                └ after TRIES_MAX ─────▶ (nothing)
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use zone_segment::Name;

use super::ChangedZone;
use crate::xfrout::checks::Soa;

/// The notices that were not answered.
#[derive(Debug, Default)]
pub(super) struct Notices {
    /// By number.
    notices: BTreeMap<u64, Notice>,
    /// The number of each, by zone and remote: a remote is told of a zone's last change alone.
    numbers: BTreeMap<(Name, usize), u64>,
    /// When each is due.
    order: BTreeSet<(Duration, u64)>,
    /// The next number; none is used twice.
    next: u64,
}

/// One zone's change, to be told to one remote.
#[derive(Debug)]
struct Notice {
    /// The zone.
    zone: ChangedZone,
    /// The remote, by its place among all.
    remote: usize,
    /// How often it was sent.
    tries: u32,
    /// When it is due.
    due: Duration,
}

/// A notice to be sent now.
#[derive(Clone, Debug)]
pub(super) struct Due {
    /// Its number.
    pub(super) number: u64,
    /// The zone.
    pub(super) apex: Name,
    /// The zone's serial.
    pub(super) serial: u32,
    /// Its SOA record.
    pub(super) soa: Arc<Soa>,
    /// The remote.
    pub(super) remote: usize,
    /// How often it was sent before.
    pub(super) tries: u32,
    /// Whether that was so often that it is given up in place of being sent.
    pub(super) is_given_up: bool,
}

impl Notices {
    /// A zone has changed: a remote is to be told, whatever it was to be told of the zone before. Gives the number of what this takes the place of.
    pub(super) fn changed(&mut self, zone: ChangedZone, remote: usize, now: Duration) -> Option<u64> {
        let key = (zone.apex.clone(), remote);
        let before = self.numbers.get(&key).copied();
        if let Some(number) = before {
            self.remove(number);
        }
        let number = self.next;
        self.next += 1;
        self.numbers.insert(key, number);
        self.order.insert((now, number));
        self.notices.insert(number, Notice { zone, remote, tries: 0, due: now });
        before
    }

    /// When the next one is due.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.order.first().map(|(due, _)| *due)
    }

    /// The one that is due, if one is: it counts as sent, or is gone where it is given up.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<Due> {
        let (due, number) = *self.order.first().filter(|(due, _)| *due <= now)?;
        self.order.remove(&(due, number));
        let notice = self.notices.get_mut(&number)?;
        let zone = &notice.zone;
        let (apex, serial, soa) = (zone.apex.clone(), zone.serial, Arc::clone(&zone.soa));
        let is_given_up = notice.tries >= TRIES_MAX;
        let taken = Due { number, apex, serial, soa, remote: notice.remote, tries: notice.tries, is_given_up };
        if is_given_up {
            self.remove(number);
        } else {
            notice.due = now + wait_after(notice.tries);
            notice.tries += 1;
            self.order.insert((notice.due, number));
        }
        Some(taken)
    }

    /// One was answered; whether it was still waited for.
    pub(super) fn answered(&mut self, number: u64) -> bool {
        self.remove(number)
    }

    /// Whether one is still waited for.
    pub(super) fn is_waiting(&self, number: u64) -> bool {
        self.notices.contains_key(&number)
    }

    /// Takes one out.
    fn remove(&mut self, number: u64) -> bool {
        let Some(notice) = self.notices.remove(&number) else { return false };
        self.order.remove(&(notice.due, number));
        self.numbers.remove(&(notice.zone.apex, notice.remote));
        true
    }
}

/// How long an answer is waited for after so many sent before.
fn wait_after(tries: u32) -> Duration {
    WAIT_MIN.saturating_mul(1u32.checked_shl(tries).unwrap_or(u32::MAX)).min(WAIT_MAX)
}

/// The wait for the first answer.
const WAIT_MIN: Duration = Duration::from_secs(1);

/// The longest wait for an answer.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// How often a notice is sent: for a quarter of an hour. Whoever does not answer by then finds out by the zone's refresh time.
const TRIES_MAX: u32 = 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A change of a zone.
    fn zone(apex: &str, serial: u32) -> ChangedZone {
        ChangedZone { apex: apex.parse().unwrap(), serial, soa: Arc::new(Soa { ttl: 1, rdata: Box::default() }) }
    }

    /// The times at which something is sent, in seconds, with the serial.
    fn sent(notices: &mut Notices, until: u64) -> Vec<(u64, u32)> {
        let mut times = Vec::new();
        while let Some(due) = notices.next_due().filter(|due| due.as_secs() <= until) {
            let taken = notices.take_due(due).unwrap();
            if !taken.is_given_up {
                times.push((due.as_secs(), taken.serial));
            }
        }
        times
    }

    #[test]
    fn b77_a_notice_is_sent_again_with_growing_waits_and_given_up() {
        let mut notices = Notices::default();
        notices.changed(zone("a.", 1), 0, Duration::ZERO);
        let times: Vec<u64> = sent(&mut notices, u64::MAX).into_iter().map(|(time, _)| time).collect();
        assert_eq!(times[..9], [0, 1, 3, 7, 15, 31, 63, 123, 183]);
        assert_eq!(times.len(), TRIES_MAX as usize);
        assert_eq!(notices.next_due(), None);
        assert!(notices.notices.is_empty() && notices.numbers.is_empty());
    }

    #[test]
    fn b77_the_answer_ends_it_and_a_change_begins_anew() {
        let mut notices = Notices::default();
        notices.changed(zone("a.", 1), 0, Duration::ZERO);
        notices.changed(zone("a.", 1), 1, Duration::ZERO);
        let first = notices.take_due(Duration::ZERO).unwrap();
        assert!(notices.answered(first.number) && !notices.answered(first.number));
        assert_eq!(sent(&mut notices, 8), [(0, 1), (1, 1), (3, 1), (7, 1)], "the other one goes on");
        notices.changed(zone("A.", 2), 1, Duration::from_secs(9));
        assert_eq!(sent(&mut notices, 12), [(9, 2), (10, 2), (12, 2)]);
    }

    proptest! {
        #[test]
        fn nothing_is_left_over_or_forgotten(
            steps in prop::collection::vec((0..4u8, 0..3usize, 0..3usize, 0..5u64), 0..200),
        ) {
            let (mut notices, mut now, mut last) = (Notices::default(), Duration::ZERO, None);
            for (step, apex, remote, seconds) in steps {
                match step {
                    0 => drop(notices.changed(zone(["a.", "b.", "c."][apex], 1), remote, now)),
                    1 => now += Duration::from_secs(seconds),
                    2 => last = notices.take_due(now).map(|due| due.number).or(last),
                    _ => drop(last.take().map(|number| notices.answered(number))),
                }
                prop_assert_eq!(notices.notices.len(), notices.order.len());
                prop_assert_eq!(notices.notices.len(), notices.numbers.len());
                prop_assert!(notices.notices.len() <= 9);
            }
        }
    }
}
