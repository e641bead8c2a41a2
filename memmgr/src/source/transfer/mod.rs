//! A zone's primaries as its source (RFC 1034, section 4.3.5): what makes it a secondary zone.
//!
//! [`timers`] says when a primary is asked, and which; [`incoming`] knows the answer to AXFR and IXFR record by record, and finds everything that can be
//! wrong with it; [`gather`] makes of it what builders take: a whole zone, or change sets; [`conversation`] has queries and the messages of answers. None of
//! these has a clock or a socket: [`exchange`] has both, and [`attempt`] is what is done with one primary. When it is done, and what becomes of what it brought, is the
//! service's to see to.

pub(crate) mod attempt;
pub(crate) mod broken;
pub(crate) mod conversation;
pub(crate) mod exchange;
pub(crate) mod failure;
pub(crate) mod gather;
pub(crate) mod incoming;
pub(crate) mod served;
pub(crate) mod timers;
