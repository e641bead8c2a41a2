//! What carries over from entry to entry, whoever reads them: the owner and the TTLs ([`Carried`]).

use super::super::ttl::TTL_MAX;
use crate::columns::{CHUNK_OCTETS, Kind};
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
    /// Its length, which is 0 where there is no owner, and itself in wire form.
    octets: [u8; 1 + NAME_ROOM],
    /// How it was written.
    text: [u8; NAME_ROOM],
    /// Octets of that; 0 where a text like it need not mean the same.
    text_length: usize,
    /// Whether the part's last group is the owner's.
    is_begun: bool,
}

impl Default for Owner {
    fn default() -> Self {
        Self { octets: [0; 1 + NAME_ROOM], text: [0; NAME_ROOM], text_length: 0, is_begun: false }
    }
}

impl Owner {
    /// In wire form.
    #[inline(always)]
    fn as_wire(&self) -> &[u8] {
        let [length, wire @ ..] = &self.octets;
        wire.get(..usize::from(*length)).unwrap_or_default()
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
        let [length, wire @ ..] = &mut owner.octets;
        // A name has at most 255 octets.
        *length = read(wire)? as u8;
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
        let length = u8::try_from(wire.len()).unwrap_or_default();
        owner.octets[0] = length;
        owner.octets[1..=usize::from(length)].copy_from_slice(&wire[..usize::from(length)]);
        owner.text_length = 0;
        owner.is_begun = false;
    }

    /// Tells that another part is begun.
    pub(super) fn begin_part(&mut self) {
        self.owners.iter_mut().for_each(|owner| owner.is_begun = false);
    }

    /// The kind of a record; `None` where it has no TTL.
    #[inline(always)]
    pub(super) fn kind(&self, rtype: Rtype, own_ttl: Option<u32>, file: u32) -> Option<Kind> {
        let (ttl, awaits_ttl) = match own_ttl {
            Some(ttl) => (ttl, false),
            None => self.ttls.inherited()?,
        };
        Some(Kind { rtype, ttl, awaits_ttl, file })
    }

    /// The owner with its length before it, unless its records in the part are begun; `None` where there is no owner.
    #[inline(always)]
    pub(super) fn owner_to_begin(&self) -> Option<Option<&[u8]>> {
        let owner = self.current();
        (owner.octets[0] != 0).then_some((!owner.is_begun).then_some(owner.octets.as_slice()))
    }

    /// Tells that the owner's records are begun, and what TTL the last had of its own.
    #[inline(always)]
    pub(super) fn took_record(&mut self, own_ttl: Option<u32>) {
        self.current_mut().is_begun = true;
        self.ttls.last = own_ttl.or(self.ttls.last);
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
