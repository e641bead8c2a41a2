//! Options of every process: each declared once, with its name, type, default, range and help.
//!
//! [`options`] has the declarations; [`duration`], [`listen`], [`prefix`] and [`secret`] the types of values with a syntax of their own;
//! [`defaults`] what stands where nothing is said; [`process`] what the supervisor hands to each process it starts; [`fault`] the named points at which tests make a
//! process fail. Read [`options`] first.

#![forbid(unsafe_code)]

pub mod defaults;
pub mod duration;
pub mod fault;
pub mod listen;
pub mod options;
pub mod prefix;
pub mod process;
pub mod secret;
