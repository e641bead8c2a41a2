//! Parts of the network as numbers: which bits of an address count.

use std::net::{IpAddr, Ipv6Addr};

/// The bits of an address that count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Masks {
    /// Ones at those of an IPv4 address.
    ipv4: u32,
    /// Ones at those of an IPv6 address.
    ipv6: u128,
}

impl Masks {
    /// The first so many bits of each; more than an address has are all of it.
    pub(super) fn new(ipv4_bits: u8, ipv6_bits: u8) -> Self {
        Self {
            ipv4: u32::MAX.checked_shl(32u32.saturating_sub(ipv4_bits.into())).unwrap_or(0),
            ipv6: u128::MAX.checked_shl(128u32.saturating_sub(ipv6_bits.into())).unwrap_or(0),
        }
    }

    /// The part of the network that an address lies in.
    #[inline]
    pub(super) fn network(&self, address: IpAddr) -> Network {
        Network(match address {
            IpAddr::V4(address) => IPV4_MAPPED | u128::from(address.to_bits() & self.ipv4),
            IpAddr::V6(address) => address.to_bits() & self.ipv6,
        })
    }
}

/// A part of the network: its first address as a number, IPv4 among ::ffff:0:0/96.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Network(pub(super) u128);

impl Network {
    /// The first 64 bits of an IPv6 address, or all of an IPv4 one: enough to be told of.
    pub fn to_word(self) -> u64 {
        let Self(number) = self;
        if number >> 32 == IPV4_MAPPED >> 32 { number as u64 } else { (number >> 64) as u64 }
    }

    /// The network of a word.
    pub fn from_word(word: u64) -> Self {
        // No network has these words as first ones: ::/32 is not given to anybody.
        if word >> 32 == (IPV4_MAPPED >> 32) as u64 { Self(word.into()) } else { Self(u128::from(word) << 64) }
    }

    /// Its first address.
    pub fn address(self) -> IpAddr {
        Ipv6Addr::from_bits(self.0).to_canonical()
    }
}

/// ::ffff:0:0, where IPv4 addresses stand among those of IPv6.
const IPV4_MAPPED: u128 = 0xffff << 32;
