//! What a process answers with beside zone data: [`Policy`], and [`Client`], what is known of who asks.

use std::net::IpAddr;
use std::time::Duration;

use dns::message::Edns;
use dns::tsig::Keys;

use super::cookie::Cookies;

/// How a query came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// In a datagram: the answer has to fit into what the asker takes and what networks carry whole.
    Udp,
    /// In a stream: the answer has to fit into a message.
    Tcp,
}

/// Who asks, how, and when.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Client {
    /// How the query came.
    pub transport: Transport,
    /// Where it came from.
    pub address: IpAddr,
    /// The time in seconds since 1970, cut to 32 bits as cookies have it (RFC 9018, section 4.3).
    pub now: u32,
}

/// What a process answers with, the same for all queries.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The largest datagram sent, and the one advertised as taken, at least [`UDP_OCTETS_MIN`].
    pub udp_octets_max: u16,
    /// Whether what an answer does not need is left out: the apex's NS RRset beside positive answers, and addresses of targets.
    pub minimal_responses: bool,
    /// Whether the records of an RRset come in another order each time.
    pub rotate_rrsets: bool,
    /// What `version.bind` and `version.server` are answered with in class CHAOS; `None` refuses.
    pub version: Option<Box<str>>,
    /// What `id.server` and `hostname.bind` are answered with, and the name server identifier (RFC 5001); `None` refuses.
    pub identity: Option<Box<str>>,
    /// Makes and checks cookies (RFC 7873); `None` ignores them.
    pub cookies: Option<Cookies>,
    /// How long an idle connection is kept, told to who asks for it over TCP (RFC 7828); `None` tells nothing.
    pub keepalive: Option<Duration>,
    /// Keys that queries may be signed with, and their answers then are.
    pub keys: Keys,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            udp_octets_max: UDP_OCTETS_MAX_DEFAULT,
            minimal_responses: true,
            rotate_rrsets: false,
            version: None,
            identity: None,
            cookies: None,
            keepalive: None,
            keys: Keys::default(),
        }
    }
}

impl Policy {
    /// The longest answer to a query that came so.
    pub(super) fn answer_octets(&self, transport: Transport, edns: Option<&Edns<'_>>) -> usize {
        let asked = edns.map_or(UDP_OCTETS_MIN, |edns| edns.udp_size.max(UDP_OCTETS_MIN));
        match transport {
            Transport::Udp => usize::from(asked.min(self.udp_size())),
            Transport::Tcp => usize::from(u16::MAX),
        }
    }

    /// The largest datagram sent or taken.
    pub(super) fn udp_size(&self) -> u16 {
        self.udp_octets_max.max(UDP_OCTETS_MIN)
    }
}

/// What every asker takes (RFC 1035, section 4.2.1); a smaller EDNS size means this (RFC 6891, section 6.2.5).
pub const UDP_OCTETS_MIN: u16 = 512;

/// The largest datagram by default: what passes without fragments nearly everywhere (RFC 9715).
pub const UDP_OCTETS_MAX_DEFAULT: u16 = 1232;
