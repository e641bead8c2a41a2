//! The first twelve octets of a message: [`Header`] (RFC 1035, section 4.1.1).

use crate::types::{Opcode, Rcode};

/// A message's header, as it stands on the wire.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Header {
    /// Chosen by the asker, copied to the answer.
    pub id: u16,
    /// The second row: QR, opcode, the flags and RCODE.
    pub flags: u16,
    /// Entries in the question, answer, authority and additional sections.
    pub counts: [u16; 4],
}

impl Header {
    /// Reads a message's header; `None` when the message is too short for one.
    pub fn parse(message: &[u8]) -> Option<Self> {
        let (octets, _) = message.split_first_chunk::<HEADER_OCTETS>()?;
        let [a, b, c, d, e, f, g, h, i, j, k, l] = *octets;
        let row = |high, low| u16::from_be_bytes([high, low]);
        Some(Self { id: row(a, b), flags: row(c, d), counts: [row(e, f), row(g, h), row(i, j), row(k, l)] })
    }

    /// The header in wire form.
    pub fn to_wire(self) -> [u8; HEADER_OCTETS] {
        let [questions, answers, authority, additional] = self.counts.map(u16::to_be_bytes);
        let mut octets = [0; HEADER_OCTETS];
        let rows = [self.id.to_be_bytes(), self.flags.to_be_bytes(), questions, answers, authority, additional];
        for (place, row) in octets.chunks_exact_mut(2).zip(rows) {
            place.copy_from_slice(&row);
        }
        octets
    }

    /// What kind of query it is.
    pub fn opcode(self) -> Opcode {
        Opcode((self.flags >> OPCODE_SHIFT & 0xf) as u8)
    }

    /// The four bits of RCODE in the header.
    pub fn rcode(self) -> Rcode {
        Rcode(self.flags & RCODE_MASK)
    }

    /// Whether a flag is set.
    pub fn has(self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// The header of an answer to this query: id, opcode and RD are the query's; RA, AD and CD are clear, since no recursion is offered and
    /// nothing is validated here (RFC 4035, section 3.1.6); no entries yet.
    pub fn answer(self) -> Self {
        Self { id: self.id, flags: QR | self.flags & (OPCODE_MASK | RD), counts: [0; 4] }
    }
}

/// The flags of a request of a kind.
pub(super) const fn flags_of(opcode: Opcode) -> u16 {
    (opcode.0 as u16) << OPCODE_SHIFT & OPCODE_MASK
}

/// Octets in a header; what is shorter is no message.
pub const HEADER_OCTETS: usize = 12;

/// The message is a response.
pub const QR: u16 = 0x8000;

/// The answer is authoritative.
pub const AA: u16 = 0x0400;

/// The answer did not fit whole.
pub const TC: u16 = 0x0200;

/// Recursion is desired.
pub const RD: u16 = 0x0100;

/// Recursion is available.
pub const RA: u16 = 0x0080;

/// The data was found authentic.
pub const AD: u16 = 0x0020;

/// Checking is disabled.
pub const CD: u16 = 0x0010;

/// The opcode's bits.
const OPCODE_MASK: u16 = 0x7800;

/// Where the opcode's bits start.
const OPCODE_SHIFT: u16 = 11;

/// The bits of RCODE.
pub(super) const RCODE_MASK: u16 = 0x000f;
