//! One connected `SOCK_SEQPACKET` socket on the event loop: [`Socket`]. A packet is a message; descriptors go with it.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, sockopt,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::frame::{DESCRIPTORS_MAX, FRAME_MAX, FrameError};
use crate::packet::{Frame, Packet};
use crate::queue::SendQueue;

/// The send buffer that a socket needs so that one frame of full size goes through, by the kernel's own way of counting.
const SEND_BUFFER_MIN: usize = 2 * FRAME_MAX;
/// The first wait after the kernel refused descriptors because too many are in flight; doubles up to the maximum.
const TOO_MANY_IN_FLIGHT_WAIT_MIN: Duration = Duration::from_millis(5);
/// The longest such wait. There is no limit to their number: the queue behind is bounded, and it ends the peer.
const TOO_MANY_IN_FLIGHT_WAIT_MAX: Duration = Duration::from_millis(320);
/// How often in a row a read may fail with ECONNRESET before the connection counts as ended.
const RESETS_MAX: usize = 4;

/// The wait for room where the system has no descriptor to wait by.
const ROOM_WAIT: Duration = Duration::from_millis(5);

/// A connected socket.
#[derive(Debug)]
pub(crate) struct Socket {
    /// The socket, not blocking, watched for what comes. Watched for room as well it would end a wait each time the other end reads, though
    /// there is nearly always room.
    inner: AsyncFd<OwnedFd>,
}

/// What became of an attempt to send.
#[derive(Debug)]
enum SendStatus {
    /// The kernel has the packet.
    Sent,
    /// The user has as many descriptors in flight as it may have open (ETOOMANYREFS). Somebody has to read first.
    TooManyInFlight,
}

/// How receiving ended.
#[derive(Debug)]
pub(crate) enum ReceiveError {
    /// The other end closed, or sent an empty packet, which looks the same.
    Closed,
    /// The other end sent what no frame is.
    Frame(FrameError),
    /// The kernel refused.
    Io(io::Error),
}

/// How sending ended.
#[derive(Debug)]
pub(crate) enum SendEnd {
    /// The queue was closed, or finished and all of it sent.
    QueueEnded,
    /// The kernel refused; usually the other end has closed. What it sent before may still be unread.
    Io(io::Error),
}

impl Socket {
    /// Puts a connected socket on the event loop of the current runtime.
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Self> {
        if sockopt::socket_send_buffer_size(&socket)? < SEND_BUFFER_MIN {
            sockopt::set_socket_send_buffer_size(&socket, SEND_BUFFER_MIN)?;
        }
        Ok(Self { inner: on_event_loop(socket)? })
    }

    /// Waits for the next frame. `buffer` has at least [`FRAME_MAX`] bytes and is only scratch.
    pub(crate) async fn receive(&self, buffer: &mut [u8]) -> Result<Frame, ReceiveError> {
        let mut resets = 0;
        loop {
            let mut guard = self.inner.readable().await.map_err(ReceiveError::Io)?;
            match guard.try_io(|socket| receive_packet(socket.as_fd(), buffer)) {
                Ok(Ok(packet)) => return packet.decode(buffer),
                // The other end closed with data of ours unread. What it sent before is still there, behind this error.
                Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset && resets < RESETS_MAX => resets += 1,
                Ok(Err(error)) => return Err(ReceiveError::Io(error)),
                Err(_would_block) => {}
            }
        }
    }

    /// Waits until the kernel takes `packet`.
    async fn offer(&self, packet: &Packet) -> io::Result<SendStatus> {
        loop {
            match send_packet(self.inner.as_fd(), packet) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.room().await,
                result => return result,
            }
        }
    }

    /// Waits until the kernel may have room, by a descriptor of its own for this wait.
    async fn room(&self) {
        match self.inner.get_ref().try_clone().and_then(|socket| watched(socket, Interest::WRITABLE)) {
            // An error too is for the next attempt to tell.
            Ok(socket) => drop(socket.writable().await),
            Err(_) => tokio::time::sleep(ROOM_WAIT).await,
        }
    }

    /// Sends what is in the queue, in order, until the queue or the connection ends.
    pub(crate) async fn send_all(&self, queue: &SendQueue) -> SendEnd {
        let mut wait = TOO_MANY_IN_FLIGHT_WAIT_MIN;
        while let Some(packet) = queue.next().await {
            match self.offer(&packet).await {
                Ok(SendStatus::Sent) => {
                    queue.sent();
                    wait = TOO_MANY_IN_FLIGHT_WAIT_MIN;
                }
                Ok(SendStatus::TooManyInFlight) => {
                    tracing::debug!(wait_ms = wait.as_millis() as u64, "bus-descriptors-wait");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(TOO_MANY_IN_FLIGHT_WAIT_MAX);
                }
                Err(error) => return SendEnd::Io(error),
            }
        }
        SendEnd::QueueEnded
    }

    /// Sends one packet without descriptors past the queue, before there is one.
    pub(crate) async fn send(&self, packet: &Packet) -> io::Result<()> {
        self.offer(packet).await.map(drop)
    }

    /// Sends `packet` if the kernel takes it at once.
    pub(crate) fn send_last(&self, packet: &Packet) {
        // The other end learns from the end of the connection all it needs; this only tells people why.
        let _ = send_packet(self.inner.as_fd(), packet);
    }
}

/// A packet as the kernel gave it; its bytes are in the caller's buffer.
struct RawPacket {
    /// How many bytes came.
    bytes: usize,
    /// The descriptors that came.
    descriptors: Vec<OwnedFd>,
    /// What the kernel says about it.
    flags: ReturnFlags,
}

impl RawPacket {
    /// Reads the packet, whose bytes are in `buffer`.
    fn decode(self, buffer: &[u8]) -> Result<Frame, ReceiveError> {
        if self.bytes == 0 {
            return Err(ReceiveError::Closed);
        }
        if self.flags.contains(ReturnFlags::TRUNC) {
            return Err(ReceiveError::Frame(FrameError::TooLong { max: FRAME_MAX, got: self.bytes }));
        }
        if self.flags.contains(ReturnFlags::CTRUNC) {
            let got = self.descriptors.len();
            return Err(ReceiveError::Frame(FrameError::TooManyDescriptors { max: DESCRIPTORS_MAX, got }));
        }
        Frame::decode(&buffer[..self.bytes], self.descriptors).map_err(ReceiveError::Frame)
    }
}

/// Takes one packet out of the kernel. Whatever descriptors came are owned from here on, also those of a broken packet.
fn receive_packet(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<RawPacket> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let buffer = &mut buffer[..FRAME_MAX];
    let received = rustix::io::retry_on_intr(|| {
        rustix::net::recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut control, RecvFlags::CMSG_CLOEXEC)
    })?;
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    Ok(RawPacket { bytes: received.bytes, descriptors, flags: received.flags })
}

/// Offers one packet to the kernel.
fn send_packet(socket: BorrowedFd<'_>, packet: &Packet) -> io::Result<SendStatus> {
    let descriptors: Vec<_> = packet.descriptors.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        // The space is for as many as a packet can have, so it fits.
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
    }
    let bytes = [IoSlice::new(&packet.bytes)];
    match rustix::io::retry_on_intr(|| rustix::net::sendmsg(socket, &bytes, &mut control, SendFlags::NOSIGNAL)) {
        Ok(_whole_packet) => Ok(SendStatus::Sent),
        Err(Errno::TOOMANYREFS) => Ok(SendStatus::TooManyInFlight),
        Err(error) => Err(error.into()),
    }
}

/// Makes a socket not blocking and has the event loop of the current runtime watch it for what comes.
pub(crate) fn on_event_loop(socket: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    rustix::io::ioctl_fionbio(&socket, true)?;
    watched(socket, Interest::READABLE)
}

/// Has the event loop of the current runtime watch a socket.
#[expect(
    deprecated,
    reason = "its successor is unsafe to call; an OwnedFd keeps what that asks for, and this crate forbids unsafe code"
)]
fn watched(socket: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(socket, interest)
}

/// A fresh socket, not blocking and not inherited.
pub(crate) fn fresh() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}
