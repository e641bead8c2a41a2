//! Options of every process: each declared once, with its name, key, type, default, range and help.
//!
//! [`declaration`] says what a declaration is and [`options`] has them; [`duration`], [`size`], [`listen`], [`user`] and [`secret`]
//! are the types of values with a syntax of their own; [`peers`] and [`policy`] say which other servers there are and who may have, change and
//! announce which zone; [`defaults`] has what stands where nothing is said. [`file`](mod@file) reads the configuration
//! file, [`serve`] puts it together with the command line, and [`process`] is what the supervisor hands to each process it starts. [`fault`]
//! has the named points at which tests make a process fail. Read [`declaration`] first.

#![forbid(unsafe_code)]

mod as_text;
pub mod declaration;
pub mod defaults;
pub mod duration;
pub mod fault;
pub mod file;
pub mod listen;
pub mod options;
pub mod peers;
pub mod policy;
pub mod process;
pub mod secret;
pub mod serve;
pub mod size;
pub mod user;
