//! 128-bit numbers in JSON as 32 hexadecimal digits, since JSON's own numbers end at 2^53; in a form that is not for people, a hash is
//! the number.
//!
//! Two modules for serde's `with`: [`number`] for hashes, [`key`] for octets in their order.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Reads exactly 32 digits in lower case.
fn digits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_digits = text.len() == 32 && text.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f'));
    match u128::from_str_radix(&text, 16) {
        Ok(value) if is_digits => Ok(value),
        _ => Err(D::Error::custom(format_args!("expected 32 hexadecimal digits, got {text:?}"))),
    }
}

/// A number.
pub(super) mod number {
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the digits.
    pub(in super::super) fn serialize<S: Serializer>(value: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(&format_args!("{value:032x}"))
        } else {
            serializer.serialize_u128(*value)
        }
    }

    /// Reads the digits.
    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        if deserializer.is_human_readable() { super::digits(deserializer) } else { u128::deserialize(deserializer) }
    }
}

/// Sixteen octets, the first one first.
pub(super) mod key {
    use serde::{Deserializer, Serializer};

    /// Writes the digits.
    pub(in super::super) fn serialize<S: Serializer>(value: &[u8; 16], serializer: S) -> Result<S::Ok, S::Error> {
        super::number::serialize(&u128::from_be_bytes(*value), serializer)
    }

    /// Reads the digits.
    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 16], D::Error> {
        super::number::deserialize(deserializer).map(u128::to_be_bytes)
    }
}
