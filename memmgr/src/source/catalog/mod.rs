//! Catalog zones (RFC 9432): zones whose records say which zones there are.
//!
//! Nothing here knows of files, transfers or generations. [`Catalog`] is what the records of a catalog zone say; [`Members`] says which of several
//! catalogs each zone belongs to, and what is to be done when one of them changes; [`records`] are those of a catalog that we
//! produce.
//!
//! Files in the order to read them: `read` · `members` · `produce`.

mod members;
mod produce;
mod read;

pub(crate) use members::{Members, Owner, Step};
pub(crate) use produce::records;
pub(crate) use read::Catalog;
