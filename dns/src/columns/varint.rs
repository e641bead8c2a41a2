//! Numbers in as few octets as they need: seven bits each, the lowest first, the top bit set on all but the last.

/// Appends a number.
#[inline]
pub(super) fn push(out: &mut Vec<u8>, mut value: u32) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes a number from the front; 0 where there is none.
#[inline]
pub(super) fn take(octets: &mut &[u8]) -> u32 {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let [octet, rest @ ..] = *octets else { break };
        *octets = rest;
        value |= u32::from(octet & 0x7f) << shift;
        if octet & 0x80 == 0 {
            break;
        }
    }
    value
}

/// A difference as a number that is small when the difference is, whatever its sign.
#[inline]
pub(super) fn zigzag(difference: i32) -> u32 {
    (difference << 1 ^ difference >> 31) as u32
}

/// The difference that a number stands for.
#[inline]
pub(super) fn unzigzag(value: u32) -> i32 {
    (value >> 1) as i32 ^ -((value & 1) as i32)
}
