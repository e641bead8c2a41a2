//! What a process has done, counted where it is done: each thread that answers has a [`Block`] of its own, so that counting is an addition in
//! its own caches, and whoever gathers only reads.
//!
//! Read [`Block`] first; `gather` turns blocks into what the bus carries. Counts of one block are read one after the other while they grow:
//! those of one moment agree, as after a test has its answers, and otherwise to within what is under way.

mod counter;
mod gather;
mod histogram;
#[cfg(test)]
mod tests;

use std::array;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dns::types::Rtype;

use super::answer::{Answered, Kind, Summary, Transport};
use super::limit::Network;
use counter::{Counter, add_at};
use histogram::{Lengths, Times};

pub use gather::gather;

/// The counts of one thread, which alone writes them.
#[derive(Debug)]
#[repr(align(64))]
pub struct Block {
    /// Messages received, by [`Way`].
    received: [Counter; Way::COUNT],
    /// Of these, those that are no query.
    ignored: Counter,
    /// Queries by QTYPE; the last place is for all others.
    types: [Counter; TYPES + 1],
    /// Queries by opcode, which has four bits.
    opcodes: [Counter; 16],
    /// Queries by what they ask for beside their question: a bit for each of [`ASKED_FLAGS`].
    asked: [Counter; 1 << ASKED_FLAGS.len()],
    /// Answers by RCODE; the last place is for all others.
    rcodes: [Counter; RCODES + 1],
    /// Answers by kind.
    kinds: [Counter; KINDS.len()],
    /// Answers by their flags: a bit for each of [`ANSWERED_FLAGS`].
    answered: [Counter; 1 << ANSWERED_FLAGS.len()],
    /// Queries without an answer because of their rate.
    limited: Counter,
    /// Queries beyond their rate, with one.
    slipped: Counter,
    /// Where the last one of both was to go.
    network: AtomicU64,
    /// Answers handed to the kernel; over UDP alone.
    sent: Counter,
    /// Answers that could not be.
    unsent: Counter,
    /// Receptions that failed.
    receive_errors: Counter,
    /// Messages received by length.
    query_octets: Lengths,
    /// Answers by length.
    answer_octets: Lengths,
    /// Queries by how long they were in hand.
    latency: Times,
}

impl Default for Block {
    fn default() -> Self {
        Self {
            received: zeroes(),
            ignored: Counter::default(),
            types: zeroes(),
            opcodes: zeroes(),
            asked: zeroes(),
            rcodes: zeroes(),
            kinds: zeroes(),
            answered: zeroes(),
            limited: Counter::default(),
            slipped: Counter::default(),
            network: AtomicU64::new(0),
            sent: Counter::default(),
            unsent: Counter::default(),
            receive_errors: Counter::default(),
            query_octets: Lengths::default(),
            answer_octets: Lengths::default(),
            latency: Times::default(),
        }
    }
}

impl Block {
    /// Counts a message and the answer that goes out to it, if any.
    #[inline]
    pub fn note_exchange(&self, way: Way, octets: usize, answered: Option<&Answered>) {
        self.note_received(way, octets);
        match answered {
            Some(Answered { octets, summary }) => {
                self.note_query(summary);
                self.note_answer(summary, *octets);
            }
            None => self.note_ignored(),
        }
    }

    /// Counts a message that was received.
    #[inline]
    pub fn note_received(&self, way: Way, octets: usize) {
        add_at(&self.received, way.place(), 1);
        self.query_octets.note(octets);
    }

    /// Counts a message as one that gets no answer, since it is no query.
    #[inline]
    pub fn note_ignored(&self) {
        self.ignored.add(1);
    }

    /// Counts a query, whatever became of its answer.
    #[inline]
    pub fn note_query(&self, answer: &Summary) {
        // Without a question there is no type.
        let rtype = answer.rtype.map_or(TYPES, |Rtype(number)| usize::from(number));
        add_at(&self.types, rtype, 1);
        add_at(&self.opcodes, usize::from(answer.opcode.0), 1);
        add_at(&self.asked, bits([answer.has_edns, answer.is_dnssec_ok, answer.has_valid_cookie]), 1);
    }

    /// Counts an answer that goes out.
    #[inline]
    pub fn note_answer(&self, answer: &Summary, octets: usize) {
        add_at(&self.rcodes, usize::from(answer.rcode.0), 1);
        add_at(&self.kinds, kind_place(answer.kind), 1);
        add_at(&self.answered, bits([answer.is_authoritative, answer.is_truncated]), 1);
        self.answer_octets.note(octets);
    }

    /// Counts a query that gets no answer because of its rate.
    #[inline]
    pub fn note_limited(&self) {
        self.limited.add(1);
    }

    /// Counts a query that gets one, truncated or as an error, though it is beyond its rate.
    #[inline]
    pub fn note_slipped(&self) {
        self.slipped.add(1);
    }

    /// Notes where a query came from that is beyond its rate.
    #[inline]
    pub fn note_network(&self, network: Network) {
        self.network.store(network.to_word(), Ordering::Relaxed);
    }

    /// Counts a batch: how many queries it had, how long they were in hand, and what became of its answers.
    #[inline]
    pub fn note_batch(&self, queries: usize, took: Duration, sent: usize, unsent: usize) {
        self.latency.note(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), queries as u64);
        self.sent.add(sent as u64);
        self.unsent.add(unsent as u64);
    }

    /// Counts a reception that failed.
    pub fn note_receive_error(&self) {
        self.receive_errors.add(1);
    }

    /// Messages received.
    pub fn received(&self) -> u64 {
        self.received.iter().map(Counter::value).sum()
    }

    /// Answers handed to the kernel.
    pub fn sent(&self) -> u64 {
        self.sent.value()
    }

    /// Answers that could not be handed to the kernel.
    pub fn unsent(&self) -> u64 {
        self.unsent.value()
    }

    /// Receptions that failed.
    pub fn receive_errors(&self) -> u64 {
        self.receive_errors.value()
    }

    /// Queries that got no answer because of their rate.
    pub fn limited(&self) -> u64 {
        self.limited.value()
    }

    /// Queries beyond their rate that got one.
    pub fn slipped(&self) -> u64 {
        self.slipped.value()
    }

    /// Where the last query beyond its rate came from; of no meaning before there was one.
    pub fn network(&self) -> Network {
        Network::from_word(self.network.load(Ordering::Relaxed))
    }
}

/// How a message came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Way {
    /// In a datagram or in a stream.
    pub transport: Transport,
    /// Whether over IPv4; else over IPv6.
    pub is_ipv4: bool,
}

impl Way {
    /// How many ways there are.
    const COUNT: usize = 4;

    /// The way of a message from `address`.
    pub fn new(transport: Transport, address: IpAddr) -> Self {
        Self { transport, is_ipv4: address.to_canonical().is_ipv4() }
    }

    /// Its place in a table.
    fn place(self) -> usize {
        bits([!self.is_ipv4, self.transport == Transport::Tcp])
    }
}

/// What each way is called, by its place.
const WAYS: [&str; Way::COUNT] = ["udp-ipv4", "udp-ipv6", "tcp-ipv4", "tcp-ipv6"];

/// What each kind of answer is called, by its place.
const KINDS: [&str; 6] = ["positive", "wildcard", "referral", "nodata", "nxdomain", "error"];

/// A kind's place.
fn kind_place(kind: Kind) -> usize {
    match kind {
        Kind::Positive => 0,
        Kind::Wildcard => 1,
        Kind::Referral => 2,
        Kind::NoData => 3,
        Kind::NxDomain => 4,
        Kind::Error => 5,
    }
}

/// What is counted of a query beside its question, by bit.
const ASKED_FLAGS: [&str; 3] = ["edns", "dnssec-ok", "cookie"];

/// What is counted of an answer's flags, by bit.
const ANSWERED_FLAGS: [&str; 2] = ["authoritative", "truncated"];

/// Types that have a place of their own: all below 256, and those behind them that are in use (CAA is 257).
const TYPES: usize = 264;

/// RCODEs that have a place of their own: up to BADCOOKIE, which is 23.
const RCODES: usize = 24;

/// Flags as bits, the first one lowest.
fn bits<const N: usize>(flags: [bool; N]) -> usize {
    flags.into_iter().rev().fold(0, |bits, flag| bits << 1 | usize::from(flag))
}

/// A table of counters at 0.
fn zeroes<const N: usize>() -> [Counter; N] {
    array::from_fn(|_| Counter::default())
}
