//! Points in time as signatures have them (RFC 4034, section 3.2): 32 bits of seconds since 1970, written `YYYYMMDDHHmmSS` in UTC.

use std::fmt::Write as _;

/// Seconds in a day.
const DAY: u64 = 86_400;

/// Reads `YYYYMMDDHHmmSS`, or seconds since 1970 in up to ten digits.
///
/// A year whose seconds do not fit 32 bits wraps, as serial number arithmetic does (RFC 1982).
pub fn parse(text: &[u8]) -> Option<u32> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = std::str::from_utf8(text).ok()?;
    match digits.len() {
        1..=10 => digits.parse().ok(),
        14 => {
            let part = |from: usize, to: usize| digits.get(from..to)?.parse::<u64>().ok();
            let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
            let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
            if year < 1970 || day == 0 || day > days_in_month(year, month)? || hour > 23 || minute > 59 || second > 59 {
                return None;
            }
            let seconds = days_before(year, month)?.checked_add(day - 1)? * DAY + hour * 3600 + minute * 60 + second;
            u32::try_from(seconds & u64::from(u32::MAX)).ok()
        }
        _ => None,
    }
}

/// Writes `YYYYMMDDHHmmSS`.
pub(super) fn present(seconds: u32, out: &mut String) {
    let seconds = u64::from(seconds);
    let (year, month, day) = calendar_date(seconds);
    let (hour, minute, second) = (seconds % DAY / 3600, seconds / 60 % 60, seconds % 60);
    let _ = write!(out, "{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}");
}

/// Year, month and day in UTC of a time in seconds since 1970.
pub fn calendar_date(seconds: u64) -> (u64, u64, u64) {
    // 400 years have as many days wherever they begin.
    let (cycles, mut days) = (seconds / DAY / DAYS_OF_400_YEARS, seconds / DAY % DAYS_OF_400_YEARS);
    let mut year = 1970;
    while days >= days_in_year(year) {
        days -= days_in_year(year);
        year += 1;
    }
    let mut month = 1;
    while let Some(length) = days_in_month(year, month).filter(|length| days >= *length) {
        days -= length;
        month += 1;
    }
    (year + 400 * cycles, month, days + 1)
}

/// Days of 400 years, with their 97 leap days.
const DAYS_OF_400_YEARS: u64 = 400 * 365 + 97;

/// Whether February has 29 days.
fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// The days of a year.
fn days_in_year(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

/// The days of a month, from 1; `None` for a month that is none.
fn days_in_month(year: u64, month: u64) -> Option<u64> {
    match month {
        2 if is_leap(year) => Some(29),
        2 => Some(28),
        4 | 6 | 9 | 11 => Some(30),
        1..=12 => Some(31),
        _ => None,
    }
}

/// The days from the start of 1970 to the start of a month.
fn days_before(year: u64, month: u64) -> Option<u64> {
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    let years = (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969);
    (1..month).try_fold(years, |days, month| Some(days + days_in_month(year, month)?))
}
