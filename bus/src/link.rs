//! The way between a client and the broker: [`Link`], a socket or, within the broker's own process, memory.
//!
//! In memory each end reads what the other end's queue holds: a packet goes from task to task without the kernel, and without either end waking
//! the other's event loop. Everything else is as over a socket: frames are encoded and checked, queues have their limits, the reader's pace
//! holds the writer up.

use std::io;
use std::sync::Arc;

use crate::packet::{Frame, Packet};
use crate::queue::SendQueue;
use crate::socket::{ReceiveError, SendEnd, Socket};

/// One end of a connection.
#[derive(Debug)]
pub(crate) enum Link {
    /// Over a socket.
    Socket(Socket),
    /// Within the process: the queue of the other end.
    Local(Arc<SendQueue>),
}

impl Link {
    /// Waits for the next frame. `buffer` has at least [`crate::frame::FRAME_MAX`] bytes and is only scratch; one in memory may be empty.
    pub(crate) async fn receive(&self, buffer: &mut [u8]) -> Result<Frame, ReceiveError> {
        match self {
            Self::Socket(socket) => socket.receive(buffer).await,
            Self::Local(other) => match other.next().await {
                Some(packet) => {
                    other.sent();
                    Frame::of(packet)
                }
                None => other.farewell().map_or(Err(ReceiveError::Closed), Frame::of),
            },
        }
    }

    /// Sends what is in this end's queue, in order, until the queue or the connection ends.
    pub(crate) async fn send_all(&self, queue: &SendQueue) -> SendEnd {
        match self {
            Self::Socket(socket) => socket.send_all(queue).await,
            Self::Local(_) => {
                // The other end takes it out itself.
                queue.ended().await;
                SendEnd::QueueEnded
            }
        }
    }

    /// Sends one packet without descriptors before anything is in this end's queue.
    pub(crate) async fn send_first(&self, packet: Arc<Packet>, queue: &SendQueue) -> io::Result<()> {
        match self {
            Self::Socket(socket) => socket.send(&packet).await,
            Self::Local(_) => {
                queue.push_word(packet);
                Ok(())
            }
        }
    }

    /// Sends `packet` if that is possible at once. In memory the other end has found it in the queue that was closed.
    pub(crate) fn send_last(&self, packet: &Packet) {
        if let Self::Socket(socket) = self {
            socket.send_last(packet);
        }
    }

    /// A buffer to receive into.
    pub(crate) fn buffer(&self) -> Vec<u8> {
        match self {
            Self::Socket(_) => vec![0; crate::frame::FRAME_MAX],
            Self::Local(_) => Vec::new(),
        }
    }
}
