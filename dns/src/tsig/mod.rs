//! Transaction signatures (RFC 8945): messages signed with a secret that both sides know, and the check of such signatures.
//!
//! Read [`Key`] first. Whoever is asked goes through [`verify_request`], which gives a [`Signer`] for the answer or says how to refuse;
//! whoever asks goes through [`sign_request`], which gives a [`Verifier`] for the answer. Both take answers of many messages, as transfers
//! are. Nothing here looks at a clock: times are seconds since 1970, see [`seconds`].
//!
//! ```
//! use std::sync::Arc;
//! use dns::message::{Asked, question};
//! use dns::tsig::{Algorithm, Key, Keys, sign_request, verify_request};
//!
//! let key = Arc::new(Key::new("xfr.example.".parse()?, Algorithm::HmacSha256, b"not so secret"));
//! let apex: zone_segment::Name = "example.".parse()?;
//! let mut query = question(0x1234, apex.as_ref(), Asked::Axfr);
//! let mut verifier = sign_request(&key, &mut query, 1_700_000_000);
//!
//! // At the other end:
//! let keys = Keys::from_iter([key]);
//! let verified = verify_request(&query, &keys, 1_700_000_001).expect("a good signature").expect("it is signed");
//! let mut answer = query[..verified.message_octets()].to_vec();
//! answer[2] |= 0x80;
//! answer[11] = 0;
//! verified.signer().sign(&mut answer, 1_700_000_001);
//!
//! // And back:
//! assert!(verifier.verify(&answer, 1_700_000_002).is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod digest;
mod key;
mod record;
mod request;
#[cfg(test)]
mod tests;

use std::time::{SystemTime, UNIX_EPOCH};

pub use answer::{Checked, Signer, UNSIGNED_MAX, Verifier, VerifyError, sign_request};
pub use key::{Algorithm, Key, Keys, UnknownAlgorithm};
pub use record::{Tsig, find, strip};
pub use request::{Refused, Verified, verify_request};

/// A time as signatures have it; 0 for one before 1970.
pub fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// How far the clocks of both ends may lie apart, in seconds: what RFC 8945, section 10, recommends.
pub const FUDGE: u16 = 300;
