//! Waiting for the disk: [`LogSync`], which any thread may have.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::{LogError, LogStep};

/// What a log and those who wait for it have in common.
#[derive(Debug)]
pub(super) struct Shared {
    /// The file.
    pub(super) file: File,
    /// Its path.
    pub(super) path: PathBuf,
    /// The octets appended so far. Stored (release) after the write, loaded (acquire) before a sync.
    pub(super) appended: AtomicU64,
    /// How far the disk is. Held while it is waited for.
    synced: Mutex<Synced>,
    /// How often it was waited for.
    syncs: AtomicU64,
}

/// How far the disk is.
#[derive(Debug)]
struct Synced {
    /// The octets that are there for certain.
    octets: u64,
    /// What the system said when it last failed. Pages that could not be written count as clean afterwards, so a later sync that succeeds
    /// says nothing of them: what failed once has failed for good.
    failed: Option<(io::ErrorKind, Option<i32>)>,
}

/// A log's way to the disk. It may be cloned, and used from another thread than the one that appends.
#[derive(Clone, Debug)]
pub struct LogSync {
    /// What it has in common with the log.
    shared: Arc<Shared>,
}

impl Shared {
    /// Of a file all of whose octets are on the disk.
    pub(super) fn new(file: File, path: PathBuf, octets: u64) -> Shared {
        let synced = Mutex::new(Synced { octets, failed: None });
        Shared { file, path, appended: AtomicU64::new(octets), synced, syncs: AtomicU64::new(0) }
    }
}

impl LogSync {
    /// Of a log.
    pub(super) fn new(shared: &Arc<Shared>) -> LogSync {
        LogSync { shared: Arc::clone(shared) }
    }

    /// Waits until everything is on the disk that was appended before. One wait is enough for all who came before it began.
    ///
    /// # Errors
    ///
    /// The system could not write it, now or earlier. It never will by this log: what is not durable needs a new snapshot.
    pub fn sync(&self) -> Result<(), LogError> {
        let shared = &self.shared;
        let wanted = shared.appended.load(Ordering::Acquire);
        let mut synced = shared.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((kind, code)) = synced.failed {
            let source = code.map_or_else(|| kind.into(), io::Error::from_raw_os_error);
            return Err(LogError::file(LogStep::Sync, &shared.path, source));
        }
        if synced.octets >= wanted {
            return Ok(());
        }
        let octets = shared.appended.load(Ordering::Acquire);
        config::fault::hit("commit-sync");
        // Relaxed: a count, which says nothing of other memory.
        shared.syncs.fetch_add(1, Ordering::Relaxed);
        match shared.file.sync_data() {
            Ok(()) => {
                synced.octets = octets;
                Ok(())
            }
            Err(source) => {
                synced.failed = Some((source.kind(), source.raw_os_error()));
                Err(LogError::file(LogStep::Sync, &shared.path, source))
            }
        }
    }

    /// Whether two are of the same log.
    pub fn is_same(&self, other: &LogSync) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// How often the disk was waited for.
    pub fn syncs(&self) -> u64 {
        self.shared.syncs.load(Ordering::Relaxed)
    }
}
