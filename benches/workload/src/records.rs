//! A zone's records in memory, as a zone file's: for small zones, to compare with what was read back.

use std::convert::Infallible;

use dns::Record;
use dns::types::Rtype;
use zone_segment::{NameRef, ZoneId};

use crate::sink::Sink;

/// The records, in the order they came in.
#[derive(Debug, Default)]
pub struct Records(pub Vec<Record>);

impl Sink for Records {
    type Error = Infallible;

    fn start_zone(&mut self, _: ZoneId, _: NameRef<'_>) -> Result<(), Infallible> {
        Ok(())
    }

    fn rrset(&mut self, owner: NameRef<'_>, rtype: Rtype, ttl: u32, rdata: &[&[u8]]) -> Result<(), Infallible> {
        let record =
            |rdata: &&[u8]| Record { owner: owner.to_name(), rtype, ttl, rdata: (*rdata).into(), file: 0, line: 0 };
        self.0.extend(rdata.iter().map(record));
        Ok(())
    }
}
