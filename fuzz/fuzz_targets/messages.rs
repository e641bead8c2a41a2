//! Takes any octets as a message whose records are taken, and as one that is signed. What must hold is in `dns/tests/messages`, whose test replays this
//! target's corpus.
#![no_main]

#[path = "../../dns/tests/messages/case.rs"]
mod case;

libfuzzer_sys::fuzz_target!(|input: &[u8]| case::run(input));
