//! The commit logs: what came after the manifest, one record a generation, and the journal of changes that is read from them.
//!
//! A manifest is a snapshot. Writing one a small change would cost a file, two renames and three syncs, so a generation that costs little is
//! appended to a log instead: its change sets, the stacks of the groups that changed, and what the catalogue says of its zones from then on.
//! One write, and one `fdatasync` that all who wait share.
//!
//! ```text
//! DIR/manifest                      generation 7, log 3
//! DIR/commits/0000000000000002      generations 5, 6 and 7: the journal
//! DIR/commits/0000000000000003      generations 8, 9, …: what a start replays on top of the manifest
//! ```
//!
//! A log begins with a header and holds records one behind the other (`frame`). Each record carries the checksum of the one before it,
//! the first one that of the header, and its own checksum covers that: octets that an earlier life of the disk left there are never
//! taken for a record. A log is appended to and never written over; what an append that was cut short left behind its end is cut off when
//! the log is next opened. It is rotated at each snapshot.
//!
//! Logs that the manifest no longer needs are the [`Journal`]: from them zones are transferred in increments and generations compared. The
//! oldest go when all of them are larger than they may be.
//!
//! Which generation gets a record and which a manifest, and when anybody waits for the disk, is not decided here. Read [`CommitRecord`] first,
//! then [`CommitLog`], [`replay()`] and [`catch_up()`].

mod apply;
mod catch_up;
mod error;
mod frame;
mod journal;
mod log;
mod reader;
mod record;
mod replay;
mod stored;
mod sync;
mod syncer;
#[cfg(test)]
mod tests;

pub use apply::{ApplyError, apply};
pub use catch_up::{CaughtUp, Rebuild, Refused, StackHistory, catch_up};
pub use error::{LogError, LogStep, ReadLogError, Torn, TornWhy};
pub use frame::RECORD_OCTETS_MAX;
pub use journal::{Journal, JournalError, SetPlace};
pub use log::CommitLog;
pub use record::{CommitRecord, GenerationChanges, RecordPlace};
pub use replay::{Replayed, replay};
pub use sync::LogSync;
pub use syncer::{Durable, Syncer};
