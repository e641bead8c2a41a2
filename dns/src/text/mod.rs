//! Presentation format: zone files in, records out ([`zonefile`]), changes of a zone in ([`changes`]), and records out as text ([`present`]).
//!
//! Octets go through `token` (an entry's tokens), `zonefile::reader` (directives, owners, TTLs) and `rdata` (the fields of a type), in
//! this order. Nothing here asks whether the records make a sound zone; that is `crate::check`.

mod a6;
mod apl;
mod bitmap;
pub mod changes;
mod date;
mod error;
mod field;
mod fields;
mod gateway;
mod head;
mod hip;
mod layout;
pub mod limits;
mod location;
mod name;
mod nsap;
pub mod origin;
pub mod present;
mod rdata;
mod simd;
mod svcb;
#[cfg(test)]
mod tests;
mod token;
mod ttl;
mod wks;
pub mod zonefile;

pub(crate) use bitmap::types as types_of_set;
pub use date::{calendar_date, parse as signature_time};
pub use error::{Place, Reason, Severity, ZoneFileError};
pub use fields::RdataFault;
pub use name::NameFault;
pub use origin::{absolute_name, origin_from_path};
pub use rdata::check as is_rdata_of;
pub use ttl::{TTL_MAX, TtlFault};
