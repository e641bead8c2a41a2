//! A batch of datagrams: up to [`BATCH_MAX`] queries taken from a socket by one `recvmmsg`, and their answers given back by one
//! `sendmmsg`, in buffers made once. Knows addresses and bytes, not DNS.
//!
//! Read [`QuerySocket`] first, then [`Batch`]. This file goes through `libc` because nix's `sendmmsg` shares control data over all
//! messages and rustix has no `recvmmsg`.
//!
//! Invariant of every header handed to the kernel, named where it is used:
//! - `lent-buffers`: each pointer of a header goes to a field or an element that the batch, or the calling frame, owns and borrows
//!   mutably until the call has returned, and the length beside it is that field's.

use std::array;
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::ptr;
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::{Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, set_ip_mtu_discover, set_ipv6_mtu_discover};

/// A UDP socket that is asked at. One bound to no address of its own is told, for each query, the address that was asked, so that the
/// answer leaves from there.
#[derive(Debug)]
pub struct QuerySocket {
    /// The socket, non-blocking.
    socket: UdpSocket,
    /// Whether each datagram carries the address asked.
    has_packet_info: bool,
}

impl QuerySocket {
    /// Takes a bound socket and sets what a batch needs.
    ///
    /// # Errors
    ///
    /// What the system says when it refuses an option.
    pub fn new(socket: UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let local = socket.local_addr()?.ip();
        // What routers are said to have said about packet sizes can be forged, to make answers come in fragments (RFC 9715, section 3.1).
        match local {
            IpAddr::V4(_) => set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::OMIT)?,
            IpAddr::V6(_) => set_ipv6_mtu_discover(&socket, Ipv6PathMtuDiscovery::OMIT)?,
        }
        let has_packet_info = local.is_unspecified();
        if has_packet_info {
            match local {
                IpAddr::V4(_) => setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?,
                IpAddr::V6(_) => setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?,
            }
        }
        Ok(Self { socket, has_packet_info })
    }

    /// Answers a query after its batch; gives up as a batch does.
    pub fn answer_late(&self, query: &Datagram, answer: &mut [u8]) -> Sent {
        let mut datagram = *query;
        let control_bytes = datagram.control_bytes;
        let mut place = vector(answer);
        let mut header = empty_header();
        fill_header(&mut header.msg_hdr, &mut place, &mut datagram, control_bytes);
        send_all(self.as_fd(), &mut [header])
    }

    /// Whether a datagram waits to be received.
    pub fn has_waiting(&self) -> bool {
        let mut ready = [PollFd::new(&self.socket, PollFlags::IN)];
        matches!(poll(&mut ready, Some(&NO_TIME)), Ok(1..))
    }
}

impl AsFd for QuerySocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The buffers of one batch. Made once a thread; nothing is allocated afterwards.
pub struct Batch {
    /// Queries, [`QUERY_BYTES_MAX`] each.
    queries: Box<[[u8; QUERY_BYTES_MAX]]>,
    /// Answers, `answer_bytes` each.
    answers: Box<[u8]>,
    /// The size of an answer's buffer.
    answer_bytes: usize,
    /// Who asked, and what else belongs to a query.
    datagrams: Box<[Datagram]>,
    /// Queries in the batch.
    received: usize,
}

impl Batch {
    /// Makes the buffers, with room for answers of `answer_bytes`.
    pub fn new(answer_bytes: usize) -> Self {
        Self {
            queries: vec![[0; QUERY_BYTES_MAX]; BATCH_MAX].into_boxed_slice(),
            answers: vec![0; BATCH_MAX * answer_bytes].into_boxed_slice(),
            answer_bytes,
            datagrams: vec![Datagram::default(); BATCH_MAX].into_boxed_slice(),
            received: 0,
        }
    }

    /// Receives what waits, at most [`BATCH_MAX`] datagrams, and forgets the batch before. Never blocks.
    ///
    /// A datagram longer than [`QUERY_BYTES_MAX`] is cut there, which no well-formed query survives.
    ///
    /// # Errors
    ///
    /// What `recvmmsg` said; `WouldBlock` when nothing waits.
    pub fn receive(&mut self, socket: &QuerySocket) -> io::Result<usize> {
        self.received = 0;
        let mut queries = self.queries.iter_mut();
        let mut vectors: [libc::iovec; BATCH_MAX] =
            array::from_fn(|_| queries.next().map_or(NO_VECTOR, |query| vector(query)));
        let mut headers = [empty_header(); BATCH_MAX];
        let parts = headers.iter_mut().zip(&mut vectors).zip(self.datagrams.iter_mut());
        for ((header, vector), datagram) in parts {
            datagram.address_bytes = size_of::<Address>() as u32;
            let control_bytes = if socket.has_packet_info { size_of::<PacketInfo>() } else { 0 };
            fill_header(&mut header.msg_hdr, vector, datagram, control_bytes);
        }
        let received = receive_some(socket.as_fd(), &mut headers)?;
        for (header, datagram) in headers.iter().zip(self.datagrams.iter_mut()).take(received) {
            datagram.query_bytes = (header.msg_len as usize).min(QUERY_BYTES_MAX);
            datagram.answer_bytes = 0;
            datagram.address_bytes = header.msg_hdr.msg_namelen;
            datagram.control_bytes = match header.msg_hdr.msg_controllen {
                0 => 0,
                _ => datagram.packet_info.turn_round(),
            };
        }
        self.received = received;
        Ok(received)
    }

    /// The queries, in the order in which [`answer_each`](Batch::answer_each) takes them.
    pub fn queries(&self) -> impl Iterator<Item = &[u8]> {
        let parts = self.datagrams.iter().zip(self.queries.iter()).take(self.received);
        parts.map(|(datagram, query)| query.get(..datagram.query_bytes).unwrap_or_default())
    }

    /// Puts an answer, or none, to each query: `answer` gets the query, who asked and the buffer, and gives the answer's length.
    pub fn answer_each(&mut self, mut answer: impl FnMut(&[u8], &Datagram, &mut [u8]) -> Option<usize>) {
        let buffers = self.answers.chunks_exact_mut(self.answer_bytes.max(1));
        let parts = self.datagrams.iter_mut().zip(self.queries.iter()).zip(buffers);
        for ((datagram, query), buffer) in parts.take(self.received) {
            let query = query.get(..datagram.query_bytes).unwrap_or_default();
            datagram.answer_bytes = answer(query, datagram, buffer).unwrap_or(0).min(self.answer_bytes);
        }
    }

    /// Sends the answers. What does not go within [`SEND_WAIT`] is dropped: the asker asks again, a queue here would only grow.
    pub fn send(&mut self, socket: &QuerySocket) -> Sent {
        let mut vectors = [NO_VECTOR; BATCH_MAX];
        let mut headers = [empty_header(); BATCH_MAX];
        let mut count = 0;
        let buffers = self.answers.chunks_exact_mut(self.answer_bytes.max(1));
        let answered = self.datagrams.iter_mut().zip(buffers).take(self.received);
        let places = headers.iter_mut().zip(&mut vectors);
        for ((header, place), (datagram, buffer)) in
            places.zip(answered.filter(|(datagram, _)| datagram.answer_bytes > 0))
        {
            *place = vector(buffer.get_mut(..datagram.answer_bytes).unwrap_or_default());
            let control_bytes = datagram.control_bytes;
            fill_header(&mut header.msg_hdr, place, datagram, control_bytes);
            count += 1;
        }
        self.received = 0;
        send_all(socket.as_fd(), headers.get_mut(..count).unwrap_or_default())
    }
}

/// What became of a batch's answers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Sent {
    /// Handed to the kernel.
    pub sent: usize,
    /// Given up: the send buffer stayed full, or the asker's address can't be sent to.
    pub dropped: usize,
}

/// Sends every header's message, waiting once for a full send buffer and skipping what can't be sent at all.
fn send_all(socket: BorrowedFd<'_>, headers: &mut [libc::mmsghdr]) -> Sent {
    let mut result = Sent::default();
    let mut has_waited = false;
    let mut rest = headers;
    while !rest.is_empty() {
        let done = match send_some(socket, rest) {
            Ok(sent) if sent > 0 => {
                result.sent += sent;
                sent
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) if is_full(&error) && !has_waited => {
                has_waited = true;
                wait_writable(socket);
                0
            }
            Err(error) if !is_full(&error) => {
                // The error is of the first message alone: an address without a route, a port of 0, a firewall's refusal.
                result.dropped += 1;
                1
            }
            Ok(_) | Err(_) => {
                result.dropped += rest.len();
                rest.len()
            }
        };
        rest = rest.get_mut(done..).unwrap_or_default();
    }
    result
}

/// Whether an error says that the way out is full for the moment.
fn is_full(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM))
}

/// Waits until the socket takes more, at most [`SEND_WAIT`]. Failing to wait is as good as having waited.
fn wait_writable(socket: BorrowedFd<'_>) {
    let mut ready = [PollFd::new(&socket, PollFlags::OUT)];
    let _ = poll(&mut ready, Some(&SEND_WAIT_TIMESPEC));
}

/// One `recvmmsg` that does not block, begun again when a signal comes between.
fn receive_some(socket: BorrowedFd<'_>, headers: &mut [libc::mmsghdr]) -> io::Result<usize> {
    loop {
        // SAFETY: `lent-buffers`: `receive` has pointed each header at the batch's own buffers, which outlive the call.
        #[expect(unsafe_code, reason = "no safe wrapper takes a batch of datagrams with an address each")]
        let received = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                headers.len() as libc::c_uint,
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        };
        match usize::try_from(received) {
            Ok(received) => return Ok(received.min(headers.len())),
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => {}
                error => return Err(error),
            },
        }
    }
}

/// One `sendmmsg` that does not block. Gives how many messages went; an error is of the first.
fn send_some(socket: BorrowedFd<'_>, headers: &mut [libc::mmsghdr]) -> io::Result<usize> {
    // SAFETY: `lent-buffers`: `send` has pointed each header at the batch's own buffers, which outlive the call.
    #[expect(unsafe_code, reason = "no safe wrapper sends a batch of datagrams with control data each")]
    let sent = unsafe {
        libc::sendmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr(),
            headers.len() as libc::c_uint,
            libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
        )
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// A header that points nowhere.
fn empty_header() -> libc::mmsghdr {
    let zeroed = MaybeUninit::<libc::mmsghdr>::zeroed();
    // SAFETY: a header is integers and pointers, for which all bits zero are a value.
    #[expect(unsafe_code, reason = "the header has private padding on some targets, so it can't be written out")]
    unsafe {
        zeroed.assume_init()
    }
}

/// Points a header at one datagram: its address, its bytes and `control_bytes` of its control data.
fn fill_header(header: &mut libc::msghdr, vector: &mut libc::iovec, datagram: &mut Datagram, control_bytes: usize) {
    header.msg_name = (&raw mut datagram.address).cast();
    header.msg_namelen = datagram.address_bytes;
    header.msg_iov = vector;
    header.msg_iovlen = 1;
    if control_bytes > 0 {
        header.msg_control = (&raw mut datagram.packet_info).cast();
        header.msg_controllen = control_bytes as _;
    }
}

/// Points a vector at bytes.
fn vector(bytes: &mut [u8]) -> libc::iovec {
    libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() }
}

/// What belongs to one query beside its bytes. With a copy of it the query can be answered after its batch.
#[derive(Clone, Copy, Default)]
pub struct Datagram {
    /// Who asked, as the kernel wrote it.
    address: Address,
    /// How much of `address` counts.
    address_bytes: u32,
    /// The address asked, where the socket is bound to none.
    packet_info: PacketInfo,
    /// How much of `packet_info` goes with the answer.
    control_bytes: usize,
    /// The query's length.
    query_bytes: usize,
    /// The answer's length, 0 for none.
    answer_bytes: usize,
}

impl Datagram {
    /// The address of who asked.
    #[inline]
    pub fn ip(&self) -> IpAddr {
        self.address.ip()
    }

    /// Whether another came the same way: from the same address and port, to the same address.
    pub fn is_same_way(&self, other: &Self) -> bool {
        self.address() == other.address() && self.packet_info.words == other.packet_info.words
    }

    /// Address and port of who asked, as the kernel wrote them.
    fn address(&self) -> Option<&[u8]> {
        self.address.0.get(..self.address_bytes as usize)
    }
}

impl fmt::Debug for Datagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datagram").field("ip", &self.ip()).finish_non_exhaustive()
    }
}

/// A socket address as it is, IPv4 or IPv6: it goes back to the kernel as it came.
#[derive(Clone, Copy, Default)]
#[repr(C, align(8))]
struct Address([u8; 32]);

impl Address {
    /// The IP address in it: `sockaddr_in` has it behind family and port, `sockaddr_in6` behind these and the flow label. The unspecified one
    /// where it is neither.
    #[inline]
    #[expect(clippy::host_endian_bytes, reason = "the kernel writes the family as the machine has its numbers")]
    fn ip(&self) -> IpAddr {
        let [a, b, _, _, rest @ ..] = &self.0;
        match i32::from(u16::from_ne_bytes([*a, *b])) {
            libc::AF_INET => rest.first_chunk().map(|octets| IpAddr::V4(Ipv4Addr::from(*octets))),
            libc::AF_INET6 => {
                rest.get(4..).and_then(<[u8]>::first_chunk).map(|octets: &[u8; 16]| IpAddr::V6(Ipv6Addr::from(*octets)))
            }
            _ => None,
        }
        .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }
}

/// The one control message a datagram may carry, `IP_PKTINFO` or `IPV6_PKTINFO`, as the kernel lays it out: a header, then 12 or 20 octets.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct PacketInfo {
    /// Length, level and type.
    header: libc::cmsghdr,
    /// IPv4: interface, local address, destination. IPv6: address (four words), interface. The last word is padding.
    words: [u32; 6],
}

impl Default for PacketInfo {
    fn default() -> Self {
        Self { header: libc::cmsghdr { cmsg_len: 0, cmsg_level: 0, cmsg_type: 0 }, words: [0; 6] }
    }
}

impl PacketInfo {
    /// Makes what came with a query what goes with its answer: same address; no interface, so that routing decides, but for link-local
    /// addresses, which mean nothing without one. Gives the octets to send, 0 when it is none of the two.
    fn turn_round(&mut self) -> usize {
        match (self.header.cmsg_level, self.header.cmsg_type) {
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                let [interface, ..] = &mut self.words;
                *interface = 0;
                IPV4_CONTROL_BYTES
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                let [first, _, _, _, interface, _] = &mut self.words;
                if u32::from_be(*first) >> 22 != IPV6_LINK_LOCAL >> 22 {
                    *interface = 0;
                }
                IPV6_CONTROL_BYTES
            }
            _ => 0,
        }
    }
}

/// Datagrams a batch: enough that two system calls for all of them weigh little, few enough that the last one asked waits not long.
pub const BATCH_MAX: usize = 32;

/// The longest query taken whole. A query is a question and an OPT record; what is longer than this is none.
pub const QUERY_BYTES_MAX: usize = 4096;

/// How long a batch waits for a full send buffer before its answers are dropped: queries behind it wait as long.
pub const SEND_WAIT: Duration = Duration::from_millis(5);

/// [`SEND_WAIT`] as the kernel takes it.
const SEND_WAIT_TIMESPEC: Timespec = Timespec { tv_sec: 0, tv_nsec: SEND_WAIT.as_nanos() as i64 };

/// Does not wait.
const NO_TIME: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// The first 32 bits of fe80::/10.
const IPV6_LINK_LOCAL: u32 = 0xfe80_0000;

/// A control message's header and `in_pktinfo`, padded.
const IPV4_CONTROL_BYTES: usize = size_of::<libc::cmsghdr>() + 16;

/// A control message's header and `in6_pktinfo`, padded.
const IPV6_CONTROL_BYTES: usize = size_of::<libc::cmsghdr>() + 24;

/// A vector that points nowhere.
const NO_VECTOR: libc::iovec = libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 };

const _: () = assert!(size_of::<Address>() >= size_of::<libc::sockaddr_in6>());
const _: () = assert!(size_of::<PacketInfo>() == IPV6_CONTROL_BYTES && size_of::<libc::in6_pktinfo>() == 20);
const _: () = assert!(size_of::<libc::in_pktinfo>() == 12 && size_of::<libc::cmsghdr>() == 16);

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

    /// Waits for datagrams and receives them.
    fn receive(batch: &mut Batch, socket: &QuerySocket) -> usize {
        loop {
            match batch.receive(socket) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    poll(&mut [PollFd::new(socket, PollFlags::IN)], None).unwrap();
                }
                received => return received.unwrap(),
            }
        }
    }

    /// Sends five queries to `target`, answers all but the third through `bound`, and checks bytes and sources.
    fn exchange(bound: IpAddr, target: IpAddr) {
        let socket = QuerySocket::new(UdpSocket::bind((bound, 0)).unwrap()).unwrap();
        let target = SocketAddr::new(target, socket.socket.local_addr().unwrap().port());
        let unspecified: IpAddr =
            if target.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let client = UdpSocket::bind((unspecified, 0)).unwrap();
        for number in 0..5u8 {
            client.send_to(&[number; 3], target).unwrap();
        }
        let mut batch = Batch::new(512);
        let mut received = 0;
        while received < 5 {
            received += receive(&mut batch, &socket);
            batch.answer_each(|query, _, answer| {
                assert_eq!(query.len(), 3);
                answer[..2].copy_from_slice(&[query[0], 9]);
                (query[0] != 2).then_some(2)
            });
            assert_eq!(batch.send(&socket).dropped, 0);
        }
        for number in [0, 1, 3, 4] {
            let mut answer = [0; 8];
            let (length, from) = client.recv_from(&mut answer).unwrap();
            assert_eq!((&answer[..length], from), (&[number, 9][..], target));
        }
    }

    #[test]
    fn answers_go_back_from_the_address_asked() {
        exchange(Ipv4Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into());
        exchange(Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(127, 0, 0, 77).into());
    }

    #[test]
    fn answers_go_back_from_the_address_asked_over_ipv6() {
        if UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
            exchange(Ipv6Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
            exchange(Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::LOCALHOST.into());
        }
    }

    #[test]
    fn an_answer_that_can_not_go_does_not_hold_the_others() {
        let socket = QuerySocket::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).unwrap();
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let target = socket.socket.local_addr().unwrap();
        for number in 0..3u8 {
            client.send_to(&[number], target).unwrap();
        }
        let mut batch = Batch::new(70_000);
        let mut result = Sent::default();
        let mut received = 0;
        while received < 3 {
            received += receive(&mut batch, &socket);
            // The second answer is longer than any datagram.
            batch.answer_each(|query, _, _| Some(if query[0] == 1 { 70_000 } else { 1 }));
            let sent = batch.send(&socket);
            result = Sent { sent: result.sent + sent.sent, dropped: result.dropped + sent.dropped };
        }
        assert_eq!(result, Sent { sent: 2, dropped: 1 });
        assert_eq!(batch.send(&socket), Sent::default());
    }
}
