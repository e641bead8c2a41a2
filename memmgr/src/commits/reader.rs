//! One log, read record by record: [`LogReader`].
//!
//! Nothing that stands in a file is trusted before its checksum agrees: lengths are held against what is there, and no more memory is taken
//! than that.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::error::{ReadLogError, Torn, TornWhy};
use super::frame::{
    self, LOG_HEADER_OCTETS, LogHeader, RECORD_HEADER_OCTETS, RECORD_MAGIC, RECORD_OCTETS_MAX, RecordHeader,
};
use super::record::{CommitRecord, RecordPlace};
use crate::manifest::StateDir;

/// How much of the file is read at once where records are looked for behind damage.
const SEARCH_OCTETS: usize = 1 << 16;

/// How many octets of possible bodies are read in that search: what looks like headers and is none could have it read everything again and
/// again.
const SEARCH_BODIES_MAX: u64 = 256 << 20;

/// A log that is read from its beginning to its end.
#[derive(Debug)]
pub(super) struct LogReader {
    /// Its file's path.
    pub(super) path: PathBuf,
    /// Its file.
    file: File,
    /// The octets there when it was opened.
    length: u64,
    /// How far it is read.
    pub(super) at: LogPosition,
}

/// How far a log is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogPosition {
    /// The log's number.
    pub(super) number: u64,
    /// The checksum of its header.
    pub(super) log: u128,
    /// The generation that its first record comes after.
    pub(super) after_generation: u64,
    /// Where the next record begins.
    pub(super) offset: u64,
    /// The checksum that it follows.
    pub(super) before: u128,
    /// The generation that it comes after.
    pub(super) generation: u64,
}

/// What stands at a place of a log.
#[derive(Debug)]
pub(super) enum Step {
    /// A record.
    Record(RecordPlace, Box<CommitRecord>),
    /// Nothing more.
    End,
    /// Something that is no record.
    Torn(TornWhy),
}

impl LogReader {
    /// A log, or what is wrong with its beginning.
    ///
    /// # Errors
    ///
    /// The system could not read it.
    pub(super) fn open(directory: &StateDir, number: u64) -> Result<Result<LogReader, TornWhy>, ReadLogError> {
        let path = directory.commit_log(number);
        let failed = |source| ReadLogError { path: path.clone(), source };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Err(TornWhy::Missing)),
            Err(error) => return Err(failed(error)),
        };
        let length = file.metadata().map_err(failed)?.len();
        let mut header = [0; LOG_HEADER_OCTETS];
        if !read_exact(&file, &mut header, 0).map_err(failed)? {
            return Ok(Err(TornWhy::Cut { expected: LOG_HEADER_OCTETS as u64, got: length }));
        }
        Ok(LogHeader::decode(&header, number).map(|(header, log)| {
            let (after_generation, offset) = (header.after_generation, LOG_HEADER_OCTETS as u64);
            let at = LogPosition { number, log, after_generation, offset, before: log, generation: after_generation };
            LogReader { path: path.clone(), file, length, at }
        }))
    }

    /// The same log, from where it was read to; none when another one is there by now, or none.
    ///
    /// # Errors
    ///
    /// The system could not read it.
    pub(super) fn resume(directory: &StateDir, at: &LogPosition) -> Result<Option<LogReader>, ReadLogError> {
        let reader = LogReader::open(directory, at.number)?.ok().filter(|reader| reader.at.log == at.log);
        Ok(reader.map(|reader| LogReader { at: *at, ..reader }))
    }

    /// The next record; after anything else, the same once more.
    ///
    /// # Errors
    ///
    /// The system could not read it.
    pub(super) fn step(&mut self) -> Result<Step, ReadLogError> {
        match self.look().map_err(|source| self.failed(source))? {
            Ok(None) => Ok(Step::End),
            Err(why) => Ok(Step::Torn(why)),
            Ok(Some((header, record))) => {
                let place = self.place(&header);
                self.at.offset += place.length;
                self.at.before = header.checksum;
                self.at.generation = header.generation;
                Ok(Step::Record(place, Box::new(record)))
            }
        }
    }

    /// The record at a place.
    ///
    /// # Errors
    ///
    /// The system could not read it, or something else stands there.
    pub(super) fn read_at(&self, place: &RecordPlace) -> Result<Result<CommitRecord, TornWhy>, ReadLogError> {
        let read = || {
            let header = match self.header_at(place.offset)? {
                Ok(header) if header.octets() == place.length && header.generation == place.generation => header,
                Ok(_) => return Ok(Err(TornWhy::NotRecord)),
                Err(why) => return Ok(Err(why)),
            };
            Ok(self.body_at(place.offset, &header)?.and_then(|body| frame::open(&header, self.at.log, &body)))
        };
        read().map_err(|source| self.failed(source))
    }

    /// What is lost at the place where the records end, with `why`.
    ///
    /// # Errors
    ///
    /// The system could not read it.
    pub(super) fn torn(&self, why: TornWhy) -> Result<Torn, ReadLogError> {
        let records_lost = self.records_behind().map_err(|source| self.failed(source))?;
        let octets_lost = self.length.saturating_sub(self.at.offset);
        Ok(Torn {
            path: self.path.clone(),
            offset: self.at.offset,
            why,
            octets_lost,
            records_lost,
            logs_lost: Vec::new(),
        })
    }

    /// Looks at what stands where the next record would: nothing, a record, or something else.
    fn look(&self) -> io::Result<Result<Option<(RecordHeader, CommitRecord)>, TornWhy>> {
        if self.at.offset >= self.length {
            return Ok(Ok(None));
        }
        let header = match self.header_at(self.at.offset)? {
            Ok(header) => header,
            Err(why) => return Ok(Err(why)),
        };
        let record = match self.body_at(self.at.offset, &header)? {
            Ok(body) => frame::open(&header, self.at.log, &body),
            Err(why) => Err(why),
        };
        Ok(record.and_then(|record| self.follows(&header).map(|()| Some((header, record)))))
    }

    /// Whether a record was written behind the one before it.
    fn follows(&self, header: &RecordHeader) -> Result<(), TornWhy> {
        if header.before != self.at.before {
            return Err(TornWhy::Stray { expected: self.at.before, got: header.before });
        }
        if header.generation <= self.at.generation {
            return Err(TornWhy::Generation { after: self.at.generation + 1, got: header.generation });
        }
        Ok(())
    }

    /// The header of a record whose body is there too.
    fn header_at(&self, offset: u64) -> io::Result<Result<RecordHeader, TornWhy>> {
        let there = self.length.saturating_sub(offset);
        let cut = |expected| Ok(Err(TornWhy::Cut { expected, got: there }));
        let mut octets = [0; RECORD_HEADER_OCTETS];
        if there < octets.len() as u64 || !read_exact(&self.file, &mut octets, offset)? {
            return cut(octets.len() as u64);
        }
        let Some(header) = RecordHeader::decode(&octets) else { return Ok(Err(TornWhy::NotRecord)) };
        let length = u64::from(header.length);
        if length > RECORD_OCTETS_MAX {
            return Ok(Err(TornWhy::TooLong { got: length, expected_max: RECORD_OCTETS_MAX }));
        }
        if header.octets() > there {
            return cut(header.octets());
        }
        Ok(Ok(header))
    }

    /// The body of a record at a place.
    fn body_at(&self, offset: u64, header: &RecordHeader) -> io::Result<Result<Vec<u8>, TornWhy>> {
        // The length was held against what is there.
        let mut body = vec![0; header.length as usize];
        let is_there = read_exact(&self.file, &mut body, offset + RECORD_HEADER_OCTETS as u64)?;
        Ok(if is_there { Ok(body) } else { Err(TornWhy::Cut { expected: header.octets(), got: 0 }) })
    }

    /// How many whole records of this log stand anywhere behind the place where the records end.
    fn records_behind(&self) -> io::Result<u64> {
        let (mut found, mut bodies_read) = (0, 0);
        let mut room = vec![0; SEARCH_OCTETS];
        let mut offset = self.at.offset;
        while offset < self.length && bodies_read <= SEARCH_BODIES_MAX {
            let window = usize::try_from(self.length - offset).map_or(room.len(), |there| there.min(room.len()));
            let window = &mut room[..window];
            if !read_exact(&self.file, window, offset)? {
                break;
            }
            let begins = window.windows(RECORD_MAGIC.len()).position(|octets| octets == RECORD_MAGIC);
            let Some(begins) = begins else {
                // One that lies across the end of the window is found in the next.
                offset += window.len().saturating_sub(RECORD_MAGIC.len() - 1).max(1) as u64;
                continue;
            };
            offset += begins as u64;
            offset += match self.header_at(offset)? {
                Ok(header) => {
                    bodies_read += header.octets();
                    let is_whole = self.body_at(offset, &header)?;
                    let is_whole = is_whole.is_ok_and(|body| header.sum(self.at.log, &body) == header.checksum);
                    found += u64::from(is_whole);
                    if is_whole { header.octets() } else { 1 }
                }
                Err(_) => 1,
            };
        }
        Ok(found)
    }

    /// Where a record lies that begins at the present place.
    fn place(&self, header: &RecordHeader) -> RecordPlace {
        let (generation, length) = (header.generation, header.octets());
        RecordPlace { generation, log: self.at.number, offset: self.at.offset, length }
    }

    /// The error of reading this log.
    fn failed(&self, source: io::Error) -> ReadLogError {
        ReadLogError { path: self.path.clone(), source }
    }
}

/// Fills octets from a place of a file; false when it has fewer.
fn read_exact(file: &File, octets: &mut [u8], offset: u64) -> io::Result<bool> {
    match file.read_exact_at(octets, offset) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
