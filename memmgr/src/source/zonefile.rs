//! A zone file as a source: read, checked, sorted.

use std::path::Path;
use std::sync::Arc;

use dns::SortedZone;
use dns::text::zonefile::{Buffers, Options, ZoneFile};
use zone_segment::Name;

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
    /// Every fault found, one text each, `FILE:LINE:COLUMN: error: …` where there is a place.
    pub(crate) fn read(&mut self, path: &Arc<Path>, apex: &Name) -> Result<ReadZone, Vec<String>> {
        config::fault::hit("source-read");
        let options =
            Options { threads: self.threads, progress: Some(self.request.progress.text()), ..Options::default() };
        for _ in 0..ATTEMPTS {
            let now = stamp::now_ns();
            let file = self.buffers.read(path, apex, &options);
            if !file.is_changed() {
                return checked(file, path, apex, now, self.request.zonemd);
            }
        }
        Err(vec![format!(
            "{}: error: the file changes while it is read; put a finished one in place by rename",
            path.display()
        )])
    }
}

/// The zone in a file that was read from `now` on.
fn checked(file: ZoneFile, path: &Arc<Path>, apex: &Name, now: i64, zonemd: bool) -> Result<ReadZone, Vec<String>> {
    let ZoneFile { columns, errors, warnings, sources, .. } = file;
    let files = columns.files.iter().zip(&sources).enumerate();
    // The first is the zone's own.
    let shared = |(index, path_read): (usize, &Path)| if index == 0 { Arc::clone(path) } else { path_read.into() };
    let stamps = files.filter_map(|(index, (path_read, source))| {
        source.stamp.map(|stamp| stamp::of_read(shared((index, path_read)), &stamp, now))
    });
    let stamps = stamps.collect();
    let records = columns.records();
    let zone = SortedZone::new(apex.clone(), columns);
    let report = if zonemd { dns::check::zone_with_digest(&zone) } else { dns::check::zone(&zone) };
    let errors: Vec<String> =
        errors.iter().map(ToString::to_string).chain(report.errors.iter().map(ToString::to_string)).collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let warnings = warnings.iter().map(ToString::to_string);
    let warnings = warnings.chain(report.warnings.iter().map(ToString::to_string)).collect();
    let serial = dns::check::zone_serial(&zone);
    Ok(ReadZone { zone, records, serial, stamps, warnings })
}
