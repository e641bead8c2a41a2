//! Answers any octets as a query, over a fixed set of zones. What must hold is in `consumers/tests/answering`, whose test replays this target's
//! corpus.
#![no_main]
#![allow(dead_code, reason = "the tests use parts of the modules that this target does not")]

#[path = "../../consumers/tests/answering/case.rs"]
mod case;
#[path = "../../consumers/tests/answering/served.rs"]
mod served;
#[path = "../../consumers/tests/answers/zones.rs"]
mod zones;

libfuzzer_sys::fuzz_target!(|input: &[u8]| case::run(input));
