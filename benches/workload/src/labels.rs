//! Many labels in canonical order, each packed into three words: what a zone's names are made of.
//!
//! Labels of letters, digits and hyphens filled up with zeros compare as words in the order that RFC 4034, section 6.1, asks for,
//! so that ten million of them are sorted in a second and take 24 octets each.

use crate::random::Random;

/// A label of up to [`LABEL_LETTERS_MAX`] letters, zeros behind them, as big-endian words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Label([u64; 3]);

/// The most letters of a label: as long as names in a registry's zone are, but for few.
const LABEL_LETTERS_MAX: usize = 20;

/// The fewest letters of a label. Fixed labels beside drawn ones are shorter, or none of these letters.
const LABEL_LETTERS_MIN: usize = 4;

impl Label {
    /// Draws a label of 4 to 20 letters, most often 12, from syllables: neighbours share more letters than of evenly drawn ones, as
    /// those of real zones do.
    pub(crate) fn draw(random: &mut Random) -> Label {
        let spread = (LABEL_LETTERS_MAX - LABEL_LETTERS_MIN) / 2 + 1;
        let length = LABEL_LETTERS_MIN + random.below(spread) + random.below(spread);
        let mut octets = [0; 24];
        let mut is_vowel_next = random.percent(20);
        for octet in &mut octets[..length] {
            let word = random.next();
            let class = if is_vowel_next { VOWELS } else { CONSONANTS };
            *octet = class[(word >> 32) as usize % class.len()];
            // One letter in ten is followed by another of its class.
            is_vowel_next ^= !word.is_multiple_of(10);
        }
        match random.below(16) {
            0 => octets[length - 1] = b"0123456789"[random.below(10)],
            1 if length > 6 => octets[length / 2] = b'-',
            _ => {}
        }
        Label::pack(&octets)
    }

    /// Packs octets.
    fn pack(octets: &[u8; 24]) -> Label {
        let mut words = [0; 3];
        for (word, chunk) in words.iter_mut().zip(octets.as_chunks().0) {
            *word = u64::from_be_bytes(*chunk);
        }
        Label(words)
    }

    /// The words, to draw from what belongs to it.
    pub(crate) fn words(&self) -> &[u64; 3] {
        &self.0
    }

    /// Appends it in wire form: its length and its letters.
    pub(crate) fn push_wire(&self, out: &mut Vec<u8>) {
        let at = out.len();
        out.push(0);
        out.extend(self.0.iter().flat_map(|word| word.to_be_bytes()).take_while(|octet| *octet != 0));
        // At most 24 octets.
        out[at] = (out.len() - at - 1) as u8;
    }
}

/// Labels that differ, in canonical order.
#[derive(Debug)]
pub(crate) struct Labels(Vec<Label>);

impl Labels {
    /// Draws this many.
    pub(crate) fn draw(count: usize, random: &mut Random) -> Labels {
        let mut labels = Vec::with_capacity(count + count / 16 + 64);
        while labels.len() < count {
            while labels.len() < labels.capacity() {
                labels.push(Label::draw(random));
            }
            labels.sort_unstable();
            labels.dedup();
        }
        // Those that are too many go evenly, not from the end of the alphabet.
        let drawn = labels.len();
        let kept = |index: usize| index * count / drawn;
        let mut index = 0;
        labels.retain(|_| {
            index += 1;
            kept(index) != kept(index - 1)
        });
        Labels(labels)
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// One of them.
    pub(crate) fn get(&self, index: usize) -> &Label {
        &self.0[index]
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Label> {
        self.0.iter()
    }

    /// Draws a label that is none of these.
    pub(crate) fn draw_missing(&self, random: &mut Random) -> Label {
        loop {
            let label = Label::draw(random);
            if self.0.binary_search(&label).is_err() {
                return label;
            }
        }
    }
}

/// Letters a syllable begins with, as often as they are used.
const CONSONANTS: &[u8] = b"ttttnnnnssssrrrrlllldddmmmcccppbbgghkfvwjyzxq";

/// Letters a syllable ends with, as often as they are used.
const VOWELS: &[u8] = b"aaaaaeeeeeeiiiiooooouuy";
