//! Auth: answers queries over UDP and TCP from the current generation.
//!
//! Read [`batch`] for how datagrams come and go.

pub mod batch;
