//! What octets mean to a scanner of zone files, 64 of them at a time: [`Window`] has a bit for each octet of a piece of text in each
//! of a few classes, so that the end of a word is a count of zeros and not a loop.
//!
//! The text itself is copied along. That costs little, since the first cache holds all of it, and makes sure that there is something to load
//! from any place on: looks at the window need no checks and no branches.
//!
//! The classes are made with the processor's vectors where it has them, found out at run time once for a window, and else one octet
//! after the other; both give the same. The only file of `text` with unsafe code. Its invariants:
//! - `detected`: code for a feature of the processor runs only after the feature was detected;
//! - `whole-array`: a vector is loaded from an array of just its size.
#![expect(unsafe_code, reason = "vectors are loaded from memory, and code for them called, in no safe way")]

/// Octets of text in a window at most: masks and text together fit the first cache.
pub(super) const WINDOW_OCTETS: usize = 16 << 10;

/// Octets that are loaded at once from a word's start on, whatever its length.
pub(super) const CHUNK_OCTETS: usize = 64;

/// Places that can be looked at. A place outside of them is brought in by dropping its high bits, so that no look needs a check; the
/// scanner's own are in the first half.
const PLACES: usize = 2 * WINDOW_OCTETS;

/// Octets of the copy of the text: a load from any place is within.
const TEXT_OCTETS: usize = PLACES + CHUNK_OCTETS;

/// Octets of a mask: a bit an octet of text, and room for a look from any place.
const MASK_OCTETS: usize = PLACES / 8 + 2 * size_of::<u64>();

/// One class: the bit of each octet, the first lowest.
type Mask = [u8; MASK_OCTETS];

/// A piece of a text and the classes of its octets.
///
/// Behind it there are line ends in the text, but to the classes each octet there is the end of a word, and nothing else.
#[derive(Debug)]
pub(super) struct Window {
    /// The text.
    text: [u8; TEXT_OCTETS],
    /// What ends a word: blanks, line ends, and octets with a meaning of their own.
    ends: Mask,
    /// Blanks: space, tab, carriage return.
    blanks: Mask,
    /// Dots.
    dots: Mask,
    /// Line ends.
    lines: Mask,
    /// What matters in a quoted string: a quote, a backslash, a line end.
    quotes: Mask,
}

impl Default for Window {
    fn default() -> Self {
        let none = [0; MASK_OCTETS];
        Self {
            text: [b'\n'; TEXT_OCTETS],
            ends: [0xff; MASK_OCTETS],
            blanks: none,
            dots: none,
            lines: none,
            quotes: none,
        }
    }
}

/// Looks at a class from an octet on: its bits, 57 at least, the octet's own lowest.
macro_rules! look {
    ($(#[$docs:meta])* $class:ident) => {
        $(#[$docs])*
        #[inline(always)]
        pub(super) fn $class(&self, at: usize) -> u64 {
            look(&self.$class, at)
        }
    };
}

impl Window {
    look! {
        /// The ends of words from an octet on: 57 bits at least, the octet's own lowest.
        ends
    }
    look! {
        /// Blanks, in the same way.
        blanks
    }
    look! {
        /// Dots, in the same way.
        dots
    }
    look! {
        /// Line ends, in the same way.
        lines
    }
    look! {
        /// What matters in a quoted string, in the same way.
        quotes
    }

    /// The octet at a place.
    #[inline(always)]
    pub(super) fn octet(&self, at: usize) -> u8 {
        self.text[at % PLACES]
    }

    /// Eight octets from a place on, the first lowest.
    #[inline(always)]
    pub(super) fn eight(&self, at: usize) -> u64 {
        u64::from_le_bytes(*load(&self.text, at % PLACES))
    }

    /// As many octets from a place on as are copied at once.
    #[inline(always)]
    pub(super) fn chunk(&self, at: usize) -> &[u8; CHUNK_OCTETS] {
        load(&self.text, at % PLACES)
    }

    /// So many octets from a place on.
    #[inline(always)]
    pub(super) fn octets(&self, at: usize, length: usize) -> &[u8] {
        self.text.get(at..at + length).unwrap_or_default()
    }

    /// Takes the first octets of a text, as many as a window has; gives how many those are.
    pub(super) fn take(&mut self, text: &[u8]) -> usize {
        self.take_with(text, implementation())
    }

    /// The same with one implementation.
    fn take_with(&mut self, text: &[u8], implementation: Implementation) -> usize {
        let text = text.get(..WINDOW_OCTETS).unwrap_or(text);
        self.text[..text.len()].copy_from_slice(text);
        self.text[text.len()..text.len() + CHUNK_OCTETS].fill(b'\n');
        let (blocks, rest) = text.as_chunks::<BLOCK_OCTETS>();
        match implementation {
            Implementation::Plain => {
                for (index, block) in blocks.iter().enumerate() {
                    self.put(index, plain(block));
                }
            }
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `detected`.
            Implementation::Avx2 => unsafe { avx2::classify(self, blocks) },
        }
        if !rest.is_empty() {
            let mut block = [0; BLOCK_OCTETS];
            block[..rest.len()].copy_from_slice(rest);
            self.put(blocks.len(), plain(&block));
        }
        self.close(text.len());
        text.len()
    }

    /// Notes the classes of a block.
    #[inline(always)]
    fn put(&mut self, index: usize, classes: Classes) {
        let at = index * size_of::<u64>();
        let masks = [&mut self.ends, &mut self.blanks, &mut self.dots, &mut self.lines, &mut self.quotes];
        for (mask, bits) in masks.into_iter().zip(classes) {
            if let Some(octets) = mask.get_mut(at..at + size_of::<u64>()) {
                octets.copy_from_slice(&bits.to_le_bytes());
            }
        }
    }

    /// Makes what lies behind the window the end of a word and nothing else, as far as a look from within the window reaches.
    fn close(&mut self, length: usize) {
        let (octet, bit) = (length / 8, length % 8);
        let below = (1_u8 << bit) - 1;
        let end = octet + 2 * size_of::<u64>();
        if let Some([first, rest @ ..]) = self.ends.get_mut(octet..end) {
            *first |= !below;
            rest.fill(0xff);
        }
        for mask in [&mut self.blanks, &mut self.dots, &mut self.lines, &mut self.quotes] {
            if let Some([first, rest @ ..]) = mask.get_mut(octet..end) {
                *first &= below;
                rest.fill(0);
            }
        }
    }
}

/// The bits of a mask from one on.
#[inline(always)]
fn look(mask: &Mask, at: usize) -> u64 {
    u64::from_le_bytes(*load(mask, at % PLACES / 8)) >> (at % 8)
}

/// Octets from a place on that is known to have as many behind it; the compiler knows too, so that nothing is checked.
#[inline(always)]
fn load<const OCTETS: usize, const WANTED: usize>(octets: &[u8; OCTETS], at: usize) -> &[u8; WANTED] {
    octets[at..at + WANTED].first_chunk().unwrap_or(&[0; WANTED])
}

/// Octets of text that one word of a mask stands for.
const BLOCK_OCTETS: usize = u64::BITS as usize;

/// The classes of a block: ends of words, blanks, dots, line ends, what matters in quotes.
type Classes = [u64; 5];

/// A way to classify.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Implementation {
    /// One octet after the other.
    Plain,
    /// With vectors of 32 octets.
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

/// The fastest implementation that this processor has.
#[inline]
fn implementation() -> Implementation {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        return Implementation::Avx2;
    }
    Implementation::Plain
}

/// A blank of the low row of ASCII: tab and carriage return.
const LOW_BLANK: u8 = 0x80;
/// A line end.
const LINE: u8 = 0x40;
/// A space.
const SPACE: u8 = 0x20;
/// A parenthesis.
const PARENTHESIS: u8 = 0x10;
/// A dot.
const DOT: u8 = 0x08;
/// A semicolon.
const SEMICOLON: u8 = 0x04;
/// A backslash.
const BACKSLASH: u8 = 0x02;
/// A quote.
const QUOTE: u8 = 0x01;

/// For each class in the order of [`Classes`], the bits of an octet's class that belong to it.
const MEMBERS: [u8; 5] = [!DOT, LOW_BLANK | SPACE, DOT, LINE, QUOTE | BACKSLASH | LINE];

/// Octets with a class.
const CLASSES: [(u8, u8); 10] = [
    (b'\t', LOW_BLANK),
    (b'\r', LOW_BLANK),
    (b'\n', LINE),
    (b' ', SPACE),
    (b'(', PARENTHESIS),
    (b')', PARENTHESIS),
    (b'.', DOT),
    (b';', SEMICOLON),
    (b'\\', BACKSLASH),
    (b'"', QUOTE),
];

/// The class of every octet.
const CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < CLASSES.len() {
        let (octet, class) = CLASSES[index];
        table[octet as usize] = class;
        index += 1;
    }
    table
};

/// Classifies a block, one octet after the other.
fn plain(block: &[u8; BLOCK_OCTETS]) -> Classes {
    let mut classes = [0; 5];
    for (index, octet) in block.iter().enumerate() {
        let class = CLASS[usize::from(*octet)];
        for (bits, members) in classes.iter_mut().zip(MEMBERS) {
            *bits |= u64::from(class & members != 0) << index;
        }
    }
    classes
}

/// Vectors of 32 octets.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{BLOCK_OCTETS, CLASSES, Classes, MEMBERS, Window};
    use std::arch::x86_64::*;

    /// The classes that octets with these low four bits can have. Two classes never share both their low and their high four bits, so
    /// that what the two tables have in common is an octet's class.
    const LOW: [u8; 32] = table(0);
    /// The classes that octets with these high four bits can have.
    const HIGH: [u8; 32] = table(4);

    /// A table by four bits of an octet, for each half of a vector.
    const fn table(shift: u32) -> [u8; 32] {
        let mut table = [0; 32];
        let mut index = 0;
        while index < CLASSES.len() {
            let (octet, class) = CLASSES[index];
            let place = (octet >> shift & 0x0f) as usize;
            table[place] |= class;
            table[place + 16] |= class;
            index += 1;
        }
        table
    }

    /// Classifies blocks.
    #[target_feature(enable = "avx2")]
    pub(super) fn classify(window: &mut Window, blocks: &[[u8; BLOCK_OCTETS]]) {
        let (low, high) = (vector(&LOW), vector(&HIGH));
        for (index, block) in blocks.iter().enumerate() {
            let (halves, _) = block.as_chunks::<32>();
            let [first, second] = [&halves[0], &halves[1]].map(|half| classes(vector(half), low, high));
            let classes: Classes = MEMBERS.map(|members| bits(first, members) | bits(second, members) << 32);
            window.put(index, classes);
        }
    }

    /// The class of each octet.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn classes(octets: __m256i, low: __m256i, high: __m256i) -> __m256i {
        let nibble = _mm256_set1_epi8(0x0f);
        let by_low = _mm256_shuffle_epi8(low, _mm256_and_si256(octets, nibble));
        let by_high = _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16::<4>(octets), nibble));
        _mm256_and_si256(by_low, by_high)
    }

    /// A bit for each octet whose class is among the members.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn bits(classes: __m256i, members: u8) -> u64 {
        let common = _mm256_and_si256(classes, _mm256_set1_epi8(members as i8));
        let others = _mm256_cmpeq_epi8(common, _mm256_setzero_si256());
        u64::from(!_mm256_movemask_epi8(others) as u32)
    }

    /// Loads a vector.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn vector(octets: &[u8; 32]) -> __m256i {
        // SAFETY: `whole-array`.
        unsafe { _mm256_loadu_si256(octets.as_ptr().cast()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The bits of each class in a window, by what is written at `Window`.
    fn expected(text: &[u8], at: usize) -> [bool; 5] {
        let octet = text.get(at).copied();
        let is_any = |set: &[u8]| octet.is_some_and(|octet| set.contains(&octet));
        [octet.is_none() || is_any(b" \t\r\n;()\"\\"), is_any(b" \t\r"), is_any(b"."), is_any(b"\n"), is_any(b"\n\"\\")]
    }

    /// Asserts that all looks at a text are right.
    fn assert_classified(text: &[u8], implementation: Implementation) {
        // From a text before there may be bits anywhere.
        let mut window = Window { dots: [0xff; MASK_OCTETS], ..Window::default() };
        let length = window.take_with(text, implementation);
        assert_eq!(length, text.len().min(WINDOW_OCTETS));
        for at in 0..=length {
            let looks = [window.ends(at), window.blanks(at), window.dots(at), window.lines(at), window.quotes(at)];
            let chunk: Vec<u8> =
                (at..at + CHUNK_OCTETS).map(|at| text[..length].get(at).copied().unwrap_or(b'\n')).collect();
            assert_eq!(*window.chunk(at), *chunk);
            assert_eq!(window.eight(at).to_le_bytes(), chunk[..8]);
            assert_eq!(window.octet(at), chunk[0]);
            for ahead in [0, 1, 7, 31, 56] {
                let found = looks.map(|look| look >> ahead & 1 == 1);
                assert_eq!(found, expected(&text[..length], at + ahead), "{implementation:?} at {at} + {ahead}");
            }
        }
    }

    /// All that this processor has.
    fn implementations() -> Vec<Implementation> {
        let mut all = vec![Implementation::Plain];
        if implementation() != Implementation::Plain {
            all.push(implementation());
        }
        all
    }

    #[test]
    fn every_octet_has_its_classes_at_every_place() {
        let text: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
        for implementation in implementations() {
            for start in 0..70 {
                assert_classified(&text[start..], implementation);
                assert_classified(&text[..start], implementation);
            }
            assert_classified(&text.repeat(WINDOW_OCTETS / text.len() + 1), implementation);
        }
    }

    proptest! {
        #[test]
        fn all_implementations_say_the_same(text in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b' '), Just(b'.')], 0..400)) {
            for implementation in implementations() {
                assert_classified(&text, implementation);
            }
        }
    }
}
