//! The bounded queue of packets for one peer: [`SendQueue`]. Pushing never waits; a full queue is an error.
//!
//! The broker has one for each peer and a client one for its broker. Whoever pushes and whoever sends hold the lock for
//! a few instructions and never over a system call or an await.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::packet::Packet;

/// What a packet costs beside its bytes, so that a queue of tiny packets is bounded as well.
const PACKET_OVERHEAD: usize = 128;

/// How much a queue may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueLimits {
    /// Bytes of packets.
    pub(crate) bytes_max: usize,
    /// Descriptors.
    pub(crate) descriptors_max: usize,
    /// Bytes in the memfds of long bodies.
    pub(crate) memfd_bytes_max: usize,
    /// Descriptors that lie in the kernel because the receiver has not said that it took them.
    pub(crate) untaken_max: usize,
}

/// A queue with its limits.
#[derive(Debug)]
pub(crate) struct SendQueue {
    /// How much it may hold.
    limits: QueueLimits,
    /// What it holds.
    state: Mutex<State>,
    /// Told of each change of the state.
    changed: Notify,
}

/// What a queue holds.
#[derive(Debug, Default)]
struct State {
    /// The packets, the one being sent first.
    packets: VecDeque<Arc<Packet>>,
    /// Their bytes.
    bytes: usize,
    /// Their descriptors.
    descriptors: usize,
    /// The bytes of their memfds.
    memfd_bytes: usize,
    /// Descriptors sent and not said to be taken.
    untaken: usize,
    /// No more is taken in or sent.
    is_closed: bool,
    /// What is to be sent, if that is possible at once, when the closed queue's socket is closed.
    farewell: Option<Arc<Packet>>,
    /// No more will come; what is there is still to be sent.
    is_finishing: bool,
}

/// A packet that did not fit, or a queue that takes none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PushError {
    /// One of the limits.
    Full(Full),
    /// The connection has ended.
    Closed,
}

/// The limit of a queue that a packet would have passed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Full {
    /// What is limited.
    pub what: &'static str,
    /// The limit.
    pub max: usize,
    /// What it would have been.
    pub got: usize,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its queue may hold {} {}, and would hold {}", self.max, self.what, self.got)
    }
}

impl SendQueue {
    /// An empty queue.
    pub(crate) fn new(limits: QueueLimits) -> Self {
        Self { limits, state: Mutex::default(), changed: Notify::new() }
    }

    /// Whether a packet would leave half of the queue free.
    pub(crate) fn has_half_free_for(&self, packet: &Packet) -> Result<(), Full> {
        let state = self.state.lock();
        for (what, max, got) in [
            ("bytes of guests", self.limits.bytes_max / 2, state.bytes + packet.bytes.len() + PACKET_OVERHEAD),
            ("descriptors of guests", self.limits.descriptors_max / 2, state.descriptors + packet.descriptors.len()),
        ] {
            if got > max {
                return Err(Full { what, max, got });
            }
        }
        Ok(())
    }

    /// Puts a packet at the end.
    pub(crate) fn push(&self, packet: Arc<Packet>) -> Result<(), PushError> {
        let mut state = self.state.lock();
        if state.is_closed || state.is_finishing {
            return Err(PushError::Closed);
        }
        let bytes = state.bytes + packet.bytes.len() + PACKET_OVERHEAD;
        let descriptors = state.descriptors + packet.descriptors.len();
        let memfd_bytes = state.memfd_bytes + packet.memfd_bytes;
        for (what, max, got) in [
            ("bytes", self.limits.bytes_max, bytes),
            ("descriptors", self.limits.descriptors_max, descriptors),
            ("bytes in memfds", self.limits.memfd_bytes_max, memfd_bytes),
        ] {
            if got > max {
                return Err(PushError::Full(Full { what, max, got }));
            }
        }
        (state.bytes, state.descriptors, state.memfd_bytes) = (bytes, descriptors, memfd_bytes);
        state.packets.push_back(packet);
        drop(state);
        self.changed.notify_waiters();
        Ok(())
    }

    /// Puts a small packet without descriptors at the end, full or not. Only for those whose number something else bounds.
    pub(crate) fn push_word(&self, packet: Arc<Packet>) {
        let mut state = self.state.lock();
        if state.is_closed || state.is_finishing {
            return;
        }
        state.bytes += packet.bytes.len() + PACKET_OVERHEAD;
        state.packets.push_back(packet);
        drop(state);
        self.changed.notify_waiters();
    }

    /// The packet to send next, once there is one and the receiver has room for its descriptors; `None` once the queue is
    /// closed, or finished and empty. The packet counts until [`SendQueue::sent`].
    pub(crate) async fn next(&self) -> Option<Arc<Packet>> {
        let mut next = None;
        self.until(|state| {
            next = state.packets.front().filter(|packet| self.has_room(state, packet)).cloned();
            next.is_some() || state.is_closed || (state.is_finishing && state.packets.is_empty())
        })
        .await;
        next
    }

    /// Whether the receiver has taken enough descriptors for this packet to be sent.
    fn has_room(&self, state: &State, packet: &Packet) -> bool {
        let descriptors = packet.descriptors.len();
        descriptors == 0 || state.untaken == 0 || state.untaken + descriptors <= self.limits.untaken_max
    }

    /// Removes the packet that [`SendQueue::next`] gave: the kernel has it.
    pub(crate) fn sent(&self) {
        let mut state = self.state.lock();
        if let Some(packet) = state.packets.pop_front() {
            state.bytes -= packet.bytes.len() + PACKET_OVERHEAD;
            state.descriptors -= packet.descriptors.len();
            state.memfd_bytes -= packet.memfd_bytes;
            state.untaken += packet.descriptors.len();
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// The receiver has taken `count` descriptors out of the kernel. The error is the number that there were.
    pub(crate) fn taken(&self, count: usize) -> Result<(), usize> {
        let mut state = self.state.lock();
        state.untaken = state.untaken.checked_sub(count).ok_or(state.untaken)?;
        drop(state);
        self.changed.notify_waiters();
        Ok(())
    }

    /// Ends the queue at once; what it holds is dropped.
    pub(crate) fn close(&self, farewell: Option<Arc<Packet>>) {
        let mut state = self.state.lock();
        let closed = State { is_closed: true, farewell, is_finishing: state.is_finishing, ..State::default() };
        let dropped = std::mem::replace(&mut *state, closed);
        drop(state);
        // Closing descriptors is a system call each: not under the lock.
        drop(dropped);
        self.changed.notify_waiters();
    }

    /// The last word that [`SendQueue::close`] was given.
    pub(crate) fn farewell(&self) -> Option<Arc<Packet>> {
        self.state.lock().farewell.clone()
    }

    /// Ends the queue once it is empty.
    pub(crate) fn finish(&self) {
        self.state.lock().is_finishing = true;
        self.changed.notify_waiters();
    }

    /// Waits until the queue is closed.
    pub(crate) async fn closed(&self) {
        self.until(|state| state.is_closed).await;
    }

    /// Waits until the queue is closed, or finished and empty.
    pub(crate) async fn ended(&self) {
        self.until(|state| state.is_closed || state.is_finishing && state.packets.is_empty()).await;
    }

    /// Waits until [`SendQueue::finish`] was called.
    pub(crate) async fn finishing(&self) {
        self.until(|state| state.is_finishing).await;
    }

    /// Waits until everything has been given to the kernel; false if the queue was closed before.
    pub(crate) async fn emptied(&self) -> bool {
        let mut is_closed = false;
        self.until(|state| {
            is_closed = state.is_closed;
            is_closed || state.packets.is_empty()
        })
        .await;
        !is_closed
    }

    /// The bytes that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.state.lock().bytes
    }

    /// Waits until `condition` holds.
    async fn until(&self, mut condition: impl FnMut(&State) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Registered before the look, so that a change between look and wait is not missed.
            changed.as_mut().enable();
            if condition(&self.state.lock()) {
                return;
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A packet of `bytes` bytes and so many copies of a descriptor.
    fn packet(bytes: usize, descriptors: usize) -> Arc<Packet> {
        let (pipe, _other) = rustix::pipe::pipe().unwrap();
        let pipe = Arc::new(pipe);
        Arc::new(Packet { bytes: vec![0; bytes], descriptors: vec![pipe; descriptors], memfd_bytes: 0 })
    }

    /// A queue of 10,000 bytes and 100 descriptors, 10 of them in the kernel.
    fn queue() -> SendQueue {
        SendQueue::new(QueueLimits { bytes_max: 10_000, descriptors_max: 100, memfd_bytes_max: 0, untaken_max: 10 })
    }

    #[test]
    fn each_limit_holds() {
        let queue = queue();
        queue.push(packet(9_000, 90)).unwrap();
        assert!(matches!(
            queue.push(packet(1_000, 0)),
            Err(PushError::Full(Full { what: "bytes", max: 10_000, got: 10_256 }))
        ));
        assert!(matches!(
            queue.push(packet(1, 11)),
            Err(PushError::Full(Full { what: "descriptors", max: 100, got: 101 }))
        ));
        queue.sent();
        queue.push(packet(9_000, 0)).unwrap();
    }

    #[tokio::test(flavor = "current_thread")]
    async fn descriptors_wait_until_earlier_ones_are_taken() {
        let queue = queue();
        for _ in 0..2 {
            queue.push(packet(1, 8)).unwrap();
        }
        assert!(queue.next().await.is_some());
        queue.sent();
        let waiting = tokio::time::timeout(std::time::Duration::from_millis(10), queue.next());
        assert!(waiting.await.is_err());
        assert_eq!(queue.taken(9), Err(8));
        queue.taken(8).unwrap();
        assert!(queue.next().await.is_some());
    }
}
