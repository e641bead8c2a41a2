//! The scanner: records of a regular form straight from text into a part, without tokens and without an allocation.
//!
//! [`Scanner::scan`] goes from entry to entry through a window of text. What an entry means is decided by the same table of fields as
//! ever (`layout.rs`); only the fields themselves are read here in another way, those that zones are full of. Any doubt, and any fault, is
//! `None`: nothing of that entry counts then, and the reader takes it token by token. So the two cannot disagree about what is
//! accepted, or about what is said of what is not.

mod fields;
mod types;

use super::super::simd::Window;
use super::super::ttl;
use super::carried::Carried;
use super::cursor::{Cursor, Word};
use super::digits;
use crate::columns::Part;
use fields::name;
use types::{TYPES, Types};

/// What makes records of text.
#[derive(Debug)]
pub(super) struct Scanner {
    /// The window.
    window: Window,
    /// Where it starts in the text.
    start: usize,
    /// Octets of it; at first there is none.
    length: usize,
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
        Self { window: Window::default(), start: 0, length: 0, types: &TYPES }
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
        let kind = part.kind(carried.kind(entry.rtype, ttl, self.file)?);
        let mut record = part.begin_record(carried.owner_to_begin()?, kind, line)?;
        for field in entry.fields {
            self.field(*field, &mut record.room)?;
        }
        self.cursor.end()?;
        let record = record.end()?;
        part.end_record(record);
        carried.took_record(ttl);
        Some(())
    }

    /// Reads a TTL.
    #[inline(always)]
    fn ttl(&self, eight: u64, word: Word) -> Option<u32> {
        match digits::decimal(eight, word.length) {
            Some(ttl) => Some(ttl),
            None => ttl::parse(self.cursor.octets(word)).ok(),
        }
    }
}

/// The class that every zone here has, as [`digits::mnemonic`] gives it.
const CLASS_IN: u64 = u64::from_le_bytes(*b"IN\0\0\0\0\0\x02");

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
