//! Numbers, addresses, points in time and encoded octets of a regular form, read without a loop where that can be.
//!
//! Each of these gives what the field table (`field.rs`) gives, or `None`: then the field table reads the text, and says what is wrong
//! with it if anything is.

/// Decimal digits of up to eight octets, the first lowest.
#[inline(always)]
pub(super) fn decimal(eight: u64, length: usize) -> Option<u32> {
    if length == 0 || length > 8 {
        return None;
    }
    // Digits to the high end, where the last one is.
    let shift = 64 - 8 * length as u32;
    let digits = (eight << shift) ^ (0x3030_3030_3030_3030 << shift);
    if (digits | digits.wrapping_add(0x7676_7676_7676_7676)) & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    // Pairs of digits, then pairs of pairs, each in one multiplication.
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let even = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(0x000f_4240_0000_0064);
    let odd = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(0x0000_2710_0000_0001);
    Some((even.wrapping_add(odd) >> 32) as u32)
}

/// A word of up to eight octets as a number, whatever its case: only the same mnemonic has the same number. No longer word has it either.
#[inline(always)]
pub(super) fn mnemonic(eight: u64, length: usize) -> u64 {
    let octets = eight & (u64::MAX >> (64 - 8 * length.clamp(1, 8) as u32));
    // Letters have this bit, and a mnemonic has no octet but letters, digits and hyphens.
    let upper = octets & !((octets & 0x4040_4040_4040_4040) >> 1);
    // The length tells zeros behind a word from those in it; a word of eight octets has its last one in its place, which is above all
    // lengths in a mnemonic.
    match length {
        0..=7 => upper | (length as u64) << 56,
        8 if upper >> 56 > 7 => upper,
        _ => 0,
    }
}

/// The number of a mnemonic in upper case, where it has up to eight octets.
pub(super) fn number_of(text: &str) -> Option<u64> {
    let mut octets = [0; 8];
    octets.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    Some(mnemonic(u64::from_le_bytes(octets), text.len()))
}

/// An IPv4 address of so many octets: `at` gives eight octets from a place of it on, `dots` where its dots are.
#[inline(always)]
pub(super) fn ipv4(at: impl Fn(usize) -> u64, dots: u64, length: usize) -> Option<[u8; 4]> {
    if length > 15 {
        return None;
    }
    let mut ends = dots & ((1 << length) - 1) | 1 << length;
    if ends.count_ones() != 4 {
        return None;
    }
    let mut address = [0; 4];
    let mut start = 0;
    let mut bad = 0;
    for octet in &mut address {
        let end = ends.trailing_zeros() as usize;
        ends &= ends - 1;
        let digits = end - start;
        if digits == 0 || digits > 3 {
            return None;
        }
        let text = at(start) as u32;
        let shift = 32 - 8 * digits as u32;
        let values = (text << shift) ^ (0x3030_3030 << shift);
        bad |= (values | values.wrapping_add(0x7676_7676)) & 0x8080_8080;
        // A leading zero is no address: it could be meant as octal.
        bad |= u32::from(digits > 1 && text & 0xff == 0x30);
        let [_, hundreds, tens, ones] = values.to_le_bytes().map(u32::from);
        let value = hundreds * 100 + tens * 10 + ones;
        bad |= value >> 8;
        *octet = value as u8;
        start = end + 1;
    }
    (bad == 0).then_some(address)
}

/// An IPv6 address without an IPv4 address in it.
#[inline]
pub(super) fn ipv6(text: &[u8]) -> Option<[u8; 16]> {
    let mut groups = [0_u8; 16];
    let mut count = 0;
    let mut gap = None;
    let mut rest = text;
    if let [b':', b':', after @ ..] = rest {
        gap = Some(0);
        rest = after;
    }
    while !rest.is_empty() {
        let mut value = 0_u32;
        let mut digits = 0;
        while let Some(octet) = rest.get(digits) {
            let digit = HEX[usize::from(*octet)];
            if digit > 0x0f {
                break;
            }
            value = value << 4 | u32::from(digit);
            digits += 1;
        }
        if digits == 0 || digits > 4 {
            return None;
        }
        groups.get_mut(count..count + 2)?.copy_from_slice(&(value as u16).to_be_bytes());
        count += 2;
        match &rest[digits..] {
            [] => break,
            [b':', b':', after @ ..] if gap.is_none() => {
                gap = Some(count);
                rest = after;
            }
            [b':', after @ ..] if !after.is_empty() && after[0] != b':' => rest = after,
            _ => return None,
        }
    }
    match gap {
        None => (count == 16).then_some(groups),
        // A gap stands for one group at least.
        Some(_) if count > 14 => None,
        Some(gap) => {
            groups.copy_within(gap..count, 16 - (count - gap));
            groups[gap..16 - (count - gap)].fill(0);
            Some(groups)
        }
    }
}

/// Seconds since 1970 of `YYYYMMDDHHmmSS`: the first eight digits and the last six.
#[inline]
pub(super) fn date(days: u32, time: u32) -> Option<u32> {
    let (year, month, day) = (days / 10_000, days / 100 % 100, days % 100);
    let (hour, minute, second) = (time / 10_000, time / 100 % 100, time % 100);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if year < 1970 || day == 0 || day > length || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Days since the first of March of the year 0, so that a leap day ends a year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    let days = u64::from(days - 719_468);
    // Later years wrap, as serial number arithmetic does (RFC 1982).
    Some((days * 86_400 + u64::from(hour * 3_600 + minute * 60 + second)) as u32)
}

/// Decodes hexadecimal digits to the front of `out`; gives how many octets they are.
#[inline]
pub(super) fn hex(text: &[u8], out: &mut [u8]) -> Option<usize> {
    let (eights, rest) = text.as_chunks::<8>();
    let (pairs, rest) = rest.as_chunks::<2>();
    let out = out.get_mut(..eights.len() * 4 + pairs.len()).filter(|_| rest.is_empty())?;
    let (fours, ones) = out.split_at_mut(eights.len() * 4);
    let mut bad = 0;
    for (octets, eight) in fours.as_chunks_mut::<4>().0.iter_mut().zip(eights) {
        let (four, wrong) = hex_of_eight(u64::from_le_bytes(*eight));
        *octets = four.to_le_bytes();
        bad |= wrong;
    }
    for (octet, [high, low]) in ones.iter_mut().zip(pairs) {
        let (high, low) = (HEX[usize::from(*high)], HEX[usize::from(*low)]);
        bad |= u64::from((high | low) & 0xf0);
        *octet = high << 4 | low & 0x0f;
    }
    (bad == 0).then_some(eights.len() * 4 + pairs.len())
}

/// Four octets of eight hexadecimal digits, and a number that is not 0 where they are not digits.
#[inline(always)]
fn hex_of_eight(text: u64) -> (u32, u64) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // Letters have this bit; their case does not count.
    let letters = text >> 6 & EACH;
    let values = (text & (0x0f * EACH)) + letters * 9;
    let rows = (text & !(letters << 5) & (0xf0 * EACH)) ^ (0x30 * EACH + letters * 0x10);
    // Digits are 0 to 9, letters 10 to 15.
    let bad = rows | values & (0xf0 * EACH) | ((values + 0x06 * EACH) & (0x10 * EACH)) ^ letters << 4;
    let pairs = (values << 4 | values >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    ((fours | fours >> 16) as u32, bad)
}

/// Decodes base 64 without padding, in groups of four digits, to the front of `out`; gives how many octets they are.
#[inline]
pub(super) fn base64(text: &[u8], out: &mut [u8]) -> Option<usize> {
    let (groups, rest) = text.as_chunks::<4>();
    let (out, _) = out.as_chunks_mut::<3>();
    let out = out.get_mut(..groups.len()).filter(|_| rest.is_empty())?;
    let mut bad = 0;
    for (octets, group) in out.iter_mut().zip(groups) {
        let [a, b, c, d] = group.map(|digit| BASE64[usize::from(digit)]);
        bad |= a | b | c | d;
        let [_, x, y, z] = (u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d)).to_be_bytes();
        *octets = [x, y, z];
    }
    (bad <= 0x3f).then_some(groups.len() * 3)
}

/// Decodes base 32 hex in groups of eight digits to the front of `out`; gives how many octets they are.
#[inline]
pub(super) fn base32hex(text: &[u8], out: &mut [u8]) -> Option<usize> {
    let (groups, rest) = text.as_chunks::<8>();
    let (out, _) = out.as_chunks_mut::<5>();
    let out = out.get_mut(..groups.len()).filter(|_| rest.is_empty())?;
    let mut bad = 0;
    for (octets, group) in out.iter_mut().zip(groups) {
        let mut value = 0_u64;
        for digit in group {
            let digit = BASE32HEX[usize::from(*digit)];
            bad |= digit;
            value = value << 5 | u64::from(digit & 0x1f);
        }
        let [_, _, _, v, w, x, y, z] = value.to_be_bytes();
        *octets = [v, w, x, y, z];
    }
    (bad <= 0x1f).then_some(groups.len() * 5)
}

/// What is no digit.
const NONE: u8 = 0xff;

/// The value of each octet as a digit of `digits`; also of lower-case letters where the digits have no case of their own.
const fn values(digits: &[u8], has_case: bool) -> [u8; 256] {
    let mut table = [NONE; 256];
    let mut value = 0;
    while value < digits.len() {
        table[digits[value] as usize] = value as u8;
        if !has_case {
            table[digits[value].to_ascii_lowercase() as usize] = value as u8;
        }
        value += 1;
    }
    table
}

/// The values of hexadecimal digits.
static HEX: [u8; 256] = values(b"0123456789ABCDEF", false);

/// The values of digits of base 32 hex.
static BASE32HEX: [u8; 256] = values(b"0123456789ABCDEFGHIJKLMNOPQRSTUV", false);

/// The values of digits of base 64.
static BASE64: [u8; 256] = values(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true);

#[cfg(test)]
mod tests {
    use super::super::super::date as dates;
    use super::*;
    use data_encoding::{BASE32HEX_NOPAD, BASE64 as BASE64_PADDED, HEXLOWER_PERMISSIVE};
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    /// Eight octets of a text from a place on, as a window gives them.
    fn eight(text: &[u8], at: usize) -> u64 {
        let mut octets = [b'\n'; 8];
        let rest = text.get(at..).unwrap_or_default();
        let length = rest.len().min(8);
        octets[..length].copy_from_slice(&rest[..length]);
        u64::from_le_bytes(octets)
    }

    /// A text as an address.
    fn address(text: &str) -> Option<Ipv4Addr> {
        let dots = text.bytes().take(57).enumerate().fold(0, |dots, (at, octet)| dots | u64::from(octet == b'.') << at);
        ipv4(|at| eight(text.as_bytes(), at), dots, text.len()).map(Ipv4Addr::from)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn decimal_numbers_are_as_the_standard_library_reads_them(text in "[0-9]{0,10}|[0-9]{0,7}[ -~][0-9]{0,7}|\\PC{0,8}") {
            let number = (text.len() <= 8 && text.bytes().all(|octet| octet.is_ascii_digit())).then(|| text.parse().ok());
            prop_assert_eq!(decimal(eight(text.as_bytes(), 0), text.len()), number.flatten());
        }

        #[test]
        fn ipv4_addresses_are_as_the_standard_library_reads_them(text in "[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}|[0-9.]{0,16}|[0-2]{1,3}(\\.[0-9a/:]{1,2}){3}") {
            prop_assert_eq!(address(&text), text.parse().ok());
        }

        #[test]
        fn ipv6_addresses_are_as_the_standard_library_reads_them(text in "([0-9a-fA-F]{1,4}:){7}[0-9a-f]{1,4}|[0-9a-fG:]{0,40}|(([0-9a-f]{1,4}:){0,4}|:)(:[0-9a-f]{1,4}){0,5}(::)?") {
            prop_assert_eq!(ipv6(text.as_bytes()).map(Ipv6Addr::from), text.parse().ok());
        }

        #[test]
        fn points_in_time_are_as_the_field_table_reads_them(text in "(19[6-9]|20[0-9]|2[1-9][0-9])[0-9][01][0-9][0-3][0-9][0-2][0-9]([0-6][0-9]){2}|[0-9]{14}|20(00|23|24|99)0[12](28|29|30|31)000000") {
            let (days, time) = text.split_at(8);
            prop_assert_eq!(date(days.parse().unwrap(), time.parse().unwrap()), dates::parse(text.as_bytes()));
        }

        #[test]
        fn encoded_octets_are_as_the_crate_reads_them(text in "[0-9a-fA-F]{0,40}|[0-9a-vA-V]{0,40}|[0-9a-zA-Z+/]{0,40}|\\PC{0,10}") {
            let text = text.as_bytes();
            let mut out = [0; 100];
            let found = hex(text, &mut out).map(|length| out[..length].to_vec());
            prop_assert_eq!(found, HEXLOWER_PERMISSIVE.decode(text).ok());
            if text.len() % 4 == 0 {
                let found = base64(text, &mut out).map(|length| out[..length].to_vec());
                prop_assert_eq!(found, BASE64_PADDED.decode(text).ok());
            }
            if text.len() % 8 == 0 {
                let found = base32hex(text, &mut out).map(|length| out[..length].to_vec());
                prop_assert_eq!(found, BASE32HEX_NOPAD.decode(&text.to_ascii_uppercase()).ok());
            }
        }

        #[test]
        fn hexadecimal_digits_are_told_from_all_else(text in "[0-9a-fA-F]{8}|[0-9a-fA-F]{7}[\\x00-\u{ff}]|[/-:@-G`-gO-W]{8}") {
            let mut out = [0; 8];
            let found = hex(text.as_bytes(), &mut out).map(|length| out[..length].to_vec());
            prop_assert_eq!(found, HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok());
        }

        #[test]
        fn folding_is_that_of_ascii_for_what_mnemonics_have(text in "[A-Za-z0-9-]{1,8}|[\\x00-~]{1,9}", expected in "[A-Z0-9-]{1,8}") {
            let is_same = mnemonic(eight(text.as_bytes(), 0), text.len()) == number_of(&expected).unwrap();
            prop_assert_eq!(is_same, text.eq_ignore_ascii_case(&expected));
            let lower = expected.to_lowercase();
            prop_assert_eq!(mnemonic(eight(lower.as_bytes(), 0), lower.len()), number_of(&expected).unwrap());
        }
    }

    #[test]
    fn no_word_of_eight_octets_is_a_shorter_mnemonic() {
        for mnemonic_text in ["A", "IN", "SOA", "NSEC", "DNAME", "CNAME", "ZONEMD", "CDNSKEY"] {
            let mut octets = [0; 8];
            octets[..mnemonic_text.len()].copy_from_slice(mnemonic_text.as_bytes());
            for last in 0..=u8::MAX {
                octets[7] = last;
                let number = mnemonic(u64::from_le_bytes(octets), 8);
                assert_ne!(Some(number), number_of(mnemonic_text), "{mnemonic_text} and {last}");
            }
        }
    }

    #[test]
    fn every_octet_is_a_hexadecimal_digit_or_none_at_every_place() {
        for octet in 0..=u8::MAX {
            for place in 0..8 {
                let mut text = *b"00000000";
                text[place] = octet;
                let mut out = [0; 4];
                let found = hex(&text, &mut out).map(|_| out.to_vec());
                assert_eq!(found, HEXLOWER_PERMISSIVE.decode(&text).ok(), "{octet} at {place}");
            }
        }
    }
}
