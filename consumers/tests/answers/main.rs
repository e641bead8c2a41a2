//! Answers of auth as bytes: every case of the answer path on small zones, the root zone, hostile input, allocation, UDP, TCP and TLS.
//!
//! `zones` makes generations out of text, `ask` asks and writes answers down as text; the other modules are the tests.

#![expect(clippy::unwrap_used, reason = "a helper that fails is the test failing")]

mod allocator;
mod ask;
mod found;
mod handover;
mod hostile;
mod named;
mod negative;
mod options;
mod prepared;
mod referral;
mod root_zone;
mod signed;
mod size;
mod tcp;
mod tls;
mod tsig;
mod udp;
mod zones;
