//! The scanner: records of a regular form straight from text into a part, without tokens and without an allocation.
//!
//! [`Scanner::scan`] goes from entry to entry through a window of text. What an entry means is decided by the same table of fields as
//! ever (`layout.rs`); only the fields themselves are read here in another way, those that zones are full of. Any doubt, and any fault, is
//! `None`: nothing of that entry counts then, and the reader takes it token by token. So the two cannot disagree about what is
//! accepted, or about what is said of what is not.

use super::super::field::Field;
use super::super::layout::layout;
use super::super::name::NAME_OCTETS_MAX;
use super::super::simd::{CHUNK_OCTETS, Window};
use super::super::ttl;
use super::carried::{Carried, NAME_ROOM};
use super::cursor::{Cursor, Next, Word};
use super::digits;
use crate::columns::Part;
use crate::types::Rtype;
use data_encoding::BASE64;
use std::sync::LazyLock;

/// What makes records of text.
#[derive(Debug)]
pub(super) struct Scanner {
    /// The window.
    window: Window,
    /// Where it starts in the text.
    start: usize,
    /// Octets of it; at first there is none.
    length: usize,
    /// The RDATA that is put together.
    rdata: Room,
    /// The types, by their mnemonics.
    types: &'static Types,
}

/// Where the scanner stopped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stop {
    /// At the end of the text.
    End,
    /// At an entry that is not for it.
    Irregular,
    /// At the end of a window.
    Window,
}

/// A place in a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Position {
    /// The octet, a line's first.
    pub(super) at: usize,
    /// The line, from 1.
    pub(super) line: u32,
}

/// A text and what names and numbers in it are to be taken as.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scanned<'t> {
    /// The text.
    pub(super) octets: &'t [u8],
    /// What completes relative names, in wire form.
    pub(super) origin: &'t [u8],
    /// The file's index.
    pub(super) file: u32,
}

impl Default for Scanner {
    fn default() -> Self {
        Self { window: Window::default(), start: 0, length: 0, rdata: Room::default(), types: &TYPES }
    }
}

impl Scanner {
    /// Begins another text.
    pub(super) fn reset(&mut self) {
        (self.start, self.length) = (0, 0);
    }

    /// Reads entries from `position` on, which moves behind those that were read.
    pub(super) fn scan(
        &mut self,
        text: &Scanned<'_>,
        position: &mut Position,
        carried: &mut Carried,
        part: &mut Part,
    ) -> Stop {
        if position.at >= text.octets.len() {
            return Stop::End;
        }
        if position.at < self.start || position.at >= self.start + self.length {
            self.take_window(text, position.at);
        }
        let is_last = self.start + self.length >= text.octets.len();
        let mut entries = Entries {
            cursor: Cursor::new(
                &self.window,
                self.length + usize::from(is_last),
                position.at - self.start,
                position.line,
            ),
            origin: text.origin,
            file: text.file,
            rdata: &mut self.rdata,
            types: self.types,
        };
        let start = entries.run(carried, part);
        // What ends the last line may be the padding, which begins no other.
        let is_behind = self.start + start.at > text.octets.len();
        *position =
            Position { at: (self.start + start.at).min(text.octets.len()), line: start.line - u32::from(is_behind) };
        if !entries.cursor.is_at_limit() {
            return Stop::Irregular;
        }
        if position.at >= text.octets.len() {
            return Stop::End;
        }
        // The entry goes on behind the window: again with one that starts with it. One that does so anyway is too long.
        if is_last || position.at == self.start {
            return Stop::Irregular;
        }
        self.take_window(text, position.at);
        Stop::Window
    }

    /// Takes another window.
    fn take_window(&mut self, text: &Scanned<'_>, start: usize) {
        self.start = start;
        self.length = self.window.take(text.octets.get(start..).unwrap_or_default());
    }
}

/// The entries of a window.
struct Entries<'t> {
    /// Where reading stands.
    cursor: Cursor<'t>,
    /// What completes relative names, in wire form.
    origin: &'t [u8],
    /// The file's index.
    file: u32,
    /// The RDATA that is put together.
    rdata: &'t mut Room,
    /// The types, by their mnemonics.
    types: &'static Types,
}

impl Entries<'_> {
    /// Reads entries up to one that is not for it, or that the window does not hold whole; gives where that starts.
    fn run(&mut self, carried: &mut Carried, part: &mut Part) -> Position {
        loop {
            let start = self.cursor.start_entry();
            if self.cursor.is_at_limit() || self.entry(start.is_blank, carried, part).is_none() {
                return Position { at: start.at, line: start.line };
            }
        }
    }

    /// Reads one entry.
    #[inline(always)]
    fn entry(&mut self, is_blank: bool, carried: &mut Carried, part: &mut Part) -> Option<()> {
        let first = self.cursor.word()?;
        let line = self.cursor.line();
        if is_blank {
            return self.record(first, line, carried, part);
        }
        let text = self.cursor.octets(first);
        if carried.is_owner_text(text) {
            let word = self.cursor.word()?;
            return self.record(word, line, carried, part);
        }
        if text.first() == Some(&b'$') {
            return None;
        }
        carried.read_owner(text, |out| name(&self.cursor, self.origin, first, out))?;
        let record = self.cursor.word().and_then(|word| self.record(word, line, carried, part));
        if record.is_none() {
            carried.revert_owner();
        }
        record
    }

    /// Reads a record from the word behind its owner on.
    #[inline]
    fn record(&mut self, word: Word, line: u32, carried: &mut Carried, part: &mut Part) -> Option<()> {
        let mut word = word;
        let mut ttl = None;
        let mut has_class = false;
        let entry = loop {
            let eight = self.cursor.eight(word.start);
            if ttl.is_none() && (eight as u8).is_ascii_digit() {
                ttl = Some(self.ttl(eight, word)?);
            } else {
                let key = digits::mnemonic(eight, word.length);
                if key == CLASS_IN && !has_class {
                    has_class = true;
                } else {
                    break self.types.find(key)?;
                }
            }
            word = self.cursor.word()?;
        };
        self.rdata.clear();
        for field in entry.fields {
            self.field(*field)?;
        }
        self.cursor.end()?;
        carried.record(entry.rtype, ttl, self.file, line, self.rdata.as_slice(), part)
    }

    /// Reads a TTL.
    #[inline(always)]
    fn ttl(&self, eight: u64, word: Word) -> Option<u32> {
        match digits::decimal(eight, word.length) {
            Some(ttl) => Some(ttl),
            None => ttl::parse(self.cursor.octets(word)).ok(),
        }
    }

    /// Reads a field of the RDATA.
    #[inline(always)]
    fn field(&mut self, field: Field) -> Option<()> {
        match field {
            Field::Name => {
                let word = self.cursor.word()?;
                let start = self.rdata.length;
                let out = self.rdata.octets.get_mut(start..)?.first_chunk_mut()?;
                let length = name(&self.cursor, self.origin, word, out)?;
                self.rdata.length += length;
            }
            Field::Ipv4 => {
                let word = self.cursor.word()?;
                let dots = self.cursor.dots(word.start);
                let address = digits::ipv4(|at| self.cursor.eight(word.start + at), dots, word.length)?;
                self.rdata.push(&address)?;
            }
            Field::Ipv6 => {
                let word = self.cursor.word()?;
                let address = digits::ipv6(self.cursor.octets(word))?;
                self.rdata.push(&address)?;
            }
            Field::U8 | Field::Algorithm => {
                let number = self.number()?;
                self.rdata.push(&[u8::try_from(number).ok()?])?;
            }
            Field::U16 => {
                let number = self.number()?;
                self.rdata.push(&u16::try_from(number).ok()?.to_be_bytes())?;
            }
            Field::U32 => {
                let number = self.number()?;
                self.rdata.push(&number.to_be_bytes())?;
            }
            Field::Seconds => {
                let word = self.cursor.word()?;
                let seconds = match digits::decimal(self.cursor.eight(word.start), word.length) {
                    Some(seconds) => seconds,
                    None => ttl::parse_time(self.cursor.octets(word)).ok()?,
                };
                self.rdata.push(&seconds.to_be_bytes())?;
            }
            Field::Date => self.date()?,
            Field::Type => {
                let word = self.cursor.word()?;
                let rtype = self.rtype(word)?;
                self.rdata.push(&rtype.0.to_be_bytes())?;
            }
            _ => self.long_field(field)?,
        }
        Some(())
    }

    /// Reads one of the fields that take longer.
    #[inline(never)]
    fn long_field(&mut self, field: Field) -> Option<()> {
        match field {
            Field::String => self.string(),
            Field::Tag => {
                let start = self.rdata.length;
                self.string()?;
                field.measure(self.rdata.as_slice().get(start..)?).map(|_| ())
            }
            Field::Strings => {
                self.string()?;
                while self.cursor.next()? != Next::End {
                    self.string()?;
                }
                Some(())
            }
            Field::Text => {
                let text = self.text()?;
                self.rdata.push(self.cursor.octets(text))
            }
            Field::Hex => self.encoded(digits::hex),
            Field::Base64 => self.base64(),
            Field::Salt => {
                let word = self.cursor.word()?;
                let text = self.cursor.octets(word);
                if text == b"-" {
                    return self.rdata.push(&[0]);
                }
                self.counted(text, digits::hex)
            }
            Field::Hash => {
                let word = self.cursor.word()?;
                self.counted(self.cursor.octets(word), digits::base32hex)
            }
            Field::Types => self.set_of_types(),
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
    fn date(&mut self) -> Option<()> {
        let word = self.cursor.word()?;
        if word.length != 14 {
            return None;
        }
        let days = digits::decimal(self.cursor.eight(word.start), 8)?;
        let time = digits::decimal(self.cursor.eight(word.start + 8), 6)?;
        self.rdata.push(&digits::date(days, time)?.to_be_bytes())
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
    fn string(&mut self) -> Option<()> {
        let text = self.text()?;
        self.rdata.push(&[u8::try_from(text.length).ok()?])?;
        self.rdata.push(self.cursor.octets(text))
    }

    /// Reads encoded octets, each word of which is whole by itself, to the end of the entry.
    #[inline]
    fn encoded(&mut self, mut decode: impl FnMut(&[u8], &mut [u8]) -> Option<usize>) -> Option<()> {
        loop {
            let word = self.cursor.word()?;
            let length = decode(self.cursor.octets(word), self.rdata.rest())?;
            self.rdata.length += length;
            if self.cursor.next()? == Next::End {
                return Some(());
            }
        }
    }

    /// Reads base 64 to the end of the entry; only its last word may be padded.
    fn base64(&mut self) -> Option<()> {
        let mut is_padded = false;
        self.encoded(|text, out| {
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
    fn counted(&mut self, text: &[u8], decode: impl Fn(&[u8], &mut [u8]) -> Option<usize>) -> Option<()> {
        let [count, out @ ..] = self.rdata.rest() else { return None };
        let length = decode(text, out)?;
        *count = u8::try_from(length).ok().filter(|length| *length > 0)?;
        self.rdata.length += 1 + length;
        Some(())
    }

    /// Reads a set of types to the end of the entry; all of them are below 512, as good as every time.
    fn set_of_types(&mut self) -> Option<()> {
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
                self.rdata.push(&[window as u8, end as u8])?;
                self.rdata.push(bits.get(..end)?)?;
            }
        }
        Some(())
    }
}

/// Reads a name to the front of `out`; gives how many octets it has.
#[inline(always)]
fn name(cursor: &Cursor<'_>, origin: &[u8], word: Word, out: &mut [u8; NAME_ROOM]) -> Option<usize> {
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

/// The class that every zone here has, as [`digits::mnemonic`] gives it.
const CLASS_IN: u64 = u64::from_le_bytes(*b"IN\0\0\0\0\0\x02");

/// RDATA while it is put together.
#[derive(Debug)]
struct Room {
    /// The octets, as far as `length` says.
    octets: Box<[u8; RDATA_ROOM]>,
    /// How many of them there are.
    length: usize,
}

/// Room for RDATA and what is written over its end; longer ones are not for the scanner.
const RDATA_ROOM: usize = 4096;

impl Default for Room {
    fn default() -> Self {
        Self { octets: Box::new([0; RDATA_ROOM]), length: 0 }
    }
}

impl Room {
    /// Begins another RDATA.
    #[inline(always)]
    fn clear(&mut self) {
        self.length = 0;
    }

    /// The RDATA.
    #[inline(always)]
    fn as_slice(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or_default()
    }

    /// What is free.
    #[inline(always)]
    fn rest(&mut self) -> &mut [u8] {
        self.octets.get_mut(self.length..).unwrap_or_default()
    }

    /// Appends octets.
    #[inline(always)]
    fn push(&mut self, octets: &[u8]) -> Option<()> {
        let end = self.length + octets.len();
        self.octets.get_mut(self.length..end)?.copy_from_slice(octets);
        self.length = end;
        Some(())
    }
}

/// A type that the scanner knows.
#[derive(Clone, Copy, Debug)]
struct TypeEntry {
    /// Its mnemonic, as [`digits::mnemonic`] gives it; 0 in an entry that is none.
    key: u64,
    /// The type.
    rtype: Rtype,
    /// Its fields.
    fields: &'static [Field],
}

/// Types by their mnemonics: a place for each hash of them.
#[derive(Debug)]
struct Types {
    /// What makes hashes that differ.
    factor: u64,
    /// The entries.
    entries: [TypeEntry; TYPES_SLOTS],
}

/// Places for types, so many that a factor is found soon under which no two share one.
const TYPES_SLOTS: usize = 1024;

/// Factors that are tried; should all be of no use, what shares a place with another is for the tokenizer.
const FACTORS_MAX: u64 = 1000;

impl Types {
    /// The place of a mnemonic.
    #[inline(always)]
    fn slot(factor: u64, key: u64) -> usize {
        (key.wrapping_mul(factor) >> (u64::BITS - TYPES_SLOTS.ilog2())) as usize
    }

    /// Looks a mnemonic up.
    #[inline(always)]
    fn find(&self, key: u64) -> Option<&TypeEntry> {
        self.entries.get(Self::slot(self.factor, key)).filter(|entry| entry.key == key && key != 0)
    }

    /// The table of these entries under a factor, and whether each has a place of its own.
    fn place(factor: u64, all: &[TypeEntry]) -> (Self, bool) {
        let mut types = Self { factor, entries: [TypeEntry { key: 0, rtype: Rtype(0), fields: &[] }; TYPES_SLOTS] };
        let mut is_whole = true;
        for entry in all {
            let place = &mut types.entries[Self::slot(factor, entry.key)];
            if place.key == 0 {
                *place = *entry;
            } else {
                is_whole = false;
            }
        }
        (types, is_whole)
    }
}

/// Every type with a mnemonic of up to eight octets and a row in the table of fields.
static TYPES: LazyLock<Types> = LazyLock::new(|| {
    let all: Vec<TypeEntry> = (1..=u16::MAX)
        .map(Rtype)
        .filter(|rtype| !rtype.is_meta())
        .filter_map(|rtype| {
            let key = rtype.mnemonic().and_then(digits::number_of)?;
            Some(TypeEntry { key, rtype, fields: layout(rtype)? })
        })
        .collect();
    let factor = |index: u64| 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(2 * index + 1);
    let is_of_use = |index: &u64| Types::place(factor(*index), &all).1;
    Types::place(factor((0..FACTORS_MAX).find(is_of_use).unwrap_or(0)), &all).0
});

#[cfg(test)]
mod tests {
    use super::*;

    /// What zones are full of, in the ways that signers, registries and hosters write it.
    const REGULAR: &str = "\
example. 3600 IN SOA ns.example. admin.example. 2024010101 7200 3600 604800 300
@ IN SOA ns admin ( 1 ; serial
    2h 1h ; refresh, retry
    1w 300 )

; a comment
\t\t3600\tIN\tNS\tns1.example.
        3600    NS      ns2
a 3600 A 192.0.2.1 ; a comment\r
a AAAA 2001:db8::1
_sip._tcp IN 60 SRV 0 5 5060 sip
mail MX 10 mx
t TXT \"v=spf1 -all\" word
w 60 CNAME .
d DNAME a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.0.1.2.3.4.5.6.7.8.9.example.
c CAA 0 issue \"letsencrypt.org\"
h HINFO PC \"a b\"
k 86400 IN DNSKEY 257 3 13 6BQSyhPkDlprRdYrD/p5Bi89DYL07D6FblnUUMT2603W0JH7oFgflvrGw4SkNVlfBtd7BtttnpuVTjGs1LndvQ==
k 86400 CDNSKEY 257 3 13 (
        mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+
        KkxLbxILfDLUT0rAK9iUzy1L53eKGQ== ) ; a key
s DS 12345 13 2 0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef
s CDS 0 0 0 00
a 1 RRSIG A 13 2 3600 20240201000000 ( 20240101000000 12345 example.
        YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4
        eXo= )
a 1 RRSIG NSEC 8 2 3600 20240201000000 20240101000000 12345 example. YWJj
a 86400 NSEC b.example. A NS SOA MX TXT AAAA RRSIG NSEC DNSKEY CDS CDNSKEY CAA TYPE65
2vptu5timamqttgl4luu9kg21e0aor3s NSEC3 1 0 0 - 2VPTU5TIMAMQTTGL4LUU9KG21E0AOR3S A RRSIG
2vptu5timamqttgl4luu9kg21e0aor3s NSEC3 1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s
_443._tcp TLSA 3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971
f SSHFP 4 1 123456789abcdef67890123456789abcdef67890
p PTR host
z ZONEMD 1 1 1 d2abde240d7cd3ee6b4b28c54df034b9
n NAPTR 100 10 \"u\" \"E2U+sip\" \"\" .
";

    #[test]
    fn every_type_has_a_place() {
        for rtype in (1..=u16::MAX).map(Rtype).filter(|rtype| layout(*rtype).is_some()) {
            let Some(key) = rtype.mnemonic().and_then(digits::number_of) else { continue };
            assert_eq!(TYPES.find(key).map(|entry| entry.rtype), Some(rtype));
        }
    }

    #[test]
    fn what_zones_are_full_of_is_for_the_scanner() {
        let scanned = Scanned { octets: REGULAR.as_bytes(), origin: b"\x07example\0", file: 0 };
        let mut position = Position { at: 0, line: 1 };
        let (mut carried, mut part) = (Carried::default(), Part::default());
        carried.ttls.default = Some(60);
        let stop = Scanner::default().scan(&scanned, &mut position, &mut carried, &mut part);
        assert_eq!(stop, Stop::End, "{}", REGULAR.lines().nth(position.line as usize - 1).unwrap_or_default());
        assert_eq!(position, Position { at: REGULAR.len(), line: REGULAR.lines().count() as u32 + 1 });
    }
}
