//! `trine check`: reads zone files as the server would and says everything that is wrong with them.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};
use dns::text::{absolute_name, origin_from_path, zonefile};
use serde::Serialize;
use zone_segment::Name;

use super::{json_flag, print, wants_json};
use crate::exit::Exit;

/// The command.
pub(super) fn command() -> Command {
    Command::new("check")
        .about("Check zone files as the server would read them")
        .arg(
            Arg::new("origin")
                .long("origin")
                .value_name("NAME")
                .value_parser(absolute_name)
                .help("The zone's name [default: from the file's name]"),
        )
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .num_args(1..)
                .required(true)
                .help("Zone files"),
        )
        .arg(json_flag())
}

/// What was found in one file.
#[derive(Debug, Serialize)]
struct Checked {
    /// The file.
    file: PathBuf,
    /// The zone it was read as.
    zone: Option<String>,
    /// The SOA's serial.
    serial: Option<u32>,
    /// Resource records.
    records: u64,
    /// What keeps it from being served.
    errors: Vec<String>,
    /// What does not.
    warnings: Vec<String>,
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    let origin = matches.get_one::<Name>("origin");
    let files = matches.get_many::<PathBuf>("file").into_iter().flatten();
    let checked: Vec<Checked> = files.map(|file| check(file, origin)).collect();
    for one in &checked {
        one.warnings.iter().chain(&one.errors).for_each(|line| eprintln!("{line}"));
    }
    if wants_json(matches) && print::json(&checked) != Exit::Done {
        return Exit::Failed;
    }
    if checked.iter().all(|one| one.errors.is_empty()) { Exit::Done } else { Exit::Failed }
}

/// Checks one file.
fn check(file: &Path, origin: Option<&Name>) -> Checked {
    let mut checked = Checked {
        file: file.to_owned(),
        zone: None,
        serial: None,
        records: 0,
        errors: Vec::new(),
        warnings: Vec::new(),
    };
    let apex = match origin.cloned().map_or_else(|| origin_from_path(file), Ok) {
        Ok(apex) => apex,
        Err(error) => {
            checked.errors.push(format!("{}: error: {error}; give its name with --origin", file.display()));
            return checked;
        }
    };
    let zone = zonefile::read(file, &apex, &zonefile::Options::default());
    let mut records = zone.to_records();
    checked.zone = Some(apex.to_string());
    checked.errors = zone.errors.iter().map(ToString::to_string).collect();
    checked.warnings = zone.warnings.iter().map(ToString::to_string).collect();
    // Of half a zone the checks would say what is not so.
    if checked.errors.is_empty() {
        let report = dns::check::zone(&apex, &mut records, &zone.columns.files);
        checked.errors.extend(report.errors.iter().map(ToString::to_string));
        checked.warnings.extend(report.warnings.iter().map(ToString::to_string));
    }
    checked.serial = dns::check::serial(&apex, &records);
    checked.records = records.len() as u64;
    checked
}
