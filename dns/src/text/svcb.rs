//! The parameters of service bindings, SVCB and HTTPS (RFC 9460): what follows priority and target in `1 . alpn="h2,h3" port=443`.
//!
//! They may be written in any order and are sorted by key on the wire. A key without a name here is `keyNNNNN`, its value
//! any octets.

use super::field::Field;
use super::fields::{Fields, RdataFault};
use super::present;
use data_encoding::BASE64;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// What the value of a parameter is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Value {
    /// Keys that a client must know, ascending.
    Keys,
    /// Identifiers of protocols, each with its length.
    Protocols,
    /// Nothing: the key says it all.
    Empty,
    /// A port.
    Port,
    /// IPv4 addresses.
    Ipv4,
    /// Octets in base 64.
    Base64,
    /// IPv6 addresses.
    Ipv6,
    /// Numbers of 16 bits.
    Numbers,
    /// Octets as a character string.
    Octets,
}

/// The names of keys and their values (IANA's registry of service parameter keys).
const KEYS: [(&str, u16, Value); 10] = [
    ("mandatory", 0, Value::Keys),
    ("alpn", 1, Value::Protocols),
    ("no-default-alpn", 2, Value::Empty),
    ("port", 3, Value::Port),
    ("ipv4hint", 4, Value::Ipv4),
    ("ech", 5, Value::Base64),
    ("ipv6hint", 6, Value::Ipv6),
    ("dohpath", 7, Value::Octets),
    ("ohttp", 8, Value::Empty),
    ("tls-supported-groups", 9, Value::Numbers),
];

/// Reads parameters to the end of the entry.
pub(super) fn scan(fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), RdataFault> {
    let mut parameters = BTreeMap::new();
    while !fields.is_empty() {
        let (key, value) = scan_parameter(fields)?;
        if parameters.insert(key, value).is_some() {
            return Err(RdataFault::Malformed("parameter given twice"));
        }
    }
    if let Some(mandatory) = parameters.get(&0)
        && !mandatory.chunks(2).all(|key| parameters.contains_key(&number(key)))
    {
        return Err(RdataFault::Malformed("mandatory names a parameter that is not there"));
    }
    for (key, value) in parameters {
        let length = u16::try_from(value.len()).map_err(|_| RdataFault::TooLong)?;
        out.extend_from_slice(&key.to_be_bytes());
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&value);
    }
    Ok(())
}

/// How many octets the parameters take: all of them, if they are sorted and each is of its kind.
pub(super) fn measure(parameters: &[u8]) -> Option<usize> {
    let mut last = None;
    let mut rest = parameters;
    while !rest.is_empty() {
        let (key, value, after) = split_parameter(rest)?;
        if last >= Some(key) || !is_value(kind(key), value) {
            return None;
        }
        if key == 0 && !has_keys(after, value) {
            return None;
        }
        last = Some(key);
        rest = after;
    }
    Some(parameters.len())
}

/// Writes the parameters.
pub(super) fn present(parameters: &[u8], out: &mut String) {
    let mut rest = parameters;
    while let Some((key, value, after)) = split_parameter(rest) {
        if rest.len() < parameters.len() {
            out.push(' ');
        }
        push_key(key, out);
        if kind(key) != Value::Empty && !value.is_empty() {
            out.push('=');
            push_value(kind(key), value, out);
        }
        rest = after;
    }
}

/// Reads one parameter: `KEY` or `KEY=VALUE`, the value quoted or not, or all of it quoted.
fn scan_parameter(fields: &mut Fields<'_>) -> Result<(u16, Vec<u8>), RdataFault> {
    let text = fields.peek()?;
    let key_end = text.iter().position(|octet| *octet == b'=').unwrap_or(text.len());
    let (key, is_generic) = parse_key(&text[..key_end]).ok_or(RdataFault::Malformed("expected a parameter"))?;
    let mut octets = Vec::new();
    fields.take_octets(&mut octets)?;
    while fields.is_joined() {
        fields.take_octets(&mut octets)?;
    }
    // A key has no escapes, so it is as long decoded as it is written.
    let value = octets.get(key_end + 1..).unwrap_or_default();
    let value = if is_generic { value.to_vec() } else { encode(kind(key), value).ok_or(BAD_VALUE)? };
    if is_value(kind(key), &value) { Ok((key, value)) } else { Err(BAD_VALUE) }
}

/// Reads a key by its name, or as `keyNNNNN`; also says whether it was the latter.
fn parse_key(text: &[u8]) -> Option<(u16, bool)> {
    if let Some((_, key, _)) = KEYS.iter().find(|(name, ..)| name.as_bytes() == text) {
        return Some((*key, false));
    }
    let digits = text.strip_prefix(b"key").filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, true))
}

/// What the value of a key is.
fn kind(key: u16) -> Value {
    KEYS.iter().find(|(_, known, _)| *known == key).map_or(Value::Octets, |(.., value)| *value)
}

/// Turns a value as written, escapes of character strings read, into octets.
fn encode(kind: Value, text: &[u8]) -> Option<Vec<u8>> {
    match kind {
        Value::Keys => {
            let mut keys: Vec<u16> = text.split(is_comma).map(|key| Some(parse_key(key)?.0)).collect::<Option<_>>()?;
            keys.sort_unstable();
            Some(keys.iter().flat_map(|key| key.to_be_bytes()).collect())
        }
        Value::Protocols => encode_protocols(text),
        Value::Port => Some(parse_item::<u16>(text)?.to_be_bytes().to_vec()),
        Value::Ipv4 => encode_list(text, |item| Some(parse_item::<Ipv4Addr>(item)?.octets())),
        Value::Ipv6 => encode_list(text, |item| Some(parse_item::<Ipv6Addr>(item)?.octets())),
        Value::Numbers => encode_list(text, |item| Some(parse_item::<u16>(item)?.to_be_bytes())),
        Value::Base64 => BASE64.decode(text).ok(),
        Value::Empty | Value::Octets => Some(text.to_vec()),
    }
}

/// Encodes items with commas between them, each to as many octets.
fn encode_list<const N: usize>(text: &[u8], encode: impl Fn(&[u8]) -> Option<[u8; N]>) -> Option<Vec<u8>> {
    let items: Option<Vec<[u8; N]>> = text.split(is_comma).map(encode).collect();
    items.map(|items| items.concat())
}

/// Encodes identifiers with commas between them, in which a backslash escapes a comma or itself (RFC 9460, appendix A.1).
fn encode_protocols(text: &[u8]) -> Option<Vec<u8>> {
    let mut octets = vec![0];
    let mut start = 0;
    let mut rest = text.iter();
    while let Some(octet) = rest.next() {
        match octet {
            b',' => {
                octets[start] = u8::try_from(octets.len() - start - 1).ok()?;
                start = octets.len();
                octets.push(0);
            }
            b'\\' => octets.push(*rest.next()?),
            _ => octets.push(*octet),
        }
    }
    octets[start] = u8::try_from(octets.len() - start - 1).ok()?;
    Some(octets)
}

/// Whether octets are a value of a kind.
fn is_value(kind: Value, value: &[u8]) -> bool {
    let is_list = |octets: usize| !value.is_empty() && value.len().is_multiple_of(octets);
    match kind {
        Value::Keys => is_list(2) && number(value) > 0 && value.chunks(2).is_sorted_by(|a, b| number(a) < number(b)),
        Value::Protocols => {
            let mut rest = value;
            while let Some((_, after)) = split_string(rest).filter(|(item, _)| !item.is_empty()) {
                rest = after;
            }
            !value.is_empty() && rest.is_empty()
        }
        Value::Empty => value.is_empty(),
        Value::Port => value.len() == 2,
        Value::Ipv4 => is_list(4),
        Value::Ipv6 => is_list(16),
        Value::Numbers => is_list(2),
        Value::Base64 => !value.is_empty(),
        Value::Octets => true,
    }
}

/// Writes a key.
fn push_key(key: u16, out: &mut String) {
    match KEYS.iter().find(|(_, known, _)| *known == key) {
        Some((name, ..)) => out.push_str(name),
        None => {
            let _ = write!(out, "key{key}");
        }
    }
}

/// Writes a value.
fn push_value(kind: Value, value: &[u8], out: &mut String) {
    let mut push_list = |octets: usize, push: &dyn Fn(&[u8], &mut String)| {
        for (index, item) in value.chunks(octets).enumerate() {
            out.push_str(if index > 0 { "," } else { "" });
            push(item, out);
        }
    };
    match kind {
        Value::Keys => push_list(2, &|item, out| push_key(number(item), out)),
        Value::Port | Value::Numbers => push_list(2, &|item, out| out.push_str(&number(item).to_string())),
        Value::Ipv4 => push_list(4, &|item, out| Field::Ipv4.present(item, out)),
        Value::Ipv6 => push_list(16, &|item, out| Field::Ipv6.present(item, out)),
        Value::Base64 => out.push_str(&BASE64.encode(value)),
        Value::Protocols => present::push_quoted(out, &escape_protocols(value)),
        Value::Empty | Value::Octets => present::push_quoted(out, value),
    }
}

/// Identifiers with their lengths as a list with commas, escaped.
fn escape_protocols(value: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut rest = value;
    while let Some((item, after)) = split_string(rest) {
        if rest.len() < value.len() {
            text.push(b',');
        }
        for octet in item {
            if matches!(octet, b',' | b'\\') {
                text.push(b'\\');
            }
            text.push(*octet);
        }
        rest = after;
    }
    text
}

/// The first character string, and what follows.
fn split_string(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = octets.split_first()?;
    rest.split_at_checked(usize::from(*length))
}

/// The first parameter: its key, its value, and what follows.
fn split_parameter(parameters: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (key, rest) = parameters.split_at_checked(2)?;
    let (length, rest) = rest.split_at_checked(2)?;
    let (value, rest) = rest.split_at_checked(usize::from(number(length)))?;
    Some((number(key), value, rest))
}

/// Whether all keys of a list are among the parameters; both ascend.
fn has_keys(parameters: &[u8], keys: &[u8]) -> bool {
    let mut wanted = keys.chunks(2).map(number).peekable();
    let mut rest = parameters;
    while let Some((key, _, after)) = split_parameter(rest) {
        wanted.next_if_eq(&key);
        rest = after;
    }
    wanted.next().is_none()
}

/// Reads an item of a list.
fn parse_item<T: FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok().filter(|text| !text.starts_with('+'))?.parse().ok()
}

/// Whether an octet separates items.
fn is_comma(octet: &u8) -> bool {
    *octet == b','
}

/// The first two octets as a number.
fn number(octets: &[u8]) -> u16 {
    octets.first_chunk().map_or(0, |octets| u16::from_be_bytes(*octets))
}

/// A value that is not what its key wants.
const BAD_VALUE: RdataFault = RdataFault::Malformed("parameter whose value is not of its kind");
