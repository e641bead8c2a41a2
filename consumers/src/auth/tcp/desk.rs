//! Where queries are answered: one desk for all connections of a process, since what an answer needs would be most of what they cost.

use std::net::IpAddr;

use zone_segment::ZoneSet;

use super::input::{INPUT_OCTETS, LENGTH_OCTETS, split_message};
use crate::auth::answer::{
    Client, Data, PREPARED_MAX, Policy, Scratch, Transport, failure, is_relayed, is_transfer, prepare, respond_from,
};
use crate::auth::relay::{Awaited, Relay};
use crate::auth::statistics::{Block, Way};

/// The desk.
pub(super) struct Desk {
    /// Where octets are read to.
    pub(super) input: Box<[u8]>,
    /// Where answers are written to, each behind its length.
    pub(super) output: Box<[u8]>,
    /// What an answer needs beside its room, for each query of those that are prepared together.
    scratches: Box<[Scratch]>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            input: vec![0; INPUT_OCTETS].into_boxed_slice(),
            output: vec![0; OUTPUT_OCTETS + LENGTH_OCTETS + MESSAGE_OCTETS_MAX].into_boxed_slice(),
            scratches: vec![Scratch::default(); PREPARED_MAX].into_boxed_slice(),
        }
    }
}

/// What all answers of one turn have in common.
pub(super) struct Turn<'t> {
    /// The current generation; `None` before the first.
    pub(super) zones: Option<&'t ZoneSet>,
    /// What is answered with.
    pub(super) policy: &'t Policy,
    /// Who asks.
    pub(super) address: IpAddr,
    /// The time in seconds since 1970.
    pub(super) now: u32,
    /// How many queries are answered at the most.
    pub(super) queries_max: usize,
    /// Where they are counted: by one at a time, since there is one desk.
    pub(super) counts: &'t Block,
    /// Takes what memmgr answers.
    pub(super) relay: &'t Relay,
    /// Whether the first message, a transfer, is answered here: with SERVFAIL.
    pub(super) takes_transfer: bool,
}

/// What became of the messages.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Octets of input that were answered.
    pub(super) taken: usize,
    /// Octets of output that were written.
    pub(super) written: usize,
    /// Messages that were looked at.
    pub(super) queries: usize,
    /// Whether one of them gets no answer, which ends the connection: its sender is no client.
    pub(super) is_refused: bool,
    /// The answer that memmgr gives to the last message, which comes behind what was written.
    pub(super) awaited: Option<Awaited>,
    /// Whether the next message is a transfer, which is left.
    pub(super) is_transfer_next: bool,
}

impl Turn<'_> {
    /// Answers the whole messages at the beginning of `octets`, in their order, until the output or the turn is full.
    pub(super) fn answer(&self, octets: &[u8], output: &mut [u8], scratches: &mut [Scratch]) -> Done {
        let client = Client { transport: Transport::Tcp, address: self.address, now: self.now };
        let way = Way::new(Transport::Tcp, self.address);
        let mut done = Done::default();
        while done.queries < self.queries_max && done.written < OUTPUT_OCTETS {
            let mut messages: [&[u8]; PREPARED_MAX] = [&[]; PREPARED_MAX];
            let queries_max = self.queries_max - done.queries;
            let count = split_messages(octets.get(done.taken..).unwrap_or_default(), &mut messages, queries_max);
            let messages = messages.get(..count).unwrap_or_default();
            // One query alone has nothing to share the memory's time with.
            let several = self.zones.filter(|_| count > 1);
            let prepared = several.map(|zones| prepare(messages.iter().copied(), zones, scratches)).unwrap_or_default();
            for ((message, scratch), closest) in messages.iter().zip(scratches.iter_mut()).zip(prepared) {
                if done.written >= OUTPUT_OCTETS {
                    return done;
                }
                if is_transfer(message) && !(self.takes_transfer && done.queries == 0) {
                    done.is_transfer_next = true;
                    return done;
                }
                done.queries += 1;
                let is_relayed = is_relayed(message);
                if is_relayed && let Some(awaited) = self.relay.take_message(message, self.address) {
                    done.taken += LENGTH_OCTETS + message.len();
                    done.awaited = Some(awaited);
                    return done;
                }
                let room = output.get_mut(done.written..).unwrap_or_default();
                let Some((length, room)) = room.split_first_chunk_mut::<LENGTH_OCTETS>() else { return done };
                let answered = match is_relayed {
                    true => failure(message, &client, self.policy, room),
                    false => {
                        let data = self.zones.map(|zones| Data { zones, closest });
                        respond_from(message, data, &client, self.policy, room, scratch)
                    }
                };
                self.counts.note_exchange(way, message.len(), answered.as_ref());
                let Some(octets) = answered.and_then(|answered| u16::try_from(answered.octets).ok()) else {
                    done.is_refused = true;
                    return done;
                };
                *length = octets.to_be_bytes();
                done.written += LENGTH_OCTETS + usize::from(octets);
                done.taken += LENGTH_OCTETS + message.len();
            }
            if count == 0 {
                break;
            }
        }
        done
    }
}

/// Finds the whole messages at the beginning of `octets`, at most so many, and gives their number.
fn split_messages<'o>(octets: &'o [u8], messages: &mut [&'o [u8]], count_max: usize) -> usize {
    let mut rest = octets;
    let mut count = 0;
    for place in messages.iter_mut().take(count_max) {
        let Some((message, behind)) = split_message(rest) else { break };
        *place = message;
        rest = behind;
        count += 1;
    }
    count
}

impl Desk {
    /// Answers the whole messages in so much of the desk's own input.
    pub(super) fn answer_own(&mut self, turn: &Turn<'_>, filled: usize) -> Done {
        turn.answer(self.input.get(..filled).unwrap_or_default(), &mut self.output, &mut self.scratches)
    }

    /// Answers the whole messages in what a connection kept.
    pub(super) fn answer_kept(&mut self, turn: &Turn<'_>, octets: &[u8]) -> Done {
        turn.answer(octets, &mut self.output, &mut self.scratches)
    }
}

/// Answers gathered before they are written: pipelined queries share a write, and a client that does not read costs this and one answer.
pub(super) const OUTPUT_OCTETS: usize = 64 * 1024;

/// The longest message.
const MESSAGE_OCTETS_MAX: usize = u16::MAX as usize;
