//! What comes to the program, in bounded queues: [`Incoming`] for messages and requests, [`Monitor`] for copies.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Notify;

use super::Connection;
use crate::address::Address;
use crate::frame::Kind;
use crate::message::{Failure, Message};
use crate::recipient::Recipient;

/// How many bytes may wait for the program. At this much the client stops reading its socket, the broker's queue fills, and
/// at its limit the broker cuts the client off.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// How many descriptors may wait for the program.
const DESCRIPTORS_MAX: usize = 1024;
/// What a message costs beside its body.
const OVERHEAD: usize = 256;

/// A queue of things that came.
#[derive(Debug)]
struct Queue<T> {
    /// What waits.
    state: Mutex<State<T>>,
    /// Told of each change.
    changed: Notify,
}

/// What waits in a queue.
#[derive(Debug)]
struct State<T> {
    /// The things, each with what it costs.
    things: VecDeque<(T, Cost)>,
    /// Their cost.
    total: Cost,
    /// One end is gone.
    is_closed: bool,
}

/// What something that waits costs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    /// Bytes of bodies.
    pub(super) bytes: usize,
    /// Descriptors.
    pub(super) descriptors: usize,
}

/// The end that puts in.
#[derive(Debug)]
pub(super) struct Sender<T>(Arc<Queue<T>>);

/// The end that takes out. It keeps the connection alive.
#[derive(Debug)]
pub(super) struct Receiver<T> {
    /// The queue.
    queue: Arc<Queue<T>>,
    /// The connection.
    _connection: Arc<Connection>,
}

/// A queue to the program.
pub(super) fn channel<T>(connection: Arc<Connection>) -> (Sender<T>, Receiver<T>) {
    let state = State { things: VecDeque::new(), total: Cost::default(), is_closed: false };
    let queue = Arc::new(Queue { state: Mutex::new(state), changed: Notify::new() });
    (Sender(Arc::clone(&queue)), Receiver { queue, _connection: connection })
}

impl<T> Queue<T> {
    /// Waits until `look` finds something.
    async fn until<R>(&self, mut look: impl FnMut(&mut State<T>) -> Option<R>) -> R {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let found = look(&mut self.state.lock());
            if let Some(found) = found {
                return found;
            }
            changed.await;
        }
    }

    /// Closes the queue from either end.
    fn close(&self, empty: bool) {
        let mut state = self.state.lock();
        state.is_closed = true;
        let dropped = if empty { std::mem::take(&mut state.things) } else { VecDeque::new() };
        drop(state);
        drop(dropped);
        self.changed.notify_waiters();
    }
}

impl<T> Sender<T> {
    /// Puts something in; it is dropped if nobody is there to take it.
    pub(super) fn put(&self, thing: T, cost: Cost) {
        let mut state = self.0.state.lock();
        if state.is_closed {
            return;
        }
        let cost = Cost { bytes: cost.bytes + OVERHEAD, ..cost };
        state.total.bytes += cost.bytes;
        state.total.descriptors += cost.descriptors;
        state.things.push_back((thing, cost));
        drop(state);
        self.0.changed.notify_waiters();
    }

    /// Waits until there is room. What is put in then may pass the limits once, by one frame.
    pub(super) async fn room(&self) {
        let is_full = |total: Cost| total.bytes >= BYTES_MAX || total.descriptors >= DESCRIPTORS_MAX;
        self.0.until(|state| (state.is_closed || !is_full(state.total)).then_some(())).await;
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Sender<T> {
    /// Nothing more will come.
    pub(super) fn close(&self) {
        self.0.close(false);
    }
}

impl<T> Receiver<T> {
    /// The next thing, or `None` after the last.
    async fn next(&mut self) -> Option<T> {
        let taken = self.queue.until(|state| match state.things.pop_front() {
            Some((thing, cost)) => {
                state.total.bytes -= cost.bytes;
                state.total.descriptors -= cost.descriptors;
                Some(Some(thing))
            }
            None => state.is_closed.then_some(None),
        });
        let taken = taken.await;
        self.queue.changed.notify_waiters();
        taken
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.queue.close(true);
    }
}

/// Messages and requests from others, in the order of the bus.
///
/// Read it all the time, or drop it if nothing is expected. While more waits in it than a few MiB or a thousand descriptors
/// the client reads nothing, replies included, and in the end the broker cuts it off.
#[derive(Debug)]
pub struct Incoming(Receiver<Message>);

impl Incoming {
    /// The end of a queue.
    pub(super) fn new(receiver: Receiver<Message>) -> Self {
        Self(receiver)
    }

    /// The next message, or `None` once the connection has ended. Giving up waiting loses nothing.
    pub async fn next(&mut self) -> Option<Message> {
        self.0.next().await
    }
}

/// Copies of every message on the bus, for people to watch.
#[derive(Debug)]
pub struct Monitor(Receiver<Copied>);

impl Monitor {
    /// The end of a queue.
    pub(super) fn new(receiver: Receiver<Copied>) -> Self {
        Self(receiver)
    }

    /// The next copy, or `None` once the connection has ended. Giving up waiting loses nothing.
    pub async fn next(&mut self) -> Option<Copied> {
        self.0.next().await
    }
}

/// A copy of one message.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Copied {
    /// A message, a request, a reply or the failure of one.
    pub kind: Kind,
    /// Who sent it.
    pub from: Address,
    /// Where it went, whether or not anybody was there.
    pub to: Recipient,
    /// The caller's id of the request that it makes, answers or fails.
    pub request: Option<u64>,
    /// Why a request has no reply.
    pub failure: Option<Failure>,
    /// How many descriptors went with it.
    pub descriptors: u32,
    /// What it says.
    pub body: Value,
}
