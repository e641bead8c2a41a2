//! Messages on the wire: the view of a query and the builder of its answer. Nothing of that allocates, panics or knows of zones.
//!
//! Read [`receive`] first, which says what a datagram or a framed message is ([`Received`]), then [`Builder`], which writes an answer into
//! bytes given by the caller. [`header`] has the first twelve octets, [`edns`] the OPT record on both sides, `names` compression.
//!
//! For whole zones and their changes: [`Records`] reads a message whose data is taken, [`MessageStream`] writes a transfer, [`question`]
//! what other servers are asked and told. These allocate, a bounded amount.
//!
//! ```
//! use dns::message::{Builder, NameRoom, Received, receive};
//!
//! let query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x00\x00\x01\x00\x01";
//! let Received::Query(query) = receive(query) else { panic!("a query") };
//! let mut room = [0; 512];
//! let mut names = NameRoom::default();
//! let mut answer = Builder::new(&mut room, 512, query.header, &mut names).expect("512 octets hold a header");
//! answer.question(&query.question).expect("and a question");
//! let length = answer.finish(None);
//! assert_eq!(length, 12 + 13);
//! assert_eq!(room[..4], [0x12, 0x34, 0x81, 0x00]);
//! ```

mod ask;
mod builder;
pub mod edns;
pub mod header;
mod names;
mod query;
pub(crate) mod raw;
mod records;
mod stream;
mod stream_names;
#[cfg(test)]
mod tests;

pub use ask::{Asked, forwarded, is_answer_to, question, set_id};
pub use builder::{Builder, Full, Mark, Section};
pub use edns::{Edns, EdnsReply, ExtendedError, ZoneVersion};
pub use header::Header;
pub use names::NameRoom;
pub use query::{Query, Question, RECORDS_MAX, Received, Rejected, receive};
pub use records::{Fault, Malformed, MessageRecord, RecordRef, Records};
pub use stream::{MessageStream, PushError, StreamError};
