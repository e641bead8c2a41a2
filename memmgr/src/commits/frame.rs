//! A log's header and a record's header, octet by octet. Numbers are little-endian; no files here.
//!
//! ```text
//! log     0  8  TRINELOG            record     0  4  TREC
//!         8  4  format: 1                      4  4  length of the body
//!        12  4  zero                           8  8  generation
//!        16  8  number                        16 16  checksum of the record before it, or of the log's header
//!        24  8  generation it comes after     32 16  xxh3-128 of log, the 32 octets above and body
//!        32 16  drawn for this log alone      48     body
//!        48 16  xxh3-128 of the 48 octets above
//! ```
//!
//! The checksum of a record is computed over that of its log's header first, so that a record of one log is none in another.

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::error::TornWhy;
use super::record::CommitRecord;

/// The octets of a log's header.
pub(super) const LOG_HEADER_OCTETS: usize = 64;

/// The octets of a record's header.
pub(super) const RECORD_HEADER_OCTETS: usize = 48;

/// The most octets of a record's body: some ten million changed records. More than that goes into a manifest; what claims to be longer is
/// not read into memory.
pub const RECORD_OCTETS_MAX: u64 = 1 << 30;

/// What a log begins with.
const LOG_MAGIC: [u8; 8] = *b"TRINELOG";

/// What a record begins with.
pub(super) const RECORD_MAGIC: [u8; 4] = *b"TREC";

/// The format of logs and records.
const FORMAT: u32 = 1;

/// The header of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogHeader {
    /// The log's number, which its name says too.
    pub(super) number: u64,
    /// The generation that its first record comes after.
    pub(super) after_generation: u64,
    /// Drawn for this log alone: no two logs have the same header.
    pub(super) drawn: [u8; 16],
}

impl LogHeader {
    /// Its octets, and the checksum that the first record follows.
    pub(super) fn encode(&self) -> ([u8; LOG_HEADER_OCTETS], u128) {
        let mut octets = [0; LOG_HEADER_OCTETS];
        octets[..8].copy_from_slice(&LOG_MAGIC);
        octets[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        octets[16..24].copy_from_slice(&self.number.to_le_bytes());
        octets[24..32].copy_from_slice(&self.after_generation.to_le_bytes());
        octets[32..48].copy_from_slice(&self.drawn);
        let checksum = xxh3_128(&octets[..48]);
        octets[48..].copy_from_slice(&checksum.to_le_bytes());
        (octets, checksum)
    }

    /// The header of the log of this number, and the checksum that the first record follows.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn decode(octets: &[u8; LOG_HEADER_OCTETS], number: u64) -> Result<(LogHeader, u128), TornWhy> {
        if octets[..8] != LOG_MAGIC {
            return Err(TornWhy::NotLog);
        }
        let format = u32::from_le_bytes(part(octets, 8));
        if format != FORMAT {
            return Err(TornWhy::Format { expected: FORMAT, got: format });
        }
        let mut drawn = [0; 16];
        drawn.copy_from_slice(&octets[32..48]);
        let after_generation = u64::from_le_bytes(part(octets, 24));
        let header = LogHeader { number: u64::from_le_bytes(part(octets, 16)), after_generation, drawn };
        let (sound, checksum) = header.encode();
        if sound != *octets {
            return Err(TornWhy::Checksum { expected: u128::from_le_bytes(part(octets, 48)), got: checksum });
        }
        if header.number != number {
            return Err(TornWhy::Number { expected: number, got: header.number });
        }
        Ok((header, checksum))
    }
}

/// The header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordHeader {
    /// The octets of the body.
    pub(super) length: u32,
    /// The generation.
    pub(super) generation: u64,
    /// The checksum of what it follows.
    pub(super) before: u128,
    /// Its own.
    pub(super) checksum: u128,
}

impl RecordHeader {
    /// Its octets.
    pub(super) fn encode(&self) -> [u8; RECORD_HEADER_OCTETS] {
        let mut octets = [0; RECORD_HEADER_OCTETS];
        octets[..4].copy_from_slice(&RECORD_MAGIC);
        octets[4..8].copy_from_slice(&self.length.to_le_bytes());
        octets[8..16].copy_from_slice(&self.generation.to_le_bytes());
        octets[16..32].copy_from_slice(&self.before.to_le_bytes());
        octets[32..].copy_from_slice(&self.checksum.to_le_bytes());
        octets
    }

    /// The header that these octets are; none when they do not begin as one.
    pub(super) fn decode(octets: &[u8; RECORD_HEADER_OCTETS]) -> Option<RecordHeader> {
        (octets[..4] == RECORD_MAGIC).then(|| RecordHeader {
            length: u32::from_le_bytes(part(octets, 4)),
            generation: u64::from_le_bytes(part(octets, 8)),
            before: u128::from_le_bytes(part(octets, 16)),
            checksum: u128::from_le_bytes(part(octets, 32)),
        })
    }

    /// The checksum that it should have with this body, in the log whose header has the checksum `log`.
    pub(super) fn sum(&self, log: u128, body: &[u8]) -> u128 {
        let mut sum = Xxh3::new();
        sum.update(&log.to_le_bytes());
        sum.update(&self.encode()[..32]);
        sum.update(body);
        sum.digest128()
    }

    /// The octets of header and body.
    pub(super) fn octets(&self) -> u64 {
        RECORD_HEADER_OCTETS as u64 + u64::from(self.length)
    }
}

/// Why a record can't be written.
#[derive(Debug)]
pub(super) enum SealError {
    /// It does not turn into octets.
    Encode(postcard::Error),
    /// Its body would have this many octets.
    TooLong(u64),
}

/// The octets of a record that follows the checksum `before` in a log, and its own checksum.
///
/// # Errors
///
/// [`SealError`]: a record that would not be read.
pub(super) fn seal(record: &CommitRecord, log: u128, before: u128) -> Result<(Vec<u8>, u128), SealError> {
    let octets = vec![0; RECORD_HEADER_OCTETS];
    let mut octets = postcard::to_extend(record, octets).map_err(SealError::Encode)?;
    let (head, body) = octets.split_at_mut(RECORD_HEADER_OCTETS);
    let length = match u32::try_from(body.len()) {
        Ok(length) if u64::from(length) <= RECORD_OCTETS_MAX => length,
        _ => return Err(SealError::TooLong(body.len() as u64)),
    };
    let mut header = RecordHeader { length, generation: record.generation, before, checksum: 0 };
    header.checksum = header.sum(log, body);
    head.copy_from_slice(&header.encode());
    Ok((octets, header.checksum))
}

/// The record that a header and its body are in a log.
///
/// # Errors
///
/// Any octet of either is other than it was written.
pub(super) fn open(header: &RecordHeader, log: u128, body: &[u8]) -> Result<CommitRecord, TornWhy> {
    let got = header.sum(log, body);
    if got != header.checksum {
        return Err(TornWhy::Checksum { expected: header.checksum, got });
    }
    let record: CommitRecord = postcard::from_bytes(body).map_err(TornWhy::Undecodable)?;
    if record.generation != header.generation {
        return Err(TornWhy::Generation { after: header.generation, got: record.generation });
    }
    Ok(record)
}

/// The octets of a number at a place that is in range for each of the headers.
fn part<const LENGTH: usize>(octets: &[u8], at: usize) -> [u8; LENGTH] {
    std::array::from_fn(|index| octets[at + index])
}
