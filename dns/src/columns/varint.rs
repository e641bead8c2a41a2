//! Numbers in as few octets as they need: seven bits each, the lowest first, the top bit set on all but the last.

/// Three numbers in a row at the end of an array, and how many octets they have there.
#[inline]
pub(super) fn row(numbers: [u32; 3]) -> ([u8; 16], usize) {
    let mut out = [0; 16];
    // As good as every record: few kinds, the next line, short RDATA.
    if (numbers[0] | numbers[1] | numbers[2]) < 0x80 {
        out[13..].copy_from_slice(&numbers.map(|number| number as u8));
        return (out, 3);
    }
    let mut at = out.len();
    for number in numbers.into_iter().rev() {
        let length = (u32::BITS - (number | 1).leading_zeros()).div_ceil(7) as usize;
        at -= length;
        let mut rest = number;
        for octet in &mut out[at..at + length - 1] {
            *octet = rest as u8 | 0x80;
            rest >>= 7;
        }
        out[at + length - 1] = rest as u8;
    }
    (out, out.len() - at)
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
