//! The words of an entry by the classes of a window: [`Cursor`] gives out the same words as `token.rs`, in the same order, without looking
//! at their octets one by one.
//!
//! Comments, blanks, line ends in parentheses and quotes are stepped over here. Whatever else an entry may have, escapes above all, and
//! every fault, is `None`: then the tokenizer reads the entry.

use super::super::simd::{CHUNK_OCTETS, Window};

/// Bits that a look at a mask has at least.
const LOOK_BITS: usize = 57;

/// A word, or what stands in quotes: a range of the window's text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    /// Where it starts.
    pub(super) start: usize,
    /// How many octets it has.
    pub(super) length: usize,
}

/// What comes next in an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Next {
    /// A word.
    Word,
    /// A quoted string.
    Quoted,
    /// Nothing: the line end that ends the entry.
    End,
}

/// A place in a window of text.
#[derive(Debug)]
pub(super) struct Cursor<'t> {
    /// The window.
    window: &'t Window,
    /// Where the window ends. One octet behind it where the text ends in it: what ends the last line is a line end behind the window.
    limit: usize,
    /// The next octet.
    at: usize,
    /// Its line.
    line: u32,
    /// Open parentheses.
    depth: u32,
}

impl<'t> Cursor<'t> {
    /// Starts at the beginning of a line.
    pub(super) fn new(window: &'t Window, limit: usize, at: usize, line: u32) -> Self {
        Self { window, limit, at, line, depth: 0 }
    }

    /// The line it stands on.
    #[inline]
    pub(super) fn line(&self) -> u32 {
        self.line
    }

    /// Whether the window ends here.
    #[inline]
    pub(super) fn is_at_limit(&self) -> bool {
        self.at >= self.limit
    }

    /// The octet at a place.
    #[inline(always)]
    pub(super) fn octet(&self, at: usize) -> u8 {
        self.window.octet(at)
    }

    /// The octets of a word.
    #[inline(always)]
    pub(super) fn octets(&self, word: Word) -> &'t [u8] {
        self.window.octets(word.start, word.length)
    }

    /// Eight octets from a place on, the first lowest.
    #[inline(always)]
    pub(super) fn eight(&self, at: usize) -> u64 {
        self.window.eight(at)
    }

    /// As many octets from a place on as are copied at once.
    #[inline(always)]
    pub(super) fn chunk(&self, at: usize) -> &'t [u8; CHUNK_OCTETS] {
        self.window.chunk(at)
    }

    /// The dots from a place on, in the lowest bits of which there are as many as a look has.
    #[inline(always)]
    pub(super) fn dots(&self, at: usize) -> u64 {
        self.window.dots(at)
    }

    /// Steps over lines without any words to the first that has one, and to its first word; tells where that line starts, and
    /// whether it does so with a blank.
    #[inline]
    pub(super) fn start_entry(&mut self) -> Start {
        loop {
            let start = Start { at: self.at, line: self.line, is_blank: false };
            if self.window.ends(self.at) & 1 == 0 || self.is_at_limit() {
                return start;
            }
            let is_blank = matches!(self.octet(self.at), b' ' | b'\t');
            self.skip_blanks();
            match self.octet(self.at) {
                b'\n' if !self.is_at_limit() => self.end_line(),
                b';' if self.skip_comment().is_some() => (),
                _ => return Start { is_blank, ..start },
            }
        }
    }

    /// What comes next; steps over what has no meaning before it.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Next> {
        if self.window.ends(self.at) & 1 == 0 {
            return Some(Next::Word);
        }
        if self.depth == 0 && self.octet(self.at) == b'\n' && !self.is_at_limit() {
            return Some(Next::End);
        }
        self.next_special()
    }

    /// What comes next where it is not a word.
    #[inline(never)]
    fn next_special(&mut self) -> Option<Next> {
        while !self.is_at_limit() {
            if self.window.ends(self.at) & 1 == 0 {
                return Some(Next::Word);
            }
            match self.octet(self.at) {
                b'\n' if self.depth == 0 => return Some(Next::End),
                b'\n' => self.end_line(),
                b';' => self.skip_comment()?,
                b'"' => return Some(Next::Quoted),
                // One within another is a fault, for the reader of tokens to tell.
                b'(' if self.depth > 0 => return None,
                b'(' => {
                    self.depth += 1;
                    self.at += 1;
                }
                b')' => {
                    self.depth = self.depth.checked_sub(1)?;
                    self.at += 1;
                }
                b' ' | b'\t' | b'\r' => (),
                _ => return None,
            }
            self.skip_blanks();
        }
        None
    }

    /// Takes the next word, and steps over the blanks behind it.
    #[inline(always)]
    pub(super) fn word(&mut self) -> Option<Word> {
        let mut ends = self.window.ends(self.at);
        if ends & 1 != 0 {
            if self.next_special()? != Next::Word {
                return None;
            }
            ends = self.window.ends(self.at);
        }
        let start = self.at;
        let length = if ends == 0 { self.long_word()? } else { ends.trailing_zeros() as usize };
        self.at += length;
        self.skip_blanks();
        Some(Word { start, length })
    }

    /// The length of a word that is longer than a look.
    #[inline(never)]
    fn long_word(&self) -> Option<usize> {
        let mut length = LOOK_BITS;
        while self.at + length <= self.limit {
            match self.window.ends(self.at + length) {
                0 => length += LOOK_BITS,
                ends => return Some(length + ends.trailing_zeros() as usize),
            }
        }
        None
    }

    /// Takes the quoted string that comes next, and steps over the blanks behind it.
    #[inline]
    pub(super) fn quoted(&mut self) -> Option<Word> {
        let start = self.at + 1;
        let mut end = start;
        while end <= self.limit {
            match self.window.quotes(end) {
                0 => end += LOOK_BITS,
                quotes => {
                    end += quotes.trailing_zeros() as usize;
                    if end >= self.limit || self.octet(end) != b'"' {
                        break;
                    }
                    self.at = end + 1;
                    self.skip_blanks();
                    return Some(Word { start, length: end - start });
                }
            }
        }
        // Where the window ended, this tells so.
        self.at = end;
        None
    }

    /// Takes the end of the entry, and stands at the line behind it.
    #[inline(always)]
    pub(super) fn end(&mut self) -> Option<()> {
        if self.next()? != Next::End {
            return None;
        }
        self.end_line();
        Some(())
    }

    /// Steps over a line end.
    #[inline(always)]
    fn end_line(&mut self) {
        self.at += 1;
        self.line += 1;
    }

    /// Steps over blanks.
    #[inline(always)]
    fn skip_blanks(&mut self) {
        loop {
            let blanks = (!self.window.blanks(self.at)).trailing_zeros() as usize;
            if blanks < LOOK_BITS {
                self.at += blanks;
                return;
            }
            self.at += LOOK_BITS;
        }
    }

    /// Steps to the end of the line.
    #[inline(never)]
    fn skip_comment(&mut self) -> Option<()> {
        while self.at < self.limit {
            match self.window.lines(self.at) {
                0 => self.at += LOOK_BITS,
                lines => {
                    self.at += lines.trailing_zeros() as usize;
                    return (self.at < self.limit).then_some(());
                }
            }
        }
        None
    }
}

/// The start of an entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// Where its first line starts.
    pub(super) at: usize,
    /// That line.
    pub(super) line: u32,
    /// Whether the line starts with a blank.
    pub(super) is_blank: bool,
}
