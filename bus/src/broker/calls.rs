//! Requests without a reply: [`Calls`]. Who waits, for whom, until when; no I/O, time comes in.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use crate::address::Address;

/// A request: who makes it, and the id that the caller gave it.
pub(super) type CallId = (Address, u64);

/// One request.
#[derive(Debug)]
struct Call {
    /// Who has it and may still reply.
    callees: BTreeSet<Address>,
    /// When the caller stops waiting.
    deadline: Instant,
}

/// Every request in flight, found by each of its ends and by its deadline.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// The requests. In order, so that those of one caller stand together.
    calls: BTreeMap<CallId, Call>,
    /// The requests that each callee has.
    by_callee: HashMap<Address, BTreeSet<CallId>>,
    /// How many requests each caller has made.
    by_caller: HashMap<Address, usize>,
    /// The requests in the order of their deadlines.
    deadlines: BTreeSet<(Instant, CallId)>,
}

impl Calls {
    /// Whether the caller has such a request in flight.
    pub(super) fn contains(&self, id: CallId) -> bool {
        self.calls.contains_key(&id)
    }

    /// How many requests a caller has in flight.
    pub(super) fn count(&self, caller: Address) -> usize {
        self.by_caller.get(&caller).copied().unwrap_or(0)
    }

    /// A request goes to `callees`. The id must not be in flight.
    pub(super) fn open(&mut self, id: CallId, callees: &[Address], deadline: Instant) {
        for callee in callees {
            self.by_callee.entry(*callee).or_default().insert(id);
        }
        *self.by_caller.entry(id.0).or_default() += 1;
        self.deadlines.insert((deadline, id));
        let previous = self.calls.insert(id, Call { callees: callees.iter().copied().collect(), deadline });
        assert!(previous.is_none(), "a request id used twice");
    }

    /// `callee` replies: true if it was asked and is the first to do so; the request has ended then.
    pub(super) fn reply(&mut self, id: CallId, callee: Address) -> bool {
        let is_asked = self.calls.get(&id).is_some_and(|call| call.callees.contains(&callee));
        if is_asked {
            self.end(id);
        }
        is_asked
    }

    /// A peer has gone. Its own requests end; those of others that only it could still answer end and are returned.
    pub(super) fn peer_gone(&mut self, peer: Address) -> Vec<CallId> {
        let own: Vec<_> = self.calls.range((peer, 0)..=(peer, u64::MAX)).map(|(id, _)| *id).collect();
        for id in own {
            self.end(id);
        }
        let asked = self.by_callee.remove(&peer).unwrap_or_default();
        let mut ended = Vec::new();
        for id in asked {
            let Some(call) = self.calls.get_mut(&id) else { continue };
            call.callees.remove(&peer);
            if call.callees.is_empty() {
                self.end(id);
                ended.push(id);
            }
        }
        ended
    }

    /// Ends and returns the requests whose deadline has passed.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<CallId> {
        let mut expired = Vec::new();
        while let Some((deadline, id)) = self.deadlines.first().copied() {
            if deadline > now {
                break;
            }
            self.end(id);
            expired.push(id);
        }
        expired
    }

    /// The earliest deadline.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Forgets a request.
    fn end(&mut self, id: CallId) {
        let Some(call) = self.calls.remove(&id) else { return };
        self.deadlines.remove(&(call.deadline, id));
        for callee in call.callees {
            if let Some(asked) = self.by_callee.get_mut(&callee) {
                asked.remove(&id);
                if asked.is_empty() {
                    self.by_callee.remove(&callee);
                }
            }
        }
        if let Some(count) = self.by_caller.get_mut(&id.0) {
            *count -= 1;
            if *count == 0 {
                self.by_caller.remove(&id.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::address::SessionId;

    /// Three peers and a time.
    fn peers() -> ([Address; 3], Instant) {
        let session = SessionId::random();
        ([1, 2, 3].map(|number| Address::new(session, number)), Instant::now())
    }

    /// Whether nothing at all is remembered.
    fn is_empty(calls: &Calls) -> bool {
        calls.calls.is_empty() && calls.by_callee.is_empty() && calls.by_caller.is_empty() && calls.deadlines.is_empty()
    }

    #[test]
    fn the_first_reply_ends_a_request() {
        let ([a, b, c], now) = peers();
        let mut calls = Calls::default();
        calls.open((a, 1), &[b, c], now);
        assert!(!calls.reply((a, 2), b));
        assert!(!calls.reply((a, 1), a));
        assert!(calls.reply((a, 1), c));
        assert!(!calls.reply((a, 1), b));
        assert!(is_empty(&calls));
    }

    #[test]
    fn a_request_fails_with_its_last_callee() {
        let ([a, b, c], now) = peers();
        let mut calls = Calls::default();
        calls.open((a, 1), &[b, c], now);
        assert!(calls.peer_gone(b).is_empty());
        assert_eq!(calls.peer_gone(c), [(a, 1)]);
        assert!(is_empty(&calls));
    }

    #[test]
    fn a_caller_takes_its_requests_along() {
        let ([a, b, _], now) = peers();
        let mut calls = Calls::default();
        calls.open((a, 1), &[b], now);
        calls.open((a, 2), &[a], now);
        assert_eq!(calls.count(a), 2);
        assert!(calls.peer_gone(a).is_empty());
        assert!(is_empty(&calls));
    }

    #[test]
    fn deadlines_pass_in_order() {
        let ([a, b, _], now) = peers();
        let mut calls = Calls::default();
        calls.open((a, 1), &[b], now + Duration::from_secs(2));
        calls.open((a, 2), &[b], now + Duration::from_secs(1));
        assert_eq!(calls.next_deadline(), Some(now + Duration::from_secs(1)));
        assert!(calls.expire(now).is_empty());
        assert_eq!(calls.expire(now + Duration::from_secs(1)), [(a, 2)]);
        assert_eq!(calls.expire(now + Duration::from_secs(9)), [(a, 1)]);
        assert!(is_empty(&calls));
    }
}
