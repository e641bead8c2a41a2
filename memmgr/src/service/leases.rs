//! Leases: what readers keep for longer than a generation may be held, such as a transfer that lasts.
//!
//! [`Leases`] is the book, without clock or bus. A lease is no part of the rotation: its reader has let go of the generation, later ones
//! come and go, and files are unlinked as ever. What is left to see to is that leases are bounded: in number, in octets, and in time
//! without progress. As everywhere, safety does not depend on any of it, since a reader has its layers by descriptor.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

use bus::protocol::control::ConsumerStatus;
use bus::protocol::reader::{KeptLayer, Leased, ToReader};
use bus::{Address, Message, Recipient};
use tracing::{info, warn};

use super::Service;
use crate::generation::State;
use crate::rotation::ReaderId;

/// Leases in all. Beyond it a transfer is told to come again: each has a client, and may have layers of its own.
pub(super) const LEASES_MAX: usize = 512;

/// Leases of one reader, so that none takes them all: each transfer of a zone that is longer than a message has one.
pub(super) const LEASES_A_READER_MAX: usize = 256;

/// How often the octets served all leases together may keep, should every layer of them be replaced: two whole versions besides.
const SERVED_TIMES_MAX: u64 = 2;

/// What they may keep besides, so that little data does not mean few versions.
const OCTETS_BESIDES: u64 = 64 << 20;

/// The most that one look at the clock lets pass for a lease: time that memmgr did not run is held against none, and what lies unread
/// is read before the next look.
const STEP_MAX: Duration = Duration::from_millis(100);

/// Every lease.
#[derive(Debug, Default)]
pub(super) struct Leases {
    /// By whose it is and its number there.
    held: BTreeMap<(Address, u64), Lease>,
    /// The time that has passed, as it counts.
    clock: Duration,
    /// When that was looked at last.
    looked: Option<Instant>,
}

/// One lease.
#[derive(Debug)]
struct Lease {
    /// The generation.
    generation: u64,
    /// Its layers, with their lengths.
    layers: BTreeMap<u64, u64>,
    /// When it last made progress.
    renewed: Duration,
}

/// A lease that made no progress for too long.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lapsed {
    /// Whose.
    pub(super) reader: Address,
    /// Its number there.
    pub(super) lease: u64,
    /// The generation.
    pub(super) generation: u64,
    /// How long there was none.
    pub(super) waited: Duration,
}

/// Leases as operators are shown them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// How many.
    pub(super) leases: u64,
    /// Octets of layers that no generation alive has.
    pub(super) octets: u64,
}

/// Why there is no lease.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LeaseError {
    /// The generation is none that the reader answers from or has still in use.
    NotHeld {
        /// It.
        generation: u64,
    },
    /// It has a lease of this number.
    Taken {
        /// The number.
        lease: u64,
    },
    /// There are too many.
    TooMany {
        /// Whose: all, or this reader's.
        whose: &'static str,
        /// How many there may be.
        expected_max: usize,
    },
    /// They could keep too much.
    TooLong {
        /// What they may keep.
        expected_max: u64,
        /// What they could.
        found: u64,
    },
}

impl fmt::Display for LeaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHeld { generation } => write!(f, "generation {generation} is not held by this reader"),
            Self::Taken { lease } => write!(f, "this reader has a lease with number {lease} already"),
            Self::TooMany { whose, expected_max } => write!(f, "{whose} leases are at their limit of {expected_max}"),
            Self::TooLong { expected_max, found } => {
                write!(f, "with this one leases could keep {found} octets of older data, of at most {expected_max}")
            }
        }
    }
}

impl Leases {
    /// Takes one in.
    ///
    /// # Errors
    ///
    /// [`LeaseError`] when that would be one too many, or too much: `served` are the octets of the newest generation, none for a lease
    /// that is in use already, since its refusal would give nothing back.
    pub(super) fn take(
        &mut self,
        reader: Address,
        lease: u64,
        generation: u64,
        layers: BTreeMap<u64, u64>,
        served: Option<u64>,
    ) -> Result<(), LeaseError> {
        if let Some(held) = self.held.get_mut(&(reader, lease)) {
            if served.is_some() {
                return Err(LeaseError::Taken { lease });
            }
            // Said twice, since the answer came late.
            held.renewed = self.clock;
            return Ok(());
        }
        if self.held.len() >= LEASES_MAX {
            return Err(LeaseError::TooMany { whose: "all", expected_max: LEASES_MAX });
        }
        if self.of(&reader).count() >= LEASES_A_READER_MAX {
            return Err(LeaseError::TooMany { whose: "this reader's", expected_max: LEASES_A_READER_MAX });
        }
        // Counted as if none of their layers were in any generation, which is what becomes of them: it stays true then.
        let found = octets(self.held.values().map(|lease| &lease.layers).chain([&layers]), &BTreeSet::new());
        let expected_max =
            served.map_or(u64::MAX, |served| served.saturating_mul(SERVED_TIMES_MAX).saturating_add(OCTETS_BESIDES));
        if found > expected_max {
            return Err(LeaseError::TooLong { expected_max, found });
        }
        self.held.insert((reader, lease), Lease { generation, layers, renewed: self.clock });
        Ok(())
    }

    /// Notes that one made progress; whether there is such a one.
    pub(super) fn renew(&mut self, reader: &Address, lease: u64) -> bool {
        let found = self.held.get_mut(&(*reader, lease));
        found.map(|lease| lease.renewed = self.clock).is_some()
    }

    /// Lets one go. One that has ended already is as good.
    pub(super) fn end(&mut self, reader: &Address, lease: u64) {
        self.held.remove(&(*reader, lease));
    }

    /// Lets go of all of a connection.
    pub(super) fn disconnected(&mut self, reader: &Address) {
        self.held.retain(|(whose, _), _| whose != reader);
    }

    /// Looks at the clock and takes out those without progress for this long.
    pub(super) fn judge(&mut self, now: Instant, timeout: Duration) -> Vec<Lapsed> {
        let passed = self.looked.replace(now).map_or(Duration::ZERO, |looked| now.saturating_duration_since(looked));
        self.clock += passed.min(STEP_MAX);
        let clock = self.clock;
        let lapsed = self.held.extract_if(.., |_, lease| clock.saturating_sub(lease.renewed) >= timeout);
        lapsed
            .map(|((reader, number), lease)| {
                let waited = clock.saturating_sub(lease.renewed);
                Lapsed { reader, lease: number, generation: lease.generation, waited }
            })
            .collect()
    }

    /// What a reader's come to, beside the layers that generations have.
    pub(super) fn standing(&self, reader: &Address, alive: &BTreeSet<u64>) -> Standing {
        let octets = octets(self.of(reader).map(|lease| &lease.layers), alive);
        Standing { leases: self.of(reader).count() as u64, octets }
    }

    /// Those of a reader.
    fn of(&self, reader: &Address) -> impl Iterator<Item = &Lease> {
        self.held.range((*reader, 0)..=(*reader, u64::MAX)).map(|(_, lease)| lease)
    }
}

impl Service {
    /// A reader asks for a lease.
    pub(super) fn lease(
        &mut self,
        message: &Message,
        reader: ReaderId,
        lease: u64,
        generation: u64,
        kept: Option<Vec<KeptLayer>>,
    ) {
        let (layers, served) = match (kept, self.states.get(&generation)) {
            (None, Some(state)) if self.is_held(reader, generation) => {
                (layers_of(state), self.states.values().next_back().map(|newest| newest.bytes()))
            }
            (None, _) => return self.refuse_lease(message, lease, &LeaseError::NotHeld { generation }),
            // From before the connection, or memmgr, began: what the reader says is all that is known of it.
            (Some(kept), _) => (kept.iter().map(|layer| (layer.id, layer.octets)).collect(), None),
        };
        if let Err(error) = self.leases.take(message.from, lease, generation, layers, served) {
            return self.refuse_lease(message, lease, &error);
        }
        info!(reader = %message.from, lease, generation, "lease-begun");
        let timeout_ms = self.options.lease_timeout_ms;
        self.answer(message, &Leased { timeout_ms });
    }

    /// There is no lease.
    fn refuse_lease(&self, message: &Message, lease: u64, error: &LeaseError) {
        warn!(reader = %message.from, lease, %error, "lease-refused");
        self.refuse(message, &error.to_string());
    }

    /// Whether a reader acknowledged a generation and has not released it.
    fn is_held(&self, reader: ReaderId, generation: u64) -> bool {
        let statuses = self.rotation.readers();
        let status = statuses.iter().find(|status| status.reader == reader);
        status.is_some_and(|status| {
            status.acknowledged.is_some_and(|newest| generation <= newest) && status.holding.contains(&generation)
        })
    }

    /// A lease makes progress.
    pub(super) fn renew(&mut self, reader: &Address, lease: u64) {
        if !self.leases.renew(reader, lease) {
            self.tell_ended(*reader, lease, "there is no such lease");
        }
    }

    /// Ends leases without progress, and nothing else of their readers.
    pub(super) fn judge_leases(&mut self) {
        let timeout = Duration::from_millis(self.options.lease_timeout_ms);
        for Lapsed { reader, lease, generation, waited } in self.leases.judge(Instant::now(), timeout) {
            let waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
            warn!(%reader, lease, generation, waited_ms, "lease-ended");
            self.tell_ended(reader, lease, &format!("no progress for {waited_ms} ms"));
        }
    }

    /// Tells a reader that a lease has ended.
    fn tell_ended(&self, reader: Address, lease: u64, reason: &str) {
        let ended = ToReader::LeaseEnded { lease, reason: reason.to_owned() };
        if let Err(error) = self.client.send(&Recipient::Address(reader), &ended, &[]) {
            warn!(%error, to = %reader, "answer-not-sent");
        }
    }

    /// The readers as operators are shown them.
    pub(super) fn consumer_statuses(&self) -> Vec<ConsumerStatus> {
        let layers = self.states.values().flat_map(|state| state.contents.layers());
        let alive: BTreeSet<u64> = layers.map(|layer| layer.id.0).collect();
        self.readers.statuses(&self.rotation.readers(), |address| self.leases.standing(address, &alive))
    }
}

/// A generation's layers with their lengths.
fn layers_of(state: &State) -> BTreeMap<u64, u64> {
    state.contents.layers().map(|layer| (layer.id.0, layer.length())).collect()
}

/// The lengths of layers, each once, without those of these numbers.
fn octets<'a>(layers: impl Iterator<Item = &'a BTreeMap<u64, u64>>, without: &BTreeSet<u64>) -> u64 {
    let each: BTreeMap<u64, u64> = layers.flatten().map(|(id, length)| (*id, *length)).collect();
    each.iter().filter(|(id, _)| !without.contains(id)).map(|(_, length)| *length).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The address of a reader.
    fn reader(number: u64) -> Address {
        format!("3f2a90c1d4e57b86-{number}").parse().unwrap()
    }

    /// Layers, all of one length.
    fn layers(ids: impl IntoIterator<Item = u64>, length: u64) -> BTreeMap<u64, u64> {
        ids.into_iter().map(|id| (id, length)).collect()
    }

    #[test]
    fn leases_are_bounded_in_number_for_each_reader_and_for_all() {
        let mut leases = Leases::default();
        let full = |whose, expected_max| Err(LeaseError::TooMany { whose, expected_max });
        let (max, a_reader) = (LEASES_MAX as u64, LEASES_A_READER_MAX as u64);
        for number in 0..max {
            let (whose, lease) = (reader(1 + number / a_reader), number % a_reader);
            assert_eq!(leases.take(whose, lease, 1, layers([1], 1), Some(1)), Ok(()), "{number}");
            if lease == a_reader - 1 && number != max - 1 {
                assert_eq!(
                    leases.take(whose, a_reader, 1, layers([1], 1), Some(1)),
                    full("this reader's", LEASES_A_READER_MAX)
                );
            }
        }
        assert_eq!(leases.take(reader(9), 1, 1, layers([1], 1), Some(1)), full("all", LEASES_MAX));
        leases.end(&reader(1), 5);
        assert_eq!(leases.take(reader(2), 7, 1, layers([1], 1), Some(1)), Err(LeaseError::Taken { lease: 7 }));
        assert_eq!(leases.take(reader(2), 7, 1, layers([1], 1), None), Ok(()), "asked again");
        assert_eq!(leases.take(reader(9), 1, 1, layers([1], 1), Some(1)), Ok(()));
        leases.disconnected(&reader(1));
        assert_eq!(leases.held.len(), 1 + LEASES_A_READER_MAX);
    }

    #[test]
    fn leases_are_bounded_in_octets_and_count_a_layer_once() {
        let mut leases = Leases::default();
        let served = 10 << 20;
        // 2 x 10 MiB + 64 MiB are eight layers of 10 MiB, and no ninth.
        for lease in 0..8 {
            assert_eq!(leases.take(reader(lease % 2), lease, 1, layers([lease], served), Some(served)), Ok(()));
        }
        let (expected_max, found) = (84 << 20, 90 << 20);
        let more = leases.take(reader(3), 1, 1, layers([8], served), Some(served));
        assert_eq!(more, Err(LeaseError::TooLong { expected_max, found }));
        assert_eq!(leases.take(reader(3), 1, 1, layers(0..8, served), Some(served)), Ok(()), "they are kept anyway");
        assert_eq!(leases.standing(&reader(3), &BTreeSet::from([6, 7])), Standing { leases: 1, octets: 6 * served });
        assert_eq!(leases.standing(&reader(4), &BTreeSet::new()), Standing::default());
    }

    #[test]
    fn b31_a_lease_without_progress_ends_alone() {
        let (mut leases, begun, timeout) = (Leases::default(), Instant::now(), Duration::from_secs(1));
        let at = |ms| begun + Duration::from_millis(ms);
        leases.judge(begun, timeout);
        for lease in [1, 2] {
            leases.take(reader(1), lease, 7, layers([1], 1), Some(1)).unwrap();
        }
        for ms in (50..1000).step_by(50) {
            assert!(leases.renew(&reader(1), 1));
            assert_eq!(leases.judge(at(ms), timeout), [], "after {ms} ms");
        }
        let lapsed = Lapsed { reader: reader(1), lease: 2, generation: 7, waited: timeout };
        assert_eq!(leases.judge(at(1000), timeout), [lapsed]);
        assert!(leases.renew(&reader(1), 1));
        assert!(!leases.renew(&reader(1), 2));
    }

    #[test]
    fn time_that_memmgr_did_not_run_is_held_against_no_lease() {
        let (mut leases, begun, timeout) = (Leases::default(), Instant::now(), Duration::from_secs(1));
        leases.judge(begun, timeout);
        leases.take(reader(1), 1, 7, layers([1], 1), Some(1)).unwrap();
        let later = begun + Duration::from_secs(3600);
        assert_eq!(leases.judge(later, timeout), []);
        // What lay unread.
        leases.renew(&reader(1), 1);
        assert_eq!(leases.judge(later + Duration::from_millis(25), timeout), []);
    }
}
