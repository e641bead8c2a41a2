//! Sizes of memory as operators write them: `64KiB`, `16MiB`, `1GiB`.

use std::fmt;

/// Reads a number with a unit: `KiB`, `MiB`, `GiB`.
///
/// # Errors
///
/// When the number or the unit is missing or unknown, or the whole overflows.
pub fn parse(text: &str) -> Result<u64, SizeError> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let error = || SizeError { found: text.to_owned() };
    let number: u64 = number.parse().map_err(|_| error())?;
    let (_, factor) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(error)?;
    number.checked_mul(factor).ok_or_else(error)
}

/// A size in the largest unit of which it is a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match UNITS.into_iter().find(|(_, factor)| self.0.is_multiple_of(*factor)) {
            Some((unit, factor)) => write!(f, "{}{unit}", self.0 / factor),
            None => write!(f, "{} octets", self.0),
        }
    }
}

/// The units, largest first.
const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// A text that is no size.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SizeError {
    /// The text as given.
    pub found: String,
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected a number with a unit (KiB, MiB or GiB), such as 16MiB, found {:?}", self.found)
    }
}

impl std::error::Error for SizeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_there_and_back() {
        for (text, octets) in [("64KiB", 64 << 10), ("16MiB", 16 << 20), ("1GiB", 1 << 30)] {
            assert_eq!(parse(text).unwrap(), octets);
            assert_eq!(Size(octets).to_string(), text);
        }
        assert_eq!(Size(1).to_string(), "1 octets");
    }

    #[test]
    fn anything_else_is_refused_with_what_was_found() {
        for text in ["", "5", "KiB", "5 KiB", "-1KiB", "1KB", "1kib", "99999999999999999GiB"] {
            let error = parse(text).unwrap_err();
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }
}
