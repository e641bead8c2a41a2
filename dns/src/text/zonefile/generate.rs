//! `$GENERATE`, as BIND has it: the numbers of a range ([`Range`]), each put into templates of an owner and of RDATA ([`expand`]).
//!
//! Not how the texts that come out of it are read; that is the reader's, as for any others.

use std::fmt::Write as _;
use std::str::FromStr;

/// How the directive is written.
pub(super) const FORM: &str = "$GENERATE FIRST-LAST[/STEP] NAME [TTL] [CLASS] TYPE RDATA";

/// The numbers from a first one to a last one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Range {
    /// The first.
    first: u32,
    /// None above it.
    last: u32,
    /// From one to the next.
    step: u32,
}

/// The largest number, as BIND has it.
const NUMBER_MAX: u32 = 0x7fff_ffff;

impl Range {
    /// Reads `FIRST-LAST` or `FIRST-LAST/STEP`.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let (ends, step) = text.split_once('/').unwrap_or((text, "1"));
        let (first, last) = ends.split_once('-')?;
        let range = Self { first: number(first)?, last: number(last)?, step: number(step)? };
        (range.first <= range.last && range.last <= NUMBER_MAX && (1..=NUMBER_MAX).contains(&range.step))
            .then_some(range)
    }

    /// How many numbers it has.
    pub(super) fn len(self) -> u64 {
        u64::from((self.last - self.first) / self.step) + 1
    }

    /// Its numbers.
    pub(super) fn numbers(self) -> impl Iterator<Item = u32> {
        // Steps may be longer than an index on a small machine.
        (0..self.len()).map(move |index| self.first + self.step * index as u32)
    }
}

/// Puts a number into a template, in place of what `out` held: for each `$`, or in the form that a `${OFFSET,WIDTH,BASE}` says. A `$$` is a
/// `$` that means itself, and so is `\$`. `None` where a form is none.
pub(super) fn expand(template: &[u8], number: u32, out: &mut Vec<u8>) -> Option<()> {
    out.clear();
    let mut rest = template;
    while let [octet, after @ ..] = rest {
        rest = after;
        match (octet, after) {
            (b'$', [b'$', after @ ..]) => {
                rest = after;
                out.push(b'$');
            }
            (b'$', [b'{', after @ ..]) => {
                let end = after.iter().position(|octet| *octet == b'}')?;
                rest = &after[end + 1..];
                Form::parse(&after[..end])?.write(number, out)?;
            }
            (b'$', _) => out.extend_from_slice(number.to_string().as_bytes()),
            (b'\\', [escaped, after @ ..]) => {
                rest = after;
                out.extend_from_slice(&[b'\\', *escaped]);
            }
            _ => out.push(*octet),
        }
    }
    Some(())
}

/// The form that a number is written in.
struct Form {
    /// What is added to it.
    offset: i32,
    /// Digits at least; in nibbles with the dots between them.
    width: usize,
    /// `d`, `o`, `x`, `X`, `n` or `N`.
    base: u8,
}

/// The most digits that are asked for: more than a name has.
const WIDTH_MAX: usize = 255;

impl Form {
    /// Reads what stands in braces.
    fn parse(text: &[u8]) -> Option<Self> {
        let mut fields = std::str::from_utf8(text).ok()?.split(',');
        let offset = fields.next()?;
        let digits = offset.strip_prefix(['+', '-']).unwrap_or(offset);
        number::<u32>(digits)?;
        let width = fields.next().map_or(Some(0), number).filter(|width| *width <= WIDTH_MAX)?;
        let base = match fields.next().map_or(b"d".as_slice(), str::as_bytes) {
            [base @ (b'd' | b'o' | b'x' | b'X' | b'n' | b'N')] => *base,
            _ => return None,
        };
        fields.next().is_none().then_some(())?;
        Some(Self { offset: offset.parse().ok()?, width, base })
    }

    /// Writes a number.
    fn write(&self, number: u32, out: &mut Vec<u8>) -> Option<()> {
        let value = i32::try_from(i64::from(number) + i64::from(self.offset)).ok()?;
        let width = self.width;
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        let _ = match self.base {
            b'o' => write!(text, "{value:0width$o}"),
            b'x' => write!(text, "{value:0width$x}"),
            b'X' => write!(text, "{value:0width$X}"),
            b'n' | b'N' => {
                push_nibbles(&mut text, value as u32, width, self.base == b'N');
                Ok(())
            }
            _ => write!(text, "{value:0width$}"),
        };
        out.extend_from_slice(text.as_bytes());
        Some(())
    }
}

/// Writes the hexadecimal digits of a number from the last to the first with dots between them, as reverse names of IPv6 have them. Dots
/// count in the width, so that an even one ends in a dot.
fn push_nibbles(out: &mut String, value: u32, width: usize, is_upper: bool) {
    let (mut rest, mut left) = (value, width);
    loop {
        let digit = char::from_digit(rest & 0x0f, 16).unwrap_or('0');
        out.push(if is_upper { digit.to_ascii_uppercase() } else { digit });
        rest >>= 4;
        left = left.saturating_sub(1);
        if rest == 0 && left == 0 {
            return;
        }
        out.push('.');
        left = left.saturating_sub(1);
        if rest == 0 && left == 0 {
            return;
        }
    }
}

/// Reads decimal digits alone.
fn number<N: FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a template becomes with a number.
    fn expanded(template: &str, number: u32) -> Option<String> {
        let mut out = b"before".to_vec();
        expand(template.as_bytes(), number, &mut out)?;
        String::from_utf8(out).ok()
    }

    #[test]
    fn numbers_are_put_in_as_bind_does() {
        for (template, number, text) in [
            ("a$", 7, "a7"),
            ("$", 0, "0"),
            ("$.0", 12, "12.0"),
            ("$$", 1, "$"),
            ("\\$", 1, "\\$"),
            ("\\\\$", 1, "\\\\1"),
            ("a${0,3,d}$", 1, "a0011"),
            ("${2,3}", 1, "003"),
            ("${-1}", 1, "0"),
            ("${+1}", 1, "2"),
            ("${-5}", 1, "-4"),
            ("${-5,4,d}", 2, "-003"),
            ("${-5,4,x}", 1, "fffffffc"),
            ("${10,4,x}", 1, "000b"),
            ("${0,4,X}", 255, "00FF"),
            ("${0,4,o}", 8, "0010"),
            ("${0,0,n}", 18, "2.1"),
            ("${0,1,n}", 18, "2.1"),
            ("${0,3,n}", 18, "2.1"),
            ("${0,4,n}", 18, "2.1."),
            ("${0,7,N}", 10, "A.0.0.0"),
            ("a$${-1,2}", 1, "a${-1,2}"),
            ("a$\\", 1, "a1\\"),
        ] {
            assert_eq!(expanded(template, number).as_deref(), Some(text), "{template}");
        }
        for template in [
            "${",
            "${0",
            "${}",
            "${,3}",
            "${1,,d}",
            "${1,3,}",
            "${0,3,D}",
            "${0,2,q}",
            "${0,3,d,7}",
            "${0,256}",
            "${x}",
            "${--1}",
            "${2147483647}",
        ] {
            assert_eq!(expanded(template, 1), None, "{template}");
        }
    }

    #[test]
    fn ranges_go_up_by_steps() {
        let numbers = |text: &str| Range::parse(text.as_bytes()).map(|range| range.numbers().collect::<Vec<u32>>());
        assert_eq!(numbers("1-3"), Some(vec![1, 2, 3]));
        assert_eq!(numbers("1-7/3"), Some(vec![1, 4, 7]));
        assert_eq!(numbers("3-5/1000"), Some(vec![3]));
        assert_eq!(numbers("2147483646-2147483647"), Some(vec![2_147_483_646, 2_147_483_647]));
        assert_eq!(Range::parse(b"0-2147483647").map(Range::len), Some(1 << 31));
        for text in ["", "1", "5-3", "1-3/0", "0x1-3", "1-", "-1-3", "+1-3", "1-2147483648", "1-2/2147483648", "1-2/"] {
            assert_eq!(numbers(text), None, "{text}");
        }
    }
}
