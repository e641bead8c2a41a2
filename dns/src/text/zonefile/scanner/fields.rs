//! The fields that zones are full of, read in place: each as `field.rs` reads it, or not at all.

use super::super::super::field::Field;
use super::super::super::name::NAME_OCTETS_MAX;
use super::super::super::ttl;
use super::super::carried::NAME_ROOM;
use super::super::cursor::{Cursor, Next, Word};
use super::super::digits;
use super::Entries;
use crate::columns::{CHUNK_OCTETS, Room};
use crate::types::Rtype;
use data_encoding::BASE64;

impl Entries<'_> {
    /// Reads a field of the RDATA.
    #[inline(always)]
    pub(super) fn field(&mut self, field: Field, rdata: &mut Room<'_>) -> Option<()> {
        match field {
            Field::Name => {
                let word = self.cursor.word()?;
                let out = rdata.rest().first_chunk_mut()?;
                let length = name(&self.cursor, self.origin, word, out)?;
                rdata.add(length)?;
            }
            Field::Ipv4 => {
                let word = self.cursor.word()?;
                let dots = self.cursor.dots(word.start);
                let address = digits::ipv4(|at| self.cursor.eight(word.start + at), dots, word.length)?;
                rdata.push(&address)?;
            }
            Field::Ipv6 => {
                let word = self.cursor.word()?;
                let address = digits::ipv6(self.cursor.octets(word))?;
                rdata.push(&address)?;
            }
            Field::U8 | Field::Algorithm => {
                let number = self.number()?;
                rdata.push(&[u8::try_from(number).ok()?])?;
            }
            Field::U16 => {
                let number = self.number()?;
                rdata.push(&u16::try_from(number).ok()?.to_be_bytes())?;
            }
            Field::U32 => {
                let number = self.number()?;
                rdata.push(&number.to_be_bytes())?;
            }
            Field::Seconds => {
                let word = self.cursor.word()?;
                let seconds = match digits::decimal(self.cursor.eight(word.start), word.length) {
                    Some(seconds) => seconds,
                    None => ttl::parse_time(self.cursor.octets(word)).ok()?,
                };
                rdata.push(&seconds.to_be_bytes())?;
            }
            Field::Date => self.date(rdata)?,
            Field::Type => {
                let word = self.cursor.word()?;
                let rtype = self.rtype(word)?;
                rdata.push(&rtype.0.to_be_bytes())?;
            }
            _ => self.long_field(field, rdata)?,
        }
        Some(())
    }

    /// Reads one of the fields that take longer.
    #[inline(never)]
    fn long_field(&mut self, field: Field, rdata: &mut Room<'_>) -> Option<()> {
        match field {
            Field::String => self.string(rdata),
            Field::Tag => {
                let start = rdata.len();
                self.string(rdata)?;
                field.measure(rdata.since(start)).map(|_| ())
            }
            Field::Strings => {
                self.string(rdata)?;
                while self.cursor.next()? != Next::End {
                    self.string(rdata)?;
                }
                Some(())
            }
            Field::Text => {
                let text = self.text()?;
                rdata.push(self.cursor.octets(text))
            }
            Field::Hex => self.encoded(rdata, digits::hex),
            Field::Base64 => self.base64(rdata),
            Field::Salt => {
                let word = self.cursor.word()?;
                let text = self.cursor.octets(word);
                if text == b"-" {
                    return rdata.push(&[0]);
                }
                self.counted(rdata, text, digits::hex)
            }
            Field::Hash => {
                let word = self.cursor.word()?;
                self.counted(rdata, self.cursor.octets(word), digits::base32hex)
            }
            Field::Types => self.set_of_types(rdata),
            _ => None,
        }
    }

    /// Reads a decimal number.
    #[inline(always)]
    fn number(&mut self) -> Option<u32> {
        let word = self.cursor.word()?;
        match digits::decimal(self.cursor.eight(word.start), word.length) {
            Some(number) => Some(number),
            None => {
                let text = self.cursor.octets(word);
                let is_number = text.iter().all(u8::is_ascii_digit);
                std::str::from_utf8(text).ok().filter(|_| is_number)?.parse().ok()
            }
        }
    }

    /// Reads a type.
    #[inline(always)]
    fn rtype(&self, word: Word) -> Option<Rtype> {
        let key = digits::mnemonic(self.cursor.eight(word.start), word.length);
        match self.types.find(key) {
            Some(entry) => Some(entry.rtype),
            None => Rtype::from_mnemonic(self.cursor.octets(word)),
        }
    }

    /// Reads a point in time of fourteen digits.
    fn date(&mut self, rdata: &mut Room<'_>) -> Option<()> {
        let word = self.cursor.word()?;
        if word.length != 14 {
            return None;
        }
        let days = digits::decimal(self.cursor.eight(word.start), 8)?;
        let time = digits::decimal(self.cursor.eight(word.start + 8), 6)?;
        rdata.push(&digits::date(days, time)?.to_be_bytes())
    }

    /// Takes a word or a quoted string.
    #[inline]
    fn text(&mut self) -> Option<Word> {
        match self.cursor.next()? {
            Next::Word => self.cursor.word(),
            Next::Quoted => self.cursor.quoted(),
            Next::End => None,
        }
    }

    /// Reads a character string, its length octet first.
    #[inline]
    fn string(&mut self, rdata: &mut Room<'_>) -> Option<()> {
        let text = self.text()?;
        rdata.push(&[u8::try_from(text.length).ok()?])?;
        rdata.push(self.cursor.octets(text))
    }

    /// Reads encoded octets, each word of which is whole by itself, to the end of the entry.
    #[inline]
    fn encoded(
        &mut self,
        rdata: &mut Room<'_>,
        mut decode: impl FnMut(&[u8], &mut [u8]) -> Option<usize>,
    ) -> Option<()> {
        loop {
            let word = self.cursor.word()?;
            let length = decode(self.cursor.octets(word), rdata.rest())?;
            rdata.add(length)?;
            if self.cursor.next()? == Next::End {
                return Some(());
            }
        }
    }

    /// Reads base 64 to the end of the entry; only its last word may be padded.
    fn base64(&mut self, rdata: &mut Room<'_>) -> Option<()> {
        let mut is_padded = false;
        self.encoded(rdata, |text, out| {
            if is_padded {
                return None;
            }
            let (digits, last) = text.split_last_chunk::<4>()?;
            is_padded = last[3] == b'=';
            if !is_padded {
                return digits::base64(text, out);
            }
            let length = digits::base64(digits, out)?;
            let more = BASE64.decode_mut(last, out.get_mut(length..length + 3)?).ok()?;
            Some(length + more)
        })
    }

    /// Decodes octets and puts their length before them; there must be some, and no more than 255.
    #[inline]
    fn counted(
        &self,
        rdata: &mut Room<'_>,
        text: &[u8],
        decode: impl Fn(&[u8], &mut [u8]) -> Option<usize>,
    ) -> Option<()> {
        let [count, out @ ..] = rdata.rest() else { return None };
        let length = decode(text, out)?;
        *count = u8::try_from(length).ok().filter(|length| *length > 0)?;
        rdata.add(1 + length)
    }

    /// Reads a set of types to the end of the entry; all of them are below 512, as good as every time.
    fn set_of_types(&mut self, rdata: &mut Room<'_>) -> Option<()> {
        let mut bits = [[0_u8; 32]; 2];
        let mut ends = [0_usize; 2];
        while self.cursor.next()? != Next::End {
            let word = self.cursor.word()?;
            let [window, low] = self.rtype(word)?.0.to_be_bytes().map(usize::from);
            *bits.get_mut(window)?.get_mut(low / 8)? |= 0x80 >> (low % 8);
            ends[window] = ends[window].max(low / 8 + 1);
        }
        for (window, (bits, end)) in bits.iter().zip(ends).enumerate() {
            if end > 0 {
                rdata.push(&[window as u8, end as u8])?;
                rdata.push(bits.get(..end)?)?;
            }
        }
        Some(())
    }
}

/// Reads a name to the front of `out`; gives how many octets it has.
#[inline(always)]
pub(super) fn name(cursor: &Cursor<'_>, origin: &[u8], word: Word, out: &mut [u8; NAME_ROOM]) -> Option<usize> {
    let Word { start, length } = word;
    if length == 1 {
        match cursor.octet(start) {
            b'.' => {
                out[0] = 0;
                return Some(1);
            }
            b'@' => {
                out.get_mut(..origin.len())?.copy_from_slice(origin);
                return Some(origin.len());
            }
            _ => (),
        }
    }
    if length >= NAME_OCTETS_MAX {
        return None;
    }
    // The text is copied behind the place of the first length; each dot is then the place of the next.
    let mut copied = 0;
    while copied < length {
        *out.get_mut(copied + 1..)?.first_chunk_mut()? = *cursor.chunk(start + copied);
        copied += CHUNK_OCTETS;
    }
    let mut label = 0;
    let mut from = 0;
    while from < length {
        let mut dots = cursor.dots(start + from) & ((1 << (length - from).min(LOOK_OCTETS)) - 1);
        while dots != 0 {
            let dot = from + dots.trailing_zeros() as usize;
            dots &= dots - 1;
            *out.get_mut(label)? = label_length(dot - label)?;
            label = dot + 1;
        }
        from += LOOK_OCTETS;
    }
    if label == length {
        *out.get_mut(label)? = 0;
        return Some(length + 1);
    }
    *out.get_mut(label)? = label_length(length - label)?;
    let end = length + 1 + origin.len();
    out.get_mut(length + 1..end)?.copy_from_slice(origin);
    (end <= NAME_OCTETS_MAX).then_some(end)
}

/// Dots that are taken from one look at them.
const LOOK_OCTETS: usize = 56;

/// The length octet of a label.
#[inline(always)]
fn label_length(length: usize) -> Option<u8> {
    (1..=63).contains(&length).then_some(length as u8)
}
