//! DNS types, presentation format and messages: what every process of Trine needs to know about the wire and about zone files,
//! and nothing about segments, sockets or configuration.
//!
//! Read [`types`] first, then [`text`] (zone files in, presentation format out) and [`check`] (zone checks). [`message`] is the view of a
//! received message and the builder of an answer; [`tsig`] signs messages and checks signatures, and [`access`] says who may do what.

pub mod access;
pub mod change;
pub mod change_list;
pub mod check;
pub mod columns;
pub mod compare;
pub mod message;
mod order;
mod record;
mod rrset;
pub mod text;
pub mod tsig;
pub mod types;

pub use columns::{Columns, SortedZone};
pub use order::{canonical_rdata_cmp, sort};
pub use record::Record;
pub use rrset::{RrsetRef, rrsets};
