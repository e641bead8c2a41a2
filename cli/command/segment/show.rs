//! `trine segment show`: what a segment holds and where its octets go.

use clap::{ArgMatches, Command};
use serde_json::{Value, json};

use super::{file, file_argument, open};
use crate::command::{json_flag, print, wants_json};
use crate::exit::Exit;

/// The command.
pub(super) fn command() -> Command {
    Command::new("show")
        .about("Show what a segment holds and where its octets go")
        .arg(file_argument())
        .arg(json_flag())
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Result<Exit, String> {
    let segment = open(&file(matches))?;
    let statistics = segment.statistics();
    if wants_json(matches) {
        let parts =
            statistics.parts.iter().map(|part| json!({"part": part.part, "rows": part.rows, "octets": part.octets}));
        return Ok(print::json(&json!({
            "kind": segment.kind().to_string(),
            "format_version": zone_segment::FORMAT_VERSION,
            "builder": segment.builder(),
            "content_hash": format!("{:032x}", segment.content_hash()),
            "octets": statistics.octets,
            "blocks": segment.block_count(),
            "zones": statistics.zones,
            "names": statistics.names,
            "records": statistics.records,
            "parts": parts.collect::<Vec<Value>>(),
        })));
    }
    print::text_line(&format!(
        "{} segment, format {}, built by {}\ncontent {:032x}, {} octets in {} blocks\n{} zones, {} names, {} records\n",
        segment.kind(),
        zone_segment::FORMAT_VERSION,
        segment.builder(),
        segment.content_hash(),
        statistics.octets,
        segment.block_count(),
        statistics.zones,
        statistics.names,
        statistics.records
    ));
    let per_name = |octets: u64| match statistics.names {
        0 => "-".to_owned(),
        names => format!("{}.{}", octets / names, octets * 10 / names % 10),
    };
    let row = |part: &zone_segment::PartStatistics| {
        [part.part.to_owned(), part.rows.to_string(), part.octets.to_string(), per_name(part.octets)]
    };
    Ok(print::table(["PART", "ROWS", "OCTETS", "A NAME"], &statistics.parts.iter().map(row).collect::<Vec<_>>()))
}
