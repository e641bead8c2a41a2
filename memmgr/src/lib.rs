//! memmgr, the memory manager: turns zone sources into segments and rotates generations of them.
//!
//! Data flows one way: `source` → `builder` → `generation` → readers. [`rotation`] is the pure step function that says
//! what is published, waited for and removed; `service` carries it out, and hosts the bus. [`manifest`] is what a state
//! directory remembers and [`commits`] what was added since, `recovery` what becomes of it at a start. [`edit`] is how an operator's lines
//! become a zone's change, and `update` reads the messages that ask for one. Start with [`rotation`], then [`process`].

#![forbid(unsafe_code)]

mod apex;
mod builder;
mod catalogue;
pub mod commits;
pub mod edit;
mod generation;
pub mod manifest;
pub mod process;
mod progress;
mod recovery;
pub mod rotation;
mod service;
mod source;
mod update;
