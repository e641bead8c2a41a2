//! What is done to a sound segment's octets: edits of a few octets each, read from a fuzzer's input.

use std::ops::Range;

use zone_segment::SegmentBuffer;

/// The most edits of one input: more of them hide one another.
const EDITS_MAX: u8 = 24;

/// What is left of a fuzzer's input; behind its end there are zeros, so that every input means something.
pub(crate) struct Input<'a> {
    /// The octets.
    octets: &'a [u8],
}

impl<'a> Input<'a> {
    /// The whole of an input.
    pub(crate) fn new(octets: &'a [u8]) -> Input<'a> {
        Input { octets }
    }

    /// Whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// The next octet.
    pub(crate) fn octet(&mut self) -> u8 {
        match self.octets.split_first() {
            Some((&first, rest)) => {
                self.octets = rest;
                first
            }
            None => 0,
        }
    }

    /// The next `count` octets as a number.
    pub(crate) fn number(&mut self, count: usize) -> usize {
        (0..count).fold(0, |number, at| number | usize::from(self.octet()) << (8 * at))
    }

    /// Up to `count` octets as they are.
    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.octets.split_at(count.min(self.octets.len()));
        self.octets = rest;
        taken
    }
}

/// Numbers that are often taken for something they are not, for a file of `length` octets.
pub(crate) fn extremes(length: usize) -> [u64; 20] {
    let length = length as u64;
    [
        0,
        1,
        2,
        0x7f,
        0x80,
        0xff,
        0x7fff,
        0x8000,
        0xffff,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_fffe,
        0xffff_ffff,
        0x7fff_ffff_ffff_ffff,
        0x8000_0000_0000_0000,
        u64::MAX,
        length - 1,
        length,
        length + 1,
        length / 8,
    ]
}

/// Does the edits that an input speaks of, inside `region`.
pub(crate) fn apply(input: &mut Input<'_>, octets: &mut SegmentBuffer, region: Range<usize>) {
    let extremes = extremes(octets.len());
    let region = &mut octets[region];
    if region.len() < 8 {
        return;
    }
    for _ in 0..input.octet() % (EDITS_MAX + 1) {
        let operation = input.octet();
        let at = input.number(3) % region.len();
        match operation % 10 {
            0 => region[at] ^= input.octet().max(1),
            1 => put(region, at, 1, extremes[input.number(1) % extremes.len()]),
            2 => put(region, at, 2, extremes[input.number(1) % extremes.len()]),
            3 => put(region, at, 4, extremes[input.number(1) % extremes.len()]),
            4 => put(region, at, 8, extremes[input.number(1) % extremes.len()]),
            5 => {
                let run = run_at(region.len(), at, input.number(1));
                region[run].fill(input.octet());
            }
            6 => {
                let from = run_at(region.len(), input.number(3), input.number(1));
                let length = from.len().min(region.len() - at);
                region.copy_within(from.start..from.start + length, at);
            }
            7 => {
                let run = run_at(region.len(), at, input.number(1));
                let length = run.len();
                region.copy_within(run.end.., run.start);
                let end = region.len();
                region[end - length..].fill(0);
            }
            8 => {
                let length = run_at(region.len(), at, input.number(1)).len();
                let end = region.len();
                region.copy_within(at..end - length, at + length);
            }
            _ => {
                let (at, step) = (at & !3, input.octet().cast_signed());
                let Some(number) = region.get(at..).and_then(|rest| rest.first_chunk::<4>()) else { continue };
                let number = u32::from_le_bytes(*number).wrapping_add_signed(step.into());
                put(region, at, 4, number.into());
            }
        }
    }
}

/// Writes the first octets of a number at the aligned place at or before `at`, as far as there is room.
pub(crate) fn put(region: &mut [u8], at: usize, width: usize, number: u64) {
    let at = at & !(width - 1);
    let room = width.min(region.len() - at);
    region[at..at + room].copy_from_slice(&number.to_le_bytes()[..room]);
}

/// A run of up to `length` octets, at least one, inside a region.
fn run_at(region: usize, at: usize, length: usize) -> Range<usize> {
    let at = at % region;
    at..(at + length + 1).min(region)
}
