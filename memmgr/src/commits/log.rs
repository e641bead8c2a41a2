//! The log that is appended to: [`CommitLog`].

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::error::{LogError, LogStep, ReadLogError, Torn};
use super::frame::{self, LOG_HEADER_OCTETS, LogHeader, RECORD_OCTETS_MAX, SealError};
use super::reader::{LogReader, Step};
use super::record::{CommitRecord, RecordPlace};
use super::sync::{LogSync, Shared};
use crate::manifest::StateDir;

/// A log, at its end.
#[derive(Debug)]
pub struct CommitLog {
    /// Where it lies.
    directory: StateDir,
    /// Its number.
    number: u64,
    /// Its file, and how much of it is on the disk.
    shared: Arc<Shared>,
    /// The checksum of its header.
    log: u128,
    /// Where the next record goes.
    end: u64,
    /// The checksum that it follows.
    before: u128,
    /// The generation that it comes after.
    generation: u64,
}

impl CommitLog {
    /// A new log, which comes after a generation. When this returns, it is on the disk under its name.
    ///
    /// # Errors
    ///
    /// The step that failed; a log of this number that is there is one. None is left.
    pub fn create(directory: &StateDir, number: u64, after_generation: u64) -> Result<CommitLog, LogError> {
        let path = directory.commit_log(number);
        let mut drawn = [0; 16];
        draw(&mut drawn).map_err(|source| LogError::file(LogStep::Draw, &path, source))?;
        let (header, log) = LogHeader { number, after_generation, drawn }.encode();
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|source| LogError::file(LogStep::Create, &path, source))?;
        if let Err(error) = begin(&file, &header, &path).and_then(|()| sync_directory(directory)) {
            // Nothing names it; left behind, it would be a log without a beginning.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        let end = LOG_HEADER_OCTETS as u64;
        let shared = Arc::new(Shared::new(file, path, end));
        let directory = directory.clone();
        Ok(CommitLog { directory, number, shared, log, end, before: log, generation: after_generation })
    }

    /// A log that is there, to go on with behind its last record. What an append that was cut short left there is cut off. When this
    /// returns, all of it is on the disk.
    ///
    /// # Errors
    ///
    /// The step that failed; or it is damaged otherwise than by being cut short, and is left as it is.
    pub fn open(directory: &StateDir, number: u64) -> Result<CommitLog, LogError> {
        let mut reader = match LogReader::open(directory, number).map_err(unread)? {
            Ok(reader) => reader,
            Err(why) => {
                let (path, logs_lost) = (directory.commit_log(number), Vec::new());
                let torn = Torn { path, offset: 0, why, octets_lost: 0, records_lost: 0, logs_lost };
                return Err(LogError::Damaged(Box::new(torn)));
            }
        };
        let torn = loop {
            match reader.step().map_err(unread)? {
                Step::Record(..) => {}
                Step::End => break None,
                Step::Torn(why) => break Some(reader.torn(why).map_err(unread)?),
            }
        };
        let path = reader.path.clone();
        let at = |step| move |source| LogError::file(step, &directory.commit_log(number), source);
        let file = OpenOptions::new().write(true).open(&path).map_err(at(LogStep::Open))?;
        match torn {
            Some(torn) if !torn.is_tail() => return Err(LogError::Damaged(Box::new(torn))),
            Some(_) => file.set_len(reader.at.offset).map_err(at(LogStep::Truncate))?,
            None => {}
        }
        file.sync_all().map_err(at(LogStep::Sync))?;
        sync_directory(directory)?;
        Ok(CommitLog {
            directory: directory.clone(),
            number,
            shared: Arc::new(Shared::new(file, path, reader.at.offset)),
            log: reader.at.log,
            end: reader.at.offset,
            before: reader.at.before,
            generation: reader.at.generation,
        })
    }

    /// The log after this one: number and generation follow. This one is synced before, so that no power cut leaves a gap in the journal; if it
    /// can't be, what it lacks is in the manifest that the new one comes after.
    ///
    /// # Errors
    ///
    /// As [`CommitLog::create`].
    pub fn rotate(&self) -> Result<CommitLog, LogError> {
        let _ = self.sync().sync();
        CommitLog::create(&self.directory, self.number + 1, self.generation)
    }

    /// Appends a record, with one write. It is on the disk once [`LogSync::sync`] has returned.
    ///
    /// # Errors
    ///
    /// The record does not follow the last one or is too long, or the step that failed. The log is then as it was.
    pub fn append(&mut self, record: &CommitRecord) -> Result<RecordPlace, LogError> {
        let generation = record.generation;
        if generation <= self.generation {
            return Err(LogError::Order { after: self.generation, got: generation });
        }
        let (octets, checksum) = frame::seal(record, self.log, self.before).map_err(|error| match error {
            SealError::Encode(error) => LogError::Encode(error),
            SealError::TooLong(got) => LogError::TooLong { got, expected_max: RECORD_OCTETS_MAX },
        })?;
        config::fault::hit("commit-append");
        if let Err(source) = self.shared.file.write_all_at(&octets, self.end) {
            // Should this fail too, no harm is done: the next record is written over what is left, and it ends the log until then.
            let _ = self.shared.file.set_len(self.end);
            return Err(LogError::file(LogStep::Append, &self.shared.path, source));
        }
        let place = RecordPlace { generation, log: self.number, offset: self.end, length: octets.len() as u64 };
        self.end += place.length;
        self.before = checksum;
        self.generation = generation;
        self.shared.appended.store(self.end, Ordering::Release);
        Ok(place)
    }

    /// Its way to the disk.
    pub fn sync(&self) -> LogSync {
        LogSync::new(&self.shared)
    }

    /// Removes it: the manifest that was to name it could not be written.
    ///
    /// # Errors
    ///
    /// The system refused; then it is still there.
    pub fn discard(self) -> Result<(), LogError> {
        let path = &self.shared.path;
        fs::remove_file(path).map_err(|source| LogError::file(LogStep::Remove, path, source))?;
        sync_directory(&self.directory)
    }

    /// Its number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The generation of its last record, or the one that it comes after.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Its length in octets.
    pub fn octets(&self) -> u64 {
        self.end
    }
}

/// Writes the beginning of a log and waits for the disk.
fn begin(file: &File, header: &[u8], path: &Path) -> Result<(), LogError> {
    file.write_all_at(header, 0).map_err(|source| LogError::file(LogStep::Append, path, source))?;
    file.sync_all().map_err(|source| LogError::file(LogStep::Sync, path, source))
}

/// Syncs the directory of logs.
fn sync_directory(directory: &StateDir) -> Result<(), LogError> {
    let path = directory.commits();
    let synced = File::open(&path).and_then(|directory| directory.sync_all());
    synced.map_err(|source| LogError::file(LogStep::SyncDirectory, &path, source))
}

/// The error of a log that could not be read.
fn unread(error: ReadLogError) -> LogError {
    LogError::File { step: LogStep::Read, path: error.path, source: error.source }
}

/// Fills octets by chance.
fn draw(octets: &mut [u8]) -> io::Result<()> {
    io::Read::read_exact(&mut File::open("/dev/urandom")?, octets)
}

#[cfg(test)]
mod tests {
    use super::super::replay;
    use super::*;

    /// A log that writes to another file than the one it has its name from.
    fn with_file(directory: &StateDir, file: File) -> CommitLog {
        let log = CommitLog::create(directory, 1, 0).unwrap();
        let shared = Arc::new(Shared::new(file, log.shared.path.clone(), log.end));
        CommitLog { shared, ..log }
    }

    #[test]
    fn an_append_that_failed_says_where_and_leaves_the_log_as_it_was() {
        let temporary = tempfile::TempDir::new().unwrap();
        let directory = StateDir::new(temporary.path());
        directory.create().unwrap();
        let mut log = with_file(&directory, OpenOptions::new().write(true).open("/dev/full").unwrap());
        let record = CommitRecord { generation: 1, ..CommitRecord::default() };
        let error = log.append(&record).unwrap_err();
        let LogError::File { step: LogStep::Append, path, source } = &error else { panic!("{error}") };
        assert_eq!((path, source.kind()), (&directory.commit_log(1), io::ErrorKind::StorageFull));
        assert_eq!((log.octets(), log.generation()), (64, 0));
        let mut log = CommitLog::open(&directory, 1).unwrap();
        log.append(&record).unwrap();
        assert_eq!(replay(&directory, 1).unwrap().records.len(), 1);
    }

    #[test]
    fn what_failed_to_reach_the_disk_once_has_failed_for_good() {
        let temporary = tempfile::TempDir::new().unwrap();
        let directory = StateDir::new(temporary.path());
        directory.create().unwrap();
        // A device that takes what is written and can't be synced.
        let mut log = with_file(&directory, OpenOptions::new().write(true).open("/dev/null").unwrap());
        log.append(&CommitRecord { generation: 1, ..CommitRecord::default() }).unwrap();
        for _ in 0..2 {
            let error = log.sync().sync().unwrap_err();
            assert!(matches!(&error, LogError::File { step: LogStep::Sync, .. }), "{error}");
        }
        assert_eq!(log.sync().syncs(), 1, "nothing is tried again");
    }
}
