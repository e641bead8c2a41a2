//! Classes: [`Class`]. Zones are of class IN alone; the others are here to be recognised and refused.

use super::numbers::registry;

registry! {
    /// A class, or a query class where it stands in a question.
    Class(u16), "class", "CLASS";
    /// The Internet.
    IN = 1 "IN";
    /// Chaos, asked for the server's own data.
    CH = 3 "CH";
    /// Hesiod.
    HS = 4 "HS";
    /// No class: a prerequisite or a deletion in an update (RFC 2136).
    NONE = 254 "NONE";
    /// Any class (QCLASS).
    ANY = 255 "ANY";
}
