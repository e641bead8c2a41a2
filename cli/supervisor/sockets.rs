//! The listening sockets: opened once, passed down by inheritance, never bound again while the server lives.
//!
//! Per address there is one SO_REUSEPORT UDP socket for each auth process and one TCP socket shared by all; per address of TLS the latter alone.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use nix::setsockopt_impl;
use nix::sys::socket::{setsockopt, sockopt};
use rustix::net::sockopt::set_socket_incoming_cpu;
use socket2::{Domain, Protocol, Socket, Type};

use super::{narrow, owner};

/// Where to answer when nothing is said.
const DEFAULT_LISTEN: [&str; 2] = ["127.0.0.1:5300", "[::1]:5300"];

/// Receive buffer asked for: 4 MiB hold some ten thousand queries, 20 ms of what a core can answer.
const RECEIVE_BUFFER: usize = 4 << 20;

/// Connections the kernel queues for us before they are accepted.
const TCP_BACKLOG: i32 = 1024;

/// How long an address may stay taken: the processes of a supervisor that was killed need a moment to end.
const TAKE_OVER: Duration = Duration::from_secs(2);

/// Attempts to find a port that is free over UDP and TCP alike.
const FREE_PORT_ATTEMPTS: usize = 16;

/// Every socket queries arrive at.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    /// The addresses, ports filled in.
    pub(crate) addresses: Vec<SocketAddr>,
    /// For each slot, one socket an address.
    pub(crate) udp: Vec<Vec<OwnedFd>>,
    /// One listening socket an address.
    pub(crate) tcp: Vec<OwnedFd>,
    /// The addresses of TLS, ports filled in.
    pub(crate) tls_addresses: Vec<SocketAddr>,
    /// One listening socket each.
    pub(crate) tls: Vec<OwnedFd>,
    /// Octets of receive buffer each UDP socket has.
    pub(crate) receive_buffer: usize,
}

/// How sockets are opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SocketOptions {
    /// Auth processes.
    pub(crate) slots: usize,
    /// Whether queries go to the slot of the processor they arrive on.
    pub(crate) steer_by_cpu: bool,
    /// How many connections may wait that were opened with their first query; 0 for none at all.
    pub(crate) fast_open: u32,
}

impl Sockets {
    /// Opens the sockets of all slots at these addresses, or at the default ones when none is given.
    ///
    /// # Errors
    ///
    /// [`ListenError`] naming the address, and its owner when another process has it.
    pub(crate) fn open(listen: &[SocketAddr], options: SocketOptions) -> Result<Self, ListenError> {
        let mut sockets = Sockets::default();
        sockets.udp.resize_with(options.slots, Vec::new);
        if options.fast_open > 0 && !is_fast_open_allowed() {
            tracing::warn!(setting = FAST_OPEN_SETTING, "fast-open-not-allowed");
        }
        if listen.is_empty() {
            for address in DEFAULT_LISTEN.into_iter().filter_map(|text| text.parse::<SocketAddr>().ok()) {
                match sockets.add(address, options) {
                    // A machine without IPv6 is no reason not to answer over IPv4.
                    Err(error) if address.is_ipv6() && error.is_unavailable() => {
                        tracing::warn!(%address, reason = %error.error, "listen-address-unavailable");
                    }
                    other => other?,
                }
            }
        }
        for &address in listen {
            sockets.add(address, options)?;
        }
        Ok(sockets)
    }

    /// Opens the sockets of these addresses for TLS.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub(crate) fn open_tls(&mut self, listen: &[SocketAddr]) -> Result<(), ListenError> {
        for &address in listen {
            let (address, socket) = reserve(address, |address| {
                let failed = |error| ListenError::new("binding a TCP socket for TLS", address, error);
                let socket = open_tcp(address).map_err(failed)?;
                let bound = socket.local_addr().map_err(failed)?.as_socket().unwrap_or(address);
                Ok((bound, socket))
            })?;
            self.tls_addresses.push(address);
            self.tls.push(socket.into());
        }
        Ok(())
    }

    /// Opens the sockets of one address.
    fn add(&mut self, address: SocketAddr, options: SocketOptions) -> Result<(), ListenError> {
        let (address, tcp) = reserve(address, reserve_once)?;
        if options.fast_open > 0 {
            set_fast_open(&tcp, options.fast_open)
                .map_err(|error| ListenError::new("switching on TCP Fast Open", address, error))?;
        }
        for slot in 0..options.slots {
            let udp = open_udp(address).map_err(|error| ListenError::new("binding a UDP socket", address, error))?;
            if options.steer_by_cpu {
                set_processor(&udp, slot)
                    .map_err(|error| ListenError::new("steering a UDP socket by processor", address, error))?;
            }
            self.receive_buffer = udp.recv_buffer_size().unwrap_or(0);
            self.udp[slot].push(udp.into());
        }
        self.tcp.push(tcp.into());
        self.addresses.push(address);
        Ok(())
    }
}

/// Takes an address as soon as nobody has it any more; fills in a free port for port 0.
fn reserve(
    address: SocketAddr,
    once: impl Fn(SocketAddr) -> Result<(SocketAddr, Socket), ListenError>,
) -> Result<(SocketAddr, Socket), ListenError> {
    let deadline = Instant::now() + TAKE_OVER;
    let mut attempts = 0;
    loop {
        attempts += 1;
        let error = match once(address) {
            Ok(reserved) => return Ok(reserved),
            Err(error) => error,
        };
        if error.error.kind() != io::ErrorKind::AddrInUse {
            return Err(error);
        }
        if address.port() == 0 {
            if attempts >= FREE_PORT_ATTEMPTS {
                return Err(error);
            }
        } else if Instant::now() >= deadline {
            return Err(error.with_owner());
        } else {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// One attempt for queries: makes sure nobody else has the address, over UDP or TCP, and takes TCP.
fn reserve_once(address: SocketAddr) -> Result<(SocketAddr, Socket), ListenError> {
    // A second SO_REUSEPORT bind of the same user succeeds silently, so the question is asked by a bind without it.
    let probe = (|| {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM.cloexec(), Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.bind(&address.into())?;
        let bound = socket.local_addr()?.as_socket().unwrap_or(address);
        Ok(bound)
    })();
    let address = probe.map_err(|error| ListenError::new("probing for another UDP server", address, error))?;
    let tcp = open_tcp(address).map_err(|error| ListenError::new("binding a TCP socket", address, error))?;
    Ok((address, tcp))
}

/// One of the address's UDP sockets.
fn open_udp(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM.cloexec().nonblocking(), Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_port(true)?;
    // Without the privilege for more than rmem_max, what rmem_max gives.
    if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

/// The address's TCP socket.
fn open_tcp(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.cloexec().nonblocking(), Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(TCP_BACKLOG)?;
    Ok(socket)
}

/// Lets clients that were here before send their first query with the segment that opens the connection (RFC 7413).
fn set_fast_open(socket: &Socket, waiting_max: u32) -> io::Result<()> {
    let waiting_max = usize::try_from(waiting_max).unwrap_or(usize::MAX);
    setsockopt(socket, FastOpen, &waiting_max).map_err(io::Error::from)
}

/// Whether the system lets servers take queries with the segment that opens a connection. Where that can't be found out, it does.
fn is_fast_open_allowed() -> bool {
    let setting = std::fs::read_to_string(FAST_OPEN_SETTING).ok();
    let setting: Option<u32> = setting.and_then(|text| text.trim().parse().ok());
    setting.is_none_or(|bits| bits & FAST_OPEN_OF_SERVERS != 0)
}

/// The system's switch of TCP Fast Open, of this network namespace.
const FAST_OPEN_SETTING: &str = "/proc/sys/net/ipv4/tcp_fastopen";

/// The bit of it that is about servers.
const FAST_OPEN_OF_SERVERS: u32 = 2;

/// TCP_FASTOPEN of a listening socket: how many connections may wait. nix knows the client's side alone.
#[derive(Clone, Copy, Debug)]
struct FastOpen;

setsockopt_impl!(FastOpen, libc::IPPROTO_TCP, libc::TCP_FASTOPEN, usize, sockopt::SetUsize);
#[cfg(test)]
nix::getsockopt_impl!(FastOpen, libc::IPPROTO_TCP, libc::TCP_FASTOPEN, usize, sockopt::GetUsize);

/// Makes the kernel prefer this socket, of those that share an address, for what arrives on the processor of the slot's number. What arrives
/// on a processor without a slot is spread over all, as without this.
fn set_processor(socket: &Socket, slot: usize) -> io::Result<()> {
    set_socket_incoming_cpu(socket, narrow(slot)).map_err(io::Error::from)
}

/// An address that can't be answered at.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) struct ListenError {
    /// What was being done.
    pub(crate) doing: &'static str,
    /// At which address.
    pub(crate) address: SocketAddr,
    /// Who has it, when that could be found out.
    pub(crate) owner: Option<owner::Owner>,
    /// What the kernel said.
    pub(crate) error: io::Error,
}

impl ListenError {
    /// An error whose owner is not known.
    fn new(doing: &'static str, address: SocketAddr, error: io::Error) -> Self {
        ListenError { doing, address, owner: None, error }
    }

    /// The same, with whoever has the address.
    fn with_owner(mut self) -> Self {
        self.owner = owner::of(self.address);
        self
    }

    /// Whether the machine has no such address or family at all.
    fn is_unavailable(&self) -> bool {
        self.error.kind() == io::ErrorKind::AddrNotAvailable
            || self.error.raw_os_error() == Some(nix::errno::Errno::EAFNOSUPPORT as i32)
    }
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.doing, self.address)?;
        match (&self.owner, self.error.kind()) {
            (Some(owner), _) => write!(f, ": in use by {owner}; stop it, or give another --listen"),
            (None, io::ErrorKind::AddrInUse) => write!(f, ": in use; give another --listen"),
            (None, io::ErrorKind::PermissionDenied) => {
                write!(f, ": ports below 1024 need root or CAP_NET_BIND_SERVICE")
            }
            _ => Ok(()),
        }
    }
}

impl std::error::Error for ListenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    /// The processor this thread was last seen on.
    fn processor() -> usize {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        // Fields are counted behind the name, which may have spaces in it; this is the 39th of all.
        stat.rsplit_once(')').unwrap().1.split_whitespace().nth(36).unwrap().parse().unwrap()
    }

    #[test]
    fn steered_queries_arrive_at_the_slot_of_their_processor() {
        let slots = std::thread::available_parallelism().unwrap().get();
        let options = SocketOptions { slots, steer_by_cpu: true, fast_open: 0 };
        let sockets = Sockets::open(&["127.0.0.1:0".parse().unwrap()], options).unwrap();
        let address = sockets.addresses[0];
        let receivers: Vec<UdpSocket> = sockets.udp.into_iter().flatten().map(UdpSocket::from).collect();
        let mut seen = 0;
        for _ in 0..200 {
            // Another port each time, by which queries would be spread without steering.
            let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
            let before = processor();
            sender.send_to(b"query", address).unwrap();
            let is_moved = processor() != before;
            let arrived = receivers.iter().position(|receiver| receiver.recv(&mut [0; 8]).is_ok()).unwrap();
            if !is_moved && before < slots {
                assert_eq!(arrived, before);
                seen += 1;
            }
        }
        assert!(seen > 0);
    }

    #[test]
    fn fast_open_is_taken_by_the_kernel() {
        let options = SocketOptions { slots: 1, steer_by_cpu: false, fast_open: 16 };
        let sockets = Sockets::open(&["127.0.0.1:0".parse().unwrap(), "[::1]:0".parse().unwrap()], options).unwrap();
        for socket in sockets.tcp {
            assert_eq!(nix::sys::socket::getsockopt(&socket, FastOpen).unwrap(), 16);
        }
    }
}
