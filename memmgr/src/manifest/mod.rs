//! The manifest: the snapshot of the state directory that names every segment of the newest generation, and the chunks of the
//! catalogue that say what is known of its zones.
//!
//! A file of one checked line and a JSON body, replaced as a whole:
//!
//! ```text
//! trine-manifest 3 LENGTH CHECKSUM\n        LENGTH octets of body, xxh3-128 of the body, 32 hexadecimal digits
//! { "generation": 7, … }\n                  the body
//! ```
//!
//! It is written to `manifest.new`, synced and renamed over `manifest`, and the directory is synced; the one before stays as
//! `manifest.previous`. At any moment of this, a power cut included, `manifest` is a whole file: the one before or the next.
//! Should it be damaged all the same, that is found, whichever octet it is, and the one before is taken.
//!
//! Generations that cost little come without a manifest of their own: they stand in the commit logs ([`crate::commits`]) that come after
//! the snapshot, of which [`ManifestBody`] names the first.
//!
//! It has what is needed to serve, and is small whatever the number of zones. What is not needed for that, where each zone came from
//! and how its files looked, is the [`catalogue`]: read when readers have what they need, and written for the shards that changed.
//!
//! What the segments hold, which of them may be unlinked and when the manifest is written is not decided here. The types to
//! read first are [`ManifestBody`], what it says, and [`Manifest`], where it lies.

mod body;
mod boot;
pub mod catalogue;
mod error;
mod hexadecimal;
mod octets;
mod sealed;
mod state_dir;
mod store;
#[cfg(test)]
mod tests;

pub use body::{ChunkEntry, GroupEntry, KeptEntry, LayerEntry, ManifestBody};
pub use boot::{BOOT_ID_PATH, BootIdError, boot_id};
pub use catalogue::{ChunkError, SHARDS, SecondaryState, SourceStamp, ZoneEntry, ZoneState};
pub use error::{Damage, DamageKind, DecodeError, LoadError, SaveError, SaveStep};
pub use sealed::{MANIFEST_BYTES_MAX, decode, encode};
pub use state_dir::StateDir;
pub use store::{Loaded, Manifest};
