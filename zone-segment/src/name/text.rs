//! Names in presentation format (RFC 1035, section 5.1): written with every octet that could be misread escaped, read
//! as absolute names with or without the final dot. Origins and `@` are the zone-file reader's business.

use std::fmt;
use std::str::FromStr;

use super::{Name, NameError, NameRef};

impl fmt::Display for NameRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        for label in self.labels() {
            for &octet in label {
                write_octet(f, octet)?;
            }
            f.write_str(".")?;
        }
        Ok(())
    }
}

impl fmt::Debug for NameRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_ref(), f)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Name, NameError> {
        if text == "." {
            return Ok(Name::root());
        }
        let octets = text.as_bytes();
        let mut labels: Vec<Vec<u8>> = Vec::new();
        let mut label = Vec::new();
        let mut at = 0;
        while let Some(&octet) = octets.get(at) {
            match octet {
                b'.' => {
                    labels.push(std::mem::take(&mut label));
                    at += 1;
                }
                b'\\' => {
                    let (value, length) = unescape(&octets[at + 1..]).ok_or(NameError::Escape { offset: at })?;
                    label.push(value);
                    at += 1 + length;
                }
                _ => {
                    label.push(octet);
                    at += 1;
                }
            }
        }
        if !label.is_empty() || labels.is_empty() {
            labels.push(label);
        }
        Name::from_labels(labels.iter().map(Vec::as_slice), NameRef::ROOT)
    }
}

/// Writes one octet of a label so that every zone-file reader takes it for that octet.
fn write_octet(f: &mut fmt::Formatter<'_>, octet: u8) -> fmt::Result {
    match octet {
        b'.' | b'\\' | b'"' | b'(' | b')' | b';' | b'@' | b'$' => write!(f, "\\{}", char::from(octet)),
        0x21..=0x7e => write!(f, "{}", char::from(octet)),
        _ => write!(f, "\\{octet:03}"),
    }
}

/// What follows a backslash: the octet meant, and how many characters it takes.
fn unescape(rest: &[u8]) -> Option<(u8, usize)> {
    let &first = rest.first()?;
    if !first.is_ascii_digit() {
        return Some((first, 1));
    }
    let digits = rest.get(..3)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0u16, |value, digit| value * 10 + u16::from(digit - b'0'));
    Some((u8::try_from(value).ok()?, 3))
}
