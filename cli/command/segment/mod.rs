//! `trine segment`: segment files, with no server needed. One file a command.

mod bench;
mod build;
mod diff;
mod dump;
mod lookup;
mod records;
mod show;
mod verify;

use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};
use zone_segment::{Kind, Segment, Zone};

use super::print;
use crate::exit::Exit;
use crate::supervisor::Chain;

/// The command.
pub(super) fn command() -> Command {
    Command::new("segment").about("Segment files").subcommand_required(true).subcommands([
        build::command(),
        show::command(),
        lookup::command(),
        verify::command(),
        dump::command(),
        diff::command(),
        bench::command(),
    ])
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    let outcome = match matches.subcommand() {
        Some(("build", matches)) => build::run(matches),
        Some(("show", matches)) => show::run(matches),
        Some(("lookup", matches)) => lookup::run(matches),
        Some(("verify", matches)) => verify::run(matches),
        Some(("dump", matches)) => dump::run(matches),
        Some(("diff", matches)) => diff::run(matches),
        Some(("bench", matches)) => bench::run(matches),
        _ => return Exit::Usage,
    };
    outcome.unwrap_or_else(|message| print::failed(&message))
}

/// The argument that names a segment file.
fn file_argument() -> Arg {
    Arg::new("file").value_name("FILE").value_parser(value_parser!(PathBuf)).required(true)
}

/// The file argument.
fn file(matches: &ArgMatches) -> PathBuf {
    matches.get_one::<PathBuf>("file").cloned().unwrap_or_default()
}

/// Opens a segment file.
fn open(path: &Path) -> Result<Segment, String> {
    let file = std::fs::File::open(path).map_err(|error| format!("opening {}: {error}", path.display()))?;
    zone_segment::map(&file).map_err(|error| format!("opening {}: {}", path.display(), Chain(&error)))
}

/// Opens a segment that has to hold zones.
fn open_zones(path: &Path) -> Result<Segment, String> {
    let segment = open(path)?;
    match segment.kind() {
        Kind::Zones => Ok(segment),
        found => Err(format!("opening {}: expected a segment of kind {}, found {found}", path.display(), Kind::Zones)),
    }
}

/// The zones of a segment by apex in canonical order.
fn zones_by_apex(segment: &Segment) -> Vec<Zone<'_>> {
    let mut zones: Vec<Zone<'_>> = segment.zones().collect();
    zones.sort_by_key(|zone| zone.apex());
    zones
}
