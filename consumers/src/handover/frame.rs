//! One packet of the link in octets: [`Frame`].
//!
//! ```text
//!  0 the octets "TrHO"
//!  4 u8  version
//!  5 u8  kind: 0 hello, 1 handed over, 2 handed back
//!  6 u8  family of both addresses: 4 or 6; 0 of a hello
//!  7 u8  0
//!  8 u16 client's port, then u16 server's port
//! 12 16 octets client's address, IPv4 in the first four; then the server's
//! 44 u32 octets of the request, then u32 octets of the rest
//! 52 the request, then the rest
//! ```
//!
//! Numbers are big-endian. What a packet does not use is 0.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The first octets of each packet.
const MAGIC: [u8; 4] = *b"TrHO";

/// The version of the form; another one is not read.
const VERSION: u8 = 1;

/// Octets before the request.
pub const HEADER_OCTETS: usize = 52;

/// The longest request: the longest message there is.
pub const REQUEST_OCTETS_MAX: usize = u16::MAX as usize;

/// The most octets that auth may have read behind a request: as many as a message with its length has.
pub const REST_OCTETS_MAX: usize = u16::MAX as usize + 2;

/// The longest packet. A socket's buffer, which has 208 KiB unless the machine is set otherwise, takes one of them whole.
pub const FRAME_OCTETS_MAX: usize = HEADER_OCTETS + REQUEST_OCTETS_MAX + REST_OCTETS_MAX;

/// A packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'f> {
    /// xfrout is there.
    Hello,
    /// auth gives a connection away, with a transfer to be answered.
    HandedOver(Handed<'f>),
    /// xfrout gives one back; there is no request.
    HandedBack(Handed<'f>),
}

/// A connection that changes hands; its descriptor travels beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handed<'f> {
    /// Who asks.
    pub client: SocketAddr,
    /// The address asked at.
    pub server: SocketAddr,
    /// The message as it came, without its length.
    pub request: &'f [u8],
    /// What was read behind it.
    pub rest: &'f [u8],
}

impl<'f> Frame<'f> {
    /// The octets before request and rest, which follow as they are.
    ///
    /// # Errors
    ///
    /// [`FrameError::Lengths`] when either is longer than may be, [`FrameError::Family`] when the addresses are not of one family.
    pub fn header(&self) -> Result<[u8; HEADER_OCTETS], FrameError> {
        let mut header = [0; HEADER_OCTETS];
        let (kind, handed) = match self {
            Frame::Hello => (0, None),
            Frame::HandedOver(handed) => (1, Some(handed)),
            Frame::HandedBack(handed) => (2, Some(handed)),
        };
        let mut place = Places(&mut header);
        place.put(&MAGIC);
        place.put(&[VERSION, kind]);
        let Some(handed) = handed else { return Ok(header) };
        let family = family_of(handed.client);
        if family != family_of(handed.server) {
            return Err(FrameError::Family { found: family_of(handed.server) });
        }
        let (request, rest) = (handed.request.len(), handed.rest.len());
        if request > REQUEST_OCTETS_MAX || rest > REST_OCTETS_MAX {
            return Err(FrameError::Lengths { request, rest, found: HEADER_OCTETS + request + rest });
        }
        place.put(&[family, 0]);
        place.put(&handed.client.port().to_be_bytes());
        place.put(&handed.server.port().to_be_bytes());
        place.put(&address_octets(handed.client.ip()));
        place.put(&address_octets(handed.server.ip()));
        // Both were found to be short.
        place.put(&(request as u32).to_be_bytes());
        place.put(&(rest as u32).to_be_bytes());
        Ok(header)
    }

    /// Reads a packet.
    ///
    /// # Errors
    ///
    /// [`FrameError`] with what is wrong with it.
    pub fn decode(octets: &'f [u8]) -> Result<Self, FrameError> {
        let found = octets.len();
        let (header, body) =
            octets.split_first_chunk::<HEADER_OCTETS>().ok_or(FrameError::Short { expected: HEADER_OCTETS, found })?;
        let mut rest = Rest(header);
        let magic: [u8; 4] = rest.take();
        if magic != MAGIC {
            return Err(FrameError::Magic { found: magic });
        }
        let [version, kind, family, zero] = rest.take();
        if version != VERSION {
            return Err(FrameError::Version { expected: VERSION, found: version });
        }
        let ports = [u16::from_be_bytes(rest.take()), u16::from_be_bytes(rest.take())];
        let addresses: [[u8; 16]; 2] = [rest.take(), rest.take()];
        let lengths = [u32::from_be_bytes(rest.take()), u32::from_be_bytes(rest.take())];
        let [request, rest] = lengths.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        let has_lengths = request <= REQUEST_OCTETS_MAX && rest <= REST_OCTETS_MAX && request + rest == body.len();
        if !has_lengths {
            return Err(FrameError::Lengths { request, rest, found });
        }
        let frame = match kind {
            0 => {
                let is_plain = family == 0 && header.get(7..).is_some_and(|rest| rest.iter().all(|octet| *octet == 0));
                return if is_plain { Ok(Frame::Hello) } else { Err(FrameError::Family { found: family }) };
            }
            1 => Frame::HandedOver,
            2 => Frame::HandedBack,
            found => return Err(FrameError::Kind { found }),
        };
        if zero != 0 {
            return Err(FrameError::Family { found: family });
        }
        let mut sockets =
            addresses.iter().zip(ports).map(|(octets, port)| Some(SocketAddr::new(address_of(family, octets)?, port)));
        let (Some(Some(client)), Some(Some(server))) = (sockets.next(), sockets.next()) else {
            return Err(FrameError::Family { found: family });
        };
        let (request, rest) = body.split_at(request);
        // A connection that is given back has nothing that was asked for.
        if kind == 2 && !request.is_empty() {
            return Err(FrameError::Lengths { request: request.len(), rest: rest.len(), found });
        }
        Ok(frame(Handed { client, server, request, rest }))
    }
}

/// Room that is filled from its beginning.
struct Places<'p>(&'p mut [u8]);

impl Places<'_> {
    /// Puts octets behind those before.
    fn put(&mut self, octets: &[u8]) {
        if let Some((place, rest)) = std::mem::take(&mut self.0).split_at_mut_checked(octets.len()) {
            place.copy_from_slice(octets);
            self.0 = rest;
        }
    }
}

/// Octets that are read from their beginning.
struct Rest<'r>(&'r [u8]);

impl Rest<'_> {
    /// The next ones; zeros where there are none, which a whole header does not come to.
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let Some((octets, rest)) = self.0.split_first_chunk() else { return [0; N] };
        self.0 = rest;
        *octets
    }
}

/// The number of an address's family.
fn family_of(address: SocketAddr) -> u8 {
    if address.is_ipv4() { 4 } else { 6 }
}

/// An address in 16 octets.
fn address_octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        }
        IpAddr::V6(address) => address.octets(),
    }
}

/// An address out of 16 octets; none of a family that there is not, or an IPv4 address with more than its octets.
fn address_of(family: u8, octets: &[u8; 16]) -> Option<IpAddr> {
    match family {
        4 => {
            let (address, zeros) = octets.split_first_chunk::<4>()?;
            zeros.iter().all(|octet| *octet == 0).then(|| Ipv4Addr::from(*address).into())
        }
        6 => Some(Ipv6Addr::from(*octets).into()),
        _ => None,
    }
}

/// Why octets are no packet of the link.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// Fewer octets than a header has.
    Short {
        /// Octets of a header.
        expected: usize,
        /// Octets there are.
        found: usize,
    },
    /// It does not begin as one.
    Magic {
        /// The first octets.
        found: [u8; 4],
    },
    /// Another version.
    Version {
        /// The one there is.
        expected: u8,
        /// The one it says.
        found: u8,
    },
    /// A kind that there is not.
    Kind {
        /// Its number.
        found: u8,
    },
    /// Addresses of no family that there is, or not as they are of that family.
    Family {
        /// The family's number.
        found: u8,
    },
    /// Lengths over their limits, or not those of what is there.
    Lengths {
        /// Octets of the request, as it says.
        request: usize,
        /// Octets of the rest, as it says.
        rest: usize,
        /// Octets there are in all.
        found: usize,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { expected, found } => write!(f, "expected a header of {expected} octets, found {found}"),
            Self::Magic { found } => write!(f, "expected a packet that begins with {MAGIC:02x?}, found {found:02x?}"),
            Self::Version { expected, found } => write!(f, "expected version {expected}, found {found}"),
            Self::Kind { found } => write!(f, "expected a kind of 0, 1 or 2, found {found}"),
            Self::Family { found } => write!(f, "expected two addresses of family 4 or 6, found family {found}"),
            Self::Lengths { request, rest, found } => write!(
                f,
                "expected a request of at most {REQUEST_OCTETS_MAX} octets and a rest of at most {REST_OCTETS_MAX}, in all what the \
                 packet has, found {request} and {rest} in {found}"
            ),
        }
    }
}

impl std::error::Error for FrameError {}
