//! Which names an answer has written already: [`Written`].

use dns::message::Builder;
use zone_segment::NameRef;

/// Where in the message names stand that are to be written once, up to `N` of them.
#[derive(Debug)]
pub(super) struct Written<const N: usize> {
    /// Positions of the names.
    positions: [u16; N],
    /// How many there are.
    count: usize,
}

impl<const N: usize> Written<N> {
    /// None.
    pub(super) fn new() -> Self {
        Self { positions: [0; N], count: 0 }
    }

    /// Notes a name whose record is to be written next; says whether it is one not noted before, and there is room to note it.
    pub(super) fn note(&mut self, builder: &Builder<'_>, name: NameRef<'_>) -> bool {
        let mut known = self.positions.iter().take(self.count);
        if known.any(|position| builder.has_name_at(usize::from(*position), name)) {
            return false;
        }
        let (Some(place), Ok(position)) = (self.positions.get_mut(self.count), u16::try_from(builder.position()))
        else {
            return false;
        };
        *place = position;
        self.count += 1;
        true
    }
}
