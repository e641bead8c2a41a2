//! The rotation under thousands of random interleavings: builds, joins, deaths in each state, lost, doubled, late and stale
//! messages, time-outs, stalls, lies, and restarts and sleeps of memmgr itself.
//!
//! Time, messages and processes are simulated; the rotation is the one that runs in memmgr. Each run has a seed. A failure
//! prints it with the run's history, and `TRINE_SEED=… cargo test -p memmgr --test simulation` replays it; `TRINE_RUNS` sets
//! the number of runs. Read `world` for what can happen, `invariant` for what must hold.

#![forbid(unsafe_code)]

mod invariant;
mod memory_manager;
mod occurrence;
mod process;
mod random;
mod world;

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;

use occurrence::{Entry, History};
use world::World;

/// The runs of a plain `cargo test`.
const RUNS: u64 = 10_000;

/// The seed of the first run; the others count up from it.
const FIRST_SEED: u64 = 0x7472_696e_6500_0000;

#[test]
fn b23_b25_b29_b32_rotation_keeps_its_promises_in_random_interleavings() {
    let (first, runs) = match number("TRINE_SEED") {
        Some(seed) => (seed, number("TRINE_RUNS").unwrap_or(1)),
        None => (FIRST_SEED, number("TRINE_RUNS").unwrap_or(RUNS)),
    };
    println!("simulation: {runs} runs from TRINE_SEED={first:#x}");
    let mut seen: BTreeMap<&'static str, u64> = BTreeMap::new();
    for seed in (0..runs).map(|run| first.wrapping_add(run)) {
        let mut world = World::new(seed);
        if let Err(fault) = world.run() {
            panic!("{}\nTRINE_SEED={seed:#x}: {fault}", told(&world.history));
        }
        world.count(&mut seen);
    }
    println!("simulation: {seen:#?}");
    if runs >= RUNS {
        let unseen: Vec<_> = world::EXPECTED.iter().filter(|what| !seen.contains_key(*what)).collect();
        assert!(unseen.is_empty(), "never happened in {runs} runs: {unseen:?}");
    }
}

/// A number in the environment, in decimal or hexadecimal.
fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    Some(parsed.unwrap_or_else(|error| panic!("{variable}={text}: {error}")))
}

/// The history as text, without the pings and the pongs.
fn told(history: &History) -> String {
    use memmgr::rotation::{Action, Event};
    let mut text = String::new();
    for (at, entry) in history {
        let line = match entry {
            Entry::World(what) => what.clone(),
            Entry::Step(event, actions) => {
                let actions: Vec<_> = actions.iter().filter(|action| !matches!(action, Action::Ping { .. })).collect();
                if actions.is_empty() && matches!(event, Event::Tick | Event::Pong { .. }) {
                    continue;
                }
                format!("    {event:?} -> {actions:?}")
            }
        };
        let _ = writeln!(text, "{:>9.3} {line}", at.as_secs_f64());
    }
    text
}
