//! A resource record of a zone as it comes from a source, with where it came from.
//!
//! Not how records are stored or sent: `zone-segment` and `message` have their own forms.

use crate::types::Rtype;
use zone_segment::Name;

/// A resource record; its class is IN, as that of every zone here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// The owner, in the case it was written in.
    pub owner: Name,
    /// The type.
    pub rtype: Rtype,
    /// The TTL in seconds.
    pub ttl: u32,
    /// The RDATA: uncompressed wire form, names in the case they were written in.
    pub rdata: Box<[u8]>,
    /// Which file it stands in, as an index into [`Columns::files`](crate::Columns::files); 0 where there are no files.
    pub file: u32,
    /// The line its entry starts on, from 1; 0 where there is no file.
    pub line: u32,
}
