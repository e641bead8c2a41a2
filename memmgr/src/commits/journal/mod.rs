//! The journal: what changed in zones, found in the logs that are kept: [`Journal`].
//!
//! Its index is made when it is first asked, by reading the logs, and then reads what was appended since. Fifty octets a change set are kept
//! in memory, and nothing of the sets themselves: these are read back from the file, and checked again.
//!
//! A chain of change sets is whole when each serial is that of the one before, and nothing is missing between: neither a log, nor a record, nor
//! a zone's replacement without a change set. Otherwise there is none, and who asks sends the whole zone. A generation that was given a manifest
//! and no record is such a gap, for all zones; one whose record names what was rewritten is a gap for these alone.

mod error;
mod index;

use std::fs;

use dns::change::ChangeSet;
use zone_segment::Name;

pub use self::error::JournalError;
use self::index::Index;
use super::error::TornWhy;
use super::reader::LogReader;
use super::record::{CommitRecord, GenerationChanges, RecordPlace};
use crate::manifest::StateDir;

/// What a log counts for at the least: a block of the file system. So those that hold nothing go too.
const LOG_OCTETS_MIN: u64 = 4096;

/// The logs as a journal.
#[derive(Debug)]
pub struct Journal {
    /// Where they lie.
    directory: StateDir,
    /// Where everything lies in them.
    index: Index,
}

/// Where a change set lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetPlace {
    /// The serial before.
    pub from: u32,
    /// The serial after.
    pub to: u32,
    /// The record that it is in.
    pub record: RecordPlace,
    /// Which one of the record's it is, counted from 0.
    pub ordinal: u32,
}

impl Journal {
    /// The journal of a state directory. Nothing is read.
    pub fn new(directory: StateDir) -> Self {
        Journal { directory, index: Index::default() }
    }

    /// The change sets that bring a zone from one serial to another, as it has it in the generation `until`; none when they are not all
    /// there. Nothing newer than that generation is looked at.
    ///
    /// A serial that stood for two contents, since a source changed data without raising it, is none to start from.
    ///
    /// # Errors
    ///
    /// A log could not be read now.
    pub fn find(&mut self, apex: &Name, from: u32, to: u32, until: u64) -> Result<Option<Vec<SetPlace>>, JournalError> {
        self.refresh()?;
        Ok(self.index.chain(apex, from, to, until))
    }

    /// The same, read.
    ///
    /// # Errors
    ///
    /// A log could not be read, or one of the sets is not what was written.
    pub fn between(
        &mut self,
        apex: &Name,
        from: u32,
        to: u32,
        until: u64,
    ) -> Result<Option<Vec<ChangeSet>>, JournalError> {
        let Some(places) = self.find(apex, from, to, until)? else { return Ok(None) };
        let (mut open, mut read) = (None, None);
        let mut sets = Vec::with_capacity(places.len());
        for place in places {
            // Sets of one record follow one another.
            let record = match read.take() {
                Some((at, record)) if at == place.record => record,
                _ => self.read_record(&place.record, &mut open)?,
            };
            sets.push(self.set_of(&record, apex, &place)?);
            read = Some((place.record, record));
        }
        Ok(Some(sets))
    }

    /// Reads one change set of a zone.
    ///
    /// # Errors
    ///
    /// The log could not be read, or it is not what was written.
    pub fn read(&self, apex: &Name, place: &SetPlace) -> Result<ChangeSet, JournalError> {
        let record = self.read_record(&place.record, &mut None)?;
        self.set_of(&record, apex, place)
    }

    /// What changed after the generation `from`, up to and with `to`, generation by generation: in one zone, or in all. None when the logs
    /// do not reach from the one to the other without a gap.
    ///
    /// # Errors
    ///
    /// A log could not be read, or a record is not what was written.
    pub fn of_generations(
        &mut self,
        from: u64,
        to: u64,
        zone: Option<&Name>,
    ) -> Result<Option<Vec<GenerationChanges>>, JournalError> {
        self.refresh()?;
        if !self.index.reaches(from, to) {
            return Ok(None);
        }
        let (mut open, mut found) = (None, Vec::new());
        for place in &self.index.records_of(from, to, zone) {
            let mut changes = self.read_record(place, &mut open)?.into_changes();
            if let Some(apex) = zone {
                changes.keep_zone(apex);
            }
            if !changes.is_empty() {
                found.push(changes);
            }
        }
        Ok(Some(found))
    }

    /// Removes the oldest logs until those that are left take at most `octets_max` octets; never `needed` and those after it, which a start
    /// would replay. Tells which are removed.
    ///
    /// # Errors
    ///
    /// A log could not be looked at or removed; those before it are.
    pub fn prune(&mut self, octets_max: u64, needed: u64) -> Result<Vec<u64>, JournalError> {
        let lengths = self.lengths()?;
        let mut octets: u64 = lengths.iter().map(|(_, length)| length).sum();
        let mut removed = Vec::new();
        for (number, length) in lengths {
            if octets <= octets_max || number >= needed {
                break;
            }
            let path = self.directory.commit_log(number);
            fs::remove_file(&path).map_err(|source| JournalError::Remove { path, source })?;
            octets -= length;
            removed.push(number);
            self.index.forget(number);
        }
        Ok(removed)
    }

    /// The octets that all logs take.
    ///
    /// # Errors
    ///
    /// A log could not be looked at.
    pub fn octets(&self) -> Result<u64, JournalError> {
        Ok(self.lengths()?.into_iter().map(|(_, length)| length).sum())
    }

    /// What each log takes of the disk, the oldest first.
    fn lengths(&self) -> Result<Vec<(u64, u64)>, JournalError> {
        let lengths = self.present()?.into_iter().map(|number| {
            let path = self.directory.commit_log(number);
            let length = fs::metadata(&path).map_err(|source| JournalError::unread(path, source))?.len();
            Ok((number, length.max(LOG_OCTETS_MIN)))
        });
        lengths.collect()
    }

    /// The numbers of the logs that are there.
    fn present(&self) -> Result<Vec<u64>, JournalError> {
        self.directory.commit_logs().map_err(|source| JournalError::unread(self.directory.commits(), source))
    }

    /// Brings the index up to date.
    fn refresh(&mut self) -> Result<(), JournalError> {
        let present = self.present()?;
        Ok(self.index.refresh(&self.directory, &present)?)
    }

    /// Reads a record back, from the log that is open if it is in that.
    fn read_record(&self, place: &RecordPlace, open: &mut Option<LogReader>) -> Result<CommitRecord, JournalError> {
        let reader = match open.take().filter(|reader| reader.at.number == place.log) {
            Some(reader) => Some(reader),
            None => {
                let at = self.index.position(place.log);
                at.map_or(Ok(None), |at| LogReader::resume(&self.directory, &at))?
            }
        };
        let reader = open.insert(reader.ok_or_else(|| self.changed(place, TornWhy::Missing))?);
        reader.read_at(place)?.map_err(|why| self.changed(place, why))
    }

    /// A change set out of its record.
    fn set_of(&self, record: &CommitRecord, apex: &Name, place: &SetPlace) -> Result<ChangeSet, JournalError> {
        let set = record.changes.get(place.ordinal as usize).filter(|set| set.apex == *apex);
        set.cloned().ok_or_else(|| self.changed(&place.record, TornWhy::NotRecord))
    }

    /// The error of a record that is not what was indexed.
    fn changed(&self, place: &RecordPlace, why: TornWhy) -> JournalError {
        JournalError::Changed { path: self.directory.commit_log(place.log), offset: place.offset, why }
    }
}
