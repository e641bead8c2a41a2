//! Many datagrams in one system call, for the load and for the echo.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg};

/// Room for a batch of datagrams.
pub struct Datagrams {
    /// What the kernel is told of each.
    headers: MultiHeaders<SockaddrIn>,
    /// Those that send: in headers that sent something the kernel would put addresses where the last ones were read from.
    sender: Sender,
    /// Their octets, each [`OCTETS_MAX`].
    octets: Vec<u8>,
    /// How long each is.
    lengths: [usize; BATCH],
    /// Where each came from.
    peers: [Option<SockaddrIn>; BATCH],
}

impl Datagrams {
    /// Empty room.
    pub fn new() -> Datagrams {
        Datagrams {
            headers: MultiHeaders::preallocate(BATCH, None),
            sender: Sender::new(),
            octets: vec![0; BATCH * OCTETS_MAX],
            lengths: [0; BATCH],
            peers: [None; BATCH],
        }
    }

    /// Takes what is there, and gives how many; with `is_waiting` waits for the first.
    pub fn receive(&mut self, socket: &UdpSocket, is_waiting: bool) -> io::Result<usize> {
        let flags = if is_waiting { MsgFlags::MSG_WAITFORONE } else { MsgFlags::MSG_DONTWAIT };
        let mut rooms = self.octets.chunks_exact_mut(OCTETS_MAX);
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(rooms.next().unwrap_or_default())]);
        let received = match recvmmsg(socket.as_raw_fd(), &mut self.headers, &mut slices, flags, None) {
            Ok(received) => received,
            // Refused: what was sent before came to a port that nobody has.
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNREFUSED) => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        let mut count = 0;
        for (message, (length, peer)) in received.zip(self.lengths.iter_mut().zip(&mut self.peers)) {
            (*length, *peer) = (message.bytes, message.address);
            count += 1;
        }
        Ok(count)
    }

    /// The datagrams received last, as many as there were.
    pub fn iter(&self, count: usize) -> impl Iterator<Item = &[u8]> {
        self.octets.chunks_exact(OCTETS_MAX).zip(&self.lengths).take(count).map(|(room, length)| &room[..*length])
    }

    /// Sends the datagrams received last back to where they came from, as answers.
    pub fn send_back(&mut self, socket: &UdpSocket, count: usize) -> io::Result<()> {
        for room in self.octets.chunks_exact_mut(OCTETS_MAX).take(count) {
            room[2] |= RESPONSE;
        }
        let rooms = self.octets.chunks_exact(OCTETS_MAX).zip(&self.lengths);
        let mut rooms = rooms.map(|(room, length)| &room[..*length]);
        let slices: [[IoSlice<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSlice::new(rooms.next().unwrap_or_default())]);
        send(socket, &mut self.sender.headers, &slices[..count], &self.peers[..count]).map(drop)
    }
}

/// Sends datagrams of others.
pub struct Sender {
    /// What the kernel is told of each.
    headers: MultiHeaders<SockaddrIn>,
}

impl Sender {
    /// Nothing sent yet.
    pub fn new() -> Sender {
        Sender { headers: MultiHeaders::preallocate(BATCH, None) }
    }

    /// Sends `count` datagrams, at most [`BATCH`], on a connected socket. Gives how many the socket took.
    pub fn send<'q>(
        &mut self,
        socket: &UdpSocket,
        count: usize,
        mut datagram: impl FnMut(usize) -> &'q [u8],
    ) -> io::Result<usize> {
        let slices: [[IoSlice<'_>; 1]; BATCH] =
            std::array::from_fn(|index| [IoSlice::new(if index < count { datagram(index) } else { &[] })]);
        send(socket, &mut self.headers, &slices[..count], &[None; BATCH][..count])
    }
}

/// Sends each datagram to its address, or to that of a connected socket.
fn send<'s>(
    socket: &UdpSocket,
    headers: &'s mut MultiHeaders<SockaddrIn>,
    slices: &'s [[IoSlice<'s>; 1]],
    peers: &[Option<SockaddrIn>],
) -> io::Result<usize> {
    match sendmmsg(socket.as_raw_fd(), headers, slices, peers, [], MsgFlags::empty()) {
        Ok(sent) => Ok(sent.count()),
        Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNREFUSED) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Datagrams of a batch: as many as Trine takes at once.
pub const BATCH: usize = 32;

/// Octets of room for each: more than any answer has.
const OCTETS_MAX: usize = 4096;

/// The bit that makes a query a response, in the third octet.
const RESPONSE: u8 = 0x80;
