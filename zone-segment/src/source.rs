//! What a builder is fed with: the records of a zone, owner by owner in canonical order, from wherever they are kept.
//!
//! Many threads read a source at once, each its own ranks, so that it need not be one list in memory. Who holds records of another
//! form implements [`ZoneSource`] for it; nothing is copied on the way.

use std::ops::{ControlFlow, Range};

use crate::name::NameRef;

/// A record on its way into a segment; its owner is that of all that come with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceRecord<'a> {
    /// The type.
    pub rtype: u16,
    /// The TTL in seconds.
    pub ttl: u32,
    /// The RDATA in uncompressed wire form.
    pub rdata: &'a [u8],
}

/// The same, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedRecord {
    /// The type.
    pub rtype: u16,
    /// The TTL in seconds.
    pub ttl: u32,
    /// The RDATA in uncompressed wire form.
    pub rdata: Box<[u8]>,
}

impl OwnedRecord {
    /// As a source hands it over.
    pub fn as_source(&self) -> SourceRecord<'_> {
        SourceRecord { rtype: self.rtype, ttl: self.ttl, rdata: &self.rdata }
    }
}

/// The records of one zone in canonical order of their owners (RFC 4034, section 6.1).
///
/// A rank is a place in that order. Several ranks in a row may have the same owner: [`ZoneSource::visit`] takes them together.
pub trait ZoneSource: Sync {
    /// How many ranks there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The owner at a rank below [`ZoneSource::len`].
    fn name(&self, rank: usize) -> NameRef<'_>;

    /// Shows owner after owner of a range of ranks, which begins and ends between two owners: the rank of each, its name, and all of its
    /// records; each record once, those of a type together and with the same TTL (signatures: those that cover the same type). Stops where
    /// it is told to.
    fn visit<'a>(&'a self, ranks: Range<usize>, to: &mut Visitor<'_, 'a>);
}

/// Who is shown the owners of a [`ZoneSource`].
pub type Visitor<'v, 'a> = dyn FnMut(usize, NameRef<'a>, &[SourceRecord<'a>]) -> ControlFlow<()> + 'v;
