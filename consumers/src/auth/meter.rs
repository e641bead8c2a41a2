//! What stands between an answer and its sending: the rate is looked at, and everything is counted.
//!
//! Read [`Meter`] first. It decides nothing of its own: `limit` says what is beyond the rate, `statistics` keeps the counts.

use std::sync::Arc;
use std::time::Instant;

use super::answer::{Answered, Client, Policy, Summary, slip};
use super::batch::Sent;
use super::limit::{Limiter, Verdict};
use super::statistics::{Block, Way};

/// The meter of one query thread. Its clock is read twice a batch: when it has been received, and when its answers have been sent.
#[derive(Debug)]
pub(super) struct Meter {
    /// Where is counted.
    block: Arc<Block>,
    /// Says what is beyond the rate; `None` limits nothing.
    limiter: Option<Limiter>,
    /// The limiter's time is counted from here.
    began: Instant,
    /// When the batch in hand had been received.
    received: Instant,
    /// The same on the limiter's clock, in nanoseconds.
    now: u64,
}

impl Meter {
    /// Makes one that counts in `block`.
    pub(super) fn new(block: Arc<Block>, limiter: Option<Limiter>) -> Self {
        let began = Instant::now();
        Self { block, limiter, began, received: began, now: 0 }
    }

    /// Begins a batch that has just been received.
    pub(super) fn begin(&mut self) {
        self.received = Instant::now();
        self.now = u64::try_from((self.received - self.began).as_nanos()).unwrap_or(u64::MAX);
    }

    /// Counts a query and the answer that `room` has to it, and gives the octets of `room` to send: those of the answer, or of a truncated
    /// one in its place, or none.
    #[inline]
    pub(super) fn pass(
        &mut self,
        query: &[u8],
        client: &Client,
        policy: &Policy,
        answered: Option<Answered>,
        room: &mut [u8],
    ) -> Option<usize> {
        let block = &*self.block;
        block.note_received(Way::new(client.transport, client.address), query.len());
        let Some(Answered { octets, summary }) = answered else {
            block.note_ignored();
            return None;
        };
        block.note_query(&summary);
        let verdict = match &mut self.limiter {
            Some(limiter) => limiter.judge(self.now, client.address, &summary),
            None => Verdict::Send,
        };
        if verdict == Verdict::Send {
            block.note_answer(&summary, octets);
            return Some(octets);
        }
        self.limit(verdict, Answered { octets, summary }, query, client, policy, room)
    }

    /// Does what is to be done about an answer beyond its rate.
    #[cold]
    fn limit(
        &self,
        verdict: Verdict,
        answered: Answered,
        query: &[u8],
        client: &Client,
        policy: &Policy,
        room: &mut [u8],
    ) -> Option<usize> {
        let block = &*self.block;
        if let Some(limiter) = &self.limiter {
            block.note_network(limiter.network(client.address));
        }
        let instead = match verdict {
            Verdict::Send | Verdict::Leak => Some(answered),
            Verdict::Truncate => slip(query, client, policy, room),
            Verdict::Drop => None,
        };
        let Some(instead) = instead else {
            block.note_limited();
            return None;
        };
        block.note_slipped();
        block.note_answer(&Summary { kind: answered.summary.kind, ..instead.summary }, instead.octets);
        Some(instead.octets)
    }

    /// Ends a batch of so many queries when its answers have been sent.
    pub(super) fn end(&self, queries: usize, sent: &Sent) {
        self.block.note_batch(queries, self.received.elapsed(), sent.sent, sent.dropped);
    }

    /// Counts a reception that failed.
    pub(super) fn note_receive_error(&self) {
        self.block.note_receive_error();
    }
}
