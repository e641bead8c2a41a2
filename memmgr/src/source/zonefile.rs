//! A zone file as a source: read, checked, sorted.

use std::path::Path;

use dns::text::zonefile;
use zone_segment::Name;

use super::stamp;
use crate::manifest::SourceStamp;

/// A zone as its file has it.
#[derive(Debug)]
pub(crate) struct ReadZone {
    /// Its records, checked.
    pub(crate) records: Vec<dns::Record>,
    /// Every file read, as it was.
    pub(crate) stamps: Vec<SourceStamp>,
    /// What the checks found that does not keep it from being served.
    pub(crate) warnings: Vec<String>,
}

/// Reads a file again this often when it changes meanwhile.
const ATTEMPTS: usize = 3;

/// Reads and checks the zone file of a zone.
///
/// # Errors
///
/// Every fault found, one text each, `FILE:LINE:COLUMN: error: …` where there is a place.
pub(crate) fn read(path: &Path, apex: &Name) -> Result<ReadZone, Vec<String>> {
    config::fault::hit("source-read");
    for _ in 0..ATTEMPTS {
        let before = stamps(&[path.to_owned()])?;
        let file = zonefile::read(path, apex, &zonefile::Options { threads: 1, progress: None });
        let after = stamps(&file.columns.files)?;
        if !after.starts_with(&before) {
            continue;
        }
        let mut records = file.to_records();
        let report = dns::check::records(apex, &mut records, &file.columns.files);
        let errors: Vec<String> =
            file.errors.iter().map(ToString::to_string).chain(report.errors.iter().map(ToString::to_string)).collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        let warnings = file.warnings.iter().map(ToString::to_string);
        let warnings = warnings.chain(report.warnings.iter().map(ToString::to_string)).collect();
        return Ok(ReadZone { records, stamps: after, warnings });
    }
    Err(vec![format!(
        "{}: error: the file changes while it is read; put a finished one in place by rename",
        path.display()
    )])
}

/// Stamps of files, in their order.
fn stamps(paths: &[std::path::PathBuf]) -> Result<Vec<SourceStamp>, Vec<String>> {
    let one = |path: &std::path::PathBuf| {
        stamp::take(path).map_err(|error| vec![format!("{}: error: {error}", path.display())])
    };
    paths.iter().map(one).collect()
}
