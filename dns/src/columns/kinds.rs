//! What many records have in common, kept once a part: [`Kind`].

use crate::types::Rtype;

/// Type, TTL and file of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The type.
    pub rtype: Rtype,
    /// The TTL in seconds.
    pub ttl: u32,
    /// Whether the TTL is only known once an earlier part is: [`Part::set_awaited_ttls`](super::Part::set_awaited_ttls).
    pub awaits_ttl: bool,
    /// Which file the records stand in, as an index into [`Columns::files`](super::Columns::files).
    pub file: u32,
}

/// The number of a kind in its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindId(pub(super) u32);

/// The kinds of a part, numbered.
#[derive(Clone, Debug)]
pub(super) struct Kinds {
    /// By number. The same kind may have several.
    kinds: Vec<Kind>,
    /// Where each was seen last, by a few bits of its hash.
    recent: [u32; RECENT],
}

/// Kinds that are found again without a search.
const RECENT: usize = 64;

impl Default for Kinds {
    fn default() -> Self {
        Self { kinds: Vec::new(), recent: [u32::MAX; RECENT] }
    }
}

impl Kinds {
    /// The number of a kind, a new one if it was not seen lately.
    #[inline]
    pub(super) fn id(&mut self, kind: Kind) -> KindId {
        let hash = (u64::from(kind.ttl) << 16 | u64::from(kind.rtype.0)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let slot = (hash >> 58) as usize % RECENT;
        let recent = KindId(self.recent[slot]);
        if self.get(recent) == Some(kind) {
            return recent;
        }
        // A part has far fewer than 2^32 records.
        let id = self.kinds.len() as u32;
        self.kinds.push(kind);
        self.recent[slot] = id;
        KindId(id)
    }

    /// A kind by its number.
    #[inline]
    pub(super) fn get(&self, id: KindId) -> Option<Kind> {
        self.kinds.get(id.0 as usize).copied()
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.iter()
    }

    /// The same, to be changed; what was seen lately is forgotten.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Kind> {
        self.recent = [u32::MAX; RECENT];
        self.kinds.iter_mut()
    }

    /// The same kinds, in memory of just their size.
    pub(super) fn copy(&self) -> Kinds {
        Kinds { kinds: self.kinds.as_slice().into(), recent: self.recent }
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.kinds.clear();
        self.recent = [u32::MAX; RECENT];
    }

    /// Gives back memory that is not used.
    pub(super) fn shrink(&mut self) {
        self.kinds.shrink_to_fit();
    }

    /// Octets of memory.
    pub(super) fn octets(&self) -> usize {
        self.kinds.capacity() * size_of::<Kind>()
    }
}
