//! Processes that follow generations: the reader library, which any program may use, auth, which answers queries, and xfrout, which gives
//! zones away.
//!
//! Read [`reader`] first (how a generation comes and goes), then [`auth`] and [`xfrout`]. [`progress`] is what a query thread shows of itself to
//! the supervisor. Nothing here writes into a segment, and nothing here knows of memmgr but what the bus says.

pub mod auth;
pub mod handover;
pub mod progress;
pub mod reader;
mod supervised;
pub mod xfrout;
