//! Zone data as immutable, memory-mapped segments: the format, its writer and its readers.
#![deny(unsafe_code)]

mod hash;
mod lookup_name;
mod name;

pub use hash::HashKey;
pub use lookup_name::LookupName;
pub use name::{LABEL_OCTETS_MAX, LABELS_MAX, Labels, NAME_OCTETS_MAX, Name, NameError, NameRef};
