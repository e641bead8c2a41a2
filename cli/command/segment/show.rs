//! `trine segment show`: what a segment holds and where its octets go.

use clap::{ArgMatches, Command};
use dns::types::Rtype;
use serde_json::{Value, json};
use zone_segment::{Breakdown, PartStatistics, Segment, Statistics, TypeBreakdown};

use super::{file, file_argument, open};
use crate::command::{json_flag, print, wants_json};
use crate::exit::Exit;

/// Record types that have a row of their own: those that take the most octets.
const TYPES_MAX: usize = 8;

/// The table whose octets the breakdown takes apart.
const NODES_PART: &str = "nodes";

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
    let (statistics, breakdown) = (segment.statistics(), segment.breakdown());
    if wants_json(matches) {
        return Ok(print::json(&object(&segment, &statistics, breakdown.as_ref())));
    }
    print::text_line(&format!(
        "{} segment, format {}, built by {}\ncontent {:032x}, {} octets in {} blocks\n{} zones, {} names, {} records\n\
         {} octets a name, {} octets a record\n",
        segment.kind(),
        zone_segment::FORMAT_VERSION,
        segment.builder(),
        segment.content_hash(),
        statistics.octets,
        segment.block_count(),
        statistics.zones,
        statistics.names,
        statistics.records,
        per(statistics.octets, statistics.names),
        per(statistics.octets, statistics.records),
    ));
    Ok(print::table(["PART", "ROWS", "OCTETS", "A NAME"], &rows(&statistics, breakdown.as_ref())))
}

/// The object for programs.
fn object(segment: &Segment, statistics: &Statistics, breakdown: Option<&Breakdown>) -> Value {
    let parts =
        statistics.parts.iter().map(|part| json!({"part": part.part, "rows": part.rows, "octets": part.octets}));
    let of_type = |(rtype, of_type): (&u16, &TypeBreakdown)| {
        json!({
            "type": Rtype(*rtype).to_string(),
            "rrsets": of_type.rrsets,
            "shared": of_type.shared,
            "octets": of_type.octets,
        })
    };
    let nodes = breakdown.map(|breakdown| {
        json!({
            "fixed": breakdown.fixed,
            "names": breakdown.names,
            "links": breakdown.links,
            "directories": breakdown.directories,
            "padding": breakdown.padding,
            "rrsets": breakdown.rrsets.iter().map(of_type).collect::<Vec<Value>>(),
        })
    });
    json!({
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
        "nodes": nodes,
    })
}

/// The rows of the table: each part, under the nodes what they are made of, and what is around the tables.
fn rows(statistics: &Statistics, breakdown: Option<&Breakdown>) -> Vec<[String; 4]> {
    let row = |part: String, rows: Option<u64>, octets: u64| {
        [part, print::or_dash(rows), octets.to_string(), per(octets, statistics.names)]
    };
    let mut table = Vec::new();
    for PartStatistics { part, rows, octets } in &statistics.parts {
        table.push(row((*part).to_owned(), (*rows > 0).then_some(*rows), *octets));
        if let (NODES_PART, Some(breakdown)) = (*part, breakdown) {
            table.extend(node_parts(breakdown).into_iter().map(|(part, rows, octets)| row(part, rows, octets)));
        }
    }
    let in_parts = statistics.parts.iter().map(|part| part.octets).sum();
    table.push(row("header, root, hashes".to_owned(), None, statistics.octets.saturating_sub(in_parts)));
    table
}

/// What nodes are made of: names of the rows, how many RRsets, octets. RRsets count with their signatures.
fn node_parts(breakdown: &Breakdown) -> Vec<(String, Option<u64>, u64)> {
    let mut parts = vec![
        ("  fixed part".to_owned(), None, breakdown.fixed),
        ("  names".to_owned(), None, breakdown.names),
        ("  links".to_owned(), None, breakdown.links),
        ("  RRset directories".to_owned(), None, breakdown.directories),
    ];
    let mut types: Vec<(Rtype, TypeBreakdown)> =
        breakdown.rrsets.iter().map(|(rtype, of_type)| (Rtype(*rtype), *of_type)).collect();
    types.sort_by_key(|(rtype, of_type)| (std::cmp::Reverse(of_type.octets), *rtype));
    let (largest, others) = types.split_at(types.len().min(TYPES_MAX));
    let own = |of_type: &TypeBreakdown| of_type.rrsets - of_type.shared;
    parts.extend(
        largest.iter().map(|(rtype, of_type)| (format!("  {rtype} RRsets"), Some(own(of_type)), of_type.octets)),
    );
    if !others.is_empty() {
        let sum = |number: fn(&TypeBreakdown) -> u64| others.iter().map(|(_, of_type)| number(of_type)).sum();
        parts.push((
            "  RRsets of other types".to_owned(),
            Some(others.iter().map(|(_, of_type)| own(of_type)).sum()),
            sum(|of_type| of_type.octets),
        ));
    }
    parts.push(("  padding".to_owned(), None, breakdown.padding));
    parts
}

/// Octets a piece, with one digit behind the point.
fn per(octets: u64, pieces: u64) -> String {
    match pieces {
        0 => "-".to_owned(),
        pieces => format!("{:.1}", octets as f64 / pieces as f64),
    }
}
