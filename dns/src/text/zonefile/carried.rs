//! What carries over from entry to entry, whoever reads them: the owner and the TTLs ([`Carried`]).

use super::super::simd::CHUNK_OCTETS;
use super::super::ttl::TTL_MAX;
use crate::columns::{Kind, Part};
use crate::types::Rtype;
use zone_segment::NameRef;

/// Room for a name: its octets, and the last octets of a chunk that is copied from its text.
pub(super) const NAME_ROOM: usize = 5 * CHUNK_OCTETS;

/// Owner and TTLs.
#[derive(Clone, Debug, Default)]
pub(super) struct Carried {
    /// The owner of the last record, and the one before it.
    owners: [Owner; 2],
    /// Which of them is which.
    current: bool,
    /// The TTLs for records without one.
    pub(super) ttls: Ttls,
}

/// An owner, or none.
#[derive(Clone, Debug)]
struct Owner {
    /// In wire form, as far as `length` says.
    wire: [u8; NAME_ROOM],
    /// Octets of that; 0 where there is no owner.
    length: usize,
    /// How it was written.
    text: [u8; NAME_ROOM],
    /// Octets of that; 0 where a text like it need not mean the same.
    text_length: usize,
    /// Whether the part's last group is the owner's.
    is_begun: bool,
}

impl Default for Owner {
    fn default() -> Self {
        Self { wire: [0; NAME_ROOM], length: 0, text: [0; NAME_ROOM], text_length: 0, is_begun: false }
    }
}

impl Owner {
    /// In wire form.
    #[inline(always)]
    fn as_wire(&self) -> &[u8] {
        self.wire.get(..self.length).unwrap_or_default()
    }
}

/// The TTLs for records without one.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Ttls {
    /// What the last `$TTL` said (RFC 2308, section 4), or the minimum of an SOA that has no TTL.
    pub(super) default: Option<u32>,
    /// The last TTL that a record had of its own.
    pub(super) last: Option<u32>,
    /// Whether there may be others before those, in an earlier part of the file.
    pub(super) is_unknown: bool,
}

/// The TTL of a kind that waits for one, where no record before it in its part had one of its own.
pub(super) const NO_TTL: u32 = u32::MAX;

const _: () = assert!(NO_TTL > TTL_MAX);

impl Ttls {
    /// The TTL of a record that has none, and whether it waits for an earlier part.
    #[inline]
    pub(super) fn inherited(&self) -> Option<(u32, bool)> {
        match (self.default, self.is_unknown) {
            (Some(ttl), _) => Some((ttl, false)),
            (None, true) => Some((self.last.unwrap_or(NO_TTL), true)),
            (None, false) => Some((self.last?, false)),
        }
    }
}

impl Carried {
    /// The owner; `None` where there was none.
    pub(super) fn owner(&self) -> Option<NameRef<'_>> {
        NameRef::from_wire(self.current().as_wire()).ok()
    }

    /// Whether a text stands for the same owner as the one before.
    #[inline(always)]
    pub(super) fn is_owner_text(&self, text: &[u8]) -> bool {
        let owner = self.current();
        owner.text.get(..owner.text_length) == Some(text)
    }

    /// Forgets how the owner was written: the origin changes.
    pub(super) fn forget_text(&mut self) {
        self.current_mut().text_length = 0;
    }

    /// Takes another owner from its text; `read` writes it to the room it is given, and gives its length.
    #[inline(always)]
    pub(super) fn read_owner(
        &mut self,
        text: &[u8],
        read: impl FnOnce(&mut [u8; NAME_ROOM]) -> Option<usize>,
    ) -> Option<()> {
        let owner = &mut self.owners[usize::from(!self.current)];
        owner.length = read(&mut owner.wire)?;
        owner.text.get_mut(..text.len())?.copy_from_slice(text);
        owner.text_length = text.len();
        owner.is_begun = false;
        self.current = !self.current;
        Some(())
    }

    /// Goes back to the owner before [`Carried::read_owner`].
    pub(super) fn revert_owner(&mut self) {
        self.current = !self.current;
    }

    /// Takes another owner in wire form; an empty one is none.
    pub(super) fn replace_owner(&mut self, wire: &[u8]) {
        let owner = self.current_mut();
        let length = wire.len().min(owner.wire.len());
        owner.wire[..length].copy_from_slice(&wire[..length]);
        owner.length = length;
        owner.text_length = 0;
        owner.is_begun = false;
    }

    /// Tells that another part is begun.
    pub(super) fn begin_part(&mut self) {
        self.owners.iter_mut().for_each(|owner| owner.is_begun = false);
    }

    /// Adds a record; `None`, and nothing happens, where it has no owner or no TTL.
    #[inline(always)]
    pub(super) fn record(
        &mut self,
        rtype: Rtype,
        own_ttl: Option<u32>,
        file: u32,
        line: u32,
        rdata: &[u8],
        part: &mut Part,
    ) -> Option<()> {
        let (ttl, awaits_ttl) = match own_ttl {
            Some(ttl) => (ttl, false),
            None => self.ttls.inherited()?,
        };
        let owner = self.current_mut();
        if !owner.is_begun {
            part.owner(NameRef::from_wire(owner.as_wire()).ok()?);
            owner.is_begun = true;
        }
        self.ttls.last = own_ttl.or(self.ttls.last);
        let kind = part.kind(Kind { rtype, ttl, awaits_ttl, file });
        part.record(kind, line, rdata);
        Some(())
    }

    /// The owner.
    #[inline(always)]
    fn current(&self) -> &Owner {
        &self.owners[usize::from(self.current)]
    }

    /// The owner, to be changed.
    #[inline(always)]
    fn current_mut(&mut self) -> &mut Owner {
        &mut self.owners[usize::from(self.current)]
    }
}
