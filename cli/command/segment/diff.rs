//! `trine segment diff`: what differs between two segments, zone by zone and record by record.
//!
//! Both are walked in canonical order side by side, so that neither is held in memory. Ids of zones, hash keys and the
//! layout of the files do not count: segments that dump alike are equal. Read [`walk`] first.

mod report;
mod walk;

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};

use super::{open_zones, zones_by_apex};
use crate::command::{json_flag, print, wants_json};
use crate::exit::Exit;

use report::{JsonReport, TextReport};

/// The command.
pub(super) fn command() -> Command {
    let file =
        |id, name, help| Arg::new(id).value_name(name).value_parser(value_parser!(PathBuf)).required(true).help(help);
    Command::new("diff")
        .about("Show the records that differ between two segments")
        .after_help("Exit code: 0 when both hold the same records, 1 when they differ and on errors, which standard error tells.")
        .arg(file("old", "OLD", "The segment before: records it alone has are printed behind a `-`"))
        .arg(file("new", "NEW", "The segment after: records it alone has are printed behind a `+`"))
        .arg(json_flag())
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Result<Exit, String> {
    let path = |id| matches.get_one::<PathBuf>(id).cloned().unwrap_or_default();
    let (old, new) = (open_zones(&path("old"))?, open_zones(&path("new"))?);
    let (old, new) = (zones_by_apex(&old), zones_by_apex(&new));
    Ok(print::stream(|out| {
        let summary = if wants_json(matches) {
            let mut report = JsonReport::begin(out)?;
            let summary = walk::segments(&old, &new, &mut report)?;
            report.end(&summary)?;
            summary
        } else {
            let mut report = TextReport::begin(out);
            let summary = walk::segments(&old, &new, &mut report)?;
            report.end(&summary)?;
            summary
        };
        Ok(if summary.zones_differing == 0 { Exit::Done } else { Exit::Failed })
    }))
}
