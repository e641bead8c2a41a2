//! Measuring lookups beside the memory they read from, so that figures of different machines and moments can be compared.
//!
//! Not for servers: `trine segment bench` and the benches use it. What is measured is a [`Subject`]; [`interleaved`] gives
//! each of them slices of some milliseconds in turn, so that whatever else the machine does hits all of them, and times
//! each call by itself; [`plain_loop`] times whole slices. The yardstick beside lookups is the [`Pair`]: two dependent
//! reads at random cache lines of the very octets that the lookups read. [`page_size`] says in which pages those are
//! mapped, [`queries`] draws what is asked, [`plot`] draws the figures.
//!
//! Read `subject` first, then `interleaved` and `measurement`.
//!
//! ```
//! use measure::{Pair, Settings, Subject, interleaved};
//!
//! let octets = vec![1; 1 << 20];
//! let pair = |name, seed| Box::new(Pair::new(name, &octets, seed)) as Box<dyn Subject>;
//! let figures = interleaved(&mut [pair("pair", 1), pair("control", 2)], &Settings::quick());
//! assert_eq!(figures[0].name, "pair");
//! assert!(figures[0].p50() <= figures[0].p99());
//! ```
#![forbid(unsafe_code)]

mod clock;
mod interleaved;
mod measurement;
mod page_size;
mod pair;
mod plain_loop;
pub mod plot;
pub mod queries;
mod random;
mod settings;
mod subject;
mod turns;

#[cfg(test)]
mod tests;

pub use hdrhistogram::Histogram;
pub use interleaved::interleaved;
pub use measurement::Measurement;
pub use page_size::{PageSizeError, PageSizes, page_size, touch};
pub use pair::Pair;
pub use plain_loop::plain_loop;
pub use random::Random;
pub use settings::Settings;
pub use subject::{PREPARED_OPERATIONS_MAX, Subject};
