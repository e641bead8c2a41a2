//! The numbers of the DNS as types: [`Rtype`], [`Class`], [`Opcode`] and [`Rcode`], each a newtype over what stands on the wire, with its
//! mnemonics; and [`names`], which says where domain names stand in the RDATA of a type.
//!
//! Nothing here looks into RDATA beyond those names; read `rtype.rs` first.

mod class;
mod header;
pub mod names;
mod numbers;
mod rtype;
#[cfg(test)]
mod tests;

pub use class::Class;
pub use header::{Opcode, Rcode};
pub use names::{NameFields, additional_target, canonical_names, compressible_names};
pub use numbers::UnknownMnemonic;
pub use rtype::Rtype;
