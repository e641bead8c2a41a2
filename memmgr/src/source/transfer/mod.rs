//! A zone's primaries as its source (RFC 1034, section 4.3.5): what makes it a secondary zone.
//!
//! [`timers`] says when a primary is asked, and which; [`incoming`] knows the answer to AXFR and IXFR record by record, and finds everything that can be
//! wrong with it; [`gather`] makes of it what builders take: a whole zone, or change sets. None of the three has a clock, a socket or a message.

pub(crate) mod broken;
pub(crate) mod gather;
pub(crate) mod incoming;
pub(crate) mod timers;
