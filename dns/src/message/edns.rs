//! The OPT record (RFC 6891): as it came with a query ([`Edns`]) and as it goes with the answer ([`EdnsReply`]), Extended DNS Errors
//! (RFC 8914) included.

use crate::types::Rcode;

/// The OPT record of a query.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Edns<'a> {
    /// The largest datagram the asker takes, as sent.
    pub udp_size: u16,
    /// The version; only 0 is known.
    pub version: u8,
    /// Whether DNSSEC records are wanted (the DO bit; RFC 3225).
    pub is_dnssec_ok: bool,
    /// The options, checked to be whole.
    options: &'a [u8],
}

impl<'a> Edns<'a> {
    /// The option code of the name server's identifier (RFC 5001).
    pub const NSID: u16 = 3;
    /// That of cookies (RFC 7873).
    pub const COOKIE: u16 = 10;
    /// That of a connection's idle timeout (RFC 7828).
    pub const KEEPALIVE: u16 = 11;
    /// That of Extended DNS Errors (RFC 8914).
    pub const EXTENDED_ERROR: u16 = 15;
    /// That of a zone's version (RFC 9660).
    pub const ZONEVERSION: u16 = 19;

    /// Reads an OPT record's class, TTL and RDATA; `None` when an option is cut short.
    pub(super) fn parse(class: u16, ttl: u32, rdata: &'a [u8]) -> Option<Self> {
        let [_, version, flags, _] = ttl.to_be_bytes();
        let edns = Self { udp_size: class, version, is_dnssec_ok: flags & DO != 0, options: rdata };
        let mut options = edns.options();
        while options.next().is_some() {}
        options.rest.is_empty().then_some(edns)
    }

    /// The options, each with its code.
    pub fn options(&self) -> Options<'a> {
        Options { rest: self.options }
    }
}

/// The options of an OPT record, in order.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    /// What is left.
    rest: &'a [u8],
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<(u16, &'a [u8])> {
        let (code, rest) = self.rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        self.rest = rest;
        Some((u16::from_be_bytes(*code), value))
    }
}

/// The OPT record of an answer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct EdnsReply<'a> {
    /// The largest datagram taken here.
    pub udp_size: u16,
    /// The DO bit of the query (RFC 3225, section 3).
    pub is_dnssec_ok: bool,
    /// The server's and the client's cookie (RFC 7873).
    pub cookie: Option<&'a [u8]>,
    /// How long an idle connection is kept, in tenths of a second (RFC 7828).
    pub keepalive: Option<u16>,
    /// The name server's identifier (RFC 5001).
    pub identity: Option<&'a [u8]>,
    /// The version of the zone that the answer is from (RFC 9660).
    pub zone_version: Option<ZoneVersion>,
    /// What more there is to say of an error; left out when it does not fit.
    pub error: Option<ExtendedError>,
}

/// The version of a zone: its serial (RFC 9660, section 4).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ZoneVersion {
    /// How many labels the zone's apex has, the root label not counted.
    pub labels: u8,
    /// The serial of its SOA record.
    pub serial: u32,
}

impl EdnsReply<'_> {
    /// Octets of the record with all its options but the error: what [`Builder::reserve_edns`](super::Builder::reserve_edns) keeps free.
    pub fn octets(&self) -> usize {
        let option = |length: Option<usize>| length.map_or(0, |length| OPTION_FIXED_OCTETS + length);
        OPT_OCTETS
            + option(self.cookie.map(<[u8]>::len))
            + option(self.keepalive.map(|_| 2))
            + option(self.identity.map(<[u8]>::len))
            + option(self.zone_version.map(|_| ZONE_VERSION_OCTETS))
    }

    /// The record without its options, with the upper eight bits of the RCODE; the length of its options is for the writer to fill in.
    pub(super) fn fixed(&self, rcode: Rcode) -> [u8; OPT_OCTETS] {
        let [size_high, size_low] = self.udp_size.to_be_bytes();
        let upper = (rcode.0 >> 4) as u8;
        let flags = if self.is_dnssec_ok { DO } else { 0 };
        [0, 0, OPT_TYPE, size_high, size_low, upper, VERSION, flags, 0, 0, 0]
    }

    /// Adds the whole record but for the error to octets that have room for it.
    pub(super) fn write(&self, rcode: Rcode, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.fixed(rcode));
        self.options(|code, value| {
            out.extend_from_slice(&code.to_be_bytes());
            // Options are made here and have some octets.
            out.extend_from_slice(&(value.len() as u16).to_be_bytes());
            out.extend_from_slice(value);
        });
        let length = (out.len() - start - OPT_OCTETS) as u16;
        if let Some(place) = out.get_mut(start + OPT_OCTETS - 2..start + OPT_OCTETS) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }

    /// Hands each option but the error to `put`, its code first.
    pub(super) fn options(&self, mut put: impl FnMut(u16, &[u8])) {
        if let Some(cookie) = self.cookie {
            put(Edns::COOKIE, cookie);
        }
        if let Some(keepalive) = self.keepalive {
            put(Edns::KEEPALIVE, &keepalive.to_be_bytes());
        }
        if let Some(identity) = self.identity {
            put(Edns::NSID, identity);
        }
        if let Some(ZoneVersion { labels, serial }) = self.zone_version {
            let [a, b, c, d] = serial.to_be_bytes();
            put(Edns::ZONEVERSION, &[labels, SOA_SERIAL, a, b, c, d]);
        }
    }
}

/// An Extended DNS Error's INFO-CODE; the text is left to whoever reads the code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ExtendedError(pub u16);

impl ExtendedError {
    /// The server has no data yet.
    pub const NOT_READY: Self = Self(14);
    /// The client may not ask this.
    pub const PROHIBITED: Self = Self(18);
    /// The server is not authoritative for the name.
    pub const NOT_AUTHORITATIVE: Self = Self(20);
    /// The zone's data can't be served: it expired.
    pub const INVALID_DATA: Self = Self(24);
}

/// Octets of an OPT record without options: kept free at the end of every answer that has one.
pub(super) const OPT_OCTETS: usize = 11;

/// Octets of an option's code and length.
pub(super) const OPTION_FIXED_OCTETS: usize = 4;

/// Octets of a zone's version.
const ZONE_VERSION_OCTETS: usize = 6;

/// The kind of version that a serial is (RFC 9660, section 4.1).
const SOA_SERIAL: u8 = 0;

/// The version of EDNS spoken here.
pub(super) const VERSION: u8 = 0;

/// The DO bit in the upper octet of the flags.
const DO: u8 = 0x80;

/// The low octet of type OPT.
const OPT_TYPE: u8 = 41;
