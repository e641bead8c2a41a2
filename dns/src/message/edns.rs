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
pub struct EdnsReply {
    /// The largest datagram taken here.
    pub udp_size: u16,
    /// The DO bit of the query (RFC 3225, section 3).
    pub is_dnssec_ok: bool,
    /// What more there is to say of an error; left out when it does not fit.
    pub error: Option<ExtendedError>,
}

impl EdnsReply {
    /// The record without its options, with the upper eight bits of the RCODE and `options` octets to follow.
    pub(super) fn fixed(&self, rcode: Rcode, options: u16) -> [u8; OPT_OCTETS] {
        let [size_high, size_low] = self.udp_size.to_be_bytes();
        let [length_high, length_low] = options.to_be_bytes();
        let upper = (rcode.0 >> 4) as u8;
        let flags = if self.is_dnssec_ok { DO } else { 0 };
        [0, 0, OPT_TYPE, size_high, size_low, upper, VERSION, flags, 0, length_high, length_low]
    }
}

/// An Extended DNS Error's INFO-CODE; the text is left to whoever reads the code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ExtendedError(pub u16);

impl ExtendedError {
    /// The server has no data yet.
    pub const NOT_READY: Self = Self(14);
    /// The server is not authoritative for the name.
    pub const NOT_AUTHORITATIVE: Self = Self(20);
    /// The kind of query is not supported.
    pub const NOT_SUPPORTED: Self = Self(21);
    /// The zone's data can't be served: it expired.
    pub const INVALID_DATA: Self = Self(24);

    /// The option in wire form.
    pub(super) fn to_wire(self) -> [u8; EXTENDED_ERROR_OCTETS] {
        let [high, low] = self.0.to_be_bytes();
        [0, OPTION_EXTENDED_ERROR, 0, 2, high, low]
    }
}

/// Octets of an OPT record without options: kept free at the end of every answer that has one.
pub(super) const OPT_OCTETS: usize = 11;

/// Octets of an Extended DNS Error without text.
pub(super) const EXTENDED_ERROR_OCTETS: usize = 6;

/// The version of EDNS spoken here.
pub(super) const VERSION: u8 = 0;

/// The DO bit in the upper octet of the flags.
const DO: u8 = 0x80;

/// The low octet of type OPT.
const OPT_TYPE: u8 = 41;

/// The low octet of the option code of an Extended DNS Error.
const OPTION_EXTENDED_ERROR: u8 = 15;
