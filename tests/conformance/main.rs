//! What the RFCs say of an authoritative server, asked of a running one. A file an RFC, a module a section.
//!
//! `probe` asks and reads answers, `served` has the zones and the servers. All tests of a configuration share one server.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[expect(dead_code, reason = "the whole-system tests need more of it")]
#[path = "../harness"]
mod harness {
    pub(crate) mod server;
    pub(crate) mod wait;
    pub(crate) mod wire;
}

mod probe;
mod served;

mod rfc1034;
mod rfc1035;
mod rfc2181;
mod rfc2308;
mod rfc3597;
mod rfc4035;
mod rfc4592;
mod rfc4892;
mod rfc5001;
mod rfc5155;
mod rfc6672;
mod rfc6891;
mod rfc7766;
mod rfc7828;
mod rfc7873;
mod rfc8020;
mod rfc8482;
mod rfc8906;
mod rfc8914;
mod rfc9018;
mod rfc9077;
mod rfc9460;
mod rfc9471;
mod rfc9619;
mod rfc9660;
