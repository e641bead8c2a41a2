//! Locations (LOC, RFC 1876): `52 22 23.000 N 4 53 32.000 E -2.00m 1m 10000m 10m` and their 16 octets.

use super::fields::{Fields, RdataFault};
use std::fmt::Write as _;

/// Octets of the RDATA.
const LOCATION_OCTETS: usize = 16;

/// The equator and the prime meridian on the wire, in thousandths of a second of arc.
const ANGLE_ZERO: u32 = 1 << 31;

/// The lowest altitude on the wire, in centimetres below the reference spheroid.
const ALTITUDE_ZERO: i64 = 10_000_000;

/// Sizes and precisions that hold where none are written: 1 m, 10,000 m, 10 m (RFC 1876, section 3).
const SIZES_DEFAULT: [u8; 3] = [0x12, 0x16, 0x13];

/// Reads a location to the end of the entry, and appends its octets.
pub(super) fn scan(fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), RdataFault> {
    let latitude = scan_angle(fields, 90, b'N', b'S')?;
    let longitude = scan_angle(fields, 180, b'E', b'W')?;
    let altitude = centimetres(fields.take()?)
        .and_then(|altitude| u32::try_from(altitude + ALTITUDE_ZERO).ok())
        .ok_or(RdataFault::Malformed("expected an altitude such as 12.5m"))?;
    let mut sizes = SIZES_DEFAULT;
    for size in &mut sizes {
        if fields.is_empty() {
            break;
        }
        *size = centimetres(fields.take()?)
            .and_then(encode_size)
            .ok_or(RdataFault::Malformed("expected a size or precision such as 10m"))?;
    }
    out.push(0);
    out.extend_from_slice(&sizes);
    for number in [latitude, longitude, altitude] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    Ok(())
}

/// How many octets a location takes at the start of `rdata`; only version 0 is known, and sizes are two decimal digits.
pub(super) fn measure(rdata: &[u8]) -> Option<usize> {
    let [version, size, horizontal, vertical, ..] = rdata.get(..LOCATION_OCTETS)? else { return None };
    let is_size = |size: &u8| size >> 4 <= 9 && size & 0xf <= 9;
    let in_range = |at: usize, degrees: u32| angle_at(rdata, at).unsigned_abs() <= degrees * 3_600_000;
    let is_sound =
        *version == 0 && [size, horizontal, vertical].into_iter().all(is_size) && in_range(4, 90) && in_range(8, 180);
    is_sound.then_some(LOCATION_OCTETS)
}

/// Writes the location of 16 octets.
pub(super) fn present(octets: &[u8], out: &mut String) {
    for (at, positive, negative) in [(4, 'N', 'S'), (8, 'E', 'W')] {
        let angle = angle_at(octets, at);
        let thousandths = angle.unsigned_abs();
        let (degrees, minutes, rest) = (thousandths / 3_600_000, thousandths / 60_000 % 60, thousandths % 60_000);
        let side = if angle < 0 { negative } else { positive };
        let _ = write!(out, "{degrees} {minutes} {}.{:03} {side} ", rest / 1000, rest % 1000);
    }
    let altitude = i64::from(number_at(octets, 12)) - ALTITUDE_ZERO;
    let sign = if altitude < 0 { "-" } else { "" };
    let altitude = altitude.unsigned_abs();
    let _ = write!(out, "{sign}{}.{:02}m", altitude / 100, altitude % 100);
    for size in octets.get(1..4).unwrap_or_default() {
        let centimetres = u64::from(size >> 4) * 10_u64.pow(u32::from(size & 0xf));
        let _ = write!(out, " {}.{:02}m", centimetres / 100, centimetres % 100);
    }
}

/// Reads degrees, perhaps minutes, perhaps seconds, and the side of the zero line.
fn scan_angle(fields: &mut Fields<'_>, degrees_max: u64, positive: u8, negative: u8) -> Result<u32, RdataFault> {
    const UNITS: [(u64, u32); 3] = [(3_600_000, 0), (60_000, 0), (1000, 3)];
    let malformed = RdataFault::Malformed("expected degrees, minutes, seconds and N, S, E or W");
    let mut thousandths = 0;
    for (index, (unit, decimals)) in UNITS.iter().enumerate() {
        let value = decimal(fields.take()?, *decimals).ok_or(malformed)?;
        let max = if index == 0 { degrees_max } else { 60 * 10_u64.pow(*decimals) - 1 };
        if value > max {
            return Err(malformed);
        }
        thousandths += value * unit / 10_u64.pow(*decimals);
        let mut ahead = fields.clone();
        let side = ahead.take()?;
        if side.eq_ignore_ascii_case(&[positive]) || side.eq_ignore_ascii_case(&[negative]) {
            *fields = ahead;
            if thousandths > degrees_max * 3_600_000 {
                return Err(malformed);
            }
            let thousandths = u32::try_from(thousandths).map_err(|_| malformed)?;
            let is_positive = side.eq_ignore_ascii_case(&[positive]);
            return Ok(if is_positive { ANGLE_ZERO + thousandths } else { ANGLE_ZERO - thousandths });
        }
    }
    fields.take()?;
    Err(malformed)
}

/// Reads metres with up to two decimals and perhaps an `m`, as centimetres.
fn centimetres(text: &[u8]) -> Option<i64> {
    let text = text.strip_suffix(b"m").or_else(|| text.strip_suffix(b"M")).unwrap_or(text);
    match text.strip_prefix(b"-") {
        Some(text) => Some(-i64::try_from(decimal(text, 2)?).ok()?),
        None => i64::try_from(decimal(text, 2)?).ok(),
    }
}

/// Reads a decimal number of up to `decimals` digits after the point, as an integer of units of the last of them.
fn decimal(text: &[u8], decimals: u32) -> Option<u64> {
    let mut parts = text.splitn(2, |octet| *octet == b'.');
    let (whole, fraction) = (parts.next()?, parts.next().unwrap_or_default());
    if whole.is_empty() || whole.len() > 10 || fraction.len() > usize::try_from(decimals).ok()? {
        return None;
    }
    let digits = whole.iter().chain(fraction).chain(std::iter::repeat(&b'0'));
    let count = whole.len() + usize::try_from(decimals).ok()?;
    digits
        .take(count)
        .try_fold(0_u64, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0')))
}

/// Encodes a size in centimetres as a digit and a power of ten, rounding down (RFC 1876, section 2).
fn encode_size(centimetres: i64) -> Option<u8> {
    let mut mantissa = u64::try_from(centimetres).ok()?;
    let mut exponent = 0_u8;
    while mantissa > 9 {
        mantissa /= 10;
        exponent += 1;
    }
    (exponent <= 9).then(|| u8::try_from(mantissa).unwrap_or_default() << 4 | exponent)
}

/// The signed angle at `at`, in thousandths of a second of arc.
fn angle_at(octets: &[u8], at: usize) -> i32 {
    i32::from_be_bytes((number_at(octets, at) ^ ANGLE_ZERO).to_be_bytes())
}

/// The number of 32 bits at `at`.
fn number_at(octets: &[u8], at: usize) -> u32 {
    octets.get(at..at + 4).unwrap_or_default().iter().fold(0, |number, octet| number << 8 | u32::from(*octet))
}
