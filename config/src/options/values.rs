//! How values are read that more than one option has.

use std::path::PathBuf;
use std::time::Duration;

use zone_segment::{Name, NameError};

use crate::{duration, size};

/// Takes any path but the empty one.
pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("expected a path, found nothing".to_owned());
    }
    Ok(PathBuf::from(text))
}

/// `true` or `false`.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| format!("expected true or false, found {text:?}"))
}

/// A whole number within bounds.
pub(super) fn number_within<T>(text: &str, min: T, max: T) -> Result<T, String>
where
    T: TryFrom<u64> + PartialOrd + std::fmt::Display,
{
    match text.parse::<u64>().ok().and_then(|value| T::try_from(value).ok()) {
        Some(value) if (&min..=&max).contains(&&value) => Ok(value),
        _ => Err(format!("expected a whole number from {min} to {max}, found {text:?}")),
    }
}

/// A duration within the range of every deadline.
pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    let value = duration::parse(text).map_err(|error| error.to_string())?;
    if value < TIMEOUT_MIN || value > TIMEOUT_MAX {
        return Err(format!("expected 100ms to 1h, found {text}"));
    }
    Ok(value)
}

/// Octets of memory within bounds.
pub(super) fn size_within(text: &str, min: u64, max: u64) -> Result<u64, String> {
    let value = size::parse(text).map_err(|error| error.to_string())?;
    if !(min..=max).contains(&value) {
        return Err(format!("expected {} to {}, found {text}", size::Size(min), size::Size(max)));
    }
    Ok(value)
}

/// Text that fits into one character-string of a TXT record (RFC 1035, section 3.3).
pub(super) fn shown(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > SHOWN_OCTETS_MAX || text.chars().any(char::is_control) {
        return Err(format!(
            "expected 1 to {SHOWN_OCTETS_MAX} octets of text without control characters, found {text:?}"
        ));
    }
    Ok(text.to_owned())
}

/// A domain name, with or without the final dot.
pub(super) fn domain_name(text: &str) -> Result<Name, String> {
    text.parse().map_err(|error: NameError| format!("expected a domain name, found {text:?} ({error})"))
}

/// Shorter deadlines would kill readers for the scheduler's sake.
pub const TIMEOUT_MIN: Duration = Duration::from_millis(100);

/// Longer deadlines are no deadlines.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(3600);

/// The longest character-string: its length is one octet.
const SHOWN_OCTETS_MAX: usize = 255;
