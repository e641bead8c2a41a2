//! Durations as operators write them: `5s`, `250ms`, `2m`, `1h`.

use std::fmt;
use std::time::Duration;

/// Reads a number with a unit: `ms`, `s`, `m`, `h`.
///
/// # Errors
///
/// When the number or the unit is missing or unknown, or the whole overflows.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let error = || DurationError { found: text.to_owned() };
    let number: u64 = number.parse().map_err(|_| error())?;
    let factor_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(error()),
    };
    number.checked_mul(factor_ms).map(Duration::from_millis).ok_or_else(error)
}

/// A text that is no duration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DurationError {
    /// The text as given.
    pub found: String,
}

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected a number with a unit (ms, s, m or h), such as 5s, found {:?}", self.found)
    }
}

impl std::error::Error for DurationError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        assert_eq!(parse("250ms").unwrap(), Duration::from_millis(250));
        assert_eq!(parse("5s").unwrap(), Duration::from_secs(5));
        assert_eq!(parse("2m").unwrap(), Duration::from_secs(120));
        assert_eq!(parse("1h").unwrap(), Duration::from_secs(3600));
    }

    #[test]
    fn anything_else_is_refused_with_what_was_found() {
        for text in ["", "5", "s", "5 s", "-1s", "1d", "99999999999999999999s", "18446744073709551615h"] {
            let error = parse(text).unwrap_err();
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }
}
