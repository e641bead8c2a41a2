//! The link between auth and xfrout: clients' connections travel over it, from auth with a transfer that was asked for, and back with what xfrout
//! does not answer.
//!
//! Read [`Frame`] first, which is one packet in octets, then [`Link`], which sends and receives them together with descriptors. Nothing here knows
//! of DNS messages. The byte table stands in `docs/bus-protocol.md`.
//!
//! ```text
//! auth                                       xfrout
//!   │ ── connects ──────────────────────────▶ │   the supervisor listens: that alone says nothing
//!   │ ◀──────────────────────────── hello ─── │   somebody is there
//!   │ ── handed over (socket) ──────────────▶ │   the request, and what was read behind it
//!   │ ◀─────────────── handed back (socket) ─ │   when it is done: what was read and not answered
//! ```
//!
//! Whoever gets a packet that is wrong drops the link, and with it every descriptor that came: each end trusts the other no further than that.

mod frame;
mod link;
#[cfg(test)]
mod tests;

pub use frame::{FRAME_OCTETS_MAX, Frame, FrameError, HEADER_OCTETS, Handed, REQUEST_OCTETS_MAX, REST_OCTETS_MAX};
pub use link::{Arrived, ConnectError, Link, ReceiveError, SendError};
