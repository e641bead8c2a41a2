//! Auth: answers queries over UDP, TCP and TLS from the current generation.
//!
//! Read [`answer`] first: a query's bytes in, an answer's bytes out. [`udp`] is the query thread around it, [`batch`] how it gets
//! datagrams; [`tcp`] takes connections, [`tls`] those over TLS. [`relay`] passes on what memmgr answers.

pub mod answer;
pub mod batch;
pub mod limit;
mod meter;
pub mod process;
pub mod relay;
pub mod statistics;
pub mod tcp;
pub mod tls;
pub mod udp;
