//! The whole system from outside: real processes, real packets, real signals. One module a subject.

#[path = "../harness/mod.rs"]
mod harness;

mod start;
