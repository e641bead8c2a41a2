//! A checksum over a zone's content: what pins it, and what shows that two runs had the same zone.

use std::convert::Infallible;

use dns::types::Rtype;
use zone_segment::{NameRef, ZoneId};

use crate::sink::Sink;

/// FNV-1a over all that comes in, lengths included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// The checksum.
    pub value: u64,
    /// How many records.
    pub records: u64,
}

impl Default for Checksum {
    /// Of nothing.
    fn default() -> Checksum {
        Checksum { value: 0xcbf2_9ce4_8422_2325, records: 0 }
    }
}

impl Checksum {
    /// Takes octets in, and how many.
    fn add(&mut self, octets: &[u8]) {
        for octet in (octets.len() as u32).to_be_bytes().iter().chain(octets) {
            self.value = (self.value ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

impl Sink for Checksum {
    type Error = Infallible;

    fn start_zone(&mut self, id: ZoneId, apex: NameRef<'_>) -> Result<(), Infallible> {
        self.add(&id.0.to_be_bytes());
        self.add(apex.as_wire());
        Ok(())
    }

    fn rrset(&mut self, owner: NameRef<'_>, rtype: Rtype, ttl: u32, rdata: &[&[u8]]) -> Result<(), Infallible> {
        self.add(owner.as_wire());
        self.add(&rtype.0.to_be_bytes());
        self.add(&ttl.to_be_bytes());
        for rdata in rdata {
            self.add(rdata);
        }
        self.records += rdata.len() as u64;
        Ok(())
    }
}
