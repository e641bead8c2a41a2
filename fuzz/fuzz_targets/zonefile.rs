//! Reads any text as a zone file in every way there is. What must hold is in `dns/tests/zonefile`, whose test replays this target's
//! corpus.
#![no_main]

#[path = "../../dns/tests/zonefile/case.rs"]
mod case;

libfuzzer_sys::fuzz_target!(|input: &[u8]| case::run(input));
