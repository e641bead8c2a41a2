//! Records and names of a message as they lie in it: [`RawRecord`] finds a record's fields, [`walk_name`] follows a name's compression.
//!
//! Everything that reads messages from outside goes through here, so the rules for pointers stand once. Nothing is copied but what the
//! caller of [`walk_name`] copies.

use zone_segment::{LABEL_OCTETS_MAX, LABELS_MAX, NAME_OCTETS_MAX, NameRef};

use super::header::{HEADER_OCTETS, Header};
use super::query::Question;
use crate::types::{Class, Rtype};

/// A record, its owner's name skipped.
pub(crate) struct RawRecord<'a> {
    /// Whether the owner is the root, written as such.
    pub(crate) is_root_owned: bool,
    /// Its type.
    pub(crate) rtype: Rtype,
    /// Its class.
    pub(crate) class: u16,
    /// Its TTL.
    pub(crate) ttl: u32,
    /// Its RDATA.
    pub(crate) rdata: &'a [u8],
    /// Where it ends.
    pub(crate) end: usize,
}

impl<'a> RawRecord<'a> {
    /// Reads the record at `position`.
    pub(crate) fn parse(message: &'a [u8], position: usize) -> Option<Self> {
        let fixed = walk_name(message, position, |_| ())?;
        let [a, b, c, d, e, f, g, h, i, j] = *message.get(fixed..)?.first_chunk()?;
        let start = fixed + 10;
        let end = start + usize::from(u16::from_be_bytes([i, j]));
        Some(Self {
            is_root_owned: message.get(position) == Some(&0),
            rtype: Rtype(u16::from_be_bytes([a, b])),
            class: u16::from_be_bytes([c, d]),
            ttl: u32::from_be_bytes([e, f, g, h]),
            rdata: message.get(start..end)?,
            end,
        })
    }

    /// Where its RDATA starts.
    pub(crate) fn rdata_start(&self) -> usize {
        self.end - self.rdata.len()
    }
}

/// Reads the question; `None` unless there is exactly one (RFC 9619) and it is whole. Nothing before it could be pointed at, so its name
/// has no compression.
pub(crate) fn parse_question(message: &[u8], header: Header) -> Option<Question<'_>> {
    let [1, ..] = header.counts else { return None };
    let octets = message.get(HEADER_OCTETS..)?;
    let (name, length) = NameRef::parse_prefix(octets).ok()?;
    let (_, fixed) = octets.split_at_checked(length)?;
    let [type_high, type_low, class_high, class_low] = *fixed.first_chunk()?;
    Some(Question {
        name,
        rtype: Rtype(u16::from_be_bytes([type_high, type_low])),
        class: Class(u16::from_be_bytes([class_high, class_low])),
        wire: octets.get(..length + 4)?,
    })
}

/// Follows the name at `start`, hands each label to `put` with its length octet, the root's included, and gives where the name ends.
///
/// `None` when it is cut short, longer than 255 octets, has a label of unknown kind, or a compression pointer that does not go strictly
/// backwards: each jump lands before all octets seen, so a walk ends. [`POINTERS_MAX`] has it end soon.
#[inline]
pub(crate) fn walk_name(message: &[u8], start: usize, mut put: impl FnMut(&[u8])) -> Option<usize> {
    let mut at = start;
    let mut lowest = start;
    let mut octets = 1;
    let mut end = None;
    let mut pointers = 0;
    loop {
        let length = *message.get(at)?;
        match usize::from(length) {
            0 => {
                put(&[0]);
                return Some(end.unwrap_or(at + 1));
            }
            label @ 1..=LABEL_OCTETS_MAX => {
                octets += 1 + label;
                if octets > NAME_OCTETS_MAX {
                    return None;
                }
                put(message.get(at..=at + label)?);
                at += 1 + label;
            }
            _ if length >= POINTER_FIRST => {
                let low = *message.get(at + 1)?;
                let target = usize::from(u16::from_be_bytes([length & !POINTER_FIRST, low]));
                pointers += 1;
                if target >= lowest || target < HEADER_OCTETS || pointers > POINTERS_MAX {
                    return None;
                }
                end.get_or_insert(at + 2);
                lowest = target;
                at = target;
            }
            _ => return None,
        }
    }
}

/// Pointers followed for one name: one before each label, and one to the root, is more than any writer has use for. Without a limit a message of
/// 64 KiB could ask for a walk over 8,000 of them for each of its 4,000 records.
const POINTERS_MAX: usize = LABELS_MAX + 1;

/// Length octets from here on are the first of a compression pointer.
const POINTER_FIRST: u8 = 0xc0;
