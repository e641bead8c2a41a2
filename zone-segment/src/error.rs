//! What can go wrong: opening and verifying a segment, and making one.

mod open;
mod write;

pub use open::{OpenError, VerifyError};
pub use write::WriteError;
