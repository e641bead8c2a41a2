//! Looks names up in damaged segments. What an input means and what must hold is in `zone-segment/tests/hostile`, whose tests
//! replay this target's corpus.
#![no_main]
#![allow(dead_code, reason = "the tests use parts of the modules that this target does not")]

#[path = "../../zone-segment/tests/hostile/case.rs"]
mod case;
#[path = "../../zone-segment/tests/hostile/damage.rs"]
mod damage;
#[path = "../../zone-segment/tests/hostile/exercise.rs"]
mod exercise;
#[path = "../../zone-segment/tests/model/mod.rs"]
mod model;
#[path = "../../zone-segment/tests/hostile/samples.rs"]
mod samples;
#[path = "../../zone-segment/tests/hostile/seal.rs"]
mod seal;

libfuzzer_sys::fuzz_target!(|input: &[u8]| case::run(input));
