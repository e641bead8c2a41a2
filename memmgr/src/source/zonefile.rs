//! A zone file as a source: read, checked, sorted.

use std::path::Path;
use std::sync::Arc;

use dns::SortedZone;
use dns::change::ZoneChange;
use dns::compare::{Changed, Comparison, Outcome};
use dns::text::zonefile::{Buffers, Options, Source, ZoneFile};
use zone_segment::{Name, Zone};

use super::stamp;
use crate::builder::BuildRequest;
use crate::manifest::SourceStamp;

/// A zone as its file has it.
#[derive(Debug)]
pub(crate) struct ReadZone {
    /// Its records, checked and in canonical order.
    pub(crate) zone: SortedZone,
    /// How many there are.
    pub(crate) records: u64,
    /// The serial of its SOA record.
    pub(crate) serial: Option<u32>,
    /// Every file read, as it was.
    pub(crate) stamps: Vec<SourceStamp>,
    /// What the checks found that does not keep it from being served.
    pub(crate) warnings: Vec<String>,
}

/// A zone whose file can't be taken.
#[derive(Debug)]
pub(crate) struct Refused {
    /// Every fault found, one text each, `FILE:LINE:COLUMN: error: …` where there is a place.
    pub(crate) errors: Vec<String>,
    /// Every file that was read or looked for, the zone's own first: a change of one may mend it.
    pub(crate) tried: Vec<Arc<Path>>,
}

/// A zone file that was compared with what is served.
#[derive(Debug)]
pub(crate) struct ComparedZone {
    /// What changed; none where it has what is served.
    pub(crate) change: Option<ZoneChange>,
    /// How many records there are.
    pub(crate) records: u64,
    /// Every file read, as it was.
    pub(crate) stamps: Vec<SourceStamp>,
    /// What the checks found in what changed that does not keep it from being served.
    pub(crate) warnings: Vec<String>,
}

/// Reads a file again this often when it changes meanwhile.
const ATTEMPTS: usize = 3;

/// Who reads zone files, one after the other.
pub(crate) struct Reader<'a> {
    /// Memory that is kept from one file to the next.
    buffers: Buffers,
    /// How many threads may read a file.
    threads: usize,
    /// What is built of them.
    request: &'a BuildRequest,
}

impl<'a> Reader<'a> {
    /// One that reads files with `threads` threads each; 0 for as many as the machine runs at once.
    pub(crate) fn new(threads: usize, request: &'a BuildRequest) -> Self {
        Reader { buffers: Buffers::default(), threads, request }
    }

    /// Reads and checks the zone file of a zone.
    ///
    /// # Errors
    ///
    /// [`Refused`] with every fault found.
    pub(crate) fn read(&mut self, path: &Arc<Path>, apex: &Name) -> Result<ReadZone, Refused> {
        config::fault::hit("source-read");
        let options =
            Options { threads: self.threads, progress: Some(self.request.progress.text()), ..Options::default() };
        let mut tried = Vec::new();
        for _ in 0..ATTEMPTS {
            let now = stamp::now_ns();
            let file = self.buffers.read(path, apex, &options);
            if !file.is_changed() {
                return checked(file, path, apex, now, self.request.zonemd);
            }
            tried = files_of(&file, path);
        }
        let error = "error: the file changes while it is read; put a finished one in place by rename";
        Err(Refused { errors: vec![format!("{}: {error}", path.display())], tried })
    }
}

impl Reader<'_> {
    /// Compares the zone file of a zone with what is served, in little memory; none where it has to be read whole: only then it is known what is
    /// wrong with it.
    pub(crate) fn compare(&mut self, path: &Arc<Path>, apex: &Name, zone: Zone<'_>) -> Option<ComparedZone> {
        if self.request.zonemd {
            return None;
        }
        config::fault::hit("source-compare");
        let options =
            Options { threads: self.threads, progress: Some(self.request.progress.text()), ..Options::default() };
        let now = stamp::now_ns();
        let comparison = Comparison::new(zone);
        let file = self.buffers.read_into(path, apex, &options, &comparison);
        if file.is_changed() || !file.errors.is_empty() {
            return None;
        }
        let stamps = stamps_of(&files_of(&file, path), &file.sources, now);
        let (change, records, found) = match comparison.finish(file.columns.files) {
            Outcome::Same { records, warnings } => (None, records, warnings),
            Outcome::Changed(changed) => {
                let Changed { change, records, warnings } = *changed;
                (Some(change), records, warnings)
            }
            Outcome::Whole(reason) => {
                tracing::debug!(zone = %apex, ?reason, "zone-read-whole");
                return None;
            }
        };
        let warnings = file.warnings.iter().map(ToString::to_string);
        let warnings = warnings.chain(found.warnings.iter().map(ToString::to_string)).collect();
        Some(ComparedZone { change, records, stamps, warnings })
    }
}

/// How the files looked that were read from `now` on.
fn stamps_of(paths: &[Arc<Path>], sources: &[Source], now: i64) -> Vec<SourceStamp> {
    let read = paths.iter().zip(sources);
    read.filter_map(|(path, source)| Some(stamp::of_read(Arc::clone(path), &source.stamp?, now))).collect()
}

/// Every file that was read or looked for, the zone's own first.
fn files_of(file: &ZoneFile, path: &Arc<Path>) -> Vec<Arc<Path>> {
    let included = file.columns.files.iter().skip(1).map(|path_read| Arc::from(&**path_read));
    std::iter::once(Arc::clone(path)).chain(included).collect()
}

/// The zone in a file that was read from `now` on.
fn checked(file: ZoneFile, path: &Arc<Path>, apex: &Name, now: i64, zonemd: bool) -> Result<ReadZone, Refused> {
    let tried = files_of(&file, path);
    let ZoneFile { columns, errors, warnings, sources, .. } = file;
    let stamps = stamps_of(&tried, &sources, now);
    let records = columns.records();
    let zone = SortedZone::new(apex.clone(), columns);
    let report = if zonemd { dns::check::zone_with_digest(&zone) } else { dns::check::zone(&zone) };
    let errors: Vec<String> =
        errors.iter().map(ToString::to_string).chain(report.errors.iter().map(ToString::to_string)).collect();
    if !errors.is_empty() {
        return Err(Refused { errors, tried });
    }
    let warnings = warnings.iter().map(ToString::to_string);
    let warnings = warnings.chain(report.warnings.iter().map(ToString::to_string)).collect();
    let serial = dns::check::zone_serial(&zone);
    Ok(ReadZone { zone, records, serial, stamps, warnings })
}
