//! `trine segment dump`: the zones of a segment as zone files.

use std::io::{self, Write};

use clap::{Arg, ArgMatches, Command};
use dns::text::absolute_name;
use dns::types::Rtype;
use zone_segment::{Name, Node, Zone};

use super::records::{self, RecordRef};
use super::{file, file_argument, open_zones, zones_by_apex};
use crate::command::print;
use crate::exit::Exit;

/// The command.
pub(super) fn command() -> Command {
    Command::new("dump")
        .about("Print the zones of a segment as zone files, in canonical order")
        .arg(file_argument())
        .arg(
            Arg::new("zone")
                .long("zone")
                .value_name("NAME")
                .value_parser(absolute_name)
                .help("Only this zone [default: every zone, each under a comment with its name]"),
        )
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Result<Exit, String> {
    let path = file(matches);
    let segment = open_zones(&path)?;
    let only = matches.get_one::<Name>("zone");
    let mut zones = zones_by_apex(&segment);
    if let Some(only) = only {
        zones.retain(|zone| zone.apex() == only.as_ref());
        if zones.is_empty() {
            return Err(format!("dumping {}: expected a zone {only}, found none of this name", path.display()));
        }
    }
    Ok(print::stream(|out| {
        for zone in &zones {
            if zones.len() > 1 {
                writeln!(out, "; zone {}", zone.apex())?;
            }
            dump(zone, out)?;
        }
        Ok(Exit::Done)
    }))
}

/// Writes every record of a zone, the SOA first as a reader of zone files expects it.
fn dump(zone: &Zone<'_>, out: &mut dyn Write) -> io::Result<()> {
    let is_soa = |record: &RecordRef<'_>| record.set == Rtype::SOA;
    let mut line = String::new();
    for node in zone.nodes() {
        if node.is_apex() {
            write_records(&node, is_soa, &mut line, out)?;
            write_records(&node, |record| !is_soa(record), &mut line, out)?;
        } else {
            write_records(&node, |_| true, &mut line, out)?;
        }
    }
    Ok(())
}

/// Writes those records of a node that `wanted` takes, each on a line that `line` has room for.
fn write_records(
    node: &Node<'_>,
    wanted: impl Fn(&RecordRef<'_>) -> bool,
    line: &mut String,
    out: &mut dyn Write,
) -> io::Result<()> {
    for record in records::of_node(node).filter(wanted) {
        line.clear();
        record.present(node.name(), line);
        line.push('\n');
        out.write_all(line.as_bytes())?;
    }
    Ok(())
}
