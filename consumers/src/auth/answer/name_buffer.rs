//! A name on the stack: the one being answered, which aliases replace. Case is kept, unlike in a `LookupName`.

use zone_segment::{NAME_OCTETS_MAX, NameRef};

/// A name of its own, without allocation. The root by default.
#[derive(Clone, Debug)]
pub(super) struct NameBuffer {
    /// The wire form; only the first `length` octets count.
    octets: [u8; NAME_OCTETS_MAX],
    /// Octets of the name.
    length: usize,
}

/// The name would have more than 255 octets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct TooLong;

impl NameBuffer {
    /// The name.
    pub(super) fn name(&self) -> NameRef<'_> {
        self.octets.get(..self.length).and_then(|wire| NameRef::from_wire(wire).ok()).unwrap_or(NameRef::ROOT)
    }

    /// Replaces the name.
    pub(super) fn set(&mut self, name: NameRef<'_>) {
        // A checked name fits.
        let _ = self.put(0, name.as_wire());
    }

    /// Makes it the wildcard below a name.
    pub(super) fn set_wildcard(&mut self, parent: NameRef<'_>) -> Result<(), TooLong> {
        self.put(0, b"\x01*")?;
        self.put(2, parent.as_wire())
    }

    /// Replaces its suffix `owner`, at or below which it is, by `target` (RFC 6672, section 2.2). It stays as it is when the result is too
    /// long.
    pub(super) fn substitute(&mut self, owner: NameRef<'_>, target: NameRef<'_>) -> Result<(), TooLong> {
        let kept = self.length.saturating_sub(owner.as_wire().len());
        self.put(kept, target.as_wire())
    }

    /// Puts octets behind the first `kept` ones, as the name's end.
    fn put(&mut self, kept: usize, octets: &[u8]) -> Result<(), TooLong> {
        let length = kept + octets.len();
        self.octets.get_mut(kept..length).ok_or(TooLong)?.copy_from_slice(octets);
        self.length = length;
        Ok(())
    }
}

impl Default for NameBuffer {
    fn default() -> Self {
        Self { octets: [0; NAME_OCTETS_MAX], length: 1 }
    }
}
