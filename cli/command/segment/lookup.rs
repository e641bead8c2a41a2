//! `trine segment lookup`: what a segment says of a name.

use clap::{Arg, ArgMatches, Command};
use dns::text::absolute_name;
use dns::types::Rtype;
use serde_json::json;
use zone_segment::{Find, LookupName, Name, Node};

use super::records::{self, RecordRef};
use super::{file, file_argument, open};
use crate::command::{json_flag, print, wants_json};
use crate::exit::Exit;

/// The command.
pub(super) fn command() -> Command {
    Command::new("lookup")
        .about("Look a name up in a segment")
        .arg(file_argument())
        .arg(Arg::new("name").value_name("NAME").value_parser(absolute_name).required(true))
        .arg(Arg::new("type").value_name("TYPE").value_parser(rtype).help("Only this type [default: every type]"))
        .arg(json_flag())
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Result<Exit, String> {
    let path = file(matches);
    let segment = open(&path)?;
    let name = matches.get_one::<Name>("name").cloned().unwrap_or_else(Name::root);
    let only = matches.get_one::<Rtype>("type").copied();
    let key = LookupName::new(segment.key(), name.as_ref());
    let Some(zone) = segment.find_zone(&key) else {
        return Err(format!("{}: no zone of {name} is in this segment", path.display()));
    };
    let (outcome, node) = match zone.find(&key) {
        Find::Name(node) if node.is_empty_non_terminal() => ("empty non-terminal", node),
        Find::Name(node) => ("exists", node),
        Find::Cut(node) => ("zone cut", node),
        Find::Dname(node) => ("below a DNAME", node),
        Find::Wildcard { source, .. } => ("wildcard", source),
        Find::NoName { closest_encloser } => ("no such name; the closest encloser is", closest_encloser),
    };
    let records = lines(&node, only);
    if wants_json(matches) {
        return Ok(print::json(&json!({
            "zone": zone.apex().to_string(),
            "outcome": outcome,
            "node": node.name().to_string(),
            "records": records,
        })));
    }
    print::text_line(&format!(";; zone {}: {outcome}: {}", zone.apex(), node.name()));
    Ok(if records.is_empty() { Exit::Done } else { print::text_line(&records.join("\n")) })
}

/// The records at a node in presentation format, signatures behind what they cover.
fn lines(node: &Node<'_>, only: Option<Rtype>) -> Vec<String> {
    let wanted = |record: &RecordRef<'_>| only.is_none_or(|only| only == record.set);
    let line = |record: RecordRef<'_>| {
        let mut line = String::new();
        record.present(node.name(), &mut line);
        line
    };
    records::of_node(node).filter(wanted).map(line).collect()
}

/// A record type by its mnemonic.
fn rtype(text: &str) -> Result<Rtype, String> {
    text.parse().map_err(|_| "expected a record type, such as NS or TYPE65280".to_owned())
}
