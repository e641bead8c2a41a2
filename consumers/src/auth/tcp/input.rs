//! What was read of a connection and is not answered yet.

/// Octets of the length before a message (RFC 1035, section 4.2.2).
pub(super) const LENGTH_OCTETS: usize = 2;

/// What is read at once: hundreds of pipelined queries.
pub(super) const INPUT_OCTETS: usize = 16 * 1024;

/// Room made at first for a message that did not come whole; it doubles as more of it comes, so that who announces much holds little.
const BEGUN_OCTETS: usize = 512;

/// The first message of a stream of them, if it is whole, and what is behind it.
pub(super) fn split_message(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = octets.split_first_chunk::<LENGTH_OCTETS>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// What was read and not answered: most of the time nothing, else the beginning of a message, or what the client asked while it did not
/// read its answers. At most the longest message or [`INPUT_OCTETS`], whichever is more.
#[derive(Debug, Default)]
pub(super) struct Input {
    /// Room; without anything in it none is kept.
    room: Vec<u8>,
    /// How much of it is filled.
    filled: usize,
}

impl Input {
    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// What there is.
    pub(super) fn octets(&self) -> &[u8] {
        self.room.get(..self.filled).unwrap_or_default()
    }

    /// Whether a whole message is there.
    pub(super) fn has_message(&self) -> bool {
        split_message(self.octets()).is_some()
    }

    /// Keeps what was read elsewhere; there has to be nothing.
    pub(super) fn keep(&mut self, octets: &[u8]) {
        self.room.extend_from_slice(octets);
        self.filled = octets.len();
    }

    /// Room to read more into, never none: a message that has begun is not longer than what can be read of it.
    pub(super) fn room(&mut self) -> &mut [u8] {
        let announced = self
            .octets()
            .first_chunk()
            .map_or(LENGTH_OCTETS, |length| LENGTH_OCTETS + usize::from(u16::from_be_bytes(*length)));
        let wanted = announced.min(BEGUN_OCTETS.max(2 * self.filled)).max(self.filled + 1);
        self.room.resize(wanted, 0);
        self.room.get_mut(self.filled..).unwrap_or_default()
    }

    /// Notes how much of the room was filled.
    pub(super) fn filled(&mut self, octets: usize) {
        self.filled += octets;
    }

    /// Forgets what was answered.
    pub(super) fn take(&mut self, octets: usize) {
        self.room.truncate(self.filled);
        self.room.drain(..octets.min(self.filled));
        self.filled = self.room.len();
        if self.filled == 0 {
            self.room = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_split_where_their_lengths_say() {
        assert_eq!(split_message(&[0, 2, 7, 8, 0]), Some((&[7, 8][..], &[0][..])));
        assert_eq!(split_message(&[0, 0]), Some((&[][..], &[][..])));
        for cut in [&[][..], &[0], &[0, 1], &[1, 0, 1]] {
            assert_eq!(split_message(cut), None);
        }
    }

    #[test]
    fn room_grows_with_what_comes_and_not_with_what_is_announced() {
        let mut input = Input::default();
        input.keep(&[0xff]);
        assert_eq!(input.room().len(), 1);
        input.room()[0] = 0xff;
        input.filled(1);
        let mut held_max = 0;
        while !input.has_message() {
            let room = input.room().len();
            assert!(room > 0);
            input.filled(1);
            held_max = held_max.max(input.room.len());
            assert!(
                input.room.len() <= BEGUN_OCTETS.max(2 * input.filled),
                "{} for {}",
                input.room.len(),
                input.filled
            );
        }
        assert_eq!((input.octets().len(), held_max), (LENGTH_OCTETS + 0xffff, LENGTH_OCTETS + 0xffff));
        input.take(LENGTH_OCTETS + 0xffff);
        assert!(input.is_empty() && input.room.capacity() == 0);
    }

    #[test]
    fn what_is_behind_an_answered_message_stays() {
        let mut input = Input::default();
        input.keep(&[0, 1, 9, 0, 3, 1]);
        assert!(input.has_message());
        input.take(3);
        assert_eq!(input.octets(), [0, 3, 1]);
        assert!(!input.has_message());
        assert_eq!(input.room().len(), 2);
    }
}
