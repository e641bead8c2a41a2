//! Serials: how they are raised, and which of two is newer (RFC 1982).

use dns::text::calendar_date;

/// How a zone's serial is raised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SerialPolicy {
    /// By one; 0 is left out.
    #[default]
    Increment,
    /// To YYYYMMDD00 of the day in UTC, or by one where that is no way forward.
    Date,
    /// To the seconds since 1970, or by one where that is no way forward.
    UnixTime,
    /// By 65,536: after a log was damaged, those that it may have given out are left free.
    Leap,
}

/// Serials left free after a log was damaged.
const LEAP: u32 = 1 << 16;

impl SerialPolicy {
    /// The serial that follows one, at a time in seconds since 1970.
    pub fn after(self, serial: u32, now: u64) -> u32 {
        let next = match serial.wrapping_add(1) {
            0 => 1,
            next => next,
        };
        let wanted = match self {
            Self::Increment => return next,
            Self::Leap => return serial.wrapping_add(LEAP).max(1),
            Self::Date => {
                let (year, month, day) = calendar_date(now);
                ((year * 100 + month) * 100 + day) * 100
            }
            Self::UnixTime => now,
        };
        // Seconds since 1970 go round as serials do.
        let wanted = (wanted & u64::from(u32::MAX)) as u32;
        if wanted != 0 && is_forward(serial, wanted) { wanted } else { next }
    }
}

/// Whether a serial is newer than another: not where they are half of all numbers apart, of which RFC 1982, section 3.2 says nothing.
pub fn is_forward(from: u32, to: u32) -> bool {
    (1..1 << 31).contains(&to.wrapping_sub(from))
}

/// The serial in the RDATA of an SOA record: of its last five numbers the first.
pub(super) fn of_soa(rdata: &[u8]) -> Option<u32> {
    let (serial, _) = rdata.last_chunk::<20>()?.split_first_chunk()?;
    Some(u32::from_be_bytes(*serial))
}

/// The RDATA of an SOA record with another serial.
pub(super) fn with_serial(rdata: &[u8], serial: u32) -> Box<[u8]> {
    let mut rdata: Box<[u8]> = rdata.into();
    if let Some((place, _)) = rdata.last_chunk_mut::<20>().and_then(|numbers| numbers.split_first_chunk_mut()) {
        *place = serial.to_be_bytes();
    }
    rdata
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 22 November 2026, 12:00:00 UTC.
    const NOW: u64 = 1_795_348_800;

    #[test]
    fn serials_go_forward() {
        let cases = [
            (SerialPolicy::Increment, 1, 2),
            (SerialPolicy::Increment, u32::MAX, 1),
            (SerialPolicy::Date, 2026112105, 2026112200),
            (SerialPolicy::Date, 2026112200, 2026112201),
            (SerialPolicy::Date, 2026112299, 2026112300),
            (SerialPolicy::Date, 2026120100, 2026120101),
            // More than half of all numbers below the date: that would be the way back.
            (SerialPolicy::Date, 4_100_000_000, 4_100_000_001),
            (SerialPolicy::UnixTime, 1, 1_795_348_800),
            (SerialPolicy::UnixTime, 1_795_348_800, 1_795_348_801),
        ];
        for (policy, serial, expected) in cases {
            assert_eq!(policy.after(serial, NOW), expected, "{policy:?} after {serial}");
            assert!(is_forward(serial, expected));
        }
        assert!(!is_forward(0, 1 << 31) && !is_forward(5, 5) && !is_forward(5, 4));
    }
}
