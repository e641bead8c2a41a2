//! TTLs as zone files write them: seconds, or numbers with units as BIND introduced them, `1h30m`.

use std::fmt;

/// The largest TTL (RFC 2181, section 8).
pub const TTL_MAX: u32 = 0x7fff_ffff;

/// What keeps a word from being a TTL.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TtlFault {
    /// It is no number of seconds and no numbers with units.
    Malformed,
    /// It is more than 32 bits hold.
    TooLarge,
}

impl fmt::Display for TtlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("expected a time, in seconds or as in 1w2d3h4m5s"),
            Self::TooLarge => f.write_str("time too large: it goes up to 4294967295 seconds"),
        }
    }
}

/// Reads a TTL up to the largest.
pub(super) fn parse(text: &[u8]) -> Result<u32, TtlFault> {
    match parse_time(text)? {
        seconds if seconds <= TTL_MAX => Ok(seconds),
        _ => Err(TtlFault::TooLarge),
    }
}

/// Reads a time: decimal seconds, or one or more numbers each with one of the units w, d, h, m, s in any case and any order.
///
/// The timers of an SOA are such times and may use all 32 bits.
pub(super) fn parse_time(text: &[u8]) -> Result<u32, TtlFault> {
    let mut seconds = 0_u64;
    let mut number: Option<u64> = None;
    let mut has_unit = false;
    for octet in text {
        if let digit @ b'0'..=b'9' = octet {
            number = Some(number.unwrap_or(0).saturating_mul(10).saturating_add(u64::from(digit - b'0')));
            continue;
        }
        let unit = match octet.to_ascii_lowercase() {
            b'w' => 604_800,
            b'd' => 86_400,
            b'h' => 3_600,
            b'm' => 60,
            b's' => 1,
            _ => return Err(TtlFault::Malformed),
        };
        let number = number.take().ok_or(TtlFault::Malformed)?;
        seconds = seconds.saturating_add(number.saturating_mul(unit));
        has_unit = true;
    }
    let seconds = match (number, has_unit) {
        (Some(number), false) => number,
        (None, true) => seconds,
        _ => return Err(TtlFault::Malformed),
    };
    u32::try_from(seconds).map_err(|_| TtlFault::TooLarge)
}
