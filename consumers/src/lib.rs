//! Processes that follow generations: the reader library, which any program may use, and auth, which answers queries.
//!
//! Read [`reader`] first (how a generation comes and goes), then [`auth`]. [`progress`] is what a query thread shows of itself to
//! the supervisor. Nothing here writes into a segment, and nothing here knows of memmgr but what the bus says.

pub mod auth;
pub mod handover;
pub mod progress;
pub mod reader;
