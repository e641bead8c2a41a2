//! Where domain names stand in RDATA: which may be compressed in a message, which are lower-cased for canonical order, which cause
//! additional-section processing.
//!
//! The RDATA meant here is uncompressed wire form, as records and segments hold it. Not for presentation format.

use super::Rtype;
use std::ops::Range;

/// Where the domain names of one type's RDATA stand: `count` names in a row, after `offset` octets and then `strings`
/// character strings. What follows the last name is no name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NameFields {
    /// Octets before the first name, or before the character strings that precede it.
    pub offset: usize,
    /// Character strings (a length octet and that many octets) between `offset` and the first name; only NAPTR has any.
    pub strings: usize,
    /// Names in a row.
    pub count: usize,
}

impl NameFields {
    /// Names after a fixed number of octets.
    const fn at(offset: usize, count: usize) -> Option<Self> {
        Some(Self { offset, strings: 0, count })
    }

    /// The octet range of each name in `rdata`, its root label included; ends early where `rdata` is cut short or malformed.
    pub fn ranges(self, rdata: &[u8]) -> NameRanges<'_> {
        NameRanges { rdata, position: self.first(rdata).unwrap_or(rdata.len()), left: self.count }
    }

    /// Where the first name starts; `None` where `rdata` is cut short before it.
    pub(crate) fn first(self, rdata: &[u8]) -> Option<usize> {
        let mut position = self.offset;
        for _ in 0..self.strings {
            position += 1 + usize::from(*rdata.get(position)?);
        }
        (position < rdata.len()).then_some(position)
    }
}

/// The octet ranges of the names in one RDATA, made by [`NameFields::ranges`].
#[derive(Clone, Debug)]
pub struct NameRanges<'a> {
    /// The RDATA looked into.
    rdata: &'a [u8],
    /// Where the next name starts.
    position: usize,
    /// Names left to give.
    left: usize,
}

impl Iterator for NameRanges<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        self.left = self.left.checked_sub(1)?;
        let start = self.position;
        let mut end = start;
        loop {
            match usize::from(*self.rdata.get(end)?) {
                0 => break,
                label @ 1..=63 => end += 1 + label,
                _ => return None,
            }
        }
        self.position = end + 1;
        Some(start..self.position)
    }
}

/// Names that may be compressed in a message: those of the types of RFC 1035 alone (RFC 3597, section 4).
pub const fn compressible_names(rtype: Rtype) -> Option<NameFields> {
    match rtype {
        Rtype::NS | Rtype::MD | Rtype::MF | Rtype::CNAME | Rtype::MB | Rtype::MG | Rtype::MR | Rtype::PTR => {
            NameFields::at(0, 1)
        }
        Rtype::SOA | Rtype::MINFO => NameFields::at(0, 2),
        Rtype::MX => NameFields::at(2, 1),
        _ => None,
    }
}

/// Names that are lower-cased in the canonical form of RDATA (RFC 4034, section 6.2, as corrected by RFC 6840, section 5.1: not NSEC).
///
/// HINFO stands in that list by mistake, it has no names; A6 is left out: it is historic (RFC 6563) and its names move with a prefix length.
pub const fn canonical_names(rtype: Rtype) -> Option<NameFields> {
    match rtype {
        Rtype::RP => NameFields::at(0, 2),
        Rtype::AFSDB | Rtype::RT | Rtype::KX => NameFields::at(2, 1),
        Rtype::PX => NameFields::at(2, 2),
        Rtype::SIG | Rtype::RRSIG => NameFields::at(18, 1),
        Rtype::NXT | Rtype::DNAME => NameFields::at(0, 1),
        Rtype::SRV => NameFields::at(6, 1),
        Rtype::NAPTR => Some(NameFields { offset: 4, strings: 3, count: 1 }),
        _ => compressible_names(rtype),
    }
}

/// Where the name stands whose addresses an answer adds in its additional section, for types that ask for it: NS, MD, MF, MB and MX
/// (RFC 1035, section 3.3), AFSDB and RT (RFC 1183), SRV (RFC 2782), KX (RFC 2230), SVCB and HTTPS (RFC 9460, section 4.1).
///
/// The target `.` of SVCB and HTTPS stands for the owner in service mode; that is for the caller to know.
pub const fn additional_target(rtype: Rtype) -> Option<usize> {
    match rtype {
        Rtype::NS | Rtype::MD | Rtype::MF | Rtype::MB => Some(0),
        Rtype::MX | Rtype::AFSDB | Rtype::RT | Rtype::KX | Rtype::SVCB | Rtype::HTTPS => Some(2),
        Rtype::SRV => Some(6),
        _ => None,
    }
}
