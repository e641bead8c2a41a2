//! One end of a link: [`Link`] sends packets without waiting, and receives them with the descriptors that came.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::io::Errno;
use rustix::net::sockopt::{socket_domain, socket_type};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::frame::{Frame, FrameError, Handed};

/// Room for descriptors of a packet: more than the one that may come, so that a few too many are seen, and closed here.
const DESCRIPTORS_ROOM: usize = 4;

/// A connected end.
#[derive(Debug)]
pub struct Link {
    /// The socket, on the event loop.
    socket: AsyncFd<OwnedFd>,
}

/// What came over a link.
#[derive(Debug)]
pub enum Arrived<'f> {
    /// xfrout is there.
    Hello,
    /// A connection with a transfer to be answered.
    HandedOver(Handed<'f>, OwnedFd),
    /// A connection that is given back.
    HandedBack(Handed<'f>, OwnedFd),
}

impl Link {
    /// Takes a connected socket onto the event loop.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn new(socket: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        #[expect(deprecated, reason = "its safe form; an OwnedFd stays the same descriptor as long as it lives")]
        let socket = AsyncFd::with_interest(socket, Interest::READABLE)?;
        Ok(Self { socket })
    }

    /// Connects to whoever listens at a path.
    ///
    /// # Errors
    ///
    /// [`ConnectError`]: nobody does, or more wait there already than may.
    pub fn connect(path: &Path) -> Result<Self, ConnectError> {
        let failed = |error: io::Error| ConnectError { path: path.to_owned(), error };
        let connected = || -> io::Result<Self> {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
            rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
            Self::new(socket)
        };
        connected().map_err(failed)
    }

    /// Says that somebody is there.
    ///
    /// # Errors
    ///
    /// [`SendError`].
    pub fn hello(&self) -> Result<(), SendError> {
        self.send(&Frame::Hello, None)
    }

    /// Gives a connection away, which stays open here too until the caller drops it.
    ///
    /// # Errors
    ///
    /// [`SendError`]: then nothing was sent.
    pub fn hand_over(&self, handed: Handed<'_>, connection: BorrowedFd<'_>) -> Result<(), SendError> {
        self.send(&Frame::HandedOver(handed), Some(connection))
    }

    /// Gives a connection back.
    ///
    /// # Errors
    ///
    /// [`SendError`]: then nothing was sent.
    pub fn hand_back(&self, handed: Handed<'_>, connection: BorrowedFd<'_>) -> Result<(), SendError> {
        self.send(&Frame::HandedBack(handed), Some(connection))
    }

    /// Sends a packet, whole or not at all.
    fn send(&self, frame: &Frame<'_>, descriptor: Option<BorrowedFd<'_>>) -> Result<(), SendError> {
        let header = frame.header().map_err(SendError::Frame)?;
        let (request, rest) = match frame {
            Frame::Hello => (&[][..], &[][..]),
            Frame::HandedOver(handed) | Frame::HandedBack(handed) => (handed.request, handed.rest),
        };
        let pieces = [IoSlice::new(&header), IoSlice::new(request), IoSlice::new(rest)];
        let descriptors = descriptor.as_slice();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(descriptors));
        }
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let sent = rustix::io::retry_on_intr(|| {
            rustix::net::sendmsg(self.socket.get_ref().as_fd(), &pieces, &mut control, flags)
        });
        match sent {
            Ok(_) => Ok(()),
            // Descriptors in flight are counted too.
            Err(Errno::AGAIN | Errno::TOOMANYREFS | Errno::NOBUFS) => Err(SendError::Full),
            Err(error @ (Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN | Errno::CONNREFUSED)) => {
                Err(SendError::Gone(error.into()))
            }
            // Of this packet alone, for want of memory or of room for one so long: the link stands.
            Err(_) => Err(SendError::Full),
        }
    }

    /// Waits for the next packet; `None` when the other end is gone. After an error the link is to be dropped: whatever came with the packet
    /// is closed by then.
    ///
    /// `room` is as long as the longest packet that is expected.
    ///
    /// # Errors
    ///
    /// [`ReceiveError`] with what is wrong with it.
    pub async fn receive<'f>(&self, room: &'f mut [u8]) -> Result<Option<Arrived<'f>>, ReceiveError> {
        let received = self.socket.async_io(Interest::READABLE, |socket| receive(socket.as_fd(), &mut *room)).await;
        let (length, descriptors) = received.map_err(ReceiveError::Io)?;
        if length == 0 {
            return Ok(None);
        }
        if length > room.len() {
            return Err(ReceiveError::TooLong { expected_max: room.len(), found: length });
        }
        arrived(room.get(..length).unwrap_or_default(), descriptors).map(Some)
    }
}

/// Takes one packet, with every descriptor that came with it; those beyond the room were closed by the kernel. The length of one that is
/// longer than the room is more than that.
fn receive(socket: BorrowedFd<'_>, room: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_ROOM))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT | RecvFlags::TRUNC;
    let received = rustix::io::retry_on_intr(|| {
        rustix::net::recvmsg(socket, &mut [IoSliceMut::new(&mut *room)], &mut control, flags)
    })?;
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    let length = match received.flags.contains(ReturnFlags::TRUNC) {
        true => received.bytes.max(room.len() + 1),
        false => received.bytes,
    };
    Ok((length, descriptors))
}

/// Reads a packet, and checks what came with it.
fn arrived(octets: &[u8], descriptors: Vec<OwnedFd>) -> Result<Arrived<'_>, ReceiveError> {
    let frame = Frame::decode(octets).map_err(ReceiveError::Frame)?;
    let (found, mut descriptors) = (descriptors.len(), descriptors.into_iter());
    let wrong = |expected| ReceiveError::Descriptors { expected, found };
    match (frame, descriptors.next(), descriptors.next()) {
        (Frame::Hello, None, None) => Ok(Arrived::Hello),
        (Frame::Hello, ..) => Err(wrong(0)),
        (Frame::HandedOver(handed), Some(connection), None) => {
            check_connection(&connection, &handed)?;
            Ok(Arrived::HandedOver(handed, connection))
        }
        (Frame::HandedBack(handed), Some(connection), None) => {
            check_connection(&connection, &handed)?;
            Ok(Arrived::HandedBack(handed, connection))
        }
        (Frame::HandedOver(_) | Frame::HandedBack(_), ..) => Err(wrong(1)),
    }
}

/// Checks that a descriptor is a stream of the family that its packet says, or one end of a pair that stands for one.
fn check_connection(connection: &OwnedFd, handed: &Handed<'_>) -> Result<(), ReceiveError> {
    let expected = if handed.client.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let kind = socket_type(connection).and_then(|kind| Ok((socket_domain(connection)?, kind)));
    match kind {
        Ok((family, SocketType::STREAM)) if family == expected || family == AddressFamily::UNIX => {
            rustix::io::ioctl_fionbio(connection, true).map_err(|error| ReceiveError::Io(error.into()))
        }
        _ => Err(ReceiveError::NoStream),
    }
}

/// Nobody can be connected to.
#[derive(Debug)]
pub struct ConnectError {
    /// The socket file.
    path: std::path::PathBuf,
    /// What the system said.
    error: io::Error,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connecting to {}", self.path.display())
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Why a packet was not sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum SendError {
    /// The other end does not read as fast as is sent.
    Full,
    /// It is gone.
    Gone(io::Error),
    /// It is no packet.
    Frame(FrameError),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the other end of the link does not keep up"),
            Self::Gone(_) => f.write_str("the other end of the link is gone"),
            Self::Frame(error) => write!(f, "a packet that can't be sent: {error}"),
        }
    }
}

impl std::error::Error for SendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Gone(error) => Some(error),
            _ => None,
        }
    }
}

/// Why what came is not taken; the link is to be dropped.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReceiveError {
    /// The system could not receive.
    Io(io::Error),
    /// A packet longer than any may be.
    TooLong {
        /// The limit.
        expected_max: usize,
        /// Octets of it, or more than the limit where that is not known.
        found: usize,
    },
    /// Octets that are no packet.
    Frame(FrameError),
    /// Not as many descriptors as belong to it.
    Descriptors {
        /// How many do.
        expected: usize,
        /// How many came.
        found: usize,
    },
    /// The descriptor is no stream of the family that the packet says.
    NoStream,
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "receiving from a link: {error}"),
            Self::TooLong { expected_max, found } => {
                write!(f, "expected a packet of at most {expected_max} octets, found {found}")
            }
            Self::Frame(error) => error.fmt(f),
            Self::Descriptors { expected, found } => {
                write!(f, "expected {expected} descriptors with a packet, found {found}")
            }
            Self::NoStream => f.write_str("expected a stream of the family that the packet says, found something else"),
        }
    }
}

impl std::error::Error for ReceiveError {}
